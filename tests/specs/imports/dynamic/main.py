"""Imports that no import statement shows, with what libraries offer for them."""

import ctypes
import ctypes.util
import importlib
import importlib.util
import runpy
import sys

import parts
import six
from parts import lazily
from six.moves import configparser, getcwd
from six.moves.urllib.parse import quote

print("six", configparser.ConfigParser.__module__, callable(getcwd), quote("a b"), six.moves.queue.Queue.__module__)
print("attach", parts.first.NAME, parts.SECOND)
print("table", lazily.Third, lazily.Fourth)

spec = importlib.util.find_spec("found_later")
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
print("find_spec", module.NAME)

spec = importlib.util.find_spec("loaded_lazily")
spec.loader = importlib.util.LazyLoader(spec.loader)
module = importlib.util.module_from_spec(spec)
sys.modules["loaded_lazily"] = module
spec.loader.exec_module(module)
print("LazyLoader", module.NAME)

print("run_path", runpy.run_path(parts.script_path())["result"])

bz2 = ctypes.util.find_library("bz2")
version = ctypes.CDLL(bz2).BZ2_bzlibVersion
version.restype = ctypes.c_char_p
print("library", version().decode())
with open("/proc/self/maps") as maps:
    print("memory" if any("libbz2" in line and "memfd" in line for line in maps) else "disk", file=sys.stderr)
