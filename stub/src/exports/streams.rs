//! C streams. On 64-bit systems the two forms of each function are one.

use core::ffi::{CStr, c_char};

use libc::FILE;
use snapfreeze_runtime::vfs::streams;

use super::{argument, export};

export! {
    fn fopen(path: *const c_char, mode: *const c_char) -> *mut FILE {
        streams::fopen(argument(path), CStr::from_ptr(mode))
    }
    fn fopen64(path: *const c_char, mode: *const c_char) -> *mut FILE {
        streams::fopen(argument(path), CStr::from_ptr(mode))
    }
    fn freopen(path: *const c_char, mode: *const c_char, stream: *mut FILE) -> *mut FILE {
        streams::freopen(argument(path), CStr::from_ptr(mode), stream)
    }
    fn freopen64(path: *const c_char, mode: *const c_char, stream: *mut FILE) -> *mut FILE {
        streams::freopen(argument(path), CStr::from_ptr(mode), stream)
    }
}
