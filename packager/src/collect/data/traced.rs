//! Data files of packages that traced runs have opened, whatever the rules say of them.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::walk::{Found, KnownModules, file_node};
use super::{DataRequest, directory_path};
use crate::collect::files::{Reason, TreePath};
use crate::entry::Entry;
use crate::graph::{ModuleKind, Origin};

/// A directory whose files are in the tree.
struct Package {
    path: TreePath,
    origin: Origin,
}

/// Finds the opened files that lie in packages of the program. Modules are none of them.
pub fn find(request: &DataRequest, known: &KnownModules, output: &Path) -> Found {
    let mut found = Found::default();
    if request.opened.is_empty() {
        return found;
    }
    let packages = packages(request, known);
    for file in request.opened {
        let real = file.canonicalize().ok();
        let place = place_of(file, &packages).or_else(|| place_of(real.as_deref()?, &packages));
        let Some((path, origin)) = place else { continue };
        let is_module = known.files.contains(&path) || path.parent().name() == b"__pycache__";
        if is_module || file == output {
            continue;
        }
        // The run may have removed it.
        if let Ok(metadata) = file.metadata()
            && metadata.is_file()
        {
            found.files.push(file_node(file, path, &metadata, origin == Origin::Own, Reason::Trace));
        }
    }
    found
}

/// The directories of the program's packages, by their names on this machine.
fn packages(request: &DataRequest, known: &KnownModules) -> BTreeMap<PathBuf, Package> {
    let mut packages = BTreeMap::new();
    let mut add = |directory: &Path, path: TreePath, origin| {
        for directory in [Some(directory.to_owned()), directory.canonicalize().ok()].into_iter().flatten() {
            packages.entry(directory).or_insert_with(|| Package { path: path.clone(), origin });
        }
    };
    if let Entry::Directory(directory) = request.entry {
        add(directory, TreePath::default(), Origin::Own);
    }
    for (name, module) in &request.graph.modules {
        let path = directory_path(name);
        let is_there = match module.kind {
            ModuleKind::Builtin => false,
            ModuleKind::Namespace => known.populated.contains(&path),
            _ => module.is_package,
        };
        if is_there {
            module.directories.iter().for_each(|directory| add(directory, path.clone(), module.origin));
        }
    }
    packages
}

/// Where a file is in the tree: by the nearest package that it lies in.
fn place_of(file: &Path, packages: &BTreeMap<PathBuf, Package>) -> Option<(TreePath, Origin)> {
    let (directory, package) = file.ancestors().skip(1).find_map(|above| packages.get_key_value(above))?;
    let rest = file.strip_prefix(directory).ok()?.as_os_str().as_bytes();
    let path = [package.path.as_bytes(), rest].join(&b'/');
    // A path with `..` leads somewhere else; its real one is looked at as well.
    let is_plain = !rest.split(|byte| *byte == b'/').any(|part| part == b"..");
    is_plain.then(|| (TreePath::new(&path), package.origin))
}
