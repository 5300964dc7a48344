//! Owned references to Python objects, released when they are dropped.
//!
//! With them each way out of a function, early or not, leaves the reference counts right.

use core::ffi::CStr;
use core::ptr::{self, NonNull};

use super::api::Api;
use super::types::{Object, PyObject};

/// An owned reference. Made, used and dropped only by threads that may use Python at that moment.
pub struct Owned {
    api: &'static Api,
    object: NonNull<PyObject>,
}

impl Owned {
    /// Takes over a new reference, as most functions of the C API return it; none for null.
    ///
    /// # Safety
    /// `object` is null or a reference that nobody else releases; the calling thread may use Python, now and
    /// when the result is dropped.
    pub unsafe fn take(api: &'static Api, object: Object) -> Option<Self> {
        NonNull::new(object).map(|object| Self { api, object })
    }

    /// A new reference to a borrowed object; none for null.
    ///
    /// # Safety
    /// `object` is null or alive; otherwise as [`take`](Self::take).
    pub unsafe fn share(api: &'static Api, object: Object) -> Option<Self> {
        let object = NonNull::new(object)?;
        // SAFETY: from the contract.
        unsafe { (api.Py_IncRef)(object.as_ptr()) };
        Some(Self { api, object })
    }

    /// `None` (Python's).
    ///
    /// # Safety
    /// As [`take`](Self::take).
    pub unsafe fn none(api: &'static Api) -> Option<Self> {
        // SAFETY: from the contract.
        unsafe { Self::share(api, api.none()) }
    }

    /// A `str`; none with an exception set when there is no memory.
    ///
    /// # Safety
    /// As [`take`](Self::take).
    pub unsafe fn text(api: &'static Api, text: &str) -> Option<Self> {
        // SAFETY: from the contract; pointer and length are of one live string.
        unsafe {
            Self::take(api, (api.PyUnicode_FromStringAndSize)(text.as_ptr().cast(), text.len() as isize))
        }
    }

    /// The object, borrowed.
    pub fn get(&self) -> Object {
        self.object.as_ptr()
    }

    /// Gives the reference away: to a caller that releases it, or to live as long as the process.
    pub fn give(self) -> Object {
        let object = self.object.as_ptr();
        core::mem::forget(self);
        object
    }

    /// An attribute; none with an exception set.
    pub fn attribute(&self, name: &CStr) -> Option<Self> {
        // SAFETY: the object is alive, and the thread may use Python: the contract of `take`.
        unsafe { Self::take(self.api, (self.api.PyObject_GetAttrString)(self.get(), name.as_ptr())) }
    }

    /// An attribute by its name as a `str`; none with an exception set.
    pub fn get_by(&self, name: &Self) -> Option<Self> {
        // SAFETY: as above.
        unsafe { Self::take(self.api, (self.api.PyObject_GetAttr)(self.get(), name.get())) }
    }

    /// Sets an attribute by its name as a `str`; none with an exception set.
    pub fn set_by(&self, name: &Self, value: Object) -> Option<()> {
        // SAFETY: as above; the value is alive.
        let status = unsafe { (self.api.PyObject_SetAttr)(self.get(), name.get(), value) };
        (status == 0).then_some(())
    }

    /// Another reference to the same object.
    pub fn again(&self) -> Self {
        // SAFETY: as above.
        unsafe { (self.api.Py_IncRef)(self.get()) };
        Self { api: self.api, object: self.object }
    }

    /// Whether this is an object of exactly this type.
    pub fn is_exactly(&self, class: Object) -> bool {
        // SAFETY: the object is alive.
        unsafe { (*self.get()).class() == class }
    }

    /// Sets an attribute; none with an exception set.
    pub fn set_attribute(&self, name: &CStr, value: &Self) -> Option<()> {
        // SAFETY: as above.
        let status = unsafe { (self.api.PyObject_SetAttrString)(self.get(), name.as_ptr(), value.get()) };
        (status == 0).then_some(())
    }

    /// Calls the object with positional arguments, up to three; none with an exception set.
    pub fn call(&self, arguments: &[Object]) -> Option<Self> {
        let argument = |at: usize| arguments.get(at).copied().unwrap_or(ptr::null_mut());
        debug_assert!(arguments.len() <= 3 && arguments.iter().all(|argument| !argument.is_null()));
        // SAFETY: as above; the arguments are alive, and a null ends their list.
        unsafe {
            let result = (self.api.PyObject_CallFunctionObjArgs)(
                self.get(),
                argument(0),
                argument(1),
                argument(2),
                ptr::null_mut::<PyObject>(),
            );
            Self::take(self.api, result)
        }
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: the reference is ours, and the thread may use Python: the contract of `take`.
        unsafe { (self.api.Py_DecRef)(self.object.as_ptr()) };
    }
}

/// What a C function returns to Python: the reference, or null for the exception that is set.
pub fn returned(result: Option<Owned>) -> Object {
    result.map_or(ptr::null_mut(), Owned::give)
}
