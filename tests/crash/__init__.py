"""Servers and workers that are killed before and after every durable step, and what must hold afterwards."""
