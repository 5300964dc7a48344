//! The data that the program may read: what lies in its packages, what describes its distributions, what options name.
//!
//! In: the graph and the options. Out: [`Data`]: files of the tree, sorted by path, each path once. [`walk`] takes what
//! lies in a package's directory, [`distributions`] says what was installed there and has the metadata, [`prefix`]
//! what it installed outside of packages, [`mentions`] finds in sources what else they read, [`additions`] are the
//! user's, [`traced`] is what a run has opened.

pub mod additions;
mod asked;
pub mod distributions;
mod glob;
mod hooked;
mod mentions;
mod prefix;
mod sources;
mod traced;
mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::collect::files::{FileContent, Reason, TreeFile, TreePath};
use crate::entry::Entry;
use crate::graph::options::GraphOptions;
use crate::graph::{Module, ModuleGraph, ModuleKind, Origin};
use crate::probe::PythonFacts;
use additions::Addition;
use distributions::{Distributions, ModuleFile};
use mentions::normalized;
use walk::{Found, KnownModules, Scope, Walk};

/// Why data cannot be collected.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A file or directory cannot be read.
    #[error("cannot read {path}: {source}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// An option names files that are not there.
    #[error("there is no file {}, which an option adds", .0.display())]
    NoMatch(PathBuf),
    /// Options put two files at one place.
    #[error("options add both {} and {} as {path}", first.display(), second.display())]
    TwoFiles {
        /// The place in the tree, or the one above it.
        path: TreePath,
        /// A file.
        first: PathBuf,
        /// The other one.
        second: PathBuf,
    },
    /// An option names a distribution that is not installed.
    #[error("{option} {name}: there is no distribution of this name where the interpreter looks")]
    NoDistribution {
        /// The option.
        option: &'static str,
        /// The name.
        name: String,
    },
    /// An option names a package that is not in the program.
    #[error("{option} {name}: the program has no such module")]
    NoPackage {
        /// The option.
        option: &'static str,
        /// The name.
        name: String,
    },
}

impl DataError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Read { .. } => "see that it is there and readable, or leave it out",
            Self::NoMatch(_) => {
                "paths are relative to the current directory, those in pyproject.toml to its own"
            }
            Self::TwoFiles { .. } => "give one of them another DEST",
            Self::NoDistribution { .. } => "install it there, or name another interpreter with --python",
            Self::NoPackage { .. } => "include it with --hidden-import",
        }
    }
}

/// What options say of data.
#[derive(Debug, Clone, Default)]
pub struct DataOptions {
    /// `--add-data`.
    pub data: Vec<Addition>,
    /// `--add-binary`.
    pub binaries: Vec<Addition>,
    /// Packages whose data are wanted completely: `--collect-data`, `--collect-all`.
    pub packages: Vec<String>,
    /// Packages whose shared libraries are wanted: `--collect-binaries`, `--collect-all`.
    pub with_binaries: Vec<String>,
    /// Packages whose distributions' metadata are wanted: `--collect-all`.
    pub metadata: Vec<String>,
    /// Distributions whose metadata are wanted: `--copy-metadata`, `--recursive-copy-metadata`.
    pub copied_metadata: Vec<CopiedMetadata>,
    /// Packages that are put on the real disk before they are used: `--materialize`.
    pub materialized: Vec<String>,
}

/// A distribution whose metadata the user wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopiedMetadata {
    /// Its name, as the user wrote it.
    pub name: String,
    /// Whether the metadata of all that it requires are wanted, too.
    pub recursive: bool,
}

/// From what data are collected.
#[derive(Debug, Clone, Copy)]
pub struct DataRequest<'a> {
    /// The program.
    pub entry: &'a Entry,
    /// What it may import.
    pub graph: &'a ModuleGraph,
    /// The interpreter.
    pub facts: &'a PythonFacts,
    /// What options say.
    pub options: &'a DataOptions,
    /// What options say of the graph.
    pub graph_options: GraphOptions<'a>,
    /// Where the executable goes: never part of itself.
    pub output: &'a Path,
    /// Files that traced runs have opened.
    pub opened: &'a BTreeSet<PathBuf>,
    /// `SOURCE_DATE_EPOCH`: later times become this one, in seconds since 1970.
    pub latest_time: Option<i64>,
}

/// Files of the tree that are no modules.
#[derive(Debug, Default)]
pub struct Data {
    /// The files, sorted by path, each path once.
    pub files: Vec<TreeFile>,
    /// What to take in place of a symbolic link whose target is not in the tree, by path.
    pub behind_links: BTreeMap<TreePath, TreeFile>,
    /// Directories whose modules' files hold their source, because the package reads it.
    pub with_sources: BTreeSet<TreePath>,
    /// Modules' files that hold their source, because a module names them as files.
    pub source_files: BTreeSet<TreePath>,
    /// Shared objects among the files: their real paths.
    pub shared_objects: BTreeSet<PathBuf>,
}

