//! Decompressing ahead: what the archive says that a start will want is ready, or begun, when the program asks for it.
//!
//! In: the section `ahead` of the archive. Threads take its blocks in that order, from before CPython is initialised on:
//! code of modules into memory of this process, libraries and extensions into memory files. Whoever needs one takes it
//! ([`code`], [`file`]), and does what nobody has begun itself; of a file that is not complete it does its share. A guess
//! that was wrong costs time of another core and, for a moment, memory: at most [`MOST_AHEAD`] bytes wait to be taken,
//! and what nobody asks for is given up ([`worker`]). What is damaged is left for who needs it, and told there as ever.
//!
//! The threads are no part of the program: they block all signals, allocate nothing with malloc, and end as soon as all
//! is taken. Before a fork, and before calls that only a process with one thread may make, they are ended
//! ([`stop_threads`]) and what they have done is given up; from then on everything is decompressed when it is needed. With one processor, or
//! next to nothing to decompress, there are none.

mod file;
mod list;
mod work;
mod worker;

use core::ffi::c_void;
use core::ops::Range;
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use core::time::Duration;
use std::os::fd::OwnedFd;

use super::late::Missing;
use super::on_demand::{Expected, Part};
use super::pages::Pages;
use super::processors::Processors;
use super::{futex, memory_file};
use crate::MappedArchive;
use crate::archive::Extent;
use crate::archive::layout::WORTH_A_THREAD;
use file::File;
use work::{CLAIMED, DONE, FAILED, OPEN, State, TAKEN};
pub use worker::{stop_threads, wait_until_gone};

/// Bytes that may wait to be taken.
const MOST_AHEAD: usize = 64 << 20;

/// Most memory files: they are open from the start until they are taken.
const MOST_FILES: usize = 256;

/// Most threads. A start has little to share out, and others want their cores, too.
const MOST_THREADS: usize = 3;

/// How many bytes are worth another thread: some milliseconds of work, where a thread costs some hundredths of one.
const BYTES_PER_THREAD: usize = 8 << 20;

/// Everything that is to be decompressed ahead. It lives as long as the process.
struct Ahead {
    archive: MappedArchive,
    /// In the order in which it is wanted.
    pieces: Vec<Piece>,
    files: Vec<File>,
    /// Number of the first piece that no thread has looked at.
    next: AtomicUsize,
    /// Number of the file that somebody waits for; [`NOBODY`] if none.
    urgent: AtomicUsize,
    /// Pieces of code and files that nobody has asked for yet.
    left: AtomicUsize,
    /// Changes whenever something is taken, and when the threads are to end.
    taken: AtomicU32,
    /// Whether a thread waits for that, and not only for all to be taken.
    is_stalled: AtomicBool,
    must_end: AtomicBool,
    /// Threads that are running.
    threads: AtomicU32,
    /// Their numbers (gettid(2)); 0 for none.
    thread_numbers: [AtomicI32; MOST_THREADS],
    /// Where they may run.
    processors: Processors,
    /// The process that they are in.
    process: libc::pid_t,
    /// Memory of which the pages are wanted soon; null for none.
    wanted: AtomicPtr<c_void>,
    /// Its length in bytes, which is the same each time.
    wanted_length: AtomicUsize,
    /// How long a thread waits for something to be taken before it takes the rest for a wrong guess.
    patience: Duration,
    bytes_ahead: AtomicU64,
}

/// [`Ahead::patience`] of a start.
const PATIENCE: Duration = Duration::from_secs(2);

const NOBODY: usize = usize::MAX;

/// One block to decompress.
struct Piece {
    block: u32,
    length: usize,
    state: State,
    purpose: Purpose,
    /// Whether its file can do without it.
    is_on_demand: bool,
}

enum Purpose {
    /// Code of modules; the bytes once it is done.
    Code(AtomicPtr<c_void>),
    /// A part of a file: its number, and which part.
    Part(usize, Range<usize>),
}

/// The work of this process, once there is any.
static AHEAD: AtomicPtr<Ahead> = AtomicPtr::new(core::ptr::null_mut());

fn current() -> Option<&'static Ahead> {
    // SAFETY: null, or what `start` leaked.
    unsafe { AHEAD.load(Ordering::Acquire).as_ref() }
}

/// A number that changes whenever something is used that was to be decompressed ahead.
pub(super) fn uses() -> u32 {
    current().map_or(0, |ahead| ahead.taken.load(Ordering::Relaxed))
}

