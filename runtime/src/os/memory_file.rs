//! Memory files: anonymous files that the dynamic linker can load from (memfd_create(2)).
//!
//! They are sealed when complete, so that nothing can change code after it was written, and close-on-exec, so
//! that no child inherits them.

use core::ffi::{CStr, c_uint};
use core::ops::Range;
use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use super::pages::PAGE;

/// "Never to be executed by execve" (linux/memfd.h, Linux 6.3). Loading by the dynamic linker is allowed.
const MFD_NOEXEC_SEAL: c_uint = 0x8;

/// "May be executed" (linux/memfd.h, Linux 6.3); before, all memory files may.
const MFD_EXEC: c_uint = 0x10;

/// Longest name of a memory file, in bytes (memfd_create(2)).
pub const LONGEST_NAME: usize = 249;

/// A memory file under construction.
pub struct MemoryFile {
    file: OwnedFd,
    mapping: Mapping,
}

impl MemoryFile {
    /// A memory file of `length` bytes; `name`, as far as it may be that long, shows in `/proc/self/maps`.
    pub fn new(name: &str, length: usize) -> io::Result<Self> {
        let name: Vec<u8> = name.bytes().filter(|byte| *byte != 0).take(LONGEST_NAME).collect();
        let name = CString::new(name).unwrap_or_default();
        let file = create(&name, false)?;
        // Where the process may have no such descriptor, the one that it has must do.
        Self::over(raised(&file).unwrap_or(file), length)
    }

    /// Gives a new memory file a length, and its bytes an address.
    pub fn over(file: OwnedFd, length: usize) -> io::Result<Self> {
        grow(&file, length)?;
        let mapping = Mapping::new(&file, 0, length)?;
        Ok(Self { file, mapping })
    }

    /// The file's bytes.
    pub fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: the mapping is `length` bytes long, writable, and only reachable through this borrow.
        unsafe { core::slice::from_raw_parts_mut(self.mapping.memory.cast(), self.mapping.length) }
    }

    /// The file's descriptor, which it keeps.
    pub fn descriptor(&self) -> RawFd {
        self.file.as_raw_fd()
    }

    /// The file, complete but not sealed.
    pub fn into_descriptor(self) -> OwnedFd {
        self.file
    }

    /// Seals the file against any change; it can only be read, mapped and loaded from now on.
    pub fn seal(self) -> io::Result<OwnedFd> {
        let Self { file, mapping } = self;
        drop(mapping); // F_SEAL_WRITE demands that no writable mapping is left
        add_seals(&file)?;
        Ok(file)
    }
}

/// Seals a file against any change. It must not be mapped for writing here; a child of fork may have inherited a
/// mapping all the same.
///
/// The seal is the one that lets such a mapping be (F_SEAL_FUTURE_WRITE of fcntl(2), Linux 5.1). For the other one the kernel
/// makes sure that nobody is writing, and has all processors empty their lists of new pages for that (memfd_tag_pins
/// of its mm/memfd.c): up to a millisecond each time while the program runs on another.
pub fn add_seals(file: &OwnedFd) -> io::Result<()> {
    let add = |write: libc::c_int| {
        let seals = libc::F_SEAL_SEAL | libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | write;
        // SAFETY: the descriptor is open and ours.
        check(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, seals) })
    };
    add(libc::F_SEAL_FUTURE_WRITE).or_else(|_| add(libc::F_SEAL_WRITE))
}

/// Sets the permission bits; where those of execution are sealed, only the `plain` ones.
pub fn set_mode(file: &OwnedFd, mode: libc::mode_t, plain: libc::mode_t) -> io::Result<()> {
    let set = |mode: libc::mode_t| {
        // SAFETY: a system call without pointers; not fchmod, which the stub takes.
        check(unsafe { libc::syscall(libc::SYS_fchmod, file.as_raw_fd(), mode) } as libc::c_int)
    };
    if mode & !plain == 0 { set(mode) } else { set(mode).or_else(|_| set(mode & plain)) }
}

/// Sets the times of access and change.
pub fn set_times(file: &OwnedFd, time: libc::timespec) -> io::Result<()> {
    let times = [time, time];
    // SAFETY: the array lives; the null path stands for the descriptor itself (utimensat(2)). Not futimens, which the
    // stub takes.
    let status = unsafe {
        libc::syscall(libc::SYS_utimensat, file.as_raw_fd(), core::ptr::null::<u8>(), times.as_ptr(), 0)
    };
    check(status as libc::c_int)
}

/// Lets programs that this process executes have the descriptor.
pub fn inherit(file: &OwnedFd) -> io::Result<()> {
    // SAFETY: the descriptor is open and ours.
    check(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETFD, 0) })
}

/// Lowest descriptor of a file that is to be loaded: away from those that the program's own files get, and from those
/// that a debugger's have. gdb opens `/proc/self/fd/N`, the name of a loaded library, in its own process, and waits for
/// ever where that is one of its pipes.
const LOWEST_DESCRIPTOR: RawFd = 128;

/// The file with another descriptor, from [`LOWEST_DESCRIPTOR`] on.
pub fn raised(file: &OwnedFd) -> io::Result<OwnedFd> {
    // SAFETY: a call without pointers, on a descriptor that is open and ours.
    owned(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_DUPFD_CLOEXEC, LOWEST_DESCRIPTOR) })
}

