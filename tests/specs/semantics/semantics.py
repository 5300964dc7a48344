"""What a program sees of itself and of the import system. The first argument chooses one of the functions."""

from __future__ import annotations

import sys
from types import CodeType, ModuleType

annotated: int = 1


def relative(value):
    """A path below the program's directory, or a list of such, without the directory."""
    if isinstance(value, (list, tuple)):
        return [relative(one) for one in value]
    if isinstance(value, str):
        import os

        return value.replace(os.path.dirname(__file__), "ROOT")
    return value


def raised(function, *args, **kwargs):
    try:
        return "returned", function(*args, **kwargs)
    except BaseException as error:
        return type(error).__name__, str(error), getattr(error, "name", None), getattr(error, "path", None)


def arguments():
    print(ascii(sys.argv[1:]), len(sys.argv))


def first_argument_by_name():
    print(ascii(sys.argv[0]), sys.executable.endswith("/program"))


def environment():
    import os

    shown = {key: value for key, value in os.environ.items() if key not in ("_", "PWD", "SHLVL", "PYTHONDONTWRITEBYTECODE")}
    print(ascii(sorted(shown.items())))


def encodings():
    import locale

    for stream in (sys.stdin, sys.stdout, sys.stderr):
        print(stream.encoding, stream.errors, stream.line_buffering, stream.write_through)
    print(sys.getfilesystemencoding(), sys.getfilesystemencodeerrors(), sys.getdefaultencoding())
    print(locale.getpreferredencoding(), locale.setlocale(locale.LC_CTYPE), sys.flags.utf8_mode)
    print(ascii("\u00e9 \udcff".encode(sys.stdout.encoding, "backslashreplace")))


def prints_text():
    print("\u00e9\u20ac")


def flags():
    print({name: getattr(sys.flags, name) for name in dir(sys.flags) if name[0].isalpha() and name != "dont_write_bytecode"})
    print(sys.warnoptions, sys._xoptions, sys.pycache_prefix)
    print(sys.getrecursionlimit(), sys.getswitchinterval(), sys.getdlopenflags(), sys.getallocatedblocks() > 0)
    print(sys.hash_info, sys.int_info, sys.thread_info, sys.implementation.cache_tag, sys.platlibdir)
    print(sys.displayhook is sys.__displayhook__, sys.excepthook is sys.__excepthook__, hasattr(sys, "ps1"))


def import_system():
    print([finder.__name__ for finder in sys.meta_path if isinstance(finder, type)])
    print([getattr(hook, "__name__", hook) for hook in sys.path_hooks], len(sys.path_hooks))
    print(len(getattr(sys, "stdlib_module_names", ())), sys.builtin_module_names)


def main_module():
    main = sys.modules["__main__"]
    names = [name for name in vars(main) if name.startswith("__")]
    print(sorted(names))
    for name in ("__name__", "__doc__", "__package__", "__spec__", "__cached__", "__annotations__"):
        print(name, relative(getattr(main, name)))
    import builtins

    print(main.__builtins__ is builtins, relative(__file__), type(main) is ModuleType, repr(main).count("__main__"))


def modules():
    import importlib

    for name in ("parts", "parts.leaf", "parts.sub", "parts.sub.deep", "spaces", "spaces.room", "spaces.room.inside"):
        module = importlib.import_module(name)
        shown = {key: relative(value) for key, value in vars(module).items() if key not in LEFT_OUT}
        shown.update(spec_facts(module.__spec__))
        shown["builtins"] = type(getattr(module, "__builtins__", None)).__name__
        if "__path__" in shown:
            shown["__path__"] = relative(list(module.__path__))
        print(name, sorted(shown.items(), key=lambda item: item[0]))
        print(relative(repr(module)) if hasattr(module, "__file__") and module.__file__ else "")


LEFT_OUT = (
    "__builtins__ __spec__ __loader__ inspect outer Thing leaf sub deep function Optional room inside __file_"
).split()


def spec_facts(spec):
    locations = spec.submodule_search_locations
    return {
        "spec": (spec.name, spec.parent, relative(spec.origin), relative(spec.cached), spec.has_location),
        "locations": locations if locations is None else relative(list(locations)),
    }


