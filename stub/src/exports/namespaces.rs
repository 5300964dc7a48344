//! Changing namespaces: for some of them the kernel demands a process with one thread (unshare(2), setns(2)), so the
//! threads that decompress ahead end before.

use core::ffi::c_int;

use super::export_plain;

export_plain! {
    fn unshare(flags: c_int) -> c_int {
        snapfreeze_runtime::stop_threads();
        // SAFETY: a system call without pointers.
        unsafe { libc::syscall(libc::SYS_unshare, flags) as c_int }
    }
    fn setns(descriptor: c_int, kind: c_int) -> c_int {
        snapfreeze_runtime::stop_threads();
        // SAFETY: as above.
        unsafe { libc::syscall(libc::SYS_setns, descriptor, kind) as c_int }
    }
}
