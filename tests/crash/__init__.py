"""Servers and workers that are killed, stopped or cut off at every step, and what must hold afterwards."""
