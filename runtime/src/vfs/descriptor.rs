//! Descriptors: opening files of the tree, and knowing them again.
//!
//! Each open makes a memory file of its own, sealed, with an offset of its own, opened again for reading only: so
//! dup, fork, mmap, sendfile and passing it to another process are the kernel's work. Its time of change is the node's
//! in seconds, and in nanoseconds the node's number. That, with size and permissions, tells a descriptor of ours from
//! any other memory file, however it came here. Directories are empty memory files of the same kind.

use core::ffi::{CStr, c_int, c_uint};
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd};

use libc::{mode_t, stat64};

use super::path_buffer::PathBuffer;
use super::resolve::{self, Found, LONGEST_NAME, Manner};
use super::system::{self, Errno, PathArgument, Result};
use super::{Mount, mounted};
use crate::archive::{Extent, Node, NodeContent};
use crate::os::memory_file::{self, MemoryFile};

/// Largest content that is written piece by piece; larger ones are decompressed in place, on several threads.
const LARGEST_WRITTEN: u64 = 512 << 10;

/// Permission bits that a memory file can always have: those of execution may be sealed.
const PLAIN_MODE: mode_t = 0o666;

/// Flags of open(2) that hold for the descriptor of a file that is there.
const KEPT_FLAGS: c_int = libc::O_CLOEXEC | libc::O_NONBLOCK | libc::O_APPEND | libc::O_PATH;

/// O_TMPFILE without the O_DIRECTORY in it.
const TEMPORARY: c_int = libc::O_TMPFILE & !libc::O_DIRECTORY;

/// The device number of memory files, the same for all until the system is restarted; 0 when there can be none.
pub fn memory_device() -> u64 {
    memory_file::create(c"snapfreeze", false)
        .ok()
        .and_then(|file| system::status(file.as_raw_fd()).ok())
        .map_or(0, |status| status.st_dev)
}

/// openat(2).
pub fn open(directory: c_int, path: PathArgument, flags: c_int, mode: mode_t) -> c_int {
    let creates = flags & (libc::O_CREAT | libc::O_EXCL) == libc::O_CREAT | libc::O_EXCL;
    let reads = flags & (libc::O_ACCMODE | libc::O_CREAT) == libc::O_RDONLY;
    let names = flags & libc::O_CREAT != 0 && flags & libc::O_PATH == 0;
    let manner = Manner { follows: flags & libc::O_NOFOLLOW == 0 && !creates, reads, names };
    resolve::through(
        directory,
        path,
        manner,
        |directory, path| system::openat(directory, path, flags, mode),
        |mount, found| open_found(mount, found, flags),
    )
}

/// Opens what is at a path; refuses what a read-only file system refuses, in the order in which Linux does.
pub fn open_found(mount: &Mount, found: Found, flags: c_int) -> Result<c_int> {
    let creates = flags & libc::O_CREAT != 0;
    let writes = flags & libc::O_ACCMODE != libc::O_RDONLY || flags & libc::O_TRUNC != 0;
    if creates && found.slash && flags & libc::O_PATH == 0 {
        return Err(Errno(libc::EISDIR));
    }
    let node = match found.present() {
        Err(Errno(libc::ENOENT)) if creates => return Err(Errno(libc::EROFS)),
        present => present?,
    };
    if flags & libc::O_PATH == 0 {
        if creates && flags & libc::O_EXCL != 0 {
            return Err(Errno(libc::EEXIST));
        }
        match node.content {
            NodeContent::Symlink(_) if flags & libc::O_DIRECTORY != 0 => return Err(Errno(libc::ENOTDIR)),
            NodeContent::Symlink(_) => return Err(Errno(libc::ELOOP)),
            NodeContent::Directory(_) if flags & TEMPORARY != 0 => return Err(Errno(libc::EROFS)),
            NodeContent::Directory(_) if creates || writes => return Err(Errno(libc::EISDIR)),
            NodeContent::File(_) if flags & libc::O_DIRECTORY != 0 => return Err(Errno(libc::ENOTDIR)),
            _ if writes => return Err(Errno(libc::EROFS)),
            _ => {}
        }
    } else if flags & libc::O_DIRECTORY != 0 && !matches!(node.content, NodeContent::Directory(_)) {
        return Err(Errno(libc::ENOTDIR));
    }
    Ok(open_node(mount, &node, flags & KEPT_FLAGS)?.into_raw_fd())
}

