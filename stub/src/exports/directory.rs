//! Directory streams. On 64-bit systems the two forms of an entry are one.

use core::ffi::{c_char, c_int, c_long};

use libc::{AT_FDCWD, DIR, dirent64};
use snapfreeze_runtime::vfs::directory::{self, Compare, Filter};

use super::{argument, export, export_plain};

export_plain! {
    fn fdopendir(file: c_int) -> *mut DIR {
        directory::fdopendir(file)
    }
}

export! {
    fn opendir(path: *const c_char) -> *mut DIR {
        directory::opendir(argument(path))
    }
    fn readdir(stream: *mut DIR) -> *mut dirent64 {
        directory::readdir(stream)
    }
    fn readdir64(stream: *mut DIR) -> *mut dirent64 {
        directory::readdir(stream)
    }
    fn readdir_r(stream: *mut DIR, entry: *mut dirent64, result: *mut *mut dirent64) -> c_int {
        directory::readdir_r(stream, entry, result)
    }
    fn readdir64_r(stream: *mut DIR, entry: *mut dirent64, result: *mut *mut dirent64) -> c_int {
        directory::readdir_r(stream, entry, result)
    }
    fn closedir(stream: *mut DIR) -> c_int {
        directory::closedir(stream)
    }
    fn rewinddir(stream: *mut DIR) {
        directory::rewinddir(stream);
    }
    fn seekdir(stream: *mut DIR, place: c_long) {
        directory::seekdir(stream, place);
    }
    fn telldir(stream: *mut DIR) -> c_long {
        directory::telldir(stream)
    }
    fn dirfd(stream: *mut DIR) -> c_int {
        directory::dirfd(stream)
    }
    fn scandir(
        path: *const c_char,
        list: *mut *mut *mut dirent64,
        filter: Option<Filter>,
        compare: Option<Compare>,
    ) -> c_int {
        directory::scandir(AT_FDCWD, argument(path), list, filter, compare)
    }
    fn scandir64(
        path: *const c_char,
        list: *mut *mut *mut dirent64,
        filter: Option<Filter>,
        compare: Option<Compare>,
    ) -> c_int {
        directory::scandir(AT_FDCWD, argument(path), list, filter, compare)
    }
    fn scandirat(
        directory: c_int,
        path: *const c_char,
        list: *mut *mut *mut dirent64,
        filter: Option<Filter>,
        compare: Option<Compare>,
    ) -> c_int {
        directory::scandir(directory, argument(path), list, filter, compare)
    }
    fn scandirat64(
        directory: c_int,
        path: *const c_char,
        list: *mut *mut *mut dirent64,
        filter: Option<Filter>,
        compare: Option<Compare>,
    ) -> c_int {
        directory::scandir(directory, argument(path), list, filter, compare)
    }
}
