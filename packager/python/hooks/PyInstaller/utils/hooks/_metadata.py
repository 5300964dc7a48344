"""Questions about installed distributions."""

import importlib.metadata
import os
import re
from typing import Any, List, Optional, Tuple

from PyInstaller.log import logger
from PyInstaller.utils.hooks import _requirements
from PyInstaller.utils.hooks._modules import get_module_attribute, spec_of

Pairs = List[Tuple[str, str]]


def _place(distribution: importlib.metadata.Distribution) -> "Optional[str]":
    """The directory or file of a distribution's metadata."""
    path = getattr(distribution, "_path", None)
    return None if path is None else os.path.abspath(os.fspath(path))


def _pair(distribution: importlib.metadata.Distribution) -> Pairs:
    place = _place(distribution)
    if place is None or not os.path.exists(place):
        raise RuntimeError(f"the metadata of {distribution.metadata['Name']} are no files")
    if os.path.isdir(place):
        return [(place, os.path.basename(place))]
    return [(place, ".")]


def copy_metadata(package_name: str, recursive: bool = False) -> Pairs:
    """The metadata of a distribution; if asked for, with those of all that it requires and that are there."""
    found: Pairs = []
    done = set()
    pending = [package_name]
    while pending:
        name = _requirements.normalized(_requirements.name_of(pending.pop()))
        if name in done:
            continue
        done.add(name)
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            if len(done) == 1:
                raise importlib.metadata.PackageNotFoundError(package_name) from None
            continue
        found += _pair(distribution)
        if recursive:
            requires = distribution.requires or []
            pending += [text for text in requires if _requirements.applies(text)]
    return found


def copy_metadata_of_package(package: str) -> Pairs:
    """The metadata of the distributions that have files of a package."""
    top = package.split(".")[0]
    found: Pairs = []
    for distribution in importlib.metadata.distributions():
        names = (distribution.read_text("top_level.txt") or "").split()
        files = distribution.files or []
        if top in names or any(file.parts[0] in (top, top + ".py") for file in files):
            found += [pair for pair in _pair(distribution) if pair not in found]
    return sorted(found)


def collect_entry_point(name: str) -> "Tuple[Pairs, List[str]]":
    """The metadata of all distributions that have entry points in a group, and the modules that these name."""
    datas: Pairs = []
    imports: "List[str]" = []
    for distribution in importlib.metadata.distributions():
        points = [point for point in distribution.entry_points if point.group == name]
        if points:
            datas += [pair for pair in _pair(distribution) if pair not in datas]
            imports += [point.value.split("[")[0].split(":")[0].strip() for point in points]
    return sorted(datas), sorted(set(imports))


def get_installer(dist_name: str) -> "Optional[str]":
    """What installed a distribution: `pip`, `uv`; None where nothing says."""
    distribution = importlib.metadata.distribution(dist_name)
    text = (distribution.read_text("INSTALLER") or "").split()
    return text[0] if text else None


def check_requirement(requirement: str) -> bool:
    """Whether a distribution is installed in the version that a requirement wants (PEP 508)."""
    if not _requirements.applies(requirement):
        return True
    version = version_of(_requirements.name_of(requirement))
    return version is not None and _requirements.allows(requirement, version)


def version_of(name: str) -> "Optional[str]":
    """The version of a distribution, or None."""
    if _requirements.normalized(name) == "pyinstaller":
        from PyInstaller import __version__

        return __version__
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def is_module_satisfies(
    requirements: str, version: "Optional[str]" = None, version_attr: "Optional[str]" = "__version__"
) -> bool:
    """Whether a requirement is met by a distribution or, where none has the name, by a module's own version."""
    name = _requirements.name_of(requirements)
    if version is None:
        version = version_of(name)
    if version is None and version_attr and re.fullmatch(r"\w+(\.\w+)*", name) and spec_of(name) is not None:
        try:
            attribute: Any = get_module_attribute(name, version_attr)
        except AttributeError as error:
            logger.debug("%s has no version: %s", name, error)
            return False
        version = str(attribute)
    return version is not None and _requirements.allows(requirements, version)
