"""What a program can find out about code objects. Each function without arguments is a case."""

import ctypes
import gc
import hashlib
import io
import marshal
import os
import re
import struct
import sys
import warnings
from importlib import import_module
from importlib.util import find_spec

warnings.simplefilter("ignore")
sys.setrecursionlimit(5000)

LOCAL = ["oddities", "large", "matching", "groups", "parameters"]
LOCAL = LOCAL[: {9: 2, 10: 3, 11: 4}.get(sys.version_info[1], 5)]

LIBRARY = """
    _pydecimal argparse ast base64 bisect calendar configparser csv dataclasses datetime decimal email.charset
    email.message encodings.idna encodings.punycode getopt graphlib gzip hmac html.parser inspect ipaddress
    json.decoder logging logging.config mimetypes pdb pickle plistlib pstats random selectors shlex socket
    sqlite3.dump ssl statistics subprocess tarfile tempfile trace unittest.case urllib.request uuid
    xml.dom.minidom xmlrpc.client zipfile zoneinfo
    """.split()


def _never():
    """What the program holds."""
    import _pydecimal, argparse, ast, base64, bisect, calendar, configparser, csv, dataclasses, datetime  # noqa
    import decimal, email.charset, email.message, encodings.idna, encodings.punycode, getopt, graphlib, gzip  # noqa
    import hmac, html.parser, inspect, ipaddress, json.decoder, logging, logging.config, mimetypes, pdb  # noqa
    import pickle, plistlib, pstats, random, selectors, shlex, socket, sqlite3.dump, ssl, statistics  # noqa
    import subprocess, tarfile, tempfile, trace, unittest.case, urllib.request, uuid, xml.dom.minidom  # noqa
    import xmlrpc.client, zipfile, zoneinfo, chunk, colorsys, sched, cmd, quopri, typing, copy, threading  # noqa
    import weakref, oddities, large, finalizers  # noqa

    if sys.version_info >= (3, 10):
        import matching  # noqa
    if sys.version_info >= (3, 11):
        import groups  # noqa
    if sys.version_info >= (3, 12):
        import parameters  # noqa


# Members of PyCodeObject that are numbers, as `struct` names them, and where they begin; pointers that are null in a new
# object; where the instructions are (Include/cpython/code.h).
RAW = {
    9: ([(16, "7i"), (168, "iB")], [96, 128, 136, 144, 152, 160], None),
    10: ([(16, "7i"), (168, "iB")], [96, 128, 136, 144, 152, 160], None),
    11: ([(48, "ihxx10i"), (168, "i")], [144, 152, 160, 176], 184),
    12: ([(48, "11i"), (160, "Q"), (176, "i")], [144, 152, 168, 184], 192),
    13: ([(48, "11i"), (168, "Q"), (184, "i")], [144, 152, 160, 176, 192], 200),
}
VERSION = 92  # co_version, from 3.12
FOUND_VERSIONS = []


def file_by_name(path):
    """A file's name relative to where the module is found."""
    places = [os.path.dirname(os.path.abspath(__file__)), os.path.dirname(os.__file__)]
    for place in places:
        if path.startswith(place + "/"):
            path = path[len(place) + 1 :]
    return path


def raw_by_name(code, lines):
    numbers, nulls, instructions = RAW[sys.version_info[1]]
    memory = ctypes.string_at(id(code), type(code).__basicsize__)
    for start, kinds in numbers:
        lines.append(f"{start}: {struct.unpack_from(kinds, memory, start)}")
    lines.append(repr([struct.unpack_from("P", memory, at)[0] == 0 for at in nulls]))
    if sys.version_info[1] <= 10 and struct.unpack_from("P", memory, 96)[0]:
        lines.append(repr(struct.unpack(f"{len(code.co_cellvars)}n", ctypes.string_at(struct.unpack_from("P", memory, 96)[0], 8 * len(code.co_cellvars)))))
    if instructions:
        length = struct.unpack_from("n", memory, 16)[0]
        lines.append(ctypes.string_at(id(code) + instructions, 2 * length).hex())
    if sys.version_info >= (3, 12):
        FOUND_VERSIONS.append(struct.unpack_from("I", memory, VERSION)[0])


