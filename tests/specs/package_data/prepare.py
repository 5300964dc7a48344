"""Makes what no source tree can hold: `python prepare.py FOLDER [--native] [--cffi]`, FOLDER being a copy of this one.

Strange names, links, modes, a large file, a database, archives, metadata, and what a C compiler makes of `native`.
Bytecode is made too, so that directories list alike. Run by the interpreter that will run the program.
"""

import base64
import compileall
import csv
import dbm.dumb
import gzip
import hashlib
import os
import random
import re
import shlex
import sqlite3
import struct
import subprocess
import sys
import sysconfig
import zipfile

FOLDER = os.path.abspath(sys.argv[1])
INSTALLED = os.path.join(FOLDER, "project", "installed")
SAMPLES = os.path.join(INSTALLED, "samples")
OWN = os.path.join(FOLDER, "project", "own")
#: 2001-09-09, for files whose times are compared.
TIME = 1_000_000_000

METADATA = """\
Metadata-Version: 2.1
Name: Samples
Version: 1.2
Summary: Data of all kinds
Requires-Python: >=3.9
Requires-Dist: cffi >=1.0
Requires-Dist: other ; extra == 'more'
Provides-Extra: more

A description.
"""
ENTRY_POINTS = """\
[console_scripts]
sample = samples.unit:answer

[sample.plugins]
box = samples.unit:Box
"""


def write(path, content):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)


