"""Questions about the distributions of a conda environment, by the files in its `conda-meta`."""

import fnmatch
import json
import os
import sys
from pathlib import Path, PurePosixPath
from typing import Any, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple

from PyInstaller import compat

CONDA_ROOT = Path(sys.prefix)
CONDA_META_DIR = CONDA_ROOT / "conda-meta"


class PackagePath(PurePosixPath):
    """The path of a file, relative to the environment."""

    def locate(self) -> Path:
        """The file."""
        return CONDA_ROOT / self


class Distribution:
    """An installed distribution."""

    def __init__(self, json_path: str) -> None:
        with open(json_path, encoding="utf-8") as file:
            self.raw: "Dict[str, Any]" = json.load(file)
        self.name: str = self.raw["name"]
        self.version: str = self.raw["version"]
        self.files: "List[PackagePath]" = [PackagePath(file) for file in self.raw["files"]]
        self.dependencies: "List[str]" = [text.split()[0] for text in self.raw["depends"]]
        self.packages: "List[str]" = sorted({name for name in map(_package, self.files) if name is not None})


def _package(file: PackagePath) -> "Optional[str]":
    """The top-level module that a file is of."""
    parts = file.parts
    if "site-packages" not in parts:
        return None
    below = parts[parts.index("site-packages") + 1 :]
    if len(below) == 2 and below[1] == "__init__.py":
        return below[0]
    is_module = len(below) == 1 and below[0].endswith(tuple(compat.ALL_SUFFIXES))
    return below[0].split(".")[0] if is_module else None


def _all() -> "Iterator[Distribution]":
    for file in sorted(CONDA_META_DIR.glob("*.json")):
        yield Distribution(str(file))


def distribution(name: str) -> Distribution:
    """The distribution of a name."""
    for found in _all():
        if found.name == name:
            return found
    raise ModuleNotFoundError(f"there is no distribution {name} in {CONDA_META_DIR}", name=name)


def package_distribution(name: str) -> Distribution:
    """The distribution that has a top-level module."""
    for found in _all():
        if name in found.packages:
            return found
    raise ModuleNotFoundError(f"there is no distribution with the module {name} in {CONDA_META_DIR}", name=name)


def requires(name: str, strip_versions: bool = False) -> "List[str]":
    """What a distribution requires, with or without versions."""
    found = distribution(name)
    return found.dependencies if strip_versions else list(found.raw["depends"])


def walk_dependency_tree(initial: str, excludes: "Optional[Iterable[str]]" = None) -> "Dict[str, Distribution]":
    """A distribution and all that it requires and that is there, by name."""
    left = set(excludes or ())
    found: "Dict[str, Distribution]" = {}
    pending = [initial]
    while pending:
        name = pending.pop(0)
        if name in found or name in left:
            continue
        try:
            found[name] = distribution(name)
        except ModuleNotFoundError:
            if name == initial:
                raise
            continue
        pending += found[name].dependencies
    return found


def files(
    name: str, dependencies: bool = False, excludes: "Optional[Iterable[str]]" = None
) -> "List[PackagePath]":
    """The files of a distribution, or of all that it requires as well."""
    if not dependencies:
        return distribution(name).files
    walked = walk_dependency_tree(name, excludes)
    return [file for found in walked.values() for file in found.files]


def collect_dynamic_libs(
    name: str, dest: str = ".", dependencies: bool = True, excludes: "Optional[Iterable[str]]" = None
) -> "List[Tuple[str, str]]":
    """The shared libraries of a distribution, or of all that it requires as well, as binaries."""
    patterns: "Sequence[str]" = ("*.dll", "*.dylib", "*.so", "*.so.*")
    found = []
    for file in files(name, dependencies, excludes):
        is_library = file.parent.name in ("lib", "bin") and any(fnmatch.fnmatch(file.name, p) for p in patterns)
        if is_library and os.path.exists(file.locate()):
            found.append((str(file.locate()), dest))
    return found
