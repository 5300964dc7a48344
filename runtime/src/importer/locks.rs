//! The locks of modules that are being imported ([`super::load`]), made only when another import asks for one.
//!
//! `importlib` makes a lock for each import, so that a second thread that wants the module waits for the first. Nearly
//! always there is no second thread. So an import notes in a list that it is going on, and by which thread. What
//! importlib asks about locks goes through two functions of `importlib._bootstrap`, which are replaced:
//!
//! - `_get_module_lock(name)`: for a module on the list it makes the lock, as importlib does, and makes it one that the
//!   importing thread holds: the caller acquires it and then writes that thread into it as the owner. From then on
//!   waiting, deadlocks and release are importlib's.
//! - `_lock_unlock_module(name)`: what an import waits with for a module that another one has not finished. A thread that
//!   is importing the module itself waits for nothing; with no lock made, nothing is to be done.

use core::ffi::c_ulong;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::object;
use super::session::Session;
use super::specs::utf8;
use crate::cpython::reference::returned;
use crate::cpython::types::{Object, PyMethodDef};
use crate::cpython::{Api, Owned};

/// `_get_module_lock` for `importlib._bootstrap`.
pub static GET_MODULE_LOCK: PyMethodDef = PyMethodDef::fast(c"_get_module_lock", get_module_lock);

/// `_lock_unlock_module` for `importlib._bootstrap`.
pub static LOCK_UNLOCK_MODULE: PyMethodDef = PyMethodDef::fast(c"_lock_unlock_module", lock_unlock_module);

/// The imports of one interpreter that are going on.
#[derive(Default)]
pub struct GoingOn(Mutex<List>);

#[derive(Default)]
struct List {
    imports: Vec<Import>,
    /// Number of the next import.
    next: u64,
}

/// An import that is going on.
struct Import {
    number: u64,
    name: &'static str,
    thread: c_ulong,
    /// The module's lock, which this thread holds; none as long as nobody has asked for it.
    lock: Option<Owned>,
}

impl GoingOn {
    /// The list. It is never held while Python code may run.
    fn list(&self) -> MutexGuard<'_, List> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes an import by the calling thread; none if that module is being imported already.
    pub fn begin(&self, name: &'static str, thread: c_ulong) -> Option<u64> {
        let mut list = self.list();
        if list.imports.iter().any(|import| import.name == name) {
            return None;
        }
        let number = list.next;
        list.next += 1;
        list.imports.push(Import { number, name, thread, lock: None });
        Some(number)
    }

    /// Takes an import off the list; returns the lock that the thread has to release, if it was made.
    pub fn end(&self, number: u64) -> Option<Owned> {
        let mut list = self.list();
        let at = list.imports.iter().rposition(|import| import.number == number)?;
        list.imports.remove(at).lock
    }

    /// Number and thread of the import of this module, if it goes on and its lock has not been made.
    fn without_lock(&self, name: &str) -> Option<(u64, c_ulong)> {
        let list = self.list();
        let import = list.imports.iter().rfind(|import| import.name == name)?;
        import.lock.is_none().then_some((import.number, import.thread))
    }

    /// Whether the import goes on and its lock has not been made.
    fn lacks_lock(&self, number: u64) -> bool {
        self.list().imports.iter().any(|import| import.number == number && import.lock.is_none())
    }

    /// Gives an import its lock.
    fn set_lock(&self, number: u64, lock: Owned) {
        let mut list = self.list();
        if let Some(import) = list.imports.iter_mut().find(|import| import.number == number) {
            import.lock = Some(lock);
        }
    }
}

/// The session and the one argument of a call, unless its form is wrong.
unsafe fn arguments(
    receiver: Object,
    arguments: *const Object,
    count: isize,
) -> Option<(&'static Session, Object)> {
    // SAFETY: the receiver is the importer object that the function was made with; CPython passes that many arguments.
    unsafe {
        let session = object::session(receiver)?;
        if count != 1 {
            let api = session.api();
            (api.PyErr_SetString)(*api.PyExc_TypeError, c"this function takes one argument: name".as_ptr());
            return None;
        }
        Some((session, *arguments))
    }
}

unsafe extern "C" fn get_module_lock(receiver: Object, given: *const Object, count: isize) -> Object {
    // SAFETY: called by Python with its arguments.
    returned(unsafe { arguments(receiver, given, count).and_then(|(session, name)| lock_of(session, name)) })
}

unsafe extern "C" fn lock_unlock_module(receiver: Object, given: *const Object, count: isize) -> Object {
    // SAFETY: called by Python with its arguments.
    returned(unsafe {
        arguments(receiver, given, count).and_then(|(session, name)| {
            let native = session.native.get()?;
            let text = utf8(session.api(), name)?;
            let going_on = text.and_then(|text| native.going_on.without_lock(text));
            let own =
                going_on.is_some_and(|(_, thread)| thread == (session.api().PyThread_get_thread_ident)());
            if own { Owned::none(session.api()) } else { native.lock_unlock_module.call(&[name]) }
        })
    })
}

/// `_get_module_lock(name)`; none with an exception set.
unsafe fn lock_of(session: &'static Session, name: Object) -> Option<Owned> {
    let api = session.api();
    // SAFETY: called by `get_module_lock`.
    unsafe {
        let native = session.native.get()?;
        let lock = native.get_module_lock.call(&[name])?;
        let Some((number, thread)) = utf8(api, name)?.and_then(|text| native.going_on.without_lock(text))
        else {
            return Some(lock);
        };
        // Other threads run while this one acquires the lock: one may make it the importing thread's as well, and then
        // this one waits here instead of where the caller does, or the import may end.
        let acquired = lock.attribute(c"acquire")?.call(&[]);
        if acquired.is_none() {
            if native.going_on.lacks_lock(number) {
                return None;
            }
            (api.PyErr_Clear)(); // a deadlock, which the caller meets as well
            return Some(lock);
        }
        if native.going_on.lacks_lock(number) {
            set_owner(api, &lock, thread)?;
            native.going_on.set_lock(number, lock.again());
        } else {
            lock.attribute(c"release")?.call(&[])?;
        }
        Some(lock)
    }
}

/// Makes a thread the one that holds a lock: `lock.owner = thread`, in all of 3.9 to 3.13 (`_ModuleLock`).
unsafe fn set_owner(api: &'static Api, lock: &Owned, thread: c_ulong) -> Option<()> {
    // SAFETY: called by `lock_of`.
    let thread = unsafe { Owned::take(api, (api.PyLong_FromUnsignedLong)(thread))? };
    lock.set_attribute(c"owner", &thread)
}
