//! The generations of CPython's cyclic garbage collector.
//!
//! From 3.9 to 3.13 the collector keeps three generations of objects, each a `struct gc_generation` (CPython's
//! `Include/internal/pycore_gc.h`): the head of a ring of objects, a threshold, and a count. That of the youngest counts
//! allocations less releases; when it is above the threshold, a collection is due. A release lowers no count that is not
//! positive (`PyObject_GC_Del` in `Modules/gcmodule.c`, from 3.13 `Python/gc.c`), so below zero it counts allocations.
//!
//! The counts of the older ones count collections of the one before.
//!
//! No function gives their address. But an object that has just been made is the last of the youngest
//! generation's ring, so the link to the next one is the address of that ring's head. That is believed only after the
//! ring, the thresholds and the way the count follows allocations were seen to be as they should.

mod alive;
mod aside;
mod reachable;

use core::ffi::c_int;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicBool, Ordering};

use super::api::Api;
use super::reference::Owned;

/// `PyGC_Head`: what stands before each object that the collector knows.
#[repr(C)]
struct Head {
    next: *mut Head,
    /// The lowest bits are flags (`_PyGC_PREV_SHIFT`).
    previous: usize,
}

/// `struct gc_generation`.
#[repr(C)]
struct Generation {
    head: Head,
    threshold: c_int,
    count: c_int,
}

const _: () = assert!(size_of::<Generation>() == 24);

/// The flags in [`Head::previous`].
const FLAGS: usize = 3;

/// `threshold` of the youngest generation before a program changes it: to 3.12, and in 3.13.
const YOUNGEST_THRESHOLDS: [c_int; 2] = [700, 2000];

/// `threshold` of the two older generations.
const OLDER_THRESHOLD: c_int = 10;

/// Whether the collector rests.
static RESTS: AtomicBool = AtomicBool::new(false);

/// Keeps the collector of the main interpreter from running until [`wake`] is called: while CPython makes its own types and
/// modules there are thousands of objects, and no garbage. Without effect before 3.10.
///
/// # Safety
/// Called by CPython on the thread that initialises it, before any code of the program has run.
pub unsafe fn rest(api: &Api) {
    let Some(((disable, _), thread)) =
        api.PyGC_Disable.zip(api.PyGC_Enable).zip(api._PyThreadState_UncheckedGet)
    else {
        return;
    };
    // SAFETY: from the contract. The state of the collector is there as soon as the thread has a state, and these functions
    // read and write nothing else.
    unsafe {
        if !thread().is_null() {
            RESTS.store(disable() == 1, Ordering::Release);
        }
    }
}

/// Ends what [`rest`] has begun, if it has. What was made meanwhile goes to the oldest generation, where it would have come.
///
/// # Safety
/// The calling thread may use Python, in the main interpreter, whose generations these are, if they are known.
pub unsafe fn wake(api: &Api, generations: Option<&Generations>) {
    let Some(enable) = api.PyGC_Enable.filter(|_| RESTS.swap(false, Ordering::AcqRel)) else { return };
    // SAFETY: from the contract.
    unsafe {
        if let Some(generations) = generations {
            generations.promote_youngest();
        }
        enable();
    }
}

/// The generations of one interpreter, the youngest first. They live as long as the interpreter.
pub struct Generations(NonNull<Generation>);

// SAFETY: they are read and written by threads that hold the interpreter's lock.
unsafe impl Send for Generations {}
// SAFETY: as above.
unsafe impl Sync for Generations {}

/// A place in the youngest generation: what comes after it is what was made later.
pub struct Mark {
    /// An object at that place.
    object: Owned,
    /// The count of the middle generation before it was marked.
    middle: c_int,
}

/// What a mark makes the count of the middle generation. Each collection of the youngest adds one to it, all others set
/// it to zero, and so does `gc.freeze()`: as long as it is this, no object has left the youngest generation.
const MARKED: c_int = c_int::MIN / 2;

impl Generations {
    /// Finds the generations of the current interpreter; none where the collector is not as described above. No exception is
    /// set.
    ///
    /// # Safety
    /// The calling thread may use Python, CPython is one of 3.9 to 3.13 with an interpreter lock, and no program has
    /// changed the thresholds yet.
    pub unsafe fn find(api: &'static Api) -> Option<Self> {
        // SAFETY: from the contract. The two lists are alive, and each has a `Head` before it in these versions, whose
        // links lead to other heads: that of an object or of a ring.
        unsafe {
            let lists = [Owned::take(api, (api.PyList_New)(0)), Owned::take(api, (api.PyList_New)(0))];
            let [Some(first), Some(last)] = lists else {
                (api.PyErr_Clear)();
                return None;
            };
            let (first, last) = (head_of(&first), head_of(&last));
            let youngest = NonNull::new((*last).next.cast::<Generation>())?;
            let is_last = |head: *mut Head, before: *mut Head| (*head).before() == before;
            if (*first).next != last || !is_last(last, first) || !is_last(youngest.as_ptr().cast(), last) {
                return None;
            }
            let thresholds = [0, 1, 2].map(|number| (*youngest.as_ptr().add(number)).threshold);
            let expected = YOUNGEST_THRESHOLDS.map(|first| [first, OLDER_THRESHOLD, OLDER_THRESHOLD]);
            let found = Self(youngest);
            (expected.contains(&thresholds) && found.follows_allocations(api)).then_some(found)
        }
    }

