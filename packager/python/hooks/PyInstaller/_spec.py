"""Reads a specification: runs it with classes that write down what they are given.

What the functions of PyInstaller.utils.hooks return is recognised in what a program is given, so that it stays a wish
for a package and does not become a list of files on this machine.
"""

import functools
import os
import sys
import traceback
from typing import Any, Callable, Dict, Iterable, List, Optional, Tuple

from PyInstaller.building import api, build_main
from PyInstaller.building.datastruct import Tree
from PyInstaller.config import CONF
from PyInstaller.utils import hooks

Pair = Tuple[str, str]

# Options by the functions that do what they say, where these have no argument but the package.
WISHES: "Dict[str, str]" = {
    "collect_all": "collect-all",
    "collect_data_files": "collect-data",
    "collect_dynamic_libs": "collect-binaries",
    "collect_submodules": "collect-submodules",
    "copy_metadata": "copy-metadata",
}

# What the settings of an executable are when nobody has thought of them.
USUAL: "Dict[str, Tuple[Any, ...]]" = {
    "debug": (False,),
    "console": (True,),
    "icon": (None, "NONE", ["NONE"]),
    "version": (None,),
    "manifest": (None,),
    "uac_admin": (False,),
    "uac_uiaccess": (False,),
    "hide_console": (None,),
    "disable_windowed_traceback": (False,),
    "argv_emulation": (False,),
    "target_arch": (None,),
    "codesign_identity": (None,),
    "entitlements_file": (None,),
    "runtime_tmpdir": (None,),
    "bootloader_ignore_signals": (False,),
    "contents_directory": (None, "_internal"),
    "resources": (None, []),
    "embed_manifest": (True,),
    "cipher": (None,),
}


class Wish:
    """A call of one of the functions, with what it returned."""

    def __init__(self, option: str, package: str, names: "List[str]", files: "List[Pair]") -> None:
        self.option = option
        self.package = package
        self.names = names
        self.files = files


def remember(name: str, function: "Callable[..., Any]", wishes: "List[Wish]") -> "Callable[..., Any]":
    @functools.wraps(function)
    def remembered(package: str, *arguments: Any, **settings: Any) -> Any:
        result = function(package, *arguments, **settings)
        option: "Optional[str]" = WISHES[name]
        if name == "copy_metadata" and (arguments == (True,) or settings == {"recursive": True}):
            option = "recursive-copy-metadata"
        elif arguments or settings:
            option = None
        if option is not None and result and any(result):
            parts = (result, [], [])
            if name == "collect_all":
                parts = result
            elif name == "collect_submodules":
                parts = ([], [], result)
            files = [pair(item) for item in [*parts[0], *parts[1]]]
            wishes.append(Wish(option, package, list(parts[2]), files))
        return result

    return remembered


def pair(item: Any) -> Pair:
    """A file and the directory that it goes to."""
    source, destination = item[0], item[1]
    return at(source), os.path.normpath(os.fspath(destination) or ".")


def at(path: Any) -> str:
    """A path that is relative to the specification."""
    return os.path.normpath(os.path.join(CONF["specpath"], os.fspath(path)))


def read(request: "Dict[str, Any]") -> "Dict[str, Any]":
    """Runs a specification. An error that it ends with is told with its line."""
    path = request["path"]
    wishes: "List[Wish]" = []
    for name in WISHES:
        setattr(hooks, name, remember(name, getattr(hooks, name), wishes))
    name = os.path.splitext(os.path.basename(path))[0]
    folder = os.path.dirname(path)
    CONF.update(specpath=folder, spec=path, specnm=name, distpath=os.path.join(folder, "dist"))
    CONF.update(workpath=os.path.join(folder, "build", name), warnfile=os.path.join(folder, "build", "warn.txt"))
    space = {name: getattr(build_main, name) for name in build_main.__all__}
    space.update(
        DISTPATH=CONF["distpath"], HOMEPATH=folder, SPEC=path, SPECPATH=folder, WARNFILE=CONF["warnfile"],
        CONF=CONF, specnm=name, workpath=CONF["workpath"], WORKPATH=CONF["workpath"],
        DEFAULT_DISTPATH=CONF["distpath"], DEFAULT_WORKPATH=CONF["workpath"],
        __file__=path, __name__="__main__", __builtins__=__builtins__,
    )  # fmt: skip
    sys.argv[:] = [path, *request["arguments"]]
    sys.path.append(folder)
    try:
        with open(path, "rb") as file:
            exec(compile(file.read(), path, "exec", dont_inherit=True), space)
        return {"programs": programs(wishes), "notes": notes()}
    except BaseException as error:
        return {"error": located(error, path)}


def located(error: BaseException, path: str) -> "Dict[str, Any]":
    """An exception's message, and the last line of the specification that has to do with it."""
    if isinstance(error, SyntaxError) and error.filename == path:
        return {"line": error.lineno, "message": f"syntax error: {error.msg}"}
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    text = "".join(traceback.format_exception_only(type(error), error)).strip().splitlines()
    return {"line": lines[-1] if lines else None, "message": text[-1] if text else type(error).__name__}