/// A new descriptor of a node, for reading; `flags` are of [`KEPT_FLAGS`].
pub fn open_node(mount: &Mount, node: &Node, flags: c_int) -> Result<OwnedFd> {
    let is_program = matches!(node.content, NodeContent::File(_)) && node.mode & 0o111 != 0;
    let mut name = [0; LONGEST_NAME - 6]; // "memfd:" comes before it (memfd_create(2))
    let length = node.name.len().min(name.len() - 1);
    name[..length].copy_from_slice(&node.name[..length]);
    let name = CStr::from_bytes_until_nul(&name).unwrap_or(c"file");
    let file = memory_file::create(name, is_program).map_err(io_error)?;
    let file = match node.content {
        NodeContent::File(content) => write(mount, file, content)?,
        _ => file,
    };
    mark(mount, node, &file)?;
    memory_file::add_seals(&file).map_err(io_error)?;
    let mut path = path_of(file.as_raw_fd())?;
    let reading = system::openat(libc::AT_FDCWD, path.argument(), flags, 0);
    if reading >= 0 {
        let reading = memory_file::owned(reading).map_err(io_error)?;
        // The first descriptor has the lowest free number, which is what open(2) has to return.
        return system::replace(file, &reading, flags);
    }
    // Without /proc it stays writable as far as the kernel's flags go; the seals hold.
    if flags & libc::O_CLOEXEC == 0 {
        memory_file::inherit(&file).map_err(io_error)?;
    }
    Ok(file)
}

fn io_error(error: std::io::Error) -> Errno {
    Errno(error.raw_os_error().unwrap_or(libc::EIO))
}

/// Writes a content to a fresh memory file.
fn write(mount: &Mount, file: OwnedFd, content: Extent) -> Result<OwnedFd> {
    if content.length <= LARGEST_WRITTEN {
        match mount.with_content(content, |bytes| system::write_all(file.as_raw_fd(), bytes)) {
            Err(Errno(libc::EFBIG)) => {} // the limit on file sizes; the other way lifts it
            result => return result.map(|()| file),
        }
    }
    let length = usize::try_from(content.length).map_err(|_| Errno(libc::EFBIG))?;
    let mut file = MemoryFile::over(file, length).map_err(io_error)?;
    mount.fill(content, file.bytes())?;
    Ok(file.into_descriptor())
}

/// Gives a memory file the permissions and times by which it is known again.
pub fn mark(mount: &Mount, node: &Node, file: &OwnedFd) -> Result<()> {
    let seconds = mount.time_of(node).0;
    let time = libc::timespec { tv_sec: seconds, tv_nsec: node.number.into() };
    memory_file::set_mode(file, node.mode.into(), PLAIN_MODE).map_err(io_error)?;
    memory_file::set_times(file, time).map_err(io_error)
}

/// The node that a descriptor shows.
pub fn identify_descriptor(mount: &Mount, descriptor: c_int) -> Option<Node<'static>> {
    if descriptor < 0 {
        return None;
    }
    identify(mount, &system::status(descriptor).ok()?)
}

/// The node that the descriptor shows which a path such as `/dev/fd/N` leads to.
pub fn identify_path(mount: &Mount, path: PathArgument) -> Option<Node<'static>> {
    identify(mount, &system::target_status(path).ok()?)
}

/// The node that a file with this status shows.
#[inline]
pub fn identify(mount: &Mount, status: &stat64) -> Option<Node<'static>> {
    if status.st_dev != mount.memory_device { None } else { recognise(mount, status) }
}

#[cold]
fn recognise(mount: &Mount, status: &stat64) -> Option<Node<'static>> {
    let number = u32::try_from(status.st_mtime_nsec).ok()?;
    if status.st_nlink != 0 || number as usize >= mount.archive.node_count() {
        return None;
    }
    let node = mount.archive.node(number).ok()?;
    let length = match node.content {
        NodeContent::File(content) => content.length,
        _ => 0,
    };
    let agrees = u64::try_from(status.st_size) == Ok(length)
        && status.st_mtime == mount.time_of(&node).0
        && status.st_mode & PLAIN_MODE == c_uint::from(node.mode) & PLAIN_MODE;
    agrees.then_some(node)
}

/// The node that a descriptor of this process shows, after mounting.
pub fn node_of(descriptor: c_int) -> Option<(&'static Mount, Node<'static>)> {
    let mount = mounted()?;
    identify_descriptor(mount, descriptor).map(|node| (mount, node))
}

/// `/proc/self/fd/N`.
pub fn path_of(descriptor: c_int) -> Result<PathBuffer> {
    let mut path = PathBuffer::new();
    path.push(b"/proc/self/fd/")?;
    push_number(&mut path, descriptor)?;
    Ok(path)
}

fn push_number(path: &mut PathBuffer, number: c_int) -> Result<()> {
    let number = u32::try_from(number).map_err(|_| Errno(libc::EBADF))?;
    let mut unit = 1_000_000_000;
    while unit > 1 && number < unit {
        unit /= 10;
    }
    while unit > 0 {
        path.push(&[b'0' + (number / unit % 10) as u8])?;
        unit /= 10;
    }
    Ok(())
}
