//! What can be reached: a collection need not look at it.
//!
//! To see that there is little garbage, CPython goes eight times through all there is, along the links of a ring, and waits for the
//! memory of one object after the other. Here the same is reckoned with numbers: one way along the ring numbers the
//! objects, a second one, with memory asked for ahead, notes who refers to whom, and the rest is arithmetic. What can be
//! reached is taken out of the generations for one collection. CPython collects what is left, and then what was taken is put
//! back in front of it.
//!
//! It is CPython's own algorithm, step by step, so the ring is as CPython would have left it: its order is the
//! order in which the next collection calls finalizers.
//!
//! Sources: `deduce_unreachable`, `update_refs`, `subtract_refs`, `move_unreachable`, `visit_reachable`, `untrack_tuples` and
//! `untrack_dicts` of `Modules/gcmodule.c` (3.13: `Python/gc.c`), the same from 3.9 to 3.13.

use core::ffi::{c_int, c_void};
use core::{mem, ptr};

use super::alive::{ASKED_FOR, MARK, Ring, ask_for, is_collected, traverse};
use super::{Generations, Head, link, move_all};
use crate::cpython::Api;
use crate::cpython::types::{Object, PyObject};

/// What can be reached, and is taken out of the generations.
static REACHABLE: Ring = Ring::new();

/// `_PyGC_PREV_MASK_FINALIZED` of [`Head::previous`]: the object's finalizer was called.
const FINALIZED: usize = 1;

/// `_PyGC_PREV_SHIFT`: the number of an object is where CPython has its count, in [`Head::previous`].
const NUMBER: u32 = 2;

/// Most objects that are reckoned with: what is noted of them is memory that python does not take.
const MOST: usize = 1 << 20;

/// Counts above this are as good as this.
const MANY: usize = 1 << 30;

/// Instead of a count: nothing that can be reached has led to the object so far.
const LEFT: u32 = u32::MAX;

impl Generations {
    /// Takes everything out of the generations that a collection of all of them finds reachable, in the order in which that would
    /// leave it. None where there is too much of it; then all is as it was.
    ///
    /// # Safety
    /// The calling thread may use Python, in this main interpreter, and no collection is going on. A collection and
    /// [`put_back`](Self::put_back) follow before this is called again.
    pub unsafe fn take_reachable(&self, api: &Api) -> Option<()> {
        let [youngest, middle, oldest] = [0, 1, 2].map(|number| self.ring(number));
        let reachable = REACHABLE.head();
        // SAFETY: from the contract: all links lead to live heads, each before an object.
        unsafe {
            link(reachable, reachable);
            // A collection has them in this order.
            let rings = [oldest, youngest, middle];
            let mut reckoning = Reckoning::new(api);
            let is_numbered = rings.iter().all(|ring| reckoning.number(*ring).is_some());
            let numbers = is_numbered
                .then(|| reckoning.note_references())
                .flatten()
                .and_then(|()| reckoning.reachable());
            let Some(numbers) = numbers else {
                rings.iter().for_each(|ring| restore(*ring));
                return None;
            };
            for ring in rings {
                link(ring, ring);
            }
            reckoning.link(&numbers, reachable, oldest);
            Some(())
        }
    }

    /// Puts back what was taken, in front of all else.
    ///
    /// # Safety
    /// As [`take_reachable`](Self::take_reachable), which was called.
    pub unsafe fn put_back(&self) {
        let (reachable, oldest) = (REACHABLE.head(), self.ring(2));
        // SAFETY: from the contract.
        unsafe {
            move_all(reachable, oldest);
            move_all(oldest, reachable);
        }
    }
}

/// Whether an object is a tuple that the collector does not know, because of what is in it (`_PyObject_GC_MAY_BE_TRACKED`).
unsafe fn is_untracked_tuple(object: Object, api: &Api) -> bool {
    // SAFETY: called with a live object that has a head.
    unsafe { (*object).class() == api.PyTuple_Type && (*object.cast::<Head>().sub(1)).next.is_null() }
}

