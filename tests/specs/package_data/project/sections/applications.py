"""What programs do with their data: serve it, translate with it, unpack it, lock it."""

import asyncio
import dbm.dumb
import doctest
import fcntl
import functools
import gettext
import gzip
import http.client
import http.server
import io
import logging.config
import mimetypes
import os
import pathlib
import select
import shutil
import socket
import sys
import tarfile
import tempfile
import threading
import unittest
import xml.etree.ElementTree
import zipfile

import own
import samples

from . import inside, outcome

DATA = inside(samples, "data")
TEXT = inside(samples, "data", "text.txt")
MORE = inside(samples, "more")


def served_over_http():
    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=samples.HERE))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port)
    for path in ("/data/text.txt", "/data/values.json", "/data/none", "/data/", "/data", "/more/page.html"):
        connection.request("GET", path)
        answer = connection.getresponse()
        content = answer.read()
        print(path, answer.status, answer.getheader("Content-Type"), len(content), b"text.txt" in content)
    connection.close()
    server.shutdown()
    server.server_close()


def sent_through_sockets():
    one, other = socket.socketpair()
    with open(TEXT, "rb") as file:
        print(one.sendfile(file), other.recv(100))
        print(one.sendfile(file, offset=6, count=4), other.recv(100))
    one.close()
    other.close()

    async def send():
        async def answer(reader, writer):
            with open(inside(samples, "data", "big.bin"), "rb") as file:
                await asyncio.get_running_loop().sendfile(writer.transport, file, 100, 1_000_000)
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        content = await reader.read()
        writer.close()
        server.close()
        return len(content), content[:4].hex()

    print(asyncio.run(send()))


def copied_by_the_kernel():
    with tempfile.TemporaryDirectory() as folder, open(TEXT, "rb") as file, open(os.path.join(folder, "copy"), "wb+") as copy:
        if hasattr(os, "copy_file_range"):
            print(outcome(os.copy_file_range, file.fileno(), copy.fileno(), 5, 6) in (5, ("OSError", "EXDEV", None, None)))
        reading, writing = os.pipe()
        if hasattr(os, "splice"):
            print(os.splice(file.fileno(), writing, 6, offset_src=0), os.read(reading, 100))
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_WILLNEED)
        print(os.get_blocking(file.fileno()), os.fstat(file.fileno()).st_size, os.lseek(file.fileno(), 0, os.SEEK_END))
        print(os.lseek(file.fileno(), 0, os.SEEK_DATA), outcome(os.lseek, file.fileno(), 100, os.SEEK_DATA)[1])


def locked_and_polled():
    with open(TEXT, "rb") as one, open(TEXT, "rb") as other:
        fcntl.flock(one, fcntl.LOCK_SH)
        fcntl.flock(other, fcntl.LOCK_SH)
        fcntl.lockf(one, fcntl.LOCK_SH)
        print(outcome(fcntl.lockf, other, fcntl.LOCK_EX)[:2], fcntl.fcntl(one, fcntl.F_GETFL) & os.O_ACCMODE, fcntl.fcntl(one, fcntl.F_GETFD))
        print([len(ready) for ready in select.select([one], [], [], 0)], select.poll().poll(0))
        epoll = select.epoll()
        print(outcome(epoll.register, one.fileno())[:2])
        epoll.close()


def only_a_place():
    descriptor = os.open(TEXT, os.O_PATH)
    print(os.fstat(descriptor).st_size, outcome(os.read, descriptor, 1)[:2], os.path.samestat(os.fstat(descriptor), os.stat(TEXT)))
    os.close(descriptor)
    folder = os.open(DATA, os.O_PATH | os.O_DIRECTORY)
    with open(os.open("text.txt", os.O_RDONLY, dir_fd=folder)) as file:
        print(file.readline(), os.stat("deep", dir_fd=folder).st_size > 0)
    os.close(folder)
    print(os.stat(TEXT).st_uid == os.stat(sys.executable).st_uid or os.stat(TEXT).st_uid == os.getuid(), len(pathlib.Path(TEXT).owner()) > 0)
    print(os.path.getatime(TEXT) > 0, os.path.getctime(TEXT) > 0, os.stat(TEXT).st_blksize > 0, os.stat(TEXT).st_blocks > 0)


def packed_and_unpacked():
    with tempfile.TemporaryDirectory() as folder:
        archive = shutil.make_archive(os.path.join(folder, "made"), "zip", root_dir=DATA, base_dir="deep")
        print(sorted(zipfile.ZipFile(archive).namelist()))
        archive = shutil.make_archive(os.path.join(folder, "made"), "gztar", samples.HERE, "data/deep")
        print(sorted(tarfile.open(archive).getnames()))
        shutil.unpack_archive(inside(samples, "data", "archive.zip"), folder)
        print(sorted(os.listdir(folder)))
        print(os.path.getsize(shutil.copyfile(inside(samples, "data", "archive.zip"), os.path.join(folder, "x"))) > 100)
    path = zipfile.Path(os.path.join(DATA, "archive.zip")) / "inside.txt"
    print(path.read_text()[:7], path.exists())
    with gzip.open(os.path.join(MORE, "text.gz"), "rt") as file:
        print(file.read())


def translated():
    translation = gettext.translation("sample", os.path.join(MORE, "locale"), ["de"])
    print(translation.gettext("one word"), gettext.find("sample", os.path.join(MORE, "locale"), ["fr", "de"]))
    print(gettext.find("sample", os.path.join(MORE, "locale"), ["fr"]))


def configured():
    logging.config.fileConfig(os.path.join(MORE, "logging.ini"))
    logging.getLogger("sample").warning("logged")
    types = mimetypes.MimeTypes(filenames=[os.path.join(MORE, "mime.types")])
    print(types.guess_type("x.sample"), xml.etree.ElementTree.parse(os.path.join(MORE, "tree.xml")).getroot().find("leaf").text)
    if sys.version_info >= (3, 11):
        import tomllib

        with open(os.path.join(MORE, "settings.toml"), "rb") as file:
            print(tomllib.load(file))
    with dbm.dumb.open(os.path.join(MORE, "store"), "r") as store:
        print(store["key"])


def tested():
    print(doctest.testfile(os.path.join(MORE, "examples.txt"), module_relative=False))
    print(doctest.testfile("more/examples.txt", package="samples"))
    suite = unittest.defaultTestLoader.discover(os.path.join(MORE, "checks"), pattern="check_*.py")
    result = unittest.TextTestRunner(stream=io.StringIO()).run(suite)
    print(result.testsRun, len(result.failures), len(result.errors))


def modules_that_are_data():
    sys.path.insert(0, os.path.join(MORE, "plugins"))
    import data_plugin

    print(data_plugin.value, data_plugin.__file__, sorted(os.listdir(os.path.join(MORE, "plugins"))))
    sys.path.insert(0, os.path.join(MORE, "modules.zip"))
    import zipped_data

    print(zipped_data.value, zipped_data.__file__)


def hidden_and_odd_names():
    folder = os.path.join(MORE, "names")
    for name in sorted(os.listdir(os.fsencode(folder))):
        with open(os.path.join(os.fsencode(folder), name), "rb") as file:
            print(ascii(os.fsdecode(name)), file.read())
    print(ascii(sorted(path.name for path in pathlib.Path(folder).iterdir())), open(inside(own, "new\nline")).read(), sorted(os.listdir(inside(own, "empty"))), os.path.isdir(inside(own, "empty")))
