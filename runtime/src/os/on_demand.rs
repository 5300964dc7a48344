//! Machine code that is decompressed when it is executed.
//!
//! A large library is mapped with holes in its memory file where nobody has decompressed its code yet. The kernel is asked
//! to report who executes, or reads, something there (userfaultfd(2), ioctl_userfaultfd(2)); a thread decompresses that
//! block, puts it in place and lets the other go on. When nobody waits, and the start is over, it supplies the rest, block by
//! block, and ends.
//!
//! Only reports of the program's own accesses are asked for (`UFFD_USER_MODE_ONLY`, Linux 5.11), which needs no privilege:
//! the kernel's accesses on the program's behalf fail meanwhile, with EFAULT, so nothing but code may be supplied like
//! this. Where the system call is filtered, or anything else is not as it should be, all is decompressed before it is loaded.
//!
//! The thread has a table of descriptors of its own, in which there is nothing but the one for the reports: a program may
//! close what it does not know. It blocks all signals, and allocates nothing with malloc. Before a fork it supplies all that is
//! missing and ends ([`stop`]): a child would not be reported.

mod kernel;

use core::ffi::{c_int, c_void};
use core::ops::Range;
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use core::time::Duration;
use std::os::fd::{AsRawFd, IntoRawFd, RawFd};
use std::sync::{Mutex, OnceLock, PoisonError};

use super::ahead;
use super::decompress::Decompressor;
use super::pages::{PAGE, Pages};
use super::processors::{Processors, take_turns_of};
use super::{futex, memory_file};
use crate::error::StartError;
use crate::{EXIT_DAMAGED, EXIT_UNSUPPORTED, MappedArchive};

/// Most libraries that can have code on demand.
const MOST_LIBRARIES: usize = 64;

/// Longest block that is supplied, in bytes.
const LONGEST_BLOCK: usize = 1 << 20;

/// How long nothing must have been reported, nor anything that was decompressed ahead used, before the rest is supplied:
/// a start has better uses for the processors.
const QUIET: Duration = Duration::from_millis(200);

/// How long its turns on a processor are: shorter than those of other threads, for somebody waits for it.
const TURN: Duration = Duration::from_micros(100);

/// How long the thread waits for a report, or for another library, before it looks whether there will be any.
const PATIENCE: Duration = Duration::from_secs(1);

/// States of the thread.
const STARTING: u32 = 0;
const READY: u32 = 1;
const ENDED: u32 = 2;

/// What supplies code.
struct Supplier {
    archive: MappedArchive,
    /// Where the thread may run.
    processors: Processors,
    /// Where the kernel reports.
    reports: RawFd,
    /// A page of which the kernel reports the first access, too: that wakes the thread.
    bell: *mut c_void,
    libraries: [OnceLock<Missing>; MOST_LIBRARIES],
    /// How many of them there are.
    count: AtomicUsize,
    /// Libraries that may still come: as many as there are [`Expected`]s.
    expected: AtomicUsize,
    /// Held by who adds a library, and who ends the thread.
    changing: Mutex<()>,
    must_end: AtomicBool,
    state: AtomicU32,
    thread: AtomicI32,
    /// Bytes that were supplied because somebody waited.
    waited_for: AtomicU64,
}

// SAFETY: the page is only an address to the threads.
unsafe impl Sync for Supplier {}

/// Blocks that are missing in memory.
struct Missing {
    memory: Range<usize>,
    blocks: Vec<MissingBlock>,
}

struct MissingBlock {
    block: u32,
    memory: Range<usize>,
    is_there: AtomicBool,
}

/// A block that is missing in a file, and where.
pub struct Part {
    pub block: u32,
    pub range: Range<usize>,
}

/// The process's supplier, once there is one.
static SUPPLIER: AtomicPtr<Supplier> = AtomicPtr::new(core::ptr::null_mut());

fn current() -> Option<&'static Supplier> {
    // SAFETY: null, or what `prepare` leaked.
    unsafe { SUPPLIER.load(Ordering::Acquire).as_ref() }
}

/// A library that may be added. As long as there is one the thread stays.
pub struct Expected(());

impl Expected {
    /// One of those that [`expect`] was told.
    pub fn one() -> Self {
        Self(())
    }
}

impl Drop for Expected {
    fn drop(&mut self) {
        if let Some(supplier) = current()
            && supplier.expected.fetch_sub(1, Ordering::AcqRel) == 1
        {
            supplier.close_reports();
        }
    }
}

/// Whether code can be supplied on demand here. To be called while the process has one thread; then [`expect`].
pub fn prepare(archive: MappedArchive, processors: Processors) -> bool {
    if current().is_some() {
        return true;
    }
    let Some(supplier) = Supplier::new(archive, processors) else { return false };
    SUPPLIER.store(core::ptr::from_ref(Box::leak(Box::new(supplier))).cast_mut(), Ordering::Release);
    true
}

/// Whether a part of a file is one that can be supplied.
pub fn can_supply(part: &Range<usize>) -> bool {
    part.len() <= LONGEST_BLOCK && part.start.is_multiple_of(PAGE) && part.len().is_multiple_of(PAGE)
}

