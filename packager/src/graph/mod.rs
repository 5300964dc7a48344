//! The module graph: every module that the program may import, and why.
//!
//! In: the interpreter's facts and the entry. Out: a [`ModuleGraph`]. [`build`](build::build) is the phase: [`roots`]
//! start it, `locate` makes modules of names with [`resolve`], [`imports`] reads them, `follow` makes edges of what
//! they import, `named` those that strings name, `reach` keeps these from
//! bringing what nobody needs, `ask` watches extension modules ([`observe`]) and asks the interpreter what only it knows
//! ([`external`]). [`order`] predicts the order of a start's imports.

mod ask;
pub mod build;
pub mod distributions;
pub mod entry_points;
pub mod external;
mod follow;
pub mod imports;
mod locate;
mod named;
pub mod observations;
pub mod observe;
pub mod order;
mod reach;
pub mod resolve;
pub mod roots;
mod stubs;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// Everything that the program may import.
#[derive(Debug, Clone, Default)]
pub struct ModuleGraph {
    /// Modules by dotted name; the entry script is `__main__`.
    pub modules: BTreeMap<String, Module>,
    /// Names that an import asks for and that were not found.
    pub missing: BTreeMap<String, Missing>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// A module.
#[derive(Debug, Clone)]
pub struct Module {
    /// What it is made of.
    pub kind: ModuleKind,
    /// Whose it is.
    pub origin: Origin,
    /// Its file relative to the root of the frozen tree; of a namespace package its directory.
    pub file: String,
    /// Whether it is a package.
    pub is_package: bool,
    /// Where a package's submodules are looked for.
    pub directories: Vec<PathBuf>,
    /// Its imports, in source order.
    pub edges: Vec<Edge>,
}

/// What a module is made of.
#[derive(Debug, Clone)]
pub enum ModuleKind {
    /// Source. The path is absent where a loader gave the text.
    Source {
        /// The file.
        path: Option<PathBuf>,
        /// Its bytes.
        text: Arc<[u8]>,
    },
    /// A `.pyc` file without its source.
    Bytecode(PathBuf),
    /// A native module.
    Extension(PathBuf),
    /// A namespace package.
    Namespace,
    /// Part of the interpreter: builtin, or frozen in libpython.
    Builtin,
}

/// Whose a module is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The program's own code.
    Own,
    /// An installed distribution.
    Installed,
    /// The standard library.
    Stdlib,
}

/// An import that leads from one module to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// Name of the module that is imported.
    pub to: String,
    /// How.
    pub rule: Rule,
    /// Line in the importing module's source; 0 where there is none.
    pub line: u32,
}

/// Why an edge is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// An import statement that runs when the module does.
    Import,
    /// An import statement inside of a function: it runs later or never.
    Deferred,
    /// Seen when an extension module was imported.
    Observed,
    /// Listed in [`roots`].
    Implicit,
    /// Named by a string, or by one that is put together when the program runs.
    Named,
}

impl Rule {
    /// Whether the import happens when the importing module is imported.
    pub fn is_eager(self) -> bool {
        matches!(self, Self::Import | Self::Observed)
    }
}

/// A name that was not found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// Who asks for it first (in the order of names).
    pub from: String,
    /// In which line.
    pub line: u32,
    /// Whether the asking code runs when its module does and does not catch the failure.
    pub is_required: bool,
    /// Whose code asks.
    pub origin: Origin,
}
