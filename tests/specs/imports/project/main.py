"""Every kind of import that the language and the standard library offer, and what each gives."""

import importlib
import os.path
import pkg.deep.er.bottom
import sys

import space.first
from pkg import VALUE, submodule, value_of
from pkg.deep import *  # noqa: F403
from pkg.stars import *  # noqa: F403
from space import second

print("namespace", space.first.NAME, second.NAME)
print("dotted", pkg.deep.er.bottom.NAME, pkg.deep.er.__name__)
print("submodule", submodule.NAME, VALUE, value_of())
print("star", sorted(name for name in dir() if name.startswith("star_")))
print("star with submodule", starred_module.NAME, in_deep)  # noqa: F405

import extended.here
import extended.elsewhere

print("extend_path", extended.here.NAME, extended.elsewhere.NAME)

import pkg.alias.inside

print("alias", pkg.alias.inside.NAME, pkg.alias.inside is sys.modules["pkg.real"], os.path is sys.modules["os.path"])

print("import_module", importlib.import_module("pkg.by_name").NAME, importlib.import_module(".by_relative", "pkg").NAME)
print("__import__", __import__("by_dunder").NAME)

try:
    import no_such_module_anywhere
except ImportError as error:
    no_such_module_anywhere = None
    print("conditional", error)
try:
    from pkg import missing_name
except ImportError as error:
    missing_name = None
    print("conditional", str(error).split(" (")[0])
try:
    import first_choice as choice
except ImportError:
    import second_choice as choice
print("conditional", choice.NAME)
if sys.platform == "win32":
    import no_such_windows_module
elif sys.version_info < (3, 0):
    import no_such_old_module


def late():
    from in_function import NAME

    return NAME


print("function", late())

import latin
import only_bytecode
import pkg.lazy

print("latin-1", latin.TEXT, len(latin.TEXT))
print("bytecode", only_bytecode.NAME, only_bytecode.double(21))
print("__getattr__", pkg.lazy.attribute)

print("circular", importlib.import_module("pkg.round_a").total())

from pkg import *  # noqa: E402,F403

print("__all__", exported)  # noqa: F405
