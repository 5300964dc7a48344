//! What is below the virtual file system: system calls, and glibc's own functions under the names that the stub takes.
//!
//! The stub exports `open64`, `stat64` and so on for the whole process, this crate included: a call of the libc function
//! here would come back. So this is done by system calls where glibc's function is no more than one, and else by the
//! next definition in symbol lookup order (dlsym(3), `RTLD_NEXT`), which is glibc's.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::marker::PhantomData;
use core::ptr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicPtr, Ordering};

use libc::{mode_t, stat64};

use crate::archive::ArchiveError;
use crate::error::StartError;

/// An error number, as in errno.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Errno(pub c_int);

/// A result whose error is an error number.
pub type Result<T> = core::result::Result<T, Errno>;

impl From<ArchiveError> for Errno {
    /// Tells stderr, as a kernel tells its log: a program gets only a number.
    fn from(error: ArchiveError) -> Self {
        let number = if matches!(error, ArchiveError::OutOfMemory { .. }) { libc::ENOMEM } else { libc::EIO };
        StartError::from(error).report();
        Self(number)
    }
}

/// The calling thread's errno.
pub fn errno() -> c_int {
    // SAFETY: the address is the calling thread's own, always valid.
    unsafe { *libc::__errno_location() }
}

/// Sets the calling thread's errno.
pub fn set_errno(number: c_int) {
    // SAFETY: as in `errno`.
    unsafe { *libc::__errno_location() = number };
}

/// The error number of the system call that has just failed.
pub fn last_error() -> Errno {
    Errno(errno())
}

/// What a C function returns: it says by itself whether it failed.
pub trait Outcome: Copy {
    /// What a failure returns.
    const FAILURE: Self;
    /// Whether this is a failure.
    fn is_failure(self) -> bool;
}

impl Outcome for c_int {
    const FAILURE: Self = -1;
    fn is_failure(self) -> bool {
        self < 0
    }
}

impl Outcome for isize {
    const FAILURE: Self = -1;
    fn is_failure(self) -> bool {
        self < 0
    }
}

impl Outcome for i64 {
    const FAILURE: Self = -1;
    fn is_failure(self) -> bool {
        self < 0
    }
}

impl<T> Outcome for *mut T {
    const FAILURE: Self = ptr::null_mut();
    fn is_failure(self) -> bool {
        self.is_null()
    }
}

/// A result as C wants it: errno set and the failure's value, or the value.
pub fn to_c<R: Outcome>(result: Result<R>) -> R {
    result.unwrap_or_else(|Errno(number)| {
        set_errno(number);
        R::FAILURE
    })
}

/// A path as a C function is given it: null, or a NUL-terminated string.
#[derive(Debug, Clone, Copy)]
pub struct PathArgument<'a>(*const c_char, PhantomData<&'a CStr>);

impl<'a> PathArgument<'a> {
    /// # Safety
    /// `path` is null or a NUL-terminated string that lives for `'a`.
    pub unsafe fn new(path: *const c_char) -> Self {
        Self(path, PhantomData)
    }

    /// The pointer.
    pub fn pointer(self) -> *const c_char {
        self.0
    }

    /// Whether it is a path that does not begin at `/`; neither null nor empty.
    #[inline]
    pub fn is_relative(self) -> bool {
        // SAFETY: from `new`: the first byte of a string can be read.
        !self.0.is_null() && !matches!(unsafe { *self.0 } as u8, 0 | b'/')
    }

    /// The bytes, without the NUL; none for null.
    pub fn bytes(self) -> &'a [u8] {
        // SAFETY: from `new`.
        if self.0.is_null() { &[] } else { unsafe { CStr::from_ptr(self.0) }.to_bytes() }
    }

    /// What follows `directory` in the path, if it is that directory or below it.
    #[inline]
    pub fn below(self, directory: &[u8]) -> Option<&'a [u8]> {
        if self.0.is_null() || directory.is_empty() {
            return None;
        }
        // SAFETY: both are readable: the path up to its NUL, where the comparison ends at the latest, the directory for
        // its length.
        if unsafe { libc::strncmp(self.0, directory.as_ptr().cast(), directory.len()) } != 0 {
            return None;
        }
        let start: *const u8 = self.0.cast();
        // SAFETY: the directory has no NUL, so the string goes on behind it, if only with the NUL itself.
        unsafe {
            let rest = start.add(directory.len());
            matches!(*rest, 0 | b'/').then(|| CStr::from_ptr(rest.cast()).to_bytes())
        }
    }
}

