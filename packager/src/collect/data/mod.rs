//! The data that the program may read: what lies in its packages, what describes its distributions, what options name.
//!
//! In: the graph. Out: [`Data`]: files of the tree, sorted by path, each path once. [`walk`] takes what lies in a
//! package's directory.

pub mod walk;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::collect::files::{Reason, TreeFile, TreePath};
use crate::entry::Entry;
use crate::graph::{Module, ModuleGraph, ModuleKind, Origin};
use crate::probe::PythonFacts;
use walk::{Found, KnownModules, Walk};

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
    /// Where the executable goes: never part of itself.
    pub output: &'a Path,
}

/// Files of the tree that are no modules.
#[derive(Debug, Default)]
pub struct Data {
    /// The files, sorted by path, each path once.
    pub files: Vec<TreeFile>,
    /// What to take in place of a symbolic link whose target is not in the tree, by path.
    pub behind_links: BTreeMap<TreePath, TreeFile>,
}

/// Collects the program's data.
///
/// # Errors
/// When a file or directory cannot be read.
pub fn collect(request: &DataRequest) -> Result<Data, DataError> {
    let known = known_modules(request.graph);
    let output = std::path::absolute(request.output).unwrap_or_else(|_| request.output.to_owned());
    let walks = package_walks(request, &known, &output);
    let found: Vec<Found> = walks.par_iter().map(Walk::run).collect::<Result<_, _>>()?;

    let mut files = BTreeMap::new();
    let mut behind_links = BTreeMap::new();
    for Found { files: found, behind_links: behind } in found {
        for file in found {
            files.entry(file.path.clone()).or_insert(file);
        }
        for file in behind {
            behind_links.entry(file.path.clone()).or_insert(file);
        }
    }
    Ok(Data { files: files.into_values().collect(), behind_links })
}

/// A walk for each package of the graph whose directory no other walk passes through.
fn package_walks<'a>(request: &DataRequest<'a>, known: &'a KnownModules, output: &'a Path) -> Vec<Walk<'a>> {
    let mut walks = Vec::new();
    let walk = |directory: &Path, path: TreePath, origin: Origin| Walk {
        directory: directory.to_owned(),
        everything: origin == Origin::Stdlib && path.as_bytes() == b"test",
        path,
        known,
        listed: None,
        keeps_times: origin == Origin::Own,
        suffixes: &request.facts.suffixes,
        output,
        reason: Reason::Package,
    };
    if let Entry::Directory(directory) = request.entry {
        walks.push(walk(directory, TreePath::default(), Origin::Own));
    }
    for (name, module) in &request.graph.modules {
        if !module.is_package || matches!(module.kind, ModuleKind::Builtin) {
            continue;
        }
        let above = name.rsplit_once('.').and_then(|(above, _)| request.graph.modules.get(above));
        for directory in &module.directories {
            if !directory.is_dir() || is_passed_through(request.entry, above, directory) {
                continue;
            }
            walks.push(walk(directory, directory_path(name), module.origin));
        }
    }
    walks
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

fn known_modules(graph: &ModuleGraph) -> KnownModules {
    let mut known = KnownModules::default();
    for (name, module) in &graph.modules {
        let path = TreePath::from(module.file.as_str());
        for directory in path.ancestors() {
            known.populated.insert(TreePath::new(directory));
        }
        match &module.kind {
            ModuleKind::Namespace => drop(known.namespaces.insert(path)),
            _ => {
                known.files.insert(path);
                if module.is_package {
                    known.packages.insert(directory_path(name));
                }
            }
        }
    }
    known
}
