"""Opening and reading."""

import codecs
import hashlib
import io
import mmap
import os
import pathlib
import shutil
import sys
import tempfile
import threading

import own
import samples

from . import described, flush, inside, outcome

TEXT = inside(samples, "data", "text.txt")


def beside_file():
    with open(os.path.join(os.path.dirname(samples.__file__), "data", "text.txt"), encoding="utf-8") as file:
        print(file.name, file.readlines())
    with open(inside(own, "note.txt"), "rb", buffering=0) as file:
        print(file.read(2), file.tell(), file.seek(-3, os.SEEK_END), file.readall(), file.readable(), file.writable())
    with open(samples.HERE + "/../samples//./data/deep/../text.txt") as file:
        print(file.readline())


def in_the_stdlib_and_site_packages():
    import json
    import warnings

    warnings.simplefilter("ignore")
    import pkg_resources

    for module in (json, pkg_resources):
        folder = os.path.dirname(module.__file__)
        print(folder, os.path.isdir(folder), os.path.isfile(module.__file__), os.path.basename(module.__spec__.cached))


def through_meipass():
    # Only a frozen program has it; its parts are where the packages are.
    root = getattr(sys, "_MEIPASS", None)
    print("root", root or os.path.dirname(samples.HERE))
    for part in ("samples/data/text.txt", "samples/sub/data.txt"):
        with open(os.path.join(root or os.path.dirname(samples.HERE), part)) as file:
            print(part, len(file.read()))


def pathlib_reads():
    folder = pathlib.Path(samples.__file__).resolve().parent
    text = folder / "data" / "text.txt"
    print(folder, text.exists(), text.is_file(), text.is_dir(), folder.is_dir(), text.is_symlink(), text.is_mount())
    print(repr(text.read_text(encoding="utf-8")), text.read_bytes()[:4], described(text.stat()))
    print((folder / "data/none.txt").exists(), outcome((folder / "data/none.txt").read_text))
    print(sorted((folder / "data").glob("*.txt")))
    print(sorted(folder.rglob("*.txt")))
    print(sorted(path.relative_to(folder) for path in folder.glob("**/a*")))
    print(sorted(path.name for path in (folder / "data").iterdir()))
    print(text.samefile(TEXT), text.parent.joinpath("..", "data", "text.txt").resolve(), (folder / "x" / ".." / "data").resolve())
    print(outcome((folder / "data/deep/none").resolve, strict=True), outcome((folder / "data/text.txt/x").stat))
    with text.open() as file:
        print(file.readline())


def pathlib_links():
    folder = pathlib.Path(own.__file__).parent
    for name in ("link.txt", "twice.txt", "linked", "templates/up.txt"):
        path = folder / name
        print(name, path.is_symlink(), path.is_file(), path.is_dir(), os.readlink(path), path.resolve(), oct(path.lstat().st_mode)[:3])
    print((folder / "twice.txt").read_text(), (folder / "linked" / "page.html").read_text())
    print((folder / "linked" / ".." / "note.txt").read_text())
    print(sorted(path.name for path in folder.rglob("*")))


def strange_names():
    folder = inside(samples, "data")
    for name in ("name with spaces.txt", "\u00fcn\u00efcode-\u65e5\u672c.txt", "empty.txt"):
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            print(ascii(name), ascii(file.read()), os.path.getsize(file.name))
        with open(os.fsencode(os.path.join(folder, name)), "rb") as file:
            print(len(file.read()))


def a_large_file():
    path = inside(samples, "data", "big.bin")
    print(os.path.getsize(path))
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
        file.seek(5_000_001)
        print(digest.hexdigest(), file.read(8).hex())
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapping:
            print(len(mapping), mapping[-3:], mapping.find(b"end", len(mapping) - 10), hashlib.md5(mapping).hexdigest())


def mapped():
    with open(TEXT, "rb") as file:
        for flags in (mmap.MAP_SHARED, mmap.MAP_PRIVATE):
            with mmap.mmap(file.fileno(), 0, flags=flags, prot=mmap.PROT_READ) as mapping:
                print(mapping[:], mapping.size())
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY) as mapping:
            mapping[0:5] = b"FIRST"
            print(mapping.readline())
        print(outcome(mmap.mmap, file.fileno(), 0, flags=mmap.MAP_SHARED, prot=mmap.PROT_WRITE)[:2])
    with open(inside(samples, "data", "empty.txt"), "rb") as file:
        print(outcome(mmap.mmap, file.fileno(), 0, access=mmap.ACCESS_READ))


def descriptors():
    descriptor = os.open(TEXT, os.O_RDONLY)
    print(os.get_inheritable(descriptor), os.read(descriptor, 6), os.pread(descriptor, 6, 6), os.lseek(descriptor, 0, os.SEEK_CUR))
    other = os.dup(descriptor)
    separate = os.open(TEXT, os.O_RDONLY | os.O_NOFOLLOW)
    # A duplicate has the same offset, another open has its own.
    print(os.read(other, 3), os.lseek(descriptor, 0, os.SEEK_CUR), os.read(separate, 3))
    by_path = os.stat(TEXT)
    for one in (descriptor, other, separate):
        by_descriptor = os.fstat(one)
        print([name for name in dir(by_path) if name.startswith("st_") and getattr(by_path, name) != getattr(by_descriptor, name)])
        print(os.path.sameopenfile(descriptor, one), os.path.samestat(by_path, by_descriptor), os.isatty(one))
    print(outcome(os.write, descriptor, b"x")[:2])
    vectors = [bytearray(2), bytearray(3)]
    print(os.preadv(descriptor, vectors, 1), vectors, os.readv(descriptor, vectors), vectors)
    with open(os.dup(descriptor), closefd=True) as file:
        file.seek(0)
        print(file.readline())
    for one in (descriptor, other, separate):
        os.close(one)


