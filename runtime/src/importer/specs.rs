//! Module specs (PEP 451) and the paths in them.
//!
//! A module's `__file__` is `ROOT/pkg/mod.py`, a package's `__path__` is `[ROOT/pkg]`, `__cached__` is where
//! `python` would have it. A namespace package has no loader in its spec, which is how importlib knows one, and a path
//! that importlib keeps up to date.

use super::session::Session;
use crate::archive::{Module, ModuleKind};
use crate::cpython::types::Object;
use crate::cpython::{Api, Owned};

impl Session {
    /// A module's spec; none with an exception set.
    ///
    /// # Safety
    /// The calling thread may use Python.
    pub unsafe fn spec(&self, module: &Module) -> Option<Owned> {
        let api = self.api();
        // SAFETY: from the contract.
        unsafe {
            let name = Owned::text(api, module.name)?;
            let spec = match module.kind {
                ModuleKind::Namespace => self.module_spec.call(&[name.get(), api.none()])?,
                _ => {
                    let file = self.path(module.file)?;
                    let loader = self.loader(module, &name, &file)?;
                    let spec = self.module_spec.call(&[name.get(), loader.get()])?;
                    spec.set_attribute(c"origin", &file)?;
                    spec.set_attribute(c"has_location", &Owned::share(api, api.boolean(true))?)?;
                    if module.kind == ModuleKind::Code {
                        spec.set_attribute(c"cached", &self.path(&self.cached_file(module.file))?)?;
                    }
                    spec
                }
            };
            if module.is_package {
                let locations = Owned::take(api, (api.PyList_New)(0))?;
                let directory = self.path(package_directory(module))?;
                if (api.PyList_Append)(locations.get(), directory.get()) != 0 {
                    return None;
                }
                let locations = match module.kind {
                    // It grows when a directory with another portion is put on `sys.path`.
                    ModuleKind::Namespace => {
                        let find = self.path_finder.attribute(c"_get_spec")?;
                        self.namespace_path.call(&[name.get(), locations.get(), find.get()])?
                    }
                    _ => locations,
                };
                spec.set_attribute(c"submodule_search_locations", &locations)?;
            }
            Some(spec)
        }
    }

    /// A module's loader: `LOADER(name, path)`.
    ///
    /// # Safety
    /// The calling thread may use Python.
    pub unsafe fn loader(&self, module: &Module, name: &Owned, file: &Owned) -> Option<Owned> {
        let class = match module.kind {
            ModuleKind::Extension => {
                self.put_off.iter().for_each(|put_off| put_off.note_extension(module.name));
                &self.loaders.extension
            }
            _ if is_sourceless(module.file) => &self.loaders.sourceless,
            _ => &self.loaders.source,
        };
        class.call(&[name.get(), file.get()])
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
            if let Some(root) = self.importer.materialized_root(file) {
                let path = root.join(file);
                let path = path.as_os_str().as_encoded_bytes();
                let length = path.len() as isize;
                return Owned::take(
                    api,
                    (api.PyUnicode_DecodeFSDefaultAndSize)(path.as_ptr().cast(), length),
                );
            }
            if let Some(root) = self.importer.root.to_str().filter(|root| root.is_ascii()) {
                return Owned::text(api, &[root, "/", file].concat());
            }
            let rest = Owned::text(api, &format!("/{file}"))?;
            Owned::take(api, (api.PyUnicode_Concat)(self.root.get(), rest.get()))
        }
    }

    /// Where `python` would cache a module's bytecode: `importlib.util.cache_from_source`, relative to the root.
    pub(super) fn cached_file(&self, file: &str) -> String {
        if is_sourceless(file) {
            return file.to_owned();
        }
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

/// Whether a module's file is a `.pyc` in its source's place.
pub fn is_sourceless(file: &str) -> bool {
    file.ends_with(".pyc")
}

/// A package's directory, relative to the root.
pub fn package_directory<'a>(module: &Module<'a>) -> &'a str {
    match module.kind {
        ModuleKind::Namespace => module.file,
        _ => module.file.rsplit_once('/').map_or("", |(directory, _)| directory),
    }
}

/// The directory, relative to the root, in which a search finds the module.
pub fn directory_above<'a>(module: &Module<'a>) -> &'a str {
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
