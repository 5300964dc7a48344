//! What stat says of the tree's files, and the other ways to ask it.
//!
//! Owner, group, device and where a node has no time of its own also its times are the same for the whole tree: those
//! of the executable, and a device number that no device has.

use core::ffi::{c_int, c_uint};

use libc::stat64;

use super::resolve::{self, Manner};
use super::system::{self, PathArgument};
use super::{Mount, descriptor, mounted};
use crate::archive::{Node, NodeContent};

/// Major and minor device number of the tree. Linux gives such major numbers (12 bits) to no one.
const DEVICE: (c_uint, c_uint) = (0xf5f, 0xf5f5);

/// Size of a directory, as ext4 has it for small ones; and the best size for reading.
const BLOCK: i64 = 4096;

/// Units of `st_blocks`.
const SECTOR: u64 = 512;

/// Number of a file in the tree's device: never 0, which some take for "none".
pub fn inode(node: u32) -> u64 {
    u64::from(node) + 1
}

/// The file type bits of a node.
fn file_type(node: &Node) -> c_uint {
    match node.content {
        NodeContent::Directory(_) => libc::S_IFDIR,
        NodeContent::File(_) => libc::S_IFREG,
        NodeContent::Symlink(_) => libc::S_IFLNK,
    }
}

impl Mount {
    /// Time of a node's last change: seconds since 1970 and nanoseconds.
    pub fn time_of(&self, node: &Node) -> (i64, i64) {
        if node.mtime == 0 { self.executable.changed } else { (node.mtime, 0) }
    }

    /// What stat says of a node.
    pub fn status_of(&self, node: &Node) -> stat64 {
        // SAFETY: a stat64 is integers only.
        let mut status: stat64 = unsafe { core::mem::zeroed() };
        let size = match &node.content {
            NodeContent::File(content) => i64::try_from(content.length).unwrap_or(i64::MAX),
            NodeContent::Directory(_) => BLOCK,
            NodeContent::Symlink(target) => target.len() as i64,
        };
        let (seconds, nanoseconds) = self.time_of(node);
        status.st_dev = libc::makedev(DEVICE.0, DEVICE.1);
        status.st_ino = inode(node.number);
        status.st_mode = file_type(node) | c_uint::from(node.mode);
        status.st_nlink = self.links_to(node);
        status.st_uid = self.executable.owner;
        status.st_gid = self.executable.group;
        status.st_size = size;
        status.st_blksize = BLOCK;
        status.st_blocks = size.cast_unsigned().div_ceil(SECTOR) as i64;
        (status.st_atime, status.st_atime_nsec) = (seconds, nanoseconds);
        (status.st_mtime, status.st_mtime_nsec) = (seconds, nanoseconds);
        (status.st_ctime, status.st_ctime_nsec) = (seconds, nanoseconds);
        status
    }

    /// A directory has its name, its `.`, and the `..` of each directory in it.
    fn links_to(&self, node: &Node) -> u64 {
        let NodeContent::Directory(children) = &node.content else { return 1 };
        let is_directory = |number: &u32| {
            self.archive.node(*number).is_ok_and(|child| matches!(child.content, NodeContent::Directory(_)))
        };
        2 + children.clone().filter(is_directory).count() as u64
    }
}

/// newfstatat(2): stat, lstat and fstatat.
///
/// # Safety
/// `buffer` can hold a `stat64`.
pub unsafe fn stat(directory: c_int, path: PathArgument, buffer: *mut stat64, flags: c_int) -> c_int {
    let manner = Manner { follows: flags & libc::AT_SYMLINK_NOFOLLOW == 0, reads: true, names: false };
    resolve::through(
        directory,
        path,
        manner,
        // SAFETY: from the contract.
        |directory, path| unsafe { disguised(system::fstatat(directory, path, buffer, flags), buffer) },
        |mount, found| {
            let status = mount.status_of(&found.present()?);
            // SAFETY: from the contract.
            unsafe { buffer.write(status) };
            Ok(0)
        },
    )
}

