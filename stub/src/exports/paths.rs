//! Questions about paths, and the working directory.

use core::ffi::{c_char, c_int};

use libc::AT_FDCWD;
use snapfreeze_runtime::vfs::{paths, working_directory};

use super::{argument, export, export_plain};

export_plain! {
    fn fchdir(file: c_int) -> c_int {
        working_directory::fchdir(file)
    }
    fn get_current_dir_name() -> *mut c_char {
        working_directory::current_directory_name()
    }
}

export! {
    fn access(path: *const c_char, mode: c_int) -> c_int {
        paths::access(AT_FDCWD, argument(path), mode, 0)
    }
    fn faccessat(directory: c_int, path: *const c_char, mode: c_int, flags: c_int) -> c_int {
        paths::access(directory, argument(path), mode, flags)
    }
    fn euidaccess(path: *const c_char, mode: c_int) -> c_int {
        paths::access(AT_FDCWD, argument(path), mode, libc::AT_EACCESS)
    }
    fn eaccess(path: *const c_char, mode: c_int) -> c_int {
        paths::access(AT_FDCWD, argument(path), mode, libc::AT_EACCESS)
    }
    fn readlink(path: *const c_char, buffer: *mut c_char, length: usize) -> isize {
        paths::readlink(AT_FDCWD, argument(path), buffer, length)
    }
    fn readlinkat(directory: c_int, path: *const c_char, buffer: *mut c_char, length: usize) -> isize {
        paths::readlink(directory, argument(path), buffer, length)
    }
    fn __readlink_chk(path: *const c_char, buffer: *mut c_char, length: usize, _size: usize) -> isize {
        paths::readlink(AT_FDCWD, argument(path), buffer, length)
    }
    fn __readlinkat_chk(
        directory: c_int,
        path: *const c_char,
        buffer: *mut c_char,
        length: usize,
        _size: usize,
    ) -> isize {
        paths::readlink(directory, argument(path), buffer, length)
    }
    fn realpath(path: *const c_char, buffer: *mut c_char) -> *mut c_char {
        paths::realpath(argument(path), buffer)
    }
    fn __realpath_chk(path: *const c_char, buffer: *mut c_char, _size: usize) -> *mut c_char {
        paths::realpath(argument(path), buffer)
    }
    fn canonicalize_file_name(path: *const c_char) -> *mut c_char {
        paths::realpath(argument(path), core::ptr::null_mut())
    }
    fn chdir(path: *const c_char) -> c_int {
        working_directory::chdir(argument(path))
    }
    fn getcwd(buffer: *mut c_char, size: usize) -> *mut c_char {
        working_directory::getcwd(buffer, size)
    }
    fn __getcwd_chk(buffer: *mut c_char, size: usize, _capacity: usize) -> *mut c_char {
        working_directory::getcwd(buffer, size)
    }
    fn getwd(buffer: *mut c_char) -> *mut c_char {
        working_directory::getcwd(buffer, libc::PATH_MAX as usize)
    }
}
