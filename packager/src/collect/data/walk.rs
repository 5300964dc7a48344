//! The files that lie in a package's directory.
//!
//! In: a directory and what the program imports below it. Out: every file there that is data, with directories that
//! would be empty otherwise. A directory is one of four things, which decides about its Python files: a package of the
//! program, a namespace package of it, another package, or a plain directory, whose Python files are data (templates
//! of projects, examples).

use std::collections::{BTreeSet, HashSet};
use std::ffi::{OsStr, OsString};
use std::fs::{FileType, Metadata};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::DataError;
use crate::collect::files::{EXECUTABLE, FileContent, OF_LINKS, READABLE, Reason, TreeFile, TreePath};

/// What is known of the program's modules, by paths in the tree.
#[derive(Debug, Default)]
pub struct KnownModules {
    /// Directories of regular packages.
    pub packages: HashSet<TreePath>,
    /// Directories of namespace packages.
    pub namespaces: HashSet<TreePath>,
    /// Files of modules.
    pub files: HashSet<TreePath>,
    /// Directories that hold modules of the program, however deep.
    pub populated: HashSet<TreePath>,
    /// Directories whose type stubs are read when the program runs (`lazy_loader.attach_stub`).
    pub with_stubs: HashSet<TreePath>,
    /// Directories of packages that are excluded: nothing in them is data.
    pub excluded: HashSet<TreePath>,
    /// Directories whose Python files are read when the program runs.
    pub with_sources: HashSet<TreePath>,
    /// Python files that are read, or run by another Python, and files for development that are read.
    pub source_files: HashSet<TreePath>,
}

/// A directory to be walked.
#[derive(Debug)]
pub struct Walk<'a> {
    /// The directory on this machine.
    pub directory: PathBuf,
    /// Its place in the tree.
    pub path: TreePath,
    /// What the program imports.
    pub known: &'a KnownModules,
    /// The files that an installer put there, where that is known: nothing else is taken.
    pub listed: Option<&'a HashSet<Vec<u8>>>,
    /// Whether times of files are kept: they are those of the project's own files, not of an installation.
    pub keeps_times: bool,
    /// Suffixes of the target's extension modules.
    pub suffixes: &'a [String],
    /// What is never taken: the output.
    pub output: &'a Path,
    /// What is taken.
    pub scope: Scope,
    /// Why.
    pub reason: Reason,
}

/// What a walk takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// What the package may read when it runs.
    Data,
    /// All data, those for development and tests too.
    AllData,
    /// Everything but modules, bytecode and what tools leave behind.
    Everything,
    /// Everything but bytecode caches.
    Literal,
}

/// What a directory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Directory {
    Package,
    Namespace,
    OtherPackage,
    Plain,
}

/// Files that are of use only to those who change or build the package.
pub const DEVELOPMENT_SUFFIXES: [&str; 20] = [
    "a", "c", "cc", "cpp", "cxx", "f", "f90", "f95", "h", "hh", "hpp", "hxx", "la", "lib", "o", "obj", "pxd",
    "pxi", "pyi", "pyx",
];

/// Directories of tools.
const TOOL_DIRECTORIES: [&str; 15] = [
    "__pycache__",
    ".git",
    ".hg",
    ".svn",
    ".bzr",
    "CVS",
    "_darcs",
    ".tox",
    ".nox",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".idea",
    ".vscode",
    "node_modules",
];

/// An entry of a directory: name, type, whether it is a symbolic link to that.
struct Entry {
    name: OsString,
    kind: FileType,
    is_link: bool,
}

/// What has been found so far.
#[derive(Debug, Default)]
pub struct Found {
    /// The files.
    pub files: Vec<TreeFile>,
    /// What to take in place of a symbolic link whose target is not in the tree.
    pub behind_links: Vec<TreeFile>,
}

