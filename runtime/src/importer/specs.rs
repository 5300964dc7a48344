//! Module specs (PEP 451) and the paths in them.
//!
//! A module's `__file__` is `ROOT/pkg/mod.py`, a package's `__path__` is `[ROOT/pkg]`, `__cached__` is where
//! `python` would have it. A namespace package has no loader in its spec, which is how importlib knows one.

use core::ffi::CStr;
use std::path::Path;

use super::session::Session;
use crate::archive::{Module, ModuleKind};
use crate::cpython::types::Object;
use crate::cpython::{Api, Owned};

/// Attribute of the specs of modules that the archive has under another name. Not `loader_state`: that is
/// overwritten by `importlib.util.LazyLoader`.
pub const NAME_IN_ARCHIVE: &CStr = c"_snapfreeze_name";

impl Session {
    /// A module's spec; none with an exception set.
    ///
    /// # Safety
    /// The calling thread may use Python.
    pub unsafe fn spec(&self, module: &Module) -> Option<Owned> {
        let api = self.api();
        let is_namespace = module.kind == ModuleKind::Namespace;
        // SAFETY: from the contract.
        unsafe {
            let name = Owned::text(api, module.name)?;
            let loader = if is_namespace { api.none() } else { self.object.get() };
            let spec = self.module_spec.call(&[name.get(), loader])?;
            if !is_namespace {
                spec.set_attribute(c"origin", &self.path(module.file)?)?;
                spec.set_attribute(c"has_location", &Owned::share(api, api.boolean(true))?)?;
            }
            if module.kind == ModuleKind::Code {
                spec.set_attribute(c"cached", &self.path(&self.cached_file(module.file))?)?;
            }
            if module.is_package {
                let locations = Owned::take(api, (api.PyList_New)(0))?;
                let directory = self.path(package_directory(module))?;
                if (api.PyList_Append)(locations.get(), directory.get()) != 0 {
                    return None;
                }
                spec.set_attribute(c"submodule_search_locations", &locations)?;
            }
            Some(spec)
        }
    }

    /// The spec of a submodule that lies in one of the directories of `path`, though the archive has it under another
    /// name: its package has changed its `__path__`. The archive's name is noted in the spec. The inner none: there
    /// is no such module; the outer one: an exception is set.
    ///
    /// # Safety
    /// `name` and `path` are live objects, `name` is a `str`; the calling thread may use Python.
    pub unsafe fn spec_by_path(&self, name: Object, path: Object) -> Option<Option<Owned>> {
        let api = self.api();
        // SAFETY: from the contract; each entry is alive while its text is looked at.
        unsafe {
            let Some(last) = utf8(api, name)?.and_then(|name| name.rsplit('.').next()) else {
                return Some(None);
            };
            let entries = Owned::take(api, (api.PyObject_GetIter)(path))?;
            while let Some(entry) = Owned::take(api, (api.PyIter_Next)(entries.get())) {
                if (api.PyUnicode_AsUTF8AndSize)(entry.get(), core::ptr::null_mut()).is_null() {
                    (api.PyErr_Clear)(); // an entry of another finder's
                    continue;
                }
                let module = utf8(api, entry.get())?.and_then(|entry| self.module_in(entry, last));
                if let Some(module) = module {
                    let spec = self.spec(&module)?;
                    spec.set_attribute(NAME_IN_ARCHIVE, &spec.attribute(c"name")?)?;
                    spec.set_attribute(c"name", &Owned::share(api, name)?)?;
                    return Some(Some(spec));
                }
            }
            (api.PyErr_Occurred)().is_null().then_some(None)
        }
    }

    /// The module that a directory below the root has under this last part of its name.
    fn module_in(&self, directory: &str, last: &str) -> Option<Module<'static>> {
        let directory = Path::new(directory).strip_prefix(self.importer.root()).ok()?.to_str()?;
        let name = format!("{directory}/{last}");
        let name = name.trim_start_matches('/').replace('/', ".");
        self.importer.find(&name).filter(|module| directory_above(module) == directory)
    }

    /// Whether a search over `path` may find the module: its own directory must be among the entries. Without a
    /// path, or for a top-level module, the archive stands for all of `sys.path`. None with an exception set when
    /// the path is not one.
    ///
    /// # Safety
    /// `path` is a live object; the calling thread may use Python.
    pub unsafe fn is_within(&self, module: &Module, path: Option<Object>) -> Option<bool> {
        let (Some(path), true) = (path, module.name.contains('.')) else { return Some(true) };
        // SAFETY: from the contract.
        unsafe {
            match (self.api().PySequence_Contains)(path, self.path(directory_above(module))?.get()) {
                0 => Some(false),
                1 => Some(true),
                _ => None,
            }
        }
    }

    /// A file's absolute path as a `str`; none with an exception set.
    ///
    /// # Safety
    /// The calling thread may use Python.
    pub unsafe fn path(&self, file: &str) -> Option<Owned> {
        let api = self.api();
        // SAFETY: from the contract.
        unsafe {
            if file.is_empty() {
                return Owned::share(api, self.root.get());
            }
            let rest = Owned::text(api, &format!("/{file}"))?;
            Owned::take(api, (api.PyUnicode_Concat)(self.root.get(), rest.get()))
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
}

/// A package's directory, relative to the root.
fn package_directory<'a>(module: &Module<'a>) -> &'a str {
    match module.kind {
        ModuleKind::Namespace => module.file,
        _ => module.file.rsplit_once('/').map_or("", |(directory, _)| directory),
    }
}

/// The directory, relative to the root, in which a search finds the module.
fn directory_above<'a>(module: &Module<'a>) -> &'a str {
    let file = if module.is_package { package_directory(module) } else { module.file };
    file.rsplit_once('/').map_or("", |(directory, _)| directory)
}

/// A `str`'s UTF-8 form. The inner none: it has none; the outer one: TypeError is set, it is no `str`.
///
/// # Safety
/// `object` is alive and outlives the result; the calling thread may use Python.
pub unsafe fn utf8<'a>(api: &Api, object: Object) -> Option<Option<&'a str>> {
    let mut length = 0;
    // SAFETY: from the contract; CPython gives valid UTF-8 of that length.
    unsafe {
        let text = (api.PyUnicode_AsUTF8AndSize)(object, &raw mut length);
        if !text.is_null() {
            let bytes = core::slice::from_raw_parts(text.cast(), length as usize);
            return Some(Some(core::str::from_utf8_unchecked(bytes)));
        }
        if (api.PyErr_ExceptionMatches)(*api.PyExc_UnicodeError) == 0 {
            return None;
        }
        (api.PyErr_Clear)();
        Some(None)
    }
}
