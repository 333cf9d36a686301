"""A todo manager for the terminal, on an embedded file or on Neon (PostgreSQL)."""

__version__ = "0.1.0"
