//! Reads what one module imports out of its source, without running it.
//!
//! In comes the source as bytes, the module's own name and the facts of the target; out come its import
//! edges in source order, and what else the graph must know of it: `__all__`, the names that it puts into
//! `sys.modules`, whether it changes its `__path__`. Nothing is looked up here: whether `m.x` is a submodule
//! or an attribute, only the finder can tell.
//!
//! The phases, each a file:
//!
//! 1. `decode`: bytes to text, as PEP 263 has it;
//! 2. `depth`: refuses what is nested too deeply to be parsed and walked on the stack we have;
//! 3. Ruff's parser: text to syntax tree;
//! 4. `scope`: which name means what, so that `_sys.platform` is known for what it is;
//! 5. `conditions`, over `values`: three-valued evaluation of tests, so that code which the target never runs is not read;
//! 6. `visit`: the walk itself, with `expressions`, and in these `calls` for imports that are calls, `lazy` for those that
//!    happen later, `attributes` for those that happen when a module is asked for something, `exports` for `__all__`,
//!    `names` for strings that may name modules and `libraries` for the libraries that it opens.
//!
//! What must hold: an import that the target could execute is never lost, save where the program goes out
//! of its way to deceive (`setattr(sys, "platform", …)`, a star import that rebinds `sys`). An edge too many
//! is a larger executable, an edge too few is a broken one: in doubt a test is unknown, and both branches
//! are read.
//!
//! Stack: the walk and the release of the tree recurse. Call [`read_imports`] on a thread with at least
//! [`STACK_BYTES`] of stack; the limits in `depth` are chosen for it, in unoptimised builds too.

mod attributes;
mod calls;
mod conditions;
mod decode;
mod depth;
mod exports;
mod expressions;
mod lazy;
mod libraries;
mod names;
mod scope;
#[cfg(test)]
mod tests;
mod values;
mod visit;

pub use decode::EncodingError;
use ruff_python_parser::parse_module;

/// The stack that a thread needs to call [`read_imports`], in bytes. It is reserved, not used: ordinary
/// modules touch a few hundred kilobytes of it, and the worst that `depth` lets through less than a quarter.
pub const STACK_BYTES: usize = 256 << 20;

/// What the target makes of platform and version tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// `y` of Python 3.y, as in `sys.version_info[1]`.
    pub minor: u8,
    /// `sys.platform`: `linux`, `darwin`, `win32`.
    pub sys_platform: String,
    /// `os.name`: `posix`, `nt`.
    pub os_name: String,
    /// `sys.implementation.name`: `cpython`.
    pub implementation: String,
    /// `platform.system()`: `Linux`, `Darwin`, `Windows`.
    pub platform_system: String,
    /// Whether `sys.maxsize` is 2⁶³ − 1 rather than 2³¹ − 1.
    pub maxsize_64bit: bool,
    /// `sys.flags.optimize`: from 1 on `__debug__` is false and `assert` is not compiled.
    pub optimize: u8,
}

/// Who the module is: what relative imports and `__name__` are resolved against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModuleName<'a> {
    /// The name it is found by, `a.b`; for the entry the name it would be imported by, or `__main__`.
    pub name: &'a str,
    /// `__package__`: the name itself for a package, the parent's for a module, empty at top level.
    pub package: &'a str,
    /// Whether it runs as `__main__`.
    pub is_main: bool,
}

/// How an import is reached. All false: executed whenever the module is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EdgeKind {
    /// Inside a function or lambda: executed when that is called, or never.
    pub deferred: bool,
    /// Inside a `try` whose handlers catch `ImportError` (or in its `else`), or under `suppress(ImportError)`: the
    /// program lives without it.
    pub optional: bool,
    /// In a handler of such a `try`.
    pub fallback: bool,
    /// Inside a module-level function that is by convention called only when the module is run as a script: `main`,
    /// `_main`, `test`, `_test…`.
    pub as_script: bool,
    /// Inside one of these whose name is private, so that no other module calls it: `_main`, `_test…`.
    pub as_script_only: bool,
    /// A call, `import_module` or `__import__`, whose argument is known.
    pub dynamic: bool,
    /// In the type stub that the module attaches.
    pub stub: bool,
}

