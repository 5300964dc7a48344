//! What is alive for certain when a program's end begins to collect.
//!
//! The first of the last collections finds next to nothing, and goes three times through all there is to find that out. But
//! nearly all there is can be reached from the modules, which are alive. To follow their references is to go through it
//! once, and the collector would wait for the memory of one object after the other: here that of the next ones is asked for
//! before they are looked at. What was reached is taken out of the generations for that one collection. What the
//! collector finds among the rest is the same: whoever is referred to from outside of what it looks at, it takes for alive.
//!
//! Sources: `PyTypeObject` in `Include/cpython/object.h`, `_PyObject_IS_GC` and the flags of `PyGC_Head` in
//! `Include/internal/pycore_gc.h`: the same from 3.9 to 3.13.

use core::cell::UnsafeCell;
use core::ffi::{c_int, c_ulong, c_void};
use core::{mem, ptr};

use super::aside::{ASIDE, move_to};
use super::{Generations, Head, link, move_all};
use crate::cpython::types::Object;

/// `tp_flags`, `tp_traverse` and `tp_is_gc` of a `PyTypeObject`, in bytes.
const TYPE_FLAGS: usize = 168;
const TYPE_TRAVERSE: usize = 184;
const TYPE_IS_GC: usize = 328;

/// `Py_TPFLAGS_HAVE_GC`.
const HAVE_GC: c_ulong = 1 << 14;

/// `PREV_MASK_COLLECTING` of [`Head::previous`]: the collector's own mark, which no object has while it does not collect.
pub(super) const MARK: usize = 2;

/// How many objects are asked for before the first of them is looked at.
pub(super) const ASKED_FOR: usize = 32;

/// Most objects that are marked: the lists of them are memory that python does not take.
const MOST: usize = 1 << 20;

/// `visitproc` and `traverseproc`.
pub(super) type Visit = unsafe extern "C" fn(Object, *mut c_void) -> c_int;
type Traverse = unsafe extern "C" fn(Object, Visit, *mut c_void) -> c_int;
/// `inquiry`.
type IsGc = unsafe extern "C" fn(Object) -> c_int;

/// A ring that is no generation. Whoever frees an object takes it out of there.
pub(super) struct Ring(UnsafeCell<Head>);

// SAFETY: only this module and `aside` use it, with the interpreter's lock, and CPython by the links of what is in it.
unsafe impl Sync for Ring {}

impl Ring {
    /// One that is linked to nothing yet.
    pub(super) const fn new() -> Self {
        Self(UnsafeCell::new(Head { next: ptr::null_mut(), previous: 0 }))
    }

    /// Its head.
    pub(super) fn head(&self) -> *mut Head {
        self.0.get()
    }
}

/// What is alive, and taken out of the generations.
static ALIVE: Ring = Ring::new();

/// What is left of a generation meanwhile.
static REST: Ring = Ring::new();

impl Generations {
    /// Takes everything out of the generations that can be reached from an object that is alive. None where that is too much;
    /// then all is as it was.
    ///
    /// # Safety
    /// The calling thread may use Python, in this main interpreter, no collection is going on, and
    /// [`set_aside`](Self::set_aside) was called. [`give_back`](Self::give_back) follows before this is called again.
    pub unsafe fn take_alive(&self, root: Object) -> Option<()> {
        // SAFETY: from the contract: all links lead to live heads, each before an object.
        unsafe {
            let mut marking = Marking::default();
            marking.reach(root);
            let rings: [*mut Head; 3] = [0, 1, 2].map(|number| self.0.as_ptr().add(number).cast());
            let (alive, rest, aside) = (ALIVE.head(), REST.head(), ASIDE.head());
            link(alive, alive);
            link(rest, rest);
            if marking.is_too_much {
                marking.clear();
                return None;
            }
            let mut cleared = sweep(aside, None);
            for ring in rings {
                cleared += sweep(ring, Some(rest));
                move_all(alive, ring);
                move_all(ring, rest);
            }
            // Some were in other rings: that of `gc.freeze()`, or of another interpreter.
            if cleared != marking.marked.len() {
                marking.clear();
            }
            Some(())
        }
    }

    /// Puts back what was taken, into the oldest generation, where it would have come.
    ///
    /// # Safety
    /// As [`take_alive`](Self::take_alive), which was called.
    pub unsafe fn give_back(&self) {
        // SAFETY: from the contract.
        unsafe { move_all(self.0.as_ptr().add(2).cast(), ALIVE.head()) };
    }
}