/// Takes the marks away from the objects of a ring, and links each to the one before.
unsafe fn restore(ring: *mut Head) {
    // SAFETY: called by `take_reachable` with rings whose objects may have a number in the place of that link.
    unsafe {
        let (mut last, mut head) = (ring, (*ring).next);
        while head != ring {
            (*head).previous &= FINALIZED;
            link(last, head);
            (last, head) = (head, (*head).next);
        }
        link(last, ring);
    }
}

/// The objects of the generations, by number.
struct Reckoning<'a> {
    api: &'a Api,
    heads: Vec<*mut Head>,
    /// By how many references each is held that no other one of these has; then whether it can be reached.
    counts: Vec<u32>,
    /// Where in `references` those of each end.
    ends: Vec<u32>,
    /// Numbers of those that are referred to.
    references: Vec<u32>,
    /// Whether each refers to anything that can be in a cycle.
    leads_on: Vec<bool>,
    /// Whether the one does whose references are noted.
    is_leading_on: bool,
    /// What was met last, and asked for: [`END`], [`NOTHING`] or the address of an object. The place of the next one.
    met: [usize; ASKED_FOR],
    place: usize,
    is_too_much: bool,
}

/// Behind the references of an object.
const END: usize = 0;

/// No object.
const NOTHING: usize = 1;

impl<'a> Reckoning<'a> {
    fn new(api: &'a Api) -> Self {
        Self {
            api,
            heads: Vec::new(),
            counts: Vec::new(),
            ends: Vec::new(),
            references: Vec::new(),
            leads_on: Vec::new(),
            is_leading_on: false,
            met: [NOTHING; ASKED_FOR],
            place: 0,
            is_too_much: false,
        }
    }

    /// Numbers the objects of a ring, and marks them (`update_refs`).
    unsafe fn number(&mut self, ring: *mut Head) -> Option<()> {
        // SAFETY: called by `take_reachable`.
        unsafe {
            let mut head = (*ring).next;
            while head != ring {
                let number = self.heads.len();
                let has_room =
                    number < MOST && self.heads.try_reserve(1).is_ok() && self.counts.try_reserve(1).is_ok();
                has_room.then_some(())?;
                self.heads.push(head);
                self.counts.push((*head.add(1).cast::<PyObject>()).references().min(MANY) as u32);
                (*head).previous = number << NUMBER | MARK | (*head).previous & FINALIZED;
                head = (*head).next;
            }
        }
        Some(())
    }

    /// Notes all references between the objects, and takes them off the counts (`subtract_refs`): in any order.
    unsafe fn note_references(&mut self) -> Option<()> {
        let count = self.heads.len();
        self.ends.try_reserve(count).ok()?;
        self.leads_on.try_reserve(count).ok()?;
        for number in 0..count {
            if let Some(later) = self.heads.get(number + ASKED_FOR) {
                ask_for(*later);
            }
            let object: Object = self.heads.get(number)?.wrapping_add(1).cast();
            // SAFETY: called by `take_reachable`; `meet` has the only pointer to this while it is called.
            unsafe {
                traverse(object, meet, ptr::from_mut(self).cast());
                self.meet(END);
            }
        }
        for _ in 0..ASKED_FOR {
            // SAFETY: as above.
            unsafe { self.meet(NOTHING) };
        }
        (!self.is_too_much).then_some(())
    }

    /// Notes what was met some time ago, and keeps another one in its place.
    unsafe fn meet(&mut self, object: usize) {
        let place = self.place;
        self.place = (place + 1) % ASKED_FOR;
        match mem::replace(&mut self.met[place], object) {
            NOTHING => {}
            END => {
                self.ends.push(self.references.len() as u32);
                self.leads_on.push(mem::take(&mut self.is_leading_on));
            }
            // SAFETY: called by `note_references` with what an object refers to, which is alive.
            earlier => unsafe { self.note(ptr::with_exposed_provenance_mut(earlier)) },
        }
    }

