"""Tests of how runs end and of everything that is written with their end."""
