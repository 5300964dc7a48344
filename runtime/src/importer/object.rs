//! The Python type of the importer, `_snapfreeze.Importer`, and its instances.
//!
//! One object an interpreter, on `sys.meta_path`; its method is in [`super::finder`]. Behind the object's header stands a pointer to its [`Session`]; an instance that
//! Python code makes itself has none, and its method says so.

use core::ffi::c_int;
use core::ptr;

use super::finder::METHODS;
use super::session::Session;
use crate::cpython::types::{Object, PY_TP_METHODS, PY_TPFLAGS_DEFAULT, PyObject, PyTypeSpec, Slot};
use crate::cpython::{Api, Owned};

/// An instance in memory: `PyObject_HEAD` and the session. CPython zeroes it when it makes one.
#[repr(C)]
struct Instance {
    head: [usize; 2],
    session: *const Session,
}

const _: () = assert!(size_of::<Instance>() == size_of::<PyObject>() + size_of::<*const Session>());

/// Makes the type and its one instance; none with an exception set.
///
/// # Safety
/// The calling thread may use Python.
pub unsafe fn new(api: &'static Api) -> Option<Owned> {
    let mut slots = [
        Slot { slot: PY_TP_METHODS, value: METHODS.as_ptr().cast_mut().cast() },
        Slot { slot: 0, value: ptr::null_mut() },
    ];
    let mut spec = PyTypeSpec {
        name: c"_snapfreeze.Importer".as_ptr(),
        basic_size: size_of::<Instance>() as c_int,
        item_size: 0,
        flags: PY_TPFLAGS_DEFAULT,
        slots: slots.as_mut_ptr(),
    };
    // SAFETY: CPython copies the spec; the name and the methods' table are static.
    unsafe { Owned::take(api, (api.PyType_FromSpec)(&raw mut spec))?.call(&[]) }
}

/// Gives an instance its session.
///
/// # Safety
/// `object` was made by [`new`], and no other thread uses it yet.
pub unsafe fn attach(object: &Owned, session: &'static Session) {
    // SAFETY: from the contract: the memory is an `Instance`.
    unsafe { (*object.get().cast::<Instance>()).session = session };
}

/// The session of an instance, if it has one.
///
/// # Safety
/// `object` is an instance of the type.
pub unsafe fn session(object: Object) -> Option<&'static Session> {
    // SAFETY: from the contract: the memory is an `Instance`; sessions live as long as the process.
    unsafe { (*object.cast::<Instance>()).session.as_ref() }
}
