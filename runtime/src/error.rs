//! Why a frozen program cannot start, and what its user can do about it.
//!
//! Such errors end the process with codes of their own, away from those that programs use and from Python's
//! 120: [`EXIT_DAMAGED`] when the executable itself is at fault, [`EXIT_UNSUPPORTED`] when this system lacks
//! something.

use core::ffi::c_int;
use std::io;

use crate::archive::ArchiveError;

/// Exit code when the executable is damaged or incomplete.
pub const EXIT_DAMAGED: c_int = 125;

/// Exit code when this system cannot run the executable.
pub const EXIT_UNSUPPORTED: c_int = 126;

/// Why the program did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The stub as it was built: nothing was ever attached.
    #[error("this executable is empty: it is the bare stub, no program was ever attached to it")]
    Empty,
    /// The archive is not in the file any more.
    #[error(
        "the program's archive is missing: the file has {present} bytes of {needed}; strip, or an incomplete copy or download, removed it"
    )]
    CutOff {
        /// Length of the file.
        present: u64,
        /// Length that it must at least have.
        needed: u64,
    },
    /// The note of the archive's place is damaged.
    #[error("the executable is damaged: the note of where its archive is does not match its checksum")]
    DamagedSlot,
    /// What the executable is to relocate is damaged.
    #[error("the executable is damaged: its table of relocations does not match its checksum")]
    DamagedRelocations,
    /// The archive is damaged.
    #[error("the executable is damaged: {0}")]
    Damaged(ArchiveError),
    /// The archive cannot be read for want of memory.
    #[error("{0}")]
    OutOfMemory(ArchiveError),
    /// The executable cannot read its own file.
    #[error("cannot read the executable's own file: {0}")]
    OwnFile(io::Error),
    /// The system refuses anonymous memory files.
    #[error("cannot load {library} from memory (memfd_create): {source}")]
    Memory {
        /// What was to be loaded.
        library: String,
        /// Why.
        source: io::Error,
    },
    /// There is no `/proc`, through which the dynamic linker opens memory files.
    #[error("cannot load {library} from memory: there is no /proc/self/fd")]
    NoProc {
        /// What was to be loaded.
        library: String,
    },
    /// The dynamic linker refuses a library.
    #[error("cannot load {library}: {reason}")]
    Load {
        /// What was to be loaded.
        library: String,
        /// The dynamic linker's words.
        reason: String,
    },
    /// libpython lacks a function.
    #[error("the Python library in this executable lacks {0}: it is not one that this stub can run")]
    Symbol(&'static str),
    /// An ABI that the offset table does not have.
    #[error("the Python library in this executable has an ABI that this stub does not know: {0}")]
    UnknownAbi(String),
    /// There is no place for what the build asked to be on the real disk.
    #[error(
        "this program keeps files in the user's cache, and neither XDG_CACHE_HOME nor HOME says where that is"
    )]
    NoCache,
    /// What the build asked to be on the real disk would be where somebody else says.
    #[error(
        "this program keeps files in the user's cache, and was started by someone whose rights are less than its own"
    )]
    PrivilegedCache,
    /// A helper process of multiprocessing would run what somebody else says.
    #[error(
        "no helper process of multiprocessing is started for someone whose rights are less than the program's"
    )]
    PrivilegedHelper,
    /// What the build asked to be on the real disk cannot be put there.
    #[error("cannot write {path}: {source}", path = path.display())]
    Materialize {
        /// The file or directory.
        path: std::path::PathBuf,
        /// Why.
        source: io::Error,
    },
    /// CPython's own words.
    #[error("Python cannot be initialised: {0}")]
    Python(String),
}

impl StartError {
    /// The process's exit code.
    pub fn exit_code(&self) -> c_int {
        match self {
            Self::Empty
            | Self::CutOff { .. }
            | Self::DamagedSlot
            | Self::DamagedRelocations
            | Self::Damaged(_) => EXIT_DAMAGED,
            _ => EXIT_UNSUPPORTED,
        }
    }

    /// What to do about it.
    fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::OutOfMemory(_) => "this process is not allowed as much memory as it needs",
            Self::Empty => "build a program with `snapfreeze build`",
            Self::CutOff { .. } | Self::DamagedSlot | Self::DamagedRelocations | Self::Damaged(_) => {
                "get a fresh copy of it"
            }
            Self::OwnFile(error) | Self::Memory { source: error, .. }
                if error.kind() == io::ErrorKind::OutOfMemory =>
            {
                "this process is not allowed as much memory as it needs"
            }
            Self::Memory { source, .. } if source.raw_os_error() == Some(libc::EFBIG) => {
                "the limit on file sizes (ulimit -f) is in the way"
            }
            Self::OwnFile(_) => "it needs to be readable by whoever runs it",
            Self::Memory { .. } => "the memfd_create system call needs to be allowed",
            Self::NoProc { .. } => "mount /proc",
            Self::NoCache | Self::Materialize { .. } => {
                "set XDG_CACHE_HOME to a directory that can be written to"
            }
            Self::PrivilegedCache => "build it without --materialize",
            Self::PrivilegedHelper => "the start method fork needs none",
            Self::UnknownAbi(_) => "build it anew with a snapfreeze that knows this Python",
            _ => return None,
        })
    }

    /// Tells stderr; returns the exit code.
    pub fn report(&self) -> c_int {
        let hint = self.hint().map(|hint| format!(" ({hint})")).unwrap_or_default();
        crate::os::complain(&format!("{self}{hint}"));
        self.exit_code()
    }
}
