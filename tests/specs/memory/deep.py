"""Calls go deep while modules are imported: CPython takes memory for their frames where it takes its arenas."""

import sys


def depth(left):
    return 0 if left == 0 else 1 + depth(left - 1)


def at_depths(name):
    """Imports a module between calls of several depths."""
    for left in 100, 400, 900:
        depth(left)
    __import__(name)
    return depth(900)


import asyncio
print(at_depths("xml.etree.ElementTree"))
import email.mime.multipart
print(at_depths("unittest.mock"))
import http.server
print(at_depths("concurrent.futures"))
import sqlite3
print(at_depths("multiprocessing"))
import ssl
print(at_depths("logging.handlers"))
import xmlrpc.client
print(at_depths("doctest"))
modules = [asyncio, email.mime.multipart, http.server, sqlite3, ssl, xmlrpc.client]
kept = [[number] for number in range(200_000)]
print(depth(900), len(kept), all(module.__name__ in sys.modules for module in modules))
