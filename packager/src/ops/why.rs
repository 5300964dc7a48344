//! `why`: answers from an executable, or from a program that is looked at as for a build, without one.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use snapfreeze_runtime::archive::{Archive, ArchiveError};

use crate::attach::LONGEST_PROGRAM;
use crate::attach::directory::executable_in;
use crate::error::Error;
use crate::fuse::archive::{self, ArchiveRange};
use crate::ops::build::on_threads;
use crate::ops::prepare::prepare;
use crate::request::BuildRequest;
use crate::why::Reasons;
use crate::why::answer::{Question, UnknownName, answer};
use crate::why::document::DocumentError;

/// How native code begins.
const ELF: &[u8; 4] = b"\x7fELF";

/// Reasons that claim to be longer are not read.
const LONGEST_REASONS: u64 = 256 << 20;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum WhyError {
    /// The executable cannot be read.
    #[error("cannot read {path}: {source}", path = path.display())]
    Read {
        /// The executable.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The executable is damaged, or of another version.
    #[error("{path}: {source}", path = path.display())]
    Archive {
        /// The executable.
        path: PathBuf,
        /// What is wrong with it.
        source: ArchiveError,
    },
    /// The executable has no archive, or no reasons.
    #[error("{} does not tell why anything is in it", .0.display())]
    NoReasons(PathBuf),
    /// The reasons cannot be read.
    #[error("{path}: {source}", path = path.display())]
    Document {
        /// The executable.
        path: PathBuf,
        /// What is wrong with them.
        source: DocumentError,
    },
    /// Nothing has the name.
    #[error(transparent)]
    Unknown(#[from] UnknownName),
}

impl WhyError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown(unknown) if !unknown.similar.is_empty() => {
                Some(format!("there is {}", unknown.similar.join(", ")))
            }
            Self::NoReasons(_) => Some("ask the program itself: `snapfreeze why ENTRY NAME`".into()),
            Self::Unknown(_) => Some(
                "names are those of modules (`package.module`), of files in the program, and of libraries"
                    .into(),
            ),
            Self::Read { .. } => Some("name an executable that is readable, or the program itself".into()),
            Self::Archive { .. } | Self::Document { .. } => {
                Some("build it anew, or ask the program itself: `snapfreeze why ENTRY NAME`".into())
            }
        }
    }
}

/// Answers from an executable.
///
/// # Errors
/// When it cannot be read, does not tell, or does not know the name.
pub fn of_executable(executable: &Path, question: &Question) -> Result<String, WhyError> {
    Ok(answer(&read_reasons(executable)?, question)?)
}

/// Answers from a program.
///
/// # Errors
/// When a phase fails, or nothing has the name.
pub fn of_program(request: &BuildRequest, question: &Question) -> Result<String, Error> {
    let prepared = on_threads(request, || prepare(request))?;
    Ok(answer(&prepared.plan.reasons, question).map_err(WhyError::from)?)
}

/// The executable that a path names: itself, or the one in the directory that `--onedir` makes. Native code of others is
/// one, too: it is no program in Python. None for what may be such a program.
pub fn executable_at(path: &Path) -> Option<PathBuf> {
    let executable = if path.is_dir() { executable_in(path) } else { path.to_owned() };
    let is_native = || {
        let mut start = [0; 4];
        File::open(&executable).and_then(|mut file| file.read_exact(&mut start)).is_ok() && start == *ELF
    };
    (executable.is_file() && is_native()).then_some(executable)
}

/// Where the archive is in a file; none where there is none.
fn find_archive(executable: &Path) -> io::Result<Option<ArchiveRange>> {
    let mut start = Vec::new();
    File::open(executable)?.take(LONGEST_PROGRAM).read_to_end(&mut start)?;
    Ok(archive::find(&start).map(|(_, range)| range))
}

/// Reads the reasons of an executable.
///
/// # Errors
/// When it cannot be read, or has none.
pub fn read_reasons(executable: &Path) -> Result<Reasons, WhyError> {
    let path = || executable.to_owned();
    let unreadable = |source| WhyError::Read { path: path(), source };
    let damaged = |source| WhyError::Archive { path: path(), source };
    let Some(ArchiveRange { offset, length }) = find_archive(executable).map_err(unreadable)? else {
        return Err(WhyError::NoReasons(path()));
    };
    let mut bytes = Vec::new();
    let mut file = File::open(executable).map_err(unreadable)?;
    file.seek(SeekFrom::Start(offset)).map_err(unreadable)?;
    file.take(length).read_to_end(&mut bytes).map_err(unreadable)?;
    let archive = Archive::open(&bytes).map_err(damaged)?;
    let Some(extent) = archive.reasons().map_err(damaged)? else {
        return Err(WhyError::NoReasons(path()));
    };
    if extent.length > LONGEST_REASONS {
        return Err(damaged(ArchiveError::Invalid { part: "length of the reasons" }));
    }
    let document = archive.read(extent).map_err(damaged)?;
    Reasons::from_bytes(&document).map_err(|source| WhyError::Document { path: path(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn native_code_of_others_is_no_program_in_python() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str, text: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let (native, script) = (at("native", b"\x7fELF\x02\x01"), at("script", b"print()\n"));
        let found = executable_at(&native).unwrap();
        assert!(matches!(read_reasons(&found), Err(WhyError::NoReasons(path)) if path == native));
        assert_eq!([executable_at(&script), executable_at(&at("empty", b""))], [None, None]);
        assert_eq!(executable_at(folder.path()), None);
    }
}
