"""Lists of files, as pairs: the file, and the directory of the program that it goes to."""

import fnmatch
import importlib.machinery
import os
from typing import Callable, Iterable, Iterator, List, Optional, Sequence, Tuple

from PyInstaller.log import logger
from PyInstaller.utils.hooks._metadata import copy_metadata_of_package
from PyInstaller.utils.hooks._modules import _all, collect_submodules, locations_of

Pairs = List[Tuple[str, str]]

# Names of the libraries that are taken if a hook names none.
PY_DYLIB_PATTERNS = ["*.dll", "*.dylib", "lib*.so"]

# Files that are modules, not data.
PY_IGNORE_EXTENSIONS = set(importlib.machinery.all_suffixes())


def _files_below(directory: str) -> "Iterator[Tuple[str, str]]":
    """Relative directories and names of all files, sorted."""
    for above, directories, names in os.walk(directory):
        directories.sort()
        relative = os.path.relpath(above, directory)
        for name in sorted(names):
            yield "" if relative == "." else relative, name


def _matches(parts: "Sequence[str]", pattern: "Sequence[str]") -> bool:
    """Whether the parts of a path match those of a pattern; `**` stands for any number of directories."""
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_matches(parts[skipped:], pattern[1:]) for skipped in range(len(parts) + 1))
    return bool(parts) and fnmatch.fnmatchcase(parts[0], pattern[0]) and _matches(parts[1:], pattern[1:])


def _takes(patterns: "Iterable[Sequence[str]]", parts: "Sequence[str]") -> bool:
    """Whether one of the patterns matches a file or a directory that it is in."""
    ends = range(len(parts), -1, -1)
    return any(_matches(parts[:end], pattern) for pattern in patterns for end in ends)


def _split(patterns: "Optional[Iterable[object]]") -> "List[List[str]]":
    listed = []
    for pattern in patterns or ():
        text = os.fspath(pattern)  # type: ignore[call-overload]
        if os.path.isabs(text):
            raise ValueError(f"the pattern {text} is absolute: patterns are relative to the package")
        listed.append([part for part in text.replace(os.sep, "/").split("/") if part not in ("", ".")])
    return listed


def collect_data_files(
    package: str,
    include_py_files: bool = False,
    subdir: "Optional[str]" = None,
    excludes: "Optional[Iterable[object]]" = None,
    includes: "Optional[Iterable[object]]" = None,
) -> Pairs:
    """The files in a package's directories that are no modules, with those that are if they are asked for."""
    if not isinstance(package, str):
        raise TypeError("the name of a package is expected")
    taken, left = _split(includes), _split(excludes)
    base = package.replace(".", os.sep)
    if subdir is not None:
        base = os.path.join(base, os.fspath(subdir))
    found: Pairs = []
    locations = locations_of(package)
    if not locations:
        logger.debug("%s is no package: it has no data files", package)
    for location in locations:
        root = os.path.join(location, os.fspath(subdir)) if subdir is not None else location
        for directory, name in _files_below(root):
            parts = [*directory.split(os.sep), name] if directory else [name]
            in_cache = "__pycache__" in parts[:-1]
            is_python = name.endswith((".py", ".pyc"))
            if is_python and (in_cache or not include_py_files):
                continue
            if not is_python and any(name.endswith(suffix) for suffix in PY_IGNORE_EXTENSIONS):
                continue
            if _takes(left, parts) or (taken and not _takes(taken, parts)):
                continue
            found.append((os.path.join(root, directory, name), os.path.join(base, directory) if directory else base))
    return found


def collect_system_data_files(
    path: str, destdir: "Optional[str]" = None, include_py_files: bool = False
) -> Pairs:
    """The files below a directory, in a directory of that name or below another one."""
    path = os.path.abspath(os.fspath(path))
    base = os.path.join(destdir, os.path.basename(path)) if destdir else os.path.basename(path)
    found = []
    for directory, name in _files_below(path):
        if include_py_files or not any(name.endswith(suffix) for suffix in PY_IGNORE_EXTENSIONS):
            found.append((os.path.join(path, directory, name), os.path.normpath(os.path.join(base, directory))))
    return found


def collect_dynamic_libs(
    package: str, destdir: "Optional[str]" = None, search_patterns: "Sequence[str]" = PY_DYLIB_PATTERNS
) -> Pairs:
    """The shared libraries in a package's directories whose names match one of the patterns."""
    if not isinstance(package, str):
        raise TypeError("the name of a package is expected")
    base = package.replace(".", os.sep)
    found = []
    for location in locations_of(package):
        for directory, name in _files_below(location):
            if any(fnmatch.fnmatchcase(name, pattern) for pattern in search_patterns):
                own = os.path.join(base, directory) if directory else base
                found.append((os.path.join(location, directory, name), own if destdir is None else destdir))
    return found


def include_or_exclude_file(
    filename: str, include_list: "Optional[List[str]]" = None, exclude_list: "Optional[List[str]]" = None
) -> bool:
    """Whether two lists of patterns take a file: the first, if it is given, must, and the second must not match."""
    is_left = any(fnmatch.fnmatch(filename, pattern) for pattern in exclude_list or ())
    is_taken = include_list is None or any(fnmatch.fnmatch(filename, pattern) for pattern in include_list)
    return is_taken and not is_left


def collect_all(
    package_name: str,
    include_py_files: bool = True,
    filter_submodules: "Optional[Callable[[str], bool]]" = None,
    exclude_datas: "Optional[Iterable[object]]" = None,
    include_datas: "Optional[Iterable[object]]" = None,
    on_error: str = "warn once",
) -> "Tuple[Pairs, Pairs, List[str]]":
    """Data files with metadata, shared libraries, and names of modules of a package."""
    datas = collect_data_files(package_name, include_py_files, excludes=exclude_datas, includes=include_datas)
    binaries = collect_dynamic_libs(package_name)
    names = collect_submodules(package_name, filter_submodules or _all, on_error)
    datas += copy_metadata_of_package(package_name)
    return datas, binaries, names


def collect_delvewheel_libs_directory(
    package_name: str,
    libdir_name: "Optional[str]" = None,
    datas: "Optional[Pairs]" = None,
    binaries: "Optional[Pairs]" = None,
) -> "Tuple[Pairs, Pairs]":
    """The lists as they are: what this looks for is of wheels for Windows."""
    return list(datas or ()), list(binaries or ())
