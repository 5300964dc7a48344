//! The kernel's reports of accesses to what is missing: userfaultfd(2), ioctl_userfaultfd(2).
//!
//! Numbers and structs are those of linux/userfaultfd.h.

use core::ops::Range;
use core::time::Duration;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use crate::os::memory_file;
use crate::os::pages::PAGE;

/// Report no access of the kernel's own (Linux 5.11).
const UFFD_USER_MODE_ONLY: libc::c_int = 1;
const UFFD_API: u64 = 0xAA;
/// A page that is missing is accessed.
const UFFD_EVENT_PAGEFAULT: u8 = 0x12;
const UFFDIO_REGISTER_MODE_MISSING: u64 = 1;

const UFFDIO_API: libc::c_ulong = 0xC018_AA3F;
const UFFDIO_REGISTER: libc::c_ulong = 0xC020_AA00;
const UFFDIO_WAKE: libc::c_ulong = 0x8010_AA02;
const UFFDIO_COPY: libc::c_ulong = 0xC028_AA03;
const UFFDIO_ZEROPAGE: libc::c_ulong = 0xC020_AA04;

/// What a link to a descriptor for reports says.
const LINK: &[u8] = b"anon_inode:[userfaultfd]";

#[repr(C)]
struct Api {
    api: u64,
    features: u64,
    ioctls: u64,
}

/// Of [`UFFDIO_REGISTER`] and [`UFFDIO_ZEROPAGE`].
#[repr(C)]
struct OnRange {
    start: u64,
    length: u64,
    mode: u64,
    /// What can be asked for there, or how much was done.
    answer: u64,
}

#[repr(C)]
struct Copy {
    to: u64,
    from: u64,
    length: u64,
    mode: u64,
    copied: i64,
}

#[repr(C)]
struct Report {
    event: u8,
    reserved: [u8; 7],
    flags: u64,
    address: u64,
    rest: u64,
}

/// A descriptor for reports.
pub fn open() -> io::Result<OwnedFd> {
    let flags = libc::O_CLOEXEC | libc::O_NONBLOCK | UFFD_USER_MODE_ONLY;
    // SAFETY: a system call without pointers.
    let descriptor = unsafe { libc::syscall(libc::SYS_userfaultfd, flags) };
    let descriptor = memory_file::owned(RawFd::try_from(descriptor).unwrap_or(-1))?;
    let mut api = Api { api: UFFD_API, features: 0, ioctls: 0 };
    // SAFETY: the request writes that struct.
    match unsafe { libc::ioctl(descriptor.as_raw_fd(), UFFDIO_API, &raw mut api) } {
        0 => Ok(descriptor),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Has accesses to whole pages reported, where they are missing; whether it could be had.
pub fn register(reports: RawFd, memory: Range<usize>) -> bool {
    let mode = UFFDIO_REGISTER_MODE_MISSING;
    let mut register = OnRange { start: memory.start as u64, length: memory.len() as u64, mode, answer: 0 };
    // SAFETY: the request reads and writes that struct; on any other descriptor it is none.
    unsafe { libc::ioctl(reports, UFFDIO_REGISTER, &raw mut register) == 0 }
}

/// The address of the next access, if there is one in that time.
pub fn report(reports: RawFd, patience: Duration) -> Option<usize> {
    if !patience.is_zero() {
        let mut wanted = libc::pollfd { fd: reports, events: libc::POLLIN, revents: 0 };
        // SAFETY: the struct is local.
        unsafe { libc::poll(&raw mut wanted, 1, libc::c_int::try_from(patience.as_millis()).unwrap_or(1)) };
    }
    let mut report = Report { event: 0, reserved: [0; 7], flags: 0, address: 0, rest: 0 };
    // SAFETY: the struct is that long, and any bytes are one.
    let length = unsafe { libc::read(reports, (&raw mut report).cast(), size_of::<Report>()) };
    let is_access = length == size_of::<Report>() as isize && report.event == UFFD_EVENT_PAGEFAULT;
    usize::try_from(report.address).ok().filter(|_| is_access)
}

/// Puts bytes where they are missing, and lets those go on who wait for them. Pages that are there stay.
pub fn copy(reports: RawFd, memory: Range<usize>, bytes: &[u8]) -> io::Result<()> {
    let mut done = 0;
    while done < memory.len().min(bytes.len()) {
        let length = memory.len().min(bytes.len()) - done;
        let (to, from) = ((memory.start + done) as u64, bytes.as_ptr().addr() + done);
        let mut copy = Copy { to, from: from as u64, length: length as u64, mode: 0, copied: 0 };
        // SAFETY: the request reads live bytes, and writes memory that nobody has got anything from yet.
        let is_all = unsafe { libc::ioctl(reports, UFFDIO_COPY, &raw mut copy) == 0 };
        let error = io::Error::last_os_error();
        match usize::try_from(copy.copied) {
            _ if is_all => return Ok(()),
            Ok(copied @ 1..) => done += copied,
            _ if error.raw_os_error() == Some(libc::EEXIST) => {
                let page = memory.start + done;
                wake(reports, page..page + PAGE);
                done += PAGE;
            }
            // The program's memory is being changed, by a fork for instance.
            _ if error.raw_os_error() == Some(libc::EAGAIN) => std::thread::yield_now(),
            _ => return Err(error),
        }
    }
    Ok(())
}

/// Puts a page of zeroes at an address, if nothing is there.
pub fn zero(reports: RawFd, page: usize) {
    let mut zero = OnRange { start: page as u64, length: PAGE as u64, mode: 0, answer: 0 };
    // SAFETY: the request reads and writes that struct; the page is a bell's, which nobody looks at.
    unsafe { libc::ioctl(reports, UFFDIO_ZEROPAGE, &raw mut zero) };
}

/// Lets those go on who wait for something there.
pub fn wake(reports: RawFd, memory: Range<usize>) {
    let range = [memory.start as u64, memory.len() as u64];
    // SAFETY: the request reads two numbers.
    unsafe { libc::ioctl(reports, UFFDIO_WAKE, range.as_ptr()) };
}

/// Gives this thread a table of descriptors of its own, with this one alone in it.
pub fn keep_only(reports: RawFd) -> Option<()> {
    const CLOSE_RANGE_UNSHARE: libc::c_uint = 2;
    let number = libc::c_uint::try_from(reports).ok()?;
    // SAFETY: a system call without pointers. It closes what is in this thread's table, which is a copy from the first call on.
    let close = |first: libc::c_uint, last: libc::c_uint, flags: libc::c_uint| unsafe {
        (libc::syscall(libc::SYS_close_range, first, last, flags) == 0).then_some(())
    };
    close(number.checked_add(1)?, libc::c_uint::MAX, CLOSE_RANGE_UNSHARE)?;
    close(0, number.checked_sub(1)?, 0)
}

/// Closes the descriptor, if it is still one for reports: the program may have closed it, and got its number.
pub fn close(reports: RawFd) {
    let mut link = [0u8; LINK.len() + 1];
    let mut path = [0u8; 32];
    use io::Write;
    if write!(&mut path[..], "/proc/self/fd/{reports}\0").is_err() {
        return;
    }
    // SAFETY: the path ends with a null byte; the buffer is that long. The descriptor is the one that `open` gave.
    unsafe {
        // A system call of its own, for the stub takes readlink.
        let (path, place) = (path.as_ptr(), link.as_mut_ptr());
        let length = libc::syscall(libc::SYS_readlinkat, libc::AT_FDCWD, path, place, link.len());
        if usize::try_from(length).is_ok_and(|length| link.get(..length) == Some(LINK)) {
            libc::close(reports);
        }
    }
}