/// What an import asks for. Names are absolute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// `import a.b.c`: needs `a`, `a.b` and `a.b.c`.
    Module(String),
    /// `from module import x, y`: `module` must exist, `module.x` may be submodules.
    From {
        /// The module after `from`, made absolute.
        module: String,
        /// The imported names, without `*`.
        names: Vec<String>,
    },
    /// `from module import *`: the names in its `__all__` may be submodules.
    Star {
        /// The module after `from`, made absolute.
        module: String,
    },
    /// `import_module("a.b")`, `__import__("a.b")`.
    Dynamic(String),
}

impl Request {
    /// The module that must exist.
    pub fn module(&self) -> &str {
        let (Self::Module(module)
        | Self::Dynamic(module)
        | Self::From { module, .. }
        | Self::Star { module }) = self;
        module
    }
}

/// One import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportEdge {
    /// What is asked for.
    pub request: Request,
    /// How it is reached.
    pub kind: EdgeKind,
    /// The line of the statement or call, from 1.
    pub line: u32,
}

/// A string that may name a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedModule {
    /// The name, as far as it is known.
    pub form: Form,
    /// The innermost list, tuple, set or dictionary that it stands in, by number; 0 for none.
    pub collection: u32,
    /// Its line, from 1.
    pub line: u32,
}

/// The form of a string that may name a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// A single identifier.
    Word(String),
    /// `"a.b.c"`: a module, or something in one. After `"a.b:c"` the attribute is known to be one.
    Dotted {
        /// What stands before a colon.
        name: String,
        /// Whether there is a colon.
        has_attribute: bool,
    },
    /// `".b"`, made absolute.
    Relative(String),
    /// `f"a.b.{x}.c"`, `"a.b.%s" % x`, `"a.b." + x`.
    Template {
        /// What stands before, between and after the unknown parts.
        texts: Vec<String>,
        /// How the name is put together.
        made: Made,
    },
    /// The modules below this package are listed.
    Below(String),
    /// `"a.py"`, where files are run: the name without its suffix.
    File(String),
    /// What is no module's name, and may be that of a group of entry points: `"x-y.plugins"`.
    Group(String),
}

/// How a name is put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// It is what a call imports.
    Imported,
    /// It is an expression's value: `"a.b." + x`.
    Computed,
    /// It is left to others: `"a.b.%s"`.
    Unfinished,
}

/// What a module imports, and what its imports cannot say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModuleImports {
    /// The imports in source order.
    pub edges: Vec<ImportEdge>,
    /// The names in `__all__`, in order of first mention; `None` if the module has no `__all__` that could be
    /// read.
    pub exports: Option<Vec<String>>,
    /// Whether `__all__` is also built from what is no literal, so that `exports` may lack names.
    pub exports_are_partial: bool,
    /// The names that it puts into `sys.modules`, its own excepted.
    pub aliases: Vec<String>,
    /// Strings that may name modules, in source order.
    pub names: Vec<NamedModule>,
    /// Whether it assigns or alters `__path__`, other than by `pkgutil.extend_path`.
    pub changes_path: bool,
    /// Whether it uses the builtin `help`, which only `site` provides.
    pub calls_help: bool,
    /// Whether it uses the builtin `breakpoint`, which imports `pdb`.
    pub calls_breakpoint: bool,
    /// Whether it imports by a call whose argument could not be known.
    pub imports_dynamically: bool,
    /// Whether it answers for names that it does not have, by a `__getattr__` or by another object in its place: what
    /// its tables list are attributes of it that may be modules.
    pub resolves_lazily: bool,
    /// Libraries that it opens, in the order of first mention.
    pub libraries: Vec<OpenedLibrary>,
    /// Names of attributes that it uses or imports from modules, sorted.
    pub attributes: Vec<String>,
    /// Imports that its `__getattr__` makes when it is asked for one of these names.
    pub on_attributes: Vec<OnAttributes>,
}

