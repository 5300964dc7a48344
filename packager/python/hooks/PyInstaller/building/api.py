"""What is made of an analysis: archives, executables, directories."""

from typing import Any, List

from PyInstaller.building.datastruct import Target

# All that a specification makes, in its order.
MADE: "List[Target]" = []


class Made(Target):
    """A call, with what it was given."""

    def __init__(self, *contents: Any, **settings: Any) -> None:
        self.contents = contents
        self.settings = settings
        self.name = settings.get("name")
        # What it is made of, and an analysis that it belongs to.
        self.owner = next((part.owner for part in contents if getattr(part, "owner", None)), None)
        self.toc: "List[Any]" = []
        self.dependencies: "List[Any]" = []
        MADE.append(self)


class PYZ(Made):
    """An archive of modules."""


class PKG(Made):
    """An archive of an executable."""


class EXE(Made):
    """An executable."""


class COLLECT(Made):
    """A directory with an executable and its files."""


def MERGE(*programs: Any) -> None:
    """Shares files between executables."""
    Merge(programs)


class Merge(Made):
    """A call of MERGE."""
