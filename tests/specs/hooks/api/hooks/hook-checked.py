"""Calls all that the manual documents for hooks, and fails where an answer is not what it says."""

import os
import sys

import PyInstaller
from PyInstaller import compat, isolated
from PyInstaller.compat import EXTENSION_SUFFIXES, base_prefix, is_linux, is_py39, is_venv, is_win
from PyInstaller.utils.hooks import (
    _versions,
    can_import_module,
    check_requirement,
    collect_all,
    collect_data_files,
    collect_delvewheel_libs_directory,
    collect_dynamic_libs,
    collect_entry_point,
    collect_submodules,
    conda_support,
    copy_metadata,
    eval_statement,
    exec_statement,
    get_homebrew_path,
    get_hook_config,
    get_installer,
    get_module_attribute,
    get_module_file_attribute,
    get_package_paths,
    include_or_exclude_file,
    is_module_or_submodule,
    is_module_satisfies,
    is_package,
    logger,
)


def equal(found, expected):
    assert found == expected, f"{found!r} is not {expected!r}"


def raises(kind, function, *arguments):
    try:
        value = function(*arguments)
    except kind:
        return
    raise AssertionError(f"{function.__name__}{arguments} is {value!r}")


base, own = get_package_paths("checked")
equal(own, os.path.join(base, "checked"))
equal(get_package_paths("checked.below"), (base, os.path.join(own, "below")))
raises(ValueError, get_package_paths, "checked.below.leaf")
raises(ValueError, get_package_paths, "there_is_none")

# Modules.
equal(is_linux, sys.platform == "linux")
equal((is_win, is_py39, compat.is_darwin), (False, True, False))
equal(is_venv, sys.prefix != sys.base_prefix)
equal(base_prefix, sys.base_prefix)
assert ".so" in EXTENSION_SUFFIXES
equal([is_package(name) for name in ("checked", "checked.below", "checked.below.leaf", "none", "none.x")],
      [True, True, False, False, False])
everything = ["checked", "checked.below", "checked.failing", "checked.below.leaf", "checked.below.more"]
equal(collect_submodules("checked"), everything)
equal(collect_submodules("checked", filter=lambda name: "below" not in name), ["checked", "checked.failing"])
equal(collect_submodules("checked", on_error="ignore"), everything)
equal(collect_submodules("there_is_none"), [])
equal([is_module_or_submodule(name, "a.b") for name in ("a.b", "a.b.c", "a.bc", "a")], [True, True, False, False])
equal(get_module_file_attribute("checked"), os.path.join(own, "__init__.py"))
equal(get_module_file_attribute("checked.below.leaf"), os.path.join(own, "below", "leaf.py"))
raises(ImportError, get_module_file_attribute, "there_is_none")
equal(get_module_attribute("checked", "VALUES"), {"a": [1, 2]})
raises(AttributeError, get_module_attribute, "checked", "NOTHING")
raises(AttributeError, get_module_attribute, "checked.failing", "NOTHING")
equal((can_import_module("checked.below"), can_import_module("checked.failing")), (True, False))
equal(exec_statement("import checked; print(checked.NAME)"), "checked")
equal(eval_statement("import checked; print(checked.VALUES)"), {"a": [1, 2]})
assert "checked" not in sys.modules, "the hook's process has imported the package"

# Files.
PY = os.path.join("checked", "data")


def names(pairs):
    for source, destination in pairs:
        assert os.path.isabs(source), source
        equal(os.path.relpath(os.path.dirname(source), base), destination)
    return sorted(os.path.basename(source) for source, _ in pairs)


equal(names(collect_data_files("checked")), ["a.txt", "b.txt", "c.dat", "libown.so.2", "top.txt"])
equal(names(collect_data_files("checked", excludes=["**/*.txt"])), ["c.dat", "libown.so.2"])
equal(names(collect_data_files("checked", excludes=["*.txt"])), ["a.txt", "b.txt", "c.dat", "libown.so.2"])
equal(names(collect_data_files("checked", includes=["**/*.txt"])), ["a.txt", "b.txt", "top.txt"])
equal(names(collect_data_files("checked", includes=["data/deep"])), ["b.txt", "c.dat"])
equal(names(collect_data_files("checked", includes=["**/deep"], excludes=["data/deep/*.dat"])), ["b.txt"])
equal(names(collect_data_files("checked", subdir="data", includes=["*.txt"])), ["a.txt"])
equal(names(collect_data_files("checked", True, subdir="data", includes=["*.py"])), ["script.py"])
equal(names(collect_data_files("checked", include_py_files=True, includes=["*.py"])), ["__init__.py", "failing.py"])
equal(collect_data_files("there_is_none"), [])
equal(names(collect_dynamic_libs("checked")), ["libown.so"])
equal(names(collect_dynamic_libs("checked", search_patterns=["*.so*"])), ["libown.so", "libown.so.2"])
equal(collect_dynamic_libs("checked", destdir="."), [(os.path.join(own, "data", "libown.so"), ".")])
equal(include_or_exclude_file("a.txt", ["*.txt"], None), True)
equal(include_or_exclude_file("a.txt", None, ["*.txt"]), False)
equal(include_or_exclude_file("a.dat", ["*.txt"]), False)
equal(collect_delvewheel_libs_directory("checked", datas=[("a", "b")]), ([("a", "b")], []))
equal(get_homebrew_path("anything"), None)

