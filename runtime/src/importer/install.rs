//! Getting the importer into CPython, which imports `encodings` before anything can be put on `sys.meta_path`.
//!
//! `encodings` is made a frozen module whose code (the archive's bootstrap, compiled by the packager) only calls
//! `_snapfreeze.install(globals(), site_builtins)`. `_snapfreeze` is a builtin module; `install` puts the
//! finder first on `sys.meta_path` and then runs the real `encodings` in the same namespace. That needs one
//! initialisation call, and happens anew in each subinterpreter ([`frozen`]). The other argument is a function that makes
//! what `site` would put among the builtins.

use core::ffi::{CStr, c_int, c_void};
use core::ptr;
use std::ffi::CString;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, Ordering};

use super::arguments::Signature;
use super::session::Session;
use super::{Importer, frozen, main_module, open_code};
use crate::cpython::reference::returned;
use crate::cpython::types::{
    Object, PER_INTERPRETER_GIL_SUPPORTED, PY_MOD_EXEC, PY_MOD_MULTIPLE_INTERPRETERS, PyMethodDef,
    PyModuleDef, Slot,
};
use crate::cpython::{Interpreter, Owned};
use crate::error::StartError;
use crate::os::running_file::c_path;

/// Name under which the module `_snapfreeze` holds the interpreter's importer object.
pub const OBJECT_NAME: &str = "importer";

/// The process's importer, for the C functions that CPython calls without any context.
static IMPORTER: AtomicPtr<Importer> = AtomicPtr::new(ptr::null_mut());

/// The process's importer.
pub(super) fn importer() -> Option<&'static Importer> {
    // SAFETY: null, or a reference that was leaked in `Importer::new`.
    unsafe { IMPORTER.load(Ordering::Acquire).as_ref() }
}

/// Registers the builtin module and the frozen `encodings`.
pub fn before_initialisation(
    importer: &'static Importer,
    interpreter: &mut Interpreter,
) -> Result<(), StartError> {
    IMPORTER.store(ptr::from_ref(importer).cast_mut(), Ordering::Release);
    let api = interpreter.api();
    // SAFETY: before initialisation, as the function demands; the name is static.
    if unsafe { (api.PyImport_AppendInittab)(c"_snapfreeze".as_ptr(), initialise_module) } != 0 {
        return Err(StartError::Python("the importer cannot be registered: out of memory".into()));
    }
    open_code::register(api)?;
    // A small program has its modules in the same block, which is kept for them.
    let code = importer.blocks.with_content(importer.archive, importer.target.bootstrap, <[u8]>::to_vec)?;
    let code: &'static [u8] = Vec::leak(code);
    // SAFETY: before initialisation, and no builtin module is added after this.
    unsafe { frozen::provide(api, interpreter.minor(), code) }
}

/// Prepares the builtins of `site` and the way to the main module, unless the process is `python`, which does both.
pub fn after_initialisation(importer: &'static Importer) -> Result<(), StartError> {
    if importer.is_python() {
        return Ok(());
    }
    // SAFETY: CPython is initialised, and this is the thread that initialised it.
    unsafe {
        let done = set_flags(importer)
            .and_then(|()| add_site_builtins(importer))
            .and_then(|()| main_module::stand_in(importer));
        done.ok_or_else(|| {
            (importer.api.PyErr_Print)();
            StartError::Python("the importer cannot be set up".into())
        })
    }
}

/// `sys.frozen` (for programs), `sys._MEIPASS` and `sys._stdlib_dir` (which 3.11 and 3.12 do not take from the configuration,
/// and from which frozen modules of the standard library get their `__file__`).
unsafe fn set_sys_attributes(session: &Session) -> Option<()> {
    let api = session.api();
    let set = |name: &CStr, value: Object| {
        // SAFETY: called by `install_importer` with live objects.
        (unsafe { (api.PySys_SetObject)(name.as_ptr(), value) } == 0).then_some(())
    };
    if session.importer.command_line.is_program() {
        set(c"frozen", api.boolean(true))?;
    }
    set(c"_MEIPASS", session.root.get())?;
    set(c"builtin_module_names", without_own_module(session)?.get())?;
    let minor = session.importer.target.python.1;
    if minor >= 11 {
        set(c"_stdlib_dir", session.root.get())?;
    }
    if matches!(minor, 11 | 12) { set_early_files(session) } else { Some(()) }
}