def standard_library():
    import importlib

    for name in ("json", "json.decoder", "os", "posixpath", "encodings", "encodings.utf_8", "_json", "sys", "codecs"):
        module = importlib.import_module(name)
        spec = module.__spec__
        print(name, module.__name__, module.__package__, hasattr(module, "__file__"), hasattr(module, "__path__"))
        print(spec.name, spec.parent, module.__loader__ is spec.loader, spec.loader is not None)


def file_names():
    import importlib

    def codes(code):
        yield code
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                yield from codes(constant)

    for name in ("parts", "parts.leaf", "json", "argparse", "asyncio.events", "dataclasses", "__main__"):
        module = importlib.import_module(name)
        wrong = []
        for value in list(vars(module).values()):
            for function in [value, *vars(value).values()] if isinstance(value, type) else [value]:
                code = getattr(function, "__code__", None)
                if code and getattr(function, "__module__", "") == name:
                    wrong += [one.co_name for one in codes(code) if one.co_filename != module.__file__]
        print(name, [item for item in wrong if item not in ("__create_fn__", "__eq__", "__init__", "__repr__")])
    loader = sys.modules["parts"].__loader__
    code = loader.get_code("parts")
    print({one.co_filename == sys.modules["parts"].__file__ for one in codes(code)})


def inspection():
    import inspect

    import parts.leaf

    print(inspect.getmodule(parts.outer) is parts, inspect.getmodule(parts.leaf.function).__name__)
    print(relative(inspect.getfile(parts.Thing)), relative(inspect.getfile(parts.outer)))
    print(relative(inspect.getsourcefile(parts) or "none") in ("ROOT/parts/__init__.py", "none"))
    print(inspect.getdoc(parts), inspect.signature(parts.outer), parts.Thing().method() == parts.__file__)
    print(inspect.getmodulename(parts.leaf.__file__), inspect.getmodule(sys._getframe()).__name__)
    import typing

    print(typing.get_type_hints(parts.leaf), __annotations__)


def no_source():
    import inspect
    import linecache

    import parts

    print(raised(inspect.getsource, parts.outer)[:2])
    print(linecache.getlines(parts.__file__), parts.__loader__.get_source("parts"))


def site_builtins():
    print(repr(exit), repr(quit), repr(help)[:20], repr(copyright)[:13], repr(credits)[:20], type(license).__name__)
    print("pydoc" in sys.modules)
    sys.stdout.flush()
    help(len)
    print(raised(exit, 3), raised(quit))


def what_site_builtins_are():
    import builtins
    import os

    names = ("quit", "exit", "copyright", "credits", "license", "help")
    made = [getattr(builtins, name) for name in names]
    library = os.path.dirname(os.__file__)
    for name, one in zip(names, made):
        print(name, type(one), ascii(vars(one)).replace(library, "LIBRARY"))
    import site

    print([getattr(builtins, name) is one for name, one in zip(names, made)], sys.modules["site"] is site)
    print(type(site.getsitepackages()), type(site.USER_SITE), type(site.USER_BASE), site.main.__name__)


def license_text():
    print(license)


def system_configuration():
    import sysconfig

    print(sorted(sysconfig.get_paths()))
    print(sysconfig.get_config_var("EXT_SUFFIX"), sysconfig.get_config_var("SOABI"))
    print(sysconfig.get_platform(), sysconfig.get_python_version(), len(sysconfig.get_config_vars()) > 20)


def platforms():
    import platform

    print(platform.python_version(), platform.python_implementation(), platform.system(), platform.machine())
    print(platform.platform(), platform.python_build(), platform.python_compiler(), platform.libc_ver("/bin/sh"))


def run_modules():
    import runpy

    print(runpy.__name__, sys.modules["runpy"] is runpy, runpy.run_module is not None)
    result = runpy.run_module("parts.leaf")
    print(result["__name__"], relative(result["__file__"]), result["__spec__"].name, result["__package__"])
    result = runpy.run_module("parts.leaf", run_name="__main__", alter_sys=True)
    print(result["__name__"], sys.modules["__main__"].__dict__ is globals())
    print(raised(runpy.run_module, "parts.none"))
    print(raised(runpy.run_module, "parts"))