impl Found {
    /// Adds what another walk has found.
    pub fn extend(&mut self, other: Self) {
        self.files.extend(other.files);
        self.behind_links.extend(other.behind_links);
    }
}

impl Walk<'_> {
    /// Walks.
    ///
    /// # Errors
    /// When a directory or a file's metadata cannot be read.
    pub fn run(&self) -> Result<Found, DataError> {
        let mut found = Found::default();
        let mut above = BTreeSet::new();
        let kind = if self.known.namespaces.contains(&self.path) {
            Directory::Namespace
        } else {
            Directory::Package
        };
        let real = self.directory.canonicalize().map_err(|source| read_error(&self.directory, source))?;
        self.enter(&self.directory, &self.path, Some(kind), self.scope, &real, &mut above, &mut found)?;
        Ok(found)
    }

    #[expect(clippy::too_many_arguments, reason = "the state of the recursion")]
    fn enter(
        &self,
        directory: &Path,
        path: &TreePath,
        kind: Option<Directory>,
        scope: Scope,
        root: &Path,
        above: &mut BTreeSet<PathBuf>,
        found: &mut Found,
    ) -> Result<(), DataError> {
        let entries = entries(directory)?;
        let Some(kind) = kind.or_else(|| self.kind(path, &entries)) else { return Ok(()) };
        let before = found.files.len();
        for entry in &entries {
            let (place, at) = (directory.join(&entry.name), path.join(entry.name.as_bytes()));
            if self.is_output(&place) || (scope < Scope::Literal && is_leftover(&entry.name)) {
                continue;
            }
            if entry.kind.is_dir() {
                if !self.enters(&entry.name, &place, &at, scope)
                    || (entry.is_link && self.link(&place, &at, root, found)?)
                {
                    continue;
                }
                let real = place.canonicalize().map_err(|source| read_error(&place, source))?;
                // A link to a directory above would lead round and round.
                if above.insert(real.clone()) {
                    let is_test = self.is_test_of_stdlib(&entry.name, &at);
                    let scope = if is_test { scope.max(Scope::Everything) } else { scope };
                    let kind = (scope >= Scope::Everything).then_some(Directory::Plain);
                    self.enter(&place, &at, kind, scope, root, above, found)?;
                    above.remove(&real);
                }
            } else if entry.kind.is_file() && self.takes(&entry.name, &place, &at, kind, scope) {
                if entry.is_link && self.link(&place, &at, root, found)? {
                    continue;
                }
                let metadata = place.metadata().map_err(|source| read_error(&place, source))?;
                found.files.push(self.file(&place, at, &metadata));
            }
        }
        if found.files.len() == before && entries.is_empty() && self.listed.is_none() {
            found.files.push(directory_node(path.clone(), self.reason));
        }
        Ok(())
    }

    /// Whether it is what is being built, or the usual directory for it.
    fn is_output(&self, place: &Path) -> bool {
        place == self.output
            || (self.output.parent() == Some(place) && place.file_name().is_some_and(|name| name == "dist"))
    }

    /// What a directory is; none if nothing of it is wanted.
    fn kind(&self, path: &TreePath, entries: &[Entry]) -> Option<Directory> {
        if self.known.packages.contains(path) {
            return Some(Directory::Package);
        }
        if self.known.namespaces.contains(path) {
            return Some(Directory::Namespace);
        }
        let in_namespace = self.known.namespaces.contains(&path.parent());
        let has_init = entries.iter().any(|entry| {
            let name = entry.name.as_bytes();
            entry.kind.is_file() && (name == b"__init__.py" || name == b"__init__.pyc")
        });
        let has_code = || entries.iter().any(|entry| entry.name.as_bytes().ends_with(b".py"));
        if has_init {
            // Beside the parts of a namespace package may be those of other distributions; beside a program's
            // packages may be other programs.
            return (!in_namespace && !path.parent().as_bytes().is_empty())
                .then_some(Directory::OtherPackage);
        }
        (!in_namespace || !has_code() || self.known.populated.contains(path)).then_some(Directory::Plain)
    }

    fn enters(&self, name: &OsStr, place: &Path, path: &TreePath, scope: Scope) -> bool {
        let bytes = name.as_bytes();
        if scope == Scope::Literal {
            return bytes != b"__pycache__";
        }
        if is_of_tools(name) || self.known.excluded.contains(path) {
            return false;
        }
        // Of a project: caches, environments, settings.
        if self.keeps_times && bytes.starts_with(b".") {
            return false;
        }
        let is_wanted = scope > Scope::Data
            || !matches!(bytes, b"tests" | b"test")
            || self.known.populated.contains(path);
        is_wanted && !place.join("pyvenv.cfg").exists()
    }

    /// Directories of CPython's own tests are taken whole: they compile, import and compare what lies there.
    fn is_test_of_stdlib(&self, name: &OsStr, path: &TreePath) -> bool {
        self.listed.is_none()
            && !self.keeps_times
            && matches!(name.as_bytes(), b"tests" | b"test" | b"idle_test")
            && self.known.populated.contains(path)
    }

    fn takes(&self, name: &OsStr, place: &Path, path: &TreePath, kind: Directory, scope: Scope) -> bool {
        if self.known.files.contains(path) {
            return false;
        }
        if let Some(listed) = self.listed
            && !listed.contains(path.as_bytes())
        {
            return false;
        }
        let name = name.as_bytes();
        if scope >= Scope::Everything {
            return true;
        }
        let suffix = name.rsplit(|byte| *byte == b'.').next().filter(|suffix| suffix.len() < name.len());
        match suffix.and_then(|suffix| std::str::from_utf8(suffix).ok()) {
            Some("py") => {
                kind == Directory::Plain
                    || self.known.source_files.contains(path)
                    || self.known.with_sources.contains(&path.parent())
            }
            Some("pyc" | "pyo") => false,
            // Where there are no modules, stubs are what is read: mypy's and jedi's typeshed.
            Some("pyi") if scope == Scope::Data => {
                kind == Directory::Plain || self.known.with_stubs.contains(&path.parent())
            }
            Some(suffix) if scope == Scope::Data && DEVELOPMENT_SUFFIXES.contains(&suffix) => {
                self.known.source_files.contains(path)
            }
            Some("so") => !is_extension_of_target(name, self.suffixes, place),
            _ => true,
        }
    }

    /// Takes a symbolic link as one, if it leads to a place below the walk's root.
    fn link(&self, place: &Path, path: &TreePath, root: &Path, found: &mut Found) -> Result<bool, DataError> {
        let real = place.canonicalize().map_err(|source| read_error(place, source))?;
        let Ok(behind) = real.strip_prefix(root) else { return Ok(false) };
        // A link to a link stays one.
        let next = next_of(place).and_then(|next| Some(next.strip_prefix(root).ok()?.to_owned()));
        let target = self.path.join(next.as_deref().unwrap_or(behind).as_os_str().as_bytes());
        let metadata = real.metadata().map_err(|source| read_error(&real, source))?;
        if metadata.is_file() {
            found.behind_links.push(self.file(&real, path.clone(), &metadata));
        }
        found.files.push(TreeFile {
            content: FileContent::Link(relative(&path.parent(), &target)),
            mode: OF_LINKS,
            ..self.file(place, path.clone(), &metadata)
        });
        Ok(true)
    }

    fn file(&self, place: &Path, path: TreePath, metadata: &Metadata) -> TreeFile {
        file_node(place, path, metadata, self.keeps_times, self.reason)
    }
}

