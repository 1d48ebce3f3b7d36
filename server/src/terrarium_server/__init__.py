"""Terrarium: a self-hosted generation server that speaks the public FLORA API."""

__version__ = "0.1.0"
