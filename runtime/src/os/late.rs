//! A library whose code is not complete when it is loaded.
//!
//! Between its mapping and its constructors somebody has to see to it that what is missing is supplied
//! ([`super::on_demand`]); the dynamic linker gives no opportunity for that. So its file says that there are no
//! constructors, and they are run here, as the dynamic linker does (glibc, elf/dl-init.c, `call_init`). Destructors are
//! left to it.

use core::ffi::{c_char, c_int};
use core::ops::Range;
use core::sync::atomic::{AtomicI32, AtomicPtr, Ordering};
use core::{mem, ptr};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use libc::{Elf64_Ehdr, Elf64_Phdr, PF_W, PF_X, PT_DYNAMIC, PT_LOAD};

use super::library::{DT_NULL, Dynamic, Library};
use super::memory_file::{self, MappedPart};
use super::on_demand::{self, Expected, Part};
use crate::MappedArchive;
use crate::archive::ArchiveError;

/// Tags of the dynamic section (gABI).
const DT_INIT: i64 = 12;
const DT_INIT_ARRAY: i64 = 25;
const DT_INIT_ARRAYSZ: i64 = 27;

/// A tag that means nothing: of those for an operating system (gABI, `DT_LOOS`), one that glibc does not know.
const NO_TAG: i64 = 0x6000_5ffe;

/// Most entries of a dynamic section. Real ones have some dozens.
const MOST_ENTRIES: usize = 512;

/// What the program was called with: constructors get that.
static ARGUMENTS: (AtomicI32, AtomicPtr<*const c_char>) =
    (AtomicI32::new(0), AtomicPtr::new(ptr::null_mut()));

/// Notes what the program was called with, `argc` strings that live as long as the process.
pub fn called_with(argc: c_int, argv: *const *const c_char) {
    ARGUMENTS.0.store(argc, Ordering::Relaxed);
    ARGUMENTS.1.store(argv.cast_mut(), Ordering::Release);
}

/// A file of which code is missing, and what is to be done once it is mapped.
pub struct Late {
    missing: Missing,
    /// Where the first missing byte is to be, from the library's base on.
    address: usize,
    constructors: Constructors,
}

/// What is missing of a file.
pub struct Missing {
    /// In their order in the file, without gaps between the first and the last but what is there already.
    parts: Vec<Part>,
    /// That the library is still to come: for as long as this is there.
    _expected: Expected,
}

/// Constructors, from the library's base on.
#[derive(Default)]
struct Constructors {
    first: Option<usize>,
    array: usize,
    count: usize,
}

type Constructor = unsafe extern "C" fn(c_int, *const *const c_char, *const *const c_char);

impl Missing {
    pub fn new(parts: Vec<Part>, expected: Expected) -> Self {
        Self { parts, _expected: expected }
    }

    /// Fills what is missing of the file, which is neither sealed nor loaded, or loaded and nothing of it was run.
    pub fn fill(&self, archive: MappedArchive, file: &OwnedFd) -> Result<(), FillError> {
        for Part { block, range } in &self.parts {
            let mut part = MappedPart::new(file, range.clone()).map_err(FillError::Memory)?;
            archive.read_block(*block, part.bytes())?;
        }
        Ok(())
    }

    fn range(&self) -> Option<Range<usize>> {
        Some(self.parts.first()?.range.start..self.parts.last()?.range.end)
    }
}

/// Why a file cannot be completed.
#[derive(Debug, thiserror::Error)]
pub enum FillError {
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error(transparent)]
    Memory(io::Error),
}

impl Late {
    /// Changes the file so that it can be loaded as it is; gives back what is missing where that cannot be.
    pub fn new(missing: Missing, file: &OwnedFd) -> Result<Self, Missing> {
        match prepared(&missing, file) {
            Some((address, constructors)) => Ok(Self { missing, address, constructors }),
            None => Err(missing),
        }
    }

    /// Has what is missing supplied in the library, which was loaded from the file, seals that, and runs the constructors.
    pub fn finish(self, archive: MappedArchive, file: &OwnedFd, library: Library) -> Result<(), FillError> {
        let Self { missing, address, constructors } = self;
        let base = library.address();
        let is_supplied = base.zip(missing.range()).is_some_and(|(base, range)| {
            is_hole(file, &range, &missing.parts)
                && on_demand::supply(base.wrapping_add(address), range.start, &missing.parts)
        });
        if !is_supplied {
            missing.fill(archive, file)?;
        }
        memory_file::add_seals(file).map_err(FillError::Memory)?;
        if let Some(base) = base {
            // SAFETY: the library is loaded and relocated, its constructors were put off, and what is missing of it is supplied.
            unsafe { constructors.run(base) };
        }
        Ok(())
    }
}

