"""Lists of files, as specifications make and change them."""

import fnmatch
import os
from typing import Any, Iterable, List, Optional, Tuple

from PyInstaller.config import CONF

Entry = Tuple[str, str, str]


class TOC(List[Any]):
    """A table of contents: (name in the program, file, type). Of two entries with one name the first stays."""

    # The Analysis that it comes from.
    owner: Any = None

    def __init__(self, initlist: "Optional[Iterable[Any]]" = None) -> None:
        super().__init__()
        self.owner = getattr(initlist, "owner", None)
        self.extend(initlist or ())

    def append(self, entry: Any) -> None:
        if not any(entry[0] == known[0] for known in self):
            super().append(entry)

    def extend(self, other: "Iterable[Any]") -> None:
        for entry in other:
            self.append(entry)

    def _of(self, entries: "Iterable[Any]") -> "TOC":
        result = TOC(entries)
        result.owner = self.owner
        return result

    def __add__(self, other: Any) -> "TOC":
        return self._of([*self, *other])

    def __radd__(self, other: Any) -> "TOC":
        return self._of([*other, *self])

    def __iadd__(self, other: Any) -> "TOC":  # type: ignore[override,misc]
        self.extend(other)
        return self

    def __sub__(self, other: Any) -> "TOC":
        names = {entry[0] for entry in other}
        return self._of(entry for entry in self if entry[0] not in names)


class Target:
    """Something that is made."""


class Tree(TOC):
    """All files below a directory, without those that a pattern excludes."""

    def __init__(
        self,
        root: "Optional[str]" = None,
        prefix: "Optional[str]" = None,
        excludes: "Optional[Iterable[str]]" = None,
        typecode: str = "DATA",
    ) -> None:
        super().__init__()
        patterns = list(excludes or ())
        # Without exclusions it is one directory: that stays true when files are added to it.
        self.whole = None if patterns or not root else (os.path.join(CONF["specpath"], root), prefix or "")
        base = os.path.join(CONF["specpath"], root) if root else ""
        for directory, folders, names in os.walk(base) if base else ():

            def stays(name: str) -> bool:
                path = os.path.join(directory, name)
                tried = (name, path, os.path.relpath(path, base))
                return not any(fnmatch.fnmatch(text, pattern) for text in tried for pattern in patterns)

            folders[:] = sorted(filter(stays, folders))
            for name in sorted(filter(stays, names)):
                path = os.path.join(directory, name)
                self.append((os.path.join(prefix or "", os.path.relpath(path, base)), path, typecode))


def normalize_toc(toc: "Iterable[Any]") -> "List[Any]":
    return list(TOC(toc))


normalize_pyz_toc = normalize_toc