def import_library():
    import importlib
    import importlib.util

    import parts.leaf

    parts.leaf.number = 99
    again = importlib.reload(parts.leaf)
    print(again is parts.leaf, again.number)
    spec = importlib.util.find_spec("parts.leaf")
    print(spec.name, relative(spec.origin), spec.loader is parts.leaf.__loader__)
    fresh = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fresh)
    print(fresh is parts.leaf, fresh.number, relative(fresh.__file__))
    print(importlib.util.find_spec("there_is_none"), importlib.util.find_spec("parts.there_is_none"))
    print(raised(importlib.util.find_spec, "there_is_none.below"))
    print(raised(importlib.util.find_spec, ".leaf"), importlib.util.find_spec(".leaf", "parts").name)
    importlib.invalidate_caches()
    spec = importlib.util.find_spec("parts.sub")
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules["parts.sub"] = module
    spec.loader.exec_module(module)
    print(module.COUNT, type(module) is ModuleType)


def walks_packages():
    import pkgutil

    import parts

    list(pkgutil.iter_modules(parts.__path__, "parts."))
    list(pkgutil.walk_packages(parts.__path__, "parts."))
    list(pkgutil.iter_modules())
    print(pkgutil.find_loader("parts") is not None if hasattr(pkgutil, "find_loader") else True)
    print(raised(pkgutil.get_data, "parts", "absent.txt")[0], pkgutil.resolve_name("parts.leaf:number"))


def missing_modules():
    import importlib

    import parts

    for name in (
        "there_is_none",
        "parts.none",
        "parts.leaf.none",
        "none.leaf",
        "json.none",
        "sys.none",
        "spaces.none",
        "\u00fcnknown",
        "parts.\u00fc",
        "low\udcffsurrogate",
        "nul\0inside",
        "parts..leaf",
        "x" * 3000,
    ):
        print(ascii(raised(importlib.import_module, name)))
        print(ascii(raised(__import__, name)))
    for args in (("",), ("parts", None, None, [], -1), (3,), ("leaf", {}, {}, ["x"], 1)):
        print(ascii(raised(__import__, *args)))
    try:
        from parts import absent  # noqa: F401
    except ImportError as error:
        print(relative(str(error)), error.name, relative(error.path))
    sys.modules["blocked"] = None
    print(raised(importlib.import_module, "blocked"))
    print(hasattr(parts, "absent"))


def changed_path():
    import importlib
    import os

    import parts

    parts.__path__.append(os.path.join(os.path.dirname(parts.__file__), "elsewhere"))
    print(raised(importlib.import_module, "parts.moved")[:2])
    import parts.elsewhere.moved

    print(parts.elsewhere.moved.WHERE)
    parts.__path__[:] = []
    print(raised(importlib.import_module, "parts.leaf"))


def real_files():
    import importlib.util
    import os
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        for name, text in {"plugin.py": "import parts.leaf\nNAME = parts.leaf.__name__\n", "parts_more.py": ""}.items():
            with open(os.path.join(folder, name), "w") as file:
                file.write(text)
        sys.path.append(folder)
        import plugin

        print(plugin.NAME, os.path.dirname(plugin.__file__) == folder, type(plugin.__loader__).__name__)
        spec = importlib.util.spec_from_file_location("by_file", os.path.join(folder, "plugin.py"))
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        print(module.NAME, module.__spec__.name)
        import parts

        parts.__path__.append(folder)
        import parts.parts_more

        print(parts.parts_more.__name__)


def threads_import():
    # Where two threads meet in it, one may see it half made, in python too: collections and it need each other.
    import collections.abc
    import importlib
    import threading

    names = ["json", "argparse", "email.message", "decimal", "asyncio", "sqlite3", "parts.sub.deep", "ctypes", "ssl"]
    errors = []
    barrier = threading.Barrier(8)

    def work(start):
        barrier.wait()
        try:
            for index in range(len(names)):
                importlib.import_module(names[(start + index) % len(names)])
        except BaseException as error:
            errors.append(repr(error))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    print(errors)


def forks_and_imports():
    import os

    sys.stdout.flush()
    for name in ("sqlite3", "parts.leaf"):
        child = os.fork()
        if child == 0:
            __import__(name)
            print("imported", name, flush=True)
            os._exit(0)
        print(os.waitpid(child, 0)[1])


