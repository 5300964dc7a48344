"""Lists what is in a frozen executable: `python read_archive.py EXECUTABLE [--modules] [--blocks] [--files]`.

An independent reader of the format that `docs/format.md` describes, in the standard library alone. It reads the
index and decompresses nothing. Checksums are not verified either: XXH3 is not in the standard library.
"""

import argparse
import mmap
import struct
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Optional, Tuple

SLOT_MAGIC = b"\x7fsnapfreeze.slot"
ARCHIVE_MAGIC = b"\x89SNAPFZ\n"
HEADER = struct.Struct("<8sIIQQQQQQ")
DIRECTORY_ENTRY = struct.Struct("<IIQQ")
TARGET = struct.Struct("<BBBBI10IIIQBBHI4I")
MODULE = struct.Struct("<4IBBHIIIQII")
LIBRARY = struct.Struct("<IIIIQIIII")
BLOCK = struct.Struct("<QIIQII")
NODE = struct.Struct("<IIBBHIq16s")
CHILDREN = struct.Struct("<II8x")
EXTENT = struct.Struct("<IIQ")
REASONS = EXTENT
LEFT_OUT = struct.Struct("<4IB7x")
AHEAD = struct.Struct("<II")
SECTIONS = {
    1: "target",
    2: "strings",
    3: "modules",
    4: "libraries",
    5: "needs",
    6: "blocks",
    7: "nodes",
    8: "reasons",
    9: "left out",
    10: "ahead",
}
AHEAD_KINDS = {1: "block", 2: "library", 3: "extension"}
LEAVE_KINDS = {1: "optional", 2: "excluded", 3: "excluded by a hook"}
MODULE_KINDS = {1: "code", 2: "extension", 3: "namespace"}
ENTRY_KINDS = {1: "script", 2: "module"}
INTERPRETER_MODES = {0: "never", 1: "by its arguments", 2: "by the environment"}
PLACEMENTS = {0: "in the archive", 1: "beside the executable"}
NODE_KINDS = {1: "directory", 2: "file", 3: "link"}
CODECS = {0: "stored", 1: "zstd", 2: "zstd, parts"}
NONE = 0xFFFFFFFF


class Extent(NamedTuple):
    """Where a content is: first block, offset in it, length."""

    block: int
    offset: int
    length: int


class Module(NamedTuple):
    """A module record."""

    name: str
    file: str
    kind: str
    is_package: bool
    content: Extent
    needs: Tuple[int, ...]


class Library(NamedTuple):
    """A library record."""

    name: str
    content: Extent
    needs: Tuple[int, ...]
    file: str


class Node(NamedTuple):
    """A node of the tree of files, with its path."""

    path: bytes
    kind: str
    mode: int
    mtime: int
    materialize: bool
    content: Extent
    target: bytes


class LeftOut(NamedTuple):
    """A record of a module that was left out."""

    name: str
    subject: str
    kind: str


class Block(NamedTuple):
    """A block record."""

    offset: int
    stored_length: int
    raw_length: int
    checksum: int
    codec: str


def find_archive(file: mmap.mmap) -> Tuple[int, int]:
    """Offset and length of the archive: the slot says how far from itself it is in memory."""
    at = file.find(SLOT_MAGIC)
    if at < 0:
        raise SystemExit("no slot: this is no executable of snapfreeze")
    distance, length, checksum = struct.unpack_from("<QQQ", file, at + len(SLOT_MAGIC))
    if not (distance or length or checksum):
        raise SystemExit("the slot is empty: there is no archive")
    loads = list(load_segments(file))
    address = next(start + at - offset for offset, start, size in loads if offset <= at < offset + size) + distance
    return next(address - start + offset for offset, start, size in loads if start <= address < start + size), length


def load_segments(file: mmap.mmap) -> Iterator[Tuple[int, int, int]]:
    """Offset, address and size in the file of each loadable segment (gABI, "Program Header")."""
    (table,) = struct.unpack_from("<Q", file, 32)
    size, count = struct.unpack_from("<HH", file, 54)
    for number in range(count):
        kind, _flags, offset, address, _, length = struct.unpack_from("<IIQQQQ", file, table + number * size)
        if kind == 1:
            yield offset, address, length


