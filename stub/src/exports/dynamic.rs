//! The dynamic linker's functions.

use core::ffi::{c_char, c_int, c_void};

use snapfreeze_runtime::vfs::library;

use super::export_plain;

/// dlopen of libc: glibc takes the return address for the caller, so its dlopen is jumped to with the stack as it was;
/// only the path may be another one.
///
/// # Safety
/// Its manual page's.
#[cfg(target_arch = "x86_64")]
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dlopen(path: *const c_char, flags: c_int) -> *mut c_void {
    core::arch::naked_asm!(
        "endbr64",
        "push rdi",
        "push rsi",
        "sub rsp, 8",
        "call {path}",
        "mov qword ptr [rsp + 16], rax",
        "call {real}",
        "add rsp, 8",
        "pop rsi",
        "pop rdi",
        "jmp rax",
        path = sym dlopen_path,
        real = sym real_dlopen,
    )
}

unsafe extern "C" fn dlopen_path(path: *const c_char, flags: c_int) -> *const c_char {
    // SAFETY: the argument of dlopen, which is null or a string.
    unsafe { library::dlopen_path(path, flags) }
}

extern "C" fn real_dlopen() -> *const c_void {
    library::real_dlopen()
}

export_plain! {
    fn dlerror() -> *mut c_char {
        library::dlerror()
    }
}

/// dlclose of libc.
///
/// # Safety
/// Its manual page's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dlclose(handle: *mut c_void) -> c_int {
    // SAFETY: passed on.
    unsafe { library::dlclose(handle) }
}
