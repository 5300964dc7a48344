"""Runs hook files of PyInstaller's form.

Reads a JSON object from stdin: "path" is put before sys.path, "modules" are the sources of the package PyInstaller that
hooks import, by name. Runs each of "hooks" and prints a JSON list with an answer for each; where that is null, prints
where installed distributions keep hooks, or what the specification "spec" says. A hook runs in a process of its own, so that what it imports, changes or
breaks is gone after it.
"""

import glob
import importlib.abc
import importlib.machinery
import importlib.metadata
import importlib.util
import json
import logging
import os
import select
import signal
import sys
import time
import traceback
import types
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

# For one hook, in seconds: some import their package.
TIME_LIMIT = 120

STAND_IN = "PyInstaller"

# The collection for which all others make way.
CONTRIBUTED = "_pyinstaller_hooks_contrib"


class StandIn(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Finds the package PyInstaller in memory, and nothing else of that name anywhere."""

    def __init__(self, sources: "Dict[str, str]") -> None:
        self.sources = sources

    def find_spec(
        self,
        fullname: str,
        path: "Optional[Sequence[str]]" = None,
        target: "Optional[types.ModuleType]" = None,
    ) -> "Optional[importlib.machinery.ModuleSpec]":
        if fullname.split(".")[0] != STAND_IN:
            return None
        if fullname not in self.sources:
            raise ModuleNotFoundError(
                f"{fullname} is not in the part of PyInstaller that hooks find here", name=fullname
            )
        return importlib.util.spec_from_loader(fullname, self, is_package=self.is_package(fullname))

    def is_package(self, fullname: str) -> bool:
        return any(name.startswith(fullname + ".") for name in self.sources)

    def get_source(self, fullname: str) -> str:
        return self.sources[fullname]


class Messages(logging.Handler):
    """Keeps what a hook says."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: "List[str]" = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


def in_child(function: "Callable[..., Any]", *arguments: Any) -> "Dict[str, Any]":
    """Runs a function in a child process. Its value, which JSON can hold, is at "value"; or the reason at "failed"."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            answer = {"value": function(*arguments)}
            text = json.dumps(answer)
        except BaseException as error:
            text = json.dumps({"failed": describe(error)})
        try:
            with os.fdopen(writer, "w") as stream:
                stream.write(text)
        finally:
            os._exit(0)
    os.close(writer)
    data = read_within(reader, TIME_LIMIT)
    os.close(reader)
    if data is None:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return {"failed": f"it takes more than {TIME_LIMIT} s"}
    _, status = os.waitpid(child, 0)
    if data:
        received: "Dict[str, Any]" = json.loads(data)
        return received
    if os.WIFSIGNALED(status):
        return {"failed": f"its process was ended by {signal.Signals(os.WTERMSIG(status)).name}"}
    return {"failed": "it ended its process"}


def read_within(reader: int, limit: float) -> "Optional[bytes]":
    """All that comes out of a pipe, or None if it is not closed in time."""
    deadline = time.monotonic() + limit
    parts: "List[bytes]" = []
    while True:
        ready, _, _ = select.select([reader], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return None
        part = os.read(reader, 1 << 16)
        if not part:
            return b"".join(parts)
        parts.append(part)


def describe(error: BaseException) -> str:
    """The last line of an exception's traceback."""
    lines = "".join(traceback.format_exception_only(type(error), error)).strip().splitlines()
    return lines[-1] if lines else type(error).__name__


def named_by(point: importlib.metadata.EntryPoint) -> "List[str]":
    """The directories that an entry point's function returns."""
    return [os.path.abspath(os.fspath(path)) for path in point.load()()]


def hook_directories() -> "Dict[str, Any]":
    """Directories of the entry points `hook-dirs`; those of the contributed collection last."""
    found = []
    warnings = []
    for distribution in importlib.metadata.distributions():
        for point in distribution.entry_points:
            if point.group == "pyinstaller40" and point.name == "hook-dirs":
                found.append((point.value.startswith(CONTRIBUTED), point.value, point))
    directories: "List[str]" = []
    for _, value, point in sorted(found, key=lambda entry: entry[:2]):
        answer = in_child(named_by, point)
        if "failed" in answer:
            warnings.append(f"the directories of hooks that {value} names are not known: {answer['failed']}")
        directories.extend(path for path in answer.get("value", ()) if path not in directories)
    return {"directories": directories, "warnings": warnings}


def in_order(value: Any) -> "List[Any]":
    """A collection as a list, in an order that does not change."""
    return sorted(value, key=str) if isinstance(value, (set, frozenset)) else list(value)


def texts(value: Any, name: str) -> "List[str]":
    """The strings of a hook's variable, in an order that does not change."""
    if isinstance(value, str):
        value = [value]
    listed = in_order(value)
    for item in listed:
        if not isinstance(item, str):
            raise TypeError(f"{name} has {item!r}, which is no string")
    return listed


def files(value: Any, name: str, request: "Dict[str, Any]", messages: "List[str]") -> "List[Tuple[str, str]]":
    """The files that a hook's variable names, each with the directory that it goes to."""
    listed = []
    for item in value:
        if not isinstance(item, (tuple, list)) or len(item) != 2:
            raise TypeError(f"{name} has {item!r}, which is no pair of source and destination")
        # Relative to the hook, where it may have files of its own.
        source = os.path.join(os.path.dirname(request["file"]), os.fspath(item[0]))
        destination = os.path.normpath(os.fspath(item[1]) or ".")
        if os.path.isabs(destination) or destination.split(os.sep)[0] == os.pardir:
            raise ValueError(f"{name} has the destination {item[1]!r}, which is not below the program's root")
        found = [source] if os.path.lexists(source) else sorted(glob.glob(source, recursive=True))
        if not found:
            messages.append(f"{name} has {os.fspath(item[0])!r}, which matches no file")
        listed += [(os.path.abspath(path), "" if destination == "." else destination) for path in found]
    return listed


def modes(value: Any, module: str) -> "Dict[str, str]":
    """What `module_collection_mode` says, by module."""
    given = {module: value} if isinstance(value, str) else dict(value)
    for mode in given.values():
        if mode not in ("pyz", "pyc", "py", "pyz+py", "py+pyz"):
            raise ValueError(f"module_collection_mode has {mode!r}, which is no mode")
    return given


def absolute(name: str, request: "Dict[str, Any]") -> str:
    """The absolute name of a hidden import, which may be relative to the hook's module."""
    if not name.startswith("."):
        return name
    module = request["module"]
    package = module if request["is_package"] else module.rpartition(".")[0]
    return importlib.util.resolve_name(name, package)


def run(request: "Dict[str, Any]") -> "Dict[str, Any]":
    """Runs one hook in this process."""
    messages = Messages()
    logging.getLogger(STAND_IN).addHandler(messages)
    file = request["file"]
    name = "__" + os.path.basename(file).rpartition(".")[0].replace(".", "_").replace("-", "_")
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is no Python file")
    hook = importlib.util.module_from_spec(spec)
    sys.modules[name] = hook
    spec.loader.exec_module(hook)
    from PyInstaller import _api

    answer: "Dict[str, Any]" = {"messages": messages.texts}
    if request["kind"] == "hook":
        answer.update(run_hook(hook, _api.PostGraphAPI(request), request, messages.texts))
    elif request["kind"] == "pre_safe_import_module":
        safe = _api.PreSafeImportModuleAPI(request)
        hook.pre_safe_import_module(safe)
        answer.update(safe._answer)
    else:
        find = _api.PreFindModulePathAPI(request)
        before = list(find.search_dirs)
        hook.pre_find_module_path(find)
        after = [os.path.abspath(path) for path in map(os.fspath, find.search_dirs)]
        answer["search_dirs"] = after if list(find.search_dirs) != before else None
    return answer


def run_hook(
    hook: types.ModuleType, api: Any, request: "Dict[str, Any]", messages: "List[str]"
) -> "Dict[str, Any]":
    """Calls a hook's function, if it has one, and reads its variables after that."""
    if hasattr(hook, "hook"):
        hook.hook(api)
    added = api._added
    mode: "Dict[str, Optional[str]]" = {}
    if getattr(hook, "module_collection_mode", None) is not None:
        mode.update(modes(hook.module_collection_mode, request["module"]))
    mode.update(added.modes)
    imports = texts(getattr(hook, "hiddenimports", None) or (), "hiddenimports") + added.imports
    datas = in_order(getattr(hook, "datas", None) or ()) + added.datas
    binaries = in_order(getattr(hook, "binaries", None) or ()) + added.binaries
    return {
        # Sorted: hooks may make lists of sets, whose order changes from one process to the next.
        "imports": sorted({absolute(name, request) for name in imports} - set(added.removed)),
        "excluded": texts(getattr(hook, "excludedimports", None) or (), "excludedimports"),
        "removed": added.removed,
        "datas": files(datas, "datas", request, messages),
        "binaries": files(binaries, "binaries", request, messages),
        "with_source": {name: "py" in value.split("+") for name, value in mode.items() if value is not None},
        "warns": bool(getattr(hook, "warn_on_missing_hiddenimports", True)),
    }


def read_specification(request: "Dict[str, Any]") -> "Dict[str, Any]":
    """What a .spec file says."""
    from PyInstaller import _spec

    answer: "Dict[str, Any]" = _spec.read(request)
    return answer


def main() -> None:
    request = json.load(sys.stdin)
    known = set(sys.path)
    sys.path[:0] = [entry for entry in request["path"] if entry not in known]
    for name in [name for name in sys.modules if name.split(".")[0] == STAND_IN]:
        del sys.modules[name]
    sys.meta_path.insert(0, StandIn(request["modules"]))
    sys.stdout.flush()
    output = os.dup(1)
    os.dup2(2, 1)  # what a hook prints is not an answer
    answer: Any
    if request.get("spec") is not None:
        answer = in_child(read_specification, request["spec"])
    elif request["hooks"] is None:
        answer = hook_directories()
    else:
        answer = [in_child(run, hook) for hook in request["hooks"]]
    with os.fdopen(output, "w") as file:
        file.write("\n" + json.dumps(answer))  # on a line of its own: site may have printed before


if __name__ == "__main__":
    main()
