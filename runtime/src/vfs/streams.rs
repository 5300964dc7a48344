//! C streams: fopen(3) and freopen(3), which glibc opens past the exported names.

use core::ffi::{CStr, c_char, c_int};

use libc::FILE;

use super::descriptor;
use super::resolve::{self, Manner};
use super::system::{self, Errno, PathArgument, Result, next, to_c};

/// The flags of open(2) that a mode means (fopen(3)).
fn flags(mode: &CStr) -> Result<c_int> {
    let (first, rest) = mode.to_bytes().split_first().ok_or(Errno(libc::EINVAL))?;
    let (mut access, mut more) = match first {
        b'r' => (libc::O_RDONLY, 0),
        b'w' => (libc::O_WRONLY, libc::O_CREAT | libc::O_TRUNC),
        b'a' => (libc::O_WRONLY, libc::O_CREAT | libc::O_APPEND),
        _ => return Err(Errno(libc::EINVAL)),
    };
    for letter in rest.iter().take_while(|letter| **letter != b',') {
        match letter {
            b'+' => access = libc::O_RDWR,
            b'x' => more |= libc::O_EXCL,
            b'e' => more |= libc::O_CLOEXEC,
            _ => {}
        }
    }
    Ok(access | more)
}

/// Whether a mode only reads.
fn reads(mode: &CStr) -> bool {
    flags(mode) == Ok(libc::O_RDONLY) || flags(mode) == Ok(libc::O_RDONLY | libc::O_CLOEXEC)
}

const fn manner(reads: bool) -> Manner {
    Manner { follows: true, reads, names: false }
}

/// fopen(3).
pub fn fopen(path: PathArgument, mode: &CStr) -> *mut FILE {
    type Function = unsafe extern "C" fn(*const c_char, *const c_char) -> *mut FILE;
    let real = |_, path: PathArgument| match next!(c"fopen64" as Function) {
        // SAFETY: the path is null or a live string, as is the mode.
        Some(function) => unsafe { function(path.pointer(), mode.as_ptr()) },
        None => to_c(Err(Errno(libc::ENOSYS))),
    };
    resolve::through(libc::AT_FDCWD, path, manner(reads(mode)), real, |mount, found| {
        let file = descriptor::open_found(mount, found, flags(mode)?)?;
        // SAFETY: the descriptor was just opened; the stream has it now.
        let stream = unsafe { libc::fdopen(file, mode.as_ptr()) };
        if stream.is_null() {
            let error = system::last_error();
            system::close(file);
            return Err(error);
        }
        Ok(stream)
    })
}

/// freopen(3).
///
/// # Safety
/// `stream` is an open stream. `path` may be null: then only the mode changes.
pub unsafe fn freopen(path: PathArgument, mode: &CStr, stream: *mut FILE) -> *mut FILE {
    type Function = unsafe extern "C" fn(*const c_char, *const c_char, *mut FILE) -> *mut FILE;
    let real = |path: PathArgument| match next!(c"freopen64" as Function) {
        // SAFETY: from the contract; the path is null or a live string, as is the mode.
        Some(function) => unsafe { function(path.pointer(), mode.as_ptr(), stream) },
        None => to_c(Err(Errno(libc::ENOSYS))),
    };
    if path.pointer().is_null() {
        return real(path);
    }
    // glibc closes the stream's file whether or not the new one opens: so it is asked once, with the right path.
    let opened = resolve::through(
        libc::AT_FDCWD,
        path,
        manner(reads(mode)),
        |directory, path| system::openat(directory, path, libc::O_PATH | libc::O_CLOEXEC, 0),
        |mount, found| {
            descriptor::open_found(mount, found, flags(mode)? & !libc::O_CLOEXEC | libc::O_CLOEXEC)
        },
    );
    if opened < 0 || descriptor::node_of(opened).is_none() {
        let error = system::errno();
        if opened >= 0 {
            system::close(opened);
        }
        let stream = real(path);
        // To the kernel all below the executable is below a file.
        if stream.is_null() && opened < 0 && system::errno() == libc::ENOTDIR {
            system::set_errno(error);
        }
        return stream;
    }
    let result = match descriptor::path_of(opened) {
        Ok(mut link) => real(link.argument()),
        Err(error) => to_c(Err(error)),
    };
    system::close(opened);
    result
}
