//! The plan: everything that will be in the executable, decided and sorted.
//!
//! What comes after it is mechanical. The plan is serialisable: it is the dry run, the snapshot in tests and the
//! source of the report.

mod tree;

use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;
use snapfreeze_runtime::archive::EntryKind;

use crate::collect::certificates::CertificatePaths;
use crate::collect::data::Data;
use crate::collect::files::{FileContent, Reason, TreeFile, TreePath};
use crate::collect::{Collection, Library};
use crate::entry::Entry;
use crate::fuse::program::Program;
use crate::graph::{Module, ModuleGraph, ModuleKind, Origin};
use crate::probe::PythonFacts;
use crate::probe::interpreters::Chosen;
use crate::request::{BuildRequest, CompressOption, InterpreterOption};
use crate::shown::shown;
use crate::why::{BuiltOptions, ReasonParts, Reasons};
use tree::TreeParts;

/// What will be in the executable.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// For which Python.
    pub target: PlannedTarget,
    /// The module that runs as `__main__`.
    pub entry: String,
    /// Whether it has a spec, as with `python -m` and `python directory`.
    pub entry_is_module: bool,
    /// Modules in predicted import order.
    pub modules: Vec<PlannedModule>,
    /// Native libraries; the last is libpython.
    pub libraries: Vec<PlannedLibrary>,
    /// The tree of files, sorted by path.
    pub files: Vec<TreeFile>,
    /// Names that imports ask for and that are not in the executable, with who asks.
    pub missing: Vec<PlannedMissing>,
    /// Why all of it is there, and what is not.
    pub reasons: Reasons,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// The target.
#[derive(Debug, Clone, Serialize)]
pub struct PlannedTarget {
    /// `linux-x86_64-gnu`.
    pub platform: String,
    /// `3.11.7`.
    pub version: String,
    /// Major and minor version.
    pub python: (u8, u8),
    /// ABI flags.
    pub abi_flags: String,
    /// `cpython-311`.
    pub cache_tag: String,
    /// First bytes of its `.pyc` files.
    pub magic: [u8; 4],
    /// Optimisation level of the bytecode.
    pub optimize: u8,
    /// Where its OpenSSL was built to look for certificates.
    pub certificates: CertificatePaths,
    /// Whether the tree of files is a real directory beside the executable.
    pub beside: bool,
    /// Whether native files lose what only debuggers and linkers read.
    pub strip: bool,
    /// Whether the garbage collector runs as ever while modules are imported.
    pub collects_during_imports: bool,
    /// When the executable is also the interpreter.
    pub interpreter: InterpreterOption,
    /// How hard the contents are compressed.
    pub compress: CompressOption,
}

/// A module.
#[derive(Debug, Clone, Serialize)]
pub struct PlannedModule {
    /// Dotted name.
    pub name: String,
    /// File relative to the root.
    pub file: String,
    /// Whether it is a package.
    pub is_package: bool,
    /// Whether a start is expected to import it.
    pub eager: bool,
    /// Whose it is.
    pub origin: PlannedOrigin,
    /// Whether its file holds its source, though nobody has asked for sources: its package reads it.
    pub shows_source: bool,
    /// What it is made of.
    pub content: PlannedContent,
}

/// [`Origin`], by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "as in Origin")]
pub enum PlannedOrigin {
    Own,
    Installed,
    Stdlib,
}

/// What a module is made of.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PlannedContent {
    /// Source to compile.
    Source {
        /// Its file, where it has one.
        path: Option<PathBuf>,
        /// Its bytes.
        #[serde(skip)]
        text: Arc<[u8]>,
    },
    /// A `.pyc` file.
    Bytecode {
        /// The file.
        path: PathBuf,
    },
    /// An ELF file.
    Extension {
        /// The file.
        path: PathBuf,
        /// Indexes of libraries to load before it, in order.
        needs: Vec<usize>,
    },
    /// A namespace package.
    Namespace,
}

/// A native library.
#[derive(Debug, Clone, Serialize)]
pub struct PlannedLibrary {
    /// The name by which others ask for it.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// Indexes of libraries to load before it, in order.
    pub needs: Vec<usize>,
    /// Whether it is a data file that the program may open itself, and nothing needs it.
    pub is_data: bool,
    /// Whether it is in the program itself, for it carries CPython and is fused.
    pub is_fused: bool,
}

/// A name that is not in the executable.
#[derive(Debug, Clone, Serialize)]
pub struct PlannedMissing {
    /// The name.
    pub name: String,
    /// The module that asks first.
    pub from: String,
    /// Its line.
    pub line: u32,
    /// Whether the program's own code asks for it outside of functions and `try`.
    pub is_suspicious: bool,
    /// Whether code outside of the standard library asks for it where it can do without: in a `try` or a function.
    pub is_optional: bool,
}

