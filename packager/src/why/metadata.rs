//! Whose metadata a directory `*.dist-info` holds: a module that the distribution has in the program.

use std::collections::{BTreeMap, HashMap};

use crate::collect::files::{FileContent, Reason, TreeFile};
use crate::graph::{ModuleGraph, Origin};

/// By directory of metadata, the first of its distribution's modules in the program: by its RECORD, else by its name.
pub fn owners(files: &[TreeFile], graph: &ModuleGraph) -> BTreeMap<String, String> {
    let installed = graph.modules.iter().filter(|(_, module)| module.origin != Origin::Stdlib);
    let by_file: HashMap<&str, &str> =
        installed.map(|(name, module)| (module.file.as_str(), name.as_str())).collect();
    let mut owners = BTreeMap::new();
    for file in files.iter().filter(|file| file.reason == Reason::Distribution) {
        let directory = file.path.to_string();
        let Some(directory) = directory.split('/').next() else { continue };
        if file.path.name() == b"RECORD"
            && let Some(text) = text(&file.content)
        {
            let files = text.lines().filter_map(|line| line.split(',').next());
            let modules = files.filter_map(|file| by_file.get(file.trim_matches('"')));
            if let Some(first) = modules.min_by_key(|name| (name.matches('.').count(), **name)) {
                owners.insert(directory.to_owned(), (*first).to_owned());
            }
        }
        if !owners.contains_key(directory)
            && let Some((name, _)) = directory.split_once('-')
            && let Some((module, _)) = graph.modules.get_key_value(&name.to_lowercase().replace('.', "_"))
        {
            owners.insert(directory.to_owned(), module.clone());
        }
    }
    owners
}

fn text(content: &FileContent) -> Option<String> {
    match content {
        FileContent::Bytes(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        FileContent::Disk { path, .. } => std::fs::read_to_string(path).ok(),
        _ => None,
    }
}
