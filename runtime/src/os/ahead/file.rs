//! A memory file that is filled ahead of its use.
//!
//! Filled through a mapping, not by its descriptor: a program may close descriptors that it does not know and get their
//! numbers for files of its own. For that reason its number is high, away from those that the program's own get, and
//! before it is used or closed it is compared with the file that it was given to.

use core::mem::ManuallyDrop;
use core::ops::Range;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::OnceLock;

use super::work::{CLAIMED, DONE, FAILED, State, TAKEN};
use crate::archive::Extent;
use crate::os::memory_file::{self, MemoryFile};

/// Lowest descriptor. The kernel's table of descriptors has room for 256 once there is one as high as this.
pub const LOWEST_DESCRIPTOR: RawFd = 128;

/// A native file of the archive.
pub struct File {
    pub content: Extent,
    /// Its name in /proc/self/maps.
    name: CString,
    /// Numbers of the pieces of work that fill it.
    pub pieces: Range<usize>,
    length: usize,
    place: OnceLock<Option<Place>>,
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

/// A descriptor and the file's bytes.
struct Place {
    descriptor: RawFd,
    identity: (libc::dev_t, libc::ino_t),
    /// Null once it is not mapped any more.
    memory: AtomicPtr<u8>,
}

impl File {
    pub fn new(content: Extent, name: CString, pieces: Range<usize>, length: usize) -> Self {
        Self {
            content,
            name,
            length,
            place: OnceLock::new(),
            left: AtomicUsize::new(pieces.len()),
            pieces,
            filled: AtomicUsize::new(0),
            is_spoiled: AtomicBool::new(false),
            is_taken: AtomicBool::new(false),
            state: State::new(CLAIMED),
        }
    }

    /// Whether anything of it was begun.
    pub fn is_begun(&self) -> bool {
        self.place.get().is_some()
    }

    /// Whether there is something of it, for somebody who has not asked for it yet.
    pub fn is_ready(&self) -> bool {
        let is_there = self.place.get().is_some_and(Option::is_some);
        is_there && !self.is_taken.load(Ordering::Acquire) && self.state.get() != FAILED
    }

    /// A part of the file, for the one who has claimed the piece of work that fills it; none where there is no file.
    ///
    /// # Safety
    /// Nobody else uses this part.
    #[expect(
        clippy::mut_from_ref,
        reason = "it is the kernel's memory; who may write to which part, claims decide"
    )]
    pub unsafe fn part(&self, range: Range<usize>) -> Option<&mut [u8]> {
        let place = self.place.get_or_init(|| Place::new(&self.name, self.length).ok()).as_ref()?;
        let memory = NonNull::new(place.memory.load(Ordering::Acquire))?;
        if range.start > range.end || range.end > self.length {
            return None;
        }
        // SAFETY: the mapping is `length` bytes long, and stays until the last claim of a part has ended; nobody else has
        // this part, from the contract.
        let part = unsafe { core::slice::from_raw_parts_mut(memory.as_ptr().add(range.start), range.len()) };
        memory_file::populate(part);
        Some(part)
    }

    /// Says that one piece of work is over, and whether it could be done. The last one seals the file.
    pub fn end_piece(&self, length: usize, is_done: bool) {
        if is_done {
            self.filled.fetch_add(length, Ordering::Relaxed);
        } else {
            self.is_spoiled.store(true, Ordering::Relaxed);
        }
        if self.left.fetch_sub(1, Ordering::AcqRel) != 1 {
            return;
        }
        let place = self.place.get().and_then(Option::as_ref);
        let is_sealed = place.is_some_and(|place| {
            place.unmap(self.length);
            !self.is_spoiled.load(Ordering::Relaxed)
                && place.with(memory_file::add_seals).is_some_and(|seals| seals.is_ok())
        });
        if !is_sealed {
            drop(place.and_then(Place::give));
        }
        self.state.end(if is_sealed { DONE } else { FAILED });
    }

    /// Its descriptor.
    #[cfg(test)]
    pub fn descriptor(&self) -> Option<RawFd> {
        Some(self.place.get()?.as_ref()?.descriptor)
    }

    /// The sealed file, for the one who has taken it.
    pub fn give(&self) -> Option<OwnedFd> {
        if !self.state.change(DONE, TAKEN) {
            return None;
        }
        self.place.get()?.as_ref()?.give()
    }
}

impl Place {
    /// A new memory file with a high descriptor, mapped. Without malloc: that would give the thread an arena.
    fn new(name: &CString, length: usize) -> io::Result<Self> {
        let low = memory_file::create(name, false)?;
        // SAFETY: a call without pointers, on a descriptor that is open and ours.
        let high = memory_file::owned(unsafe {
            libc::fcntl(low.as_raw_fd(), libc::F_DUPFD_CLOEXEC, LOWEST_DESCRIPTOR)
        })?;
        drop(low);
        // Should the program have closed the low one just then, and opened a file of its own, that is left alone.
        let status = status(high.as_raw_fd())?;
        if status.st_nlink != 0 || status.st_size != 0 {
            return Err(io::Error::from_raw_os_error(libc::EBADF));
        }
        let mut file = MemoryFile::over(high, length)?;
        let memory = file.bytes().as_mut_ptr();
        Ok(Self {
            descriptor: file.leak(),
            identity: (status.st_dev, status.st_ino),
            memory: AtomicPtr::new(memory),
        })
    }

    fn unmap(&self, length: usize) {
        let memory = self.memory.swap(core::ptr::null_mut(), Ordering::AcqRel);
        if !memory.is_null() {
            // SAFETY: the mapping that `new` made, which nobody uses any more: all pieces are over.
            unsafe { libc::munmap(memory.cast(), length) };
        }
    }

    /// Calls a function with the descriptor, if it is still that of this file.
    fn with<T>(&self, work: impl FnOnce(&OwnedFd) -> T) -> Option<T> {
        let status = status(self.descriptor).ok()?;
        if (status.st_dev, status.st_ino) != self.identity {
            return None;
        }
        // SAFETY: the descriptor is the one that `new` opened.
        let file = ManuallyDrop::new(unsafe { OwnedFd::from_raw_fd(self.descriptor) });
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
