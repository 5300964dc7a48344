//! Rust's memory, from malloc; where there is none left the process ends with a message and an exit code, not by a
//! signal. Python's own memory is not concerned: it raises MemoryError.

use core::ptr::NonNull;
use std::alloc::{GlobalAlloc, Layout, System};

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

struct Allocator;

/// The block, if there is one.
fn checked(block: *mut u8) -> *mut u8 {
    NonNull::new(block).unwrap_or_else(|| out_of_memory()).as_ptr()
}

fn out_of_memory() -> ! {
    const MESSAGE: &[u8] = b"not enough memory: this process is not allowed as much as the program needs\n";
    // SAFETY: pointer and length are of a constant; ending the process has no conditions.
    unsafe {
        libc::write(libc::STDERR_FILENO, MESSAGE.as_ptr().cast(), MESSAGE.len());
        libc::_exit(snapfreeze_runtime::EXIT_UNSUPPORTED)
    }
}

// SAFETY: all work is the system allocator's, under the same contract; the results are only looked at.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: passed on.
        checked(unsafe { System.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: passed on.
        checked(unsafe { System.alloc_zeroed(layout) })
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: passed on.
        checked(unsafe { System.realloc(block, layout, size) })
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: passed on.
        unsafe { System.dealloc(block, layout) };
    }
}
