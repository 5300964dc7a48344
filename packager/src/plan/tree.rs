//! The tree of files that the program sees below its root: modules, libraries, data.
//!
//! Every module is a file at its `__file__`, and so is its bytecode where CPython would keep it. A file's content is
//! the module's own: nothing is in the archive twice.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{PlannedContent, PlannedLibrary, PlannedModule, PlannedTarget};
use crate::collect::data::{Data, is_shared_object};
use crate::collect::files::{EXECUTABLE, FileContent, READABLE, Reason, TreeFile, TreePath};
use crate::graph::build::MAIN;
use crate::probe::PythonFacts;
use crate::request::InterpreterOption;

/// What the tree is made of.
#[derive(Debug, Clone, Copy)]
pub struct TreeParts<'a> {
    /// For which Python.
    pub target: &'a PlannedTarget,
    /// Facts of the interpreter.
    pub facts: &'a PythonFacts,
    /// The modules.
    pub modules: &'a [PlannedModule],
    /// Files of modules that are frozen in libpython, relative to the standard library.
    pub frozen: &'a [String],
    /// The libraries; the last is libpython.
    pub libraries: &'a [PlannedLibrary],
    /// Whether modules' files hold their source.
    pub include_source: bool,
    /// Packages that are put on the real disk before they are used.
    pub materialized: &'a [String],
}

/// Makes the tree. Sorted by path, each path once, no path below one that is no directory. What had to give way is said
/// in the warnings.
pub fn tree(parts: &TreeParts, data: Data, warnings: &mut Vec<String>) -> Vec<TreeFile> {
    let mut tree = BTreeMap::new();
    for module in parts.modules {
        add_module(module, parts, &mut tree);
    }
    for file in parts.frozen {
        add_frozen(file, parts, &mut tree);
    }
    add_libraries(parts, &mut tree);
    let numbers = library_numbers(parts);
    for file in data.files {
        add_data(file, &numbers, &mut tree);
    }
    resolve_links(&mut tree, &data.behind_links);
    let without_room = tree.keys().flat_map(|path| path.ancestors().map(TreePath::new));
    let without_room: Vec<TreePath> = without_room
        .filter(|above| tree.get(above).is_some_and(|file| !matches!(file.content, FileContent::Directory)))
        .collect();
    for path in without_room {
        if let Some(file) = tree.remove(&path)
            && file.reason != Reason::Module
        {
            warnings.push(format!("the file {path} is left out: a directory of that name is needed"));
        }
    }
    for package in parts.materialized {
        materialize(&package.replace('.', "/"), &mut tree);
    }
    tree.into_values().collect()
}

/// Marks a package's files and directories: its own or its module, and the directory of libraries that its wheel keeps
/// beside it.
fn materialize(stem: &str, tree: &mut BTreeMap<TreePath, TreeFile>) {
    let directories = [TreePath::from(stem), TreePath::from(format!("{stem}.libs").as_str())];
    let is_module = |path: &TreePath| {
        let rest = path.as_bytes().strip_prefix(stem.as_bytes());
        rest.is_some_and(|rest| rest.starts_with(b".") && !rest.contains(&b'/'))
    };
    let above = |path: &TreePath| path.ancestors().map(TreePath::new).collect::<Vec<_>>();
    let all: BTreeSet<TreePath> = tree.keys().flat_map(above).collect();
    for path in all.into_iter().filter(|path| directories.iter().any(|directory| path.is_below(directory))) {
        tree.entry(path.clone()).or_insert(TreeFile {
            path,
            content: FileContent::Directory,
            mode: EXECUTABLE,
            mtime: 0,
            materialize: true,
            reason: Reason::Module,
        });
    }
    for file in tree.values_mut() {
        let in_directory = directories.iter().any(|directory| file.path.is_below(directory));
        file.materialize |= in_directory || is_module(&file.path);
    }
}

/// Places of libraries in the list, by their real paths.
fn library_numbers<'a>(parts: &TreeParts<'a>) -> HashMap<&'a Path, usize> {
    let places = parts.libraries.iter().enumerate();
    places.map(|(number, library)| (library.path.as_path(), number)).collect()
}

fn add_module(module: &PlannedModule, parts: &TreeParts, tree: &mut BTreeMap<TreePath, TreeFile>) {
    let path = TreePath::from(module.file.as_str());
    let mut add = |path: TreePath, content: FileContent, mode: u16| {
        let file = TreeFile {
            path: path.clone(),
            content,
            mode,
            mtime: 0,
            materialize: false,
            reason: Reason::Module,
        };
        tree.entry(path).or_insert(file);
    };
    match &module.content {
        PlannedContent::Namespace => add(path, FileContent::Directory, EXECUTABLE),
        PlannedContent::Extension { .. } => {
            add(path, FileContent::Extension(module.name.clone()), EXECUTABLE);
        }
        PlannedContent::Bytecode { .. } => add(path, FileContent::Code(module.name.clone()), READABLE),
        PlannedContent::Source { text, .. } => {
            if let Some(cached) = cached_path(&path, parts.target)
                && module.name != MAIN
            {
                add(cached, FileContent::Code(module.name.clone()), READABLE);
            }
            let shows_source = parts.include_source || module.shows_source;
            let text = if shows_source { Arc::clone(text) } else { Arc::default() };
            add(path, FileContent::Bytes(text), READABLE);
        }
    }
}

