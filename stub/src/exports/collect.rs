//! What the packager puts in the place of CPython's own function where CPython calls that.

/// `PyGC_Collect` of CPython.
///
/// # Safety
/// The calling thread may use Python.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snapfreeze_collect() -> isize {
    // SAFETY: from the contract.
    unsafe { snapfreeze_runtime::collect() }
}