def interned_by_name(text):
    """Whether a string is interned. Where it is not, its equal is from now on."""
    return sys.intern((text + "!")[:-1]) is text


def is_name_by_name(text):
    return re.fullmatch("[A-Za-z0-9_]*", text) is not None


def value_by_name(value, lines, inner):
    kind = type(value).__name__
    if isinstance(value, type(_never.__code__)):
        inner.append(value)
        lines.append("code " + value.co_name)
        return
    if isinstance(value, tuple):
        lines.append(f"tuple {len(value)} {value is tuple([])} {sys.getsizeof(value)}")
        for item in value:
            value_by_name(item, lines, inner)
        return
    if isinstance(value, frozenset):
        in_order = all(isinstance(item, (int, float)) for item in value)
        lines.append(f"frozenset {sys.getsizeof(value)}")
        parts = []
        for item in value:
            part = []
            value_by_name(item, part, inner)
            parts.append("; ".join(part))
        lines.extend(parts if in_order else sorted(parts))
        return
    fact = ""
    if isinstance(value, str):
        fact = f"{len(value)} {value.isascii()} {hash(value) == hash((value + '!')[:-1])}"
        if is_name_by_name(value):
            fact += f" {interned_by_name(value)}"
        if len(value) == 1 and ord(value) < 256:
            fact += f" {value is chr(ord(value))}"
    elif isinstance(value, bytes):
        fact = f"{hash(value) == hash((value + b'!')[:-1])}"
        if len(value) < 2:
            fact += f" {value is bytes(list(value))}"
    elif isinstance(value, int) and -5 <= value <= 256:
        fact = str(value is type(value)(str(value) if type(value) is int else value))
    lines.append(f"{kind} {value!r:.5000} {fact} {sys.getsizeof(value)}")


def described_by_name(code, is_new, lines):
    inner = []
    if is_new:
        raw_by_name(code, lines)
    lines.append(f"{type(code).__name__} {sys.getsizeof(code)}")
    for name in sorted(dir(code)):
        value = getattr(code, name)
        if name == "co_filename":
            lines.append(f"{name} {file_by_name(value)}")
        elif name.startswith("co_") and not callable(value):
            lines.append(name)
            value_by_name(value, lines, inner)
            if name in ("co_names", "co_varnames", "co_freevars", "co_cellvars"):
                lines.append(repr([interned_by_name(item) for item in value]))
    if is_name_by_name(code.co_name):
        lines.append(f"{interned_by_name(code.co_name)}")
    for name in ("co_lines", "co_positions"):
        if hasattr(code, name):
            lines.append(f"{name} {list(getattr(code, name)())}")
    # Comparing doubles with each function within a function.
    if code.co_filename[-8:] != "large.py":
        again = marshal.loads(marshal.dumps(code))
        lines.append(f"{again == code} {hash(again) == hash(code)} {again != code} {code == code.replace()}")
    for part in inner:
        described_by_name(part, is_new, lines)


def code_by_name(name):
    return find_spec(name).loader.get_code(name)


def summary_by_name(name, is_new):
    spec = find_spec(name)
    if spec is None:
        return f"{name} is not there"
    code = spec.loader.get_code(name)
    lines = []
    described_by_name(code, is_new, lines)
    text = "\n".join(lines)
    if name in sys.argv[2:]:
        print(text)
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
    return f"{name} {digest} {len(text)}"