/// Collects the program's data.
///
/// # Errors
/// When a file or directory cannot be read, or options name what is not there.
pub fn collect(request: &DataRequest) -> Result<Data, DataError> {
    check_names(request)?;
    let output = std::path::absolute(request.output).unwrap_or_else(|_| request.output.to_owned());
    let read = sources::read(request.graph);
    let known = known_modules(request, &read);
    let modules = module_files(request.graph);
    let needs_metadata = !modules.is_empty()
        || !request.opened.is_empty()
        || !request.graph.hooked.metadata.is_empty()
        || !request.options.copied_metadata.is_empty()
        || !read.distributions.is_empty()
        || !read.groups.is_empty();
    let sites = if needs_metadata { sites(request) } else { Vec::new() };
    let distributions = Distributions::read(&sites, &modules);

    let mut all = Found::default();
    for addition in &request.options.data {
        all.extend(additions::find(addition, request, &output)?);
    }
    let mut shared_objects = BTreeSet::new();
    for addition in &request.options.binaries {
        let found = additions::find(addition, request, &output)?;
        shared_objects.extend(found.files.iter().filter_map(|file| real_path(&file.content)));
        all.extend(found);
    }
    additions::refuse_two_files(&all)?;
    let hooked = hooked::find(request, &known, &output)?;
    shared_objects.extend(hooked.shared_objects);
    all.extend(hooked.found);
    all.extend(asked::binaries(request, &known, &distributions, &modules, &output)?);
    let walks = package_walks(request, &known, &distributions, &output);
    let found: Vec<Found> = walks.par_iter().map(Walk::run).collect::<Result<_, _>>()?;
    found.into_iter().for_each(|found| all.extend(found));
    all.extend(prefix::find(request, &distributions)?);
    all.extend(traced::find(request, &known, &output));
    let mut names = read.distributions.clone();
    names.extend(asked::copied_metadata(request, &sites, &distributions)?);
    names.extend(request.graph.hooked.metadata.iter().map(|name| normalized(name)));
    for package in &request.options.metadata {
        let top = package.split('.').next().unwrap_or_default();
        let modules: Vec<&ModuleFile> = modules.iter().filter(|module| module.top == top).collect();
        names.extend(distributions.of_top(&modules));
    }
    names.extend(distributions.described_by(request.opened));
    // Entry points of a distribution that was left out would lead nowhere.
    let left_out: BTreeSet<String> =
        request.graph.distributions_left_out().map(normalized).filter(|name| !names.contains(name)).collect();
    let wanted = distributions.wanted(&names, &read.groups).into_iter();
    for distribution in wanted.filter(|distribution| !left_out.contains(&distribution.name)) {
        all.files.extend(distribution.metadata()?);
    }

    let (mut files, mut behind_links) = (BTreeMap::new(), BTreeMap::new());
    let latest = request.latest_time.unwrap_or(i64::MAX);
    for file in all.files.iter_mut().chain(&mut all.behind_links) {
        file.mtime = file.mtime.min(latest);
    }
    for file in all.files {
        files.entry(file.path.clone()).or_insert(file);
    }
    for file in all.behind_links {
        behind_links.entry(file.path.clone()).or_insert(file);
    }
    let is_shared = |file: &&TreeFile| is_shared_object(file.path.name());
    shared_objects.extend(files.values().filter(is_shared).filter_map(|file| real_path(&file.content)));
    let with_sources = known.with_sources.into_iter().collect();
    let source_files = known.source_files.into_iter().collect();
    let files = files.into_values().collect();
    Ok(Data { files, behind_links, with_sources, source_files, shared_objects })
}

/// Names in options must be those of modules: a mistyped one would do nothing.
fn check_names(request: &DataRequest) -> Result<(), DataError> {
    let options = request.options;
    let asked = [
        ("--materialize", &options.materialized),
        ("--collect-data", &options.packages),
        ("--collect-binaries", &options.with_binaries),
    ];
    for (option, names) in asked {
        if let Some(name) = names.iter().find(|name| !request.graph.modules.contains_key(*name)) {
            return Err(DataError::NoPackage { option, name: name.clone() });
        }
    }
    Ok(())
}

/// The directories whose distributions the program can see: those of `sys.path`, less the standard library.
fn sites(request: &DataRequest) -> Vec<PathBuf> {
    let facts = request.facts;
    let installed = facts.path.iter().filter(|entry| **entry != facts.stdlib && **entry != facts.dynload);
    let named = request.graph_options.directories().unwrap_or_default();
    std::iter::once(request.entry.search_directory()).chain(named).chain(installed.cloned()).collect()
}

