//! A piece of work: one block, for the code in it or as part of a memory file, and whose it is at the moment.
//!
//! All that threads share is one word a piece. Whoever changes it from [`OPEN`] to [`CLAIMED`] has the piece to itself
//! until it says how that ended; others may wait for it.

use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;

use crate::os::futex;

/// Nobody has begun.
pub const OPEN: u32 = 0;
/// Somebody is at it.
pub const CLAIMED: u32 = 1;
/// As [`CLAIMED`], and somebody waits for it.
pub const AWAITED: u32 = 2;
/// Done, and nobody has taken it.
pub const DONE: u32 = 3;
/// It could not be done; whoever needs it finds out why by doing it again.
pub const FAILED: u32 = 4;
/// Done and taken, or never to be done here.
pub const TAKEN: u32 = 5;

/// How long to sleep before looking whether the one who is at it is still there.
const LOOK: Duration = Duration::from_millis(50);

/// The state of a piece of work.
#[derive(Debug)]
pub struct State(AtomicU32);

impl State {
    pub const fn new(state: u32) -> Self {
        Self(AtomicU32::new(state))
    }

    pub fn get(&self) -> u32 {
        self.0.load(Ordering::Acquire)
    }

    /// Goes from one state to another; whether this thread is the one that did.
    pub fn change(&self, from: u32, to: u32) -> bool {
        self.0.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Ends a claim.
    pub fn end(&self, to: u32) {
        if self.0.swap(to, Ordering::AcqRel) == AWAITED {
            futex::wake(&self.0);
        }
    }

    /// Waits until nobody is at it any more; the state then. `is_alone` says that whoever was at it cannot be there: then
    /// the work counts as failed.
    pub fn wait(&self, is_alone: impl Fn() -> bool) -> u32 {
        loop {
            match self.get() {
                CLAIMED | AWAITED if is_alone() => return FAILED,
                CLAIMED if !self.change(CLAIMED, AWAITED) => {}
                CLAIMED | AWAITED => futex::wait(&self.0, AWAITED, LOOK),
                state => return state,
            }
        }
    }
}
