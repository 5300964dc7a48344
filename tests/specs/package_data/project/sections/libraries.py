"""Modules of the standard library that read files, some of them in C."""

import collections
import configparser
import csv
import filecmp
import fileinput
import gzip
import json
import linecache
import os
import shelve
import sqlite3
import ssl
import tarfile
import tempfile
import zipfile

import own
import samples

from . import inside, outcome

DATA = inside(samples, "data")


def formats():
    with open(os.path.join(DATA, "values.json")) as file:
        print(json.load(file))
    with open(os.path.join(DATA, "table.csv"), newline="") as file:
        print(list(csv.reader(file)))
    parser = configparser.ConfigParser()
    print(len(parser.read([os.path.join(DATA, "settings.ini"), os.path.join(DATA, "none.ini")])), dict(parser["section"]))
    print(linecache.getline(os.path.join(DATA, "text.txt"), 2), linecache.getlines(os.path.join(DATA, "none")))
    with fileinput.input([os.path.join(DATA, "settings.ini")]) as lines:
        print(list(lines))
    print(filecmp.cmp(os.path.join(DATA, "same.txt"), os.path.join(DATA, "deep/a/b/c/leaf.txt"), shallow=False), filecmp.dircmp(DATA, inside(own)).left_only)


def archives():
    path = os.path.join(DATA, "archive.zip")
    print(zipfile.is_zipfile(path))
    with zipfile.ZipFile(path) as archive:
        print(archive.namelist(), archive.read("inside.txt")[:14], archive.testzip())
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(os.path.join(folder, "all.tar.gz"), "w:gz") as archive:
            archive.add(inside(own), "own")
        with tarfile.open(os.path.join(folder, "all.tar.gz")) as archive:
            print(sorted((one.name, one.size if one.isfile() else 0, one.type, one.linkname) for one in archive if ".py" not in one.name))
        with zipfile.ZipFile(os.path.join(folder, "made.zip"), "w") as archive:
            archive.write(os.path.join(DATA, "text.txt"), "text.txt")
            print(archive.getinfo("text.txt").file_size)
        with open(os.path.join(DATA, "text.txt"), "rb") as file, gzip.open(os.path.join(folder, "x.gz"), "wb") as packed:
            print(packed.write(file.read()))


def databases():
    path = os.path.join(DATA, "base.sqlite")
    for query in ("mode=ro", "mode=ro&immutable=1", "immutable=1"):
        connection = sqlite3.connect(f"file:{path}?{query}", uri=True)
        print(query, connection.execute("select count(*), sum(size) from things").fetchone())
        print(connection.execute("select * from things where name = 'thing 44'").fetchall(), connection.execute("pragma integrity_check").fetchone())
        if "mode" in query:
            print(outcome(connection.execute, "insert into things values ('new', 1)"))
        connection.close()
    connection = sqlite3.connect("file::memory:", uri=True)
    connection.execute("attach database ? as attached", (f"file:{path}?mode=ro",))
    print(connection.execute("select count(*) from attached.things").fetchone())
    connection.close()
    with tempfile.TemporaryDirectory() as folder:
        target = sqlite3.connect(os.path.join(folder, "copy.sqlite"))
        source = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        source.backup(target)
        print(target.execute("select max(size) from things").fetchone())
        target.close()
        source.close()
    print(outcome(sqlite3.connect, f"file:{DATA}/none.sqlite?mode=ro", uri=True))


def handshake(context):
    """A handshake in memory with a server whose key is bundled, and what the client learns of it."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(inside(samples, "tls", "server.pem"))
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        context.wrap_bio(to_client, to_server, server_hostname="sample.test"),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(10):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return ends[0].getpeercert()["subjectAltName"]


def certificates():
    authority, directory = inside(samples, "tls", "authority.pem"), inside(samples, "tls", "directory")
    context = ssl.create_default_context(cafile=authority)
    print([one["subject"] for one in context.get_ca_certs()], handshake(context))
    context = ssl.create_default_context(capath=directory)
    print(context.get_ca_certs(), handshake(context), len(context.get_ca_certs()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    print(outcome(handshake, context)[1])
    context.load_verify_locations(authority)
    print(handshake(context), outcome(context.load_verify_locations, authority + ".none"))


def collected():
    counts = collections.Counter()
    for folder, _, names in os.walk(samples.HERE):
        counts.update(os.path.splitext(name)[1] for name in names if name != "big.bin")
    print(sorted(counts.items()))
    with tempfile.TemporaryDirectory() as folder:
        with shelve.open(os.path.join(folder, "shelf")) as shelf:
            shelf["text"] = open(os.path.join(DATA, "text.txt")).read()
        with shelve.open(os.path.join(folder, "shelf"), "r") as shelf:
            print(shelf["text"])
