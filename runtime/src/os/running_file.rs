//! The file that is running: its path, and the archive in it.

use core::ffi::CStr;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::MappedArchive;
use crate::archive::layout::ARCHIVE_ALIGNMENT;
use crate::archive::slot::{self, SLOT_LENGTH, SlotState};
use crate::archive::{Archive, ArchiveError};
use crate::error::StartError;
use crate::os::own_segments;

/// What tells a file from all others, and what its files in the archive have from it.
#[derive(Debug, Clone, Copy)]
pub struct FileIdentity {
    /// Number of its device.
    pub device: u64,
    /// Its number there.
    pub inode: u64,
    /// Its owner.
    pub owner: u32,
    /// Its group.
    pub group: u32,
    /// Time of its last change: seconds since 1970 and nanoseconds.
    pub changed: (i64, i64),
}

impl FileIdentity {
    /// Whether a status is of this file.
    pub fn is(&self, status: &libc::stat64) -> bool {
        (status.st_dev, status.st_ino) == (self.device, self.inode)
    }
}

/// The executable's own file, open.
pub struct RunningFile {
    file: File,
    path: PathBuf,
}

impl RunningFile {
    /// Opens the running file through `/proc/self/exe`, or, where there is no `/proc`, by the path that the
    /// kernel passed (`AT_EXECFN`, getauxval(3)).
    pub fn open() -> Result<Self, StartError> {
        let (opened, path) = match std::fs::read_link("/proc/self/exe") {
            Ok(path) => (PathBuf::from("/proc/self/exe"), path),
            Err(_) => {
                let path = std::path::absolute(executed_path()).map_err(StartError::OwnFile)?;
                (path.clone(), path)
            }
        };
        let file = File::open(opened).map_err(StartError::OwnFile)?;
        Ok(Self { file, path })
    }

    /// What tells the file from others.
    pub fn identity(&self) -> Result<FileIdentity, StartError> {
        let status = self.file.metadata().map_err(StartError::OwnFile)?;
        Ok(FileIdentity {
            device: status.dev(),
            inode: status.ino(),
            owner: status.uid(),
            group: status.gid(),
            changed: (status.mtime(), status.mtime_nsec()),
        })
    }

    /// Closes the file, before the program can find a descriptor that it did not open: with stdin closed it
    /// would be number 0. Returns the file's absolute path.
    pub fn close(self) -> PathBuf {
        self.path
    }

    /// The archive that `slot` leads to, which the kernel has mapped with the program; its header and index are checked.
    ///
    /// # Safety
    /// `slot` is in the program's own file.
    pub unsafe fn archive(&self, slot: *const [u8; SLOT_LENGTH]) -> Result<MappedArchive, StartError> {
        // SAFETY: from the contract. The packager writes to the slot in the file: a volatile read keeps the compiler from
        // assuming the initial value.
        let place = match slot::read(&unsafe { core::ptr::read_volatile(slot) }) {
            SlotState::Empty => return Err(StartError::Empty),
            SlotState::Damaged => return Err(StartError::DamagedSlot),
            SlotState::Filled(place) => place,
        };
        let (Ok(distance), Ok(length)) = (usize::try_from(place.distance), usize::try_from(place.length))
        else {
            return Err(StartError::DamagedSlot);
        };
        let address = slot.addr().wrapping_add(distance);
        if length == 0 || !(address as u64).is_multiple_of(ARCHIVE_ALIGNMENT) {
            return Err(StartError::Damaged(ArchiveError::NotAnArchive));
        }
        // The kernel maps what a segment asks for, and sends SIGBUS where the file ends before it.
        let needed = own_segments::end_in_file(address, length)
            .ok_or(StartError::Damaged(ArchiveError::NotAnArchive))?;
        let present = self.file.metadata().map_err(StartError::OwnFile)?.len();
        if present < needed {
            return Err(StartError::CutOff { present, needed });
        }
        // SAFETY: a read-only segment of the program has these bytes, and the file, too; it stays mapped. Nobody
        // rewrites a file that runs (ETXTBSY guards against writers).
        let bytes: &'static [u8] =
            unsafe { core::slice::from_raw_parts(core::ptr::with_exposed_provenance(address), length) };
        Ok(Box::leak(Box::new(Archive::open(bytes)?)))
    }
}

/// The path with which the program was executed, as the kernel passed it.
pub fn executed_path() -> OsString {
    // SAFETY: AT_EXECFN is the address of a NUL-terminated string on the initial stack, or 0 where absent.
    unsafe {
        match libc::getauxval(libc::AT_EXECFN) as *const core::ffi::c_char {
            path if path.is_null() => OsString::new(),
            path => OsStr::from_bytes(CStr::from_ptr(path).to_bytes()).to_owned(),
        }
    }
}

/// A path as C wants it. Paths of running files have no NUL inside; one that had would be cut there.
pub fn c_path(path: &Path) -> std::ffi::CString {
    let mut bytes = path.as_os_str().to_owned().into_vec();
    if let Some(end) = bytes.iter().position(|byte| *byte == 0) {
        bytes.truncate(end);
    }
    std::ffi::CString::new(bytes).unwrap_or_default()
}
