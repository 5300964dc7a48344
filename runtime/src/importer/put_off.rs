//! Putting the garbage collector off while modules are imported.
//!
//! Imports allocate a great many objects, nearly all of which stay: functions, classes, constants. Each so many
//! allocations the collector looks for garbage among them, and finds next to none. So, while modules of the archive are
//! executed, collections that are due by the number of allocations wait: each module that begins makes the count of
//! allocations negative, and the end of the outermost one gives it back what it had before. What the import makes
//! goes to the oldest generation with each module, where it would come by surviving; otherwise the next collections would
//! go through all of it.
//!
//! What is put off is bounded: a module that allocates more than [`ALLOWANCE`] objects without importing another one has
//! the collector back. The main module is not imported, so it has it always; what it made before an import is not touched.
//! Nothing is switched off: `gc.isenabled()` and `gc.get_threshold()` are as ever, and `gc.collect()` collects.
//! `gc.get_count()` tells the negative counts to a module that asks while it is imported. Garbage that an import has left
//! in cycles is found by the next full collection.

use core::ffi::c_int;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::cpython::collector::{Generations, Mark};
use crate::cpython::{Api, Owned};

/// Allocations that each module may make before the collector is back, in objects that the collector knows, those that
/// are released at once included. Nearly all modules make fewer.
const ALLOWANCE: c_int = 20_000;

/// Allocations in an import from which on what it has made goes to the oldest generation: about as many as bring on a
/// collection.
const MANY: c_int = 700;

/// The state in one interpreter. Used under its lock.
pub struct PutOff {
    api: &'static Api,
    generations: Generations,
    holds_much: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// How many modules are being executed.
    depth: usize,
    /// The count before the outermost of them began.
    before: c_int,
    /// Allocations since then, up to the time when the count was set last.
    allocated: c_int,
    /// What the count was set to last.
    set: c_int,
    /// The place in the youngest generation after which is what the import has made.
    mark: Option<Mark>,
}

impl PutOff {
    /// With the interpreter's generations.
    pub fn new(api: &'static Api, generations: Generations) -> Self {
        Self { api, generations, holds_much: AtomicBool::new(false), state: Mutex::default() }
    }

    /// The interpreter is about to end: takes out of the generations what no collection finds anything in.
    ///
    /// # Safety
    /// As [`Generations::set_aside`]; this is of the main interpreter.
    pub unsafe fn set_aside(&self) {
        // SAFETY: from the contract.
        unsafe { self.generations.set_aside(self.api) };
    }

    /// Collects, without looking at what can be reached from the modules, unless the program has switched the collector off.
    ///
    /// # Safety
    /// As [`Generations::take_alive`]; this is of the main interpreter, of which everything was [set aside](Self::set_aside).
    pub unsafe fn collect_the_rest(&self) -> isize {
        // SAFETY: from the contract.
        unsafe {
            if !self.is_enabled() {
                return 0;
            }
            let is_taken = self.generations.take_alive((self.api.PyImport_GetModuleDict)()).is_some();
            let found = (self.api.PyGC_Collect)();
            if is_taken {
                self.generations.give_back();
            }
            found
        }
    }

    /// `gc.isenabled()`.
    unsafe fn is_enabled(&self) -> bool {
        // SAFETY: called by `collect_the_rest`.
        unsafe {
            if let Some(is_enabled) = self.api.PyGC_IsEnabled {
                return is_enabled() != 0;
            }
            // 3.9 has no function for that.
            let ask = || {
                let gc = Owned::take(self.api, (self.api.PyImport_ImportModule)(c"gc".as_ptr()))?;
                Some((self.api.PyObject_IsTrue)(gc.attribute(c"isenabled")?.call(&[])?.get()) == 1)
            };
            ask().unwrap_or_else(|| {
                (self.api.PyErr_Clear)();
                true
            })
        }
    }

    /// An extension module is asked for. CPython's own are in no package, and hold next to nothing; others hold functions and
    /// classes in variables of their C code, and with them nearly everything, however it was imported.
    pub fn note_extension(&self, name: &str) {
        self.holds_much.fetch_or(name.contains('.'), Ordering::Relaxed);
    }

    /// Whether much is likely to be alive still when the modules are gone from `sys.modules`.
    pub fn holds_much(&self) -> bool {
        self.holds_much.load(Ordering::Relaxed)
    }

    /// Has the next collection not look at what can be reached; says whether it has to look at all again after that.
    ///
    /// # Safety
    /// As [`Generations::take_reachable`]; this is of the main interpreter.
    pub unsafe fn look_at_less(&self) -> bool {
        // SAFETY: from the contract.
        unsafe { self.generations.take_reachable(self.api).is_some() }
    }

    /// The collection is over.
    ///
    /// # Safety
    /// As [`Generations::put_back`].
    pub unsafe fn look_at_all(&self) {
        // SAFETY: from the contract.
        unsafe { self.generations.put_back() };
    }

    /// A module begins. What is returned is dropped at its end, by a thread that may use Python.
    ///
    /// # Safety
    /// The calling thread may use Python.
    pub unsafe fn begin(&self) -> impl Drop {
        let mut state = self.state();
        if state.depth == 0 {
            state.before = self.generations.count().max(0);
            state.allocated = 0;
        } else {
            state.account(&self.generations);
        }
        state.depth += 1;
        // Before anything is allocated, so that no collection, which may run Python code, falls in here.
        self.generations.set_count(self.generations.count().min(-ALLOWANCE));
        // SAFETY: from the contract.
        unsafe {
            self.promote(&mut state);
            if state.mark.is_none() {
                state.mark = self.generations.mark(self.api);
            }
        }
        state.set = self.generations.count();
        Running(self)
    }

    /// Moves what the import has made to the oldest generation, if it is much. A mark that is worth nothing any more is
    /// taken away.
    unsafe fn promote(&self, state: &mut State) {
        let Some(mark) = state.mark.take() else { return };
        // SAFETY: called by `begin` and at a module's end.
        unsafe {
            if state.allocated <= MANY || self.generations.promote_since(&mark) {
                state.mark = Some(mark);
            } else {
                self.generations.unmark(mark);
            }
        }
    }

    /// The state. It is never held while Python code may run.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Adds up the allocations since the count was set.
    fn account(&mut self, generations: &Generations) {
        let count = generations.count();
        let made = count.saturating_sub(self.set).max(0);
        self.allocated = self.allocated.saturating_add(made);
        self.set = count;
    }
}

/// A module that is being executed.
struct Running<'a>(&'a PutOff);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let generations = &self.0.generations;
        let mut state = self.0.state();
        state.account(generations);
        state.depth -= 1;
        if state.depth > 0 {
            return;
        }
        // SAFETY: from the contract of `begin`.
        unsafe {
            self.0.promote(&mut state);
            if let Some(mark) = state.mark.take() {
                generations.unmark(mark);
            }
        }
        // Otherwise a collection has come meanwhile, and the count is right.
        if generations.count() < 0 {
            let own = if state.allocated > MANY { 0 } else { state.allocated };
            generations.set_count(state.before.saturating_add(own));
        }
    }
}
