"""Figures of outdoor scenes: animals, buildings, vessels and people, lit by the scene."""