/// A module in libpython has a file nonetheless. An interpreter can be told to load it from there
/// (`-X frozen_modules=off`).
fn add_frozen(file: &str, parts: &TreeParts, tree: &mut BTreeMap<TreePath, TreeFile>) {
    let source = parts.facts.stdlib.join(file);
    let shows_source = parts.include_source || parts.target.interpreter != InterpreterOption::None;
    let content = match source.metadata() {
        Ok(metadata) if shows_source => FileContent::Disk { path: source, length: metadata.len() },
        _ => FileContent::Bytes(Arc::default()),
    };
    let (path, reason) = (TreePath::from(file), Reason::Module);
    let file = TreeFile { path: path.clone(), content, mode: READABLE, mtime: 0, materialize: false, reason };
    tree.entry(path).or_insert(file);
}

/// Where CPython keeps the bytecode of a source file (`importlib.util.cache_from_source`).
fn cached_path(path: &TreePath, target: &PlannedTarget) -> Option<TreePath> {
    let stem = path.name().strip_suffix(b".py")?;
    let level = match target.optimize {
        0 => String::new(),
        level => format!(".opt-{level}"),
    };
    let name = [stem, format!(".{}{level}.pyc", target.cache_tag).as_bytes()].concat();
    Some(path.parent().join(b"__pycache__").join(&name))
}

/// Libraries lie where they do in site-packages; those of the system in the root, under the name they are asked for
/// by.
fn add_libraries(parts: &TreeParts, tree: &mut BTreeMap<TreePath, TreeFile>) {
    let sites: Vec<PathBuf> = sites(parts.facts);
    for (number, library) in parts.libraries.iter().enumerate() {
        if library.is_data || library.is_fused {
            continue;
        }
        let in_site = sites.iter().find_map(|site| library.path.strip_prefix(site).ok());
        let path = match in_site {
            Some(path) => TreePath::new(path.as_os_str().as_encoded_bytes()),
            None => TreePath::new(file_name(&library.name).as_bytes()),
        };
        let file = TreeFile {
            path: path.clone(),
            content: FileContent::Library(number),
            mode: EXECUTABLE,
            mtime: 0,
            materialize: false,
            reason: Reason::Module,
        };
        tree.entry(path).or_insert(file);
    }
}

/// The last part of a name by which a library is asked for, which may be a path.
fn file_name(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// The directories where distributions are installed, without symbolic links: libraries are known by real paths.
fn sites(facts: &PythonFacts) -> Vec<PathBuf> {
    let is_site = |entry: &&PathBuf| **entry != facts.stdlib && **entry != facts.dynload && entry.is_dir();
    facts.path.iter().filter(is_site).filter_map(|entry: &PathBuf| Path::canonicalize(entry).ok()).collect()
}

/// A module's file stays what it is, unless there is nothing in it that a file of the project could hide. A data file
/// that is a library is one in both places.
fn add_data(mut file: TreeFile, numbers: &HashMap<&Path, usize>, tree: &mut BTreeMap<TreePath, TreeFile>) {
    if let FileContent::Disk { path, .. } = &file.content
        && is_shared_object(file.path.name())
        && let Some(number) = path.canonicalize().ok().and_then(|path| numbers.get(path.as_path()))
    {
        file.content = FileContent::Library(*number);
    }
    let may_take = match tree.get(&file.path).map(|there| &there.content) {
        None | Some(FileContent::Directory) => true,
        Some(FileContent::Bytes(bytes)) => bytes.is_empty(),
        Some(_) => false,
    };
    if may_take {
        tree.insert(file.path.clone(), file);
    }
}

/// Puts files in the place of symbolic links that would lead nowhere.
fn resolve_links(tree: &mut BTreeMap<TreePath, TreeFile>, behind_links: &BTreeMap<TreePath, TreeFile>) {
    let is_there = |tree: &BTreeMap<TreePath, TreeFile>, path: &TreePath| {
        tree.contains_key(path)
            || tree.range(path.join(b"")..).next().is_some_and(|(next, _)| next.is_below(path))
    };
    let dangling: Vec<TreePath> = tree
        .values()
        .filter_map(|file| match &file.content {
            FileContent::Link(target) if !is_there(tree, &resolved(&file.path, target)) => {
                Some(file.path.clone())
            }
            _ => None,
        })
        .collect();
    for path in dangling {
        match behind_links.get(&path) {
            Some(file) => drop(tree.insert(path, file.clone())),
            None => drop(tree.remove(&path)),
        }
    }
}

/// Where a relative link leads.
fn resolved(link: &TreePath, target: &TreePath) -> TreePath {
    let mut at = link.parent();
    for part in target.as_bytes().split(|byte| *byte == b'/') {
        match part {
            b"." => {}
            b".." => at = at.parent(),
            part => at = at.join(part),
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_where_they_say() {
        let link = TreePath::from("a/b/link");
        assert_eq!(resolved(&link, &"../c/file".into()), TreePath::from("a/c/file"));
        assert_eq!(resolved(&link, &"file".into()), TreePath::from("a/b/file"));
        assert_eq!(resolved(&link, &".".into()), TreePath::from("a/b"));
    }
}
