"""Attempts to write, each with the error that a read-only file system gives."""

import os
import sys

import own
import samples

from . import inside, outcome

NOTE = inside(own, "note.txt")
NEW = inside(own, "new")
FOLDER = inside(own, "templates")


def error_of(function, *arguments, **keywords):
    result = outcome(function, *arguments, **keywords)
    return result[1] if isinstance(result, tuple) else result


def writing():
    print("open", error_of(open, NOTE, "w"), error_of(open, NOTE, "a"), error_of(open, NOTE, "r+"), error_of(open, NEW, "w"), error_of(open, NOTE, "x"), error_of(open, FOLDER, "w"))
    print("os.open", error_of(os.open, NOTE, os.O_RDWR), error_of(os.open, NEW, os.O_CREAT), error_of(os.open, NOTE, os.O_TRUNC), error_of(os.open, FOLDER, os.O_TMPFILE | os.O_RDWR))
    print("missing", error_of(open, inside(own, "none", "new"), "w"), error_of(os.mkdir, inside(own, "none", "new")))
    print("mkdir", error_of(os.mkdir, NEW), error_of(os.mkdir, FOLDER), error_of(os.makedirs, NEW + "/x/y"), error_of(os.makedirs, FOLDER, exist_ok=True))
    print("remove", error_of(os.remove, NOTE), error_of(os.remove, NEW), error_of(os.rmdir, FOLDER), error_of(os.rmdir, NEW), error_of(os.unlink, FOLDER))
    print("rename", error_of(os.rename, NOTE, NEW), error_of(os.rename, NEW, NOTE), error_of(os.replace, NOTE, "/tmp/no such"), error_of(os.rename, "/etc/hostname", NEW))
    print("link", error_of(os.link, NOTE, NEW), error_of(os.symlink, "x", NEW), error_of(os.symlink, "x", NOTE), error_of(os.mkfifo, NEW), error_of(os.mknod, NEW))
    print("chmod", error_of(os.chmod, NOTE, 0o600), error_of(os.chmod, NEW, 0o600), error_of(os.chown, NOTE, 0, 0), error_of(os.lchown, NOTE, 0, 0))
    print("utime", error_of(os.utime, NOTE), error_of(os.utime, NEW), error_of(os.utime, NOTE, (1, 1), follow_symlinks=False))
    print("truncate", error_of(os.truncate, NOTE, 0), error_of(os.truncate, NEW, 0), error_of(os.truncate, FOLDER, 0))
    print("access", os.access(NOTE, os.W_OK), os.access(FOLDER, os.W_OK), os.access(NOTE, os.R_OK), os.access(NEW, os.W_OK))
    print("xattr", error_of(os.setxattr, NOTE, "user.x", b"1"), error_of(os.removexattr, NOTE, "user.x"))
    print("statvfs", bool(os.statvfs(NOTE).f_flag & os.ST_RDONLY), open(NOTE).read())


def relative_writing():
    descriptor = os.open(inside(own), os.O_RDONLY)
    print(error_of(os.mkdir, "new", dir_fd=descriptor), error_of(os.unlink, "note.txt", dir_fd=descriptor), error_of(os.rmdir, "templates", dir_fd=descriptor))
    print(error_of(os.rename, "note.txt", "new", src_dir_fd=descriptor, dst_dir_fd=descriptor), error_of(os.symlink, "x", "new", dir_fd=descriptor))
    print(error_of(os.chmod, "note.txt", 0o600, dir_fd=descriptor), error_of(os.utime, "note.txt", dir_fd=descriptor), error_of(os.open, "new", os.O_CREAT | os.O_WRONLY, dir_fd=descriptor))
    os.close(descriptor)
    os.chdir(inside(own))
    print(error_of(open, "new", "w"), error_of(os.mkdir, "new"), error_of(os.remove, "note.txt"), error_of(os.rename, "note.txt", "new"), error_of(os.chmod, "note.txt", 0o600))
    descriptor = os.open(NOTE, os.O_RDONLY)
    for function, arguments in [(os.write, (b"x",)), (os.ftruncate, (0,)), (os.fchmod, (0o777,)), (os.pwrite, (b"x", 0))]:
        print(function.__name__, error_of(function, descriptor, *arguments), os.pread(descriptor, 100, 0))


def temporary_files_inside():
    import tempfile

    print(error_of(tempfile.mkstemp, dir=FOLDER), error_of(tempfile.TemporaryDirectory, dir=FOLDER), error_of(tempfile.TemporaryFile, dir=FOLDER))


def the_root():
    root = sys._MEIPASS
    print(os.path.isdir(root), "own" in os.listdir(root), os.path.dirname(root) == sys.executable, os.path.isfile(sys.executable))
    print([place for place, _, _ in os.walk(root)][0] == root, os.path.realpath(root + "/..") == os.path.realpath(sys.executable), os.path.samefile(root + "/samples", samples.HERE))
    print(os.path.exists(root + "/../" + os.path.basename(sys.executable)), sorted(name for name in os.listdir(root) if name in ("own", "samples", "sections", "program.py")))
    print(error_of(os.mkdir, root), error_of(os.rmdir, root), error_of(os.rename, root, root + "2"), error_of(os.mkdir, sys.executable + "/x"))