/// The files of the frozen modules that were loaded before `sys._stdlib_dir` was there, as the frozen importer sets them.
fn set_early_files(session: &Session) -> Option<()> {
    let api = session.api();
    let zipimport = c"zipimport";
    for (name, path) in
        [(zipimport, "/zipimport.py"), (c"_frozen_importlib_external", "/importlib/_bootstrap_external.py")]
    {
        // SAFETY: called by `install_importer`.
        let (module, path) = unsafe {
            (Owned::take(api, (api.PyImport_ImportModule)(name.as_ptr()))?, Owned::text(api, path)?)
        };
        let file = session.root.attribute(c"__add__")?.call(&[path.get()])?;
        module.attribute(c"__spec__")?.attribute(c"loader_state")?.set_attribute(c"filename", &file)?;
        if name == zipimport {
            module.set_attribute(c"__file__", &file)?;
        }
    }
    Some(())
}

/// `sys.builtin_module_names` as `python` has them: `tuple(filter("_snapfreeze".__ne__, sys.builtin_module_names))`.
fn without_own_module(session: &Session) -> Option<Owned> {
    let api = session.api();
    // SAFETY: called by `install_importer`.
    let (builtins, names, own) = unsafe {
        let names = (api.PySys_GetObject)(c"builtin_module_names".as_ptr());
        let builtins = Owned::take(api, (api.PyImport_ImportModule)(c"builtins".as_ptr()))?;
        (builtins, Owned::share(api, names)?, Owned::text(api, "_snapfreeze")?)
    };
    let others = builtins.attribute(c"filter")?.call(&[own.attribute(c"__ne__")?.get(), names.get()])?;
    builtins.attribute(c"tuple")?.call(&[others.get()])
}

/// Puts into `sys.flags` what `python` without options has there: the isolated configuration, which keeps the
/// interpreter from looking around, sets flags that programs take for options of their user's.
unsafe fn set_flags(importer: &Importer) -> Option<()> {
    let api = importer.api;
    // SAFETY: called by `after_initialisation`; `sys.flags` has these members in every version from 3.9 on, `safe_path`
    // from 3.11; what they held are constants of the interpreter.
    unsafe {
        let flags = Owned::share(api, (api.PySys_GetObject)(c"flags".as_ptr()))?;
        for member in [flag::NO_USER_SITE, flag::NO_SITE, flag::IGNORE_ENVIRONMENT, flag::ISOLATED] {
            let zero = Owned::take(api, (api.PyLong_FromLong)(0))?;
            (api.PyStructSequence_SetItem)(flags.get(), member, zero.give());
        }
        if importer.target.python.1 >= 11 {
            let off = Owned::share(api, api.boolean(false))?;
            (api.PyStructSequence_SetItem)(flags.get(), flag::SAFE_PATH, off.give());
        }
    }
    Some(())
}

/// Indexes of members of `sys.flags` (CPython's `Python/sysmodule.c`, `flags_fields`: the same from 3.9 to 3.13).
mod flag {
    pub const NO_USER_SITE: isize = 5;
    pub const NO_SITE: isize = 6;
    pub const IGNORE_ENVIRONMENT: isize = 7;
    pub const ISOLATED: isize = 12;
    pub const SAFE_PATH: isize = 16;
}

/// `exit`, `quit`, `copyright`, `credits`, `license` and `help`, by a function of the bootstrap's, which the packager
/// made to fit this CPython: `site` and what it imports, `os` above all, are for the program to import.
unsafe fn add_site_builtins(importer: &Importer) -> Option<()> {
    let session = Session::of_main_interpreter(importer)?;
    session.site_builtins.call(&[session.root.get()]).map(drop)
}

/// The root as a `str`: a new reference, or null with an exception set.
///
/// # Safety
/// The calling thread may use Python.
pub unsafe fn root_string(importer: &Importer) -> Object {
    // Before the file system codec is set up, CPython decodes with the C library and wants the NUL at the end.
    let root = c_path(importer.root());
    let length = root.as_bytes().len() as isize;
    // SAFETY: from the contract; pointer and length are of one live string.
    unsafe { (importer.api.PyUnicode_DecodeFSDefaultAndSize)(root.as_ptr(), length) }
}

