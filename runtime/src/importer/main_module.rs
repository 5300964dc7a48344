//! Running the program's main module.
//!
//! `Py_RunMain` runs a module by calling `runpy._run_module_as_main`. A stand-in for `runpy` whose function is
//! native takes the call, removes itself, so that the program can import the real `runpy`, and runs the entry's
//! code in `__main__`. So everything around it, from the handling of `SystemExit` to the exit code after a failed
//! flush, is `python`'s own, and no frame of ours is in a traceback.

use core::ptr;

use super::Importer;
use super::install::importer;
use super::object::Session;
use crate::archive::{ArchiveError, EntryKind, ModuleKind};
use crate::cpython::types::{Object, PyMethodDef};

/// Puts the stand-in for `runpy` into `sys.modules`. False with an exception set when that fails.
///
/// # Safety
/// CPython is initialised, and this is the thread that initialised it.
pub unsafe fn stand_in(importer: &Importer) -> bool {
    static RUN: PyMethodDef = PyMethodDef::new(c"_run_module_as_main", run_main);
    let api = importer.api;
    // SAFETY: from the contract; the method's definition is static.
    unsafe {
        let module = (api.PyModule_New)(c"runpy".as_ptr());
        let function = (api.PyCFunction_NewEx)(&raw const RUN, ptr::null_mut(), ptr::null_mut());
        if module.is_null() || function.is_null() {
            return false;
        }
        let done = (api.PyObject_SetAttrString)(module, RUN.name, function) == 0
            && (api.PyDict_SetItemString)((api.PyImport_GetModuleDict)(), c"runpy".as_ptr(), module) == 0;
        (api.Py_DecRef)(function);
        (api.Py_DecRef)(module);
        done
    }
}

/// `_run_module_as_main(name, alter_argv)`, as `Py_RunMain` calls it.
unsafe extern "C" fn run_main(_module: Object, _arguments: Object) -> Object {
    let Some(importer) = importer() else { return ptr::null_mut() };
    let api = importer.api;
    let entry = importer.find(importer.target.entry).filter(|entry| entry.kind == ModuleKind::Code);
    let Some(entry) = entry else { super::fatal(ArchiveError::Invalid { part: "target: the entry" }.into()) };
    // SAFETY: called by Py_RunMain, on the main thread, with CPython initialised; references are released.
    unsafe {
        if (api.PyDict_DelItemString)((api.PyImport_GetModuleDict)(), c"runpy".as_ptr()) != 0 {
            return ptr::null_mut();
        }
        let main = (api.PyImport_AddModule)(c"__main__".as_ptr());
        let Some(session) = Session::of_main_interpreter(importer).filter(|_| !main.is_null()) else {
            return ptr::null_mut();
        };
        let namespace = (api.PyModule_GetDict)(main);
        let file = session.path(entry.file);
        if file.is_null() {
            return file;
        }
        let package = match importer.target.entry_kind {
            EntryKind::Script => None,
            EntryKind::Module if entry.is_package => Some(entry.name),
            EntryKind::Module => Some(entry.name.rsplit_once('.').map_or("", |(package, _)| package)),
        };
        let code = session.code(entry.content, file);
        let ready = !code.is_null() && session.dress_main(namespace, file, &entry, package);
        (api.Py_DecRef)(file);
        let result = if ready { (api.PyEval_EvalCode)(code, namespace, namespace) } else { ptr::null_mut() };
        if !code.is_null() {
            (api.Py_DecRef)(code);
        }
        result
    }
}

impl Session {
    /// Sets `__main__`'s names as `python` does: for a script `__spec__`, `__package__` and `__cached__` are None,
    /// for `-m` they are the module's.
    unsafe fn dress_main(
        &self,
        namespace: Object,
        file: Object,
        entry: &crate::archive::Module,
        package: Option<&str>,
    ) -> bool {
        let api = self.importer.api;
        let set = |name: &core::ffi::CStr, value: Object| {
            // SAFETY: called by `run_main`; the value is a new reference or null.
            unsafe {
                if value.is_null() {
                    return false;
                }
                let done = (api.PyDict_SetItemString)(namespace, name.as_ptr(), value) == 0;
                (api.Py_DecRef)(value);
                done
            }
        };
        // SAFETY: as above.
        unsafe {
            let none = || api.new_reference(api.none());
            let (spec, cached, package) = match package {
                None => (none(), none(), none()),
                Some(package) => {
                    let spec = self.spec(entry);
                    if spec.is_null() {
                        return false;
                    }
                    let cached = (api.PyObject_GetAttrString)(spec, c"cached".as_ptr());
                    let package =
                        (api.PyUnicode_FromStringAndSize)(package.as_ptr().cast(), package.len() as isize);
                    (spec, cached, package)
                }
            };
            set(c"__file__", api.new_reference(file))
                && set(c"__loader__", api.new_reference(self.object))
                && set(c"__spec__", spec)
                && set(c"__cached__", cached)
                && set(c"__package__", package)
        }
    }
}
