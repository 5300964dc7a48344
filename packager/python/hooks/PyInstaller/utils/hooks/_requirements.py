"""Requirements (PEP 508), by the library `packaging` or a copy of it that an installer has."""

import importlib
import re
from typing import Any, Optional

from PyInstaller.utils.hooks import _versions


def normalized(name: str) -> str:
    """A distribution's name as PEP 503 writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def name_of(requirement: str) -> str:
    """The name that a requirement begins with."""
    match = re.match(r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)", requirement)
    if match is None:
        raise ValueError(f"{requirement!r} is no requirement")
    return match.group(1)


def _parsed(requirement: str) -> "Optional[Any]":
    for package in ("packaging", "setuptools._vendor.packaging", "pip._vendor.packaging"):
        try:
            module = importlib.import_module(package + ".requirements")
        except ImportError:
            continue
        return module.Requirement(requirement)
    return None


def applies(requirement: str) -> bool:
    """Whether a requirement's marker holds here, with no extras."""
    if ";" not in requirement:
        return True
    parsed = _parsed(requirement)
    if parsed is None:
        raise ModuleNotFoundError(f"{requirement!r} needs the distribution packaging to be read", name="packaging")
    return parsed.marker is None or bool(parsed.marker.evaluate({"extra": ""}))


def allows(requirement: str, version: str) -> bool:
    """Whether a version is one of those that a requirement wants."""
    specifier = re.sub(r"^\s*[\w.-]+\s*(\[[^\]]*\])?", "", requirement.split(";")[0]).strip()
    if not specifier:
        return True
    parsed = _parsed(requirement)
    if parsed is None:
        return _versions.allows(specifier.strip("()"), version)
    return bool(parsed.specifier.contains(version, prereleases=True))
