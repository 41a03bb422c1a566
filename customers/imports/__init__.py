"""Guests and bills from people's files: read row by row, checked together, written in one go."""

from customers.imports import sentences

__all__ = ["sentences"]
