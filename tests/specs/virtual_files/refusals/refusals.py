"""Prints what each function says of each kind of path in a package's directory, which is not to be written to."""

import errno
import os
import stat
import sys

import package

HERE = os.path.dirname(os.path.abspath(package.__file__))
OUTSIDE = os.path.join(sys.argv[1], "outside")

NAMES = [
    "file", "program", "directory", "link", "link_to_directory", "missing",
    "missing/more", "file/more", "file/", "program/.", "directory/", "directory/.", "directory/..", "directory/deep",
    "directory//deep", "missing/", "link/", "link/more", "link_to_directory/", "link_to_directory/deep",
    "link_to_directory/..", ".", "..", "../package", "n" * 255,
    "n" * 256, "n" * 256 + "/more", "directory/" * 500,
]  # fmt: skip

FLAGS = {
    name: sum(getattr(os, "O_" + flag) for flag in name.split())
    for name in (
        "RDONLY", "WRONLY", "RDWR", "APPEND", "RDONLY TRUNC", "RDWR TRUNC", "CREAT", "CREAT WRONLY", "CREAT EXCL",
        "CREAT EXCL WRONLY", "CREAT TRUNC WRONLY", "CREAT NOFOLLOW", "NOFOLLOW", "NOFOLLOW WRONLY", "DIRECTORY",
        "DIRECTORY NOFOLLOW", "DIRECTORY WRONLY", "PATH", "PATH NOFOLLOW", "PATH DIRECTORY", "PATH WRONLY",
        "TMPFILE WRONLY", "TMPFILE RDWR",
    )
}  # fmt: skip


def described(status):
    size = status.st_size if not stat.S_ISDIR(status.st_mode) else "-"
    return "{:o} {}".format(status.st_mode, size)


def opened(path, flags, **keywords):
    file = os.open(path, flags, 0o666, **keywords)
    try:
        return described(os.fstat(file))
    finally:
        os.close(file)


def entered(path):
    before = os.getcwd()
    os.chdir(path)
    try:
        return os.path.relpath(os.getcwd(), HERE)
    finally:
        os.chdir(before)


BY_NAME = {
    "stat": lambda path, **more: described(os.stat(path, **more)),
    "lstat": lambda path, **more: described(os.lstat(path, **more)),
    "readlink": os.readlink,
    "mkdir": os.mkdir,
    "rmdir": os.rmdir,
    "unlink": os.unlink,
    "mkfifo": os.mkfifo,
    "mknod": os.mknod,
    "chmod": lambda path, **more: os.chmod(path, 0o777, **more),
    "chown": lambda path, **more: os.chown(path, 0, 0, **more),
    "lchown": lambda path, **more: os.chown(path, 0, 0, follow_symlinks=False, **more),
    "utime": os.utime,
    "lutime": lambda path, **more: os.utime(path, (1, 1), follow_symlinks=False, **more),
    "symlink": lambda path, **more: os.symlink("target", path, **more),
}
for mode in ("F_OK", "R_OK", "W_OK", "X_OK"):
    BY_NAME["access " + mode] = lambda path, mode=getattr(os, mode), **more: os.access(path, mode, **more)
for name, flags in FLAGS.items():
    BY_NAME["open " + name] = lambda path, flags=flags, **more: opened(path, flags, **more)

BY_PATH = {
    "truncate": lambda path: os.truncate(path, 0),
    "truncate -1": lambda path: os.truncate(path, -1),
    "listdir": lambda path: sorted({*NAMES, "package", "deep"} & set(os.listdir(path))),
    "chdir": entered,
    "statvfs": lambda path: os.statvfs(path).f_flag & os.ST_RDONLY,
    "realpath": lambda path: os.path.relpath(os.path.realpath(path), HERE),
    "listxattr": os.listxattr,
    "getxattr": lambda path: os.getxattr(path, "user.none"),
    "setxattr": lambda path: os.setxattr(path, "user.none", b""),
    "removexattr": lambda path: os.removexattr(path, "user.none"),
    "lsetxattr": lambda path: os.setxattr(path, "user.none", b"", follow_symlinks=False),
    "link out": lambda path: os.link(path, OUTSIDE),
    "rename out": lambda path: os.rename(path, OUTSIDE),
    "rename in": lambda path: os.rename(__file__ + "nothing", path),
    "rename in from outside": lambda path: os.rename(sys.argv[1], path),
    "link in": lambda path: os.link(os.path.join(sys.argv[1], "beside"), path),
    "remove": os.remove,
}
for other in ("file", "missing", "missing/more", "directory"):
    BY_PATH["rename to " + other] = lambda path, other=other: os.rename(path, os.path.join(HERE, other))
    BY_PATH["link to " + other] = lambda path, other=other: os.link(path, os.path.join(HERE, other))


def said(function, *arguments, **keywords):
    try:
        return function(*arguments, **keywords)
    except OSError as error:
        return errno.errorcode[error.errno]


def short(name):
    return name if len(name) < 30 else name[:10] + "..." + str(len(name))


directory = os.open(HERE, os.O_RDONLY)
for name in NAMES:
    for what, function in {**BY_NAME, **BY_PATH}.items():
        print(short(name), what, said(function, HERE + "/" + name))
    for what, function in BY_NAME.items():
        print(short(name), what, "at", said(function, name, dir_fd=directory))
os.chdir(HERE)
for name in NAMES + [""]:
    for what, function in BY_NAME.items():
        print(short(name), what, "here", said(function, name))
