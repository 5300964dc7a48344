"""Import extension modules one after the other and record what each of them imports.

Run by the target interpreter as `python -I [-S] -B -X utf8 observe_extensions.py REQUEST RECORDS`; the packager's
side is `src/graph/observe.rs`.

Input: REQUEST, strings separated by NUL: `1` to import each extension in a process of its own or `0`, seconds until this
process ends itself, number of sys.path entries, these entries, the extensions' names.
Output: lines in RECORDS, tab-separated: `start NAME`, `done NAME REASON MODULES` (REASON empty if the import worked,
MODULES comma-separated) and at last `end`. A line is in the file before the next import starts, so that a crash
loses one extension only.

Three things together show an extension's imports while its create and exec run:
- the audit event `import`, for a module that is looked for;
- new names in sys.modules, for what came along;
- `_initializing`, which `import` reads from the spec of every module it finds in sys.modules already: specs are
  given a class that notices. `from package import module` is seen by a wrapper of `_handle_fromlist`.
All goes to the innermost extension being imported. Builtin modules count as extensions too: in a static interpreter
the standard library's are builtin.

Invariants: only modules that every start of the interpreter imports are imported here, so that nothing is hidden;
no exception of an extension ends the loop.
"""

import sys
import _frozen_importlib as bootstrap
import _frozen_importlib_external as bootstrap_external
from _io import FileIO

REASON_LENGTH = 300

# A child ends so when its record is complete.
WATCHED = 93

# Extensions whose create or exec is running, innermost last.
running: "list[str]" = []
# Names seen while an extension was innermost, whatever became of them.
seen: "dict[str, set[str]]" = {}
# The extension in whose run a name appeared in sys.modules: the innermost one.
brought_by: "dict[str, str]" = {}
# Names that the import system looked for: these are real even if their entry is no ordinary module.
looked_for: "set[str]" = set()


def note(name: object) -> None:
    if running and isinstance(name, str):
        seen[running[-1]].add(name)


class NoticingSpec(bootstrap.ModuleSpec):
    """A spec that notes when an import statement finds its module in sys.modules."""

    @property
    def _initializing(self) -> bool:
        note(self.name)
        return self.__dict__.get("_initializing", False)

    @_initializing.setter
    def _initializing(self, value: bool) -> None:
        self.__dict__["_initializing"] = value


def spec_of(module: object) -> object:
    """The spec, without waking modules that load themselves at the first attribute."""
    try:
        return object.__getattribute__(module, "__dict__").get("__spec__")
    except Exception:
        return None


def begin(extension: str) -> "set[str]":
    for module in list(sys.modules.values()):
        spec = spec_of(module)
        if type(spec) is bootstrap.ModuleSpec:
            spec.__class__ = NoticingSpec
    seen.setdefault(extension, set())
    running.append(extension)
    return set(sys.modules)


def finish(extension: str, before: "set[str]") -> None:
    running.remove(extension)
    for name in list(sys.modules):
        if name not in before:
            seen[extension].add(name)
            brought_by.setdefault(name, extension)


def audit(event: str, arguments: tuple) -> None:
    if event == "import" and arguments and isinstance(arguments[0], str):
        looked_for.add(arguments[0])
        note(arguments[0])


def watch_loaders() -> None:
    loader = bootstrap_external.ExtensionFileLoader
    create, execute = loader.create_module, loader.exec_module

    def create_module(self: object, spec: "bootstrap.ModuleSpec") -> object:
        before = begin(spec.name)
        try:
            return create(self, spec)
        finally:
            finish(spec.name, before)

    def exec_module(self: object, module: object) -> None:
        before = begin(self.name)
        try:
            execute(self, module)
        finally:
            finish(self.name, before)

    loader.create_module, loader.exec_module = create_module, exec_module

    builtin = bootstrap.BuiltinImporter
    create_builtin, execute_builtin = builtin.create_module, builtin.exec_module

    def create_builtin_module(spec: "bootstrap.ModuleSpec") -> object:
        before = begin(spec.name)
        try:
            return create_builtin(spec)
        finally:
            finish(spec.name, before)

    def exec_builtin_module(module: object) -> None:
        name = module.__name__
        before = begin(name)
        try:
            execute_builtin(module)
        finally:
            finish(name, before)

    builtin.create_module = staticmethod(create_builtin_module)
    builtin.exec_module = staticmethod(exec_builtin_module)


