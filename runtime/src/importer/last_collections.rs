//! The collections at a program's end: they look at less ([`crate::cpython::collector`], `aside`, `alive`, `reachable`).
//!
//! The packager has CPython call [`collect`] where it would call its own `PyGC_Collect` (`packager/src/fuse/collect.rs`). That
//! is what its end begins to collect with; what others call by this name is CPython's. Around the collection that comes
//! when the modules are gone from `sys.modules`, but not their content, it has [`before_another`] and [`after_another`] called.
//!
//! Where C code of packages holds Python objects, that one finds next to nothing, too. The third collection, after the
//! modules' content has gone, finds nearly everything: it is left alone.

use core::ffi::c_void;
use core::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use super::install::importer;
use super::put_off::PutOff;
use super::session::Session;

/// The thread (`PyThreadState`) that collects at the main interpreter's end, between its first collection and the second one;
/// null where that is to look at everything.
static ENDING: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());

/// Whether something was taken away from the second one.
static LOOKS_AT_LESS: AtomicBool = AtomicBool::new(false);

/// `PyGC_Collect`.
///
/// # Safety
/// The calling thread may use Python.
pub unsafe fn collect() -> isize {
    static IS_DONE: AtomicBool = AtomicBool::new(false);
    // Nobody calls it before CPython is initialised, and that is after this was set.
    let Some(api) = importer().map(|importer| importer.api) else { return 0 };
    // SAFETY: from the contract; only the main interpreter's end makes CPython say that it is finalizing.
    unsafe {
        let ends = api._Py_IsFinalizing.is_some_and(|is_finalizing| is_finalizing() != 0);
        if ends
            && !IS_DONE.swap(true, Ordering::AcqRel)
            && let Some(put_off) = put_off()
        {
            put_off.set_aside();
            let found = put_off.collect_the_rest();
            if let Some(thread) = api._PyThreadState_UncheckedGet.filter(|_| put_off.holds_much()) {
                ENDING.store(thread().cast(), Ordering::Release);
            }
            return found;
        }
        (api.PyGC_Collect)()
    }
}

/// CPython is about to collect with `_PyGC_CollectNoFail`.
///
/// # Safety
/// The thread is the calling one's, and may use Python.
pub unsafe fn before_another(thread: *mut c_void) {
    let ending = ENDING.load(Ordering::Acquire);
    if ending.is_null() || ending != thread {
        return;
    }
    ENDING.store(ptr::null_mut(), Ordering::Release);
    // SAFETY: from the contract: this is the thread that ends the main interpreter.
    let is_taken = unsafe { put_off().is_some_and(|put_off| put_off.look_at_less()) };
    LOOKS_AT_LESS.store(is_taken, Ordering::Release);
}

/// It has.
///
/// # Safety
/// [`before_another`] was called before that.
pub unsafe fn after_another() {
    if LOOKS_AT_LESS.swap(false, Ordering::AcqRel)
        && let Some(put_off) = put_off()
    {
        // SAFETY: from the contract.
        unsafe { put_off.look_at_all() };
    }
}

fn put_off() -> Option<&'static PutOff> {
    Session::of_main_interpreter(importer()?)?.put_off.as_ref()
}
