//! What the packager puts in the place of CPython's own functions where CPython calls those, or beside them.

use core::ffi::c_void;

/// `PyGC_Collect` of CPython.
///
/// # Safety
/// The calling thread may use Python.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snapfreeze_collect() -> isize {
    // SAFETY: from the contract.
    unsafe { snapfreeze_runtime::collect() }
}

/// What goes before `_PyGC_CollectNoFail` of CPython, with the same argument.
///
/// # Safety
/// The thread is the calling one's `PyThreadState`, and may use Python.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snapfreeze_before_collection(thread: *mut c_void) {
    // SAFETY: from the contract.
    unsafe { snapfreeze_runtime::before_another(thread) };
}

/// What follows on it.
///
/// # Safety
/// As [`snapfreeze_before_collection`], which was called.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snapfreeze_after_collection() {
    // SAFETY: from the contract.
    unsafe { snapfreeze_runtime::after_another() };
}
