"""Subjects that stand in outdoor scenes: beasts, buildings, vessels and people, lit by the scene."""
