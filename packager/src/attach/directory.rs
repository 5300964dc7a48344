//! `--onedir`: the executable in a directory, and beside it the tree of files as real ones.
//!
//! The directory is made beside its place under another name and renamed when it is complete: a build that fails leaves
//! the old one as it was. One that holds anything else than such a build is not touched.

use std::ffi::OsStr;
use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rayon::prelude::*;
use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::{AttachError, attach, mode};
use crate::archive::{ArchiveWriteError, pyc_header};
use crate::collect::files::{FileContent, TreeFile};
use crate::collect::native::loaded::loaded_part;
use crate::compile::Bytecode;
use crate::interrupt;
use crate::plan::{Plan, PlannedContent};
use crate::shown::plain;

/// Name of the tree's directory.
pub const ROOT: &str = "_internal";

/// The executable of a directory: it has the directory's name.
pub fn executable_in(directory: &Path) -> PathBuf {
    directory.join(directory.file_name().unwrap_or(OsStr::new("app")))
}

/// Writes the directory. Returns the size of all files in bytes.
///
/// # Errors
/// When something else is in its place, or a file cannot be read or written. Nothing is left behind.
pub fn attach_directory(
    output: &Path,
    program: &[u8],
    plan: &Plan,
    bytecode: &Bytecode,
    write_archive: impl FnOnce(File) -> Result<(u64, File), ArchiveWriteError>,
) -> Result<u64, AttachError> {
    let output = std::path::absolute(output).unwrap_or_else(|_| output.to_owned());
    let is_there = is_replaceable(&output)?;
    let parent = output.parent().unwrap_or(Path::new("/"));
    std::fs::create_dir_all(parent)
        .map_err(|source| AttachError::Directory { path: parent.to_owned(), source })?;
    let failed = |source: io::Error| AttachError::Write { path: output.clone(), source: plain(source) };
    let draft = tempfile::Builder::new().prefix(".snapfreeze-").tempdir_in(parent).map_err(failed)?;
    let _registered = interrupt::path(draft.path());
    let built = draft.path().join(output.file_name().unwrap_or_default());
    let root = built.join(ROOT);
    std::fs::create_dir_all(&root).map_err(failed)?;

    let writer = TreeWriter { root: &root, plan, bytecode, mask: mode() };
    for file in &plan.files {
        writer.make_directory(file).map_err(failed)?;
    }
    let sizes = plan.files.par_iter().map(|file| writer.write(file));
    let size: u64 = sizes.sum::<Result<u64, AttachError>>()?;
    let executable = attach(&executable_in(&built), program, write_archive)?;

    let renamed = if is_there {
        // The old one goes into the draft's place, and with it.
        renameat_with(CWD, &built, CWD, &output, RenameFlags::EXCHANGE).or_else(|_| {
            std::fs::rename(&output, draft.path().join("old"))?;
            std::fs::rename(&built, &output)
        })
    } else {
        std::fs::rename(&built, &output)
    };
    renamed.map_err(failed)?;
    Ok(size + executable)
}

/// Whether an earlier build is there.
///
/// # Errors
/// When anything else is there.
fn is_replaceable(output: &Path) -> Result<bool, AttachError> {
    let Ok(metadata) = output.symlink_metadata() else { return Ok(false) };
    let other = || AttachError::IsOther(output.to_owned());
    if !metadata.is_dir() {
        return Err(other());
    }
    let entries = std::fs::read_dir(output)
        .map_err(|source| AttachError::Directory { path: output.to_owned(), source })?;
    let executable = executable_in(output);
    let mut has_executable = false;
    let mut count = 0;
    for entry in entries.flatten() {
        count += 1;
        let name = entry.file_name();
        if name == ROOT {
            continue;
        }
        if entry.path() != executable || !is_ours(&executable) {
            return Err(other());
        }
        has_executable = true;
    }
    if count > 0 && !has_executable { Err(other()) } else { Ok(true) }
}

/// Whether a file is an executable that was made here: it carries a slot.
fn is_ours(executable: &Path) -> bool {
    let mut start = Vec::new();
    let read = File::open(executable).and_then(|file| {
        io::Read::read_to_end(&mut io::Read::take(file, super::LONGEST_PROGRAM), &mut start)
    });
    read.is_ok() && snapfreeze_runtime::archive::slot::first(&start).is_some()
}

struct TreeWriter<'a> {
    root: &'a Path,
    plan: &'a Plan,
    bytecode: &'a Bytecode,
    /// What a program's mode is with this umask.
    mask: u32,
}

