//! What the importer needs of one interpreter, and what it does there: making modules out of the archive.
//!
//! A session is made when `encodings` is first imported in an interpreter, so each subinterpreter has its own, and
//! lives as long as the process.

use core::ffi::{CStr, c_void};
use core::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, Ordering};

use super::loaders::Loaders;
use super::native::Native;
use super::put_off::PutOff;
use super::{Importer, object};
use crate::archive::{ArchiveError, Module};
use crate::cpython::collector::{self, Generations};
use crate::cpython::types::Object;
use crate::cpython::{Api, Owned};
use crate::unmarshal::Unmarshaller;

/// What puts the garbage collector off in the current interpreter, unless the program was built without that.
unsafe fn put_off(importer: &Importer) -> Option<PutOff> {
    if importer.target.collects_during_imports {
        return None;
    }
    // SAFETY: called by `Session::new`, before any code of the program has run; the first time that is in the main
    // interpreter. Free-threaded builds are refused when the configuration is made, and so are versions later than 3.13.
    unsafe {
        let found = Generations::find(importer.api);
        collector::wake(importer.api, found.as_ref());
        found.map(|found| PutOff::new(importer.api, found))
    }
}

/// What makes code objects in the main interpreter: others may be many, and what is made for them lasts as long as the
/// process.
unsafe fn unmarshaller(importer: &Importer) -> Option<Unmarshaller> {
    let is_first = importer.main_session.load(Ordering::Acquire).is_null();
    // SAFETY: called by `Session::new`.
    is_first.then(|| unsafe { Unmarshaller::new(importer.api, &importer.target) }).flatten()
}

/// The importer in one interpreter.
pub struct Session {
    pub(super) importer: &'static Importer,
    /// The `_snapfreeze.Importer` of this interpreter.
    pub(super) object: Owned,
    /// The root as a `str`.
    pub(super) root: Owned,
    /// `importlib.machinery.ModuleSpec`.
    pub(super) module_spec: Owned,
    /// `_imp._fix_co_filename`.
    pub(super) fix_co_filename: Owned,
    /// `importlib.machinery.PathFinder`.
    pub(super) path_finder: Owned,
    /// `importlib._bootstrap_external._NamespacePath`.
    pub(super) namespace_path: Owned,
    /// The classes of the modules' loaders.
    pub(super) loaders: Loaders,
    /// Calls a function so that importlib's frames are cut out of tracebacks.
    pub(super) call_with_frames_removed: Owned,
    /// The builtin `exec`.
    pub(super) exec: Owned,
    /// Makes the builtins of `site` for the root that it is called with.
    pub(super) site_builtins: Owned,
    /// What importing without Python code works with, where it works.
    pub(super) native: OnceLock<Native>,
    /// What makes code objects, where that works.
    pub(super) unmarshaller: Option<Unmarshaller>,
    /// What puts the garbage collector off during imports, where that works.
    pub(super) put_off: Option<PutOff>,
    /// CPython's interpreter. A later one may have the same address once this one is gone.
    interpreter: *mut c_void,
    /// The session that was made before.
    before: AtomicPtr<Session>,
}