    /// Notes a reference to an object, if the collector would look at that.
    unsafe fn note(&mut self, object: Object) {
        // SAFETY: called by `meet`; what the collector looks at has a head before it.
        unsafe {
            if !is_collected(object) {
                return;
            }
            let previous = (*object.cast::<Head>().sub(1)).previous;
            self.is_leading_on =
                self.is_leading_on || previous & MARK != 0 || !is_untracked_tuple(object, self.api);
            if previous & MARK == 0 {
                return;
            }
            let number = previous >> NUMBER;
            let has_room =
                self.references.len() < u32::MAX as usize && self.references.try_reserve(1).is_ok();
            match self.counts.get_mut(number) {
                Some(count) if has_room => {
                    *count = count.saturating_sub(1);
                    self.references.push(number as u32);
                }
                _ => self.is_too_much = true,
            }
        }
    }

    /// The numbers of those that can be reached, in the order in which CPython finds that out; the counts of the others are
    /// [`LEFT`] then (`move_unreachable`).
    fn reachable(&mut self) -> Option<Vec<u32>> {
        let count = self.heads.len() as u32;
        let mut reachable = Vec::new();
        reachable.try_reserve_exact(self.heads.len()).ok()?;
        // Those that were left before something was found that leads to them.
        let mut again: Vec<u32> = Vec::new();
        let (mut next, mut next_again) = (0, 0);
        loop {
            let number = if next < count {
                next += 1;
                next - 1
            } else if let Some(number) = again.get(next_again) {
                next_again += 1;
                *number
            } else {
                return Some(reachable);
            };
            let own = self.counts.get_mut(number as usize)?;
            if *own == 0 {
                *own = LEFT;
                continue;
            }
            reachable.push(number);
            let start =
                number.checked_sub(1).map_or(Some(0), |before| self.ends.get(before as usize).copied())?;
            let end = *self.ends.get(number as usize)?;
            for other in self.references.get(start as usize..end as usize)? {
                let count = self.counts.get_mut(*other as usize)?;
                if *count == LEFT {
                    again.try_reserve(1).ok()?;
                    again.push(*other);
                }
                if matches!(*count, 0 | LEFT) {
                    *count = 1;
                }
            }
        }
    }

    /// Links what can be reached into one ring, and the others into another one. A tuple or dictionary that can be in no cycle goes into
    /// none (`untrack_tuples`, `untrack_dicts`).
    unsafe fn link(&self, reachable: &[u32], to: *mut Head, others: *mut Head) {
        let mut last = to;
        for (place, number) in reachable.iter().enumerate() {
            let head_of = |number: &u32| self.heads.get(*number as usize).copied();
            if let Some(later) = reachable.get(place + ASKED_FOR).and_then(head_of) {
                ask_for(later);
            }
            let Some(head) = head_of(number) else { continue };
            // SAFETY: called by `take_reachable` with two rings that are empty; all heads are alive.
            unsafe {
                (*head).previous &= FINALIZED;
                let leads_on = self.leads_on.get(*number as usize).is_none_or(|leads_on| *leads_on);
                let class = (*head.add(1).cast::<PyObject>()).class();
                if !leads_on && (class == self.api.PyTuple_Type || class == self.api.PyDict_Type) {
                    (*head).next = ptr::null_mut();
                    continue;
                }
                link(last, head);
                last = head;
            }
        }
        // SAFETY: as above.
        unsafe { link(last, to) };
        let left = self.heads.iter().zip(&self.counts).filter(|(_, count)| **count == LEFT);
        let mut last = others;
        for (head, _) in left {
            // SAFETY: as above.
            unsafe {
                (**head).previous &= FINALIZED;
                link(last, *head);
            }
            last = *head;
        }
        // SAFETY: as above.
        unsafe { link(last, others) };
    }
}

/// `visitproc`: asks for an object, and notes the one that was asked for some time ago.
unsafe extern "C" fn meet(object: Object, reckoning: *mut c_void) -> c_int {
    ask_for(object.cast::<Head>().wrapping_sub(1));
    // SAFETY: `note_references` passes itself, and uses it only when this is done.
    unsafe { (*reckoning.cast::<Reckoning<'_>>()).meet(object.expose_provenance()) };
    0
}
