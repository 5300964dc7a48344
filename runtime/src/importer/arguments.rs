//! Reading the arguments of a call, by position and by name (PyArg_ParseTupleAndKeywords).

use core::ffi::{CStr, c_char};
use core::ptr;

use crate::cpython::Api;
use crate::cpython::types::Object;

/// Most arguments that a function of ours takes.
const MOST: usize = 3;

/// A function's arguments, borrowed. What is not given is null.
pub type Arguments = [Object; MOST];

/// What a function takes: the format, objects only, and the names, as C has them.
pub struct Signature {
    format: &'static CStr,
    names: [*const c_char; MOST + 1],
}

// SAFETY: the pointers are to constants.
unsafe impl Sync for Signature {}

impl Signature {
    /// `format` has as many objects (`O`) as there are names. More than [`MOST`] are an error when compiled.
    pub const fn new(format: &'static CStr, list: &[&'static CStr]) -> Self {
        let mut names = [ptr::null(); MOST + 1];
        let mut at = 0;
        while at < list.len() {
            names[at] = list[at].as_ptr();
            at += 1;
        }
        assert!(at <= MOST);
        Self { format, names }
    }

    /// Reads the arguments; none with TypeError set if they do not fit.
    ///
    /// # Safety
    /// `positional` is a tuple, `keywords` a dictionary or null, as CPython passes them.
    pub unsafe fn read(&self, api: &Api, positional: Object, keywords: Object) -> Option<Arguments> {
        let mut arguments = [ptr::null_mut(); MOST];
        let [first, second, third] = arguments.each_mut().map(ptr::from_mut);
        // SAFETY: from the contract; there is a place for each object that the format can have.
        let read = unsafe {
            (api.PyArg_ParseTupleAndKeywords)(
                positional,
                keywords,
                self.format.as_ptr(),
                self.names.as_ptr(),
                first,
                second,
                third,
            )
        };
        (read != 0).then_some(arguments)
    }
}
