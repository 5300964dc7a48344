//! Modules that no import statement shows, because C code imports them.
//!
//! [`ALWAYS`] is what CPython may import for any program: to start, to decode, to warn, to print a traceback.
//! [`TRIGGERED`] is what a module of the standard library that is written in C imports when one of its functions is
//! first called; what it imports when it is itself imported is observed, not listed. Source of both:
//! `PyImport_Import…` and `_PyImport_GetModuleAttr…` in CPython's Python, Objects and Modules directories. What no rule
//! finds of other distributions is in `rules.toml`.

/// A module and the minor versions of CPython 3 to which its line applies.
type Versions = std::ops::RangeInclusive<u8>;

const ALL: Versions = 0..=u8::MAX;

/// Imported by the interpreter itself.
pub const ALWAYS: &[(&str, Versions)] = &[
    ("encodings", ALL),
    ("codecs", ALL),
    ("io", ALL),
    ("abc", ALL),
    ("_bootlocale", 0..=9), // TextIOWrapper
    // What site imports, and its builtins.
    ("site", ALL),
    ("os", ALL),
    ("stat", ALL),
    ("posixpath", ALL),
    ("genericpath", ALL),
    ("_collections_abc", ALL),
    ("_sitebuiltins", ALL),
    ("collections.abc", ALL), // structural pattern matching, generic aliases
    ("copyreg", ALL),         // object.__reduce_ex__
    ("functools", ALL),       // the wrapper descriptors' __reduce__
    ("importlib", ALL),
    ("importlib.machinery", ALL),
    ("importlib.util", ALL),
    ("linecache", ALL), // source lines in tracebacks and warnings
    ("threading", ALL), // main thread at exit
    ("traceback", ALL), // sys.excepthook (3.13), logging of unraisable exceptions
    ("types", ALL),
    ("unicodedata", ALL), // \N{…} in compiled text, the error handler namereplace
    ("warnings", ALL),
    ("zipimport", ALL),
    ("typing", 12..=u8::MAX),  // type parameters (PEP 695)
    ("_pylong", 12..=u8::MAX), // int and str of many digits
];

/// Imported by a module of the standard library when it is used: from C code, or by a computed name. A `*` at the end
/// stands for any rest of a top-level name, or for all modules below a package.
pub const TRIGGERED: &[(&str, &[&str])] = &[
    ("_asyncio", &["asyncio"]),
    ("_ctypes", &["ctypes"]),
    ("_datetime", &["_strptime", "time"]),
    ("_elementtree", &["xml.etree.ElementPath", "copy"]),
    ("_io", &["io", "locale"]),
    ("_json", &["json.decoder"]),
    ("_pickle", &["copyreg", "_compat_pickle", "functools"]),
    ("_sqlite3", &["sqlite3", "sqlite3.dump"]),
    ("dbm", &["dbm.dumb", "dbm.gnu", "dbm.ndbm", "dbm.sqlite3"]),
    ("sysconfig", &["_sysconfigdata_*"]),
    ("_zoneinfo", &["zoneinfo._common", "zoneinfo._tzpath"]),
    ("pyexpat", &["xml.parsers.expat"]),
    ("time", &["_strptime"]),
    ("array", &["array", "copyreg"]),
    ("importlib.resources", &["importlib.readers"]), // the loaders' get_resource_reader (3.10+)
    ("xml.dom.domreg", &["xml.dom.minidom"]),        // the implementations that it knows by name
];

/// Our module that helper processes of multiprocessing's and loky's run (`packager/python/children.py`); the runtime knows
/// it by this name.
pub const CHILDREN: &str = "_snapfreeze_children";

/// Modules with which a program starts such processes.
pub const STARTS_CHILDREN: [&str; 2] = ["multiprocessing.spawn", "multiprocessing.resource_tracker"];

/// Imported by `python` itself where an executable is the interpreter: to run modules, to be interactive, for its
/// options. Functions of theirs are followed too.
pub const INTERPRETER: &[&str] = &[
    "runpy",
    "pkgutil",
    "site",
    "zipimport",
    "tracemalloc",
    "code",
    "codeop",
    "readline",
    "rlcompleter",
    "_pyrepl.__main__",
    "_pyrepl.main",
    "_pyrepl.simple_interact",
    "atexit",
    "_colorize",
];

/// Top-level modules written in Python that every start of `python` has imported before the program's first line,
/// whatever their names mean in the program's own directory. Source: `sys.modules` of `python -c ''`, 3.9 to 3.13.
pub const IMPORTED_BY_START: [&str; 11] = [
    "_collections_abc",
    "_sitebuiltins",
    "abc",
    "codecs",
    "encodings",
    "genericpath",
    "io",
    "os",
    "posixpath",
    "site",
    "stat",
];

/// Modules that the start itself needs, but not the functions in them: imports inside of those are followed only when
/// the program or an installed distribution imports the module.
pub const START_ONLY: [&str; 4] =
    ["site", "zipimport", "importlib._bootstrap", "importlib._bootstrap_external"];

/// The module whose functions a program calls through another one: `importlib.invalidate_caches` and its like are
/// those of the path finder.
pub fn stands_for(module: &str) -> Option<&'static str> {
    (module == "importlib").then_some("importlib._bootstrap_external")
}

/// What is always needed, for this minor version.
pub fn always(minor: u8) -> impl Iterator<Item = &'static str> {
    ALWAYS.iter().filter(move |(_, versions)| versions.contains(&minor)).map(|(name, _)| *name)
}

/// What a module needs once it is used.
pub fn triggered_by(module: &str) -> &'static [&'static str] {
    TRIGGERED.iter().find(|(name, _)| *name == module).map_or(&[], |(_, needs)| needs)
}