def make_files():
    data = os.path.join(SAMPLES, "data")
    write(os.path.join(data, "name with spaces.txt"), b"spaces\n")
    write(os.path.join(data, "\u00fcn\u00efcode-\u65e5\u672c.txt"), "\u00fcn\u00efcode\n".encode())
    write(os.path.join(data, "empty.txt"), b"")
    write(os.path.join(data, "same.txt"), b"a leaf\n")
    write(os.path.join(data, "big.bin"), random.Random(1).randbytes(4 << 20) * 5 + b"end")
    write(os.path.join(SAMPLES, "lib", "beside.txt"), b"beside the library\n")
    with zipfile.ZipFile(os.path.join(data, "archive.zip"), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inside.txt", "inside " * 100)
    with zipfile.ZipFile(os.path.join(FOLDER, "real", "modules.zip"), "w") as archive:
        archive.write(os.path.join(FOLDER, "real", "zipped", "from_zip.py"), "zipped_module.py")
        archive.writestr("zipped_package/__init__.py", "import pkgutil\ntext = pkgutil.get_data(__name__, 'in.txt')\n")
        archive.writestr("zipped_package/in.txt", "in the archive")
    make_more(os.path.join(SAMPLES, "more"))
    database = sqlite3.connect(os.path.join(data, "base.sqlite"))
    database.execute("create table things (name text, size integer)")
    database.executemany("insert into things values (?, ?)", [(f"thing {i}", i * i) for i in range(2000)])
    database.commit()
    database.close()


def make_more(folder):
    """Files of formats that programs read."""
    write(os.path.join(folder, "text.gz"), gzip.compress(b"compressed", mtime=0))
    with zipfile.ZipFile(os.path.join(folder, "modules.zip"), "w") as archive:
        archive.writestr("zipped_data.py", "value = 'in an archive in the tree'\n")
    write(os.path.join(folder, "locale", "de", "LC_MESSAGES", "sample.mo"), translations({"": "", "one word": "ein Wort"}))
    with dbm.dumb.open(os.path.join(folder, "store"), "n") as store:
        store["key"] = "value"
    for name in (".hidden", "a'b\"c", "back\\slash", "%percent", "-dash", "tab\there", "\u0301", "x" * 255):
        write(os.path.join(folder, "names", name), b"named\n")
    # Lines of RECORD cannot hold this one.
    write(os.path.join(OWN, "new\nline"), b"named\n")
    os.mkdir(os.path.join(OWN, "empty"))


def translations(messages):
    """A catalogue as gettext reads it (GNU gettext manual, "The Format of GNU MO Files")."""
    pairs = sorted((key.encode(), value.encode()) for key, value in messages.items())
    start, texts, tables = 28 + 16 * len(pairs), b"", [b"", b""]
    for number in (0, 1):
        for pair in pairs:
            tables[number] += struct.pack("<II", len(pair[number]), start + len(texts))
            texts += pair[number] + b"\0"
    return struct.pack("<7I", 0x950412DE, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, 0) + tables[0] + tables[1] + texts


def make_links():
    for name, target in [
        ("link.txt", "note.txt"),
        ("linked", "templates"),
        ("templates/up.txt", "../note.txt"),
        ("twice.txt", "link.txt"),
    ]:
        os.symlink(target, os.path.join(OWN, name))


def compile_native():
    """What needs a C compiler and this Python's headers."""
    compiler = ["cc", "-O2", "-D_FORTIFY_SOURCE=2", "-s"]
    source = os.path.join(FOLDER, "native")
    include = sysconfig.get_path("include")
    os.makedirs(os.path.join(SAMPLES, "lib"), exist_ok=True)
    shared = compiler + ["-shared", "-fPIC"]
    library = os.path.join(SAMPLES, "lib", "libsamplelib.so")
    extension = os.path.join(SAMPLES, "native" + sysconfig.get_config_var("EXT_SUFFIX"))
    for command in [
        [*shared, "-o", library, os.path.join(source, "samplelib.c"), "-Wl,-soname,libsamplelib.so", "-ldl"],
        [*compiler, "-static", "-o", os.path.join(SAMPLES, "bin", "tool"), os.path.join(source, "tool.c")],
        [*shared, "-I" + include, "-o", extension, os.path.join(source, "native.c"), "-ldl"],
    ]:
        result = subprocess.run(command, stderr=subprocess.PIPE, text=True)
        if result.returncode:
            sys.exit(f"{shlex.join(command)}: {result.stderr}")


def make_cffi():
    """An extension module in cffi's API mode; the ABI mode needs none."""
    import cffi

    builder = cffi.FFI()
    builder.cdef("int twice_of(int);")
    builder.set_source("samples._made_by_cffi", "static int twice_of(int x) { return 2 * x; }")
    builder.compile(tmpdir=INSTALLED)
    for name in os.listdir(SAMPLES):
        if name.startswith("_made_by_cffi") and not name.endswith(".so"):
            os.remove(os.path.join(SAMPLES, name))


def set_modes_and_times():
    for folder, _, names in os.walk(FOLDER):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.islink(path):
                continue
            runs = os.path.basename(folder) == "bin" or name.endswith(".so")
            os.chmod(path, 0o755 if runs else 0o644)
            os.utime(path, (TIME, TIME))
        os.chmod(folder, 0o755)


def make_metadata():
    """The metadata of a distribution, as pip leaves it; RECORD does not name bytecode."""
    folder = os.path.join(INSTALLED, "samples-1.2.dist-info")
    write(os.path.join(folder, "METADATA"), METADATA.encode())
    write(os.path.join(folder, "WHEEL"), b"Wheel-Version: 1.0\nGenerator: none\nRoot-Is-Purelib: false\n")
    write(os.path.join(folder, "entry_points.txt"), ENTRY_POINTS.encode())
    write(os.path.join(folder, "top_level.txt"), b"sample_space\nsamples\n")
    lines = []
    for place, folders, names in os.walk(INSTALLED):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(place, name)
            with open(path, "rb") as file:
                content = file.read()
            hashed = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            lines.append((os.path.relpath(path, INSTALLED), f"sha256={hashed}", len(content)))
    record = os.path.join(folder, "RECORD")
    with open(record, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([*lines, ("samples-1.2.dist-info/RECORD", "", "")])


def main():
    make_files()
    make_links()
    if "--native" in sys.argv:
        compile_native()
    if "--cffi" in sys.argv:
        make_cffi()
    make_metadata()
    set_modes_and_times()
    for folder in (INSTALLED, OWN):
        # What is below `more` is data.
        compileall.compile_dir(folder, quiet=1, rx=re.compile("/more/"))


if __name__ == "__main__":
    main()
