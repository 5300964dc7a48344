"""Compile sources and hash them for the packager, until standard input ends.

Run by the target interpreter as `python -I -S -E -B -X utf8 -c <this text>`; the packager's side is
`src/compile/workers.rs`, which describes the frames. A frame is a little-endian u64 length and that many bytes.

Input: request frames, one kind byte first (see `answer`).
Output: one reply frame per request, in order, after a frame `R` that says the worker is ready.
Invariants: only builtin modules are imported; nothing but frames is written to the pipe that was standard output;
whatever a source does to the compiler short of killing the process, the reply says it and the worker goes on.
"""

import _imp
import _signal
import _warnings
import marshal
import sys
from _frozen_importlib_external import MAGIC_NUMBER

try:
    import posix as system
except ImportError:
    import nt as system

# Code objects must not depend on where the source lies: the packager sets co_filename itself.
PLACEHOLDER = "<source>"
MAGIC_TOKEN = int.from_bytes(MAGIC_NUMBER, "little")


def encode(text: object) -> bytes:
    return str(text).encode("utf-8", "backslashreplace")


def u32(value: object) -> bytes:
    """A line or column; 0 stands for "not known"."""
    known = isinstance(value, int) and 0 < value < 1 << 32
    return (value if known else 0).to_bytes(4, "little")


def source_line(source: bytes, line: object) -> "str | None":
    """For errors of the later compiler stages, which look for their line in a file that is not there."""
    if not isinstance(line, int) or line < 1:
        return None
    lines = source.splitlines()
    if line > len(lines):
        return None
    try:
        return lines[line - 1].decode("utf-8")
    except UnicodeDecodeError:
        return lines[line - 1].decode("latin-1")


def describe_syntax(error: SyntaxError, source: bytes) -> bytes:
    text = error.text if isinstance(error.text, str) else source_line(source, error.lineno)
    message = encode(error.msg)
    reply = b"S" + u32(error.lineno) + u32(error.offset) + u32(len(message)) + message
    if text is not None:
        first_line = text.splitlines()[:1]
        reply += b"T" + encode(first_line[0] if first_line else "")
    return reply


def compile_source(source: bytes, optimize: int) -> bytes:
    try:
        code = compile(source, PLACEHOLDER, "exec", dont_inherit=True, optimize=optimize)
        return b"C" + marshal.dumps(code)
    except SyntaxError as error:
        return describe_syntax(error, source)
    except BaseException as error:
        detail = encode(error)
        return b"F" + encode(type(error).__name__) + (b": " + detail if detail else b"")


def answer(request: bytes) -> bytes:
    kind = request[:1]
    if kind == b"c":
        return compile_source(request[2:], request[1])
    if kind == b"h":
        return b"H" + _imp.source_hash(MAGIC_TOKEN, request[1:])
    return b"F" + b"unknown request"


def main() -> None:
    # An interrupt at the terminal goes to the packager; the end of standard input then ends this process.
    _signal.signal(_signal.SIGINT, _signal.SIG_IGN)
    _warnings.filters.insert(0, ("ignore", None, Warning, None, 0))
    requests = sys.stdin.buffer
    replies = open(system.dup(1), "wb")
    with open("nul" if sys.platform == "win32" else "/dev/null", "wb") as nowhere:
        system.dup2(nowhere.fileno(), 1)
    reply = b"R"
    while True:
        replies.write(len(reply).to_bytes(8, "little"))
        replies.write(reply)
        replies.flush()
        header = requests.read(8)
        if len(header) < 8:
            break
        length = int.from_bytes(header, "little")
        request = requests.read(length)
        if len(request) < length:
            break
        reply = answer(request)


try:
    main()
except OSError:
    pass  # The packager is gone: there is nobody to tell.
