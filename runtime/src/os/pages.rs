//! Memory straight from the kernel: for large buffers, and where malloc is not to be called.

use core::ffi::c_void;
use core::mem::ManuallyDrop;
use core::ops::Deref;

/// A page, in bytes: the least that a mapping's place is a multiple of, on the targets there are.
pub const PAGE: usize = 4096;

/// Bytes in whole pages of their own, zeroed at first; given back when dropped.
#[derive(Debug)]
pub struct Pages {
    memory: *mut c_void,
    length: usize,
}

// SAFETY: the memory belongs to the value alone, and is not bound to a thread.
unsafe impl Send for Pages {}
// SAFETY: as above; through a shared borrow it can only be read.
unsafe impl Sync for Pages {}

impl Pages {
    /// Memory of this length, which is not zero. None where there is none left.
    pub fn new(length: usize) -> Option<Self> {
        Self::map(length, 0)
    }

    /// As [`new`](Self::new), for memory that is written to at once and as a whole: its pages come together.
    pub fn filled(length: usize) -> Option<Self> {
        Self::map(length, libc::MAP_POPULATE)
    }

    fn map(length: usize, more: libc::c_int) -> Option<Self> {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | more;
        // SAFETY: a fresh mapping, at an address of the kernel's choice.
        let memory = unsafe { libc::mmap(core::ptr::null_mut(), length, access, kind, -1, 0) };
        (memory != libc::MAP_FAILED).then_some(Self { memory, length })
    }

    /// Where it begins.
    pub fn memory(&self) -> *mut c_void {
        self.memory
    }

    /// Its bytes, to be written.
    pub fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: the mapping is `length` bytes long, writable, and only reachable through this borrow.
        unsafe { core::slice::from_raw_parts_mut(self.memory.cast(), self.length) }
    }

    /// Gives up the ownership.
    pub fn into_raw(self) -> *mut c_void {
        ManuallyDrop::new(self).memory
    }

    /// Takes the ownership.
    ///
    /// # Safety
    /// `memory` is from [`into_raw`](Self::into_raw), of pages of this length, and nobody else owns it.
    pub unsafe fn from_raw(memory: *mut c_void, length: usize) -> Self {
        Self { memory, length }
    }
}

/// Has the kernel provide the pages of memory that is about to be written to, in one call instead of a fault for each.
/// Without effect where it cannot (Linux before 5.14), which sets errno.
///
/// # Safety
/// The range begins with a page; the pages that it lies in are the caller's own, and writable.
pub unsafe fn fill(memory: *mut c_void, length: usize) {
    // SAFETY: from the contract; the content of the pages stays.
    unsafe { libc::madvise(memory, length, libc::MADV_POPULATE_WRITE) };
}

/// Memory for whoever gives it back with [`unmap`], zeroed. None where there is none left.
pub fn map(length: usize) -> Option<*mut c_void> {
    Pages::new(length).map(Pages::into_raw)
}

/// Gives pages back to the kernel. No length is no pages.
///
/// # Safety
/// They are from [`map`], whole pages of one mapping that nobody uses any more.
pub unsafe fn unmap(memory: *mut c_void, length: usize) {
    if length > 0 {
        // SAFETY: from the contract.
        unsafe { libc::munmap(memory, length) };
    }
}

impl Deref for Pages {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: the mapping is `length` bytes long and readable; it is written to through `&mut` alone.
        unsafe { core::slice::from_raw_parts(self.memory.cast(), self.length) }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours and has this length; no borrow of its bytes outlives the owner.
        unsafe { unmap(self.memory, self.length) };
    }
}