def attributes():
    """All that there is to see of many modules' code objects, of new ones their memory as well."""
    # Packages are imported when one looks for their modules: code that has run is no new one.
    for name in LOCAL + [name for name in LIBRARY if "." not in name]:
        print(summary_by_name(name, True))
    for name in LIBRARY:
        if "." in name:
            print(summary_by_name(name, False))
    print(len(FOUND_VERSIONS) == len(set(FOUND_VERSIONS)), 0 in FOUND_VERSIONS)


def disassembly():
    import dis

    for name in LOCAL + ["typing"]:
        out = io.StringIO()
        dis.dis(code_by_name(name), file=out)
        text = re.sub('at 0x[0-9a-f]+, file "[^"]*"', "", out.getvalue())
        # An exception's bound method compares equal by name only; a frozenset's order is that of this process.
        text = re.sub(r"frozenset\(.*\)", "frozenset", text)
        print(name, hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest(), len(text))


def uses():
    """Code objects are used as any other object is."""
    import copy
    import pickle
    import weakref

    import oddities

    code = oddities.membership.__code__
    gone = []
    reference = weakref.ref(code, gone.append)
    print(reference() is code, weakref.getweakrefcount(code), gc.is_tracked(code), gone)
    other = code.replace(co_name="other", co_consts=code.co_consts + ("new",), co_filename="nowhere")
    print(other.co_name, other == code, other.co_consts[-1])
    function = type(_never)(other, vars(oddities), "made")
    print(function(1), copy.copy(function) is function, copy.deepcopy(code.co_consts) == code.co_consts)
    print(pickle.loads(pickle.dumps(oddities.membership)) is oddities.membership)
    try:
        pickle.dumps(code)
    except TypeError as error:
        print(error)
    print(eval(compile("x + 1", "<string>", "eval"), {"x": 2}), {code: 1}[marshal.loads(marshal.dumps(code))])
    oddities.membership.__code__ = oddities.nothing.__code__
    print(oddities.membership())
    del reference, function, other
    print(gc.collect() >= 0, gc.collect(), len(gc.get_referrers(code)) > 0, code in gc.get_objects())
    del oddities.nothing, oddities.membership, code
    gc.collect()


def functions():
    import large
    import oddities

    print(oddities.counts(), oddities.Base.Inner().method()().__class__.__qualname__)
    print([len(text) for text in oddities.TEXTS], oddities.NUMBERS, oddities.FLOATS, oddities.COMPLEX)
    print(len(large.__doc__), large.variables()[:3], large.nested()()()()(), large.DEEP == large.DEEP)
    print(oddities.Base.of_class.__func__.__defaults__, oddities.decorated.__wrapped__.__annotations__)
    for name in LOCAL[2:]:
        module = import_module(name)
        for attribute, value in sorted(vars(module).items()):
            print(name, attribute, getattr(value, "__qualname__", None))
    if "groups" in LOCAL:
        print(repr(sys.modules["groups"].groups()))
    if "parameters" in LOCAL:
        print(sys.modules["parameters"].hidden([1, 2])(), sys.modules["parameters"].generic(1).__len__())


def reloaded():
    import importlib

    import colorsys
    import oddities

    first = oddities.counts()
    print(importlib.reload(oddities) is oddities, oddities.counts() == first)
    del sys.modules["oddities"]
    again = import_module("oddities")
    print(again is oddities, again.counts() == first, again.counts.__code__ == oddities.counts.__code__)
    for _ in range(200):
        importlib.reload(colorsys)
    print(colorsys.rgb_to_hsv(0.5, 0.25, 1.0))


def memory_of_reloads():
    import importlib

    import argparse

    used = []
    for _ in range(2):
        for _ in range(200):
            importlib.reload(argparse)
        gc.collect()
        with open("/proc/self/statm") as file:
            used.append(int(file.read().split()[1]))
    print(used[1] - used[0] < 256)