    /// The ring of one of them.
    fn ring(&self, number: usize) -> *mut Head {
        self.0.as_ptr().wrapping_add(number).cast()
    }

    /// Whether the count goes up by one with each set that is made (sets come from no free list), and is never taken for
    /// due meanwhile.
    unsafe fn follows_allocations(&self, api: &'static Api) -> bool {
        let before = self.count();
        // Away from the threshold, so that no collection falls into the test, and above zero, so that releases count.
        self.set_count(1);
        // SAFETY: called by `find`.
        let is_so = unsafe {
            let first = Owned::take(api, (api.PySet_New)(ptr::null_mut()));
            let with_one = self.count();
            let second = Owned::take(api, (api.PySet_New)(ptr::null_mut()));
            let with_two = self.count();
            let made = first.is_some() && second.is_some();
            drop((first, second));
            (api.PyErr_Clear)();
            made && (with_one, with_two, self.count()) == (2, 3, 1)
        };
        self.set_count(before);
        is_so
    }

    /// The count of the youngest: allocations since the last collection, less releases.
    pub fn count(&self) -> c_int {
        // SAFETY: the interpreter is running, so its state is there; the interpreter lock is held.
        unsafe { (*self.0.as_ptr()).count }
    }

    /// Sets the count of the youngest. Below zero, as many allocations as that and the threshold have to come before
    /// the next collection.
    pub fn set_count(&self, count: c_int) {
        // SAFETY: as above.
        unsafe { (*self.0.as_ptr()).count = count };
    }

    /// Marks the place of the object that is made next; none where that cannot be done, without an exception. A mark is
    /// to be given to [`unmark`](Self::unmark), and there is no other meanwhile.
    ///
    /// # Safety
    /// The calling thread may use Python.
    pub unsafe fn mark(&self, api: &'static Api) -> Option<Mark> {
        // SAFETY: from the contract; a list has a `Head` before it.
        unsafe {
            let Some(object) = Owned::take(api, (api.PyList_New)(0)) else {
                (api.PyErr_Clear)();
                return None;
            };
            let youngest = self.0.as_ptr();
            if (*head_of(&object)).next != youngest.cast() {
                return None;
            }
            let middle = youngest.add(1);
            let mark = Mark { object, middle: (*middle).count };
            (*middle).count = MARKED;
            Some(mark)
        }
    }

    /// Moves what was made since a mark to the oldest generation, as `gc.freeze()` and `gc.unfreeze()` do with all there
    /// is: a few links change, whatever there is. False if a collection has come between: then the mark is worth nothing.
    ///
    /// # Safety
    /// The calling thread may use Python.
    pub unsafe fn promote_since(&self, mark: &Mark) -> bool {
        // SAFETY: from the contract. As long as the count is `MARKED`, the ring of the youngest generation is the marked
        // object and what was made after it, up to its head. All links lead to live heads.
        unsafe {
            let [youngest, middle, oldest] = [0, 1, 2].map(|number| self.0.as_ptr().add(number));
            if (*middle).count != MARKED {
                return false;
            }
            let marked = head_of(&mark.object);
            let (first, last) = ((*marked).next, (*youngest).head.before());
            if first != youngest.cast() {
                link(marked, youngest.cast());
                link((*oldest).head.before(), first);
                link(last, oldest.cast());
            }
            true
        }
    }

    /// Moves all of the youngest generation to the oldest: as `gc.freeze()` and `gc.unfreeze()` do.
    ///
    /// # Safety
    /// The calling thread may use Python, and there is no [`Mark`].
    unsafe fn promote_youngest(&self) {
        // SAFETY: from the contract. All links lead to live heads.
        unsafe {
            let [youngest, _, oldest] = [0, 1, 2].map(|number| self.0.as_ptr().add(number));
            move_all(oldest.cast(), youngest.cast());
        }
        self.set_count(0);
    }

    /// Takes a mark away: the count of the middle generation is what it would be without it.
    ///
    /// # Safety
    /// The calling thread may use Python.
    pub unsafe fn unmark(&self, mark: Mark) {
        // SAFETY: from the contract.
        unsafe {
            let middle = self.0.as_ptr().add(1);
            if (*middle).count < 0 {
                (*middle).count = (*middle).count - MARKED + mark.middle;
            }
        }
    }
}

impl Head {
    /// The one before in the ring.
    fn before(&self) -> *mut Self {
        ptr::with_exposed_provenance_mut(self.previous & !FLAGS)
    }
}

/// Makes one head the next of another.
unsafe fn link(one: *mut Head, next: *mut Head) {
    // SAFETY: called by `promote_since` with live heads.
    unsafe {
        (*one).next = next;
        (*next).previous = one.expose_provenance() | ((*next).previous & FLAGS);
    }
}

/// Moves all of a ring to the end of another.
unsafe fn move_all(to: *mut Head, from: *mut Head) {
    // SAFETY: called with rings of live heads.
    unsafe {
        let (first, last) = ((*from).next, (*from).before());
        if first != from {
            link((*to).before(), first);
            link(last, to);
            link(from, from);
        }
    }
}

/// What stands before an object that the collector knows.
fn head_of(object: &Owned) -> *mut Head {
    object.get().cast::<Head>().wrapping_sub(1)
}
