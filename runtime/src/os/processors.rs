//! Processors that threads may run on.

use core::mem::size_of;

/// A set of processors.
#[derive(Clone, Copy)]
pub struct Processors(libc::cpu_set_t);

impl Processors {
    /// Those that this thread may run on; none if they cannot be had. Not `available_parallelism`: that reads files of the
    /// control groups.
    pub fn allowed() -> Option<Self> {
        // SAFETY: the set is local, and the kernel writes at most its length.
        unsafe {
            let mut set: libc::cpu_set_t = core::mem::zeroed();
            (libc::sched_getaffinity(0, size_of_val(&set), &raw mut set) == 0).then_some(Self(set))
        }
    }

    /// How many they are.
    pub fn count(&self) -> usize {
        // SAFETY: looks at the set alone.
        usize::try_from(unsafe { libc::CPU_COUNT(&self.0) }).unwrap_or(1)
    }

    /// Those on which this thread does not run at the moment; none if there are no others.
    pub fn others(mut self) -> Option<Self> {
        if let Some(own) = current() {
            // SAFETY: the number is one that a set can have.
            unsafe { libc::CPU_CLR(own, &mut self.0) };
        }
        (self.count() > 0).then_some(self)
    }

    /// Has threads that are made with these attributes begin on one of the set.
    ///
    /// # Safety
    /// The attributes are initialised.
    pub unsafe fn start_on(&self, attributes: *mut libc::pthread_attr_t) {
        // SAFETY: from the contract; the set is alive. Where it cannot be, threads begin wherever the kernel likes.
        unsafe { libc::pthread_attr_setaffinity_np(attributes, size_of_val(&self.0), &raw const self.0) };
    }

    /// Lets this thread run on all of the set.
    pub fn run_on(&self) {
        self.run(0);
    }

    /// Lets a thread of this process run on all of the set.
    pub fn run(&self, thread: libc::pid_t) {
        // SAFETY: the set is alive.
        unsafe { libc::sched_setaffinity(thread, size_of_val(&self.0), &raw const self.0) };
    }

    /// The one on which this thread runs at the moment.
    pub fn own() -> Option<Self> {
        let own = current()?;
        // SAFETY: a set may be all zeroes; the number is one that it can have.
        unsafe {
            let mut set: libc::cpu_set_t = core::mem::zeroed();
            libc::CPU_SET(own, &mut set);
            Some(Self(set))
        }
    }
}

/// The number of the processor on which this thread runs at the moment, if a set can have it.
fn current() -> Option<usize> {
    // SAFETY: a call without arguments.
    let own = usize::try_from(unsafe { libc::sched_getcpu() }).ok()?;
    (own < 8 * size_of::<libc::cpu_set_t>()).then_some(own)
}

/// `struct sched_attr` (sched_setattr(2)).
#[repr(C)]
#[derive(Default)]
struct Scheduling {
    size: u32,
    policy: u32,
    flags: u64,
    nice: i32,
    priority: u32,
    runtime: u64,
    deadline: u64,
    period: u64,
}

/// The highest nice value (setpriority(2)).
const LEAST_URGENT: i32 = 19;

/// Asks for this thread's turns on a processor to be that long. Of two threads the one with shorter turns is let in
/// when it wakes, before the other's turn has ended (Linux 6.12: `sched_runtime` of ordinary threads; kernel/sched/fair.c,
/// `PREEMPT_SHORT`). Without effect before.
///
/// `nicer` is added to its nice value.
pub fn take_turns_of(time: core::time::Duration, nicer: i32) {
    let size = size_of::<Scheduling>() as u32;
    let mut scheduling = Scheduling { size, ..Scheduling::default() };
    // SAFETY: system calls that read or write at most as many bytes as the struct has.
    unsafe {
        let got = libc::syscall(libc::SYS_sched_getattr, 0, &raw mut scheduling, size, 0);
        if got == 0 && matches!(scheduling.policy.cast_signed(), libc::SCHED_OTHER | libc::SCHED_BATCH) {
            scheduling.runtime = u64::try_from(time.as_nanos()).unwrap_or(0);
            scheduling.nice = scheduling.nice.saturating_add(nicer).min(LEAST_URGENT);
            libc::syscall(libc::SYS_sched_setattr, 0, &raw const scheduling, 0);
        }
    }
}

/// How many processors this thread may run on.
pub fn count() -> usize {
    Processors::allowed().map_or(1, |allowed| allowed.count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_others_are_all_but_one() {
        let allowed = Processors::allowed().unwrap();
        let others = allowed.others().map_or(0, |others| others.count());
        assert_eq!(others + 1, count());
    }
}