/// Says how many libraries may come, and starts the thread: `start` makes one that runs what it gets. Where there is none,
/// nothing is supplied.
pub fn expect(libraries: usize, start: impl FnOnce(extern "C" fn(*mut c_void) -> *mut c_void) -> bool) {
    let Some(supplier) = current() else { return };
    supplier.expected.store(libraries, Ordering::Release);
    if libraries == 0 || !start(run_thread) {
        supplier.state.store(ENDED, Ordering::Release);
        supplier.close_reports();
    }
}

/// Has missing blocks supplied: `memory` is where the library's bytes from `start` on are mapped, up to the end of the last
/// block. Not where the thread has ended, or the kernel will not report.
pub fn supply(memory: usize, start: usize, parts: &[Part]) -> bool {
    current().is_some_and(|supplier| supplier.add(memory, start, parts).is_some())
}

/// Ends the thread before something is unloaded, if anything is missing.
pub fn complete() {
    if let Some(supplier) = current().filter(|supplier| supplier.first_missing().is_some()) {
        supplier.stop();
    }
}

/// How many bytes were supplied because somebody waited for them.
pub fn bytes_waited_for() -> u64 {
    current().map_or(0, |supplier| supplier.waited_for.load(Ordering::Relaxed))
}

/// Ends the thread: when this returns, nothing that was added is missing any more. Nothing can be added from now on.
pub fn stop() {
    if let Some(supplier) = current() {
        supplier.stop();
    }
}

impl Supplier {
    fn new(archive: MappedArchive, processors: Processors) -> Option<Self> {
        if is_filtered() {
            return None;
        }
        let reports = kernel::open().and_then(|reports| memory_file::raised(&reports)).ok()?;
        let bell = Pages::new(PAGE)?.into_raw();
        if !kernel::register(reports.as_raw_fd(), bell.addr()..bell.addr() + PAGE) {
            return None;
        }
        Some(Self {
            archive,
            processors,
            reports: reports.into_raw_fd(),
            bell,
            libraries: [const { OnceLock::new() }; MOST_LIBRARIES],
            count: AtomicUsize::new(0),
            expected: AtomicUsize::new(0),
            changing: Mutex::new(()),
            must_end: AtomicBool::new(false),
            state: AtomicU32::new(STARTING),
            thread: AtomicI32::new(0),
            waited_for: AtomicU64::new(0),
        })
    }

    fn add(&self, memory: usize, start: usize, parts: &[Part]) -> Option<()> {
        if self.must_end.load(Ordering::Acquire) {
            return None;
        }
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        while self.state.load(Ordering::Acquire) == STARTING {
            futex::wait(&self.state, STARTING, PATIENCE);
        }
        if self.must_end.load(Ordering::Acquire) || self.state.load(Ordering::Acquire) != READY {
            return None;
        }
        let place = |range: &Range<usize>| {
            let shift = |at: usize| memory.checked_add(at.checked_sub(start)?);
            let place = shift(range.start)?..shift(range.end)?;
            (can_supply(&place) && !place.is_empty()).then_some(place)
        };
        let blocks: Option<Vec<MissingBlock>> = parts
            .iter()
            .map(|Part { block, range }| {
                let is_there = AtomicBool::new(false);
                Some(MissingBlock { block: *block, memory: place(range)?, is_there })
            })
            .collect();
        let blocks = blocks?;
        let memory = blocks.first()?.memory.start..blocks.last()?.memory.end;
        let count = self.count.load(Ordering::Acquire);
        self.libraries.get(count)?.set(Missing { memory: memory.clone(), blocks }).ok()?;
        self.count.store(count + 1, Ordering::Release);
        if kernel::register(self.reports, memory) {
            // Who waits leaves a processor to the thread: not one on which others are running.
            if let Some(own) = Processors::own() {
                own.run(self.thread.load(Ordering::Acquire));
            }
            return Some(());
        }
        // Nothing is reported there: the thread has nothing to do with it.
        self.libraries[count]
            .get()?
            .blocks
            .iter()
            .for_each(|block| block.is_there.store(true, Ordering::Release));
        None
    }

    fn missing(&self) -> impl Iterator<Item = &Missing> {
        let count = self.count.load(Ordering::Acquire);
        self.libraries.iter().take(count).filter_map(OnceLock::get)
    }

    fn first_missing(&self) -> Option<&MissingBlock> {
        let is_missing = |block: &&MissingBlock| !block.is_there.load(Ordering::Acquire);
        self.missing().flat_map(|library| &library.blocks).find(is_missing)
    }

    fn stop(&self) {
        self.must_end.store(true, Ordering::Release);
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        while self.state.load(Ordering::Acquire) == STARTING {
            futex::wait(&self.state, STARTING, PATIENCE);
        }
        if self.state.load(Ordering::Acquire) == READY {
            // SAFETY: the page was mapped by `new` and stays; the thread lets this go on.
            unsafe { self.bell.cast::<u8>().read_volatile() };
        }
        while self.state.load(Ordering::Acquire) != ENDED {
            futex::wait(&self.state, READY, PATIENCE);
        }
        let thread = self.thread.swap(0, Ordering::AcqRel);
        if thread != 0 {
            ahead::wait_until_gone(thread);
        }
        self.close_reports();
    }

