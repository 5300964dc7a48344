//! Memory for objects that are never freed.

use core::ptr::{self, NonNull};

use crate::cpython::arenas;
use crate::os::pages::map;

/// What addresses of objects are multiples of, as CPython's allocator has them.
pub const ALIGNMENT: usize = 16;

/// Objects that are longer than this have pages of their own.
const LARGE: usize = 64 << 10;

/// Length of the first chunk: enough for a small program.
const FIRST: usize = 256 << 10;

/// Takes memory from the start of a chunk until there is too little left.
pub struct Memory {
    /// The next free byte.
    next: *mut u8,
    left: usize,
    /// Length of the chunks after the first: of CPython's arenas, of which one may be ready.
    chunk: usize,
}

impl Memory {
    /// `chunk` is the length of CPython's arenas.
    pub fn new(chunk: usize) -> Self {
        Self { next: ptr::null_mut(), left: 0, chunk }
    }

    /// Memory of this length, zeroed. None where there is none left.
    pub fn take(&mut self, length: usize) -> Option<NonNull<u8>> {
        let length = length.checked_next_multiple_of(ALIGNMENT)?;
        if length > self.left {
            if length > LARGE {
                return map(length).and_then(|memory| NonNull::new(memory.cast()));
            }
            let (chunk, length) = if self.next.is_null() {
                (map(FIRST)?, FIRST)
            } else {
                (arenas::more(self.chunk), self.chunk)
            };
            (self.next, self.left) = (NonNull::new(chunk)?.as_ptr().cast(), length);
        }
        let taken = NonNull::new(self.next)?;
        self.next = self.next.wrapping_add(length);
        self.left -= length;
        Some(taken)
    }
}
