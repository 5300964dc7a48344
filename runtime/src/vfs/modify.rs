//! Changes, which the tree refuses as a read-only file system of Linux does.
//!
//! The order of the tests is the kernel's (fs/namei.c): a name that is to be made must be missing, and its directory
//! there, before "read-only" is said; a name that is to go is not looked for at all.

use core::ffi::{c_char, c_int, c_uint};

use libc::{mode_t, timespec, timeval};

use super::descriptor;
use super::mounted;
use super::resolve::{
    self, CHANGES, CHANGES_LINK, CHANGES_NAME, Found, Manner, Place, Resolver, begins_inside,
};
use super::system::{Errno, PathArgument, Result, errno, next, set_errno, syscall, to_c};
use crate::archive::NodeContent;

/// A change of what is at a path.
fn attributes(
    directory: c_int,
    path: PathArgument,
    follows: bool,
    real: impl Fn(c_int, PathArgument) -> c_int,
) -> c_int {
    if path.bytes().is_empty() && directory >= 0 && descriptor::node_of(directory).is_some() {
        return to_c(Err(Errno(libc::EROFS)));
    }
    let manner = if follows { CHANGES } else { CHANGES_LINK };
    resolve::through(directory, path, manner, real, |_, found| found.present().and(Err(Errno(libc::EROFS))))
}

/// A change through a descriptor.
fn through_descriptor(file: c_int, real: impl FnOnce() -> c_int) -> c_int {
    if descriptor::node_of(file).is_some() { to_c(Err(Errno(libc::EROFS))) } else { real() }
}

/// A name that is to be made.
fn make(
    directory: c_int,
    path: PathArgument,
    is_directory: bool,
    real: impl Fn(c_int, PathArgument) -> c_int,
) -> c_int {
    resolve::through(directory, path, CHANGES_NAME, real, |_, found| Err(why_not_made(&found, is_directory)))
}

fn why_not_made(found: &Found, is_directory: bool) -> Errno {
    Errno(match found.node {
        Some(_) => libc::EEXIST,
        None if found.too_long => libc::ENAMETOOLONG,
        None if found.slash && !is_directory => libc::ENOENT,
        None => libc::EROFS,
    })
}

/// mkdirat(2).
pub fn mkdir(directory: c_int, path: PathArgument, mode: mode_t) -> c_int {
    make(directory, path, true, |directory, path| {
        syscall!(SYS_mkdirat, directory, path.pointer(), mode) as c_int
    })
}

/// mknodat(2); a FIFO is one, too.
pub fn mknod(directory: c_int, path: PathArgument, mode: mode_t, device: libc::dev_t) -> c_int {
    make(directory, path, false, |directory, path| {
        syscall!(SYS_mknodat, directory, path.pointer(), mode, device) as c_int
    })
}

/// symlinkat(2).
pub fn symlink(target: PathArgument, directory: c_int, path: PathArgument) -> c_int {
    make(directory, path, false, |directory, path| {
        syscall!(SYS_symlinkat, target.pointer(), directory, path.pointer()) as c_int
    })
}

/// unlinkat(2): unlink and rmdir.
pub fn unlink(directory: c_int, path: PathArgument, flags: c_int) -> c_int {
    let real =
        |directory, path: PathArgument| syscall!(SYS_unlinkat, directory, path.pointer(), flags) as c_int;
    resolve::through(directory, path, CHANGES_NAME, real, |_, found| {
        let is_rmdir = flags & libc::AT_REMOVEDIR != 0;
        Err(Errno(match found {
            Found { dot: true, .. } if is_rmdir => libc::EINVAL,
            Found { dot_dot: true, .. } if is_rmdir => libc::ENOTEMPTY,
            Found { dot: true, .. } | Found { dot_dot: true, .. } => libc::EISDIR,
            _ => libc::EROFS,
        }))
    })
}

/// remove(3).
pub fn remove(path: PathArgument) -> c_int {
    type Function = unsafe extern "C" fn(*const c_char) -> c_int;
    let real = |_, path: PathArgument| match next!(c"remove" as Function) {
        // SAFETY: null or a live string.
        Some(function) => unsafe { function(path.pointer()) },
        None => to_c(Err(Errno(libc::ENOSYS))),
    };
    resolve::through(libc::AT_FDCWD, path, CHANGES_NAME, real, |_, _| Err(Errno(libc::EROFS)))
}

