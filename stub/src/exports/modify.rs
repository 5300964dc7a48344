//! Changing files and directories.

use core::ffi::{c_char, c_int, c_uint};

use libc::{
    AT_FDCWD, AT_REMOVEDIR, AT_SYMLINK_NOFOLLOW, dev_t, gid_t, mode_t, off_t, timespec, timeval, uid_t,
};
use snapfreeze_runtime::vfs::modify::{self, At};

use super::{argument, export, export_plain};

/// A path of two.
///
/// # Safety
/// As [`argument`].
unsafe fn at<'a>(directory: c_int, path: *const c_char) -> At<'a> {
    // SAFETY: from the contract.
    At { directory, path: unsafe { argument(path) } }
}

export_plain! {
    fn fchmod(file: c_int, mode: mode_t) -> c_int {
        modify::fchmod(file, mode)
    }
    fn fchown(file: c_int, owner: uid_t, group: gid_t) -> c_int {
        modify::fchown(file, owner, group)
    }
}

export! {
    fn mkdir(path: *const c_char, mode: mode_t) -> c_int {
        modify::mkdir(AT_FDCWD, argument(path), mode)
    }
    fn mkdirat(directory: c_int, path: *const c_char, mode: mode_t) -> c_int {
        modify::mkdir(directory, argument(path), mode)
    }
    fn mknod(path: *const c_char, mode: mode_t, device: dev_t) -> c_int {
        modify::mknod(AT_FDCWD, argument(path), mode, device)
    }
    fn mknodat(directory: c_int, path: *const c_char, mode: mode_t, device: dev_t) -> c_int {
        modify::mknod(directory, argument(path), mode, device)
    }
    fn __xmknod(_version: c_int, path: *const c_char, mode: mode_t, device: *const dev_t) -> c_int {
        modify::mknod(AT_FDCWD, argument(path), mode, *device)
    }
    fn __xmknodat(
        _version: c_int,
        directory: c_int,
        path: *const c_char,
        mode: mode_t,
        device: *const dev_t,
    ) -> c_int {
        modify::mknod(directory, argument(path), mode, *device)
    }
    fn mkfifo(path: *const c_char, mode: mode_t) -> c_int {
        modify::mknod(AT_FDCWD, argument(path), mode | libc::S_IFIFO, 0)
    }
    fn mkfifoat(directory: c_int, path: *const c_char, mode: mode_t) -> c_int {
        modify::mknod(directory, argument(path), mode | libc::S_IFIFO, 0)
    }
    fn symlink(target: *const c_char, path: *const c_char) -> c_int {
        modify::symlink(argument(target), AT_FDCWD, argument(path))
    }
    fn symlinkat(target: *const c_char, directory: c_int, path: *const c_char) -> c_int {
        modify::symlink(argument(target), directory, argument(path))
    }
    fn link(old: *const c_char, new: *const c_char) -> c_int {
        modify::link(at(AT_FDCWD, old), at(AT_FDCWD, new), 0)
    }
    fn linkat(
        old_directory: c_int,
        old: *const c_char,
        new_directory: c_int,
        new: *const c_char,
        flags: c_int,
    ) -> c_int {
        modify::link(at(old_directory, old), at(new_directory, new), flags)
    }
    fn rename(old: *const c_char, new: *const c_char) -> c_int {
        modify::rename(at(AT_FDCWD, old), at(AT_FDCWD, new), 0)
    }
    fn renameat(old_directory: c_int, old: *const c_char, new_directory: c_int, new: *const c_char) -> c_int {
        modify::rename(at(old_directory, old), at(new_directory, new), 0)
    }
    fn renameat2(
        old_directory: c_int,
        old: *const c_char,
        new_directory: c_int,
        new: *const c_char,
        flags: c_uint,
    ) -> c_int {
        modify::rename(at(old_directory, old), at(new_directory, new), flags)
    }
    fn unlink(path: *const c_char) -> c_int {
        modify::unlink(AT_FDCWD, argument(path), 0)
    }
    fn unlinkat(directory: c_int, path: *const c_char, flags: c_int) -> c_int {
        modify::unlink(directory, argument(path), flags)
    }
    fn rmdir(path: *const c_char) -> c_int {
        modify::unlink(AT_FDCWD, argument(path), AT_REMOVEDIR)
    }
    fn remove(path: *const c_char) -> c_int {
        modify::remove(argument(path))
    }
    fn chmod(path: *const c_char, mode: mode_t) -> c_int {
        modify::chmod(AT_FDCWD, argument(path), mode, 0)
    }
    fn lchmod(path: *const c_char, mode: mode_t) -> c_int {
        modify::chmod(AT_FDCWD, argument(path), mode, AT_SYMLINK_NOFOLLOW)
    }
    fn fchmodat(directory: c_int, path: *const c_char, mode: mode_t, flags: c_int) -> c_int {
        modify::chmod(directory, argument(path), mode, flags)
    }
    fn chown(path: *const c_char, owner: uid_t, group: gid_t) -> c_int {
        modify::chown(AT_FDCWD, argument(path), owner, group, 0)
    }
    fn lchown(path: *const c_char, owner: uid_t, group: gid_t) -> c_int {
        modify::chown(AT_FDCWD, argument(path), owner, group, AT_SYMLINK_NOFOLLOW)
    }
    fn fchownat(directory: c_int, path: *const c_char, owner: uid_t, group: gid_t, flags: c_int) -> c_int {
        modify::chown(directory, argument(path), owner, group, flags)
    }
    fn utimensat(directory: c_int, path: *const c_char, times: *const timespec, flags: c_int) -> c_int {
        modify::set_times(directory, argument(path), times, flags)
    }
    fn futimens(file: c_int, times: *const timespec) -> c_int {
        modify::set_descriptor_times(file, times)
    }
    fn futimes(file: c_int, times: *const timeval) -> c_int {
        modify::set_descriptor_times_micro(file, times)
    }
    fn utimes(path: *const c_char, times: *const timeval) -> c_int {
        modify::set_times_micro(AT_FDCWD, argument(path), times, 0)
    }
    fn lutimes(path: *const c_char, times: *const timeval) -> c_int {
        modify::set_times_micro(AT_FDCWD, argument(path), times, AT_SYMLINK_NOFOLLOW)
    }
    fn futimesat(directory: c_int, path: *const c_char, times: *const timeval) -> c_int {
        modify::set_times_micro(directory, argument(path), times, 0)
    }
    fn utime(path: *const c_char, times: *const libc::utimbuf) -> c_int {
        modify::set_times_seconds(argument(path), times)
    }
    fn truncate(path: *const c_char, length: off_t) -> c_int {
        modify::truncate(argument(path), length)
    }
    fn truncate64(path: *const c_char, length: off_t) -> c_int {
        modify::truncate(argument(path), length)
    }
}
