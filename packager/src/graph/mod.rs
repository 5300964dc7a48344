//! The module graph: every module that the program may import, and why.
//!
//! In: the interpreter's facts and the entry. Out: a [`ModuleGraph`]. [`build`](build::build) is the phase: [`roots`]
//! start it, `locate` makes modules of names with [`resolve`], [`imports`] reads them, `follow` makes edges of what
//! they import (`moves` of what six names), `named` those that strings name (with `patterns` for those that are not known
//! whole), `reach` and `attributes` keep these from bringing what nobody needs, `ask` watches extension modules
//! ([`observe`]; `beside` reads what they import later) and asks the interpreter what only it knows ([`external`]).
//! `rules` has what none of them finds. [`order`] predicts the order of a start's imports.

pub mod absent;
mod ask;
mod attributes;
mod beside;
pub mod build;
mod closure;
pub mod distributions;
pub mod entry_points;
pub mod error;
pub mod external;
mod follow;
mod hooked;
pub mod imports;
mod locate;
mod moves;
mod named;
pub mod observations;
pub mod observe;
pub mod options;
pub mod order;
mod patterns;
mod reach;
pub mod requirements;
pub mod resolve;
pub mod roots;
mod rules;
pub mod shared;
mod stubs;
mod traced;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::hooks::Hooked;

/// Everything that the program may import.
#[derive(Debug, Clone, Default)]
pub struct ModuleGraph {
    /// Modules by dotted name; the entry script is `__main__`.
    pub modules: BTreeMap<String, Module>,
    /// Modules that are in the program for a reason that is in no module, with these reasons.
    pub given: BTreeMap<String, BTreeSet<Given>>,
    /// Names that an import asks for and that were not found.
    pub missing: BTreeMap<String, Missing>,
    /// Of these, what the program's own code cannot do without.
    pub absent: Vec<absent::Absent>,
    /// Names that an import asks for and that could have been found, but were not followed.
    pub left_out: BTreeMap<String, LeftOut>,
    /// Libraries that modules open by name, by module.
    pub libraries: BTreeMap<String, Vec<imports::OpenedLibrary>>,
    /// What hooks say of files.
    pub hooked: Hooked,
    /// What the user should know.
    pub warnings: Vec<String>,
}

impl ModuleGraph {
    /// Names of the distributions of which something was left out as optional.
    pub fn distributions_left_out(&self) -> impl Iterator<Item = &str> {
        self.left_out.values().filter_map(|left| match &left.reason {
            LeaveReason::Optional { distribution } => Some(distribution.as_str()),
            LeaveReason::Excluded { .. } | LeaveReason::Hook { .. } => None,
        })
    }
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
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
    /// What stands there, where the rule does not say it: the string, the group of entry points, the hook's file.
    pub text: Option<Arc<str>>,
}

/// Why an edge is there. The stronger a rule, the earlier it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// An import statement that runs when the module does.
    Import,
    /// A call with a literal name that runs when the module does: `import_module("a.b")`.
    Call,
    /// An import statement or call that runs when the module does, and whose failure is caught.
    Optional,
    /// An import statement or call inside of a function: it runs later or never.
    Deferred,
    /// Seen when an extension module was imported.
    Observed,
    /// CPython's own code imports it, or a line of [`roots`] or of `rules.toml` says so.
    Implicit,
    /// Seen in a traced run.
    Traced,
    /// A hook of PyInstaller's form asks for it.
    Hook,
    /// The type stub that the module attaches imports it.
    Stub,
    /// A string names it.
    String,
    /// A string that is put together when the program runs may name it.
    Template,
    /// Its package's modules are listed, or looked into.
    Below,
    /// It offers something in a group of entry points that the module names.
    EntryPoint,
    /// A string in an extension module's file names it.
    Native,
}

impl Rule {
    /// Whether the import happens when the importing module is imported.
    pub fn is_eager(self) -> bool {
        matches!(self, Self::Import | Self::Call | Self::Optional | Self::Observed)
    }

    /// Whether the module is only named, so that it may never be imported.
    pub fn is_inferred(self) -> bool {
        matches!(self, Self::String | Self::Template | Self::Below | Self::EntryPoint | Self::Native)
    }
}

/// Why a module is in the program, though none imports it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Given {
    /// It is the program.
    Entry,
    /// Every start of CPython imports it, or may.
    Start,
    /// Helper processes of `multiprocessing` need it.
    Children,
    /// The executable is the interpreter as well.
    Interpreter,
    /// This option names it: `--hidden-import a.b`.
    Option(String),
    /// This hook file asks for it.
    Hook(String),
    /// It was imported in a traced run.
    Traced,
}

/// A name that is there and that was not followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Why.
    pub reason: LeaveReason,
    /// Which imports ask for it: never empty, in the order of importing modules.
    pub edges: Vec<LeftEdge>,
}

/// Why a name was not followed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LeaveReason {
    /// The import is optional, and nothing declares this distribution that has the module.
    Optional {
        /// The distribution, for `--follow-optional`.
        distribution: String,
    },
    /// An option excludes this name.
    Excluded {
        /// The excluded name: the module's own, or that of a package above it.
        name: String,
    },
    /// A hook excludes this name for the modules that ask.
    Hook {
        /// The excluded name.
        name: String,
    },
}

/// An import that was not followed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeftEdge {
    /// The importing module.
    pub from: String,
    /// The line in its source; 0 where there is none.
    pub line: u32,
    /// How.
    pub rule: Rule,
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