def subinterpreters():
    folder = __file__[: -len("/semantics.py")]
    code = f"import sys; sys.path.append({folder!r}); import json, parts.leaf; assert parts.leaf.function() == parts.leaf.__file__; import _json"
    try:
        import _interpreters as interpreters
    except ImportError:
        try:
            import _xxsubinterpreters as interpreters
        except ImportError:
            return
    for options in ["legacy", "isolated"] if hasattr(interpreters, "new_config") else [{}]:
        for _ in range(3):
            number = interpreters.create(options) if options else interpreters.create()
            result = interpreters.run_string(number, code)
            print(options, result)
            interpreters.destroy(number)


def frozen_modules():
    """What is frozen, and a fresh copy of importlib, which looks for the frozen ones among all modules."""
    import _imp
    import importlib._bootstrap
    import zipimport

    print([name for name in ("encodings", "zipimport", "_frozen_importlib_external") if _imp.is_frozen(name)])
    print(relative(getattr(zipimport, "__file__", None)))
    names = [name for name in sys.modules if name.partition(".")[0] == "importlib"]
    saved = {name: sys.modules.pop(name) for name in names}
    frozen = {name: sys.modules[name] for name in ("_frozen_importlib", "_frozen_importlib_external")}
    sys.modules.update(dict.fromkeys(frozen))
    try:
        fresh = __import__("importlib")
        print(fresh is saved["importlib"], fresh._bootstrap.__name__, fresh.import_module("json").__name__)
    finally:
        sys.modules.update({**saved, **frozen})


def loader_interface():
    """Which exceptions wrong calls raise, too; not their words, which for native functions are others."""
    import copy
    import importlib.abc
    import importlib.machinery
    import pickle

    import parts.leaf

    loader = parts.leaf.__loader__
    spec = parts.leaf.__spec__
    print(loader.name, relative(loader.path), type(loader).__name__, list(vars(loader)) == ["name", "path"])
    print(isinstance(loader, importlib.machinery.SourceFileLoader), isinstance(loader, importlib.abc.SourceLoader))
    print(loader.get_code(fullname="parts.leaf").co_name, loader.is_package(fullname="parts.leaf"))
    print(relative(loader.get_filename(fullname="parts.leaf")))
    print(loader.create_module(spec=spec), loader.exec_module(module=parts.leaf))
    print(loader.load_module(fullname="parts.leaf") is parts.leaf)
    for method in "create_module exec_module load_module get_code get_source is_package get_filename get_data".split():
        for args, keywords in (((), {}), ((1, 2, 3, 4), {}), ((3,), {}), (("nothing",), {}), (("parts",), {"no": 1})):
            outcome = raised(getattr(loader, method), *args, **keywords)
            print(method, args, keywords, outcome[0], outcome[1] is None)
        print("class", raised(getattr(type(loader), method), "parts")[0])
    other = type(loader)("parts.leaf", loader.path)
    print(other == loader, hash(other) == hash(loader), other is loader, type(loader)("x", loader.path) == loader)
    print(raised(type(loader)("parts", loader.path).get_code, "parts.leaf"))
    print(copy.copy(loader) == loader, copy.deepcopy(spec).loader == loader)
    print(pickle.loads(pickle.dumps(loader)) == loader)
    import spaces

    print(type(spaces.__loader__).__name__, type(spaces.__spec__.loader).__name__, type(spaces.__path__).__name__)
    json = importlib.import_module("json")
    print(type(importlib.import_module("json.decoder").__loader__) is type(json.__loader__))


def finder_interface():
    import parts.leaf

    finder = sys.meta_path[0]
    for keywords in ({}, {"path": None}, {"path": parts.__path__, "target": parts.leaf}, {"path": ()}):
        found = finder.find_spec(fullname="parts.leaf", **keywords)
        print(found and found.name)
    for args, keywords in (((), {}), ((1, 2, 3, 4), {}), ((3,), {}), (("nothing",), {}), (("parts",), {"no": 1})):
        print(args, keywords, raised(finder.find_spec, *args, **keywords)[0])
    print(raised(type(finder)().find_spec, "parts")[0], raised(type(finder).find_spec, "parts")[0])
    print(raised(finder.find_spec, "parts.leaf", 3)[0], raised(finder.find_spec, "parts.nothing", 3)[0])
    print(finder.find_spec("parts.leaf", iter(["elsewhere", 5, *parts.__path__])) is not None)
    print(repr(finder).split(" at ")[0], raised(setattr, finder, "x", 1)[0])


