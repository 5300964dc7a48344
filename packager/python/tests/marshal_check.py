"""The interpreter's side of the test of canonical marshal. Runs on CPython 3.8 and later, standard library only.

    marshal_check.py count                           write the number of installed bytecode files
    marshal_check.py dump installed STRIDE OFFSET    write code objects to standard output
    marshal_check.py dump fresh STRIDE OFFSET
    marshal_check.py corners
    marshal_check.py verify FILENAME                 read pairs of code objects from standard input

`dump` goes through the installed bytecode files of this interpreter (every STRIDE-th one, from OFFSET on), passes over
those that are out of date, and writes path and marshal bytes of each: as installed, or of a fresh compilation of the
source. `corners` does the same for the one source below. `verify` reads original and canonical marshal bytes in turns, and writes one line for each difference.

A record is a 32-bit little-endian length and as many bytes.
"""

from __future__ import annotations

import importlib.util
import marshal
import struct
import sys
import sysconfig
import warnings
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import BinaryIO, Iterator, List, Optional

SUFFIX = f".{sys.implementation.cache_tag}.pyc"
# Those that are derived from others, and only warn from 3.12 on.
DERIVED = {"co_lnotab"}
FIELDS = [name for name in dir(CodeType) if name.startswith("co_") and name not in DERIVED]
COMPARED = [name for name in FIELDS if not callable(getattr(CodeType, name)) and name != "co_filename"]
NAMES = ["co_names", "co_varnames", "co_freevars", "co_cellvars"]

# Whatever the compiler folds into constants, mostly sets and numbers. Long tuples and deep nesting included.
CORNERS = f"""
import os.path as p
texts = 'os.path', 'spoil me', '', 'é', '\\ud800', '\\0', b'', b'os', {'x' * 300!r}, {'-' * 300!r}
def words(x): return x in {{'alpha', 'beta', 'gamma', 'not a name', 'os.path', '', b'alpha', b''}}
def more_words(x): return x in {{'gamma', 'beta', b'', 'alpha', '', b'alpha', 'not a name', 'os.path'}}
def numbers(): return [y for y in {{8, 0}}], [y for y in {{0, 8}}], [y for y in {{7, 15}}], [y for y in {{15, 7}}]
def many(): return [y for y in {{1000, 8, 0, -1, 2**70, 2.5, 1e100, 3j, 16, 24, True, -2**31, 2**31}}]
def mixed(x): return x in {{None, 8, 0, 1000}}, x in {{..., 1, 'a'}}, x in {{None, 'a', b'a', (), 2.0}}
def tuples(x): return x in {{(1, 2), (3, 4), (1, (2, 3))}}, x in {{('a', 1), ('b', 1), ('a', None)}}, x in {{(), ''}}
def nested(x): return (1, (2, ('a', (None, ...)))), (1, (2, ('a', (None, ...)))), ((0.0, -0.0), (0, False))
def zeros(): return 0, 0.0, -0.0, False, 0j, -0j, complex(0.0, -0.0), (0,), (0.0,), (-0.0,), (False,), 1, True, 1.0
def nans(): return 1e309 - 1e309, 1e309 * 0, (1e309 - 1e309, 1), 1e309, -1e309, 1e309j - 1e309j
def nan_set(x): return x in {{1e309 - 1e309, 1, 2}}
def integers(): return 2**31 - 1, 2**31, -2**31, -2**31 - 1, 2**62, 2**63, 2**64, -2**64, 2**127, 32768, {10**200}
twins = lambda: 0, lambda: 0, lambda: 0
class Slots:
    __slots__ = ('zeta', 'alpha', 'mid')
    def __init__(self, *, zeta, alpha=(), mid={{'a': 1}}): self.zeta = self.alpha = self.mid = self.other = zeta
    def cell(self): return lambda: lambda: (self, __class__)
long = ({', '.join(map(str, range(300)))})
deep = {'(' * 80}'x',{'),' * 79})
lambdas = {'lambda: ' * 60}None
"""


def write_record(stream: BinaryIO, data: bytes) -> None:
    stream.write(struct.pack("<I", len(data)))
    stream.write(data)


