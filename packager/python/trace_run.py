"""Records what a program imports and which files it opens, while it runs under `snapfreeze build --trace`.

The packager puts this file, as `sitecustomize.py`, into a directory of its own that it names first in PYTHONPATH, with
an empty file `records` beside it. So every Python process that inherits the environment records: the program, and what it
starts with multiprocessing or `sys.executable`. The program sees its own `sys.path`: the directory is taken out again,
and the sitecustomize that would have been imported without it is.

Each record is a line, its fields separated by NUL, written at once when something happens: a process that crashes, is
killed or replaces itself has recorded what it did. The second field is the process that started; its forks share it.

    start   PROCESS  KIND  WHAT                            it runs a `file`, `module` or `command`, in one line
    module  PROCESS  NAME  FILE  IMPORTER  ITS-FILE  LINE  a module that is about to run; FILE is empty if it has none
    read    PROCESS  PATH                                  a file opened for reading
    write   PROCESS  PATH                                  a file opened for writing
"""

import sys

if sys.platform == "win32":
    import nt as posix
else:
    import posix

import _thread
import atexit

FILE_SEPARATORS = ("/", "\\") if sys.platform == "win32" else ("/",)
PASSED_OVER = ("/dev/", "/proc/", "/sys/")
STARTS = {"cpython.run_command": "command", "cpython.run_file": "file", "cpython.run_module": "module"}


