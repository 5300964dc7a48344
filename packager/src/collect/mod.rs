//! What the program needs beside Python modules: native libraries and data.
//!
//! In: the graph in predicted order and libpython. Out: a [`Collection`]: the libraries that extension modules and
//! libpython need, each with what must be loaded before it. [`certificates`] says where OpenSSL looks; [`data`] collects the files that are no modules.

pub mod certificates;
pub mod data;
pub mod files;
pub mod native;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use certificates::CertificatePaths;
use native::opened::{Opened, find};
use native::{LibrarySearch, NativeError, close_over};

use crate::graph::{ModuleGraph, ModuleKind};
use crate::probe::PythonFacts;

/// A native library to take along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Library {
    /// The name by which others ask for it.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// Indexes of the libraries to load before it, in order.
    pub needs: Vec<usize>,
    /// Whether it is a data file that the program may open itself, and nothing needs it.
    pub is_data: bool,
}

/// Everything that is not Python.
#[derive(Debug, Clone, Default)]
pub struct Collection {
    /// Libraries; indexes refer to this list.
    pub libraries: Vec<Library>,
    /// By extension module: indexes of the libraries to load before it, in order. One that cannot be loaded is not
    /// in it.
    pub needs: BTreeMap<String, Vec<usize>>,
    /// The libraries that libpython needs, in order.
    pub libpython_needs: Vec<usize>,
    /// Where OpenSSL was built to look for certificates.
    pub certificates: CertificatePaths,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// How the target interpreter's process finds libraries. `library_path` is the build environment's `LD_LIBRARY_PATH`.
///
/// # Errors
/// When the interpreter, or what carries CPython, is no ELF file.
pub fn library_search(
    base: &Path,
    facts: &PythonFacts,
    library_path: Option<&OsStr>,
) -> Result<LibrarySearch, NativeError> {
    let executable = facts.base_executable.canonicalize().unwrap_or_else(|_| facts.base_executable.clone());
    LibrarySearch::of_host()
        .with_library_path(library_path.unwrap_or_default())
        .loaded_by(Some(base), &executable)
}

/// Collects the native libraries of libpython and of the graph's extension modules. `libpython` is none where it is part of
/// the program.
///
/// `order` is the predicted import order: of two libraries with one name the one that is loaded first wins, as it
/// would in `python`; the certificates' paths are left empty. `shared_objects` are real paths of data files that the program may open itself: they become
/// libraries, with what they need; one that cannot be loaded stays a data file.
///
/// # Errors
/// When libpython is no library for this machine.
pub fn collect(
    graph: &ModuleGraph,
    order: &[(String, bool)],
    shared_objects: &BTreeSet<PathBuf>,
    libpython: Option<&Path>,
    search: &LibrarySearch,
) -> Result<Collection, NativeError> {
    let extensions = order.iter().filter_map(|(name, _)| match &graph.modules.get(name)?.kind {
        ModuleKind::Extension(path) => Some((name.clone(), path.clone())),
        _ => None,
    });
    let (mut names, files): (Vec<Option<String>>, Vec<PathBuf>) =
        extensions.map(|(name, path)| (Some(name), path)).unzip();
    let opened = opened_libraries(graph, shared_objects, search);
    names.extend(std::iter::repeat_n(None, shared_objects.len() + opened.len()));
    let first = usize::from(libpython.is_some());
    let mut roots: Vec<PathBuf> = libpython
        .into_iter()
        .map(Path::to_owned)
        .chain(files)
        .chain(shared_objects.iter().cloned())
        .chain(opened.values().cloned())
        .collect();
    let mut warnings = Vec::new();
    let closure = loop {
        match close_over(&roots, search) {
            Ok(closure) => break closure,
            // `python` would fail to import it as well, if it tries at all.
            Err(error) => match roots.iter().skip(first).position(|root| root == error.path()) {
                Some(at) => {
                    roots.remove(at + first);
                    if let Some(name) = names.remove(at) {
                        warnings.push(format!(
                            "the extension module {name} is left out: {error}\nhint: {}",
                            error.hint()
                        ));
                    }
                }
                None => return Err(error),
            },
        }
    };

    let mut needs = closure.roots.into_iter();
    let libpython_needs = libpython.and_then(|_| needs.next()).unwrap_or_default();
    let libraries = closure.files.into_iter();
    let mut libraries: Vec<Library> = libraries
        .map(|file| Library { name: file.load_name, path: file.path, needs: file.needs, is_data: false })
        .collect();
    let mut needs_of_modules = BTreeMap::new();
    for ((name, needs), path) in names.into_iter().zip(needs).zip(roots.into_iter().skip(first)) {
        match name {
            Some(name) => drop(needs_of_modules.insert(name, needs)),
            None if libraries.iter().any(|library| library.path == path) => {}
            None => {
                let name_of_file = || path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let by_name =
                    opened.iter().find(|(_, opened)| **opened == path).map(|(name, _)| name.clone());
                let is_data = by_name.is_none();
                libraries.push(Library { name: by_name.unwrap_or_else(name_of_file), path, needs, is_data });
            }
        }
    }
    let missing = closure.missing.iter().map(|missing| {
        format!(
            "{}: the library {} is not found, which it needs\nhint: install what has it, or name its directory in \
             LD_LIBRARY_PATH",
            missing.needed_by.display(),
            missing.name
        )
    });
    warnings.extend(closure.warnings.iter().map(ToString::to_string).chain(missing));
    let certificates = CertificatePaths::default();
    Ok(Collection { libraries, needs: needs_of_modules, libpython_needs, certificates, warnings })
}

/// Libraries that modules open by name, by the names under which they do, less those that are data of a package and are
/// found as such.
fn opened_libraries(
    graph: &ModuleGraph,
    shared_objects: &BTreeSet<PathBuf>,
    search: &LibrarySearch,
) -> BTreeMap<String, PathBuf> {
    let names: BTreeSet<_> = graph.libraries.values().flatten().map(|library| &library.name).collect();
    let is_data = |opened: &Opened| {
        shared_objects.iter().any(|path| {
            *path == opened.path || path.file_name().is_some_and(|name| name == opened.name.as_str())
        })
    };
    let found = names.into_iter().filter_map(|name| find(name, search)).filter(|opened| !is_data(opened));
    let mut paths = BTreeSet::new();
    // A library is one, whatever its names.
    found
        .filter(|opened| paths.insert(opened.path.clone()))
        .map(|opened| (opened.name, opened.path))
        .collect()
}
