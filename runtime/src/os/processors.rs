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
        // SAFETY: a call without arguments; the processor is compared with the set's length before it is taken out.
        unsafe {
            let own = usize::try_from(libc::sched_getcpu()).ok()?;
            if own < 8 * size_of::<libc::cpu_set_t>() {
                libc::CPU_CLR(own, &mut self.0);
            }
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
        // SAFETY: the set is alive.
        unsafe { libc::sched_setaffinity(0, size_of_val(&self.0), &raw const self.0) };
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