class Archive:
    """The index of an archive."""

    def __init__(self, data: bytes) -> None:
        head = HEADER.unpack_from(data, 0)
        magic, self.version, _flags, length, index_offset, index_length, *_checksums = head
        if magic != ARCHIVE_MAGIC:
            raise SystemExit("no archive where the slot points to")
        if self.version != 3:
            raise SystemExit(f"format version {self.version}, this reads 3")
        if length != len(data):
            raise SystemExit(f"the archive has {length} bytes by its header, {len(data)} by the slot")
        index = data[index_offset : index_offset + index_length]
        self.index_offset, self.index_length = index_offset, index_length
        self.sections: Dict[str, bytes] = {}
        self.directory: List[Tuple[str, int, int, int]] = []
        for number in range(struct.unpack_from("<I", index, 0)[0]):
            entry = DIRECTORY_ENTRY.unpack_from(index, 8 + number * DIRECTORY_ENTRY.size)
            identifier, record_length, offset, length = entry
            name = SECTIONS.get(identifier, f"unknown {identifier}")
            self.sections[name] = index[offset : offset + length]
            self.directory.append((name, record_length, offset, length))

    def _bytes(self, offset: int, length: int) -> bytes:
        return self.sections["strings"][offset : offset + length]

    def _string(self, offset: int, length: int) -> str:
        return self._bytes(offset, length).decode()

    def _needs(self, start: int, count: int) -> Tuple[int, ...]:
        return struct.unpack_from(f"<{count}I", self.sections["needs"], start * 4)

    def target(self) -> Dict[str, str]:
        """The target record, field by field."""
        fields = TARGET.unpack(self.sections["target"])
        major, minor, optimize, entry_kind, libpython = fields[:5]
        texts = [self._string(*fields[at : at + 2]) for at in range(5, 15, 2)]
        version, abi_flags, platform, cache_tag, entry = texts
        return {
            "python": f"{major}.{minor}",
            "version": version,
            "abi flags": abi_flags or "none",
            "platform": platform,
            "cache tag": cache_tag,
            "optimize": str(optimize),
            "entry": f"{entry} ({ENTRY_KINDS[entry_kind]})",
            "libpython": "in the same file" if libpython == NONE else f"library {libpython}",
            "bootstrap": str(Extent(*fields[15:18])),
            "python's part": INTERPRETER_MODES[fields[18]],
            "files": PLACEMENTS[fields[19]],
            "certificates": ", ".join(filter(None, [self._string(*fields[22:24]), self._string(*fields[24:])])) or "none",
        }

    def modules(self) -> Iterator[Module]:
        """The modules, in the order of names."""
        for fields in MODULE.iter_unpack(self.sections["modules"]):
            yield Module(
                name=self._string(*fields[:2]),
                file=self._string(*fields[2:4]),
                kind=MODULE_KINDS[fields[4]],
                is_package=bool(fields[5] & 1),
                content=Extent(*fields[8:11]),
                needs=self._needs(*fields[11:]),
            )

    def libraries(self) -> Iterator[Library]:
        """The libraries, by number."""
        for fields in LIBRARY.iter_unpack(self.sections["libraries"]):
            yield Library(
                self._string(*fields[:2]), Extent(*fields[2:5]), self._needs(*fields[5:7]), self._string(*fields[7:])
            )

    def nodes(self) -> Iterator[Node]:
        """The tree of files, breadth first; the first is the root."""
        paths = [b""]
        for number, fields in enumerate(NODE.iter_unpack(self.sections["nodes"])):
            name, kind, flags, mode, mtime, raw = fields[:2], NODE_KINDS[fields[2]], *fields[3:5], *fields[6:]
            path = paths[number] + self._bytes(*name)
            content, target = Extent(0, 0, 0), b""
            if kind == "directory":
                first, count = CHILDREN.unpack(raw)
                assert first == len(paths), "the children of a directory follow those of the one before"
                paths += [path + b"/" if path else b""] * count
            elif kind == "link":
                target = self._bytes(*CHILDREN.unpack(raw))
            else:
                content = Extent(*EXTENT.unpack(raw))
            yield Node(path, kind, mode, mtime, bool(flags & 1), content, target)

    def reasons(self) -> Optional[Extent]:
        """Where it is written why everything is there, if it is."""
        record = self.sections.get("reasons")
        return Extent(*REASONS.unpack(record)) if record else None

    def ahead(self) -> Iterator[Tuple[str, int]]:
        """What a start is expected to want, in order: a kind and a number."""
        for kind, number in AHEAD.iter_unpack(self.sections.get("ahead", b"")):
            yield AHEAD_KINDS[kind], number

    def left_out(self) -> Iterator[LeftOut]:
        """The modules that were left out, in the order of names."""
        for fields in LEFT_OUT.iter_unpack(self.sections.get("left out", b"")):
            yield LeftOut(self._string(*fields[:2]), self._string(*fields[2:4]), LEAVE_KINDS[fields[4]])

    def blocks(self) -> Iterator[Block]:
        """The blocks, by number."""
        for offset, stored, raw, checksum, codec, _reserved in BLOCK.iter_unpack(self.sections["blocks"]):
            yield Block(offset, stored, raw, checksum, CODECS[codec])