/// Whether nothing of the parts is in memory: who has mapped the file, with all its pages at once (mlockall(2)), has got
/// zeroes, and nothing would be reported.
fn is_hole(file: &OwnedFd, range: &Range<usize>, parts: &[Part]) -> bool {
    let is_whole = parts.iter().map(|part| part.range.len()).sum::<usize>() == range.len();
    let is_hole = |range: &Range<usize>| {
        let Ok(start) = libc::off_t::try_from(range.start) else { return false };
        // SAFETY: a system call without pointers. ENXIO: from there on there is nothing.
        let data = unsafe { libc::syscall(libc::SYS_lseek, file.as_raw_fd(), start, libc::SEEK_DATA) };
        let is_none = || io::Error::last_os_error().raw_os_error() == Some(libc::ENXIO);
        usize::try_from(data).map_or_else(|_| is_none(), |data| data >= range.end)
    };
    if is_whole { is_hole(range) } else { parts.iter().all(|part| is_hole(&part.range)) }
}

/// Where the code is to be and what its constructors are, which the file says no more.
fn prepared(missing: &Missing, file: &OwnedFd) -> Option<(usize, Constructors)> {
    let range = missing.range()?;
    let header: Elf64_Ehdr = read(file, 0)?;
    if header.e_phentsize as usize != size_of::<Elf64_Phdr>() {
        return None;
    }
    let start = usize::try_from(header.e_phoff).ok()?;
    let segments: Vec<Elf64_Phdr> = (0..header.e_phnum as usize)
        .map(|number| read(file, start.checked_add(number * size_of::<Elf64_Phdr>())?))
        .collect::<Option<_>>()?;
    let code = segments.iter().find_map(|segment| {
        let offset = usize::try_from(segment.p_offset).ok()?;
        let length = usize::try_from(segment.p_filesz).ok()?;
        let is_it = segment.p_type == PT_LOAD
            && segment.p_flags & (PF_X | PF_W) == PF_X
            && range.start >= offset
            && range.end <= offset.checked_add(length)?;
        is_it.then(|| usize::try_from(segment.p_vaddr).ok()?.checked_add(range.start - offset))?
    })?;
    let dynamic = segments.iter().find(|segment| segment.p_type == PT_DYNAMIC)?;
    let start = usize::try_from(dynamic.p_offset).ok()?;
    let count = usize::try_from(dynamic.p_filesz).ok()? / size_of::<Dynamic>();
    let mut constructors = Constructors::default();
    let mut changes: Vec<(usize, [u8; 8], [u8; 8])> = Vec::new();
    for number in 0..count.min(MOST_ENTRIES) {
        let place = start.checked_add(number * size_of::<Dynamic>())?;
        let Dynamic { tag, value } = read(file, place)?;
        let address = usize::try_from(value).ok()?;
        match tag {
            DT_NULL => {
                let are_done = changes.iter().all(|(place, new, _)| write(file, *place, new).is_some());
                if !are_done {
                    for (place, _, old) in &changes {
                        let _ = write(file, *place, old);
                    }
                }
                return are_done.then_some((code, constructors));
            }
            DT_INIT => {
                constructors.first = Some(address);
                changes.push((place, NO_TAG.to_le_bytes(), tag.to_le_bytes()));
            }
            DT_INIT_ARRAY => constructors.array = address,
            DT_INIT_ARRAYSZ => {
                constructors.count = address / size_of::<Constructor>();
                changes.push((place + size_of::<i64>(), 0u64.to_le_bytes(), value.to_le_bytes()));
            }
            _ => {}
        }
    }
    None
}

impl Constructors {
    /// # Safety
    /// They are those of a loaded library with that base, and were not run.
    unsafe fn run(&self, base: usize) {
        // SAFETY: from the contract; an address in a library is that of a function of this type, or an array of those
        // that was relocated. The arguments are the program's.
        unsafe {
            let (argc, argv) = (ARGUMENTS.0.load(Ordering::Relaxed), ARGUMENTS.1.load(Ordering::Acquire));
            let run = |address: usize| {
                let constructor =
                    mem::transmute::<*const (), Constructor>(ptr::with_exposed_provenance(address));
                constructor(argc, argv, environ);
            };
            if let Some(first) = self.first {
                run(base.wrapping_add(first));
            }
            for number in 0..self.count {
                let place = base.wrapping_add(self.array + number * size_of::<Constructor>());
                run(ptr::with_exposed_provenance::<usize>(place).read());
            }
        }
    }
}

unsafe extern "C" {
    static environ: *const *const c_char;
}

/// A struct of a file, of numbers only.
fn read<T>(file: &OwnedFd, place: usize) -> Option<T> {
    let mut value = mem::MaybeUninit::<T>::uninit();
    let place = libc::off_t::try_from(place).ok()?;
    // SAFETY: the kernel writes at most as many bytes as the struct has; all of them make one.
    unsafe {
        let read =
            libc::syscall(libc::SYS_pread64, file.as_raw_fd(), value.as_mut_ptr(), size_of::<T>(), place);
        (usize::try_from(read) == Ok(size_of::<T>())).then(|| value.assume_init())
    }
}

fn write(file: &OwnedFd, place: usize, bytes: &[u8]) -> Option<()> {
    let place = libc::off_t::try_from(place).ok()?;
    // SAFETY: the kernel reads that many bytes.
    let written =
        unsafe { libc::syscall(libc::SYS_pwrite64, file.as_raw_fd(), bytes.as_ptr(), bytes.len(), place) };
    (usize::try_from(written) == Ok(bytes.len())).then_some(())
}