/// Starts decompressing what the archive says that a start will want. To be called once.
pub fn start(archive: MappedArchive) {
    let Some(processors) = Processors::allowed() else { return };
    let spare = processors.count().saturating_sub(1).min(MOST_THREADS);
    if spare == 0 || archive.ahead_count() == 0 || !memory_file::may_grow() {
        return;
    }
    let ahead = Ahead::new(archive, processors, PATIENCE);
    let length: usize = ahead.pieces.iter().map(|piece| piece.length).sum();
    if length < WORTH_A_THREAD {
        ahead.give_up();
        worker::start_supplier(processors, 0);
        return;
    }
    let waiting = ahead.files.iter().filter(|file| !file.on_demand.is_empty()).count();
    worker::start_supplier(processors, waiting);
    let ahead: &'static Ahead = Box::leak(Box::new(ahead));
    AHEAD.store(core::ptr::from_ref(ahead).cast_mut(), Ordering::Release);
    worker::start(ahead, spare.min(1 + length / BYTES_PER_THREAD));
}

/// A decompressed block of code, if it is one that was to be decompressed ahead, and was.
pub fn code(block: u32) -> Option<Pages> {
    current()?.code(block)
}

/// A native file of the archive, if it is one that was to be decompressed ahead, and was at least begun: sealed, or without
/// code that can be supplied on demand.
pub fn file(content: Extent) -> Option<(OwnedFd, Option<Missing>)> {
    current()?.file(content)
}

/// Completes native files of the archive before the first of them is loaded, as far as threads are at them: a library's
/// constructor may start threads that keep the processors busy (OpenBLAS's do).
pub fn complete(contents: &[Extent]) {
    if let Some(ahead) = current() {
        ahead.complete(contents);
    }
}

/// Whether there are threads that decompress ahead.
pub fn has_threads() -> bool {
    current().is_some_and(|ahead| ahead.threads.load(Ordering::Acquire) > 0 && !ahead.is_elsewhere())
}

/// Whether threads have something to decompress that nobody has begun.
pub fn is_busy() -> bool {
    let has_more = |ahead: &Ahead| {
        ahead.next.load(Ordering::Relaxed) < ahead.pieces.len() && !ahead.must_end.load(Ordering::Relaxed)
    };
    has_threads() && current().is_some_and(has_more)
}

/// Has a thread get the pages of some memory from the kernel before they are used: a fault for each, and clearing it, takes
/// time. The length is the same each time.
pub fn get_pages(memory: *mut c_void, length: usize) {
    if let Some(ahead) = current() {
        ahead.get_pages(memory, length);
    }
}

/// The memory is used now: no thread is to begin with it any more.
pub fn forget_pages(memory: *mut c_void) {
    if let Some(ahead) = current() {
        ahead.forget_pages(memory);
    }
}

/// Bytes that threads have decompressed ahead so far.
pub fn bytes_ahead() -> u64 {
    current().map_or(0, |ahead| ahead.bytes_ahead.load(Ordering::Relaxed))
}

impl Piece {
    /// Whether it is code that is done and was not taken.
    fn is_ready_code(&self) -> bool {
        matches!(self.purpose, Purpose::Code(_)) && self.state.get() == DONE
    }

    /// The code, for whoever comes first.
    fn take(&self) -> Option<Pages> {
        let Purpose::Code(bytes) = &self.purpose else { return None };
        if !self.state.change(DONE, TAKEN) {
            return None;
        }
        let bytes = bytes.swap(core::ptr::null_mut(), Ordering::AcqRel);
        // SAFETY: null, or what `fill` leaked; nobody else can take it any more.
        (!bytes.is_null()).then(|| unsafe { Pages::from_raw(bytes, self.length) })
    }
}

impl Ahead {
    fn code(&self, block: u32) -> Option<Pages> {
        let is_it = |piece: &&Piece| piece.block == block && matches!(piece.purpose, Purpose::Code(_));
        let piece = self.pieces.iter().find(is_it)?;
        if piece.state.change(OPEN, TAKEN) {
            self.is_taken();
            return None;
        }
        self.wait(&piece.state);
        let bytes = piece.take();
        if bytes.is_some() || piece.state.change(FAILED, TAKEN) {
            self.is_taken();
        }
        bytes
    }

    fn file(&self, content: Extent) -> Option<(OwnedFd, Option<Missing>)> {
        let (number, file) = self.files.iter().enumerate().find(|(_, file)| file.content == content)?;
        let is_hopeless = self.threads.load(Ordering::Acquire) == 0 && !file.is_begun();
        if is_hopeless || self.is_elsewhere() || file.is_taken.swap(true, Ordering::AcqRel) {
            return None;
        }
        self.help(number, file);
        self.wait(&file.state);
        let _ = self.urgent.compare_exchange(number, NOBODY, Ordering::AcqRel, Ordering::Relaxed);
        let expected = (!file.on_demand.is_empty()).then(Expected::one);
        let missing = expected.and_then(|expected| self.missing(file, expected));
        let given = file.give(missing.is_none());
        self.is_taken();
        given.map(|given| (given, missing))
    }

