"""Listing, walking, asking; the working directory."""

import glob
import os
import stat
import shutil
import sys

import own
import samples
import samples.counter
import samples.late
import samples.sub
import samples.unit

from . import described, inside, outcome

DATA = inside(samples, "data")


def listings():
    print(sorted(os.listdir(samples.HERE)))
    print(sorted(os.listdir(os.fsencode(DATA))))
    print(sorted(os.listdir(inside(own))), sorted(os.listdir(inside(own, "linked"))))
    print(outcome(os.listdir, inside(own, "note.txt")), outcome(os.listdir, inside(own, "none")))
    print(sorted(os.listdir(DATA + "/")), sorted(os.listdir(DATA + "/deep/..")))


def scanned():
    for folder in (DATA, inside(own)):
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                kinds = entry.is_dir(), entry.is_file(), entry.is_symlink(), entry.is_dir(follow_symlinks=False)
                same = entry.inode() == entry.stat(follow_symlinks=False).st_ino
                print(entry.name, entry.path, kinds, same, oct(entry.stat().st_mode))


def walked():
    for place, folders, names in os.walk(samples.HERE):
        folders.sort()
        print(place, folders, sorted(names))
    for place, folders, names in sorted(os.walk(inside(own), topdown=False)):
        print(place, sorted(folders), sorted(names))
    print(sorted(place for place, _, _ in os.walk(inside(own), followlinks=True)))


def the_descriptors_walk():
    for place, folders, names, descriptor in os.fwalk(DATA):
        folders.sort()
        sizes = [os.stat(name, dir_fd=descriptor).st_size for name in sorted(names)]
        print(place, folders, sorted(names), sizes, stat.S_ISDIR(os.fstat(descriptor).st_mode))


def globbed():
    for pattern in ("*.txt", "**/*.txt", "d*", "[a-e]*", "deep/*/*.txt", "none*", "*/"):
        print(pattern, sorted(glob.glob(os.path.join(DATA, pattern), recursive=True)))
    if sys.version_info >= (3, 10):
        print(sorted(glob.glob("**/*.txt", root_dir=DATA, recursive=True)))
        descriptor = os.open(DATA, os.O_RDONLY)
        print(sorted(glob.glob("*/a/*", dir_fd=descriptor)))
        os.close(descriptor)


def asked():
    text = os.path.join(DATA, "text.txt")
    for path in (text, DATA, DATA + "/", text + "/", text + "/x", os.path.join(DATA, "none"), inside(own, "link.txt"), DATA + "/.", DATA + "/none/.."):
        kinds = os.path.exists(path), os.path.lexists(path), os.path.isfile(path), os.path.isdir(path), os.path.islink(path)
        print(path, kinds, [os.access(path, mode) for mode in (os.F_OK, os.R_OK)], outcome(os.stat, path)[0] if not kinds[0] else "")
    print(os.access(text, os.X_OK), os.access(inside(samples, "bin", "script.sh"), os.X_OK | os.R_OK), os.access(DATA, os.X_OK))
    print(os.access(text, os.R_OK, effective_ids=True), os.access(inside(own, "link.txt"), os.R_OK, follow_symlinks=False))
    print(described(os.stat(inside(samples, "bin", "script.sh"))), os.path.ismount(DATA), shutil.which("script.sh", path=inside(samples, "bin")))
    print(outcome(os.stat, "a" * 300, dir_fd=None), outcome(os.stat, os.path.join(DATA, "b" * 300)), outcome(os.stat, DATA + "/" + "c/" * 3000)[1])
    print(outcome(os.readlink, text), outcome(os.open, DATA, os.O_RDONLY | os.O_NOFOLLOW) > 2, outcome(os.open, inside(own, "link.txt"), os.O_NOFOLLOW))
    print(outcome(os.open, text, os.O_RDONLY | os.O_DIRECTORY), outcome(open, DATA))
    print(os.lstat(inside(own, "link.txt")).st_size, stat.S_ISLNK(os.lstat(inside(own, "link.txt")).st_mode))