# Distributions.
metadata = [(os.path.join(base, "checked-2.5.dist-info"), "checked-2.5.dist-info")]
needed = [(os.path.join(base, "needed-1.0.dist-info"), "needed-1.0.dist-info")]
equal(copy_metadata("checked"), metadata)
equal(copy_metadata("Checked", recursive=True), metadata + needed)
raises(Exception, copy_metadata, "there-is-none")
equal(collect_entry_point("group.of.plugins"), (metadata, ["checked.below", "checked.below.leaf"]))
equal(collect_entry_point("group.of.nothing"), ([], []))
equal(get_installer("checked"), "a-tool")
wanted = ["checked", "checked >= 2.5", "checked<2.5", "checked ~=2.0", "checked==2.*, !=2.6", "none", "none > 1"]
equal([check_requirement(text) for text in wanted], [True, True, False, True, True, False, False])
equal([is_module_satisfies(text) for text in wanted], [True, True, False, True, True, False, False])
assert is_module_satisfies("PyInstaller >= 5.0") and not is_module_satisfies("PyInstaller < 5")
equal(is_module_satisfies("checked >= 3", version="3.1"), True)
assert PyInstaller.__version__
raises(ModuleNotFoundError, conda_support.distribution, "checked")

# Versions, where no library compares them.
rising = ["1.0.dev1", "1.0a1.dev1", "1.0a1", "1.0b2", "1.0rc1", "1.0", "1.0.post1", "1.0.1", "1.10", "2", "1!0.1"]
equal([_versions.allows(">=1.0", version) for version in rising], [False] * 5 + [True] * 6)
for lower, higher in zip(rising, rising[1:]):
    assert _versions.allows("!=" + higher, lower) and not _versions.allows(">=" + higher, lower), (lower, higher)
    assert _versions.allows("<=" + higher, lower), (lower, higher)
equal([_versions.allows(">1.0", version) for version in rising], [False] * 7 + [True] * 4)
equal([_versions.allows("<1.0", version) for version in rising], [False] * 11)
equal([_versions.allows("<1.0rc1", version) for version in rising], [True] * 4 + [False] * 7)
equal([_versions.allows("==1.*", version) for version in rising], [True] * 9 + [False] * 2)
equal([_versions.allows("~=1.0, <1.5", version) for version in rising], [False] * 5 + [True] * 3 + [False] * 3)
equal(_versions.allows("==1.0", "1.0.0+local"), True)
raises(ValueError, _versions.allows, "about 1", "1")

datas, binaries, hidden = collect_all("checked")
equal(names([pair for pair in datas if pair not in metadata]),
      ["__init__.py", "__init__.py", "__init__.py", "a.txt", "b.txt", "c.dat", "failing.py", "leaf.py", "libown.so.2",
       "script.py", "top.txt"])  # fmt: skip
equal((metadata[0] in datas, names(binaries), hidden), (True, ["libown.so"], everything))

# Processes.
equal(isolated.call(lambda a, b=0: a + b, 1, b=2), 3)
raises(RuntimeError, isolated.call, lambda: 1 / 0)


@isolated.decorate
def imported():
    import checked

    return checked.NAME, "checked" in sys.modules


equal(imported(), ("checked", True))
with isolated.Python() as child:
    equal(child.call(len, "four"), 4)
assert "checked" not in sys.modules
logger.debug("nobody hears that")


def hook(hook_api):
    equal((hook_api.__name__, hook_api.__path__, hook_api.__file__), ("checked", (own,), own))
    equal(get_hook_config(hook_api, "checked", "anything"), None)
    raises(AttributeError, setattr, hook_api, "__name__", "other")
    raises(ValueError, hook_api.set_module_collection_mode, None, "source")
    hook_api.add_bindepend_symlink_suppression_pattern("**/*.so")
    logger.warning("all is as it should be")