/// fstat(2).
///
/// # Safety
/// `buffer` can hold a `stat64`.
#[inline]
pub unsafe fn fstat(file: c_int, buffer: *mut stat64) -> c_int {
    // SAFETY: from the contract.
    unsafe { disguised(system::fstat(file, buffer), buffer) }
}

/// A result of a stat call; where the file is a descriptor of ours, the node's status instead of the memory file's.
///
/// # Safety
/// The call filled `buffer` if it succeeded.
#[inline]
unsafe fn disguised(result: c_int, buffer: *mut stat64) -> c_int {
    if result == 0
        && let Some(mount) = mounted()
    {
        // SAFETY: from the contract.
        let status = unsafe { &mut *buffer };
        if let Some(node) = descriptor::identify(mount, status) {
            *status = mount.status_of(&node);
        }
    }
    result
}

/// statx(2).
///
/// # Safety
/// `buffer` can hold a `statx`.
pub unsafe fn statx(
    directory: c_int,
    path: PathArgument,
    flags: c_int,
    mask: c_uint,
    buffer: *mut libc::statx,
) -> c_int {
    let manner = Manner { follows: flags & libc::AT_SYMLINK_NOFOLLOW == 0, reads: true, names: false };
    resolve::through(
        directory,
        path,
        manner,
        |directory, path| {
            // SAFETY: from the contract.
            let result = unsafe { system::statx(directory, path, flags, mask, buffer) };
            if result == 0
                && let Some(mount) = mounted()
            {
                // SAFETY: from the contract; the call has filled it.
                let filled = unsafe { &mut *buffer };
                if let Some(node) = shown(mount, directory, path, filled) {
                    *filled = extended(&mount.status_of(&node));
                }
            }
            result
        },
        |mount, found| {
            let status = mount.status_of(&found.present()?);
            // SAFETY: from the contract.
            unsafe { buffer.write(extended(&status)) };
            Ok(0)
        },
    )
}

/// The node that a file with this status shows, of which not all may have been asked.
fn shown(mount: &Mount, directory: c_int, path: PathArgument, status: &libc::statx) -> Option<Node<'static>> {
    if libc::makedev(status.stx_dev_major, status.stx_dev_minor) != mount.memory_device {
        return None;
    }
    if path.bytes().is_empty() {
        return descriptor::identify_descriptor(mount, directory);
    }
    let mut whole = core::mem::MaybeUninit::uninit();
    // SAFETY: the buffer holds a stat64, and is filled when the call returns 0.
    unsafe {
        match system::fstatat(directory, path, whole.as_mut_ptr(), 0) {
            0 => descriptor::identify(mount, &whole.assume_init()),
            _ => None,
        }
    }
}

/// A status in the newer form.
fn extended(status: &stat64) -> libc::statx {
    // SAFETY: a statx is integers only.
    let mut extended: libc::statx = unsafe { core::mem::zeroed() };
    // SAFETY: as above.
    let mut time: libc::statx_timestamp = unsafe { core::mem::zeroed() };
    time.tv_sec = status.st_mtime;
    time.tv_nsec = status.st_mtime_nsec as u32;
    extended.stx_mask = libc::STATX_BASIC_STATS;
    extended.stx_blksize = status.st_blksize as u32;
    extended.stx_nlink = status.st_nlink as u32;
    extended.stx_uid = status.st_uid;
    extended.stx_gid = status.st_gid;
    extended.stx_mode = status.st_mode as u16;
    extended.stx_ino = status.st_ino;
    extended.stx_size = status.st_size.cast_unsigned();
    extended.stx_blocks = status.st_blocks.cast_unsigned();
    extended.stx_atime = time;
    extended.stx_mtime = time;
    extended.stx_ctime = time;
    (extended.stx_dev_major, extended.stx_dev_minor) = DEVICE;
    extended
}

/// The file type of a directory entry (`d_type`).
pub fn entry_type(node: &Node) -> u8 {
    match node.content {
        NodeContent::Directory(_) => libc::DT_DIR,
        NodeContent::File(_) => libc::DT_REG,
        NodeContent::Symlink(_) => libc::DT_LNK,
    }
}
