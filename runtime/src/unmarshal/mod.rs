//! Code objects out of marshal data, without CPython's `marshal`.
//!
//! Comes in: a module's canonical marshal data (the packager's `compile/marshal`). Goes out: the code object that
//! `marshal.loads` would have made. CPython makes each object by itself: it allocates it, hashes and looks up every name
//! of every module, checks what the compiler has checked, and frees all of it when the program ends. Here objects are laid
//! out one after another in memory of ours ([`memory`]), as the compiler of the interpreter would have laid them out
//! ([`layout`]); names are looked up in a table of this process ([`names`]), so that CPython is asked for each once, not
//! once a module; and nothing is freed, for what lasts as long as the process can be left to the kernel.
//!
//! What that changes for a program: a code object out of the archive lives as long as the process (CPython's own frozen
//! modules do, too), its reference count is a large number, a module that is loaded a second time has the code object
//! of the first, and watchers of code objects (`PyCode_AddWatcher`, 3.12) are not told of it. What it does not change:
//! types, values, identities of interned strings, of small numbers and of what CPython has one of.
//!
//! It is done where the layout is known and the interpreter at hand has it (3.9 to 3.13, no debug build), in the main
//! interpreter, and for data that hold nothing but what a compiler puts there. Otherwise [`Unmarshaller::code`] says
//! that it did not do it, nothing has happened, and CPython does it.
//!
//! Source: `Python/marshal.c` (`r_object`), `Objects/codeobject.c`, `Include/cpython/code.h`, `Include/cpython/unicodeobject.h`.

mod code;
mod layout;
mod memory;
mod names;
mod objects;
mod reader;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError, TryLockError};

use crate::archive::{Extent, Target};
use crate::cpython::types::Object;
use crate::cpython::{Api, Owned};
use names::Names;
use objects::Objects;
use reader::Reader;

/// What makes code objects in one interpreter.
pub struct Unmarshaller {
    /// Locked while a code object is made. Whoever finds it locked (a finalizer that imports) has CPython make theirs.
    state: Mutex<State>,
}

struct State {
    objects: Objects,
    names: Names,
    /// Objects of the data that is being read that later parts of it refer to.
    references: Vec<Object>,
    /// The code object of what was read, and the `co_filename` that it has.
    made: HashMap<Extent, (Object, Object)>,
}

// SAFETY: the objects are used by threads that may use Python, one at a time.
unsafe impl Send for State {}

impl Unmarshaller {
    /// None where CPython's layout is not known to be as the table says.
    ///
    /// # Safety
    /// The calling thread may use Python.
    pub unsafe fn new(api: &'static Api, target: &Target) -> Option<Self> {
        // SAFETY: from the contract.
        let objects = unsafe { Objects::new(api, target) }?;
        let state = State { objects, names: Names::default(), references: Vec::new(), made: HashMap::new() };
        Some(Self { state: Mutex::new(state) })
    }

    /// The code object in `data`, the bytes of `content`, with `file` as its `co_filename`. None without an exception
    /// if it is left to CPython; with one if a program's audit hook does not allow it.
    ///
    /// # Safety
    /// The calling thread may use Python; `file` is a `str`.
    pub unsafe fn code(&self, api: &Api, content: Extent, data: &[u8], file: &Owned) -> Option<Object> {
        // SAFETY: from the contract.
        let code = unsafe { self.made(content, data, file) }?;
        // As `read_object` in marshal.c tells. Hooks are Python code, which may import: nothing is locked any more.
        let (event, format) = (c"marshal.loads".as_ptr(), c"y#".as_ptr());
        // SAFETY: the format stands for a pointer and a length.
        let told = unsafe { (api.PySys_Audit)(event, format, data.as_ptr(), data.len() as isize) };
        (told == 0).then_some(code)
    }

    /// [`Self::code`], of which nobody has been told.
    unsafe fn made(&self, content: Extent, data: &[u8], file: &Owned) -> Option<Object> {
        let mut state = match self.state.try_lock() {
            Ok(state) => state,
            Err(TryLockError::Poisoned(poisoned)) => PoisonError::into_inner(poisoned),
            Err(TryLockError::WouldBlock) => return None,
        };
        let state = &mut *state;
        // SAFETY: called by `code`; what is in `made` lives as long as the process.
        unsafe {
            if let Some((code, name)) = state.made.get(&content) {
                return state.objects.are_equal(*name, file.get()).then_some(*code);
            }
            state.references.clear();
            let code = Reader::new(state, data, file.get()).code()?;
            state.made.insert(content, (code, file.again().give()));
            Some(code)
        }
    }
}
