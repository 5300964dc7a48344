"""Imports of the standard library that bring in most of it, and a little use of each."""

import argparse
import asyncio
import base64
import collections
import concurrent.futures
import csv
import ctypes
import dataclasses
import datetime
import decimal
import email.message
import hashlib
import http.server
import io
import json
import logging
import lzma
import multiprocessing
import pathlib
import re
import sqlite3
import ssl
import subprocess
import tempfile
import threading
import typing
import unittest.mock
import urllib.request
import xml.etree.ElementTree as ElementTree
import zipfile
import zoneinfo


@dataclasses.dataclass
class Point:
    x: int
    y: typing.Optional[int] = None


def square(number: int) -> int:
    return number * number


async def later() -> str:
    await asyncio.sleep(0)
    return "later"


def main() -> None:
    parser = argparse.ArgumentParser(prog="stdlib")
    parser.add_argument("--count", type=int, default=3)
    print(parser.parse_args([]).count, Point(1), asyncio.run(later()))
    database = sqlite3.connect(":memory:")
    print(database.execute("select 1 + 1, upper('abc')").fetchone(), ssl.OPENSSL_VERSION)
    print(json.dumps({"a": [1, None, True], "\u00e9": 1.5}), re.sub(r"(\w+) (\w+)", r"\2 \1", "hello world"))
    print(hashlib.sha256(b"abc").hexdigest(), base64.b64encode(b"bytes"), lzma.decompress(lzma.compress(b"x" * 9)))
    print(decimal.Decimal("0.1") + decimal.Decimal("0.2"), datetime.date(2024, 2, 29).isoformat())
    print(list(csv.reader(io.StringIO("a,b\n1,2\n"))), collections.Counter("hello").most_common(1))
    print(ElementTree.tostring(ElementTree.fromstring("<a><b>1</b></a>")), pathlib.PurePosixPath("/a/b").name)
    message = email.message.EmailMessage()
    message["Subject"] = "h\u00e9llo"
    message.set_content("text")
    print(message.as_string())
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("name", "content")
    print(zipfile.ZipFile(archive).read("name"))
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        print(list(pool.map(square, range(5))), threading.active_count() >= 1)
    print(ctypes.sizeof(ctypes.c_int), multiprocessing.get_start_method(), issubclass(zoneinfo.ZoneInfo, object))
    print(urllib.request.Request("http://example.invalid/a?b").get_method(), http.server.BaseHTTPRequestHandler.__name__)
    print(unittest.mock.Mock(return_value=3)(), subprocess.PIPE, tempfile.gettempprefix())
    logging.basicConfig(format="%(levelname)s %(message)s")
    logging.warning("to stderr")


main()