def sent_and_copied():
    reading, writing = os.pipe()
    descriptor = os.open(TEXT, os.O_RDONLY)
    print(os.sendfile(writing, descriptor, 2, 9), os.read(reading, 100))
    os.close(descriptor)
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copy(TEXT, folder)
        print(os.path.basename(copy), described(os.stat(copy)), open(copy, "rb").read())
        shutil.copy2(inside(own, "note.txt"), folder)
        print(os.stat(os.path.join(folder, "note.txt")).st_mtime_ns)
        shutil.copyfile(inside(samples, "data", "big.bin"), os.path.join(folder, "big"))
        print(os.path.getsize(os.path.join(folder, "big")), oct(os.stat(os.path.join(folder, "big")).st_mode))
        print(shutil.copy(inside(samples, "bin", "script.sh"), folder) and oct(os.stat(os.path.join(folder, "script.sh")).st_mode))
        tree = shutil.copytree(inside(samples, "data", "deep"), os.path.join(folder, "deep"))
        print(sorted(path.relative_to(tree).as_posix() for path in pathlib.Path(tree).rglob("*")))
        tree = shutil.copytree(inside(own), os.path.join(folder, "own"), symlinks=True)
        print(sorted((path.name, path.is_symlink()) for path in pathlib.Path(tree).rglob("*")))
        tree = shutil.copytree(inside(own), os.path.join(folder, "followed"))
        print(sorted((path.name, path.is_symlink()) for path in pathlib.Path(tree).rglob("*")))
        os.symlink(TEXT, os.path.join(folder, "into"))
        with open(os.path.join(folder, "into")) as file:
            print(file.readline(), os.path.realpath(file.name), os.path.exists(file.name), os.path.islink(file.name))


def text_layers():
    with codecs.open(TEXT, "r", "utf-8") as file:
        print(file.read())
    with io.open_code(TEXT) as file:
        print(file.read())
    with io.FileIO(TEXT) as file:
        print(file.readall(), file.mode, file.seekable())
    with open(TEXT, newline="", encoding="latin-1") as file:
        print(ascii(list(file)))
    file = open(TEXT, encoding="ascii")
    print(outcome(file.read)[0])
    file.close()


def by_threads():
    path = inside(samples, "data", "big.bin")
    digests = []

    def read(number):
        with open(path, "rb") as file, open(TEXT) as text:
            file.seek(number * 1000)
            digests.append((number, hashlib.md5(file.read(300_000)).hexdigest(), text.readline()))

    threads = [threading.Thread(target=read, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(sorted(digests))


def after_a_fork():
    with open(TEXT) as file:
        file.readline()
        flush()
        child = os.fork()
        if child == 0:
            print("child", file.readline(), open(inside(own, "note.txt")).read())
            import samples.late

            print(samples.late.value)
            flush()
            os._exit(0)
        os.waitpid(child, 0)
        print("parent", file.readline(), open(inside(own, "note.txt")).read())


def after_all_descriptors_are_closed():
    os.closerange(3, 1024)
    with open(TEXT) as file:
        print(file.fileno(), file.readline())
    import samples.late

    print(samples.late.value, sorted(os.listdir(inside(own)))[:2])


def times_and_identities():
    path = inside(own, "note.txt")
    status = os.stat(path)
    print(status.st_mtime_ns, os.path.getmtime(path), described(status), status.st_nlink)
    folder = os.stat(inside(own))
    print(oct(folder.st_mode), folder.st_nlink > 0, folder.st_ino != status.st_ino, folder.st_dev == status.st_dev)
    names = [os.path.join(place, name) for place, _, names in os.walk(samples.HERE) for name in names]
    print(len({os.stat(name).st_ino for name in names}) == len(names), all(os.stat(name).st_ino for name in names))
    print(os.path.samefile(path, inside(own, "link.txt")), os.path.samefile(path, TEXT))
    print(os.stat(TEXT) == os.stat(TEXT), os.path.getmtime(samples.__file__) > 0)


def through_another_name():
    """The test gives a path through a link and starts the program beside itself."""
    path = os.environ.get("OTHER", TEXT)
    with open(path) as file:
        print(file.readline(), end="")
    print(os.stat(path).st_size, os.path.samefile(path, TEXT))
    relative = os.path.relpath(TEXT)
    with open(relative) as file:
        print(file.readline(), end="")


def while_moved():
    """The test says where the executable is and where it is to go; nothing moves elsewhere."""
    first, second = os.environ.get("FIRST"), os.environ.get("SECOND")
    if first:
        os.rename(first, second)
    print(first is None or not os.path.exists(first), os.path.exists(TEXT))
    with open(TEXT) as file:
        print(file.readline(), end="")
    print(sorted(os.listdir(inside(own, "templates"))))
    import samples.late

    print(samples.late.value)
    if first:
        os.unlink(second)
    print(os.path.isdir(samples.HERE))
    print(pathlib.Path(TEXT).read_text().splitlines()[0])
