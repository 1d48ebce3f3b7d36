"""The version of this distribution, without asking the package metadata (which is slow to read)."""

__version__ = "0.1.0"
