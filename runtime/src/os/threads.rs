//! Threads of OpenBLAS begin when nothing is decompressed ahead any more.
//!
//! The constructor of OpenBLAS, which numpy and scipy bring, starts a thread for each processor but one. Each looks for work for
//! a tenth of a second, without letting others run, before it sleeps. That is the time in which threads of this process
//! decompress what the program imports next: half of theirs is lost, and some of the program's. Here such a thread waits
//! first, until that is done or [`MOST`] is over. For OpenBLAS it is one that the kernel has not let run so far: what
//! it is to do is in a queue, and who puts something there waits for the result.
//!
//! Source: `blas_thread_init` and `blas_thread_server` in driver/others/blas_server.c of OpenBLAS.

use core::cell::Cell;
use core::ffi::{c_int, c_void};
use core::{mem, ptr};
use std::time::{Duration, Instant};

use libc::{pthread_attr_t, pthread_t};

use super::ahead;
use crate::vfs::system::Next;

/// What is in the names of OpenBLAS's library files, whoever has built them.
const OPENBLAS: &str = "openblas";

/// The longest that a thread waits.
const MOST: Duration = Duration::from_millis(300);

/// How often it looks whether it may begin.
const INTERVAL: libc::timespec = libc::timespec { tv_sec: 0, tv_nsec: 4_000_000 };

/// What a thread is to do.
pub type Routine = extern "C" fn(argument: *mut c_void) -> *mut c_void;

/// A thread's routine and its argument, in two registers.
#[repr(C)]
pub struct Start {
    routine: Routine,
    argument: *mut c_void,
}

thread_local! {
    /// Whether this thread loads a library whose threads wait.
    static LOADS: Cell<bool> = const { Cell::new(false) };
}

/// Loads a library of that name, its constructors included.
pub fn while_loading<T>(name: &str, load: impl FnOnce() -> T) -> T {
    let before = LOADS.replace(name.contains(OPENBLAS));
    let loaded = load();
    LOADS.set(before);
    loaded
}

/// `pthread_create`. `begin` is a routine that calls [`wait`] with its argument, and jumps to what that returns.
///
/// # Safety
/// The conditions of pthread_create(3).
pub unsafe fn create(
    thread: *mut pthread_t,
    attributes: *const pthread_attr_t,
    routine: Routine,
    argument: *mut c_void,
    begin: Routine,
) -> c_int {
    type Create = unsafe extern "C" fn(*mut pthread_t, *const pthread_attr_t, Routine, *mut c_void) -> c_int;
    static CREATE: Next = Next::unknown();
    let create = CREATE.find(c"pthread_create");
    if create.is_null() {
        return libc::EAGAIN;
    }
    // SAFETY: the function of that name has this signature (pthread_create(3)), and is given what the caller gives.
    unsafe {
        let create = mem::transmute::<*mut c_void, Create>(create);
        if !LOADS.get() || !ahead::is_busy() {
            return create(thread, attributes, routine, argument);
        }
        let start = Box::into_raw(Box::new(Start { routine, argument }));
        let result = create(thread, attributes, begin, start.cast());
        if result != 0 {
            drop(Box::from_raw(start));
        }
        result
    }
}

/// Waits as long as something is decompressed ahead, then says what the thread is to do.
///
/// # Safety
/// `start` is what [`create`] has given to this thread.
pub unsafe extern "C" fn wait(start: *mut c_void) -> Start {
    let end = Instant::now() + MOST;
    while ahead::is_busy() && Instant::now() < end {
        // SAFETY: nanosleep(2) reads one live struct. By its number it is no place where a thread is cancelled: nothing of this
        // file can be unwound.
        unsafe {
            libc::syscall(libc::SYS_nanosleep, ptr::from_ref(&INTERVAL), ptr::null::<libc::timespec>())
        };
    }
    // SAFETY: from the contract.
    unsafe { *Box::from_raw(start.cast()) }
}
