"""Asks the interpreter's own import system for modules that a search of directories does not find.

Editable installations and import hooks put finders on `sys.meta_path`; eggs and zip files are on `sys.path`. Reads
a JSON object {"path": [...], "names": [...]} from stdin, prints a JSON list with an object for each name found.
Run with -I, but with site, which installs such finders.
"""

import importlib.machinery
import importlib.util
import json
import os
import signal
import sys

# For one name, in seconds: a parent package that is imported may do anything, wait for an event included.
TIME_LIMIT = 20


def describe_in_time(name: str) -> "dict[str, object] | None":
    """What `describe` says, unless it takes too long."""
    signal.alarm(TIME_LIMIT)
    try:
        return describe(name)
    except TimeoutError:
        return None
    finally:
        signal.alarm(0)


def give_up(*_: object) -> None:
    raise TimeoutError


def describe(name: str) -> "dict[str, object] | None":
    """What find_spec says of one module; nothing is imported but its parents' namespaces."""
    try:
        spec = importlib.util.find_spec(name)
    except BaseException:  # whatever a foreign finder or a parent package raises: not found
        return None
    if spec is None:
        return None
    answer: "dict[str, object]" = {"name": name, "is_package": spec.submodule_search_locations is not None}
    answer["locations"] = [os.path.abspath(entry) for entry in spec.submodule_search_locations or ()]
    origin = spec.origin if spec.has_location else None
    if origin is not None and os.path.isfile(origin):
        answer["file"] = os.path.abspath(origin)
        answer["is_extension"] = isinstance(spec.loader, importlib.machinery.ExtensionFileLoader)
        return answer
    get_source = getattr(spec.loader, "get_source", None)
    try:
        source = get_source(name) if get_source else None
    except BaseException:
        source = None
    if source is not None:
        answer["source"] = source
    elif not answer["locations"]:
        return None
    return answer


def main() -> None:
    request = json.load(sys.stdin)
    known = set(sys.path)
    sys.path[:0] = [entry for entry in request["path"] if entry not in known]
    sys.stdout.flush()
    output = os.dup(1)
    os.dup2(2, 1)  # what a finder prints is not an answer
    signal.signal(signal.SIGALRM, give_up)
    answers = [answer for answer in map(describe_in_time, request["names"]) if answer is not None]
    with os.fdopen(output, "w") as file:
        file.write("\n" + json.dumps(answers))  # on a line of its own: site may have printed before


if __name__ == "__main__":
    main()
