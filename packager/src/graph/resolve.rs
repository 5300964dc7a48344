//! Names to files, as CPython's path finder does it.
//!
//! The rules are `importlib.machinery.FileFinder`'s and `PathFinder`'s: directories in the order of the path; in
//! each first a package directory with an `__init__`, then a file, suffixes in the order extension, `.py`, `.pyc`;
//! a directory without `__init__` counts as a namespace portion (PEP 420) and only if nothing else is found
//! anywhere on the path. Directory listings are read once.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::shared::Shared;

/// What a name leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A `.py` file; of a package its `__init__.py`.
    Source(PathBuf),
    /// A `.pyc` file without its source.
    Bytecode(PathBuf),
    /// An extension module.
    Extension(PathBuf),
    /// Directories of a namespace package.
    Namespace(Vec<PathBuf>),
}

/// What a name leads to, and whether it is a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The file or directories.
    pub found: Found,
    /// The directory of a regular package.
    pub package: Option<PathBuf>,
}

/// Resolves names against directories.
#[derive(Debug)]
pub struct Resolver {
    suffixes: Vec<String>,
    listings: Mutex<HashMap<PathBuf, Arc<Listing>>>,
    shared: Option<Shared>,
}

/// The entries of a directory that can matter to imports.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Name to "is a directory", after symbolic links. What is neither a directory nor a regular file is no entry:
    /// Python does not import from a pipe or a dangling link, and reading a pipe would wait for its writer.
    entries: HashMap<OsString, bool>,
}

impl Listing {
    fn read(directory: &Path) -> Self {
        let mut entries = HashMap::new();
        for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
            let Ok(mut kind) = entry.file_type() else { continue };
            if kind.is_symlink() {
                let Ok(target) = std::fs::metadata(entry.path()) else { continue };
                kind = target.file_type();
            }
            if kind.is_dir() || kind.is_file() {
                entries.insert(entry.file_name(), kind.is_dir());
            }
        }
        Self { entries }
    }

    fn has_file(&self, name: &str) -> bool {
        self.entries.get(std::ffi::OsStr::new(name)) == Some(&false)
    }

    fn has_directory(&self, name: &str) -> bool {
        self.entries.get(std::ffi::OsStr::new(name)) == Some(&true)
    }
}

impl Resolver {
    /// A resolver for an interpreter whose extension modules have these suffixes.
    pub fn new(suffixes: &[String]) -> Self {
        Self { suffixes: suffixes.to_vec(), listings: Mutex::default(), shared: None }
    }

    /// The same, with the listings of other programs of the build.
    pub fn sharing(self, shared: Option<&Shared>) -> Self {
        Self { shared: shared.cloned(), ..self }
    }

    /// Looks for the last part of a dotted name in directories: `sys.path`, or a package's `__path__`.
    pub fn find(&self, last_part: &str, directories: &[PathBuf]) -> Option<Resolved> {
        let mut portions = Vec::new();
        for directory in directories {
            let listing = self.listing(directory);
            if listing.has_directory(last_part) {
                let package = directory.join(last_part);
                match self.file("__init__", &package, &self.listing(&package)) {
                    Some(found) => return Some(Resolved { found, package: Some(package) }),
                    None => portions.push(package),
                }
            }
            if let Some(found) = self.file(last_part, directory, &listing) {
                return Some(Resolved { found, package: None });
            }
        }
        (!portions.is_empty()).then_some(Resolved { found: Found::Namespace(portions), package: None })
    }

    /// All directories of this name in directories: what `pkgutil.extend_path` makes of a package's `__path__`.
    pub fn portions(&self, last_part: &str, directories: &[PathBuf]) -> Vec<PathBuf> {
        let holds = |directory: &&PathBuf| self.listing(directory).has_directory(last_part);
        directories.iter().filter(holds).map(|directory| directory.join(last_part)).collect()
    }

    /// Names of the modules and packages directly in a directory, sorted.
    pub fn modules_in(&self, directory: &Path) -> Vec<String> {
        let listing = self.listing(directory);
        let mut names: Vec<String> = listing
            .entries
            .keys()
            .filter_map(|entry| {
                let entry = entry.to_str()?;
                let name = self.suffixes.iter().find_map(|suffix| entry.strip_suffix(suffix.as_str()));
                let name = name.or_else(|| entry.strip_suffix(".py")).or_else(|| entry.strip_suffix(".pyc"));
                Some(name.unwrap_or(entry).to_owned())
            })
            .filter(|name| name != "__init__" && !name.contains('.'))
            .filter(|name| {
                let namespace = |resolved: &Resolved| matches!(resolved.found, Found::Namespace(_));
                let resolved = self.find(name, std::slice::from_ref(&directory.to_owned()));
                resolved.is_some_and(|resolved| !namespace(&resolved))
            })
            .collect();
        names.sort();
        names.dedup();
        names
    }