/// Whether a directory of this name is a tool's.
pub fn is_of_tools(name: &OsStr) -> bool {
    TOOL_DIRECTORIES.iter().any(|tool| tool.as_bytes() == name.as_bytes())
}

/// Where a symbolic link leads in one step: a real directory and a name in it, which may be another link.
fn next_of(link: &Path) -> Option<PathBuf> {
    let next = link.parent()?.join(link.read_link().ok()?);
    Some(next.parent()?.canonicalize().ok()?.join(next.file_name()?))
}

/// A file of this machine as a file of the tree.
pub fn file_node(
    place: &Path,
    path: TreePath,
    metadata: &Metadata,
    keeps_times: bool,
    reason: Reason,
) -> TreeFile {
    TreeFile {
        path,
        content: FileContent::Disk { path: place.to_owned(), length: metadata.len() },
        mode: if metadata.mode() & 0o111 == 0 { READABLE } else { EXECUTABLE },
        mtime: if keeps_times { metadata.mtime() } else { 0 },
        materialize: false,
        reason,
    }
}

/// A directory of the tree.
pub fn directory_node(path: TreePath, reason: Reason) -> TreeFile {
    let content = FileContent::Directory;
    TreeFile { path, content, mode: EXECUTABLE, mtime: 0, materialize: false, reason }
}

