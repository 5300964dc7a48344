//! Getting the importer into CPython, which imports `encodings` before anything can be put on `sys.meta_path`.
//!
//! `encodings` is made a frozen module whose code (the archive's bootstrap, compiled by the packager) only says
//! `import _snapfreeze; _snapfreeze.install(globals())`. `_snapfreeze` is a builtin module; `install` puts the
//! finder first on `sys.meta_path` and then runs the real `encodings` in the same namespace. That needs one
//! initialisation call, and happens anew in each subinterpreter.

use core::ffi::{c_int, c_void};
use core::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use super::object::Session;
use super::{Importer, main_module};
use crate::cpython::Interpreter;
use crate::cpython::types::{
    Frozen24, Frozen32, Object, PER_INTERPRETER_GIL_SUPPORTED, PY_MOD_EXEC, PY_MOD_MULTIPLE_INTERPRETERS,
    PyMethodDef, PyModuleDef, Slot,
};
use crate::error::StartError;
use crate::os::running_file::c_path;

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
    let code: &'static [u8] = Vec::leak(importer.archive.read(importer.target.bootstrap)?);
    let encodings = Frozen24 {
        name: c"encodings".as_ptr(),
        code: code.as_ptr(),
        // Before 3.11 a negative size marks a package.
        size: if interpreter.minor() < 11 { -(code.len() as c_int) } else { code.len() as c_int },
        is_package: c_int::from(interpreter.minor() >= 11),
    };
    let end = Frozen24 { name: ptr::null(), code: ptr::null(), size: 0, is_package: 0 };
    // SAFETY: `PyImport_FrozenModules` is a variable that points to a table of the version's own layout, ended by
    // a null name; before 3.11 it holds CPython's own modules, from then on it is null.
    unsafe {
        let table: *const c_void = if matches!(interpreter.minor(), 11 | 12) {
            let wide = |common| Frozen32 { common, get_code: ptr::null() };
            Vec::leak(vec![wide(encodings), wide(end)]).as_ptr().cast()
        } else {
            let mut all = Vec::new();
            let mut own: *const Frozen24 = (*api.PyImport_FrozenModules).cast();
            while interpreter.minor() < 11 && !own.is_null() && !(*own).name.is_null() {
                all.push(*own);
                own = own.add(1);
            }
            all.extend([encodings, end]);
            Vec::leak(all).as_ptr().cast()
        };
        *api.PyImport_FrozenModules = table;
    }
    Ok(())
}

/// Prepares `sys`, the builtins of `site`, and the way to the main module.
pub fn after_initialisation(importer: &'static Importer) -> Result<(), StartError> {
    let api = importer.api;
    // SAFETY: CPython is initialised, and this is the thread that initialised it.
    unsafe {
        let done =
            set_sys_attributes(importer) && add_site_builtins(importer) && main_module::stand_in(importer);
        if !done {
            (api.PyErr_Print)();
            return Err(StartError::Python("the importer cannot be set up".into()));
        }
    }
    Ok(())
}

/// `sys.frozen`, `sys._MEIPASS` and `sys._stdlib_dir` (which 3.11 and 3.12 do not take from the configuration,
/// and from which frozen modules of the standard library get their `__file__`).
unsafe fn set_sys_attributes(importer: &Importer) -> bool {
    let api = importer.api;
    // SAFETY: called by `after_initialisation`.
    unsafe {
        let root = root_string(importer);
        !root.is_null()
            && (api.PySys_SetObject)(c"frozen".as_ptr(), api.boolean(true)) == 0
            && (api.PySys_SetObject)(c"_MEIPASS".as_ptr(), root) == 0
            && (importer.target.python.1 < 11 || (api.PySys_SetObject)(c"_stdlib_dir".as_ptr(), root) == 0)
    }
}

/// `exit`, `quit`, `copyright`, `credits`, `license` and `help`, by the functions with which `site` makes them.
unsafe fn add_site_builtins(importer: &Importer) -> bool {
    let api = importer.api;
    // SAFETY: called by `after_initialisation`; references are released.
    unsafe {
        let site = (api.PyImport_ImportModule)(c"site".as_ptr());
        if site.is_null() {
            return false;
        }
        let done = [c"setquit", c"setcopyright", c"sethelper"].into_iter().all(|name| {
            let function = (api.PyObject_GetAttrString)(site, name.as_ptr());
            if function.is_null() {
                return false;
            }
            let result = (api.PyObject_CallObject)(function, ptr::null_mut());
            (api.Py_DecRef)(function);
            if result.is_null() {
                return false;
            }
            (api.Py_DecRef)(result);
            true
        });
        (api.Py_DecRef)(site);
        done
    }
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
    let Some(importer) = importer() else { return ptr::null_mut() };
    static METHODS: [PyMethodDef; 2] = [PyMethodDef::new(c"install", install), PyMethodDef::END];
    let mut slots = vec![Slot { slot: PY_MOD_EXEC, value: execute_module as *mut c_void }];
    if importer.target.python.1 >= 12 {
        let value = PER_INTERPRETER_GIL_SUPPORTED as *mut c_void;
        slots.push(Slot { slot: PY_MOD_MULTIPLE_INTERPRETERS, value });
    }
    slots.push(Slot { slot: 0, value: ptr::null_mut() });
    let definition = Box::leak(Box::new(PyModuleDef {
        head: [1, 0],
        base: [0; 3],
        name: c"_snapfreeze".as_ptr(),
        doc: ptr::null(),
        size: 0,
        methods: METHODS.as_ptr(),
        slots: Vec::leak(slots).as_ptr(),
        hooks: [0; 3],
    }));
    // SAFETY: the definition lives as long as the process.
    unsafe { (importer.api.PyModuleDef_Init)(definition) }
}

/// The module's `Py_mod_exec`: there is nothing to do.
unsafe extern "C" fn execute_module(_module: Object) -> c_int {
    0
}

/// `_snapfreeze.install(globals)`: called once an interpreter, by the frozen `encodings`, in its own namespace.
unsafe extern "C" fn install(_module: Object, arguments: Object) -> Object {
    let Some(importer) = importer() else { return ptr::null_mut() };
    let api = importer.api;
    // SAFETY: called by Python with a tuple of arguments; references are released or given away.
    unsafe {
        let globals = (api.PyTuple_GetItem)(arguments, 0);
        if globals.is_null() {
            return ptr::null_mut();
        }
        let Some(session) = Session::new(importer) else { return ptr::null_mut() };
        let path = (api.PySys_GetObject)(c"meta_path".as_ptr());
        if path.is_null() || (api.PyList_Insert)(path, 0, session.object) != 0 {
            return ptr::null_mut();
        }
        session.become_real_encodings(globals)
    }
}
