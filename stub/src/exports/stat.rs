//! Asking what a file is. On 64-bit systems the two forms of each function are one.

use core::ffi::{c_char, c_int, c_uint};

use libc::{AT_FDCWD, AT_SYMLINK_NOFOLLOW, stat64 as Status};
use snapfreeze_runtime::vfs::status;
use snapfreeze_runtime::vfs::system::{Errno, to_c};

use super::{argument, export};

/// Whether `version` is one of the layouts that `__xstat` and its like know (`_STAT_VER_KERNEL`, `_STAT_VER_LINUX`).
fn is_known(version: c_int) -> bool {
    (0..=1).contains(&version)
}

fn unknown_version() -> c_int {
    to_c(Err(Errno(libc::EINVAL)))
}

export! {
    fn stat(path: *const c_char, buffer: *mut Status) -> c_int {
        status::stat(AT_FDCWD, argument(path), buffer, 0)
    }
    fn stat64(path: *const c_char, buffer: *mut Status) -> c_int {
        status::stat(AT_FDCWD, argument(path), buffer, 0)
    }
    fn lstat(path: *const c_char, buffer: *mut Status) -> c_int {
        status::stat(AT_FDCWD, argument(path), buffer, AT_SYMLINK_NOFOLLOW)
    }
    fn lstat64(path: *const c_char, buffer: *mut Status) -> c_int {
        status::stat(AT_FDCWD, argument(path), buffer, AT_SYMLINK_NOFOLLOW)
    }
    fn fstat(file: c_int, buffer: *mut Status) -> c_int {
        status::fstat(file, buffer)
    }
    fn fstat64(file: c_int, buffer: *mut Status) -> c_int {
        status::fstat(file, buffer)
    }
    fn fstatat(directory: c_int, path: *const c_char, buffer: *mut Status, flags: c_int) -> c_int {
        status::stat(directory, argument(path), buffer, flags)
    }
    fn fstatat64(directory: c_int, path: *const c_char, buffer: *mut Status, flags: c_int) -> c_int {
        status::stat(directory, argument(path), buffer, flags)
    }
    fn statx(
        directory: c_int,
        path: *const c_char,
        flags: c_int,
        mask: c_uint,
        buffer: *mut libc::statx,
    ) -> c_int {
        status::statx(directory, argument(path), flags, mask, buffer)
    }
}

/// The functions that programs linked against glibc before 2.33 call in place of stat and its like.
macro_rules! versioned {
    ($($name:ident, $name64:ident => ($($argument:ident: $kind:ty),*) $body:block)*) => {
        export! {$(
            fn $name(version: c_int, $($argument: $kind),*) -> c_int {
                if !is_known(version) { return unknown_version() }
                $body
            }
            fn $name64(version: c_int, $($argument: $kind),*) -> c_int {
                if !is_known(version) { return unknown_version() }
                $body
            }
        )*}
    };
}

versioned! {
    __xstat, __xstat64 => (path: *const c_char, buffer: *mut Status) {
        status::stat(AT_FDCWD, argument(path), buffer, 0)
    }
    __lxstat, __lxstat64 => (path: *const c_char, buffer: *mut Status) {
        status::stat(AT_FDCWD, argument(path), buffer, AT_SYMLINK_NOFOLLOW)
    }
    __fxstat, __fxstat64 => (file: c_int, buffer: *mut Status) {
        status::fstat(file, buffer)
    }
    __fxstatat, __fxstatat64 => (directory: c_int, path: *const c_char, buffer: *mut Status, flags: c_int) {
        status::stat(directory, argument(path), buffer, flags)
    }
}
