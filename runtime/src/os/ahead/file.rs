//! A memory file that is filled ahead of its use.
//!
//! It is opened before anything else runs, with a high number: the lowest free one is what the program gets for the next
//! file that it opens, at every moment, and a stream that was closed stays closed. It is filled through mappings, one a
//! piece, not by its descriptor: a program may close descriptors that it does not know and get their numbers for files of
//! its own. For that reason a mapping is used, and a descriptor closed, only after it was compared with the file that it
//! was given to.

use core::ffi::CStr;
use core::mem::ManuallyDrop;
use core::ops::Range;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};

use super::work::{CLAIMED, DONE, FAILED, State, TAKEN};
use crate::archive::Extent;
use crate::os::memory_file::{self, MappedPart};

/// A native file of the archive.
pub struct File {
    pub content: Extent,
    /// Numbers of the pieces of work that fill it.
    pub pieces: Range<usize>,
    /// Numbers of those that fill what it can do without until it is executed.
    pub on_demand: Range<usize>,
    length: usize,
    descriptor: Descriptor,
    /// Whether anything of it was begun.
    is_begun: AtomicBool,
    /// Pieces that are not filled yet.
    left: AtomicUsize,
    /// Bytes that are filled.
    pub filled: AtomicUsize,
    /// Whether it can no longer be completed.
    is_spoiled: AtomicBool,
    /// Whether somebody has asked for it.
    pub is_taken: AtomicBool,
    pub state: State,
}

/// A descriptor, which may have been taken over by the program.
struct Descriptor {
    number: RawFd,
    identity: (libc::dev_t, libc::ino_t),
}

impl File {
    /// Opens a memory file; `name` shows in /proc/self/maps. To be called while the process has one thread: the file has a
    /// low descriptor for a moment, and the kernel's table of descriptors may grow, for which it would make threads wait
    /// (expand_fdtable of its fs/file.c).
    pub fn new(content: Extent, name: &CStr, pieces: Range<usize>, length: usize) -> io::Result<Self> {
        Ok(Self {
            content,
            length,
            descriptor: Descriptor::new(name, length)?,
            is_begun: AtomicBool::new(false),
            left: AtomicUsize::new(pieces.len()),
            pieces,
            on_demand: 0..0,
            filled: AtomicUsize::new(0),
            is_spoiled: AtomicBool::new(false),
            is_taken: AtomicBool::new(false),
            state: State::new(CLAIMED),
        })
    }

    /// Whether anything of it was begun.
    pub fn is_begun(&self) -> bool {
        self.is_begun.load(Ordering::Acquire)
    }

    /// Whether there is something of it, for somebody who has not asked for it yet.
    pub fn is_ready(&self) -> bool {
        self.is_begun() && !self.is_taken.load(Ordering::Acquire) && self.state.get() != FAILED
    }

    /// Fills a part of the file, for the one who has claimed the piece of work that does; `fill` says whether it could.
    pub fn fill(&self, part: Range<usize>, fill: impl FnOnce(&mut [u8]) -> bool) -> bool {
        self.is_begun.store(true, Ordering::Release);
        if part.start > part.end || part.end > self.length {
            return false;
        }
        let Some(Ok(mut bytes)) = self.descriptor.with(|file| MappedPart::new(file, part)) else {
            return false;
        };
        // It stays this file's, once it was: a descriptor that was closed never comes back.
        self.descriptor.is_ours() && fill(bytes.bytes())
    }

    /// Says that one piece of work is over, and whether it could be done. The last one seals the file, if it is complete then.
    pub fn end_piece(&self, length: usize, is_done: bool) {
        if is_done {
            self.filled.fetch_add(length, Ordering::Relaxed);
        } else {
            self.is_spoiled.store(true, Ordering::Relaxed);
        }
        if self.left.fetch_sub(1, Ordering::AcqRel) != 1 {
            return;
        }
        let is_done = !self.is_spoiled.load(Ordering::Relaxed) && (!self.on_demand.is_empty() || self.seal());
        if !is_done {
            drop(self.descriptor.give());
        }
        self.state.end(if is_done { DONE } else { FAILED });
    }

    /// Whether it could be sealed.
    fn seal(&self) -> bool {
        self.descriptor.with(memory_file::add_seals).is_some_and(|seals| seals.is_ok())
    }

    /// Its descriptor.
    #[cfg(all(test, feature = "write"))]
    pub fn descriptor(&self) -> RawFd {
        self.descriptor.number
    }

    /// The file, for the one who has taken it; sealed, if it is complete.
    pub fn give(&self, is_complete: bool) -> Option<OwnedFd> {
        if !self.state.change(DONE, TAKEN) {
            return None;
        }
        let is_good = self.on_demand.is_empty() || !is_complete || self.seal();
        self.descriptor.give().filter(|_| is_good)
    }
}

impl Descriptor {
    /// One of a new memory file of this length.
    fn new(name: &CStr, length: usize) -> io::Result<Self> {
        let high = memory_file::raised(&memory_file::create(name, false)?)?;
        memory_file::grow(&high, length)?;
        let status = status(high.as_raw_fd())?;
        Ok(Self { number: high.into_raw_fd(), identity: (status.st_dev, status.st_ino) })
    }

    /// Whether it is still that of this file.
    fn is_ours(&self) -> bool {
        status(self.number).is_ok_and(|status| (status.st_dev, status.st_ino) == self.identity)
    }

    /// Calls a function with the descriptor, if it is still that of this file.
    fn with<T>(&self, work: impl FnOnce(&OwnedFd) -> T) -> Option<T> {
        if !self.is_ours() {
            return None;
        }
        // SAFETY: the descriptor is the one that `new` opened.
        let file = ManuallyDrop::new(unsafe { OwnedFd::from_raw_fd(self.number) });
        Some(work(&file))
    }

    /// The descriptor, to be owned by the caller, who is the only one that calls this.
    fn give(&self) -> Option<OwnedFd> {
        // SAFETY: as in `with`; nobody uses it after this.
        self.with(|file| unsafe { OwnedFd::from_raw_fd(file.as_raw_fd()) })
    }
}

fn status(descriptor: RawFd) -> io::Result<libc::stat> {
    // SAFETY: the struct is local, and the kernel writes nothing else. A system call of its own, for the stub takes fstat.
    unsafe {
        let mut status: libc::stat = core::mem::zeroed();
        match libc::syscall(libc::SYS_fstat, descriptor, &raw mut status) {
            0 => Ok(status),
            _ => Err(io::Error::last_os_error()),
        }
    }
}
