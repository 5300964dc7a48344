"""Questions about modules and packages. Where a search answers them, nothing is imported."""

import importlib
import importlib.machinery
import importlib.util
import os
import pkgutil
import subprocess
import sys
from typing import Any, Callable, List, Optional, Tuple

from PyInstaller import isolated
from PyInstaller.log import logger


def exec_statement(statement: str) -> str:
    """What a statement prints in an interpreter of its own."""
    program = "import sys; sys.path[:] = eval(sys.argv[1]); exec(sys.argv[2])"
    command = [sys.executable, "-B", "-c", program, repr(sys.path), statement]
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True)
    return ended.stdout.decode().strip()


def eval_statement(statement: str) -> Any:
    """The value of what a statement prints; an empty string for nothing."""
    text = exec_statement(statement)
    return eval(text) if text else ""


def spec_of(module: str) -> "Optional[importlib.machinery.ModuleSpec]":
    """A module's spec, or None. Packages above it are imported only where their directories do not lead to it."""
    parts = module.split(".")
    try:
        spec = importlib.util.find_spec(parts[0])
        for end in range(2, len(parts) + 1):
            if spec is None or spec.submodule_search_locations is None:
                break
            locations = list(spec.submodule_search_locations)
            spec = importlib.machinery.PathFinder.find_spec(".".join(parts[:end]), locations)
        else:
            if spec is not None:
                return spec
        return importlib.util.find_spec(module)
    except Exception as error:
        logger.debug("%s is not found: %s", module, error)
        return None


def locations_of(package: str) -> "List[str]":
    """A package's directories; none if there is no such package."""
    spec = spec_of(package)
    if spec is None or spec.submodule_search_locations is None:
        return []
    return [os.path.abspath(location) for location in spec.submodule_search_locations]


def can_import_module(module_name: str) -> bool:
    """Whether a module can be imported. It is, in a child process."""

    def attempt() -> None:
        importlib.import_module(module_name)

    try:
        isolated.call(attempt)
    except RuntimeError:
        return False
    return True


def is_package(module_name: str) -> bool:
    """Whether a module is there and is a package."""
    spec = spec_of(module_name)
    return spec is not None and spec.submodule_search_locations is not None


def is_module_or_submodule(name: str, mod_or_submod: str) -> bool:
    """Whether a name is that of a module or of one below it."""
    return name == mod_or_submod or name.startswith(mod_or_submod + ".")


def _all(name: str) -> bool:
    return True


def collect_submodules(
    package: str, filter: "Callable[[str], bool]" = _all, on_error: str = "warn once"
) -> "List[str]":
    """The names of a package and of all modules below it that the filter takes.

    They are looked for in the package's directories. As nothing is imported, nothing can fail: `on_error` is never
    needed.
    """
    if not isinstance(package, str):
        raise TypeError("the name of a package is expected")
    locations = locations_of(package)
    if not locations:
        logger.debug("%s is no package", package)
        return []
    found = [package] if filter(package) else []
    pending = [(package, locations)]
    while pending:
        above, locations = pending.pop(0)
        for location in locations:
            for info in sorted(pkgutil.iter_modules([location]), key=lambda info: info.name):
                name = f"{above}.{info.name}"
                if not filter(name) or name in found:
                    continue
                found.append(name)
                if info.ispkg:
                    pending.append((name, [os.path.join(location, info.name)]))
    return found


def get_module_attribute(module_name: str, attr_name: str) -> Any:
    """The value of a module's attribute. The module is imported, in a child process."""

    def value() -> "Tuple[bool, Any]":
        module = importlib.import_module(module_name)
        return (True, getattr(module, attr_name)) if hasattr(module, attr_name) else (False, None)

    try:
        is_there, found = isolated.call(value)
    except RuntimeError as error:
        raise AttributeError(f"{module_name} cannot be imported for its {attr_name}: {error}") from error
    if not is_there:
        raise AttributeError(f"module {module_name} has no attribute {attr_name}")
    return found


def get_module_file_attribute(package: str) -> str:
    """A module's `__file__`."""
    spec = spec_of(package)
    if spec is not None and spec.has_location and spec.origin:
        return os.path.abspath(spec.origin)
    raise ImportError(f"there is no module {package} with a file", name=package)


def get_all_package_paths(package: str) -> "List[str]":
    """A package's directories."""
    return locations_of(package)


def get_package_paths(package: str) -> "Tuple[str, str]":
    """The directory that a package's first name is looked for in, and the package's own."""
    locations = locations_of(package)
    if not locations:
        raise ValueError(f"there is no package {package}")
    own = locations[0]
    base = own
    for _ in package.split("."):
        base = os.path.dirname(base)
    return base, own


def get_pyextension_imports(module_name: str) -> "List[str]":
    """What is imported when a module is, beside itself. It is, in a child process."""

    def imported() -> "List[str]":
        before = set(sys.modules)
        importlib.import_module(module_name)
        return sorted(set(sys.modules) - before - {module_name})

    try:
        return list(isolated.call(imported))
    except RuntimeError as error:
        logger.warning("%s cannot be imported: %s", module_name, error)
        return []