/// An import that happens when a module is asked for an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnAttributes {
    /// The attributes: one of them is enough.
    pub names: Vec<String>,
    /// The import.
    pub edge: ImportEdge,
}

/// A library that a module opens, or may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedLibrary {
    /// Which one.
    pub name: LibraryName,
    /// Its line, from 1.
    pub line: u32,
}

/// How a library is named.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LibraryName {
    /// As for dlopen: `libfoo.so.1`.
    File(String),
    /// As for the linker's `-l`: `foo`.
    Linker(String),
}

/// Why a module's imports could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Not Python of any version that we know.
    #[error("line {line}, column {column}: {message}")]
    Syntax {
        /// From 1.
        line: u32,
        /// In characters, from 1.
        column: u32,
        /// The parser's words.
        message: String,
    },
    /// Larger or nested deeper than can be read here; the interpreter may still compile it.
    #[error("the source is too large or nested too deeply to be read without the interpreter")]
    TooDeep,
    /// The bytes are not text that we can decode; the interpreter may know the encoding.
    #[error(transparent)]
    Encoding(#[from] EncodingError),
}

/// Reads the imports of the module `name` from its `source`, as `target` would execute it.
///
/// Needs a thread with [`STACK_BYTES`] of stack.
///
/// # Errors
/// [`ReadError::Syntax`] if the source is not Python; [`ReadError::TooDeep`] and [`ReadError::Encoding`] if
/// the interpreter must be asked instead.
pub fn read_imports(
    source: &[u8],
    name: &ModuleName<'_>,
    target: &Target,
) -> Result<ModuleImports, ReadError> {
    depth::check_size(source)?;
    let text = decode::decode(source)?;
    depth::check_nesting(&text)?;
    let lines = Lines::new(&text);
    match parse_module(&text) {
        Ok(parsed) => Ok(visit::read(parsed.suite(), &text, &lines, name, target)),
        Err(error) => {
            let offset = error.location.start().to_usize();
            let (line, column) = lines.position(&text, offset);
            Err(ReadError::Syntax { line, column, message: error.error.to_string() })
        }
    }
}

/// Where the lines of a text begin.
struct Lines {
    /// Offsets in bytes, ascending, of the first byte after each line end.
    starts: Vec<usize>,
}

impl Lines {
    /// Finds the line ends: `\n`, `\r\n` and, as the tokeniser has it, a lone `\r`.
    fn new(text: &str) -> Self {
        let bytes = text.as_bytes();
        let ends_a_line = |at: usize| match bytes.get(at) {
            Some(b'\n') => true,
            Some(b'\r') => bytes.get(at + 1) != Some(&b'\n'),
            _ => false,
        };
        Lines { starts: (0..bytes.len()).filter(|&at| ends_a_line(at)).map(|at| at + 1).collect() }
    }

    /// The line of a byte offset, from 1.
    fn line(&self, offset: usize) -> u32 {
        let before = self.starts.partition_point(|&start| start <= offset);
        u32::try_from(before).map_or(u32::MAX, |before| before.saturating_add(1))
    }

    /// Line and column, in characters, of a byte offset, both from 1.
    fn position(&self, text: &str, offset: usize) -> (u32, u32) {
        let before = self.starts.partition_point(|&start| start <= offset);
        let start = before.checked_sub(1).and_then(|last| self.starts.get(last)).copied().unwrap_or(0);
        let characters = text.get(start..offset).map_or(0, |part| part.chars().count());
        (self.line(offset), u32::try_from(characters).map_or(u32::MAX, |count| count.saturating_add(1)))
    }
}
