//! Stub and archive, joined into an executable.
//!
//! The file is made beside its place without a name, where the file system can do that, and gets its name when it is
//! complete: a build that fails, is interrupted or killed leaves nothing behind, and one that replaces a running
//! executable leaves that one alone.

pub mod directory;

use std::fs::{File, Permissions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use snapfreeze_runtime::archive::layout::ARCHIVE_ALIGNMENT;
use tempfile::{NamedTempFile, TempPath};

use crate::archive::ArchiveWriteError;
use crate::fuse::archive::patches;
use crate::interrupt::{self, Registered};
use crate::plan::{Plan, PlannedContent};
use crate::shown::plain;

/// The prebuilt stub, as `build.rs` has made it.
pub const STUB: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/stub"));

/// The slot of an executable is not further from its beginning than this, in bytes.
pub const LONGEST_PROGRAM: u64 = 128 << 20;

/// Why there is no executable.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// The output's directory cannot be made.
    #[error("cannot make the directory {path}: {source}", path = path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The output is a directory.
    #[error("{} is a directory: the executable cannot take its place", .0.display())]
    IsDirectory(PathBuf),
    /// There is something that is no earlier build, where a directory is to be.
    #[error("{} is there already and is no earlier build: the directory cannot take its place", .0.display())]
    IsOther(PathBuf),
    /// The output is a device, a pipe, a socket.
    #[error("{} is not a regular file: the executable cannot take its place", .0.display())]
    IsSpecial(PathBuf),
    /// The output is a file that the executable is made of.
    #[error("{} is part of the program: the executable would replace it", .0.display())]
    IsInput(PathBuf),
    /// Writing the output failed.
    #[error("cannot write {path}: {source}", path = path.display())]
    Write {
        /// The output.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Writing the archive failed.
    #[error(transparent)]
    Archive(ArchiveWriteError),
    /// The packager's own stub is not one.
    #[error("this snapfreeze carries a stub without a slot for the archive: build it anew")]
    NoSlot,
}

/// Writes the executable to `output`: the program without its archive, and what `write_archive` writes. Returns its size
/// in bytes.
///
/// # Errors
/// When a file or directory cannot be written. Nothing is left behind.
pub fn attach(
    output: &Path,
    program: &[u8],
    write_archive: impl FnOnce(File) -> Result<(u64, File), ArchiveWriteError>,
) -> Result<u64, AttachError> {
    match std::fs::metadata(output) {
        Ok(there) if there.is_dir() => return Err(AttachError::IsDirectory(output.to_owned())),
        Ok(there) if !there.is_file() => return Err(AttachError::IsSpecial(output.to_owned())),
        _ => {}
    }
    let directory = output.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(directory)
        .map_err(|source| AttachError::Directory { path: directory.to_owned(), source })?;
    let failed = |source: io::Error| AttachError::Write { path: output.to_owned(), source: plain(source) };

    let (mut file, draft) = Draft::new_in(directory).map_err(failed)?;
    let offset = (program.len() as u64).next_multiple_of(ARCHIVE_ALIGNMENT);
    let padding = vec![0; (offset - program.len() as u64) as usize];
    file.write_all(program).and_then(|()| file.write_all(&padding)).map_err(failed)?;
    let (length, mut file) = write_archive(file).map_err(|error| match error {
        ArchiveWriteError::Write(snapfreeze_runtime::archive::writer::WriteError::Io(source)) => {
            failed(source)
        }
        other => AttachError::Archive(other),
    })?;

    for (at, bytes) in patches(program, offset, length).ok_or(AttachError::NoSlot)? {
        file.seek(SeekFrom::Start(at)).and_then(|_| file.write_all(&bytes)).map_err(failed)?;
    }
    file.set_permissions(Permissions::from_mode(mode())).map_err(failed)?;
    draft.publish(file, output).map_err(failed)?;
    Ok(offset + length)
}

/// Refuses an output that is one of the files that go into the executable.
///
/// # Errors
/// When it is.
pub fn refuse_input(output: &Path, plan: &Plan) -> Result<(), AttachError> {
    let Ok(existing) = output.canonicalize() else { return Ok(()) };
    let modules = plan.modules.iter().filter_map(|module| match &module.content {
        PlannedContent::Source { path, .. } => path.as_ref(),
        PlannedContent::Bytecode { path } | PlannedContent::Extension { path, .. } => Some(path),
        PlannedContent::Namespace => None,
    });
    let mut inputs = modules.chain(plan.libraries.iter().map(|library| &library.path));
    let is_it = |input: &PathBuf| {
        input.file_name() == existing.file_name() && input.canonicalize().is_ok_and(|input| input == existing)
    };
    if inputs.any(is_it) { Err(AttachError::IsInput(output.to_owned())) } else { Ok(()) }
}

/// The name of a file that is being made, if it has one yet. Only the owner may touch it while it grows.
enum Draft {
    /// No name: the file goes with its descriptor.
    Unnamed(PathBuf),
    /// A temporary name, for file systems without unnamed files: it goes when the draft is dropped.
    Named { path: TempPath, _registered: Registered },
}

impl Draft {
    fn new_in(directory: &Path) -> io::Result<(File, Self)> {
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        // An unnamed file is named through /proc (open(2), O_TMPFILE).
        if Path::new("/proc/self/fd").exists()
            && let Ok(file) = rustix::fs::openat(CWD, directory, flags, Mode::from_raw_mode(0o600))
        {
            return Ok((file.into(), Self::Unnamed(directory.to_owned())));
        }
        let (file, path) = NamedTempFile::new_in(directory)?.into_parts();
        let _registered = interrupt::path(&path);
        Ok((file, Self::Named { path, _registered }))
    }

    /// Puts the file in its place, atomically; what was there is replaced.
    ///
    /// From then on it may be executed, which Linux refuses while it is open for writing (execve(2), ETXTBSY).
    fn publish(self, file: File, output: &Path) -> io::Result<()> {
        let path = match self {
            Self::Named { path, .. } => {
                drop(file);
                path
            }
            Self::Unnamed(directory) => {
                let writable = format!("/proc/self/fd/{}", file.as_raw_fd());
                let complete =
                    rustix::fs::openat(CWD, &writable, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
                drop(file);
                let descriptor = format!("/proc/self/fd/{}", complete.as_raw_fd());
                let link = |path: &Path| {
                    Ok(rustix::fs::linkat(CWD, &descriptor, CWD, path, AtFlags::SYMLINK_FOLLOW)?)
                };
                tempfile::Builder::new().make_in(directory, link)?.into_temp_path()
            }
        };
        path.persist(output).map_err(|error| error.error)
    }
}

/// Executable by all whom the process's umask does not exclude.
pub(crate) fn mode() -> u32 {
    let mask = std::fs::read_to_string("/proc/self/status").ok();
    let mask = mask.as_deref().and_then(|status| {
        let line = status.lines().find_map(|line| line.strip_prefix("Umask:"))?;
        u32::from_str_radix(line.trim(), 8).ok()
    });
    0o777 & !mask.unwrap_or(0o022)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stub_has_a_slot_is_small_and_names_no_path_of_the_machine_that_built_it() {
        assert!(snapfreeze_runtime::archive::slot::find(STUB).is_some());
        assert!(STUB.len() < 860_000, "{} bytes", STUB.len());
        let holds = |needle: &str| STUB.windows(needle.len()).any(|window| window == needle.as_bytes());
        assert!(!holds(env!("CARGO_MANIFEST_DIR")));
        assert!(!holds(".cargo/registry"));
    }

    #[test]
    fn a_pipe_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("pipe");
        let kind = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(CWD, &output, kind, Mode::RUSR, 0).unwrap();
        let refused = attach(&output, STUB, |_| unreachable!("nothing is written"));
        assert!(matches!(refused, Err(AttachError::IsSpecial(_))));
    }

    #[test]
    fn a_failed_build_leaves_the_old_output_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("app");
        std::fs::write(&output, "old").unwrap();
        let failed = attach(&output, STUB, |mut file| {
            file.write_all(b"half").unwrap();
            Err(ArchiveWriteError::Compress(io::Error::other("no")))
        });
        assert!(matches!(failed, Err(AttachError::Archive(_))));
        assert_eq!(std::fs::read(&output).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