def watch_from_imports() -> None:
    original = bootstrap._handle_fromlist

    def handle_fromlist(module: object, fromlist: object, *rest: object, **options: object) -> object:
        result = original(module, fromlist, *rest, **options)
        if running:
            for name in fromlist:
                submodule = f"{getattr(module, '__name__', None)}.{name}"
                if submodule in sys.modules:
                    note(submodule)
        return result

    bootstrap._handle_fromlist = handle_fromlist


def imports_of(extension: str) -> "list[str]":
    """What was seen and is there, under the names that it has in its own spec."""
    names = set()
    for name in seen.get(extension, ()):
        if name not in sys.modules:
            continue
        spec = spec_of(sys.modules[name])
        if spec is not None:
            name = getattr(spec, "name", name)
        elif name not in looked_for:
            continue  # An object that C code keeps in sys.modules, not a module of any file.
        if not isinstance(name, str):
            continue
        within = f"{extension}.".startswith(f"{name}.")
        if not within and name != "__main__" and name.isprintable() and "," not in name:
            names.add(name)
    return sorted(names)


def one_line(error: BaseException) -> str:
    try:
        text = f"{type(error).__name__}: {error}"
    except BaseException:
        text = type(error).__name__
    printable = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(printable.split())[:REASON_LENGTH]


def import_by_another(extension: str, error: BaseException) -> bool:
    """Some extensions can only be imported by a module that they import themselves: whether that one did it."""
    trace, importer = error.__traceback__, None
    while trace is not None:
        importer, trace = trace.tb_frame.f_globals.get("__name__"), trace.tb_next
    if not isinstance(error, ImportError) or not isinstance(importer, str) or importer in (extension, __name__):
        return False
    try:
        __import__(importer)
    except BaseException:
        return False
    return extension in sys.modules


def observe(extension: str) -> str:
    try:
        __import__(extension)
    except BaseException as error:
        if not import_by_another(extension, error):
            return one_line(error)
    if extension in seen:
        return ""
    # One library may hold several modules (mypyc) and make them all when the first is
    # imported: what the run that brought this one imported counts for all of them.
    loader = getattr(spec_of(sys.modules.get(extension)), "loader", None)
    other = brought_by.get(extension)
    if other is None or not isinstance(loader, bootstrap_external.ExtensionFileLoader):
        return "imported, but not as an extension module"
    seen[extension] = seen[other] | {other}
    return ""


def main(request_path: str, records_path: str) -> None:
    with FileIO(request_path) as file:
        isolate, seconds, count, *names = file.readall().decode("utf-8").split("\0")
    sys.path[:] = names[: int(count)]

    def record(*fields: str) -> None:
        with FileIO(records_path, "a") as file:
            file.write(("\t".join(fields) + "\n").encode("utf-8", "backslashreplace"))

    def watch(extension: str) -> None:
        record("start", extension)
        reason = observe(extension)
        record("done", extension, reason, ",".join(imports_of(extension)))

    end_when_abandoned(int(seconds))
    watch_loaders()
    watch_from_imports()
    sys.addaudithook(audit)
    for extension in names[int(count) :]:
        if isolate == "1":
            in_child(int(seconds), watch, extension)
        else:
            watch(extension)
    record("end")


def in_child(seconds: int, watch: "Callable[[str], None]", extension: str) -> None:
    """In a process that has imported no other extension: what C code keeps of one could hide what the next imports."""
    if sys.platform == "win32":
        return watch(extension)
    import posix

    child = posix.fork()
    if child == 0:
        end_when_abandoned(seconds)
        watch(extension)
        posix._exit(WATCHED)
    status = posix.waitpid(child, 0)[1]
    if status != WATCHED << 8:
        # The extension has ended the process: the same end for this one tells the packager so.
        if status & 0x7F:
            posix.kill(posix.getpid(), status & 0x7F)
        posix._exit(status >> 8)


def end_when_abandoned(seconds: int) -> None:
    """The packager ends this process in time; if it is gone, the alarm does, even when C code holds the GIL."""
    if sys.platform != "win32":
        import _signal

        _signal.alarm(seconds)


def end_now() -> None:
    """Without finalisation, which is not what is observed, and with all processes that the extensions started."""
    if sys.platform == "win32":
        import nt

        nt._exit(0)
    import posix

    if posix.getpgid(0) == posix.getpid():
        posix.killpg(0, 9)
    posix._exit(0)


main(sys.argv[1], sys.argv[2])
end_now()
