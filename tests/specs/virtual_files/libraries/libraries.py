"""Loads libraries of its package by path and by name. Takes the name of one in a directory that only a RUNPATH names."""

import ctypes
import os
import sys

import plugins

HERE = os.path.dirname(plugins.__file__)


def path(name):
    return os.path.join(HERE, name)


def failure(name):
    try:
        ctypes.CDLL(name, mode=os.RTLD_NOW)
    except OSError as error:
        return str(error)
    raise AssertionError(name + " was loaded")


plugin = ctypes.CDLL(path("libplugin.so"))
assert plugin.answer() == 42
needed = ctypes.CDLL("libneeded.so")
needed.where.restype = ctypes.c_char_p
assert needed.where().decode() == path("libneeded.so"), needed.where()
assert ctypes.CDLL(path("libneeded.so"))._handle == needed._handle
assert ctypes.CDLL("libplugin.so")._handle == plugin._handle
with open("/proc/self/maps") as maps:
    shown = {line.split(None, 5)[5].rstrip("\n") for line in maps if "libneeded.so" in line}
assert len(shown) == 1, shown
assert ctypes.CDLL(shown.pop(), mode=os.RTLD_NOLOAD | os.RTLD_NOW)._handle == needed._handle
os.chdir(HERE)
assert ctypes.CDLL("./libplugin.so")._handle == plugin._handle
os.chdir("/")
assert failure(path("libundefined.so")) == path("libundefined.so") + ": undefined symbol: undefined_thing"
missing = ": cannot open shared object file: No such file or directory"
assert failure(path("nothing.so")) == path("nothing.so") + missing
assert failure("libnothing.so") == "libnothing.so" + missing
assert failure(path("__init__.py")) == path("__init__.py") + ": file too short"
assert ctypes.CDLL(None).getpid() == os.getpid()
failure(sys.argv[1])
assert plugin.by_run_path(sys.argv[1].encode()) == 1, "the RUNPATH of who calls dlopen is lost"
print("all as it should be")
