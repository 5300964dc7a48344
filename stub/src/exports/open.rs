//! Opening files.

use core::ffi::{c_char, c_int};

use libc::{AT_FDCWD, mode_t};
use snapfreeze_runtime::vfs::descriptor::open as open_at;

use super::{argument, export};

/// What creat(2) is short for.
const CREATE: c_int = libc::O_CREAT | libc::O_WRONLY | libc::O_TRUNC;

export! {
    fn open(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
        open_at(AT_FDCWD, argument(path), flags, mode)
    }
    fn open64(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
        open_at(AT_FDCWD, argument(path), flags, mode)
    }
    fn openat(directory: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
        open_at(directory, argument(path), flags, mode)
    }
    fn openat64(directory: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
        open_at(directory, argument(path), flags, mode)
    }
    fn creat(path: *const c_char, mode: mode_t) -> c_int {
        open_at(AT_FDCWD, argument(path), CREATE, mode)
    }
    fn creat64(path: *const c_char, mode: mode_t) -> c_int {
        open_at(AT_FDCWD, argument(path), CREATE, mode)
    }
    fn __open_2(path: *const c_char, flags: c_int) -> c_int {
        open_at(AT_FDCWD, argument(path), flags, 0)
    }
    fn __open64_2(path: *const c_char, flags: c_int) -> c_int {
        open_at(AT_FDCWD, argument(path), flags, 0)
    }
    fn __openat_2(directory: c_int, path: *const c_char, flags: c_int) -> c_int {
        open_at(directory, argument(path), flags, 0)
    }
    fn __openat64_2(directory: c_int, path: *const c_char, flags: c_int) -> c_int {
        open_at(directory, argument(path), flags, 0)
    }
}