    /// Closes the program's descriptor for the reports, if it is still that.
    fn close_reports(&self) {
        kernel::close(self.reports);
    }
}

/// Whether system calls are filtered: a filter may end the process for one that it does not know (seccomp(2)).
fn is_filtered() -> bool {
    // SAFETY: a request without pointers.
    unsafe { libc::prctl(libc::PR_GET_SECCOMP) != 0 }
}

extern "C" fn run_thread(_: *mut c_void) -> *mut c_void {
    if let Some(supplier) = current() {
        // SAFETY: no conditions.
        supplier.thread.store(unsafe { libc::gettid() }, Ordering::Release);
        supplier.work();
        // Nobody must wait for it any more.
        kernel::zero(supplier.reports, supplier.bell.addr());
        supplier.state.store(ENDED, Ordering::Release);
        futex::wake(&supplier.state);
    }
    core::ptr::null_mut()
}

impl Supplier {
    fn work(&self) -> Option<()> {
        let mut memory = Pages::new(Decompressor::memory())?;
        let mut decompressor = Decompressor::new(&mut memory)?;
        let mut buffer = Pages::new(LONGEST_BLOCK)?;
        kernel::keep_only(self.reports)?;
        take_turns_of(TURN, 0);
        self.state.store(READY, Ordering::Release);
        futex::wake(&self.state);
        let mut supply = |block: &MissingBlock| {
            let bytes = &mut buffer.bytes()[..block.memory.len()];
            let read =
                self.archive.read_block_with(block.block, bytes, |out, frame| decompressor.run(out, frame));
            if let Err(error) = read {
                end(&StartError::Damaged(error).to_string(), EXIT_DAMAGED);
            }
            match kernel::copy(self.reports, block.memory.clone(), bytes) {
                Err(error) if error.raw_os_error() == Some(libc::ENOMEM) => {
                    end("not enough memory", EXIT_UNSUPPORTED)
                }
                // Any other error says that the library is there no more.
                _ => block.is_there.store(true, Ordering::Release),
            }
        };
        let mut is_quiet = false;
        let mut uses = ahead::uses();
        let mut beside: Option<&MissingBlock> = None;
        loop {
            let next = self.first_missing();
            let must_end = self.must_end.load(Ordering::Acquire);
            if next.is_none() && (must_end || self.expected.load(Ordering::Acquire) == 0) {
                return Some(());
            }
            let patience = match next {
                Some(_) if must_end || is_quiet || beside.is_some() => Duration::ZERO,
                Some(_) => QUIET,
                None => PATIENCE,
            };
            let report = kernel::report(self.reports, patience);
            if let (None, Some(block)) = (report, beside.take()) {
                supply(block);
                continue;
            }
            let (uses_before, was_quiet) = (uses, is_quiet);
            uses = ahead::uses();
            is_quiet = report.is_none() && uses == uses_before;
            if is_quiet && !was_quiet {
                self.processors.run_on();
            }
            match (report, next) {
                (Some(address), _) if address & !(PAGE - 1) == self.bell.addr() => {
                    kernel::zero(self.reports, self.bell.addr());
                }
                (Some(address), _) => {
                    let library = self.missing().filter(|library| library.memory.contains(&address)).last();
                    let blocks = library.map(|library| library.blocks.as_slice()).unwrap_or_default();
                    let page = address & !(PAGE - 1);
                    match blocks.iter().position(|block| block.memory.contains(&address)) {
                        // One that is there, too: its pages may have been given up (madvise(2), MADV_DONTNEED).
                        Some(number) => {
                            let block = &blocks[number];
                            self.waited_for.fetch_add(block.memory.len() as u64, Ordering::Relaxed);
                            supply(block);
                            beside = likely_next(blocks, number);
                        }
                        None => kernel::wake(self.reports, page..page + PAGE),
                    }
                }
                (None, Some(block)) if is_quiet || must_end => supply(block),
                (None, _) => {}
            }
        }
    }
}

/// The block that will be asked for after one, as far as two side by side tell: what a library executes when it is loaded
/// lies together.
fn likely_next(blocks: &[MissingBlock], number: usize) -> Option<&MissingBlock> {
    let before = number.checked_sub(1).and_then(|number| blocks.get(number));
    let (before, after) = (before?, blocks.get(number + 1)?);
    let is_there = |block: &MissingBlock| block.is_there.load(Ordering::Acquire);
    match (is_there(before), is_there(after)) {
        (true, false) => Some(after),
        (false, true) => Some(before),
        _ => None,
    }
}

/// Ends the process: somebody waits for code that cannot be had.
fn end(reason: &str, code: c_int) -> ! {
    // SAFETY: calls with live strings. The descriptor gets the number of stderr, for this thread has no others below.
    unsafe {
        libc::open(c"/proc/self/fd/2".as_ptr(), libc::O_WRONLY | libc::O_APPEND);
        libc::dup2(0, libc::STDERR_FILENO);
        super::complain(reason);
        libc::_exit(code)
    }
}
