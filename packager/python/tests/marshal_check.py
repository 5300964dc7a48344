"""The interpreter's side of the test of canonical marshal. Runs on CPython 3.8 and later, standard library only.

    marshal_check.py dump FRESH STRIDE OFFSET   write code to standard output
    marshal_check.py verify FILENAME            read pairs of code from standard input, report on standard output

`dump` goes through the up-to-date installed bytecode files of this interpreter (every STRIDE-th one, from OFFSET on)
and writes path and marshal bytes of each; bytes as installed when FRESH is 0, of a new compilation of its source when
it is 1. `verify` reads original and canonical marshal bytes in turns, and writes one line for each difference.

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
from typing import BinaryIO, Iterator, Optional

# Those that are derived from others, and only warn from 3.12 on.
DERIVED = {"co_lnotab"}
FIELDS = [name for name in dir(CodeType) if name.startswith("co_") and name not in DERIVED]
COMPARED = [name for name in FIELDS if not callable(getattr(CodeType, name)) and name != "co_filename"]
NAMES = ["co_names", "co_varnames", "co_freevars", "co_cellvars"]


def write_record(stream: BinaryIO, data: bytes) -> None:
    stream.write(struct.pack("<I", len(data)))
    stream.write(data)


def read_record(stream: BinaryIO) -> Optional[bytes]:
    head = stream.read(4)
    return stream.read(struct.unpack("<I", head)[0]) if head else None


def installed() -> Iterator[Path]:
    tag = sys.implementation.cache_tag
    return iter(sorted(Path(sysconfig.get_path("stdlib")).glob(f"**/__pycache__/*.{tag}.pyc")))


def is_current(header: bytes, source: Path) -> bool:
    """Whether the file was compiled from this source (PEP 552)."""
    flags, first, second = struct.unpack("<III", header[4:16])
    if header[:4] != importlib.util.MAGIC_NUMBER or not source.is_file():
        return False
    if flags:
        return header[8:16] == importlib.util.source_hash(source.read_bytes())
    stat = source.stat()
    return (first, second) == (int(stat.st_mtime) & 0xFFFFFFFF, stat.st_size & 0xFFFFFFFF)


def dump(fresh: bool, stride: int, offset: int) -> None:
    warnings.simplefilter("ignore")
    for path in list(installed())[offset::stride]:
        data = path.read_bytes()
        source = Path(importlib.util.source_from_cache(str(path)))
        if not is_current(data[:16], source):
            continue
        code = data[16:]
        if fresh:
            loader = SourceFileLoader("any", str(source))
            code = marshal.dumps(loader.source_to_code(source.read_bytes(), str(source)))
        write_record(sys.stdout.buffer, str(path).encode())
        write_record(sys.stdout.buffer, code)


def is_numeric(value: object) -> bool:
    """Whether a frozenset of such values has an order of iteration that the program determines."""
    if isinstance(value, tuple):
        return all(map(is_numeric, value))
    return isinstance(value, (int, float, complex))


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
        dump(sys.argv[2] == "1", int(sys.argv[3]), int(sys.argv[4]))
    else:
        verify(sys.argv[2])
