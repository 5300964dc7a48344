"""A package that attaches its stub, as those do that use lazy_loader."""

from typing import Any


def attach_stub(name: str, file: str) -> Any:
    """Stands for lazy_loader's function."""


def terminal() -> None:
    """Imports what a hook excludes."""
    import tty

    print(tty.__name__)


attach_stub(__name__, __file__)
