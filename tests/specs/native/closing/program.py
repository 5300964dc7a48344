"""Loads and closes a library again and again: it is gone each time, and new the next."""

import _ctypes
import ctypes
import os
import threading

import closing


def is_loaded():
    try:
        ctypes.CDLL(closing.LIBRARY, mode=os.RTLD_NOLOAD | os.RTLD_NOW)
    except OSError:
        return False
    return True


def turn():
    library = ctypes.CDLL(closing.LIBRARY)
    print(library.call(), library.call(), flush=True)
    thread = threading.Thread(target=lambda: print("thread", library.call(), flush=True))
    thread.start()
    thread.join()
    again = ctypes.CDLL(closing.LIBRARY)
    assert again._handle == library._handle
    _ctypes.dlclose(again._handle)
    print(library.call(), flush=True)
    _ctypes.dlclose(library._handle)


for _ in range(20):
    print("here before", is_loaded(), flush=True)
    turn()
before = len(os.listdir("/proc/self/fd"))
with open("/proc/self/maps") as maps:
    mapped = sum(1 for _ in maps)
for _ in range(50):
    turn()
with open("/proc/self/maps") as maps:
    print("mappings left", max(0, sum(1 for _ in maps) - mapped - 8))
print("descriptors left", len(os.listdir("/proc/self/fd")) - before)