    fn file(&self, stem: &str, directory: &Path, listing: &Listing) -> Option<Found> {
        let has = |suffix: &str| {
            let name = format!("{stem}{suffix}");
            listing.has_file(&name).then(|| directory.join(name))
        };
        let extension = || self.suffixes.iter().find_map(|suffix| has(suffix)).map(Found::Extension);
        extension().or_else(|| has(".py").map(Found::Source)).or_else(|| has(".pyc").map(Found::Bytecode))
    }

    fn listing(&self, directory: &Path) -> Arc<Listing> {
        if let Some(listing) = self.lock().get(directory) {
            return Arc::clone(listing);
        }
        let read = || Listing::read(directory);
        let listing = match &self.shared {
            Some(shared) => shared.listing(directory, read),
            None => Arc::new(read()),
        };
        self.lock().insert(directory.to_owned(), Arc::clone(&listing));
        listing
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<PathBuf, Arc<Listing>>> {
        self.listings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        folder
    }

    fn resolver() -> Resolver {
        Resolver::new(&[".cpython-311-x86_64-linux-gnu.so".into(), ".abi3.so".into(), ".so".into()])
    }

    #[test]
    fn packages_come_before_modules_and_extensions_before_source() {
        let folder = tree(&["a/__init__.py", "a.py", "b.so", "b.py", "c.py", "c.pyc", "d.pyc"]);
        let path = [folder.path().to_owned()];
        let at = |name: &str| folder.path().join(name);
        let find = |name: &str| resolver().find(name, &path).map(|resolved| resolved.found);
        assert_eq!(find("a"), Some(Found::Source(at("a/__init__.py"))));
        assert_eq!(find("b"), Some(Found::Extension(at("b.so"))));
        assert_eq!(find("c"), Some(Found::Source(at("c.py"))));
        assert_eq!(find("d"), Some(Found::Bytecode(at("d.pyc"))));
        assert_eq!(find("e"), None);
    }

    #[test]
    fn a_namespace_package_is_what_remains_when_nothing_else_is_found() {
        let folder = tree(&["x/ns/m.py", "y/ns/n.py", "z/ns.py"]);
        let at = |name: &str| folder.path().join(name);
        let found = resolver().find("ns", &[at("x"), at("y")]).map(|resolved| resolved.found);
        assert_eq!(found, Some(Found::Namespace(vec![at("x/ns"), at("y/ns")])));
        let found = resolver().find("ns", &[at("x"), at("y"), at("z")]).map(|resolved| resolved.found);
        assert_eq!(found, Some(Found::Source(at("z/ns.py"))));
    }

    #[test]
    fn what_is_no_regular_file_is_passed_over() {
        let folder = tree(&["late/pipe.py", "late/link.py", "target.py"]);
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(at("early/folder.py")).unwrap();
        std::os::unix::fs::symlink("nowhere", at("early/link.py")).unwrap();
        std::os::unix::fs::symlink("../target.py", at("early/good.py")).unwrap();
        let (kind, mode) = (rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR);
        rustix::fs::mknodat(rustix::fs::CWD, at("early/pipe.py"), kind, mode, 0).unwrap();
        let path = [at("early"), at("late")];
        let find = |name: &str| resolver().find(name, &path).map(|resolved| resolved.found);
        assert_eq!(find("pipe"), Some(Found::Source(at("late/pipe.py"))));
        assert_eq!(find("link"), Some(Found::Source(at("late/link.py"))));
        assert_eq!(find("good"), Some(Found::Source(at("early/good.py"))));
        assert_eq!(find("folder"), None);
        assert_eq!(resolver().modules_in(&at("early")), ["good"]);
    }

    #[test]
    fn lists_the_modules_of_a_directory() {
        let folder =
            tree(&["a.py", "b/__init__.py", "c.abi3.so", "data/readme.txt", "notes.txt", "__init__.py"]);
        assert_eq!(resolver().modules_in(folder.path()), ["a", "b", "c"]);
    }
}