/// A path given to a function of two, which may be in the tree.
#[derive(Clone, Copy)]
pub struct At<'a> {
    /// The directory that the path is relative to.
    pub directory: c_int,
    /// The path.
    pub path: PathArgument<'a>,
}

/// Where one of two paths leads.
enum Side<'a> {
    Inside(Found),
    Outside(At<'a>),
}

fn side<'a>(resolver: &'a mut Resolver, at: At<'a>, manner: Manner) -> Result<Side<'a>> {
    match resolver.resolve(at.directory, at.path, manner) {
        Ok(Place::Inside(found)) => Ok(Side::Inside(found)),
        Ok(Place::Outside(true)) => {
            Ok(Side::Outside(At { directory: libc::AT_FDCWD, path: resolver.real_path() }))
        }
        Ok(Place::Outside(false)) => Ok(Side::Outside(at)),
        Err(error) => Err(error),
    }
}

/// A change of two paths, of which one may be in the tree.
fn two(
    from: At,
    to: At,
    manner: Manner,
    real: impl Fn(At, At) -> c_int,
    refusal: impl FnOnce(Side, Side) -> Errno,
) -> c_int {
    let Some(mount) = mounted() else { return real(from, to) };
    let begins_inside = |at: At| begins_inside(mount, at.directory, at.path);
    if !begins_inside(from) && !begins_inside(to) {
        let result = real(from, to);
        if result >= 0 || errno() != libc::ENOTDIR {
            return result;
        }
    }
    let was = errno();
    let (mut first, mut second) = (Resolver::new(mount), Resolver::new(mount));
    let sides = side(&mut first, from, manner).and_then(|from| match from {
        // What is to be linked is looked for first; what is to be renamed, not at all.
        Side::Inside(found @ Found { node: None, .. }) if !manner.names => Err(found.absence()),
        from => Ok((from, side(&mut second, to, CHANGES_NAME)?)),
    });
    match sides {
        Ok((Side::Outside(from), Side::Outside(to))) => {
            set_errno(was);
            real(from, to)
        }
        Ok((from, to)) => to_c(Err(refusal(from, to))),
        Err(error) => to_c(Err(error)),
    }
}

/// renameat2(2).
pub fn rename(from: At, to: At, flags: c_uint) -> c_int {
    let real = |from: At, to: At| {
        let (old, new) = (from.path.pointer(), to.path.pointer());
        if flags == 0 {
            syscall!(SYS_renameat, from.directory, old, to.directory, new) as c_int
        } else {
            syscall!(SYS_renameat2, from.directory, old, to.directory, new, flags) as c_int
        }
    };
    two(from, to, CHANGES_NAME, real, |from, to| {
        let is_busy = |found: &Found| found.dot || found.dot_dot;
        Errno(match (from, to) {
            (Side::Inside(from), Side::Inside(to)) if is_busy(&from) || is_busy(&to) => libc::EBUSY,
            (Side::Inside(_), Side::Inside(_)) => libc::EROFS,
            _ => libc::EXDEV,
        })
    })
}

/// linkat(2).
pub fn link(from: At, to: At, flags: c_int) -> c_int {
    let real = |from: At, to: At| {
        let (old, new) = (from.path.pointer(), to.path.pointer());
        syscall!(SYS_linkat, from.directory, old, to.directory, new, flags) as c_int
    };
    let manner = if flags & libc::AT_SYMLINK_FOLLOW == 0 { CHANGES_LINK } else { CHANGES };
    two(from, to, manner, real, |from, to| match (from, to) {
        (_, Side::Inside(found)) => why_not_made(&found, false),
        _ => Errno(libc::EXDEV),
    })
}

/// fchmodat(3), and chmod(2) with `AT_FDCWD` and no flags.
pub fn chmod(directory: c_int, path: PathArgument, mode: mode_t, flags: c_int) -> c_int {
    type Function = unsafe extern "C" fn(c_int, *const c_char, mode_t, c_int) -> c_int;
    let real = |directory, path: PathArgument| {
        if flags == 0 {
            return syscall!(SYS_fchmodat, directory, path.pointer(), mode) as c_int;
        }
        match next!(c"fchmodat" as Function) {
            // SAFETY: null or a live string.
            Some(function) => unsafe { function(directory, path.pointer(), mode, flags) },
            None => to_c(Err(Errno(libc::ENOSYS))),
        }
    };
    attributes(directory, path, flags & libc::AT_SYMLINK_NOFOLLOW == 0, real)
}

