//! What the program's sources say of data, put together for all modules.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use rayon::prelude::*;

use super::mentions::{Mentions, calls_beside_itself};
use crate::collect::files::TreePath;
use crate::graph::{ModuleGraph, ModuleKind, Origin};

/// What sources read beside what they import.
#[derive(Debug, Default)]
pub struct ReadByPrograms {
    /// Names of distributions whose metadata are asked for.
    pub distributions: BTreeSet<String>,
    /// Groups of entry points that are asked for.
    pub groups: BTreeSet<String>,
    /// Directories of the tree whose type stubs are read.
    pub with_stubs: HashSet<TreePath>,
    /// Directories of the tree whose Python files are read: a module there opens or runs files, and one names a Python
    /// file that is there; or one asks a function for the directory that reads all of a directory's.
    pub with_sources: HashSet<TreePath>,
    /// Python files of the tree that are read, or run by another Python: a module beside them names them and asks where
    /// it lies, or nobody imports them; or a decorator from a package that asks for sources is used in them. Other
    /// files for development that a module beside them names and opens.
    pub source_files: HashSet<TreePath>,
}

/// Looks at all sources that are not the standard library's.
pub fn read(graph: &ModuleGraph) -> ReadByPrograms {
    let sources = graph.modules.values().filter(|module| module.origin != Origin::Stdlib);
    let sources: Vec<_> = sources
        .filter_map(|module| match &module.kind {
            ModuleKind::Source { path, text } => Some((module, path.as_deref(), text)),
            _ => None,
        })
        .collect();
    let found: Vec<(TreePath, Mentions, Vec<TreePath>)> = sources
        .par_iter()
        .map(|(module, path, text)| {
            let mentions = Mentions::of(text);
            let place = TreePath::from(module.file.as_str()).parent();
            let neighbours = path.and_then(Path::parent).map_or_else(Vec::new, |directory| {
                let names = mentions.python_files.iter().filter(|name| is_neighbour(directory, name));
                names.map(|name| place.join(name.as_bytes())).collect()
            });
            (place, mentions, neighbours)
        })
        .collect();
    let modules: HashSet<&str> = graph.modules.values().map(|module| module.file.as_str()).collect();
    let is_imported =
        |file: &TreePath| std::str::from_utf8(file.as_bytes()).is_ok_and(|file| modules.contains(file));
    let by_file = sources.iter().zip(&found);
    let by_file = by_file.map(|((module, ..), (_, mentions, _))| (module.file.as_str(), mentions));
    let mut read = ReadByPrograms { source_files: read_by_decorators(by_file), ..ReadByPrograms::default() };
    let mut opening = HashSet::new();
    let mut naming = HashSet::new();
    let mut readers: BTreeMap<Vec<u8>, BTreeSet<String>> = BTreeMap::new();
    for (directory, mentions, neighbours) in found {
        if !mentions.readers_of_sources.is_empty() && !directory.as_bytes().is_empty() {
            readers.entry(top(&directory)).or_default().extend(mentions.readers_of_sources);
        }
        read.distributions.extend(mentions.distributions);
        read.groups.extend(mentions.groups);
        if mentions.attaches_stub {
            read.with_stubs.insert(directory.clone());
        }
        // In the root lie the program's own scripts and single modules of many: no package.
        if !directory.as_bytes().is_empty() {
            if mentions.opens_files {
                opening.insert(directory.clone());
            }
            if mentions.asks_for_its_place && !neighbours.is_empty() {
                naming.insert(directory.clone());
            }
            let is_meant = |file: &TreePath| mentions.asks_for_its_place || !is_imported(file);
            read.source_files.extend(neighbours.into_iter().filter(is_meant));
            let development = mentions.development_files.iter();
            read.source_files.extend(development.map(|name| directory.join(name.as_bytes())));
        }
    }
    read.with_sources = naming.intersection(&opening).cloned().collect();
    for (module, path, text) in sources {
        let place = TreePath::from(module.file.as_str()).parent();
        let Some(readers) = readers.get(&top(&place)) else { continue };
        let (Some(directory), Ok(text)) = (path.and_then(Path::parent), std::str::from_utf8(text)) else {
            continue;
        };
        let Some(names) = calls_beside_itself(text, readers) else { continue };
        let below: Vec<&str> = names.into_iter().filter(|name| directory.join(name).is_dir()).collect();
        if below.is_empty() {
            read.with_sources.insert(place.clone());
        }
        for name in below {
            add_all_below(&directory.join(name), place.join(name.as_bytes()), &mut read.with_sources);
        }
    }
    read
}

/// The modules whose decorators ask for the source of what they decorate: functions of a module of another package
/// that asks for sources (`typeguard.typechecked`).
fn read_by_decorators<'a>(found: impl Iterator<Item = (&'a str, &'a Mentions)> + Clone) -> HashSet<TreePath> {
    let top = |file: &'a str| file.split(['/', '.']).next().unwrap_or_default();
    let askers = found.clone().flat_map(|(file, mentions)| {
        mentions.askers_for_sources.iter().map(move |function| (top(file), function.as_str()))
    });
    let askers: HashSet<(&str, &str)> = askers.collect();
    let is_read = |(file, mentions): &(&'a str, &'a Mentions)| {
        let mut decorators = mentions.decorators.iter();
        decorators.any(|(from, name)| from != top(file) && askers.contains(&(from.as_str(), name.as_str())))
    };
    found.filter(is_read).map(|(file, _)| TreePath::from(file)).collect()
}

/// The first component of a directory in the tree: what belongs together.
fn top(directory: &TreePath) -> Vec<u8> {
    directory.as_bytes().split(|byte| *byte == b'/').next().unwrap_or_default().to_vec()
}

/// Adds a directory and those below it. What cannot be listed holds nothing that the program could read.
fn add_all_below(directory: &Path, path: TreePath, all: &mut HashSet<TreePath>) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name();
        // Symbolic links are not followed: they could lead round and round.
        if name != "__pycache__" && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            add_all_below(&entry.path(), path.join(name.as_encoded_bytes()), all);
        }
    }
    all.insert(path);
}

/// Whether a literal names a Python file of a directory that is not there anyway to be imported.
fn is_neighbour(directory: &Path, name: &str) -> bool {
    !matches!(name, "__init__.py" | "__main__.py" | "setup.py") && directory.join(name).is_file()
}
