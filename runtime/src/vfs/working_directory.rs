//! The working directory, when it is in the tree.
//!
//! The kernel has none there, so it keeps the one it had; while ours is set, relative paths are relative to ours. A
//! child between vfork and exec shares our memory: what it sets would be set here, so it is refused. When it goes to a
//! real directory, that is noted for itself alone.

use core::ffi::{c_char, c_int};
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};

use super::descriptor;
use super::path_buffer::PathBuffer;
use super::resolve::{self, CHANGES};
use super::system::{self, Errno, PathArgument, Result, errno, next, to_c};
use super::{Mount, mounted};
use crate::archive::{Node, NodeContent, layout::NONE};

/// The node that is the working directory, or [`NONE`].
static NODE: AtomicU32 = AtomicU32::new(NONE);

/// The process that this memory belongs to.
static PROCESS: AtomicI32 = AtomicI32::new(0);

/// The child between vfork and exec that has last gone to a real directory, or 0.
static LEFT: AtomicI32 = AtomicI32::new(0);

/// The node that is the working directory, if it is in the tree.
#[inline]
pub fn node() -> Option<u32> {
    let node = NODE.load(Ordering::Relaxed);
    (node != NONE && !has_left()).then_some(node)
}

/// Whether this process is a child that has a real working directory while its memory's owner has one in the tree.
fn has_left() -> bool {
    let left = LEFT.load(Ordering::Relaxed);
    left != 0 && left == system::process()
}

/// Keeps [`PROCESS`] right in children of fork; those of vfork do not come by here.
pub fn watch_forks() {
    unsafe extern "C" fn in_child() {
        PROCESS.store(system::process(), Ordering::Relaxed);
        LEFT.store(0, Ordering::Relaxed);
    }
    PROCESS.store(system::process(), Ordering::Relaxed);
    // SAFETY: the handler only stores an integer.
    unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
}

/// Whether this process has its memory for itself.
pub fn owns_memory() -> bool {
    PROCESS.load(Ordering::Relaxed) == system::process()
}

/// Makes a node the working directory.
fn enter(mount: &Mount, node: &Node) -> Result<c_int> {
    if !matches!(node.content, NodeContent::Directory(_)) || !owns_memory() {
        return Err(Errno(libc::ENOTDIR));
    }
    mount.parent(node.number); // makes the table now
    NODE.store(node.number, Ordering::Relaxed);
    Ok(0)
}

/// The kernel's working directory counts again.
fn leave(result: c_int) -> c_int {
    if result == 0 && node().is_some() {
        match owns_memory() {
            true => NODE.store(NONE, Ordering::Relaxed),
            false => LEFT.store(system::process(), Ordering::Relaxed),
        }
    }
    result
}

/// chdir(2).
pub fn chdir(path: PathArgument) -> c_int {
    resolve::through(
        libc::AT_FDCWD,
        path,
        CHANGES,
        |_, path| leave(system::chdir(path)),
        |mount, found| enter(mount, &found.present()?),
    )
}

/// fchdir(2).
pub fn fchdir(file: c_int) -> c_int {
    let result = leave(system::fchdir(file));
    if result < 0
        && errno() == libc::ENOTDIR
        && let Some((mount, node)) = descriptor::node_of(file)
    {
        return to_c(enter(mount, &node));
    }
    result
}

/// The path of the working directory, if it is in the tree.
fn path() -> Option<Result<PathBuffer>> {
    let (mount, node) = (mounted()?, node()?);
    let mut path = PathBuffer::new();
    Some(mount.push_path(node, &mut path).map(|()| path))
}

/// getcwd(3).
///
/// # Safety
/// `buffer` is null or can hold `size` bytes.
pub unsafe fn getcwd(buffer: *mut c_char, size: usize) -> *mut c_char {
    type Function = unsafe extern "C" fn(*mut c_char, usize) -> *mut c_char;
    // SAFETY: from the contract.
    to_c(unsafe {
        match path() {
            Some(path) => path.and_then(|path| copy_out(path.bytes(), buffer, size)),
            None => match next!(c"getcwd" as Function) {
                Some(function) => return function(buffer, size),
                None => Err(Errno(libc::ENOSYS)),
            },
        }
    })
}

/// get_current_dir_name(3).
pub fn current_directory_name() -> *mut c_char {
    // SAFETY: a null buffer; and glibc's function has no conditions.
    to_c(unsafe {
        match path() {
            Some(path) => path.and_then(|path| copy_out(path.bytes(), core::ptr::null_mut(), 0)),
            None => match next!(c"get_current_dir_name" as unsafe extern "C" fn() -> *mut c_char) {
                Some(function) => return function(),
                None => Err(Errno(libc::ENOSYS)),
            },
        }
    })
}

/// Copies a path into a buffer of that size; if it is null, into memory of malloc, as long as needed for size 0.
///
/// # Safety
/// `buffer` is null or can hold `size` bytes.
pub unsafe fn copy_out(path: &[u8], buffer: *mut c_char, size: usize) -> Result<*mut c_char> {
    let needed = path.len() + 1;
    if size == 0 && !buffer.is_null() {
        return Err(Errno(libc::EINVAL));
    }
    if size != 0 && needed > size {
        return Err(Errno(libc::ERANGE));
    }
    // SAFETY: malloc has no conditions; what it gives, like the caller's buffer, holds the path and its NUL.
    unsafe {
        let place = if buffer.is_null() { libc::malloc(needed.max(size)).cast() } else { buffer };
        if place.is_null() {
            return Err(Errno(libc::ENOMEM));
        }
        core::ptr::copy_nonoverlapping(path.as_ptr().cast(), place, path.len());
        place.add(path.len()).write(0);
        Ok(place)
    }
}
