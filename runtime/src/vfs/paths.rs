//! Questions about paths: may it be read, where does a link point, what is the path without links.

use core::ffi::{c_char, c_int};

use super::Mount;
use super::descriptor;
use super::path_buffer::PathBuffer;
use super::resolve::{self, Found, Manner, READS, READS_LINK};
use super::system::{self, Errno, PathArgument, Result, next, to_c};
use super::working_directory::copy_out;
use crate::archive::{Node, NodeContent};

/// faccessat(3), and access(2) with `AT_FDCWD` and no flags.
pub fn access(directory: c_int, path: PathArgument, mode: c_int, flags: c_int) -> c_int {
    let real = |directory, path: PathArgument| system::faccessat(directory, path, mode, flags);
    let manner = Manner { follows: flags & libc::AT_SYMLINK_NOFOLLOW == 0, reads: true, names: false };
    resolve::through(directory, path, manner, real, |_, found| {
        if mode & !(libc::R_OK | libc::W_OK | libc::X_OK) != 0 {
            return Err(Errno(libc::EINVAL));
        }
        let node = found.present()?;
        if mode & libc::W_OK != 0 {
            return Err(Errno(libc::EROFS));
        }
        let is_program = node.mode & 0o111 != 0 || !matches!(node.content, NodeContent::File(_));
        if mode & libc::X_OK != 0 && !is_program {
            return Err(Errno(libc::EACCES));
        }
        Ok(0)
    })
}

/// readlinkat(2).
///
/// # Safety
/// `buffer` can hold `length` bytes.
pub unsafe fn readlink(directory: c_int, path: PathArgument, buffer: *mut c_char, length: usize) -> isize {
    let copy = |node: &Node| match node.content {
        // SAFETY: from the contract.
        NodeContent::Symlink(target) => unsafe {
            let length = target.len().min(length);
            core::ptr::copy_nonoverlapping(target.as_ptr().cast(), buffer, length);
            Ok(length as isize)
        },
        _ => Err(Errno(libc::EINVAL)),
    };
    if path.bytes().is_empty()
        && directory != libc::AT_FDCWD
        && let Some((_, node)) = descriptor::node_of(directory)
    {
        return to_c(copy(&node));
    }
    resolve::through(
        directory,
        path,
        READS_LINK,
        // SAFETY: from the contract.
        |directory, path| unsafe { system::readlinkat(directory, path, buffer, length) },
        |_, found| copy(&found.present()?),
    )
}

/// realpath(3).
///
/// # Safety
/// `buffer` is null or can hold `PATH_MAX` bytes.
pub unsafe fn realpath(path: PathArgument, buffer: *mut c_char) -> *mut c_char {
    type Function = unsafe extern "C" fn(*const c_char, *mut c_char) -> *mut c_char;
    resolve::through(
        libc::AT_FDCWD,
        path,
        READS,
        |_, path| match next!(c"realpath" as Function) {
            // SAFETY: from the contract; the path is null or a live string.
            Some(function) => unsafe { function(path.pointer(), buffer) },
            None => to_c(Err(Errno(libc::ENOSYS))),
        },
        |mount, found| {
            let path = path_of(mount, found)?;
            let size = if buffer.is_null() { 0 } else { libc::PATH_MAX as usize };
            // SAFETY: from the contract.
            unsafe { copy_out(path.bytes(), buffer, size) }
        },
    )
}

/// The path of what was found, without links.
fn path_of(mount: &Mount, found: Found) -> Result<PathBuffer> {
    let mut path = PathBuffer::new();
    mount.push_path(found.present()?.number, &mut path)?;
    Ok(path)
}
