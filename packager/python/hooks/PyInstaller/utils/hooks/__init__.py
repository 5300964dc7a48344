"""The functions that hooks call: those of the manual, and a few that many hooks use beside them."""

from typing import Any, Optional

from PyInstaller import isolated
from PyInstaller.log import logger
from PyInstaller.utils.hooks._files import (
    PY_DYLIB_PATTERNS,
    PY_IGNORE_EXTENSIONS,
    collect_all,
    collect_data_files,
    collect_delvewheel_libs_directory,
    collect_dynamic_libs,
    collect_system_data_files,
    include_or_exclude_file,
)
from PyInstaller.utils.hooks._metadata import (
    check_requirement,
    collect_entry_point,
    copy_metadata,
    get_installer,
    is_module_satisfies,
)
from PyInstaller.utils.hooks._modules import (
    can_import_module,
    collect_submodules,
    eval_statement,
    exec_statement,
    get_all_package_paths,
    get_module_attribute,
    get_module_file_attribute,
    get_package_paths,
    get_pyextension_imports,
    is_module_or_submodule,
    is_package,
)

__all__ = [
    "PY_DYLIB_PATTERNS", "PY_IGNORE_EXTENSIONS", "can_import_module", "check_requirement", "collect_all",
    "collect_data_files", "collect_delvewheel_libs_directory", "collect_dynamic_libs", "collect_entry_point",
    "collect_submodules", "collect_system_data_files", "conda_support", "copy_metadata", "eval_statement",
    "exec_statement", "get_all_package_paths", "get_homebrew_path", "get_hook_config", "get_installer",
    "get_module_attribute", "get_module_file_attribute", "get_package_paths", "get_pyextension_imports",
    "include_or_exclude_file", "is_module_or_submodule", "is_module_satisfies", "is_package", "isolated", "logger",
]  # fmt: skip


def get_hook_config(hook_api: Any, module_name: str, key: str) -> "Optional[Any]":
    """A setting that the user made for a hook, or None. No option makes any."""
    return hook_api.analysis.hooksconfig.get(module_name, {}).get(key)


def get_homebrew_path(formula: str = "") -> "Optional[str]":
    """Where Homebrew keeps a formula: it is of macOS."""
    return None


def __getattr__(name: str) -> Any:
    if name == "conda_support":
        from PyInstaller.utils.hooks import conda

        return conda
    raise AttributeError(f"PyInstaller.utils.hooks.{name} is not in the part of PyInstaller that hooks find here")
