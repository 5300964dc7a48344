"""Reads a package's data in every way that Python has, and tries to change it in most."""

import contextlib
import errno
import glob
import mmap
import os
import pathlib
import resource
import shutil
import stat
import subprocess
import sys
import tempfile
import threading

import package

HERE = os.path.dirname(package.__file__)
TEXT = b"text of the package\n"
LARGE = bytes(range(256)) * 8000


def path(name):
    return os.path.join(HERE, name)


def read(name):
    with open(path(name), "rb") as file:
        return file.read()


def fails(number, function, *arguments, **keywords):
    try:
        function(*arguments, **keywords)
    except OSError as error:
        assert error.errno == number, (error, function, arguments)
    else:
        raise AssertionError((function, arguments))


def agree(one, other):
    names = [name for name in dir(one) if name.startswith("st_")]
    assert [getattr(one, name) for name in names] == [getattr(other, name) for name in names]


def reading():
    assert read("text.txt") == TEXT
    assert read("large.bin") == LARGE
    assert read("link.txt") == TEXT
    assert os.readlink(path("link.txt")) == "text.txt"
    assert os.path.realpath(path("link.txt")) == path("text.txt")
    assert pathlib.Path(HERE, "sub", "..", "text.txt").read_bytes() == TEXT
    with open(path("text.txt")) as first, open(path("text.txt")) as second:
        assert first.readline() == second.readline()
        agree(os.fstat(first.fileno()), os.stat(path("text.txt")))
        copy = os.dup(first.fileno())
        agree(os.fstat(copy), os.stat(path("text.txt")))
        os.close(copy)
    with open(path("large.bin"), "rb") as file:
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            assert mapped[1000:2000] == LARGE[1000:2000]
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY) as mapped:
            mapped[0] = 7
        with contextlib.suppress(PermissionError):
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_WRITE)
            raise AssertionError("mapped for writing")
        reader, writer = os.pipe()
        assert os.sendfile(writer, file.fileno(), 100, 50) == 50
        assert os.read(reader, 100) == LARGE[100:150]
        os.close(reader)
        os.close(writer)
        fails(errno.EBADF, os.write, file.fileno(), b"x")


def listing():
    names = {"__init__.py", "__pycache__", "text.txt", "large.bin", "link.txt", "run.sh", "sub"}
    assert set(os.listdir(HERE)) == names
    for entry in os.scandir(HERE):
        assert entry.name in names
        assert entry.inode() == entry.stat(follow_symlinks=False).st_ino
        assert entry.is_dir() == os.path.isdir(entry.path)
        assert entry.is_symlink() == (entry.name == "link.txt")
    assert [name for name, _, _ in os.walk(HERE)][0] == HERE
    assert glob.glob(path("*.bin")) == [path("large.bin")]
    assert {found.name for found in pathlib.Path(HERE).rglob("*.txt")} == {"text.txt", "link.txt", "deep.txt"}
    directory = os.open(HERE, os.O_RDONLY | os.O_DIRECTORY)
    agree(os.fstat(directory), os.stat(HERE))
    assert set(os.listdir(directory)) == names
    assert os.stat("text.txt", dir_fd=directory).st_size == len(TEXT)
    assert os.stat("sub/deep.txt", dir_fd=directory).st_size == 5
    assert os.stat(f"/dev/fd/{directory}/sub/deep.txt").st_size == 5
    assert sorted(os.listdir(f"/proc/self/fd/{directory}")) == sorted(os.listdir(HERE))
    assert os.access("text.txt", os.R_OK, dir_fd=directory)
    assert os.readlink("link.txt", dir_fd=directory) == "text.txt"
    with open(os.open("text.txt", os.O_RDONLY, dir_fd=directory), "rb") as file:
        assert file.read() == TEXT
    assert {name for name, _, _, _ in os.fwalk(".", dir_fd=directory)} >= {".", "./sub"}
    fails(errno.EROFS, os.mkdir, "new", dir_fd=directory)
    fails(errno.EROFS, os.unlink, "text.txt", dir_fd=directory)
    fails(errno.EROFS, os.utime, directory)
    os.close(directory)
    assert os.path.isfile(sys.executable)
    assert os.path.isdir(sys._MEIPASS) and os.path.ismount(sys._MEIPASS)
    assert os.path.isfile(os.path.join(sys._MEIPASS, ".."))
    assert os.statvfs(HERE).f_flag & os.ST_RDONLY
    assert os.listxattr(HERE) == []
    assert stat.S_IMODE(os.stat(path("run.sh")).st_mode) & 0o111
    assert os.access(path("run.sh"), os.X_OK) and not os.access(path("text.txt"), os.X_OK)