def check(archive: Archive) -> None:
    """What `format.md` says must hold of the index; raises AssertionError where it does not."""
    names = [module.name.encode() for module in archive.modules()]
    assert names == sorted(set(names)), "names ascend, bytewise, each once"
    blocks = list(archive.blocks())
    contents = [module.content for module in archive.modules()]
    contents += [library.content for library in archive.libraries()]
    nodes = list(archive.nodes())
    contents += [node.content for node in nodes if node.kind == "file"]
    contents += filter(None, [archive.reasons()])
    counts = {"block": len(blocks), "library": len(list(archive.libraries())), "extension": len(names)}
    assert all(number < counts[kind] for kind, number in archive.ahead()), "what is wanted ahead is there"
    left_out = [record.name.encode() for record in archive.left_out()]
    assert left_out == sorted(set(left_out)), "names of what was left out ascend, bytewise, each once"
    paths = [node.path for node in nodes]
    assert len(paths) == len(set(paths)), "each path once"
    for above, below in zip(paths, paths[1:]):
        if above.rpartition(b"/")[0] == below.rpartition(b"/")[0]:
            assert above < below, "the names in a directory ascend, bytewise"
    for block, offset, length in contents:
        room = -offset
        while length > room:
            room += blocks[block].raw_length
            block += 1
    end = HEADER.size
    for block in blocks:
        assert block.offset == end, "blocks follow one another without a gap"
        assert block.codec != "stored" or block.stored_length == block.raw_length
        end += block.stored_length
    assert end == archive.index_offset, "the index follows the last block"


def main() -> None:
    """Prints the index of the executable that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("executable", type=Path)
    parser.add_argument("--modules", action="store_true", help="list the modules")
    parser.add_argument("--blocks", action="store_true", help="list the blocks")
    parser.add_argument("--ahead", action="store_true", help="list what a start is expected to want")
    parser.add_argument("--files", action="store_true", help="list the tree of files")
    arguments = parser.parse_args()

    with arguments.executable.open("rb") as file:
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            offset, length = find_archive(mapped)
            archive = Archive(mapped[offset : offset + length])
    print(f"archive at {offset}, {length} bytes, format version {archive.version}")
    print(f"index at {archive.index_offset}, {archive.index_length} bytes")
    for name, record_length, at, size in archive.directory:
        print(f"  {name:<9} at {at:>6}, {size:>6} bytes, {size // record_length} records of {record_length}")
    for name, value in archive.target().items():
        print(f"{name}: {value}")
    print(f"reasons: {archive.reasons() or 'none'}")
    for record in archive.left_out():
        print(f"left out: {record.name} ({record.kind}): {record.subject}")
    for number, library in enumerate(archive.libraries()):
        print(f"library {number}: {library.name}, {library.content.length} bytes, needs {list(library.needs)}")
    if arguments.modules:
        for module in archive.modules():
            place = "" if module.kind == "namespace" else f" block {module.content.block} + {module.content.offset}"
            print(f"{module.name} ({module.kind}): {module.file}{place}, {module.content.length} bytes")
    if arguments.ahead:
        for kind, number in archive.ahead():
            print(f"ahead: {kind} {number}")
    if arguments.files:
        for node in archive.nodes():
            path = node.path.decode(errors="backslashreplace") or "."
            what = {"directory": "", "link": f" -> {node.target.decode(errors='backslashreplace')}"}
            place = f" block {node.content.block} + {node.content.offset}, {node.content.length} bytes"
            flag = ", materialize" if node.materialize else ""
            print(f"{node.mode:04o} {node.mtime} {path}{what.get(node.kind, place)}{flag}")
    if arguments.blocks:
        for number, block in enumerate(archive.blocks()):
            print(f"block {number}: {block.stored_length} of {block.raw_length} bytes at {block.offset}, {block.codec}")
    check(archive)


if __name__ == "__main__":
    main()
