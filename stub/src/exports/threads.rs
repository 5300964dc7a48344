//! Starting threads.

use core::ffi::{c_int, c_void};

use libc::{pthread_attr_t, pthread_t};
use snapfreeze_runtime::threads::{self, Routine};

/// pthread_create of libc.
///
/// # Safety
/// Its manual page's.
#[cfg(target_arch = "x86_64")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_create(
    thread: *mut pthread_t,
    attributes: *const pthread_attr_t,
    routine: Routine,
    argument: *mut c_void,
) -> c_int {
    // SAFETY: passed on.
    unsafe { threads::create(thread, attributes, routine, argument, begin) }
}

/// Begins a thread that has to wait. Its own routine has no function of this file below it: pthread_exit(3) and
/// pthread_cancel(3) unwind the stack.
#[cfg(target_arch = "x86_64")]
#[unsafe(naked)]
extern "C" fn begin(start: *mut c_void) -> *mut c_void {
    core::arch::naked_asm!(
        "endbr64",
        "sub rsp, 8",
        "call {wait}",
        "add rsp, 8",
        "mov rdi, rdx",
        "jmp rax",
        wait = sym threads::wait,
    )
}