impl TreeWriter<'_> {
    fn place(&self, file: &TreeFile) -> PathBuf {
        self.root.join(OsStr::from_bytes(file.path.as_bytes()))
    }

    fn make_directory(&self, file: &TreeFile) -> io::Result<()> {
        let place = self.place(file);
        match &file.content {
            FileContent::Directory => std::fs::create_dir_all(place),
            _ => std::fs::create_dir_all(place.parent().unwrap_or(self.root)),
        }
    }

    /// Writes a file; returns its size.
    fn write(&self, file: &TreeFile) -> Result<u64, AttachError> {
        let place = self.place(file);
        let failed = |source: io::Error| AttachError::Write { path: place.clone(), source };
        let strip = self.plan.target.strip;
        let native = |path: &Path| read(path).map(|bytes| if strip { loaded_part(bytes) } else { bytes });
        let bytes = match &file.content {
            FileContent::Directory => return Ok(0),
            FileContent::Link(target) => {
                symlink(OsStr::from_bytes(target.as_bytes()), &place).map_err(failed)?;
                return Ok(0);
            }
            FileContent::Disk { path, .. } => {
                let from = File::open(path).map_err(|source| unreadable(path, source))?;
                let mut to = File::create_new(&place).map_err(failed)?;
                let length = io::copy(&mut &from, &mut to).map_err(failed)?;
                self.finish(&to, file).map_err(failed)?;
                return Ok(length);
            }
            FileContent::Bytes(bytes) => bytes.to_vec(),
            FileContent::Code(name) => match self.bytecode.modules.get(name) {
                Some(code) => [&pyc_header(self.plan.target.magic), code.as_slice()].concat(),
                None => return Ok(0),
            },
            FileContent::Extension(name) => match self.extension(name) {
                Some(path) => native(path)?,
                None => return Ok(0),
            },
            FileContent::Library(number) => match self.plan.libraries.get(*number) {
                Some(library) => native(&library.path)?,
                None => return Ok(0),
            },
        };
        let mut to = File::create_new(&place).map_err(failed)?;
        to.write_all(&bytes).and_then(|()| self.finish(&to, file)).map_err(failed)?;
        Ok(bytes.len() as u64)
    }

    fn extension(&self, name: &str) -> Option<&Path> {
        let module = self.plan.modules.iter().find(|module| module.name == name)?;
        match &module.content {
            PlannedContent::Extension { path, .. } => Some(path),
            _ => None,
        }
    }

    fn finish(&self, to: &File, file: &TreeFile) -> io::Result<()> {
        to.set_permissions(Permissions::from_mode(u32::from(file.mode) & self.mask))?;
        if file.mtime != 0 {
            to.set_modified(time(file.mtime))?;
        }
        Ok(())
    }
}

/// A time from seconds since 1970, before or after.
pub(crate) fn time(seconds: i64) -> SystemTime {
    let distance = Duration::from_secs(seconds.unsigned_abs());
    let time = if seconds < 0 { UNIX_EPOCH.checked_sub(distance) } else { UNIX_EPOCH.checked_add(distance) };
    time.unwrap_or(UNIX_EPOCH)
}

fn read(path: &Path) -> Result<Vec<u8>, AttachError> {
    std::fs::read(path).map_err(|source| unreadable(path, source))
}

fn unreadable(path: &Path, source: io::Error) -> AttachError {
    AttachError::Archive(ArchiveWriteError::Read { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_earlier_build_or_nothing_may_be_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("app");
        assert!(!is_replaceable(&at).unwrap());
        std::fs::create_dir_all(at.join(ROOT)).unwrap();
        assert!(is_replaceable(&at).is_err(), "without an executable it may be anybody's");
        std::fs::write(at.join("app"), super::super::STUB).unwrap();
        assert!(is_replaceable(&at).unwrap());
        std::fs::write(at.join("notes.txt"), "").unwrap();
        assert!(is_replaceable(&at).is_err());
        std::fs::remove_file(at.join("notes.txt")).unwrap();
        std::fs::write(at.join("app"), "#!/bin/sh\n").unwrap();
        assert!(is_replaceable(&at).is_err(), "a program of somebody else");
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(is_replaceable(&file).is_err());
        let empty = folder.path().join("empty");
        std::fs::create_dir(&empty).unwrap();
        assert!(is_replaceable(&empty).unwrap());
    }
}
