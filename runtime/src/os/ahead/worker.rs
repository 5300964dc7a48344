//! The threads that decompress ahead: what each does next, when it ends, and what a fork means to them.
//!
//! They are made by pthread_create(3), not by `std::thread`, whose threads allocate: with its first call of malloc a
//! thread gets an arena of its own, 64 MiB of address space.

use core::ffi::c_void;
use core::mem::MaybeUninit;
use core::sync::atomic::Ordering;
use core::time::Duration;

use super::file::File;
use super::work::{CLAIMED, FAILED, OPEN};
use super::{Ahead, MOST_AHEAD, Piece, current};
use crate::os::decompress::{BlockedSignals, Decompressor};
use crate::os::futex;
use crate::os::on_demand::{self, Expected};
use crate::os::pages::{PAGE, Pages, fill};
use crate::os::processors::{Processors, take_turns_of};

/// Stack of a thread: zstd keeps its state elsewhere.
const STACK_LENGTH: usize = 256 << 10;

/// How long to sleep before looking whether the threads have ended.
const LOOK: Duration = Duration::from_millis(500);

/// How long a thread's turns on a processor are: longer than those of the program's threads, which it lets in.
const TURN: Duration = Duration::from_millis(20);

/// How much nicer than theirs its claims are: OpenBLAS, say, keeps a processor busy for 20 ms when it is loaded, and the two
/// are to share one, not to leave it and the program's own thread another. More would not do: that may wait for a thread.
const NICER: i32 = 5;

/// What a thread does next.
enum Next<'a> {
    Piece(&'a Piece),
    /// Wait: enough is ready.
    Wait,
    Nothing,
}

/// Whether a thread that ends is counted among those that run.
#[derive(PartialEq, Eq)]
enum Counted {
    Still,
    NoMore,
}

/// Starts threads. One that cannot be had is no loss.
pub(super) fn start(ahead: &'static Ahead, count: usize) {
    // SAFETY: the handlers have no arguments.
    unsafe { libc::pthread_atfork(Some(before_fork), None, None) };
    let argument = core::ptr::from_ref(ahead).cast_mut().cast();
    ahead.threads.store(u32::try_from(count).unwrap_or(0), Ordering::Release);
    let started = start_threads(ahead.processors, count, run, argument);
    let missing = u32::try_from(count - started).unwrap_or(0);
    if ahead.threads.fetch_sub(missing, Ordering::AcqRel) == missing {
        ahead.give_up();
    }
}

/// Starts the thread that supplies code on demand to so many libraries; for none, ends what was prepared.
pub(super) fn start_supplier(processors: Processors, libraries: usize) {
    on_demand::expect(libraries, |run| start_threads(processors, 1, run, core::ptr::null_mut()) == 1);
}

/// Starts threads that are not part of the program; returns how many.
fn start_threads(
    processors: Processors,
    count: usize,
    run: extern "C" fn(*mut c_void) -> *mut c_void,
    argument: *mut c_void,
) -> usize {
    let _blocked = BlockedSignals::new();
    // SAFETY: the attributes are initialised before they are used, and the threads get what lives as long as the process.
    unsafe {
        let mut attributes = MaybeUninit::uninit();
        if libc::pthread_attr_init(attributes.as_mut_ptr()) != 0 {
            return 0;
        }
        let attributes = attributes.as_mut_ptr();
        libc::pthread_attr_setdetachstate(attributes, libc::PTHREAD_CREATE_DETACHED);
        libc::pthread_attr_setstacksize(attributes, STACK_LENGTH);
        // The kernel starts a thread where the one runs that makes it, often, and looks for a better place every 4 ms. Where it
        // goes from there is the kernel's affair again.
        if let Some(others) = processors.others() {
            others.start_on(attributes);
        }
        let mut thread = MaybeUninit::uninit();
        let start = |_: &usize| libc::pthread_create(thread.as_mut_ptr(), attributes, run, argument) == 0;
        let started = (0..count).take_while(start).count();
        libc::pthread_attr_destroy(attributes);
        started
    }
}

extern "C" fn run(ahead: *mut c_void) -> *mut c_void {
    // SAFETY: the argument that `start` passes, which lives as long as the process.
    let ahead: &'static Ahead = unsafe { &*ahead.cast_const().cast() };
    ahead.processors.run_on();
    take_turns_of(TURN, NICER);
    // SAFETY: no conditions.
    let own = unsafe { libc::gettid() };
    for slot in &ahead.thread_numbers {
        if slot.compare_exchange(0, own, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
            break;
        }
    }
    if ahead.work() == Counted::Still {
        ahead.threads.fetch_sub(1, Ordering::AcqRel);
    }
    futex::wake(&ahead.threads);
    core::ptr::null_mut()
}

impl Ahead {
    fn work(&self) -> Counted {
        let Some(mut memory) = Pages::new(Decompressor::memory()) else { return Counted::Still };
        let Some(mut decompressor) = Decompressor::new(&mut memory) else { return Counted::Still };
        loop {
            let seen = self.taken.load(Ordering::SeqCst);
            if self.must_end.load(Ordering::Acquire) {
                return Counted::Still;
            }
            self.get_wanted();
            match self.next() {
                Next::Piece(piece) => {
                    if self.fill(piece, |out, frame| decompressor.run(out, frame)) {
                        self.bytes_ahead.fetch_add(piece.length as u64, Ordering::Relaxed);
                    }
                }
                Next::Nothing if !self.has_untaken() => return Counted::Still,
                Next::Nothing if self.leave() => return Counted::NoMore,
                next => {
                    self.is_stalled.store(matches!(next, Next::Wait), Ordering::SeqCst);
                    if !self.is_used(seen) {
                        self.give_up();
                        return Counted::Still;
                    }
                }
            }
        }
    }