def sys_attributes():
    import os

    root = sys._MEIPASS
    print(sys.frozen, root == os.path.join(sys.executable, "_internal"), os.path.isfile(sys.executable))
    print([getattr(sys, name) == root for name in ("prefix", "base_prefix", "exec_prefix", "base_exec_prefix")])
    print(sys.path == [root], getattr(sys, "_stdlib_dir", root) == root, __file__ == os.path.join(root, "semantics.py"))
    print(getattr(sys, "_base_executable", "") == sys.executable, os.path.isabs(sys.executable))
    print(getattr(sys, "orig_argv", sys.argv) == sys.argv, type(sys.meta_path[0]).__name__)


def descriptors():
    """Imports every extension module of the standard library that is there, and lists what is open."""
    import fcntl
    import os

    for name in EXTENSIONS:
        try:
            __import__(name)
        except ImportError as error:
            print(name, error)
    listing = os.open("/proc/self/fd", os.O_RDONLY)
    extra = sorted(int(name) for name in os.listdir(listing) if int(name) not in (0, 1, 2, listing))
    for number in extra:
        try:
            print("open:", number, "close on exec:", fcntl.fcntl(number, fcntl.F_GETFD))
        except OSError:
            pass  # the listing's own
    print(listing)


EXTENSIONS = """_asyncio _bisect _blake2 _bz2 _codecs_cn _codecs_jp _contextvars _csv _ctypes _curses _datetime _dbm
_decimal _elementtree _hashlib _heapq _json _lsprof _lzma _md5 _multiprocessing _opcode _pickle _posixshmem
_posixsubprocess _queue _random _sha1 _sha3 _socket _sqlite3 _ssl _statistics _struct _uuid _zoneinfo array audioop
binascii cmath fcntl grp math mmap pyexpat readline resource select syslog termios unicodedata zlib""".split()


def reloads_do_not_leak():
    import gc
    import importlib.util

    import parts.leaf
    import parts.sub

    def once():
        importlib.reload(parts.leaf)
        importlib.util.find_spec("parts.sub")
        raised(importlib.import_module, "parts.none")
        loader = parts.leaf.__loader__
        for wrong in ((), (3,), ("parts.none",), ("\udcff",), (None, None), ("a", "b", "c", "d")):
            for method in ("get_code", "get_source", "exec_module", "create_module", "is_package", "get_data"):
                raised(getattr(loader, method), *wrong)
            raised(sys.meta_path[0].find_spec, *wrong)
        loader.get_code("parts.leaf")
        loader.get_filename("parts.leaf")
        loader.get_source("parts.leaf")
        del sys.modules["parts.sub"]
        importlib.import_module("parts.sub")

    # Caches of the interpreter fill for a while.
    for _ in range(1500):
        once()
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(1000):
        once()
    gc.collect()
    grown = sys.getallocatedblocks() - before
    print("steady" if grown < 500 else grown)


def imports_by_name():
    """Never called: what the functions above import by computed names."""
    import argparse  # noqa: F401
    import asyncio  # noqa: F401
    import ctypes  # noqa: F401
    import dataclasses  # noqa: F401
    import decimal  # noqa: F401
    import email.message  # noqa: F401
    import importlib.abc  # noqa: F401
    import importlib.metadata  # noqa: F401
    import json  # noqa: F401
    import sqlite3  # noqa: F401
    import ssl  # noqa: F401

    import parts.elsewhere.moved  # noqa: F401
    import parts.sub.deep  # noqa: F401
    import spaces.room.inside  # noqa: F401


def extensions_by_name():
    """Never called: the extension modules of `descriptors`."""
    import _asyncio, _bisect, _blake2, _bz2, _codecs_cn, _codecs_jp, _contextvars, _csv, _ctypes  # noqa
    import _curses, _datetime, _dbm, _decimal, _elementtree, _hashlib, _heapq, _json, _lsprof, _lzma  # noqa
    import _md5, _multiprocessing, _opcode, _pickle, _posixshmem, _posixsubprocess, _queue, _random  # noqa
    import _sha1, _sha3, _socket, _sqlite3, _ssl, _statistics, _struct, _uuid, _zoneinfo, array, audioop  # noqa
    import binascii, cmath, fcntl, grp, math, mmap, pyexpat, readline, resource, select, syslog, termios  # noqa
    import unicodedata, zlib  # noqa


def main():
    globals()[sys.argv[1]]()


if __name__ == "__main__":
    main()
