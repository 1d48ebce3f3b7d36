"""Servers and workers are killed, suspended or cut off at every step, and their data is checked after it."""