    /// What nobody has begun of a file's code, or could not do; from now on nobody does.
    fn missing(&self, file: &File, expected: Expected) -> Option<Missing> {
        let pieces = self.pieces.get(file.on_demand.clone())?;
        // All at once: whoever waited for one would find the next one begun.
        for piece in pieces {
            piece.state.change(OPEN, TAKEN);
        }
        let mut parts = Vec::new();
        for piece in pieces {
            if let Purpose::Part(_, range) = &piece.purpose
                && self.wait(&piece.state) != DONE
            {
                parts.push(Part { block: piece.block, range: range.clone() });
            }
        }
        (!parts.is_empty()).then(|| Missing::new(parts, expected))
    }

    /// Completes files, without taking them.
    fn complete(&self, contents: &[Extent]) {
        if self.threads.load(Ordering::Acquire) == 0 || self.is_elsewhere() {
            return;
        }
        let is_wanted =
            |file: &File| contents.contains(&file.content) && !file.is_taken.load(Ordering::Acquire);
        let wanted = || self.files.iter().enumerate().filter(|(_, file)| is_wanted(file));
        for (number, file) in wanted() {
            self.help(number, file);
        }
        for (_, file) in wanted() {
            self.wait(&file.state);
        }
        self.urgent.store(NOBODY, Ordering::Release);
    }

    /// Has the threads fill a file before all others, and fills what nobody has begun.
    fn help(&self, number: usize, file: &File) {
        self.urgent.store(number, Ordering::Release);
        for piece in file.pieces.clone().filter_map(|number| self.pieces.get(number)) {
            if piece.state.change(OPEN, CLAIMED) {
                self.fill(piece, zstd_safe::decompress);
            }
        }
    }

    /// Decompresses a piece that this thread has claimed, and ends the claim.
    fn fill(&self, piece: &Piece, decompress: impl FnOnce(&mut [u8], &[u8]) -> Result<usize, usize>) -> bool {
        match &piece.purpose {
            Purpose::Code(place) => {
                // Its pages come one by one: whoever gets many in one call keeps the program's thread from mapping memory meanwhile.
                let filled = Pages::new(piece.length).and_then(|mut bytes| {
                    self.archive.read_block_with(piece.block, bytes.bytes(), decompress).ok()?;
                    Some(bytes)
                });
                let is_done = filled.is_some();
                place.store(filled.map_or(core::ptr::null_mut(), Pages::into_raw), Ordering::Release);
                piece.state.end(if is_done { DONE } else { FAILED });
                is_done
            }
            Purpose::Part(number, range) => {
                let Some(file) = self.files.get(*number) else { return false };
                let is_done = file.fill(range.clone(), |part| {
                    self.archive.read_block_with(piece.block, part, decompress).is_ok()
                });
                piece.state.end(if is_done { DONE } else { FAILED });
                if !piece.is_on_demand {
                    file.end_piece(piece.length, is_done);
                } else if is_done {
                    file.filled.fetch_add(piece.length, Ordering::Relaxed);
                }
                is_done
            }
        }
    }

    fn get_pages(&self, memory: *mut c_void, length: usize) {
        self.wanted_length.store(length, Ordering::Relaxed);
        self.wanted.store(memory, Ordering::Release);
        self.taken.fetch_add(1, Ordering::SeqCst);
        futex::wake(&self.taken);
    }

    fn forget_pages(&self, memory: *mut c_void) {
        let null = core::ptr::null_mut();
        let _ = self.wanted.compare_exchange(memory, null, Ordering::AcqRel, Ordering::Relaxed);
    }

    /// Waits until nobody is at something any more.
    fn wait(&self, state: &State) -> u32 {
        state.wait(|| self.is_elsewhere())
    }

    /// Whether this is another process than that of the threads: one made by a bare clone(2), of which nobody was told.
    fn is_elsewhere(&self) -> bool {
        // SAFETY: no conditions.
        self.process != unsafe { libc::getpid() }
    }

    /// Tells the threads that something was taken.
    fn is_taken(&self) {
        let is_last = self.left.fetch_sub(1, Ordering::AcqRel) == 1;
        self.taken.fetch_add(1, Ordering::SeqCst);
        if is_last || self.is_stalled.load(Ordering::SeqCst) {
            futex::wake(&self.taken);
        }
    }
}

#[cfg(test)]
#[cfg(feature = "write")]
mod tests;
