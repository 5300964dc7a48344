//! Code objects out of the archive.
//!
//! The archive holds canonical marshal data in which every code object's `co_filename` is the module's file
//! relative to the root. Loading puts the absolute path in, as `importlib` does for a `.pyc` that was moved.

use super::fatal;
use super::session::Session;
use crate::archive::Extent;
use crate::cpython::Owned;

impl Session {
    /// The code object at `content`, of a module whose `__file__` is `file`. None with an exception set when
    /// that fails.
    ///
    /// # Safety
    /// `file` is a `str`, and the calling thread may use Python.
    pub unsafe fn code(&self, content: Extent, file: &Owned) -> Option<Owned> {
        let (importer, api) = (self.importer, self.api());
        let read = |bytes: &[u8]| {
            // SAFETY: from the contract.
            let made =
                self.unmarshaller.as_ref().and_then(|it| unsafe { it.code(api, content, bytes, file) });
            // SAFETY: as above.
            if made.is_some() || !unsafe { (api.PyErr_Occurred)() }.is_null() {
                // SAFETY: as above; the object lives as long as the process.
                return made.and_then(|code| unsafe { Owned::share(api, code) });
            }
            // SAFETY: pointer and length are of one live slice; unmarshalling copies what it keeps.
            let code = unsafe {
                let code = (api.PyMarshal_ReadObjectFromString)(bytes.as_ptr().cast(), bytes.len() as isize);
                Owned::take(api, code)
            }?;
            self.fix_co_filename.call(&[code.get(), file.get()])?;
            Some(code)
        };
        let code = importer.blocks.with_content(importer.archive, content, read);
        code.unwrap_or_else(|error| fatal(error.into()))
    }
}
