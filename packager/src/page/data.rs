//! The data of the page: what its scripts (`report_page/model.js`) read.
//!
//! What there are thousands of is in columns. A *part* is what has a size: a file of the tree, or a piece of the
//! executable itself. A *node* is a module or, numbered behind all modules, a library: the graph consists of them.
//! Sizes are in bytes.

use serde::Serialize;

/// All that the page shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Page {
    /// The program's name.
    pub title: String,
    /// The day on which the page says that it was made; only with SOURCE_DATE_EPOCH.
    pub made: Option<String>,
    /// Of the executable, where there is one, else the sum of what would be in it, unpacked.
    pub size: u64,
    /// Whether it is known how much each part takes in the file.
    pub has_stored: bool,
    /// Labels and values of the head.
    pub facts: Vec<(String, String)>,
    /// The oldest glibc that it runs on, in a sentence.
    pub glibc: String,
    /// Whose all of it is.
    pub distributions: Vec<Distribution>,
    /// Texts of licences, each once.
    pub texts: Vec<String>,
    /// Kinds of parts, in words.
    pub kinds: Vec<&'static str>,
    /// What has a size.
    pub parts: Parts,
    /// The modules, sorted by name.
    pub modules: Modules,
    /// The node that is the program; -1 where it is not known.
    pub entry: i64,
    /// Imports.
    pub edges: Edges,
    /// Rules of imports, the strongest first; the last one is that a native file needs a library.
    pub rules: Vec<RuleWords>,
    /// For each node, the last step of the way that leads to it.
    pub ways: Ways,
    /// What was not followed, by reason.
    pub left_out: Vec<LeftOut>,
    /// Names that were not found.
    pub missing: Vec<Asker>,
    /// Libraries, in the order of their nodes.
    pub libraries: Vec<Library>,
    /// Native files.
    pub native: Vec<Native>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// A distribution, or what else has parts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Distribution {
    /// Its name.
    pub name: String,
    /// Its version; empty where there is none.
    pub version: String,
    /// What it is.
    pub kind: DistributionKind,
    /// Its licence as it says itself; empty where it does not.
    pub licence: String,
    /// Texts of its licence that are in the program.
    pub files: Vec<LicenceFile>,
}

/// What owns parts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DistributionKind {
    /// The program's own files.
    Program,
    /// An installed project.
    #[default]
    Distribution,
    /// Python's standard library.
    Stdlib,
    /// The executable itself: CPython, the stub, tables.
    Executable,
    /// Files that are nobody's.
    Other,
}

/// A text of a licence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LicenceFile {
    /// Its name.
    pub name: String,
    /// Number of the text.
    pub text: usize,
}

/// Columns: what has a size.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Parts {
    /// The path in the tree, or a name.
    pub path: Vec<String>,
    /// Number of the distribution.
    pub distribution: Vec<usize>,
    /// Number of the kind.
    pub kind: Vec<usize>,
    /// What it takes in the file; 0 where that is not known.
    pub stored: Vec<u64>,
    /// What it takes when it is loaded.
    pub unpacked: Vec<u64>,
}

/// Columns: modules.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Modules {
    /// The dotted name.
    pub name: Vec<String>,
    /// The file in the tree; empty for a part of the interpreter.
    pub file: Vec<String>,
    /// Number of the distribution; -1 for none.
    pub distribution: Vec<i64>,
    /// Number of the part; -1 for none.
    pub part: Vec<i64>,
}

/// Columns: imports, those of the first module first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Edges {
    /// How many each module has.
    pub count: Vec<usize>,
    /// The module that is imported.
    pub to: Vec<usize>,
    /// Number of the rule.
    pub rule: Vec<usize>,
    /// The line in the source; 0 for none.
    pub line: Vec<u32>,
}

/// A rule in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleWords {
    /// As it is shown after the name of a module.
    pub label: &'static str,
    /// Whether the import may never happen.
    pub is_weak: bool,
}

/// Columns: the last step of the way to each node, as `snapfreeze why` tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Ways {
    /// The node before; -1 where the way begins.
    pub from: Vec<i64>,
    /// Who.
    pub who: Vec<String>,
    /// What it does. Empty where no way leads there.
    pub does: Vec<String>,
}

/// What was left out for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// The distribution or module.
    pub title: String,
    /// The reason in a word.
    pub reason: &'static str,
    /// The reason in a sentence, which [`LeftOut::option`] and [`LeftOut::effect`] go on with.
    pub what: &'static str,
    /// The option that makes a difference.
    pub option: String,
    /// What it does.
    pub effect: &'static str,
    /// The names of modules.
    pub names: Vec<String>,
    /// Who asks for them.
    pub askers: Vec<Asker>,
    /// How many ask besides.
    pub more: usize,
}

/// Who asks for what is not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Asker {
    /// The name that is asked for.
    pub name: String,
    /// The module that asks; -1 for one that is not in the program.
    pub node: i64,
    /// Its file and line.
    pub who: String,
    /// What it does.
    pub does: String,
}

/// A native library.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Library {
    /// The name by which others ask for it.
    pub name: String,
    /// Its file in the tree; empty for none.
    pub file: String,
    /// Number of the part; -1 for none.
    pub part: i64,
    /// The glibc that it asks for; empty for none.
    pub glibc: String,
    /// Numbers of the libraries that it needs directly.
    pub needs: Vec<usize>,
    /// Numbers of the modules that need it directly.
    pub users: Vec<usize>,
}

/// A native file: an extension module, a library, the executable's own code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Native {
    /// Its path, or its name.
    pub name: String,
    /// What it is.
    pub kind: &'static str,
    /// Its node; -1 for none.
    pub node: i64,
    /// The glibc that it asks for; empty for none.
    pub glibc: String,
    /// Unpacked.
    pub size: u64,
}
