"""Counts what is in store."""

from .stock import Item, Stock

__all__ = ["Item", "Stock"]
__version__ = "1.0"