/// Makes the plan out of what the phases before found.
pub fn plan(
    request: &BuildRequest,
    main: String,
    (chosen, program): (&Chosen, &Program),
    graph: &ModuleGraph,
    order: &[(String, bool)],
    collection: Collection,
    data: Data,
) -> Plan {
    let (facts, entry) = (&chosen.facts, &request.entry);
    let missing: Vec<PlannedMissing> = graph
        .missing
        .iter()
        .map(|(name, missing)| PlannedMissing {
            name: name.clone(),
            from: missing.from.clone(),
            line: missing.line,
            is_suspicious: missing.is_required && missing.origin == Origin::Own,
            is_optional: !missing.is_required && missing.origin != Origin::Stdlib,
        })
        .collect();
    let mut warnings = graph.warnings.clone();
    warnings.extend(collection.warnings);
    warnings.extend(graph.absent.iter().map(|absent| {
        let place = absent.file.as_deref().map_or_else(|| absent.from.clone(), shown);
        let (name, line, advice) = (&absent.name, absent.line, absent.advice());
        format!("{place}:{line}: there is no module {name}: this import will fail\nhint: {advice}")
    }));
    let modules =
        order.iter().filter_map(|(name, eager)| planned_module(graph, name, *eager, &collection.needs));
    let mut modules: Vec<PlannedModule> = modules.collect();
    for module in &mut modules {
        let file = TreePath::from(module.file.as_str());
        module.shows_source = data.source_files.contains(&file)
            || data.with_sources.contains(&file.parent())
            || graph.hooked.shows_source(&module.name);
    }
    let mut libraries: Vec<PlannedLibrary> = collection
        .libraries
        .into_iter()
        .map(|Library { name, path, needs, is_data }| PlannedLibrary {
            name,
            path,
            needs,
            is_data,
            is_fused: false,
        })
        .collect();
    libraries.push(PlannedLibrary {
        name: facts.libpython_name(),
        path: program.carrier.clone(),
        needs: collection.libpython_needs,
        is_data: false,
        is_fused: program.is_fused,
    });
    let entry_is_module = matches!(entry, Entry::Module { .. } | Entry::Package(_) | Entry::Directory(_));
    let is_frozen =
        |module: &&Module| matches!(module.kind, ModuleKind::Builtin) && module.file.ends_with(".py");
    let frozen: Vec<String> =
        graph.modules.values().filter(is_frozen).map(|module| module.file.clone()).collect();
    let target = target(facts, request, collection.certificates);
    let parts = TreeParts {
        target: &target,
        facts,
        modules: &modules,
        frozen: &frozen,
        libraries: &libraries,
        include_source: request.include_source,
        materialized: &request.data.materialized,
    };
    let files = tree::tree(&parts, data, &mut warnings);
    let reasons = Reasons::of(&ReasonParts {
        entry: &main,
        graph,
        modules: &modules,
        libraries: &libraries,
        files: &files,
        options: BuiltOptions {
            compress: request.compress.name().to_owned(),
            include_source: request.include_source,
            strip: request.strip,
        },
    });
    Plan { target, entry: main, entry_is_module, modules, libraries, files, missing, reasons, warnings }
}

impl Plan {
    /// How many of the modules are extension modules.
    pub fn extensions(&self) -> usize {
        let is_extension =
            |module: &&PlannedModule| matches!(module.content, PlannedContent::Extension { .. });
        self.modules.iter().filter(is_extension).count()
    }

    /// How many of the files are data: no module's.
    pub fn data_files(&self) -> usize {
        self.files.iter().filter(|file| file.reason != Reason::Module).count()
    }

    /// Gives the files of modules that have no bytecode their source: they are data, then, such as examples of errors.
    pub fn show_sources(&mut self, has_bytecode: impl Fn(&str) -> bool) {
        for module in &self.modules {
            if let PlannedContent::Source { text, .. } = &module.content
                && !has_bytecode(&module.name)
                && let Ok(at) =
                    self.files.binary_search_by(|file| file.path.as_bytes().cmp(module.file.as_bytes()))
            {
                self.files[at].content = FileContent::Bytes(Arc::clone(text));
            }
        }
    }

    /// How the entry runs.
    pub fn entry_kind(&self) -> EntryKind {
        if self.entry_is_module { EntryKind::Module } else { EntryKind::Script }
    }
}

fn target(facts: &PythonFacts, request: &BuildRequest, certificates: CertificatePaths) -> PlannedTarget {
    let libc = if facts.libc == "glibc" { "gnu" } else { facts.libc.as_str() };
    PlannedTarget {
        platform: format!("{}-{}-{libc}", facts.platform, facts.machine),
        version: facts.version.clone(),
        python: (facts.version_info.0, facts.version_info.1),
        abi_flags: facts.abi_flags.clone(),
        cache_tag: facts.cache_tag.clone(),
        magic: facts.magic,
        optimize: request.optimize,
        certificates,
        beside: request.onedir,
        strip: request.strip,
        collects_during_imports: request.collects_during_imports,
        interpreter: request.interpreter,
        compress: request.compress,
    }
}

fn planned_module(
    graph: &ModuleGraph,
    name: &str,
    eager: bool,
    needs: &std::collections::BTreeMap<String, Vec<usize>>,
) -> Option<PlannedModule> {
    let module = graph.modules.get(name)?;
    let content = match &module.kind {
        ModuleKind::Source { path, text } => {
            PlannedContent::Source { path: path.clone(), text: Arc::clone(text) }
        }
        ModuleKind::Bytecode(path) => PlannedContent::Bytecode { path: path.clone() },
        ModuleKind::Extension(path) => {
            PlannedContent::Extension { path: path.clone(), needs: needs.get(name)?.clone() }
        }
        ModuleKind::Namespace => PlannedContent::Namespace,
        ModuleKind::Builtin => return None,
    };
    let origin = match module.origin {
        Origin::Own => PlannedOrigin::Own,
        Origin::Installed => PlannedOrigin::Installed,
        Origin::Stdlib => PlannedOrigin::Stdlib,
    };
    let (name, file, is_package) = (name.to_owned(), module.file.clone(), module.is_package);
    Some(PlannedModule { name, file, is_package, eager, origin, shows_source: false, content })
}
