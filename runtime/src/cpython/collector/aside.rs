//! What the last collections need not look at.
//!
//! A program's end collects four times, and goes through everything there is each time. Half of what a small program has are
//! the methods of static types: of those compiled into CPython and into extensions. The collector does not know a static type
//! itself, so what that refers to, its dictionary and what is in there, is reachable for it, always. A method's object
//! refers to its type and to strings, and can be in no cycle. So whether the collector looks at these makes no difference
//! for what it finds; they are taken out of its rings, into one of our own. Whoever frees one takes it out of there.
//!
//! A program could tell by `gc.get_objects()` and `gc.get_referrers()`. So it is done when CPython's end begins to
//! collect, behind functions of atexit and the end of threads: only finalizers may still look.
//!
//! Sources: `PyDescrObject` in `Include/descrobject.h` (`Include/cpython/descrobject.h` from 3.11 on), `PyTypeObject` in
//! `Include/cpython/object.h`: the same from 3.9 to 3.13.

use core::ptr;

use super::alive::Ring;
use super::{Generations, Head, link};
use crate::cpython::Api;
use crate::cpython::types::Object;

/// Objects of a generation that are looked at. Those of CPython's own types are the first that were made, and stay in front;
/// a program with many objects is not to be kept by looking for more.
const MOST: usize = 20_000;

/// `d_type` of a `PyDescrObject`, in bytes.
const DESCRIPTOR_OF: usize = 16;

/// `tp_dict` of a `PyTypeObject`, in bytes. Null in CPython's own types from 3.12 on, which keep it elsewhere.
const TYPE_DICTIONARY: usize = 264;

/// `Py_TPFLAGS_HEAPTYPE`.
const HEAP_TYPE: core::ffi::c_ulong = 1 << 9;

/// The ring of what is set aside.
pub(super) static ASIDE: Ring = Ring::new();

impl Generations {
    /// Takes the methods of static types, and these types' dictionaries, out of the generations.
    ///
    /// # Safety
    /// The calling thread may use Python, in this main interpreter, and no collection is going on. To be called once.
    pub unsafe fn set_aside(&self, api: &Api) {
        let kinds = [
            api.PyWrapperDescr_Type,
            api.PyMethodDescr_Type,
            api.PyGetSetDescr_Type,
            api.PyMemberDescr_Type,
            api.PyClassMethodDescr_Type,
        ];
        let aside = ASIDE.head();
        // SAFETY: from the contract: all links lead to live heads, each before an object. Objects of these kinds, none of
        // which can be derived from, begin as `PyDescrObject` does.
        unsafe {
            link(aside, aside);
            let mut last: (Object, bool) = (ptr::null_mut(), false);
            for generation in 0..3 {
                let ring: *mut Head = self.0.as_ptr().add(generation).cast();
                let mut head = (*ring).next;
                for _ in 0..MOST {
                    if head == ring {
                        break;
                    }
                    let object: Object = head.add(1).cast();
                    let mut is_of_static = false;
                    if kinds.contains(&(*object).class()) {
                        let of = object.byte_add(DESCRIPTOR_OF).cast::<Object>().read();
                        if of != last.0 {
                            last = (of, (api.PyType_GetFlags)(of) & HEAP_TYPE == 0);
                            if last.1 {
                                set_dictionary_aside(api, of, aside);
                            }
                        }
                        is_of_static = last.1;
                    }
                    // Only now: the dictionary may have been the next.
                    let next = (*head).next;
                    if is_of_static {
                        move_to(aside, head);
                    }
                    head = next;
                }
            }
        }
    }
}

/// Takes the dictionary of a static type out of its ring, if it is in one.
unsafe fn set_dictionary_aside(api: &Api, class: Object, aside: *mut Head) {
    // SAFETY: called by `set_aside` with a type; each dictionary has a `Head` before it, whose link is null while the
    // collector does not know it.
    unsafe {
        let dictionary = class.byte_add(TYPE_DICTIONARY).cast::<Object>().read();
        if dictionary.is_null() || (*dictionary).class() != api.PyDict_Type {
            return;
        }
        let head = dictionary.cast::<Head>().sub(1);
        if !(*head).next.is_null() {
            move_to(aside, head);
        }
    }
}

/// Moves a head to the end of a ring.
pub(super) unsafe fn move_to(ring: *mut Head, head: *mut Head) {
    // SAFETY: called by the above with live heads.
    unsafe {
        link((*head).before(), (*head).next);
        link((*ring).before(), head);
        link(head, ring);
    }
}