impl<'a> From<&'a CStr> for PathArgument<'a> {
    fn from(path: &'a CStr) -> Self {
        Self(path.as_ptr(), PhantomData)
    }
}

/// A system call with up to six arguments; -1 with errno set, or its result.
macro_rules! syscall {
    ($number:ident $(, $argument:expr)*) => {
        // SAFETY: the number is a constant of this system; what the arguments must be is the caller's contract.
        unsafe { libc::syscall(libc::$number $(, $argument as core::ffi::c_long)*) }
    };
}
pub(super) use syscall;

/// The place of a function, once it was looked up.
pub struct Next(AtomicPtr<c_void>);

impl Next {
    /// Not looked up yet.
    pub const fn unknown() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()))
    }

    /// The next definition of `name` after the stub's; null if there is none.
    pub fn find(&self, name: &CStr) -> *mut c_void {
        let mut place = self.0.load(Ordering::Relaxed);
        if place.is_null() {
            // SAFETY: the name is a live string. Two threads that look it up at once find the same.
            place = unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr()) };
            self.0.store(place, Ordering::Relaxed);
        }
        place
    }
}

/// glibc's own function under a name that the stub takes; none if this libc has none.
macro_rules! next {
    ($name:literal as $kind:ty) => {{
        fn find() -> Option<$kind> {
            static NEXT: $crate::vfs::system::Next = $crate::vfs::system::Next::unknown();
            let place = NEXT.find($name);
            if place.is_null() {
                return None;
            }
            // SAFETY: the function of that name has this signature (the manual of glibc).
            Some(unsafe { core::mem::transmute::<*mut core::ffi::c_void, $kind>(place) })
        }
        find()
    }};
}
pub(super) use next;

/// openat(2).
pub fn openat(directory: c_int, path: PathArgument, flags: c_int, mode: mode_t) -> c_int {
    syscall!(SYS_openat, directory, path.pointer(), flags, mode) as c_int
}

/// newfstatat(2).
///
/// # Safety
/// `buffer` can hold a `stat64`.
pub unsafe fn fstatat(directory: c_int, path: PathArgument, buffer: *mut stat64, flags: c_int) -> c_int {
    syscall!(SYS_newfstatat, directory, path.pointer(), buffer, flags) as c_int
}

/// fstat(2).
///
/// # Safety
/// `buffer` can hold a `stat64`.
pub unsafe fn fstat(descriptor: c_int, buffer: *mut stat64) -> c_int {
    syscall!(SYS_fstat, descriptor, buffer) as c_int
}

/// fstat(2) into a new buffer.
pub fn status(descriptor: c_int) -> Result<stat64> {
    let mut buffer = core::mem::MaybeUninit::uninit();
    // SAFETY: the buffer holds one; the kernel has filled it when it returns 0.
    unsafe {
        if fstat(descriptor, buffer.as_mut_ptr()) == 0 { Ok(buffer.assume_init()) } else { Err(last_error()) }
    }
}

/// lstat(2) into a new buffer.
pub fn link_status(path: PathArgument) -> Result<stat64> {
    path_status(path, libc::AT_SYMLINK_NOFOLLOW)
}

/// stat(2) into a new buffer.
pub fn target_status(path: PathArgument) -> Result<stat64> {
    path_status(path, 0)
}

