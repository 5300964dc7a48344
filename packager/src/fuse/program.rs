//! The executable without its archive: the stub fused with what carries CPython, or the stub alone.
//!
//! Fused files are kept in the cache, by the content of all that they are made of: a build fuses once for each Python.

use std::path::{Path, PathBuf};

use super::image::Image;
use super::start::try_start;
use super::{Base, FuseError, fuse};
use crate::attach::STUB;
use crate::cache::{Cache, Key, Shelf};
use crate::collect::native::{LibrarySearch, close_over};
use crate::probe::interpreters::Chosen;

/// The executable without its archive.
#[derive(Debug, Clone)]
pub struct Program {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The file that carries CPython.
    pub carrier: PathBuf,
    /// Whether CPython is in it. If not, its libpython comes from the archive.
    pub is_fused: bool,
    /// Why it is not, where it was to be.
    pub note: Option<String>,
}

/// Why there is no program for an interpreter.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// CPython is in the interpreter itself, and that cannot be fused.
    #[error("CPython is inside of {path}, which cannot be part of the executable: {source}", path = path.display())]
    Fuse {
        /// The interpreter.
        path: PathBuf,
        /// Why.
        source: FuseError,
    },
    /// CPython is in the interpreter itself, and is not to be fused.
    #[error("CPython is inside of {path}, which can only be fused", path = .0.display())]
    OnlyFused(PathBuf),
    /// The packager's own stub is not one.
    #[error("this snapfreeze carries a stub that is damaged: {0}")]
    Stub(FuseError),
    /// The file that carries CPython cannot be read.
    #[error("cannot read {path}: {source}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Part of the cache's keys: another release may fuse in another way. The number counts the ways.
const FUSER: &[u8] = concat!(env!("CARGO_PKG_VERSION"), " 12").as_bytes();

/// Makes the program for an interpreter; `search` is how its process finds libraries.
///
/// # Errors
/// When CPython is in the interpreter itself, and that cannot be fused or is not to be.
pub fn program(
    chosen: &Chosen,
    search: &LibrarySearch,
    is_wanted: bool,
    cache: &Cache,
) -> Result<Program, ProgramError> {
    // Alone, the stub gets the same form.
    let alone = |libpython: &Path, note| {
        let bytes = fuse(STUB, None, &[], None).map_err(ProgramError::Stub)?;
        Ok(Program { bytes, carrier: libpython.to_owned(), is_fused: false, note })
    };
    if !is_wanted {
        let libpython = chosen.libpython.as_deref();
        return alone(libpython.ok_or_else(|| ProgramError::OnlyFused(chosen.base.clone()))?, None);
    }
    let base = std::fs::read(&chosen.base)
        .map_err(|source| ProgramError::Read { path: chosen.base.clone(), source })?;
    let base = Base { bytes: &base, minor: chosen.facts.version_info.1 };
    let fused = libraries_of(&chosen.base, search)
        .and_then(|libraries| fused(base, &libraries, &chosen.facts.libpython_name(), cache));
    match (fused, &chosen.libpython) {
        (Ok(bytes), _) => {
            let carrier = chosen.base.clone();
            Ok(Program { bytes, carrier, is_fused: true, note: None })
        }
        (Err(error), Some(libpython)) => {
            let base = chosen.base.display();
            let note =
                format!("CPython is loaded from memory: {base} cannot be part of the executable: {error}");
            alone(libpython, Some(note))
        }
        (Err(source), None) => Err(ProgramError::Fuse { path: chosen.base.clone(), source }),
    }
}

/// The libraries that the base needs beside glibc's, which must be there when the program starts.
fn libraries_of(base: &Path, search: &LibrarySearch) -> Result<Vec<Vec<u8>>, FuseError> {
    let unreadable = |path: &Path| FuseError::Library(path.display().to_string());
    let closure = close_over(&[base.to_owned()], search).map_err(|_| unreadable(base))?;
    if let Some(missing) = closure.missing.first() {
        return Err(FuseError::Library(missing.name.clone()));
    }
    let files =
        closure.files.iter().map(|file| std::fs::read(&file.path).map_err(|_| unreadable(&file.path)));
    files.collect()
}

fn fused(base: Base<'_>, libraries: &[Vec<u8>], name: &str, cache: &Cache) -> Result<Vec<u8>, FuseError> {
    let libraries: Vec<&[u8]> = libraries.iter().map(Vec::as_slice).collect();
    let key = Key::of(
        [FUSER, STUB, name.as_bytes(), &[base.minor], base.bytes]
            .into_iter()
            .chain(libraries.iter().copied()),
    );
    if let Some(program) = cache.get(Shelf::Programs, &key) {
        return Ok(program);
    }
    let program = fuse(STUB, Some(base), &libraries, Some(name.as_bytes()))?;
    try_start(&program, Image::read(STUB)?.machine)?;
    cache.put(Shelf::Programs, &key, &program);
    Ok(program)
}
