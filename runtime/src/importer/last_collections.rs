//! The collections at a program's end: they look at less ([`crate::cpython::collector`], `aside`).
//!
//! The packager has CPython call [`collect`] where it would call its own `PyGC_Collect` (`packager/src/fuse/collect.rs`). That
//! is what its end begins to collect with; what others call by this name is CPython's.

use std::sync::atomic::{AtomicBool, Ordering};

use super::install::importer;
use super::session::Session;

/// `PyGC_Collect`.
///
/// # Safety
/// The calling thread may use Python.
pub unsafe fn collect() -> isize {
    static IS_DONE: AtomicBool = AtomicBool::new(false);
    // Nobody calls it before CPython is initialised, and that is after this was set.
    let Some(importer) = importer() else { return 0 };
    let api = importer.api;
    // SAFETY: from the contract; only the main interpreter's end makes CPython say that it is finalizing.
    unsafe {
        let ends = api._Py_IsFinalizing.is_some_and(|is_finalizing| is_finalizing() != 0);
        if ends && !IS_DONE.swap(true, Ordering::AcqRel) {
            let session = Session::of_main_interpreter(importer);
            if let Some(put_off) = session.and_then(|session| session.put_off.as_ref()) {
                put_off.set_aside();
                return put_off.collect_the_rest();
            }
        }
        (api.PyGC_Collect)()
    }
}