/// fchmod(2).
pub fn fchmod(file: c_int, mode: mode_t) -> c_int {
    through_descriptor(file, || syscall!(SYS_fchmod, file, mode) as c_int)
}

/// fchownat(2): chown and lchown.
pub fn chown(directory: c_int, path: PathArgument, owner: c_uint, group: c_uint, flags: c_int) -> c_int {
    attributes(directory, path, flags & libc::AT_SYMLINK_NOFOLLOW == 0, |directory, path| {
        syscall!(SYS_fchownat, directory, path.pointer(), owner, group, flags) as c_int
    })
}

/// fchown(2).
pub fn fchown(file: c_int, owner: c_uint, group: c_uint) -> c_int {
    through_descriptor(file, || syscall!(SYS_fchown, file, owner, group) as c_int)
}

/// utimensat(2).
///
/// # Safety
/// `times` is null or points to two.
pub unsafe fn set_times(directory: c_int, path: PathArgument, times: *const timespec, flags: c_int) -> c_int {
    attributes(directory, path, flags & libc::AT_SYMLINK_NOFOLLOW == 0, |directory, path| {
        syscall!(SYS_utimensat, directory, path.pointer(), times, flags) as c_int
    })
}

/// utimes(2), lutimes(3) and futimesat(2): times in microseconds.
///
/// # Safety
/// `times` is null or points to two.
pub unsafe fn set_times_micro(
    directory: c_int,
    path: PathArgument,
    times: *const timeval,
    flags: c_int,
) -> c_int {
    // SAFETY: from the contract; what is passed on is null or an array of two.
    unsafe {
        match from_micro(times) {
            Err(error) => to_c(Err(error)),
            Ok(None) => set_times(directory, path, core::ptr::null(), flags),
            Ok(Some(times)) => set_times(directory, path, times.as_ptr(), flags),
        }
    }
}

/// futimes(3).
///
/// # Safety
/// `times` is null or points to two.
pub unsafe fn set_descriptor_times_micro(file: c_int, times: *const timeval) -> c_int {
    // SAFETY: from the contract; what is passed on is null or an array of two.
    unsafe {
        match from_micro(times) {
            Err(error) => to_c(Err(error)),
            Ok(None) => set_descriptor_times(file, core::ptr::null()),
            Ok(Some(times)) => set_descriptor_times(file, times.as_ptr()),
        }
    }
}

/// Two times in nanoseconds from two in microseconds.
///
/// # Safety
/// `times` is null or points to two.
unsafe fn from_micro(times: *const timeval) -> Result<Option<[timespec; 2]>> {
    if times.is_null() {
        return Ok(None);
    }
    // SAFETY: from the contract.
    let given = unsafe { [*times, *times.add(1)] };
    if given.iter().any(|time| !(0..1_000_000).contains(&time.tv_usec)) {
        return Err(Errno(libc::EINVAL));
    }
    Ok(Some(given.map(|time| timespec { tv_sec: time.tv_sec, tv_nsec: time.tv_usec * 1000 })))
}

/// utime(2): times in seconds.
///
/// # Safety
/// `times` is null or points to one.
pub unsafe fn set_times_seconds(path: PathArgument, times: *const libc::utimbuf) -> c_int {
    attributes(libc::AT_FDCWD, path, true, |_, path| syscall!(SYS_utime, path.pointer(), times) as c_int)
}

/// futimens(3).
///
/// # Safety
/// `times` is null or points to two.
pub unsafe fn set_descriptor_times(file: c_int, times: *const timespec) -> c_int {
    if file < 0 {
        return to_c(Err(Errno(libc::EBADF)));
    }
    let null = core::ptr::null::<c_char>();
    through_descriptor(file, || syscall!(SYS_utimensat, file, null, times, 0) as c_int)
}

/// truncate(2).
pub fn truncate(path: PathArgument, length: libc::off_t) -> c_int {
    let real = |_, path: PathArgument| syscall!(SYS_truncate, path.pointer(), length) as c_int;
    if length < 0 {
        return to_c(Err(Errno(libc::EINVAL)));
    }
    resolve::through(libc::AT_FDCWD, path, CHANGES, real, |_, found| {
        let is_directory = matches!(found.present()?.content, NodeContent::Directory(_));
        Err(Errno(if is_directory { libc::EISDIR } else { libc::EROFS }))
    })
}