impl Session {
    /// Makes the session and the Python object of the current interpreter; none with an exception set.
    ///
    /// # Safety
    /// The calling thread may use Python, and `importlib._bootstrap` is set up.
    pub unsafe fn new(importer: &'static Importer, site_builtins: Owned) -> Option<&'static Self> {
        let api = importer.api;
        // SAFETY: from the contract.
        unsafe {
            let import = |name: &CStr| Owned::take(api, (api.PyImport_ImportModule)(name.as_ptr()));
            let bootstrap = import(c"_frozen_importlib")?;
            let external = import(c"_frozen_importlib_external")?;
            let imp = import(c"_imp")?;
            let builtins = import(c"builtins")?;
            let object = object::new(api)?;
            let session: &'static Self = Box::leak(Box::new(Self {
                importer,
                loaders: Loaders::new(api, &object, &external)?,
                object,
                root: Owned::take(api, super::install::root_string(importer))?,
                module_spec: bootstrap.attribute(c"ModuleSpec")?,
                fix_co_filename: imp.attribute(c"_fix_co_filename")?,
                path_finder: external.attribute(c"PathFinder")?,
                namespace_path: external.attribute(c"_NamespacePath")?,
                call_with_frames_removed: bootstrap.attribute(c"_call_with_frames_removed")?,
                exec: builtins.attribute(c"exec")?,
                site_builtins,
                native: OnceLock::new(),
                unmarshaller: unmarshaller(importer),
                put_off: put_off(importer),
                interpreter: (api.PyInterpreterState_Get)(),
                before: AtomicPtr::default(),
            }));
            object::attach(&session.object, session);
            let first = ptr::from_ref(session).cast_mut();
            let main = &importer.main_session;
            let _ = main.compare_exchange(ptr::null_mut(), first, Ordering::AcqRel, Ordering::Acquire);
            let mut before = importer.sessions.load(Ordering::Acquire);
            loop {
                session.before.store(before, Ordering::Relaxed);
                let list = &importer.sessions;
                match list.compare_exchange(before, first, Ordering::AcqRel, Ordering::Acquire) {
                    Ok(_) => return Some(session),
                    Err(other) => before = other,
                }
            }
        }
    }

    /// The session of the interpreter that is running, if it has one yet. It does not depend on what the program leaves
    /// in `sys.modules`.
    ///
    /// # Safety
    /// The calling thread may use Python.
    pub unsafe fn of_current_interpreter(importer: &Importer) -> Option<&'static Self> {
        // SAFETY: from the contract; the list is of sessions that were leaked in `new`.
        unsafe {
            let interpreter = (importer.api.PyInterpreterState_Get)();
            let mut next = importer.sessions.load(Ordering::Acquire).as_ref();
            while let Some(session) = next.filter(|session| session.interpreter != interpreter) {
                next = session.before.load(Ordering::Relaxed).as_ref();
            }
            next
        }
    }

    /// The session of the main interpreter.
    pub fn of_main_interpreter(importer: &Importer) -> Option<&'static Self> {
        // SAFETY: null, or a session that was leaked in `new`.
        unsafe { importer.main_session.load(Ordering::Acquire).as_ref() }
    }

    /// The C API.
    pub(super) fn api(&self) -> &'static Api {
        self.importer.api
    }

    /// Runs the real `encodings` in the namespace of the frozen one. Returns `None` (Python's), or none with an
    /// exception set.
    ///
    /// # Safety
    /// `globals` is the namespace of the module that is being imported as `encodings`.
    pub unsafe fn become_real_encodings(&'static self, globals: Object) -> Option<Owned> {
        let api = self.api();
        let Some(module) = self.importer.find("encodings") else {
            super::fatal(ArchiveError::Invalid { part: "list of modules: no encodings" }.into())
        };
        let set = |name: &CStr, value: &Owned| {
            // SAFETY: from the contract.
            let status = unsafe { (api.PyDict_SetItemString)(globals, name.as_ptr(), value.get()) };
            (status == 0).then_some(())
        };
        // SAFETY: from the contract. What importlib set from the frozen module's spec is set again from the real one.
        unsafe {
            let _put_off = self.put_off.as_ref().map(|put_off| put_off.begin());
            let spec = self.spec(&module)?;
            self.import_natively(&module, &spec)?;
            set(c"__spec__", &spec)?;
            set(c"__loader__", &spec.attribute(c"loader")?)?;
            set(c"__file__", &spec.attribute(c"origin")?)?;
            set(c"__cached__", &spec.attribute(c"cached")?)?;
            set(c"__path__", &spec.attribute(c"submodule_search_locations")?)?;
            self.execute(&module, globals)
        }
    }

    /// Runs a module's code in a namespace, without importlib's frames in tracebacks.
    ///
    /// # Safety
    /// `namespace` is a live dictionary; the calling thread may use Python.
    pub unsafe fn execute(&self, module: &Module, namespace: Object) -> Option<Owned> {
        // SAFETY: from the contract.
        unsafe {
            let file = self.path(module.file)?;
            let code = self.code(module.content, &file)?;
            self.call_with_frames_removed.call(&[self.exec.get(), code.get(), namespace])
        }
    }
}