fn path_status(path: PathArgument, flags: c_int) -> Result<stat64> {
    let mut buffer = core::mem::MaybeUninit::uninit();
    // SAFETY: the buffer holds one; the kernel has filled it when it returns 0.
    unsafe {
        match fstatat(libc::AT_FDCWD, path, buffer.as_mut_ptr(), flags) {
            0 => Ok(buffer.assume_init()),
            _ => Err(last_error()),
        }
    }
}

/// readlinkat(2).
///
/// # Safety
/// `buffer` can hold `length` bytes.
pub unsafe fn readlinkat(directory: c_int, path: PathArgument, buffer: *mut c_char, length: usize) -> isize {
    syscall!(SYS_readlinkat, directory, path.pointer(), buffer, length) as isize
}

/// readlink(2) into a slice; the number of bytes.
pub fn read_link(path: PathArgument, buffer: &mut [u8]) -> Result<usize> {
    // SAFETY: pointer and length are of one slice.
    let length = unsafe { readlinkat(libc::AT_FDCWD, path, buffer.as_mut_ptr().cast(), buffer.len()) };
    usize::try_from(length).map_err(|_| last_error())
}

/// getcwd(2) into a slice; the number of bytes without the NUL.
pub fn working_directory(buffer: &mut [u8]) -> Result<usize> {
    let length = syscall!(SYS_getcwd, buffer.as_mut_ptr(), buffer.len());
    usize::try_from(length).map_err(|_| last_error()).map(|length| length.saturating_sub(1))
}

/// faccessat(2), or with flags faccessat2(2).
pub fn faccessat(directory: c_int, path: PathArgument, mode: c_int, flags: c_int) -> c_int {
    if flags == 0 {
        return syscall!(SYS_faccessat, directory, path.pointer(), mode) as c_int;
    }
    type Function = unsafe extern "C" fn(c_int, *const c_char, c_int, c_int) -> c_int;
    match next!(c"faccessat" as Function) {
        // SAFETY: the path is null or a live string.
        Some(function) => unsafe { function(directory, path.pointer(), mode, flags) },
        None => to_c(Err(Errno(libc::ENOSYS))),
    }
}

/// statx(2).
///
/// # Safety
/// `buffer` can hold a `statx`.
pub unsafe fn statx(
    directory: c_int,
    path: PathArgument,
    flags: c_int,
    mask: u32,
    buffer: *mut libc::statx,
) -> c_int {
    syscall!(SYS_statx, directory, path.pointer(), flags, mask, buffer) as c_int
}

/// The process, asked of the kernel.
pub fn process() -> c_int {
    syscall!(SYS_getpid) as c_int
}

/// Makes a descriptor one of another's file (dup3(2)), inherited unless `flags` hold `O_CLOEXEC`.
pub fn replace(descriptor: OwnedFd, other: &OwnedFd, flags: c_int) -> Result<OwnedFd> {
    let numbers = (other.as_raw_fd(), descriptor.as_raw_fd());
    let result = syscall!(SYS_dup3, numbers.0, numbers.1, flags & libc::O_CLOEXEC);
    if result < 0 { Err(last_error()) } else { Ok(descriptor) }
}

/// close(2).
pub fn close(descriptor: c_int) {
    syscall!(SYS_close, descriptor);
}

/// write(2) of all bytes.
pub fn write_all(descriptor: c_int, mut bytes: &[u8]) -> Result<()> {
    while !bytes.is_empty() {
        let written = syscall!(SYS_write, descriptor, bytes.as_ptr(), bytes.len());
        match usize::try_from(written) {
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(_) if errno() == libc::EINTR => {}
            Err(_) => return Err(last_error()),
        }
    }
    Ok(())
}

/// `memory` as a pointer of another type, for functions that take `void *`.
pub fn as_void<T>(memory: *mut T) -> *mut c_void {
    memory.cast()
}

/// chdir(2).
pub fn chdir(path: PathArgument) -> c_int {
    syscall!(SYS_chdir, path.pointer()) as c_int
}

/// fchdir(2).
pub fn fchdir(descriptor: c_int) -> c_int {
    syscall!(SYS_fchdir, descriptor) as c_int
}
