//! Extended attributes, of which the tree's files have none, and what a file system says about itself.

use core::ffi::{c_char, c_int, c_long, c_void};

use super::descriptor;
use super::resolve::{self, Manner, READS};
use super::system::{self, Errno, PathArgument, Result, next, syscall, to_c};

/// Whose extended attributes.
#[derive(Clone, Copy)]
pub enum Subject<'a> {
    /// Of what the path leads to.
    Path(PathArgument<'a>),
    /// Of what is at the path, be it a symbolic link.
    Link(PathArgument<'a>),
    /// Of what the descriptor shows.
    Descriptor(c_int),
}

/// Calls `real`, or returns `inside` for something in the tree.
fn ask(subject: Subject, reads: bool, real: impl Fn(Subject) -> isize, inside: Result<isize>) -> isize {
    let (path, follows) = match subject {
        Subject::Descriptor(file) if descriptor::node_of(file).is_some() => return to_c(inside),
        Subject::Descriptor(_) => return real(subject),
        Subject::Path(path) => (path, true),
        Subject::Link(path) => (path, false),
    };
    let manner = Manner { follows, reads, names: false };
    let real = |_, path: PathArgument| real(if follows { Subject::Path(path) } else { Subject::Link(path) });
    resolve::through(libc::AT_FDCWD, path, manner, real, |_, found| found.present().and(inside))
}

/// getxattr(2), lgetxattr, fgetxattr.
///
/// # Safety
/// `name` is a string, and `value` can hold `size` bytes.
pub unsafe fn get(subject: Subject, name: *const c_char, value: *mut c_void, size: usize) -> isize {
    let real = |subject: Subject| match subject {
        Subject::Path(path) => syscall!(SYS_getxattr, path.pointer(), name, value, size) as isize,
        Subject::Link(path) => syscall!(SYS_lgetxattr, path.pointer(), name, value, size) as isize,
        Subject::Descriptor(file) => syscall!(SYS_fgetxattr, file, name, value, size) as isize,
    };
    ask(subject, true, real, Err(Errno(libc::ENODATA)))
}

/// listxattr(2), llistxattr, flistxattr.
///
/// # Safety
/// `list` can hold `size` bytes.
pub unsafe fn list(subject: Subject, list: *mut c_char, size: usize) -> isize {
    let real = |subject: Subject| match subject {
        Subject::Path(path) => syscall!(SYS_listxattr, path.pointer(), list, size) as isize,
        Subject::Link(path) => syscall!(SYS_llistxattr, path.pointer(), list, size) as isize,
        Subject::Descriptor(file) => syscall!(SYS_flistxattr, file, list, size) as isize,
    };
    ask(subject, true, real, Ok(0))
}

/// setxattr(2), lsetxattr, fsetxattr.
///
/// # Safety
/// `name` is a string, and `value` has `size` bytes.
pub unsafe fn set(
    subject: Subject,
    name: *const c_char,
    value: *const c_void,
    size: usize,
    flags: c_int,
) -> c_int {
    let real = |subject: Subject| match subject {
        Subject::Path(path) => syscall!(SYS_setxattr, path.pointer(), name, value, size, flags) as isize,
        Subject::Link(path) => syscall!(SYS_lsetxattr, path.pointer(), name, value, size, flags) as isize,
        Subject::Descriptor(file) => syscall!(SYS_fsetxattr, file, name, value, size, flags) as isize,
    };
    ask(subject, false, real, Err(Errno(libc::EROFS))) as c_int
}

/// removexattr(2), lremovexattr, fremovexattr.
///
/// # Safety
/// `name` is a string.
pub unsafe fn remove(subject: Subject, name: *const c_char) -> c_int {
    let real = |subject: Subject| match subject {
        Subject::Path(path) => syscall!(SYS_removexattr, path.pointer(), name) as isize,
        Subject::Link(path) => syscall!(SYS_lremovexattr, path.pointer(), name) as isize,
        Subject::Descriptor(file) => syscall!(SYS_fremovexattr, file, name) as isize,
    };
    ask(subject, false, real, Err(Errno(libc::EROFS))) as c_int
}

/// Size of the tree's blocks, as statvfs and statfs say it.
const BLOCK: u64 = 4096;

/// Type of the tree's file system in statfs: no other's.
const TYPE: c_long = 0x736e_6670;

/// Sizes of the tree: blocks and files.
fn sizes() -> (u64, u64) {
    let Some(mount) = super::mounted() else { return (0, 0) };
    let blocks = (0..mount.archive.block_count() as u32)
        .map(|number| mount.archive.block_length(number).unwrap_or(0) as u64)
        .sum::<u64>();
    (blocks.div_ceil(BLOCK), mount.archive.node_count() as u64)
}

fn statvfs_of_tree() -> libc::statvfs64 {
    let (blocks, files) = sizes();
    // SAFETY: a statvfs is integers only.
    let mut status: libc::statvfs64 = unsafe { core::mem::zeroed() };
    (status.f_bsize, status.f_frsize, status.f_blocks, status.f_files) = (BLOCK, BLOCK, blocks, files);
    status.f_namemax = resolve::LONGEST_NAME as u64;
    status.f_flag = libc::ST_RDONLY;
    status
}

fn statfs_of_tree() -> libc::statfs64 {
    let (blocks, files) = sizes();
    // SAFETY: a statfs is integers only.
    let mut status: libc::statfs64 = unsafe { core::mem::zeroed() };
    (status.f_type, status.f_bsize, status.f_frsize) = (TYPE, BLOCK as c_long, BLOCK as c_long);
    (status.f_blocks, status.f_files) = (blocks, files);
    status.f_namelen = resolve::LONGEST_NAME as c_long;
    status.f_flags = (libc::ST_RDONLY | ST_VALID).cast_signed();
    status
}

/// "The flags are set" (linux/statfs.h).
const ST_VALID: u64 = 0x20;

/// statvfs(3).
///
/// # Safety
/// `buffer` can hold one.
pub unsafe fn statvfs(path: PathArgument, buffer: *mut libc::statvfs64) -> c_int {
    type Function = unsafe extern "C" fn(*const c_char, *mut libc::statvfs64) -> c_int;
    let real = |_, path: PathArgument| match next!(c"statvfs64" as Function) {
        // SAFETY: from the contract; the path is null or a live string.
        Some(function) => unsafe { function(path.pointer(), buffer) },
        None => to_c(Err(Errno(libc::ENOSYS))),
    };
    resolve::through(libc::AT_FDCWD, path, READS, real, |_, found| {
        found.present()?;
        // SAFETY: from the contract.
        unsafe { buffer.write(statvfs_of_tree()) };
        Ok(0)
    })
}

/// fstatvfs(3).
///
/// # Safety
/// `buffer` can hold one.
pub unsafe fn fstatvfs(file: c_int, buffer: *mut libc::statvfs64) -> c_int {
    type Function = unsafe extern "C" fn(c_int, *mut libc::statvfs64) -> c_int;
    // SAFETY: from the contract.
    unsafe {
        if descriptor::node_of(file).is_some() {
            buffer.write(statvfs_of_tree());
            return 0;
        }
        match next!(c"fstatvfs64" as Function) {
            Some(function) => function(file, buffer),
            None => to_c(Err(Errno(libc::ENOSYS))),
        }
    }
}

/// statfs(2).
///
/// # Safety
/// `buffer` can hold one.
pub unsafe fn statfs(path: PathArgument, buffer: *mut libc::statfs64) -> c_int {
    let real = |_, path: PathArgument| syscall!(SYS_statfs, path.pointer(), buffer) as c_int;
    resolve::through(libc::AT_FDCWD, path, READS, real, |_, found| {
        found.present()?;
        // SAFETY: from the contract.
        unsafe { buffer.write(statfs_of_tree()) };
        Ok(0)
    })
}

/// fstatfs(2).
///
/// # Safety
/// `buffer` can hold one.
pub unsafe fn fstatfs(file: c_int, buffer: *mut libc::statfs64) -> c_int {
    if descriptor::node_of(file).is_some() {
        // SAFETY: from the contract.
        unsafe { buffer.write(statfs_of_tree()) };
        return 0;
    }
    syscall!(SYS_fstatfs, file, buffer) as c_int
}

/// pathconf(3): the limits in the tree are Linux's own, as for its root.
pub fn pathconf(path: PathArgument, name: c_int) -> c_long {
    type Function = unsafe extern "C" fn(*const c_char, c_int) -> c_long;
    let real = |path: PathArgument| match next!(c"pathconf" as Function) {
        // SAFETY: null or a live string.
        Some(function) => unsafe { function(path.pointer(), name) },
        None => to_c(Err(Errno(libc::ENOSYS))),
    };
    let inside = |_, found: resolve::Found| {
        found.present()?;
        system::set_errno(0);
        match real(PathArgument::from(c"/")) {
            -1 if system::errno() != 0 => Err(system::last_error()),
            value => Ok(value),
        }
    };
    resolve::through(libc::AT_FDCWD, path, READS, |_, path| real(path), inside)
}
