//! Data that distributions install outside of their packages: below `sys.prefix`, in `share` and `etc`.
//!
//! In: the distributions of the program and its sources. Out: files such as `share/jupyter/nbconvert/templates/…`, at
//! the same place below the executable's `sys.prefix`. Most of what lies there is for other programs (manual pages,
//! menus, completions of shells), so a directory `share/NAME` counts only if a module of the program that asks for
//! `sys.prefix` has the name as a part of a string.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use super::distributions::Distributions;
use super::walk::{Found, file_node, is_of_tools, read_error};
use super::{DataError, DataRequest};
use crate::collect::files::{Reason, TreePath};
use crate::graph::{ModuleGraph, ModuleKind, Origin};

/// Directories below the prefix that hold data.
const OF_DATA: [&str; 2] = ["share", "etc"];

/// What lies there for other programs.
const OF_OTHERS: [&str; 4] = ["doc", "info", "licenses", "man"];

/// How a module asks for the prefix.
const ASKING: [&str; 4] = ["sys.prefix", "sys.exec_prefix", "get_path(\"data\"", "get_path('data'"];

/// The files that the program's distributions have below the prefix and that the program may look for.
///
/// # Errors
/// When a file's metadata cannot be read.
pub fn find(request: &DataRequest, distributions: &Distributions) -> Result<Found, DataError> {
    let mut found = Found::default();
    let mut asking: Option<Vec<&str>> = None;
    let mut named: HashMap<String, bool> = HashMap::new();
    for (site, file) in distributions.outside_of_packages() {
        let Some((place, path)) =
            below_a_prefix(&site.join(OsStr::from_bytes(file)), &request.facts.prefixes)
        else {
            continue;
        };
        let Some(name) = name_in_data(&path) else { continue };
        let asking = asking.get_or_insert_with(|| sources_asking(request.graph));
        let is_named = *named
            .entry(name.to_owned())
            .or_insert_with(|| asking.iter().any(|text| has_as_part_of_a_string(text, name)));
        let is_wanted = is_named && !place.starts_with(request.output) && place.is_file();
        if is_wanted && !path.iter().any(is_of_tools) {
            let metadata = place.metadata().map_err(|source| read_error(&place, source))?;
            let at = TreePath::new(path.as_os_str().as_bytes());
            found.files.push(file_node(&place, at, &metadata, false, Reason::Package));
        }
    }
    Ok(found)
}

/// A path without `..`, and its part below the prefix that it lies in.
fn below_a_prefix(path: &Path, prefixes: &[PathBuf]) -> Option<(PathBuf, PathBuf)> {
    let mut place = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                place.pop();
            }
            component => place.push(component),
        }
    }
    let below = prefixes.iter().find_map(|prefix| place.strip_prefix(prefix).ok())?.to_owned();
    Some((place, below))
}

/// NAME of `share/NAME/…` or `etc/NAME/…`, if it may be data of a program in Python.
fn name_in_data(path: &Path) -> Option<&str> {
    let mut parts = path.iter().map(OsStr::to_str);
    let (top, name) = (parts.next()??, parts.next()??);
    let is_data = OF_DATA.contains(&top) && !OF_OTHERS.contains(&name);
    (is_data && parts.next().is_some()).then_some(name)
}

/// The sources of installed modules, and of the program's own, that ask for the prefix.
fn sources_asking(graph: &ModuleGraph) -> Vec<&str> {
    let outside = graph.modules.values().filter(|module| module.origin != Origin::Stdlib);
    let texts = outside.filter_map(|module| match &module.kind {
        ModuleKind::Source { text, .. } => std::str::from_utf8(text).ok(),
        _ => None,
    });
    texts.filter(|text| ASKING.iter().any(|asking| text.contains(asking))).collect()
}

/// Whether a name stands in a source between two of quotes and slashes.
fn has_as_part_of_a_string(text: &str, name: &str) -> bool {
    let is_edge = |character: char| matches!(character, '"' | '\'' | '/');
    text.match_indices(name)
        .any(|(at, _)| text[..at].ends_with(is_edge) && text[at + name.len()..].starts_with(is_edge))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_below_a_prefix_have_a_name() {
        let prefixes = [PathBuf::from("/usr"), PathBuf::from("/venv")];
        let below = |file: &str| {
            let site = Path::new("/venv/lib/python3.11/site-packages");
            below_a_prefix(&site.join(file), &prefixes).map(|(_, below)| below)
        };
        let name = |file: &str| name_in_data(&below(file)?).map(str::to_owned);
        assert_eq!(below("../../../share/jupyter/a.json"), Some("share/jupyter/a.json".into()));
        assert_eq!(below("../../../../elsewhere/share/a/b"), None);
        assert_eq!(name("../../../share/jupyter/a.json").as_deref(), Some("jupyter"));
        assert_eq!(name("../../../etc/jupyter/a.json").as_deref(), Some("jupyter"));
        assert_eq!(name("../../../share/man/man1/a.1"), None);
        assert_eq!(name("../../../share/a.txt"), None, "no directory of its own");
        assert_eq!(name("../../../bin/tool/a"), None);
        assert_eq!(name("package/share/jupyter/a"), None);
    }

    #[test]
    fn names_are_parts_of_strings() {
        assert!(has_as_part_of_a_string("os.path.join(sys.prefix, 'share', \"jupyter\")", "jupyter"));
        assert!(has_as_part_of_a_string("sys.prefix + '/share/jupyter'", "jupyter"));
        assert!(!has_as_part_of_a_string("import jupyter; 'jupyter_core'", "jupyter"));
    }
}
