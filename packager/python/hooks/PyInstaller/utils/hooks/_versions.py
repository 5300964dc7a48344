"""Versions and specifiers (PEP 440), for environments without the library `packaging`."""

import re
from typing import Any, List, Tuple

VERSION = re.compile(
    r"\s*v?(?:(?P<epoch>\d+)!)?(?P<release>\d+(?:\.\d+)*)"
    r"(?:[._-]?(?P<pre>a|b|c|rc|alpha|beta|pre|preview)[._-]?(?P<pre_number>\d*))?"
    r"(?:-(?P<implicit_post>\d+)|[._-]?(?:post|rev|r)[._-]?(?P<post>\d*))?"
    r"(?:[._-]?dev[._-]?(?P<dev>\d*))?"
    r"(?:\+(?P<local>[a-z0-9]+(?:[._-][a-z0-9]+)*))?\s*",
    re.IGNORECASE,
)

PHASES = {"a": 0, "alpha": 0, "b": 1, "beta": 1}


def key(version: str) -> "Tuple[Any, ...]":
    """What orders versions. The local part has no say."""
    match = VERSION.fullmatch(version)
    if match is None:
        raise ValueError(f"{version!r} is no version")
    part = match.groupdict()
    release = [int(number) for number in part["release"].split(".")]
    while len(release) > 1 and release[-1] == 0:
        release.pop()
    is_dev = part["dev"] is not None
    post = part["post"] if part["post"] is not None else part["implicit_post"]
    # A development version comes before the first preview, a preview before the release.
    if part["pre"] is not None:
        pre = (PHASES.get(part["pre"].lower(), 2), int(part["pre_number"] or 0))
    elif is_dev and post is None:
        pre = (-1, 0)
    else:
        pre = (3, 0)
    dev = int(part["dev"] or 0) if is_dev else float("inf")
    return int(part["epoch"] or 0), release, pre, -1 if post is None else int(post or 0), dev


def numbers(version: str) -> "Tuple[int, List[int]]":
    """A version's epoch and the numbers of its release."""
    match = VERSION.fullmatch(version)
    if match is None:
        raise ValueError(f"{version!r} is no version")
    return int(match["epoch"] or 0), [int(number) for number in match["release"].split(".")]


def starts_with(version: str, epoch: int, release: "List[int]") -> bool:
    """Whether a version's numbers begin with these."""
    own_epoch, own = numbers(version)
    own += [0] * (len(release) - len(own))
    return own_epoch == epoch and own[: len(release)] == release


def allows(specifier: str, version: str) -> bool:
    """Whether a version is one of those that a specifier such as `>=1.2,<3` names."""
    return all(_allows_one(part.strip(), version) for part in specifier.split(",") if part.strip())


def _allows_one(specifier: str, version: str) -> bool:
    match = re.fullmatch(r"(===|==|!=|<=|>=|~=|<|>)\s*(\S+)", specifier)
    if match is None:
        raise ValueError(f"{specifier!r} is no version specifier")
    operator, wanted = match.groups()
    if wanted.endswith(".*"):
        if operator not in ("==", "!="):
            raise ValueError(f"{specifier!r} is no version specifier")
        return starts_with(version, *numbers(wanted[:-2])) == (operator == "==")
    own, other = key(version), key(wanted)
    if operator == "~=":
        epoch, release = numbers(wanted)
        return own >= other and starts_with(version, epoch, release[:-1])
    # PEP 440, exclusive ordered comparison: `>1` means no post-release of 1, `<1` no preview of it.
    is_same_release = own[:2] == other[:2]
    is_only_post = is_same_release and _is_post(own) and not _is_post(other)
    is_only_preview = is_same_release and _is_preview(own) and not _is_preview(other)
    return {
        "===": version.strip() == wanted,
        "==": own == other,
        "!=": own != other,
        "<=": own <= other,
        ">=": own >= other,
        "<": own < other and not is_only_preview,
        ">": own > other and not is_only_post,
    }[operator]


def _is_post(version: "Tuple[Any, ...]") -> bool:
    return version[3] >= 0


def _is_preview(version: "Tuple[Any, ...]") -> bool:
    return version[2] < (3, 0) or version[4] != float("inf")
