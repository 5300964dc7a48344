"""Imports of the standard library that bring in most of it."""

import argparse
import asyncio
import concurrent.futures
import csv
import dataclasses
import datetime
import decimal
import email
import hashlib
import http.server
import json
import logging
import multiprocessing
import pathlib
import re
import sqlite3
import ssl
import subprocess
import tempfile
import threading
import typing
import urllib.request
import xml.etree.ElementTree


async def main():
    connection = sqlite3.connect(":memory:")
    print(connection.execute("select 1+1").fetchone(), ssl.OPENSSL_VERSION, json.dumps({"a": 1}))


asyncio.run(main())
