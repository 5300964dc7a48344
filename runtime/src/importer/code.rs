//! Code objects out of the archive.
//!
//! The archive holds canonical marshal data in which every code object's `co_filename` is the module's file
//! relative to the root. Loading puts the absolute path in, as `importlib` does for a `.pyc` that was moved.

use core::ptr;

use super::Importer;
use super::fatal;
use super::object::Session;
use crate::archive::Extent;
use crate::cpython::types::Object;

impl Importer {
    /// Unmarshals a code object; null with a Python exception set when that fails.
    ///
    /// # Safety
    /// The calling thread may use Python.
    pub unsafe fn unmarshal(&self, content: Extent) -> Object {
        let read = |bytes: &[u8]| {
            // SAFETY: pointer and length are of one live slice; unmarshalling copies what it keeps.
            unsafe { (self.api.PyMarshal_ReadObjectFromString)(bytes.as_ptr().cast(), bytes.len() as isize) }
        };
        self.blocks.with_content(self.archive, content, read).unwrap_or_else(|error| fatal(error.into()))
    }
}

impl Session {
    /// The code object at `content`, of a module whose `__file__` is `file`. Null with an exception set when
    /// that fails.
    ///
    /// # Safety
    /// `file` is a live `str`, and the calling thread may use Python.
    pub unsafe fn code(&self, content: Extent, file: Object) -> Object {
        let api = self.importer.api;
        // SAFETY: from the contract; `fix_co_filename` is `_imp._fix_co_filename(code, path)`.
        unsafe {
            let code = self.importer.unmarshal(content);
            if code.is_null() {
                return code;
            }
            let done = (api.PyObject_CallFunctionObjArgs)(
                self.fix_co_filename,
                code,
                file,
                ptr::null_mut::<core::ffi::c_void>(),
            );
            if done.is_null() {
                (api.Py_DecRef)(code);
                return ptr::null_mut();
            }
            (api.Py_DecRef)(done);
            code
        }
    }
}