/// `PyInit__snapfreeze`: multi-phase, so that each subinterpreter may have it.
unsafe extern "C" fn initialise_module() -> Object {
    static DEFINITION: OnceLock<Definition> = OnceLock::new();
    let Some(importer) = importer() else { return ptr::null_mut() };
    let definition = DEFINITION.get_or_init(|| {
        let mut slots = vec![Slot { slot: PY_MOD_EXEC, value: execute_module as *mut c_void }];
        if importer.target.python.1 >= 12 {
            let value = PER_INTERPRETER_GIL_SUPPORTED as *mut c_void;
            slots.push(Slot { slot: PY_MOD_MULTIPLE_INTERPRETERS, value });
        }
        slots.push(Slot { slot: 0, value: ptr::null_mut() });
        Definition(Box::leak(Box::new(PyModuleDef {
            head: [1, 0],
            base: [0; 3],
            name: c"_snapfreeze".as_ptr(),
            doc: ptr::null(),
            size: 0,
            // A module whose definition has methods is an extension to faulthandler, which would list it.
            methods: ptr::null(),
            slots: Vec::leak(slots).as_ptr(),
            hooks: [0; 3],
        })))
    });
    // SAFETY: the definition lives as long as the process.
    unsafe { (importer.api.PyModuleDef_Init)(definition.0) }
}

/// The module's definition, made once: which slots it has depends on the version.
struct Definition(*mut PyModuleDef);

// SAFETY: only CPython uses what the pointer leads to, and it guards that itself.
unsafe impl Send for Definition {}
// SAFETY: as above.
unsafe impl Sync for Definition {}

/// The module's `Py_mod_exec`: adds the function `install`, which keeps the module as its receiver, and `runs_site`, which
/// the archive's `site` asks for: whether it is to do what it does for `python`.
unsafe extern "C" fn execute_module(module: Object) -> c_int {
    static INSTALL: PyMethodDef = PyMethodDef::new(c"install", install);
    let Some(importer) = importer() else { return -1 };
    let api = importer.api;
    // SAFETY: called by Python with the module; the method's definition is static.
    let added = unsafe {
        let function = (api.PyCFunction_NewEx)(&raw const INSTALL, module, ptr::null_mut());
        Owned::take(api, function).and_then(|function| {
            let module = Owned::share(api, module)?;
            module.set_attribute(c"install", &function)?;
            module.set_attribute(c"runs_site", &Owned::share(api, api.boolean(importer.is_python()))?)
        })
    };
    added.map_or(-1, |()| 0)
}

/// `_snapfreeze.install(globals, site_builtins)`: called once an interpreter, by the frozen `encodings`, in its own namespace.
unsafe extern "C" fn install(module: Object, positional: Object, keywords: Object) -> Object {
    static SIGNATURE: Signature = Signature::new(c"OO:install", &[c"globals", c"site_builtins"]);
    let Some(importer) = importer() else { return ptr::null_mut() };
    // SAFETY: called by Python with its arguments; the receiver is the module.
    returned(unsafe {
        let arguments = SIGNATURE.read(importer.api, positional, keywords);
        arguments.and_then(|[globals, site_builtins, _]| {
            let site_builtins = Owned::share(importer.api, site_builtins)?;
            install_importer(importer, module, globals, site_builtins)
        })
    })
}

unsafe fn install_importer(
    importer: &'static Importer,
    module: Object,
    globals: Object,
    site_builtins: Owned,
) -> Option<Owned> {
    let api = importer.api;
    // SAFETY: called by `install`, while importlib works and `encodings` does not yet.
    unsafe {
        let session = Session::new(importer, site_builtins)?;
        let module = Owned::share(api, module)?;
        let name = CString::new(OBJECT_NAME).unwrap_or_default();
        module.set_attribute(&name, &session.object)?;
        // Where pickle looks for the class.
        module.set_attribute(c"SourceFileLoader", &session.loaders.source)?;
        set_sys_attributes(session)?;
        let path = Owned::share(api, (api.PySys_GetObject)(c"meta_path".as_ptr()))?;
        if (api.PyList_Insert)(path.get(), 0, session.object.get()) != 0 {
            return None;
        }
        let real = session.become_real_encodings(globals);
        frozen::withdraw();
        real
    }
}
