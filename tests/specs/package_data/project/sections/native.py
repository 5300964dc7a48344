"""What C code sees, in an extension module, in bundled libraries, through ctypes."""

import ctypes
import ctypes.util
import os

import own
import samples
import samples.native as native

from . import inside, outcome

DATA = inside(samples, "data")
TEXT = inside(samples, "data", "text.txt")
NOTE = inside(own, "note.txt")
LIBRARY = inside(samples, "lib", "libsamplelib.so")


def opened():
    print(native.fopen(TEXT, "r"), native.fopen(TEXT, "rbe"), native.fopen64(TEXT), native.freopen(NOTE))
    for path in (TEXT + ".none", TEXT + "/x", DATA + "/none/x"):
        print(outcome(native.fopen, path, "r"), outcome(native.fopen64, path), outcome(native.freopen, path), outcome(native.mmap, path, 0))
    print(native.mmap(TEXT, 0) == native.mmap(TEXT, 1) == native.fopen(TEXT, "r"), native.openat(DATA, "text.txt"), outcome(native.openat, DATA, "none"))


def asked():
    for path in (TEXT, DATA, inside(own, "link.txt"), inside(samples, "bin", "script.sh"), samples.HERE + "/none", TEXT + "/"):
        print(path, outcome(native.stat, path), outcome(native.lstat, path), outcome(native.access, path, os.R_OK), outcome(native.access, path, os.X_OK))
    print(native.statx(TEXT), outcome(native.statx, DATA + "/none"), native.pathconf(TEXT), native.statvfs(TEXT)[:2], outcome(native.pathconf, DATA + "/none"))
    print(outcome(native.getxattr, TEXT)[1] in ("ENODATA", "ENOTSUP"), outcome(native.getxattr, TEXT + "none"))


def listed():
    for path in (DATA, inside(own), samples.HERE):
        names, again, agree, is_directory = native.list(path)
        print(sorted(names), again == len(names), agree, is_directory)
        print(sorted(native.scandir(path)), native.scandir(path) == sorted(native.scandir(path)))
    print(outcome(native.list, TEXT), outcome(native.list, DATA + "/none"), outcome(native.scandir, TEXT))


def resolved():
    for path in (TEXT, DATA + "/../data/./text.txt", inside(own, "twice.txt"), inside(own, "linked"), DATA + "/none"):
        print(outcome(native.realpath, path), outcome(native.readlink, path))
    print(native.chdir(DATA, "text.txt"), native.chdir(inside(own, "linked"), "up.txt"), outcome(native.chdir, TEXT, "x"), outcome(native.chdir, DATA, "none"))


def located():
    print(native.where(), native.__file__, native.load(LIBRARY), native.load(inside(samples, "data", "..", "lib", "libsamplelib.so"))[0])
    print(outcome(native.load, LIBRARY + ".none"), outcome(native.load, TEXT), outcome(native.load, DATA), outcome(native.load, inside(samples, "data", "empty.txt")))


def ctypes_by_path():
    library = ctypes.CDLL(LIBRARY)
    buffer = ctypes.create_string_buffer(4096)
    print(library.sample_twice(4), library.sample_where(buffer, 4096) > 0, buffer.value)
    print(library.sample_beside(b"beside.txt", buffer, 4096), buffer.value, library.sample_beside(b"none", buffer, 4096))
    print(ctypes.cdll.LoadLibrary(LIBRARY).sample_twice(5), ctypes.PyDLL(native.__file__).PyInit_native is not None)
    print(outcome(ctypes.CDLL, LIBRARY + ".none")[0], outcome(ctypes.CDLL, "libnone-of-this-name.so"), ctypes.CDLL(LIBRARY)._handle == library._handle)
    os.chdir(inside(samples, "lib"))
    print(ctypes.CDLL("./libsamplelib.so").sample_twice(6), ctypes.CDLL("../lib/libsamplelib.so")._handle == library._handle)


def ctypes_of_the_process():
    process = ctypes.CDLL(None)
    print(process.getpid() == os.getpid(), process.strlen(b"four"), hasattr(process, "no_such_function"), hasattr(process, "Py_GetVersion"))
    buffer = ctypes.create_string_buffer(64)
    process.open.restype = ctypes.c_int
    descriptor = process.open(TEXT.encode(), os.O_RDONLY)
    print(process.read(descriptor, buffer, 6), buffer.value, process.close(descriptor), ctypes.pythonapi.Py_IsInitialized())
    process = ctypes.CDLL(None, use_errno=True)
    process.fopen.restype = ctypes.c_void_p
    print(process.fopen((TEXT + "none").encode(), b"r"), ctypes.get_errno(), bool(process.fopen(TEXT.encode(), b"r")), ctypes.util.find_library("c"))


def by_name_of_the_frozen():
    """Only a frozen program finds what is bundled by its bare name."""
    print(ctypes.CDLL("libsamplelib.so").sample_twice(3), ctypes.cdll.LoadLibrary("libsamplelib.so").sample_twice(4))
    found = ctypes.util.find_library("samplelib")
    print(bool(found) and ctypes.CDLL(found).sample_twice(8))
    buffer = ctypes.create_string_buffer(4096)
    ctypes.CDLL("libsamplelib.so").sample_where(buffer, 4096)
    print(buffer.value.decode())


def cffi_modes():
    import cffi
    from samples import _made_by_cffi

    print(_made_by_cffi.lib.twice_of(21), _made_by_cffi.__file__)
    ffi = cffi.FFI()
    ffi.cdef("int sample_twice(int); int open(const char *, int, ...); int close(int); unsigned long strlen(const char *);")
    library = ffi.dlopen(LIBRARY)
    process = ffi.dlopen(None)
    descriptor = process.open(TEXT.encode(), os.O_RDONLY)
    print(library.sample_twice(4), process.strlen(b"four"), descriptor > 2, os.read(descriptor, 5), process.close(descriptor))
    print(outcome(ffi.dlopen, LIBRARY + ".none")[0])