/// The files of modules that a distribution may own. A script is no distribution's.
fn module_files(graph: &ModuleGraph) -> BTreeSet<ModuleFile> {
    let outside = graph.modules.iter().filter(|(name, module)| {
        module.origin != Origin::Stdlib && name.as_str() != crate::graph::build::MAIN
    });
    let files = outside.filter_map(|(name, module)| {
        let path = match &module.kind {
            ModuleKind::Source { path, .. } => path.clone()?,
            ModuleKind::Bytecode(path) | ModuleKind::Extension(path) => path.clone(),
            ModuleKind::Namespace | ModuleKind::Builtin => return None,
        };
        Some(ModuleFile { top: name.split('.').next()?.to_owned(), path })
    });
    files.collect()
}

/// A walk for each package of the graph whose directory no other walk passes through.
fn package_walks<'a>(
    request: &DataRequest<'a>,
    known: &'a KnownModules,
    distributions: &'a Distributions,
    output: &'a Path,
) -> Vec<Walk<'a>> {
    let mut walks = Vec::new();
    let walk = |directory: &Path, path: TreePath, origin: Origin, scope: Scope| {
        let listed = listed(directory, &path, distributions);
        Walk {
            directory: directory.to_owned(),
            keeps_times: origin == Origin::Own && listed.is_none(),
            // What was installed, unless everything is wanted: then what is there.
            listed: listed.filter(|_| scope == Scope::Data),
            path,
            known,
            suffixes: &request.facts.suffixes,
            output,
            scope,
            reason: Reason::Package,
        }
    };
    if let Entry::Directory(directory) = request.entry {
        walks.push(walk(directory, TreePath::default(), Origin::Own, Scope::Data));
    }
    for (name, module) in &request.graph.modules {
        if !module.is_package || matches!(module.kind, ModuleKind::Builtin) {
            continue;
        }
        // A directory that merely has the name of an optional import is no package of the program.
        let is_namespace = matches!(module.kind, ModuleKind::Namespace);
        let is_wanted_whole = request.options.packages.contains(name);
        if is_namespace && !is_wanted_whole && !known.populated.contains(&directory_path(name)) {
            continue;
        }
        let is_cpythons_tests = module.origin == Origin::Stdlib && name == "test";
        let scope = match () {
            () if is_cpythons_tests => Scope::Everything,
            () if is_wanted_whole => Scope::AllData,
            () => Scope::Data,
        };
        let above = name.rsplit_once('.').and_then(|(above, _)| request.graph.modules.get(above));
        for directory in &module.directories {
            let is_passed = scope == Scope::Data && is_passed_through(request.entry, above, directory);
            if directory.is_dir() && !is_passed {
                walks.push(walk(directory, directory_path(name), module.origin, scope));
            }
        }
    }
    walks
}

/// The files that installers put into a package, if any did.
fn listed<'a>(
    directory: &Path,
    path: &TreePath,
    distributions: &'a Distributions,
) -> Option<&'a std::collections::HashSet<Vec<u8>>> {
    let site = directory.ancestors().nth(path.ancestors().count() + 1)?;
    let listed = distributions.listed.get(site)?;
    listed.covers(path).then_some(&listed.files)
}

/// Whether the walk through the package above comes through a directory.
fn is_passed_through(entry: &Entry, above: Option<&Module>, directory: &Path) -> bool {
    let holder = directory.parent();
    match (above, entry) {
        (Some(above), _) => above.directories.iter().any(|above| Some(above.as_path()) == holder),
        (None, Entry::Directory(entry)) => holder == Some(entry.as_path()),
        (None, _) => false,
    }
}

/// The directory of a package in the tree.
fn directory_path(name: &str) -> TreePath {
    TreePath::from(name.replace('.', "/").as_str())
}

fn known_modules(request: &DataRequest, read: &sources::ReadByPrograms) -> KnownModules {
    let mut known = KnownModules {
        with_stubs: read.with_stubs.clone(),
        with_sources: read.with_sources.clone(),
        source_files: read.source_files.clone(),
        excluded: request.graph_options.excluded.iter().map(|name| directory_path(name)).collect(),
        ..KnownModules::default()
    };
    for (name, module) in &request.graph.modules {
        let path = TreePath::from(module.file.as_str());
        match &module.kind {
            ModuleKind::Namespace => drop(known.namespaces.insert(path)),
            _ => {
                known.populated.extend(path.ancestors().map(TreePath::new));
                known.files.insert(path);
                if module.is_package {
                    known.packages.insert(directory_path(name));
                }
            }
        }
    }
    known
}

/// Whether a file is a shared object by its name: `libx.so`, `libx.so.1.2`.
pub fn is_shared_object(name: &[u8]) -> bool {
    let name = String::from_utf8_lossy(name);
    let is_version =
        |rest: &str| rest.chars().all(|character| character == '.' || character.is_ascii_digit());
    name.rsplit_once(".so").is_some_and(|(stem, rest)| {
        !stem.is_empty() && (rest.is_empty() || (rest.starts_with('.') && is_version(rest)))
    })
}

fn real_path(content: &FileContent) -> Option<PathBuf> {
    match content {
        FileContent::Disk { path, .. } => path.canonicalize().ok(),
        _ => None,
    }
}
