//! A path under construction, on the stack: resolving allocates nothing, so that it works between vfork and exec.

use core::ffi::CStr;
use core::mem::MaybeUninit;

use super::system::{Errno, PathArgument, Result};

/// Longest path, with its NUL (limits.h, `PATH_MAX`).
const CAPACITY: usize = libc::PATH_MAX as usize;

/// A path of at most `PATH_MAX` bytes, its NUL included.
pub struct PathBuffer {
    bytes: [MaybeUninit<u8>; CAPACITY],
    length: usize,
}

impl PathBuffer {
    /// An empty path.
    pub fn new() -> Self {
        Self { bytes: [const { MaybeUninit::uninit() }; CAPACITY], length: 0 }
    }

    /// The path so far.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: the first `length` bytes have been written by `push`; a byte and a MaybeUninit of it are the same size.
        unsafe { core::slice::from_raw_parts(self.bytes.as_ptr().cast(), self.length) }
    }

    /// Puts bytes at the end.
    ///
    /// # Errors
    /// ENAMETOOLONG when they do not fit.
    pub fn push(&mut self, more: &[u8]) -> Result<()> {
        let end = self.length + more.len();
        if end >= CAPACITY {
            return Err(Errno(libc::ENAMETOOLONG));
        }
        for (place, byte) in self.bytes[self.length..end].iter_mut().zip(more) {
            place.write(*byte);
        }
        self.length = end;
        Ok(())
    }

    /// Keeps the first `length` bytes.
    pub fn truncate(&mut self, length: usize) {
        self.length = self.length.min(length);
    }

    /// Removes the last `/` and what follows it; what is left of `/usr` is empty.
    pub fn pop(&mut self) {
        let end = self.bytes().iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        self.truncate(end);
    }

    /// What `fill` writes into a slice of the whole capacity; it returns the length.
    ///
    /// # Errors
    /// Those of `fill`, and ENAMETOOLONG when it has filled everything: there may be more.
    pub fn fill(&mut self, fill: impl FnOnce(&mut [u8]) -> Result<usize>) -> Result<()> {
        for place in &mut self.bytes {
            place.write(0);
        }
        // SAFETY: all bytes were just written.
        let all = unsafe { core::slice::from_raw_parts_mut(self.bytes.as_mut_ptr().cast::<u8>(), CAPACITY) };
        self.length = 0;
        let length = fill(all)?;
        if length >= CAPACITY {
            return Err(Errno(libc::ENAMETOOLONG));
        }
        self.length = length;
        Ok(())
    }

    /// The path as C wants it.
    pub fn argument(&mut self) -> PathArgument<'_> {
        if let Some(end) = self.bytes.get_mut(self.length) {
            end.write(0);
        }
        // SAFETY: `length` is below the capacity, the bytes before it are written, and so is the NUL.
        unsafe { PathArgument::new(self.bytes.as_ptr().cast()) }
    }

    /// The path as a C string; it is cut at a NUL, which no path has.
    pub fn c_str(&mut self) -> &CStr {
        // SAFETY: what `argument` points to ends with a NUL.
        unsafe { CStr::from_ptr(self.argument().pointer()) }
    }
}
