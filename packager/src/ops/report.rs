//! `report`: the page about a program, made of its executable or of the program itself, and where it goes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::collect::files::FileContent;
use crate::draft;
use crate::error::Error;
use crate::inspect::{Executable, built, planned};
use crate::ops::build::on_threads;
use crate::ops::prepare::prepare;
use crate::page::gather::{LONGEST_TEXT, gather};
use crate::page::render;
use crate::request::{BuildRequest, environment};
use crate::shown::plain;

/// Why there is no report, or why it is not shown.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The page cannot be put together.
    #[error("cannot make the report: {0}")]
    Page(#[from] serde_json::Error),
    /// The output is a directory.
    #[error("{} is a directory: the report cannot take its place", .0.display())]
    IsDirectory(PathBuf),
    /// The output is the program.
    #[error("{} is the program: the report would replace it", .0.display())]
    IsInput(PathBuf),
    /// Writing failed.
    #[error("cannot write {path}: {source}", path = path.display())]
    Write {
        /// The output.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The page is on stdout.
    #[error("--open has nothing to open: the report goes to stdout")]
    NothingToOpen,
}

impl ReportError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::IsDirectory(path) => {
                Some(format!("name a file in it: -o {}", path.join("report.html").display()))
            }
            Self::IsInput(_) => Some("name another output with -o".into()),
            Self::Write { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    Some("the disk is full: free some space, or name an output elsewhere with -o".into())
                }
                _ => Some("name an output elsewhere with -o, or `-o -` for stdout".into()),
            },
            Self::NothingToOpen => Some("name a file with -o, or leave out --open".into()),
            Self::Page(_) => None,
        }
    }
}

/// The page about an executable, or about the one in the directory that `--onedir` makes.
///
/// # Errors
/// When it cannot be read, or is no executable of ours.
pub fn of_executable(path: &Path) -> Result<String, Error> {
    let executable = Executable::open(path)?;
    let contents = built::contents(&executable)?;
    let archive = executable.archive()?;
    let reasons = executable.reasons(&archive)?.map(|(_, reasons)| reasons).unwrap_or_default();
    let entries = executable.entries(&archive)?;
    let entries: BTreeMap<String, _> = entries.iter().map(|entry| (entry.name(), entry)).collect();
    let read = |path: &str| {
        let entry = entries.get(path).filter(|entry| entry.size() <= LONGEST_TEXT)?;
        executable.read(&archive, entry).ok().flatten()
    };
    let page = gather(&contents, &reasons, &read, source_date().as_deref());
    Ok(render(&page).map_err(ReportError::from)?)
}

/// The page about a program that is not built.
///
/// # Errors
/// When a phase fails.
pub fn of_program(request: &BuildRequest) -> Result<String, Error> {
    let prepared = on_threads(request, || prepare(request))?;
    let contents = planned::contents(&name_of(request), &prepared);
    let files: BTreeMap<String, &FileContent> =
        prepared.plan.files.iter().map(|file| (file.path.to_string(), &file.content)).collect();
    let read = |path: &str| match files.get(path)? {
        FileContent::Bytes(bytes) => Some(bytes.to_vec()),
        FileContent::Disk { path, length } if *length <= LONGEST_TEXT => {
            let mut bytes = Vec::new();
            File::open(path).ok()?.take(LONGEST_TEXT).read_to_end(&mut bytes).ok()?;
            Some(bytes)
        }
        _ => None,
    };
    let page = gather(&contents, &prepared.plan.reasons, &read, source_date().as_deref());
    Ok(render(&page).map_err(ReportError::from)?)
}

/// What the executable of a program would be called.
pub fn name_of(request: &BuildRequest) -> String {
    let name = request.output.file_name().map(|name| name.to_string_lossy().into_owned());
    name.unwrap_or_else(|| request.entry.name())
}

/// What SOURCE_DATE_EPOCH says, seconds since 1970.
fn source_date() -> Option<String> {
    environment("SOURCE_DATE_EPOCH")?.into_string().ok()
}

/// Refuses an output that cannot be one, before the work is done. `input` is the file that is reported on.
///
/// # Errors
/// When it is a directory, or the input.
pub fn check_output(output: &Path, input: Option<&Path>) -> Result<(), ReportError> {
    if output.is_dir() {
        return Err(ReportError::IsDirectory(output.to_owned()));
    }
    let is_input = input.is_some_and(|input| match (input.canonicalize(), output.canonicalize()) {
        (Ok(input), Ok(output)) => input == output,
        _ => false,
    });
    if is_input { Err(ReportError::IsInput(output.to_owned())) } else { Ok(()) }
}

/// Writes the page beside its place, and renames it. What is no regular file (`/dev/stdout`, a pipe) is written to.
///
/// # Errors
/// When it cannot be written. Nothing is left behind.
pub fn write(output: &Path, page: &str) -> Result<(), ReportError> {
    let failed = |source| ReportError::Write { path: output.to_owned(), source: plain(source) };
    if std::fs::metadata(output).is_ok_and(|there| !there.is_file()) {
        return std::fs::write(output, page).map_err(failed);
    }
    draft::replace(output, page.as_bytes()).map_err(failed)
}

/// Opens a page in the user's browser, which outlives this process.
///
/// # Errors
/// When there is no command for it.
pub fn open(page: &Path) -> io::Result<()> {
    let page = page.canonicalize()?;
    let mut command = Command::new("xdg-open");
    command.arg(page).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_replaced_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("app");
        std::fs::write(&program, "x").unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&program, &link).unwrap();
        assert!(matches!(check_output(folder.path(), None), Err(ReportError::IsDirectory(_))));
        assert!(matches!(check_output(&link, Some(&program)), Err(ReportError::IsInput(_))));
        assert!(check_output(&folder.path().join("new.html"), Some(&program)).is_ok());
    }

    #[test]
    fn the_page_takes_its_place_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("new folder/päge.html");
        write(&output, "first").unwrap();
        write(&output, "second").unwrap();
        assert_eq!(std::fs::read_to_string(&output).unwrap(), "second");
        assert_eq!(std::fs::read_dir(output.parent().unwrap()).unwrap().count(), 1, "no draft is left");
        let below_a_file = output.join("page.html");
        assert!(matches!(write(&below_a_file, "x"), Err(ReportError::Write { .. })));
    }
}