/// A descriptor that was just opened, as an owned one; an error for -1, with its reason in errno.
pub fn owned(descriptor: RawFd) -> io::Result<OwnedFd> {
    check(descriptor)?;
    // SAFETY: the descriptor was just opened and belongs to no one else.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

/// Gives the file its size. The limit on file sizes (RLIMIT_FSIZE) holds for memory files as well: it is lifted as
/// far as it may be, and its signal must be ignored ([`ignore_size_signal`]).
pub fn grow(file: &OwnedFd, length: usize) -> io::Result<()> {
    let size = libc::off_t::try_from(length).map_err(|_| io::Error::from_raw_os_error(libc::EFBIG))?;
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the limit is a live struct; the descriptor is open and ours.
    unsafe {
        check(libc::getrlimit(libc::RLIMIT_FSIZE, &raw mut limit))?;
        let is_in_the_way = limit.rlim_cur < size as libc::rlim_t;
        if is_in_the_way {
            let lifted = libc::rlimit { rlim_cur: limit.rlim_max, ..limit };
            check(libc::setrlimit(libc::RLIMIT_FSIZE, &raw const lifted))?;
        }
        let grown = check(libc::ftruncate(file.as_raw_fd(), size));
        if is_in_the_way {
            check(libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit))?;
        }
        grown
    }
}

/// Whether no limit on file sizes (RLIMIT_FSIZE) is in the way of memory files.
pub fn may_grow() -> bool {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the limit is a live struct.
    unsafe {
        libc::getrlimit(libc::RLIMIT_FSIZE, &raw mut limit) == 0 && limit.rlim_cur == libc::RLIM_INFINITY
    }
}

/// Makes a file that would grow over the limit an error instead of a signal, as CPython does when it is initialised.
pub fn ignore_size_signal() {
    // SAFETY: no handler runs; the disposition is one that CPython sets anyway.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}

/// A part of a memory file, mapped to be written.
pub struct MappedPart {
    mapping: Mapping,
    /// Bytes before it in its first page.
    before: usize,
}

impl MappedPart {
    /// Maps the bytes of that range of a file, which is as long. Without malloc: that would give a thread an arena.
    pub fn new(file: &OwnedFd, range: Range<usize>) -> io::Result<Self> {
        let before = range.start % PAGE;
        let start = range.start - before;
        Ok(Self { mapping: Mapping::new(file, start, range.end.saturating_sub(start))?, before })
    }

    /// The bytes. Their pages come one by one: a call for all of them would keep other threads from mapping memory meanwhile.
    pub fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: the mapping is that long, writable, and only reachable through this borrow; what comes before the part in
        // its first page is not touched.
        unsafe {
            core::slice::from_raw_parts_mut(
                self.mapping.memory.cast::<u8>().add(self.before),
                self.mapping.length.saturating_sub(self.before),
            )
        }
    }
}

/// A writable shared mapping of a memory file, unmapped when dropped.
struct Mapping {
    memory: *mut libc::c_void,
    length: usize,
}

impl Mapping {
    /// `start` is a multiple of [`PAGE`].
    fn new(file: &OwnedFd, start: usize, length: usize) -> io::Result<Self> {
        let offset = libc::off_t::try_from(start).map_err(|_| io::Error::from_raw_os_error(libc::EFBIG))?;
        let access = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a fresh mapping, at an address of the kernel's choice, of a part of the file.
        let memory = unsafe {
            libc::mmap(core::ptr::null_mut(), length, access, libc::MAP_SHARED, file.as_raw_fd(), offset)
        };
        if memory == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the mapping just made. A child of fork has no use for it, and would keep the file from being sealed.
        unsafe { libc::madvise(memory, length, libc::MADV_DONTFORK) };
        Ok(Self { memory, length })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the mapping was made by `new` with this length, and no borrow of its bytes outlives the owner.
        unsafe { libc::munmap(self.memory, self.length) };
    }
}

/// An empty memory file, which may be executed or not, as far as the kernel knows the difference: before Linux 6.3
/// the flags give EINVAL. A system that allows no execution of memory files at all (`vm.memfd_noexec`) gives EACCES.
pub fn create(name: &CStr, is_program: bool) -> io::Result<OwnedFd> {
    let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
    // SAFETY: the name is a live NUL-terminated string.
    let make = |more: c_uint| owned(unsafe { libc::memfd_create(name.as_ptr(), flags | more) });
    let made = if is_program { make(MFD_EXEC) } else { make(MFD_NOEXEC_SEAL) };
    match made.as_ref().err().and_then(io::Error::raw_os_error) {
        Some(libc::EINVAL) => make(0),
        Some(libc::EACCES) => make(MFD_NOEXEC_SEAL),
        _ => made,
    }
}

/// -1 is an error, with its reason in errno.
fn check(result: libc::c_int) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{Read, Write};

    use super::*;

    #[test]
    fn a_sealed_file_reads_back_and_refuses_writes() {
        let mut file = MemoryFile::new(&"name".repeat(64), 5).unwrap();
        file.bytes().copy_from_slice(b"hello");
        let mut sealed = File::from(file.seal().unwrap());
        let mut text = String::new();
        sealed.read_to_string(&mut text).unwrap();
        assert_eq!(text, "hello");
        assert!(sealed.write_all(b"x").is_err());
        assert!(sealed.set_len(0).is_err());
    }
}
