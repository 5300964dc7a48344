"""A package that can be run."""

from .names import GREETING

__all__ = ["GREETING"]