def read_record(stream: BinaryIO) -> Optional[bytes]:
    head = stream.read(4)
    return stream.read(struct.unpack("<I", head)[0]) if head else None


def installed() -> List[Path]:
    return sorted(Path(sysconfig.get_path("stdlib")).glob(f"**/__pycache__/*{SUFFIX}"))


def is_current(header: bytes, source: Path) -> bool:
    """Whether the file was compiled from this source (PEP 552)."""
    flags, first, second = struct.unpack("<III", header[4:16])
    if header[:4] != importlib.util.MAGIC_NUMBER or not source.is_file():
        return False
    if flags:
        return header[8:16] == importlib.util.source_hash(source.read_bytes())
    stat = source.stat()
    return (first, second) == (int(stat.st_mtime) & 0xFFFFFFFF, stat.st_size & 0xFFFFFFFF)


def write_module(label: str, source: bytes, filename: str) -> None:
    code = SourceFileLoader("any", filename).source_to_code(source, filename)
    write_record(sys.stdout.buffer, label.encode())
    write_record(sys.stdout.buffer, marshal.dumps(code))


def dump(fresh: bool, stride: int, offset: int) -> None:
    warnings.simplefilter("ignore")
    for path in installed()[offset::stride]:
        data = path.read_bytes()
        # Not `source_from_cache`: it refuses names with dots, such as `__phello__.foo`.
        source = path.parent.parent / (path.name[: -len(SUFFIX)] + ".py")
        if not is_current(data[:16], source):
            continue
        if fresh:
            write_module(str(path), source.read_bytes(), str(source))
        else:
            write_record(sys.stdout.buffer, str(path).encode())
            write_record(sys.stdout.buffer, data[16:])


def is_numeric(value: object) -> bool:
    """Whether a frozenset of such values has an order of iteration that the program determines."""
    if isinstance(value, tuple):
        return all(map(is_numeric, value))
    # A NaN is unequal to itself, and hashes by its address from 3.10 on.
    return isinstance(value, (int, float, complex)) and value == value


def key(value: object) -> object:
    """Something equal for exactly those constants that no program should tell apart."""
    if isinstance(value, float):
        return float, struct.pack("<d", value)
    if isinstance(value, complex):
        return complex, struct.pack("<dd", value.real, value.imag)
    if isinstance(value, tuple):
        return tuple, tuple(map(key, value))
    if isinstance(value, frozenset):
        ordered = tuple(map(key, value)) if all(map(is_numeric, value)) else None
        return frozenset, frozenset(map(key, value)), ordered
    return type(value), value


def differences(ours: CodeType, theirs: CodeType, filename: str) -> Iterator[str]:
    where = f"{theirs.co_name}, line {theirs.co_firstlineno}"
    if ours.co_filename != filename:
        yield f"{where}: co_filename is {ours.co_filename!r}"
    for name in COMPARED:
        left, right = getattr(ours, name), getattr(theirs, name)
        if name != "co_consts":
            if key(left) != key(right):
                yield f"{where}: {name} is {left!r}, not {right!r}"
            continue
        if len(left) != len(right):
            yield f"{where}: {len(left)} constants, not {len(right)}"
        for one, other in zip(left, right):
            if isinstance(one, CodeType) and isinstance(other, CodeType):
                yield from differences(one, other, filename)
            elif key(one) != key(other):
                yield f"{where}: constant {one!r}, not {other!r}"
    for name in NAMES:
        for text in getattr(ours, name):
            if sys.intern(text) is not text:
                yield f"{where}: {text!r} in {name} is not interned"


def verify(filename: str) -> None:
    while True:
        theirs, ours = read_record(sys.stdin.buffer), read_record(sys.stdin.buffer)
        if theirs is None or ours is None:
            return
        for line in differences(marshal.loads(ours), marshal.loads(theirs), filename):
            print(line)


if __name__ == "__main__":
    if sys.argv[1] == "dump":
        dump(sys.argv[2] == "fresh", int(sys.argv[3]), int(sys.argv[4]))
    elif sys.argv[1] == "count":
        print(len(installed()))
    elif sys.argv[1] == "corners":
        write_module("corners", CORNERS.encode("utf-8"), "corners.py")
    else:
        verify(sys.argv[2])