def events_by_name(setter):
    found = []

    def hook(frame, event, argument):
        code = frame.f_code
        name = file_by_name(code.co_filename)
        if name in ("oddities.py", "groups.py", "colorsys.py"):
            found.append(f"{event} {name} {code.co_name} {frame.f_lineno} {frame.f_lasti}")
        return hook

    setter(hook)
    import oddities

    for _ in range(20):
        oddities.counts()
    import colorsys  # noqa

    try:
        oddities.fails(2)
    except ValueError:
        pass
    setter(None)
    print(len(found), hashlib.sha256("\n".join(found).encode()).hexdigest())
    if "events" in sys.argv[2:]:
        print("\n".join(found))


def traced():
    events_by_name(sys.settrace)


def profiled():
    events_by_name(sys.setprofile)


def hot():
    """Instructions that the interpreter has adapted to what they saw are those of the same functions still."""
    import oddities

    for _ in range(300):
        oddities.counts()
    lines = []
    for function in (oddities.counts, oddities.membership, oddities.arguments, oddities.comprehensions):
        described_by_name(function.__code__, False, lines)
    print(hashlib.sha256("\n".join(lines).encode()).hexdigest())


def traceback_of_errors():
    import traceback

    import oddities

    for call in (lambda: oddities.fails(3), lambda: oddities.many_branches(""), lambda: oddities.arguments()):
        try:
            call()
        except Exception:
            for frame in traceback.extract_tb(sys.exc_info()[2]):
                position = [getattr(frame, name, None) for name in ("colno", "end_colno", "end_lineno")]
                print(file_by_name(frame.filename), frame.lineno, frame.name, position)


def forks():
    for name in ["oddities", "argparse", "pdb", "tarfile"]:
        child = os.fork()
        if not child:
            module = import_module(name)
            import_module("large")
            os._exit(0 if module.__name__ == name else 1)
        print(name, os.waitpid(child, 0)[1])
        import_module(name)


def threads():
    import threading

    names = list(LIBRARY)
    failed = []

    def imports(own):
        for name in own:
            try:
                import_module(name)
            except (ImportError, AttributeError):
                # Of threads that wait for each other's modules CPython gives one what is not complete yet
                # (importlib._bootstrap, _ModuleLock).
                pass
            except BaseException as error:
                failed.append(error)

    orders = [names, names[::-1], names[::2] + names[1::2], names[1::3] + names[::2]]
    started = [threading.Thread(target=imports, args=(order,)) for order in orders]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    print(failed, [import_module(name).__name__ == name for name in names])


def subinterpreters():
    try:
        import _interpreters as interpreters
    except ImportError:
        import _xxsubinterpreters as interpreters
    path = os.path.dirname(os.path.abspath(__file__))
    for name in ("colorsys", "oddities"):
        source = f"import sys; sys.path.append({path!r}); import {name}; assert {name}.__name__; import importlib; importlib.reload({name})"
        for _ in range(2):
            number = interpreters.create()
            print(name, interpreters.run_string(number, source))
            interpreters.destroy(number)
    import oddities

    print(oddities.counts())


def finalizers_that_import():
    gc.set_threshold(1)
    import finalizers  # noqa
    import oddities

    gc.collect()
    print(oddities.counts()[:2], finalizers.Ends.__name__)


def audited():
    found = []

    def hook(event, arguments):
        if event in ("marshal.loads", "code.__new__", "exec", "import"):
            if event == "exec" and file_by_name(arguments[0].co_filename) in ("colorsys.py", "oddities.py"):
                found.append((event, arguments[0].co_name))
            elif event == "code.__new__" and file_by_name(arguments[1]) in ("colorsys.py", "oddities.py"):
                found.append((event, len(arguments[0]), *arguments[2:]))
            elif event == "marshal.loads":
                found.append((event, type(arguments[0]), len(arguments[0]) > 500))

    sys.addaudithook(hook)
    import colorsys, oddities  # noqa

    print(*found, sep="\n")


if __name__ == "__main__":
    globals()[sys.argv[1]]()
