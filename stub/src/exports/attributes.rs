//! Extended attributes, and what a file system says about itself.

use core::ffi::{c_char, c_int, c_long, c_void};

use snapfreeze_runtime::vfs::attributes::{self, Subject};

use super::{argument, export};

export! {
    fn getxattr(path: *const c_char, name: *const c_char, value: *mut c_void, size: usize) -> isize {
        attributes::get(Subject::Path(argument(path)), name, value, size)
    }
    fn lgetxattr(path: *const c_char, name: *const c_char, value: *mut c_void, size: usize) -> isize {
        attributes::get(Subject::Link(argument(path)), name, value, size)
    }
    fn fgetxattr(file: c_int, name: *const c_char, value: *mut c_void, size: usize) -> isize {
        attributes::get(Subject::Descriptor(file), name, value, size)
    }
    fn listxattr(path: *const c_char, list: *mut c_char, size: usize) -> isize {
        attributes::list(Subject::Path(argument(path)), list, size)
    }
    fn llistxattr(path: *const c_char, list: *mut c_char, size: usize) -> isize {
        attributes::list(Subject::Link(argument(path)), list, size)
    }
    fn flistxattr(file: c_int, list: *mut c_char, size: usize) -> isize {
        attributes::list(Subject::Descriptor(file), list, size)
    }
    fn setxattr(
        path: *const c_char,
        name: *const c_char,
        value: *const c_void,
        size: usize,
        flags: c_int,
    ) -> c_int {
        attributes::set(Subject::Path(argument(path)), name, value, size, flags)
    }
    fn lsetxattr(
        path: *const c_char,
        name: *const c_char,
        value: *const c_void,
        size: usize,
        flags: c_int,
    ) -> c_int {
        attributes::set(Subject::Link(argument(path)), name, value, size, flags)
    }
    fn fsetxattr(
        file: c_int,
        name: *const c_char,
        value: *const c_void,
        size: usize,
        flags: c_int,
    ) -> c_int {
        attributes::set(Subject::Descriptor(file), name, value, size, flags)
    }
    fn removexattr(path: *const c_char, name: *const c_char) -> c_int {
        attributes::remove(Subject::Path(argument(path)), name)
    }
    fn lremovexattr(path: *const c_char, name: *const c_char) -> c_int {
        attributes::remove(Subject::Link(argument(path)), name)
    }
    fn fremovexattr(file: c_int, name: *const c_char) -> c_int {
        attributes::remove(Subject::Descriptor(file), name)
    }
    fn statvfs(path: *const c_char, buffer: *mut libc::statvfs64) -> c_int {
        attributes::statvfs(argument(path), buffer)
    }
    fn statvfs64(path: *const c_char, buffer: *mut libc::statvfs64) -> c_int {
        attributes::statvfs(argument(path), buffer)
    }
    fn fstatvfs(file: c_int, buffer: *mut libc::statvfs64) -> c_int {
        attributes::fstatvfs(file, buffer)
    }
    fn fstatvfs64(file: c_int, buffer: *mut libc::statvfs64) -> c_int {
        attributes::fstatvfs(file, buffer)
    }
    fn statfs(path: *const c_char, buffer: *mut libc::statfs64) -> c_int {
        attributes::statfs(argument(path), buffer)
    }
    fn statfs64(path: *const c_char, buffer: *mut libc::statfs64) -> c_int {
        attributes::statfs(argument(path), buffer)
    }
    fn fstatfs(file: c_int, buffer: *mut libc::statfs64) -> c_int {
        attributes::fstatfs(file, buffer)
    }
    fn fstatfs64(file: c_int, buffer: *mut libc::statfs64) -> c_int {
        attributes::fstatfs(file, buffer)
    }
    fn pathconf(path: *const c_char, name: c_int) -> c_long {
        attributes::pathconf(argument(path), name)
    }
}