    /// Gets the pages that are wanted, if any are and nobody is at it.
    fn get_wanted(&self) {
        /// Bytes in one call, which keeps others from mapping memory.
        const STEP: usize = 4 * PAGE;
        let wanted = self.wanted.swap(core::ptr::null_mut(), Ordering::AcqRel);
        let length = self.wanted_length.load(Ordering::Relaxed);
        for start in (0..length).step_by(STEP).take_while(|_| !wanted.is_null()) {
            // SAFETY: memory of `get_pages`; whether its owner has begun to use it, has given it back or neither, the kernel
            // changes no content.
            unsafe { fill(wanted.wrapping_byte_add(start), STEP.min(length - start)) };
        }
    }

    /// The next piece, claimed: one of a file that somebody waits for, else the first in order.
    fn next(&self) -> Next<'_> {
        if let Some(file) = self.files.get(self.urgent.load(Ordering::Acquire)) {
            let pieces = self.pieces.get(file.pieces.clone()).unwrap_or_default();
            if let Some(piece) = pieces.iter().find(|piece| piece.state.change(OPEN, CLAIMED)) {
                return Next::Piece(piece);
            }
        }
        loop {
            let number = self.next.load(Ordering::Acquire);
            let Some(piece) = self.pieces.get(number) else { return Next::Nothing };
            if piece.state.get() == OPEN && self.is_enough() {
                return Next::Wait;
            }
            let _ = self.next.compare_exchange(number, number + 1, Ordering::AcqRel, Ordering::Relaxed);
            if piece.state.change(OPEN, CLAIMED) {
                return Next::Piece(piece);
            }
        }
    }

    /// Whether as much is ready, and not taken, as may be.
    fn is_enough(&self) -> bool {
        let files = self.files.iter().filter(|file| file.is_ready());
        let filled = files.map(|file| file.filled.load(Ordering::Relaxed)).fold(0, usize::saturating_add);
        let code = self.pieces.iter().filter(|piece| piece.is_ready_code()).map(|piece| piece.length);
        code.fold(filled, usize::saturating_add) >= MOST_AHEAD
    }

    /// Whether anything is ready that nobody has taken.
    fn has_untaken(&self) -> bool {
        self.files.iter().any(File::is_ready) || self.pieces.iter().any(Piece::is_ready_code)
    }

    /// Counts this thread off, unless it is the last: one has to wait until all is taken.
    fn leave(&self) -> bool {
        let one_less = |threads: u32| (threads > 1).then(|| threads - 1);
        self.threads.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_less).is_ok()
    }

    /// Waits until something is taken, or all is; false if nothing was for a long time.
    fn is_used(&self, seen: u32) -> bool {
        futex::wait(&self.taken, seen, self.patience);
        self.taken.load(Ordering::SeqCst) != seen
    }

    /// Gives up what is ready and was not taken.
    pub(super) fn give_up(&self) {
        for piece in &self.pieces {
            drop(piece.take());
        }
        for file in &self.files {
            if !file.is_taken.swap(true, Ordering::AcqRel) {
                self.abandon(file);
            }
        }
    }

    /// Ends a file that nobody will ask for any more: it is taken.
    fn abandon(&self, file: &File) {
        for piece in self.pieces.get(file.pieces.clone()).unwrap_or_default() {
            if piece.state.change(OPEN, CLAIMED) {
                piece.state.end(FAILED);
                file.end_piece(piece.length, false);
            }
        }
        file.state.wait(|| false);
        let expected = (!file.on_demand.is_empty()).then(Expected::one);
        drop(expected.and_then(|expected| self.missing(file, expected)));
        drop(file.give(true));
    }
}

/// Ends the threads: when this returns, none is left, not even in the kernel's count. What nobody has asked for yet is
/// given up, so that a child of fork inherits neither descriptors nor work of which only its parent has the rest.
pub fn stop_threads() {
    if let Some(ahead) = current().filter(|ahead| !ahead.is_elsewhere()) {
        stop(ahead);
    }
}

pub(super) fn stop(ahead: &Ahead) {
    ahead.must_end.store(true, Ordering::Release);
    ahead.taken.fetch_add(1, Ordering::SeqCst);
    futex::wake(&ahead.taken);
    loop {
        match ahead.threads.load(Ordering::Acquire) {
            0 => break,
            running => futex::wait(&ahead.threads, running, LOOK),
        }
    }
    for slot in &ahead.thread_numbers {
        let number = slot.swap(0, Ordering::AcqRel);
        if number != 0 {
            wait_until_gone(number);
        }
    }
    on_demand::stop();
    ahead.give_up();
}

/// Waits until the kernel has let go of a thread that is about to end. CPython counts threads after a fork, by
/// /proc/self/stat (warn_about_fork_with_threads of its Modules/posixmodule.c).
pub fn wait_until_gone(thread: libc::pid_t) {
    /// Looks without a pause: it is about to end.
    const LOOKS: u32 = 10_000;
    /// Looks with one, where others keep the processors busy. A bound, for the number may be another thread's by now.
    const PATIENT_LOOKS: u32 = 20_000;
    const PAUSE: Duration = Duration::from_micros(50);
    for look in 0..LOOKS + PATIENT_LOOKS {
        // SAFETY: calls without pointers; no signal is sent, the kernel only looks whether there is such a thread.
        unsafe {
            if libc::syscall(libc::SYS_tgkill, libc::getpid(), thread, 0) != 0 {
                return;
            }
            if look < LOOKS {
                libc::sched_yield();
            }
        }
        if look >= LOOKS {
            std::thread::sleep(PAUSE);
        }
    }
}

unsafe extern "C" fn before_fork() {
    stop_threads();
}
