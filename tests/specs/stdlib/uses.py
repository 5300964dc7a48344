"""Uses of the standard library that import modules from C code or by computed names, where no import shows it."""

import array
import asyncio
import codecs
import collections
import concurrent.futures
import copy
import datetime
import dbm
import decimal
import functools
import importlib
import io
import json
import locale
import logging.config
import logging.handlers
import os
import pickle
import sqlite3
import string
import sys
import sysconfig
import tempfile
import time
import traceback
import types
import warnings
import xml.dom.minidom
import xml.etree.ElementTree
import xml.sax


def every_codec() -> "list[str]":
    """Names of the codecs that encode plain ASCII text."""
    import encodings.aliases

    usable = []
    for name in sorted(set(encodings.aliases.aliases.values())):
        try:
            usable.append(f"{name}:{'abc'.encode(name)!r}")
        except (LookupError, ValueError) as error:
            usable.append(f"{name}:{type(error).__name__}")
    return usable


def warning_text() -> str:
    """A resource warning with its source, as the interpreter prints it."""
    with warnings.catch_warnings(), tempfile.TemporaryFile() as file:
        return warnings._formatwarnmsg(
            warnings.WarningMessage("unclosed", ResourceWarning, "x.py", 1, source=file)
        )


def dumb_database() -> "list[bytes]":
    """dbm looks for its back ends by name."""
    with tempfile.TemporaryDirectory() as folder:
        with dbm.open(os.path.join(folder, "data"), "c") as database:
            database[b"key"] = b"value"
            return sorted(database.keys())


def json_error() -> str:
    try:
        json.loads("{")
    except json.JSONDecodeError as error:
        return str(error)
    return "none"


def sql_dump() -> "list[str]":
    connection = sqlite3.connect(":memory:")
    connection.execute("create table t (a)")
    return list(connection.iterdump())


async def gathered() -> "list[int]":
    async def double(number: int) -> int:
        await asyncio.sleep(0)
        return 2 * number

    return list(await asyncio.gather(double(1), double(2)))


def traceback_text() -> str:
    try:
        raise ValueError("text") from KeyError("cause")
    except ValueError:
        lines = traceback.format_exc().splitlines()
    return "|".join(line for line in lines if not line.startswith((" ", "\t")))


class Point(collections.namedtuple("Point", "x y")):
    """Pickled by reference to the main module."""


class Handler(xml.sax.ContentHandler):
    """Counts elements."""

    count = 0

    def startElement(self, name: str, attrs: object) -> None:
        Handler.count += 1


def main() -> None:
    if hasattr(sys, "set_int_max_str_digits"):
        sys.set_int_max_str_digits(0)
    importlib.invalidate_caches()
    print(time.strptime("2024-02-29", "%Y-%m-%d").tm_yday)
    print(datetime.datetime.strptime("01:02", "%H:%M").minute)
    print(pickle.loads(pickle.dumps([Point(1, 2), array.array("i", [1]), functools.partial(int, base=2)])))
    print(copy.deepcopy(Point([1], {2: 3})), copy.replace(Point(1, 2), x=3) if hasattr(copy, "replace") else "")
    print(len(str(10**5000)), int("9" * 5000) % 1000, decimal.Decimal("1.1") ** 3)
    print(eval("'\\N{BULLET}'"), "\u2022".encode("ascii", "namereplace"), codecs.lookup("rot13").name)
    print(*every_codec(), sep="\n")
    print(json_error(), sql_dump(), asyncio.run(gathered()), traceback_text(), sep="\n")
    print(warning_text())
    print(dumb_database())
    xml.sax.parseString(b"<a><b/><b/></a>", Handler())
    tree = xml.etree.ElementTree.fromstring("<a><b c='1'/></a>")
    print(Handler.count, tree.find("b[@c='1']").tag, xml.dom.minidom.parseString("<a/>").documentElement.tagName)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        print(list(pool.map(abs, [-1, -2])), concurrent.futures.ProcessPoolExecutor.__name__)
    logging.config.dictConfig(
        {
            "version": 1,
            "handlers": {"h": {"class": "logging.handlers.MemoryHandler", "capacity": 1}},
            "root": {"handlers": ["h"]},
        }
    )
    print(logging.getLogger().handlers[0].__class__.__name__)
    print(bool(sysconfig.get_config_var("Py_ENABLE_SHARED")), sysconfig.get_config_var("EXT_SUFFIX"))
    print(string.Template("$a").substitute(a=1), io.TextIOWrapper(io.BytesIO(b"x")).read(), locale.getlocale()[0])
    print(types.SimpleNamespace(a=1), sorted(vars(types.new_class("C", (), {}))) != [])


if __name__ == "__main__":
    main()
