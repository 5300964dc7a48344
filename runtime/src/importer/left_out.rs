//! What a program is told that fails for a module which was left out of it: the option that brings it in.
//!
//! The finder says when it is asked for a name that the archive lists as left out. The first time it registers a
//! function with `atexit`; at the end that looks at the exception that nobody caught, which CPython keeps in
//! `sys.last_value`, and adds one line to what was printed. The exception, the traceback and the exit code are
//! CPython's. Exceptions that end a thread or a subinterpreter are not looked at.

use core::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::session::Session;
use super::specs::utf8;
use super::{Importer, fatal};
use crate::archive::{LeaveKind, LeftOut};
use crate::cpython::reference::returned;
use crate::cpython::types::{Object, PyMethodDef};
use crate::cpython::{Api, Owned};

/// Most exceptions that are looked at, from the uncaught one along what it was raised from.
const LONGEST_CHAIN: usize = 16;

/// The module that was asked for last among those that were left out.
static LAST: Mutex<Option<LeftOut<'static>>> = Mutex::new(None);

/// Whether the function is registered, or could not be.
static IS_REGISTERED: AtomicBool = AtomicBool::new(false);

impl Session {
    /// Notes that a module was asked for which the archive does not have. No exception is set by it.
    ///
    /// # Safety
    /// The calling thread may use Python, and no exception is set.
    pub(super) unsafe fn note_miss(&self, name: &str) {
        let Some(left_out) = self.importer.find_left_out(name) else { return };
        *LAST.lock().unwrap_or_else(PoisonError::into_inner) = Some(left_out);
        let is_main = Self::of_main_interpreter(self.importer).is_some_and(|main| ptr::eq(main, self));
        if !is_main || IS_REGISTERED.swap(true, Ordering::AcqRel) {
            return;
        }
        // SAFETY: from the contract.
        unsafe {
            if register(self.api()).is_none() {
                (self.api().PyErr_Clear)();
            }
        }
    }
}

impl Importer {
    fn find_left_out(&self, name: &str) -> Option<LeftOut<'static>> {
        self.archive.find_left_out(name).unwrap_or_else(|error| fatal(error.into()))
    }
}

/// `atexit.register(tell)`; none with an exception set.
unsafe fn register(api: &'static Api) -> Option<()> {
    static TELL: PyMethodDef = PyMethodDef::new(c"tell_left_out", tell);
    // SAFETY: called by `note_miss`; the method's definition is static.
    unsafe {
        let atexit = Owned::take(api, (api.PyImport_ImportModule)(c"atexit".as_ptr()))?;
        let function = (api.PyCFunction_NewEx)(&raw const TELL, ptr::null_mut(), ptr::null_mut());
        let function = Owned::take(api, function)?;
        atexit.attribute(c"register")?.call(&[function.get()]).map(drop)
    }
}

/// What `atexit` calls. Returns `None` (Python's) whatever happens.
unsafe extern "C" fn tell(_receiver: Object, _positional: Object, _keywords: Object) -> Object {
    let Some(importer) = super::install::importer() else { return ptr::null_mut() };
    let api = importer.api;
    // SAFETY: called by Python; `sys.last_value` is borrowed and shared at once.
    unsafe {
        let uncaught = Owned::share(api, (api.PySys_GetObject)(c"last_value".as_ptr()));
        if let Some(left_out) = uncaught.and_then(|uncaught| left_out_of(importer, uncaught)) {
            print(api, &message(&left_out));
        }
        (api.PyErr_Clear)();
        returned(Owned::none(api))
    }
}

/// The module that was left out and that this exception, or one that it was raised from, is about.
unsafe fn left_out_of(importer: &Importer, uncaught: Owned) -> Option<LeftOut<'static>> {
    let api = importer.api;
    let is_there = |object: &Owned| object.get() != api.none();
    let mut exception = uncaught;
    for _ in 0..LONGEST_CHAIN {
        // SAFETY: called by `tell` with a live object.
        unsafe {
            if (api.PyObject_IsInstance)(exception.get(), *api.PyExc_ImportError) == 1
                && let Some(left_out) = missing_in(importer, &exception)
            {
                return Some(left_out);
            }
            (api.PyErr_Clear)();
        }
        let next = exception.attribute(c"__cause__").filter(is_there);
        exception = next.or_else(|| exception.attribute(c"__context__").filter(is_there))?;
    }
    None
}

/// The module that an ImportError misses, if it was left out: its `name`, or, for `from package import name`, one
/// below.
unsafe fn missing_in(importer: &Importer, exception: &Owned) -> Option<LeftOut<'static>> {
    let name = exception.attribute(c"name")?;
    if name.get() == importer.api.none() {
        return None;
    }
    // SAFETY: called by `left_out_of`; the name outlives its text. What is no `str` sets an exception and has no text.
    let name = unsafe { utf8(importer.api, name.get())?? };
    importer.find_left_out(name).or_else(|| {
        let last = (*LAST.lock().unwrap_or_else(PoisonError::into_inner))?;
        last.name.rsplit_once('.').is_some_and(|(package, _)| package == name).then_some(last)
    })
}

fn message(left_out: &LeftOut) -> String {
    let LeftOut { name, subject, kind } = left_out;
    match kind {
        LeaveKind::Optional => {
            format!("snapfreeze: {name} was left out as optional; rebuild with --follow-optional {subject}\n")
        }
        LeaveKind::Excluded => {
            format!("snapfreeze: {name} was left out; rebuild without --exclude-module {subject}\n")
        }
        LeaveKind::Hook => {
            format!("snapfreeze: {name} was left out by a hook; rebuild with --hidden-import {name}\n")
        }
    }
}

/// `sys.stderr.write(text)`, where the traceback went. None with an exception set.
unsafe fn print(api: &'static Api, text: &str) -> Option<()> {
    // SAFETY: called by `tell`; `sys.stderr` is borrowed and shared at once.
    unsafe {
        let stderr = Owned::share(api, (api.PySys_GetObject)(c"stderr".as_ptr()))?;
        if stderr.get() == api.none() {
            return None;
        }
        let text = Owned::text(api, text)?;
        stderr.attribute(c"write")?.call(&[text.get()])?;
        stderr.attribute(c"flush")?.call(&[]).map(drop)
    }
}