def relative_to_descriptors():
    folder = os.open(DATA, os.O_RDONLY | os.O_DIRECTORY)
    descriptor = os.open("text.txt", os.O_RDONLY, dir_fd=folder)
    print(os.read(descriptor, 6), os.stat("deep/a/half.txt", dir_fd=folder).st_size, os.access("empty.txt", os.R_OK, dir_fd=folder))
    print(sorted(os.listdir(folder)), stat.S_ISDIR(os.fstat(folder).st_mode), os.path.samestat(os.fstat(folder), os.stat(DATA)))
    print(outcome(os.open, "none", os.O_RDONLY, dir_fd=folder), outcome(os.stat, "x", dir_fd=descriptor)[:2])
    with os.scandir(folder) as entries:
        print(sorted(entry.name for entry in entries if entry.is_dir()))
    other = os.open("../../own" if os.path.isdir(samples.HERE + "/../own") else "../../../own", os.O_RDONLY, dir_fd=folder)
    print(os.readlink("link.txt", dir_fd=other), os.stat("link.txt", dir_fd=other, follow_symlinks=False).st_size)
    for one in (folder, descriptor, other):
        os.close(one)


def working_directory():
    before = os.getcwd()
    os.chdir(DATA)
    print(os.getcwd(), os.fsdecode(os.getcwdb()), open("text.txt").readline(), sorted(os.listdir()), os.path.abspath("deep"))
    print(os.path.exists("none"), os.path.isdir("deep"), sorted(glob.glob("*.json")), os.path.realpath("deep/../text.txt"))
    os.chdir("deep/a")
    print(os.getcwd(), os.listdir("b"), open("../../empty.txt").read(), os.stat("half.txt").st_size)
    os.chdir("../..")
    print(os.getcwd(), outcome(os.chdir, "text.txt"), outcome(os.chdir, "none"))
    descriptor = os.open(inside(own), os.O_RDONLY)
    os.fchdir(descriptor)
    os.close(descriptor)
    print(os.getcwd(), open("note.txt").read(), open("linked/page.html").read())
    os.chdir("linked")
    print(os.getcwd(), sorted(os.listdir(".")))
    os.chdir("/")
    print(os.getcwd(), os.path.exists("text.txt"), os.path.exists("proc"))
    os.chdir(DATA)
    os.chdir(before)
    print(os.getcwd() == before, os.path.exists("text.txt"))


def resolved():
    root = os.path.dirname(samples.HERE)
    for path in (DATA, DATA + "/../data/text.txt", inside(own, "linked", "up.txt"), inside(own, "none"), inside(own, "twice.txt")):
        print(path, os.path.realpath(path), os.path.normpath(path))
    print(os.path.relpath(DATA, root), os.path.commonpath([DATA, samples.HERE]), os.path.isdir(root), os.path.isabs(root))
    if sys.version_info >= (3, 10):
        print(outcome(os.path.realpath, DATA + "/none/x", strict=True))


def systems():
    text = os.path.join(DATA, "text.txt")
    print(os.statvfs(text).f_namemax, os.pathconf(text, "PC_NAME_MAX"), os.statvfs(DATA).f_bsize > 0, shutil.disk_usage(DATA).total >= 0)
    descriptor = os.open(text, os.O_RDONLY)
    print(os.fstatvfs(descriptor).f_namemax == os.statvfs(text).f_namemax, os.fpathconf(descriptor, "PC_NAME_MAX"))
    print(outcome(os.getxattr, text, "user.none")[1] in ("ENODATA", "ENOTSUP"), [name for name in os.listxattr(text) if name.startswith("user.")])
    os.close(descriptor)


def the_program_itself():
    print(os.path.basename(sys.executable) != "", os.path.isfile(sys.executable), os.path.isdir(sys.executable), os.access(sys.executable, os.X_OK))
    print(stat.S_ISREG(os.stat(sys.executable).st_mode), os.path.getsize(sys.executable) > 1000)
    print(os.path.isfile(__file__), os.path.basename(__file__), os.path.isfile(sys.modules["__main__"].__file__))
    print(sorted(name for name in os.listdir(os.path.dirname(__file__)) if name.startswith("re")))