def programs(wishes: "List[Wish]") -> "List[Dict[str, Any]]":
    """What is known of each executable. Without one it is what is analysed that counts."""
    executables = [made for made in api.MADE if isinstance(made, build_main.EXE)]
    found = [program(made.owner or only(), made, wishes) for made in executables if made.owner or only()]
    return found or [program(analysis, None, wishes) for analysis in build_main.ANALYSES]


def only() -> Any:
    return build_main.ANALYSES[0] if len(build_main.ANALYSES) == 1 else None


def program(analysis: Any, executable: Any, wishes: "List[Wish]") -> "Dict[str, Any]":
    collects = [made for made in api.MADE if isinstance(made, build_main.COLLECT) and executable in made.contents]
    datas = [pair(item) for item in analysis.given_datas]
    binaries = [pair(item) for item in analysis.given_binaries]
    notes: "List[str]" = []
    options: "List[str]" = []
    contents = [*(executable.contents if executable else ())]
    contents += [part for made in collects for part in made.contents]
    seen: "List[Any]" = []
    for part in [analysis.datas, analysis.binaries, *contents]:
        if not isinstance(part, list) or any(part is other for other in seen):
            continue
        seen.append(part)
        whole = part.whole if isinstance(part, Tree) else None
        if whole is not None:
            datas.append((at(whole[0]), os.path.normpath(whole[1] or ".")))
            continue
        for entry in part:
            place(entry, datas, binaries, options, notes)
    imports = [name for name in analysis.hiddenimports]
    wished: "List[Pair]" = []
    for wish in wishes:
        files, names = set(wish.files), set(wish.names)
        if files <= {*datas, *binaries} and names <= set(imports):
            wished.append((wish.option, wish.package))
    of_wishes = [wish for wish in wishes if (wish.option, wish.package) in wished]
    known_files = {item for wish in of_wishes for item in wish.files}
    known_names = {name for wish in of_wishes for name in wish.names}
    settings = executable.settings if executable else {}
    given = {name: settings[name] for name in USUAL if name in settings}
    changed = {name: value for name, value in given.items() if value not in USUAL[name]}
    if any(type(part).__name__ == "Splash" for part in contents):
        changed["splash"] = True
    if analysis.noarchive:
        changed["noarchive"] = True
    if analysis.hooksconfig:
        notes.append("hooksconfig: hooks get no settings")
    for name in sorted(set(analysis.replaced) & {"binaries", "pure", "scripts", "datas"}):
        notes.append(f"the specification changes the table of {name} that an analysis finds: none is made here")
    for script in analysis.inputs[1:]:
        notes.append(f"{os.fspath(script)}: a program has one script, import it from there or make it a runtime-hook")
    name = settings.get("name") or (collects[0].name if collects else None) or CONF["specnm"]
    return {
        "name": os.path.basename(os.fspath(name)),
        "script": at(analysis.inputs[0]) if analysis.inputs else None,
        "onedir": bool(collects),
        "optimize": analysis.optimize if analysis.optimize in (1, 2) else 0,
        "with_source": any("py" in mode.split("+") for mode in analysis.module_collection_mode.values()),
        "paths": [at(path) for path in analysis.pathex],
        "hidden_imports": unique(name for name in imports if name not in known_names),
        "excluded": unique(analysis.excludes),
        "runtime_hooks": [at(path) for path in analysis.custom_runtime_hooks],
        "hook_directories": [at(path) for path in analysis.hookspath],
        "datas": unique(item for item in datas if item not in known_files),
        "binaries": unique(item for item in binaries if item not in known_files),
        "wishes": unique(wished),
        "settings": [[name, short(value)] for name, value in changed.items()],
        "options": options,
        "notes": notes,
    }  # fmt: skip


def place(
    entry: Any, datas: "List[Pair]", binaries: "List[Pair]", options: "List[str]", notes: "List[str]"
) -> None:
    """Puts an entry of a table where it belongs."""
    if len(entry) == 2:
        entry = (*entry, "DATA")
    name, source, kind = os.fspath(entry[0]), entry[1], entry[2]
    if kind == "OPTION":
        if name not in ("O", "OO"):  # that is what optimize says
            options.append(name)
    elif kind in ("DATA", "BINARY", "EXTENSION") and source:
        folder, base = os.path.split(name)
        if base != os.path.basename(os.fspath(source)):
            notes.append(f"{name}: a file keeps its name, {os.path.basename(os.fspath(source))}")
        (datas if kind == "DATA" else binaries).append((at(source), os.path.normpath(folder or ".")))
    else:
        notes.append(f"{name}: an entry of the type {kind} has no counterpart")


def notes() -> "List[str]":
    """What concerns no single executable."""
    found = []
    for made in api.MADE:
        if isinstance(made, api.Merge):
            found.append("MERGE: each executable has all that it needs")
        elif type(made).__name__ == "BUNDLE":
            found.append("BUNDLE: an application bundle is for macOS")
        elif isinstance(made, build_main.COLLECT):
            if sum(isinstance(part, build_main.EXE) for part in made.contents) > 1:
                found.append("COLLECT: each executable gets a directory of its own")
    return unique(found)


def unique(items: "Iterable[Any]") -> "List[Any]":
    return list(dict.fromkeys(items))


def short(value: Any) -> str:
    """A setting as it may be shown."""
    while isinstance(value, (list, tuple)) and len(value) == 1:
        value = value[0]
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