/// The path that leads from a directory to a file or directory.
pub fn relative(from: &TreePath, to: &TreePath) -> TreePath {
    let parts = |path: &TreePath| -> Vec<Vec<u8>> {
        path.as_bytes()
            .split(|byte| *byte == b'/')
            .filter(|part| !part.is_empty())
            .map(<[u8]>::to_vec)
            .collect()
    };
    let (from, to) = (parts(from), parts(to));
    let common = from.iter().zip(&to).take_while(|(one, other)| one == other).count();
    let up = std::iter::repeat_n(b"..".to_vec(), from.len() - common);
    let path = up.chain(to[common..].iter().cloned()).collect::<Vec<_>>().join(&b'/');
    TreePath::new(if path.is_empty() { b"." } else { &path })
}

/// The entries of a directory, sorted. What is neither a file nor a directory is left out, and so are links that lead
/// nowhere.
fn entries(directory: &Path) -> Result<Vec<Entry>, DataError> {
    let failed = |source| read_error(directory, source);
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let mut kind = entry.file_type().map_err(failed)?;
        let is_link = kind.is_symlink();
        if is_link {
            let Ok(target) = std::fs::metadata(entry.path()) else { continue };
            kind = target.file_type();
        }
        entries.push(Entry { name: entry.file_name(), kind, is_link });
    }
    entries.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(entries)
}

/// What editors and file managers leave.
fn is_leftover(name: &OsStr) -> bool {
    let name = name.as_bytes();
    name.ends_with(b"~")
        || name.starts_with(b".#")
        || (name.starts_with(b"#") && name.ends_with(b"#") && name.len() > 1)
        || (name.starts_with(b".") && (name.ends_with(b".swp") || name.ends_with(b".swo")))
        || name == b".DS_Store"
}

/// Whether a file is an extension module: by its name, for some Python; a plain `.so` by the function that Python would
/// call.
pub fn is_extension_of_target(name: &[u8], suffixes: &[String], place: &Path) -> bool {
    let is_tagged = |suffix: &&String| suffix.as_str() != ".so" && name.ends_with(suffix.as_bytes());
    if suffixes.iter().any(|suffix| is_tagged(&suffix)) {
        return true;
    }
    let Some(stem) = name.strip_suffix(b".so") else { return false };
    if let Some(tag) = stem.rsplit(|byte| *byte == b'.').next().filter(|tag| tag.len() < stem.len())
        && (tag.starts_with(b"cpython-") || tag.starts_with(b"pypy"))
    {
        return true;
    }
    let function = [b"PyInit_".as_slice(), stem, b"\0"].concat();
    std::fs::read(place).is_ok_and(|bytes| bytes.windows(function.len()).any(|window| window == function))
}

pub(super) fn read_error(path: &Path, source: std::io::Error) -> DataError {
    DataError::Read { path: path.to_owned(), source }
}
