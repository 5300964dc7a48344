"""Facts about the interpreter that runs this, as one JSON object on stdout.

Run as `python -I probe.py`, so that nothing from the working directory, the environment or the user's site can
take part. What `python program.py` would add to `sys.path` for the user is put back here: PYTHONPATH and the
user's site-packages.
"""

import _imp
import json
import os
import platform
import site
import sys
import sysconfig


def python_path() -> "list[str]":
    """The entries of PYTHONPATH, as `python` puts them first on sys.path: an empty one is the working directory."""
    value = os.environ.get("PYTHONPATH", "")
    return [os.path.abspath(entry) for entry in value.split(os.pathsep)] if value else []


def add_user_site() -> None:
    """Adds the user's site-packages where `python` would: -I leaves it out."""
    in_environment = sys.prefix != sys.base_prefix
    if in_environment and not includes_system_site():
        return
    if os.environ.get("PYTHONNOUSERSITE") or os.getuid() != os.geteuid():
        return
    try:
        user_site = site.getusersitepackages()
    except (AttributeError, KeyError, OSError):  # no HOME, no account
        return
    if os.path.isdir(user_site):
        site.addsitedir(user_site)


def site_candidates() -> "list[str]":
    """Where site-packages directories would be: what is installed first makes them."""
    candidates = site.getsitepackages()
    try:
        candidates.append(site.getusersitepackages())
    except (AttributeError, KeyError, OSError):  # no HOME, no account
        pass
    return [os.path.abspath(entry) for entry in candidates]


def includes_system_site() -> bool:
    """Whether a virtual environment was made with --system-site-packages."""
    try:
        with open(os.path.join(sys.prefix, "pyvenv.cfg"), encoding="utf-8") as file:
            text = file.read().lower().replace(" ", "")
    except OSError:
        return False
    return "include-system-site-packages=true" in text


def frozen_modules() -> "list[str]":
    """Names of the modules that `python` imports frozen (3.11+) instead of from their files."""
    if sys.version_info < (3, 11):
        return []
    names = set(sys.stdlib_module_names) | {
        "importlib.machinery",
        "importlib.util",
        "importlib._bootstrap",
        "importlib._bootstrap_external",
    }
    return sorted(name for name in names if _imp.is_frozen(name) and not name.startswith("__"))


def standard_finders() -> bool:
    """Whether sys.meta_path holds only CPython's own finders."""
    own = {"BuiltinImporter", "FrozenImporter", "PathFinder"}
    return all(
        getattr(finder, "__module__", "").startswith(("_frozen_importlib", "importlib."))
        and getattr(finder, "__name__", "") in own
        for finder in sys.meta_path
    )


def site_builtins() -> str:
    """Source of `site_builtins(root)`, which makes the builtins of `site` for a standard library in `root`.

    It makes them without `site`, of what they are in this interpreter; where they are not as they have always been, by
    importing it.
    """
    try:
        made = site_builtins_source()
    except Exception:  # whatever this interpreter's `site` does otherwise
        made = None
    steps = made or ["import site", "site.setquit()", "site.setcopyright()", "site.sethelper()"]
    return "\n    ".join(["def site_builtins(root):", *steps]) + "\n"


def site_builtins_source() -> "list[str] | None":
    """The statements that make them without `site`, if what these make is equal to what `site` makes."""
    import builtins

    import _sitebuiltins

    for function in (site.setquit, site.setcopyright, site.sethelper):
        function()
    # As site.setcopyright has it.
    here = getattr(sys, "_stdlib_dir", None) if sys.version_info >= (3, 11) else None
    here = here or os.path.dirname(os.__file__)
    names = ("quit", "exit", "copyright", "credits", "license", "help")
    objects = [getattr(builtins, name) for name in names]
    steps = ["import builtins, _sitebuiltins", "new = object.__new__"]
    for name, made in zip(names, objects):
        steps.append(f"builtins.{name} = made = new(_sitebuiltins.{type(made).__name__})")
        steps += [f"made.{key} = {expression(value, here)}" for key, value in vars(made).items()]
    namespace: "dict[str, object]" = {"root": here}
    exec("\n".join(steps), namespace)
    again = [getattr(builtins, name) for name in names]
    is_new = all(one is not other for one, other in zip(again, objects))
    is_equal = [(type(one), list(vars(one).items())) for one in again] == [
        (type(other), list(vars(other).items())) for other in objects
    ]
    return steps if is_new and is_equal else None


def expression(value: object, root: str) -> str:
    """An expression for None, a string or a list of strings; paths below `root` follow that variable."""
    if value is None:
        return "None"
    if isinstance(value, str):
        is_below = value.startswith(root + "/")
        return f"root + {value[len(root) :]!a}" if is_below else ascii(value)
    if isinstance(value, list):
        return "[" + ", ".join(expression(item, root) for item in value) + "]"
    raise TypeError(type(value))


def main() -> None:
    stdlib = sysconfig.get_path("stdlib")
    add_user_site()
    # zip archives and what does not exist stay in the list: whoever walks it skips what is no directory.
    path = python_path() + [os.path.abspath(entry) for entry in sys.path if entry]
    names = ("LIBDIR", "LIBPL", "INSTSONAME", "LDLIBRARY", "MULTIARCH")
    facts = {
        "executable": sys.executable,
        "base_executable": getattr(sys, "_base_executable", sys.executable),
        "implementation": sys.implementation.name,
        "version": platform.python_version(),
        "version_info": list(sys.version_info[:3]),
        "hexversion": sys.hexversion,
        "cache_tag": sys.implementation.cache_tag,
        "magic": list(_imp_magic()),
        "abi_flags": getattr(sys, "abiflags", ""),
        "suffixes": _imp.extension_suffixes(),
        "path": list(dict.fromkeys(path)),
        "site_candidates": site_candidates(),
        "stdlib": os.path.abspath(stdlib),
        "dynload": next((entry for entry in path if os.path.basename(entry) == "lib-dynload"), os.path.abspath(stdlib)),
        "builtins": sorted(sys.builtin_module_names),
        "frozen": frozen_modules(),
        "standard_finders": standard_finders(),
        "site_builtins": site_builtins(),
        "prefixes": sorted({sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}),
        "sysconfig": {name: sysconfig.get_config_var(name) or "" for name in names},
        "platform": sys.platform,
        "os_name": os.name,
        "system": platform.system(),
        "machine": platform.machine(),
        "libc": platform.libc_ver()[0],
        "is_64bit": sys.maxsize > 2**32,
        "debug_build": hasattr(sys, "gettotalrefcount"),
    }
    # On a line of its own: sitecustomize and .pth files may have printed before.
    print("\n" + json.dumps(facts))


def _imp_magic() -> bytes:
    from importlib.util import MAGIC_NUMBER

    return MAGIC_NUMBER


if __name__ == "__main__":
    main()