class Recorder:
    """What this process has recorded. A forked child has the state of its parent, and records what is new."""

    def __init__(self, records: str) -> None:
        self.records = records
        self.is_armed = False
        self.process = str(posix.getpid())
        self.modules: "set[str]" = set()
        self.files: "set[tuple[str, str]]" = set()
        self.importers: "dict[str, tuple[str, str, str]]" = {}
        self.newest = ""
        self.count = 0
        # Threads inside of the hook: what the hook itself does is no event.
        self.busy: "set[int]" = set()

    def hook(self, event: str, arguments: "tuple[object, ...]") -> None:
        if event not in HANDLERS or not (self.is_armed or event in STARTS):
            return
        thread = _thread.get_ident()
        if thread in self.busy:
            return
        self.busy.add(thread)
        try:
            HANDLERS[event](self, event, arguments)
        except Exception:
            pass  # The hook of an event that raises would prevent it.
        finally:
            self.busy.discard(thread)

    def start(self, event: str, arguments: "tuple[object, ...]") -> None:
        """The main module is about to run: what is there already, every program has."""
        if self.is_armed:
            return
        if event != "cpython.run_file":
            import runpy  # noqa: F401: python imports it to run the module, not the program
        self.modules = set(sys.modules)
        self.is_armed = True
        what = arguments[0] if arguments else ""
        what = what.replace("\n", " ") if isinstance(what, str) else ""
        self.write("start", STARTS[event], what)

    def on_import(self, event: str, arguments: "tuple[object, ...]") -> None:
        name, file = arguments[0], arguments[1]
        if isinstance(name, str):
            if isinstance(file, str):  # An extension module is about to be loaded.
                self.add_module(name, file)
            else:
                self.importers[name] = self.importer()
        self.look()

    def on_exec(self, event: str, arguments: "tuple[object, ...]") -> None:
        self.look()

    def on_open(self, event: str, arguments: "tuple[object, ...]") -> None:
        self.look()
        path, mode, flags = (arguments + (None, None, None))[:3]
        if isinstance(path, bytes):
            path = path.decode("utf-8", "surrogateescape")
        if not isinstance(path, str) or path.endswith(".pyc"):
            return
        flags = flags if isinstance(flags, int) else 0
        writes = flags & (posix.O_WRONLY | posix.O_RDWR | posix.O_CREAT | posix.O_TRUNC)
        self.add_file("write" if writes else "read", path)

    def on_path(self, event: str, arguments: "tuple[object, ...]") -> None:
        """A library or a database is opened, by C code."""
        path = arguments[0]
        if isinstance(path, bytes):
            path = path.decode("utf-8", "surrogateescape")
        if isinstance(path, str) and any(separator in path for separator in FILE_SEPARATORS):
            self.add_file("read", path)

    def add_file(self, kind: str, path: str) -> None:
        if not path.startswith(FILE_SEPARATORS) and sys.platform != "win32":
            path = posix.getcwd() + "/" + path
        if (kind, path) not in self.files and not path.startswith(PASSED_OVER):
            self.files.add((kind, path))
            self.write(kind, path)

    def look(self) -> None:
        """Records modules that are new in sys.modules: each is put there before its code runs."""
        modules = sys.modules
        newest = next(reversed(modules), "")
        if newest == self.newest and len(modules) == self.count:
            return
        self.newest, self.count = newest, len(modules)
        for name in list(modules):
            if name not in self.modules and isinstance(name, str):
                self.modules.add(name)
                spec = spec_of(modules.get(name))
                # A module under a second name, or an object that is none, was not imported by this name.
                if spec is not None and getattr(spec, "name", None) == name:
                    origin = getattr(spec, "origin", None) if getattr(spec, "has_location", False) else None
                    self.note_module(name, origin if isinstance(origin, str) else "")

    def add_module(self, name: str, file: str) -> None:
        if name not in self.modules:
            self.modules.add(name)
            self.note_module(name, file)

    def note_module(self, name: str, file: str) -> None:
        importer = self.importers.pop(name, None) or self.importer()
        self.write("module", name, file, *importer)

    def importer(self) -> "tuple[str, str, str]":
        """The nearest code that is not the import system's: its module, file and line. Empty if there is none."""
        frame = sys._getframe(1)
        while frame is not None:
            name = frame.f_globals.get("__name__", "")
            if frame.f_globals is not globals() and not is_import_system(name):
                file = frame.f_globals.get("__file__") or frame.f_code.co_filename
                return (name, file, str(frame.f_lineno)) if isinstance(name, str) and isinstance(file, str) else NOBODY
            frame = frame.f_back
        return NOBODY

    def write(self, kind: str, *fields: str) -> None:
        line = "\0".join((kind, self.process) + fields)
        if "\n" in line:
            return
        # Opened each time: a program that closes all descriptors it does not know would give this number away.
        try:
            file = posix.open(self.records, posix.O_WRONLY | posix.O_APPEND)
        except OSError:
            self.is_armed = False  # The build is over.
            return
        try:
            posix.write(file, line.encode("utf-8", "surrogateescape") + b"\n")
        finally:
            posix.close(file)

    def finish(self) -> None:
        """At the end of the process: what came after the last event."""
        if self.is_armed:
            self.busy.add(_thread.get_ident())
            try:
                self.look()
            except Exception:
                pass


NOBODY = ("", "", "0")

HANDLERS = {
    **dict.fromkeys(STARTS, Recorder.start),
    "import": Recorder.on_import,
    "exec": Recorder.on_exec,
    "open": Recorder.on_open,
    "ctypes.dlopen": Recorder.on_path,
    "sqlite3.connect": Recorder.on_path,
}


def spec_of(module: object) -> object:
    """The spec, without waking modules that load themselves at the first attribute."""
    try:
        return object.__getattribute__(module, "__dict__").get("__spec__")
    except Exception:
        return None


def is_import_system(name: object) -> bool:
    return isinstance(name, str) and (name == "importlib" or name.startswith(("importlib._bootstrap", "_frozen_importlib")))


def install() -> None:
    directory = __file__.rpartition("/")[0]
    if directory in sys.path:
        sys.path.remove(directory)
    sys.path_importer_cache.pop(directory, None)
    # The one that would have been imported; site expects some module under the name.
    own = sys.modules.pop("sitecustomize", None)
    try:
        import sitecustomize  # noqa: F401
    except ImportError as error:
        if error.name != "sitecustomize":
            raise
    finally:
        if own is not None:
            sys.modules.setdefault("sitecustomize", own)
        recorder = Recorder(directory + "/records")
        sys.addaudithook(recorder.hook)
        atexit.register(recorder.finish)


install()
