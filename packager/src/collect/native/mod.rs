//! The native libraries that extension modules and libpython bring with them.
//!
//! In come the ELF files of the program, the *roots*: its extension modules and the file that carries
//! CPython. Out goes a [`NativeClosure`]: every library that glibc's loader would map because of them,
//! where it is, and in which order to load it, so that the runtime can hand each one to `dlopen`
//! from memory before the object that needs it. That works because the loader compares a `DT_NEEDED`
//! name with the names and `DT_SONAME`s of what is loaded before it looks for a file.
//!
//! The phases are files, in order: [`elf`] reads one file, [`search`] says where the loader would look
//! (with [`ld_so_conf`]), [`system`] says what is left to the target system, [`closure`] walks; [`opened`] finds roots
//! that programs open by name.
//!
//! What must hold: the closure depends only on the roots, their order, the search and the files; a
//! library that cannot be found or read is reported, not fatal; a root that cannot be is an error.

use std::path::{Path, PathBuf};

mod closure;
pub(crate) mod elf;
mod ld_so_conf;
pub mod loaded;
pub mod opened;
mod search;
mod system;
#[cfg(test)]
mod tests;

pub use elf::{ElfError, ElfFacts, ElfKind, Machine};
pub use search::LibrarySearch;

/// A file of the closure that others need.
#[derive(Clone, Debug)]
pub struct NativeFile {
    /// The real file: absolute, without symlinks.
    pub path: PathBuf,
    /// Its `DT_SONAME`.
    pub soname: Option<String>,
    /// The `DT_NEEDED` string by which it was first asked for.
    pub load_name: String,
    /// Indexes into [`NativeClosure::files`]: all that must be loaded before this file, dependencies
    /// first, itself excluded.
    pub needs: Vec<usize>,
    /// The index of the root that this file is, when an extension module is needed as a library.
    pub root: Option<usize>,
}

/// What a set of roots brings with it.
#[derive(Clone, Debug, Default)]
pub struct NativeClosure {
    /// Libraries in the order in which the loader would map them for the first time.
    pub files: Vec<NativeFile>,
    /// For each root, in the order given: indexes into `files`, to be loaded before it, dependencies first.
    pub roots: Vec<Vec<usize>>,
    /// Libraries that were not found.
    pub missing: Vec<MissingLibrary>,
    /// What the loader, or a start from memory, may see differently.
    pub warnings: Vec<NativeWarning>,
}

/// A library that no searched directory has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingLibrary {
    /// The `DT_NEEDED` string.
    pub name: String,
    /// The file whose dynamic section has it.
    pub needed_by: PathBuf,
    /// The directories searched, in order; for a name with a slash, the path tried.
    pub searched: Vec<PathBuf>,
}

/// A root that cannot be packaged.
#[derive(Debug, thiserror::Error)]
pub enum NativeError {
    /// It cannot be read, or is no well-formed ELF file.
    #[error("{}: the file {source}", path.display())]
    Unreadable {
        /// The root.
        path: PathBuf,
        /// What is wrong with it.
        source: ElfError,
    },
    /// It is for another machine than the rest.
    #[error("{}: the file is for {found}, but {expected} is wanted", path.display())]
    OtherMachine {
        /// The root.
        path: PathBuf,
        /// Its machine.
        found: Machine,
        /// The target's machine.
        expected: Machine,
    },
    /// It is ELF, but nothing a loader takes: an object file, a core dump.
    #[error("{}: the file is ELF, but neither a shared object nor an executable", path.display())]
    NotLoadable {
        /// The root.
        path: PathBuf,
    },
}

impl NativeError {
    /// The root.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Unreadable { path, .. } | Self::OtherMachine { path, .. } | Self::NotLoadable { path } => {
                path
            }
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unreadable { source: ElfError::Read(_), .. } => {
                "check that the file exists and is readable"
            }
            Self::Unreadable { .. } => "reinstall the package that the file belongs to",
            Self::OtherMachine { .. } => "install the package for the machine of the target interpreter",
            Self::NotLoadable { .. } => "only linked libraries can be packaged: link it, or exclude it",
        }
    }
}

/// Something found on the way that may explain a failure at run time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NativeWarning {
    /// A file in the search path with the right name is no library. ld.so(8) stops at such a file, unless
    /// it is one for another machine; here the search goes on.
    #[error("{}: passed over while looking for what {} needs: the file {reason}", path.display(), needed_by.display())]
    PassedOver {
        /// The file.
        path: PathBuf,
        /// The file that asks.
        needed_by: PathBuf,
        /// An [`ElfError`] in words.
        reason: String,
    },
    /// Loaded from memory it answers to its SONAME and to one other name.
    #[error("{}: is known as {known}, but {} needs it as {name}", path.display(), needed_by.display())]
    OtherName {
        /// The library.
        path: PathBuf,
        /// The name that it answers to.
        known: String,
        /// The `DT_NEEDED` string.
        name: String,
        /// The file that asks.
        needed_by: PathBuf,
    },
    /// Two different files answer to one name; the first is used, as the loader does.
    #[error("{}: not used as {name} for {}, because {} has that name already", ignored.display(), needed_by.display(), used.display())]
    SameName {
        /// The name both have.
        name: String,
        /// The file that was first.
        used: PathBuf,
        /// The file that a search of its own would have given.
        ignored: PathBuf,
        /// The file that asks.
        needed_by: PathBuf,
    },
    /// Its own search path does not lead to it, but another file brings it in. Python programs do this
    /// by importing, or opening with ctypes, the other file first.
    #[error("{}: needs {name}, which only the search path of other files leads to: {}", needed_by.display(), path.display())]
    FoundElsewhere {
        /// The `DT_NEEDED` string.
        name: String,
        /// The library.
        path: PathBuf,
        /// The file that asks.
        needed_by: PathBuf,
    },
}

/// Finds all libraries that the loader would map because of `roots`.
///
/// # Errors
/// [`NativeError`] when a root is not an ELF file, is truncated or is for another machine.
pub fn close_over(roots: &[PathBuf], search: &LibrarySearch) -> Result<NativeClosure, NativeError> {
    closure::Walk::new(search).over(roots)
}

/// The last component of a `DT_NEEDED` string, which may be a path.
fn base_name(name: &str) -> &str {
    Path::new(name).file_name().and_then(|name| name.to_str()).unwrap_or(name)
}