def changing():
    text, new = path("text.txt"), path("new")
    for flags in (os.O_WRONLY, os.O_RDWR, os.O_TRUNC):
        fails(errno.EROFS, os.open, text, flags)
    for function, *arguments in (
        (os.open, new, os.O_CREAT | os.O_WRONLY),
        (os.mkdir, new),
        (os.unlink, text),
        (os.rmdir, path("sub")),
        (os.rename, text, new),
        (os.link, text, new),
        (os.symlink, "text.txt", new),
        (os.mkfifo, new),
        (os.chmod, text, 0),
        (os.chown, text, 0, 0),
        (os.utime, text),
        (os.truncate, text, 0),
        (os.setxattr, text, "user.x", b""),
    ):
        fails(errno.EROFS, function, *arguments)
    fails(errno.EEXIST, os.mkdir, path("sub"))
    fails(errno.ENOENT, os.mkdir, path("nothing/new"))
    fails(errno.ENOENT, os.chmod, path("nothing"), 0)
    fails(errno.ENOENT, os.stat, path("nothing"))
    fails(errno.ENOTDIR, os.stat, path("text.txt/x"))
    fails(errno.EISDIR, os.open, HERE, os.O_WRONLY)
    assert not os.access(text, os.W_OK)
    with tempfile.TemporaryDirectory() as folder:
        outside = os.path.join(folder, "outside")
        fails(errno.EXDEV, os.rename, text, outside)
        fails(errno.EXDEV, os.link, text, outside)
        shutil.copytree(HERE, os.path.join(folder, "copy"), symlinks=True)
        assert set(os.listdir(os.path.join(folder, "copy"))) == set(os.listdir(HERE))
        shutil.copy2(text, outside)
        assert os.stat(outside).st_mtime == os.stat(text).st_mtime


def working_directory():
    before = os.getcwd()
    os.chdir(HERE)
    assert os.getcwd() == HERE
    with open("text.txt", "rb") as file:
        assert file.read() == TEXT
    assert os.path.exists("../package") and set(os.listdir()) == set(os.listdir(HERE))
    # The kernel knows nothing of it: programs start in the real one, and cannot be told to start in this one.
    outside = subprocess.run(["/bin/pwd"], stdout=subprocess.PIPE, check=True)
    assert outside.stdout.decode().strip() == os.path.realpath(before)
    if sys.version_info >= (3, 10):  # before, it is set after fork, by a process with memory of its own
        fails(errno.ENOTDIR, subprocess.run, ["/bin/pwd"], cwd=HERE)
    subprocess.run(["/bin/true"], cwd="/", check=True)
    assert os.getcwd() == HERE
    child = os.fork()
    if child == 0:
        os.chdir("sub")
        os._exit(0 if os.path.exists("deep.txt") else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert os.getcwd() == HERE
    os.chdir("..")
    assert os.getcwd() == sys._MEIPASS
    directory = os.open(path("sub"), os.O_RDONLY)
    os.fchdir(directory)
    os.close(directory)
    assert os.getcwd() == path("sub")
    os.chdir(before)
    assert os.getcwd() == before and not os.path.exists("deep.txt")


def at_once():
    errors = []

    def work():
        try:
            for number in range(100):
                assert read("text.txt") == TEXT
                assert number % 20 or read("large.bin") == LARGE
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        child = os.fork()
        if child == 0:
            os._exit(0 if read("text.txt") == TEXT else 1)
        assert os.waitpid(child, 0)[1] == 0
    for thread in threads:
        thread.join()
    assert not errors, errors


def descriptors():
    """Nothing of ours stays open, is inherited or is relied upon; limits on files do not hold for reading."""
    before = os.listdir("/proc/self/fd")
    read("text.txt")
    os.listdir(HERE)
    assert os.listdir("/proc/self/fd") == before
    with open(path("text.txt")) as file:
        assert not os.get_inheritable(file.fileno())
        os.set_inheritable(file.fileno(), True)
        command = [sys.executable, "inherited", str(file.fileno())]
        subprocess.run(command, close_fds=False, check=True)
    os.closerange(3, 100)
    assert read("text.txt") == TEXT
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    assert read("text.txt") == TEXT and read("large.bin") == LARGE


def moved():
    os.rename(sys.executable, sys.executable + ".moved")
    assert read("sub/deep.txt") == b"deep\n"
    os.rename(sys.executable + ".moved", sys.executable)


if sys.argv[1:2] == ["inherited"]:
    agree(os.fstat(int(sys.argv[2])), os.stat(path("text.txt")))
    assert os.read(int(sys.argv[2]), 100) == TEXT
else:
    for check in (reading, listing, changing, working_directory, at_once, moved, descriptors):
        check()
    os.write(1, b"all as it should be\n")
