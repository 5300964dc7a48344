//! Module specs (PEP 451) and the paths in them.
//!
//! A module's `__file__` is `ROOT/pkg/mod.py`, a package's `__path__` is `[ROOT/pkg]`, `__cached__` is where
//! `python` would have it. A namespace package has no loader in its spec, which is how importlib knows one.

use core::ffi::c_void;
use core::ptr;

use super::object::Session;
use crate::archive::{Module, ModuleKind};
use crate::cpython::types::Object;

impl Session {
    /// A module's spec: a new reference, or null with an exception set.
    ///
    /// # Safety
    /// The calling thread may use Python.
    pub unsafe fn spec(&self, module: &Module) -> Object {
        let api = self.importer.api;
        let none = api.none();
        let is_namespace = module.kind == ModuleKind::Namespace;
        // SAFETY: from the contract; references are released.
        unsafe {
            let name = self.text(module.name);
            let loader = if is_namespace { none } else { self.object };
            let spec =
                (api.PyObject_CallFunctionObjArgs)(self.module_spec, name, loader, ptr::null_mut::<c_void>());
            (api.Py_DecRef)(name);
            if spec.is_null() {
                return spec;
            }
            let mut done = true;
            let mut set = |attribute: &core::ffi::CStr, value: Object| {
                done = done
                    && !value.is_null()
                    && (api.PyObject_SetAttrString)(spec, attribute.as_ptr(), value) == 0;
                if !value.is_null() {
                    (api.Py_DecRef)(value);
                }
            };
            if !is_namespace {
                set(c"origin", self.path(module.file));
                set(c"has_location", api.new_reference(api.boolean(true)));
            }
            if module.kind == ModuleKind::Code {
                set(c"cached", self.path(&self.cached_file(module.file)));
            }
            if module.is_package {
                let locations = (api.PyList_New)(0);
                let directory = self.path(package_directory(module));
                if !locations.is_null() && !directory.is_null() {
                    (api.PyList_Append)(locations, directory);
                    (api.Py_DecRef)(directory);
                }
                set(c"submodule_search_locations", locations);
            }
            if !done {
                (api.Py_DecRef)(spec);
                return ptr::null_mut();
            }
            spec
        }
    }

    /// Whether a search over `path` may find the module: its own directory must be among the entries. Without a
    /// path, or for a top-level module, the archive stands for all of `sys.path`.
    ///
    /// # Safety
    /// `path` is a live object; the calling thread may use Python.
    pub unsafe fn is_within(&self, module: &Module, path: Option<Object>) -> bool {
        let (Some(path), true) = (path, module.name.contains('.')) else { return true };
        let api = self.importer.api;
        let file = if module.is_package { package_directory(module) } else { module.file };
        let directory = file.rsplit_once('/').map_or("", |(directory, _)| directory);
        // SAFETY: from the contract; a failing comparison counts as "not there".
        unsafe {
            let directory = self.path(directory);
            if directory.is_null() {
                (api.PyErr_Clear)();
                return false;
            }
            let found = (api.PySequence_Contains)(path, directory);
            (api.Py_DecRef)(directory);
            if found < 0 {
                (api.PyErr_Clear)();
            }
            found == 1
        }
    }

    /// A file's absolute path as a `str`: a new reference, or null with an exception set.
    ///
    /// # Safety
    /// The calling thread may use Python.
    pub unsafe fn path(&self, file: &str) -> Object {
        let api = self.importer.api;
        if file.is_empty() {
            // SAFETY: from the contract.
            return unsafe { api.new_reference(self.root) };
        }
        // SAFETY: from the contract; references are released.
        unsafe {
            let rest = self.text(&format!("/{file}"));
            if rest.is_null() {
                return rest;
            }
            let path = (api.PyUnicode_Concat)(self.root, rest);
            (api.Py_DecRef)(rest);
            path
        }
    }

    /// Where `python` would cache a module's bytecode: `importlib.util.cache_from_source`, relative to the root.
    fn cached_file(&self, file: &str) -> String {
        let (directory, name) =
            file.rsplit_once('/').map_or(("", file), |(directory, name)| (directory, name));
        let slash = if directory.is_empty() { "" } else { "/" };
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        let target = &self.importer.target;
        let level = match target.optimize {
            0 => String::new(),
            level => format!(".opt-{level}"),
        };
        format!("{directory}{slash}__pycache__/{stem}.{}{level}.pyc", target.cache_tag)
    }

    unsafe fn text(&self, text: &str) -> Object {
        // SAFETY: pointer and length are of one live string; the caller may use Python.
        unsafe { (self.importer.api.PyUnicode_FromStringAndSize)(text.as_ptr().cast(), text.len() as isize) }
    }
}

/// A package's directory, relative to the root.
fn package_directory<'a>(module: &Module<'a>) -> &'a str {
    match module.kind {
        ModuleKind::Namespace => module.file,
        _ => module.file.rsplit_once('/').map_or("", |(directory, _)| directory),
    }
}
