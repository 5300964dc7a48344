"""A program with a bit of everything: native code with libraries of its own, bytecode, a data file, a thread."""

import ctypes
import decimal
import json
import os
import sqlite3
import ssl
import sys
import threading
import zlib

import pieces


if "maps" in sys.argv:
    with open("/proc/self/maps") as maps:
        print(maps.read(), end="")
    sys.exit()


def inner():
    if "abort" in sys.argv:
        os.abort()


print(ssl.OPENSSL_VERSION.split()[0], sqlite3.connect(":memory:").execute("select 6 * 7").fetchone())
print(decimal.Decimal(1) / 7, zlib.crc32(b"snapfreeze"), json.dumps({"a": [1, None]}))
print(ctypes.pythonapi.Py_IsInitialized(), ctypes.CDLL(None).abs(-3))
with open(os.path.join(os.path.dirname(pieces.__file__), "data.txt")) as data:
    print(data.read(), end="", flush=True)
thread = threading.Thread(target=inner)
thread.start()
thread.join()
inner()
