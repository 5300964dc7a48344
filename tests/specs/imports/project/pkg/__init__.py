"""A package whose names come from several places."""

from . import submodule
from .values import VALUE, value_of

__all__ = ["VALUE", "exported", "submodule"]
exported = "exported"
