//! The frozen `encodings`, there only while an interpreter starts.
//!
//! Each interpreter imports `encodings` before anything can be put on `sys.meta_path`; a frozen module of that name is
//! how the importer gets in. Afterwards nothing may see it: `importlib._bootstrap`, run anew (as CPython's own tests do),
//! takes every module whose name is frozen for one that the frozen importer has loaded.
//!
//! So the table goes in when an interpreter begins to start and out when the importer is installed. What tells of the
//! former is the builtin module `_weakref`: importlib's bootstrap makes one in each interpreter, long before `encodings`,
//! and its init function is called for each since it uses multi-phase initialisation (PEP 489), which is since 3.9.

use core::ffi::{CStr, c_int, c_void};
use core::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::cpython::Api;
use crate::cpython::types::{Frozen24, Frozen32, InitFunction, Object};
use crate::error::StartError;

/// The builtin module whose init function is called once for each interpreter, before `encodings` is imported.
const EARLY: &CStr = c"_weakref";

/// The process's table, for the init function, which CPython calls without any context.
static TABLE: AtomicPtr<Table> = AtomicPtr::new(ptr::null_mut());

/// CPython's table of frozen modules, and one that has `encodings` too.
struct Table {
    api: &'static Api,
    own: *const c_void,
    with_encodings: *const c_void,
    initialise_early: InitFunction,
    /// How many interpreters are starting.
    starting: Mutex<usize>,
}

/// Makes `code`, marshalled, the code of `encodings` in every interpreter that starts.
///
/// # Safety
/// Before initialisation, after the last call of `PyImport_AppendInittab`. `minor` is CPython's.
pub unsafe fn provide(api: &'static Api, minor: u8, code: &'static [u8]) -> Result<(), StartError> {
    // SAFETY: from the contract, these are variables of the running CPython with the layouts that the functions take.
    unsafe {
        let own = *api.PyImport_FrozenModules;
        let with_encodings = table_with(own, minor, code);
        let mut builtin = *api.PyImport_Inittab;
        while !(*builtin).name.is_null() && CStr::from_ptr((*builtin).name) != EARLY {
            builtin = builtin.add(1);
        }
        let Some(initialise_early) = (*builtin).initialise.filter(|_| !(*builtin).name.is_null()) else {
            return Err(StartError::Python("the importer cannot be registered: no module _weakref".into()));
        };
        let table = Table { api, own, with_encodings, initialise_early, starting: Mutex::new(0) };
        TABLE.store(Box::into_raw(Box::new(table)), Ordering::Release);
        (*builtin).initialise = Some(begin);
    }
    Ok(())
}

/// CPython's own frozen modules and `encodings`, as a table of the version's layout, ended by a null name.
///
/// # Safety
/// `own` is null or such a table.
unsafe fn table_with(own: *const c_void, minor: u8, code: &'static [u8]) -> *const c_void {
    let encodings = Frozen24 {
        name: c"encodings".as_ptr(),
        code: code.as_ptr(),
        // Before 3.11 a negative size marks a package.
        size: if minor < 11 { -(code.len() as c_int) } else { code.len() as c_int },
        is_package: c_int::from(minor >= 11),
    };
    let end = Frozen24 { name: ptr::null(), code: ptr::null(), size: 0, is_package: 0 };
    // Before 3.11 the table holds CPython's own modules, from then on it is null.
    if matches!(minor, 11 | 12) {
        let wide = |common| Frozen32 { common, get_code: ptr::null() };
        return Vec::leak(vec![wide(encodings), wide(end)]).as_ptr().cast();
    }
    let mut all = Vec::new();
    let mut next: *const Frozen24 = own.cast();
    // SAFETY: from the contract; the layout is this one, for the others have returned.
    unsafe {
        while minor < 11 && !next.is_null() && !(*next).name.is_null() {
            all.push(*next);
            next = next.add(1);
        }
    }
    all.extend([encodings, end]);
    Vec::leak(all).as_ptr().cast()
}

/// The init function of `_weakref`: an interpreter starts.
unsafe extern "C" fn begin() -> Object {
    // SAFETY: CPython calls this only after `provide` has put it into the table.
    let table = unsafe { &*TABLE.load(Ordering::Acquire) };
    table.count(|starting| starting + 1);
    // SAFETY: called as CPython would call it.
    unsafe { (table.initialise_early)() }
}

/// An interpreter has its importer.
pub fn withdraw() {
    // SAFETY: null, or what `provide` has leaked.
    if let Some(table) = unsafe { TABLE.load(Ordering::Acquire).as_ref() } {
        table.count(|starting| starting.saturating_sub(1));
    }
}

impl Table {
    fn count(&self, change: impl FnOnce(usize) -> usize) {
        let mut starting = self.starting.lock().unwrap_or_else(PoisonError::into_inner);
        *starting = change(*starting);
        // SAFETY: a pointer-sized variable of CPython, which reads it for each import; both tables stay for ever.
        unsafe {
            *self.api.PyImport_FrozenModules = if *starting == 0 { self.own } else { self.with_encodings }
        };
    }
}
