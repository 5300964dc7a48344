"""A module."""

from typing import Optional

number: Optional[int] = 3


def function():
    return __file__
