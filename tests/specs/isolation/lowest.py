"""Whether the next file that is opened gets the lowest free descriptor, at every moment while extensions are imported."""

import os

failures = 0


def check():
    global failures
    for _ in range(500):
        os.close(0)
        failures += os.open(os.devnull, os.O_RDONLY) != 0


check()
import _ssl
check()
import _sqlite3
check()
import _decimal
check()
import _hashlib
check()
import _ctypes
check()
import _elementtree, pyexpat
check()
import _lzma, _bz2, zlib
check()
import ssl, sqlite3, decimal, hashlib, ctypes, xml.etree.ElementTree, lzma, bz2
check()
print(failures, "failures")