/// Takes the marks from a ring's objects, and returns how many there were. Objects without go to another one.
unsafe fn sweep(ring: *mut Head, others: Option<*mut Head>) -> usize {
    let mut count = 0;
    // SAFETY: called by `take_alive` with rings of live heads.
    unsafe {
        let mut head = (*ring).next;
        while head != ring {
            let next = (*head).next;
            if (*head).previous & MARK != 0 {
                (*head).previous &= !MARK;
                count += 1;
            } else if let Some(others) = others {
                move_to(others, head);
            }
            head = next;
        }
    }
    count
}

/// Objects that are alive: what was met, what was marked, and of what of that the references were not followed yet.
#[derive(Default)]
struct Marking {
    /// Those that were asked for last; null for none. The place of the next one.
    met: [Object; ASKED_FOR],
    place: usize,
    open: Vec<Object>,
    marked: Vec<*mut Head>,
    is_too_much: bool,
}

impl Marking {
    /// Marks everything that can be reached from an object.
    unsafe fn reach(&mut self, root: Object) {
        let marking: *mut Self = self;
        // SAFETY: called by `take_alive`. Each object is alive, and its type's functions are those that the collector itself
        // calls; they call `meet`, which has the only pointer to this meanwhile.
        unsafe {
            (*marking).mark(root);
            loop {
                while let Some(object) = (*marking).open.pop()
                    && !(*marking).is_too_much
                {
                    traverse(object, meet, marking.cast());
                }
                // Nothing follows that would push out those that were asked for.
                for object in mem::take(&mut (*marking).met) {
                    (*marking).mark(object);
                }
                if (*marking).open.is_empty() || (*marking).is_too_much {
                    return;
                }
            }
        }
    }

    /// Marks an object that was met, if it is one that the collector would look at, and is not marked.
    unsafe fn mark(&mut self, object: Object) {
        if object.is_null() {
            return;
        }
        // SAFETY: called by `reach` and `meet` with live objects; those with the flag have a head before them, unless their
        // type says that this one has none.
        unsafe {
            if !is_collected(object) {
                return;
            }
            let head = object.cast::<Head>().sub(1);
            if (*head).next.is_null() || (*head).previous & MARK != 0 {
                return;
            }
            let has_room = self.marked.len() < MOST
                && self.open.try_reserve(1).is_ok()
                && self.marked.try_reserve(1).is_ok();
            if !has_room {
                self.is_too_much = true;
                return;
            }
            (*head).previous |= MARK;
            self.open.push(object);
            self.marked.push(head);
        }
    }

    /// Takes all marks away.
    unsafe fn clear(&self) {
        for head in &self.marked {
            // SAFETY: called by `take_alive`, since when nothing was freed.
            unsafe { (**head).previous &= !MARK };
        }
    }
}

/// `visitproc`: asks for an object, and marks the one that was asked for some time ago.
unsafe extern "C" fn meet(object: Object, marking: *mut c_void) -> c_int {
    // SAFETY: `reach` passes itself, and uses it only when this is done.
    unsafe {
        let marking: &mut Marking = &mut *marking.cast();
        ask_for(object.cast::<Head>().wrapping_sub(1));
        let place = marking.place;
        marking.place = (place + 1) % ASKED_FOR;
        let earlier = mem::replace(&mut marking.met[place], object);
        marking.mark(earlier);
    }
    0
}

/// Calls a function with each reference of an object that is alive.
pub(super) unsafe fn traverse(object: Object, visit: Visit, argument: *mut c_void) {
    // SAFETY: from the contract; it is what the collector calls.
    unsafe {
        let traverse: Option<Traverse> = field((*object).class(), TYPE_TRAVERSE);
        if let Some(traverse) = traverse {
            traverse(object, visit, argument);
        }
    }
}

/// Whether the collector would look at an object: whether there is a head before it (`_PyObject_IS_GC`).
pub(super) unsafe fn is_collected(object: Object) -> bool {
    // SAFETY: called with a live object; the function is its type's, which says so of each.
    unsafe {
        let class = (*object).class();
        let flags: c_ulong = field(class, TYPE_FLAGS);
        let is_gc: Option<IsGc> = field(class, TYPE_IS_GC);
        flags & HAVE_GC != 0 && is_gc.is_none_or(|is_gc| is_gc(object) != 0)
    }
}

/// Has the processor fetch a head, and with it most of the object behind it, without waiting.
pub(super) fn ask_for(head: *mut Head) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: any address will do.
    unsafe {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(head.cast());
        _mm_prefetch::<_MM_HINT_T0>(head.wrapping_add(2).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = head;
}

/// A field of a type.
pub(super) unsafe fn field<T: Copy>(class: Object, offset: usize) -> T {
    // SAFETY: called with offsets of `PyTypeObject`, whose fields these are.
    unsafe { class.byte_add(offset).cast::<T>().read() }
}
