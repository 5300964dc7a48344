//! Extension modules: libraries of the archive, loaded from memory and initialised by CPython itself.
//!
//! `_imp.create_dynamic` does what it does for a file; only the path that it is given leads to a library that is
//! already loaded ([`crate::os::dynamic`]). The module's `__file__` is the path below the root all the same, and
//! so are the paths in the messages of a failure.

use core::ffi::{CStr, c_int};

use super::session::Session;
use crate::archive::Module;
use crate::cpython::Owned;
use crate::cpython::types::Object;
use crate::error::{EXIT_DAMAGED, StartError};
use crate::os::dynamic;

impl Session {
    /// Loads an extension's library from memory and creates the module; none with an exception set.
    ///
    /// # Safety
    /// `spec` is the module's spec; the calling thread may use Python.
    pub unsafe fn create_extension(&self, spec: Object, module: &Module<'static>) -> Option<Owned> {
        let archive = self.importer.archive;
        let name = module.file.rsplit('/').next().unwrap_or(module.file);
        // SAFETY: from the contract.
        let flags = unsafe { self.dlopen_flags()? };
        let loaded = dynamic::load_all(archive, module.needs.iter())
            .and_then(|()| dynamic::load_content(archive, module.content, name, module.file, flags));
        let path = match loaded {
            Ok(path) => path,
            Err(error) if error.exit_code() == EXIT_DAMAGED => super::fatal(error),
            // SAFETY: from the contract.
            Err(error) => return unsafe { self.not_loaded(module, &error) },
        };
        // SAFETY: from the contract; the file is set before anyone sees the module.
        unsafe {
            let created = self.create_dynamic(spec, path)?;
            created.set_attribute(c"__file__", &self.path(module.file)?)?;
            Some(created)
        }
    }

    /// Loads what an extension on the real disk needs, which the dynamic linker might not find; none with an exception
    /// set.
    ///
    /// # Safety
    /// The calling thread may use Python.
    pub unsafe fn load_needs(&self, module: &Module<'static>) -> Option<()> {
        match dynamic::load_all(self.importer.archive, module.needs.iter()) {
            Ok(()) => Some(()),
            Err(error) if error.exit_code() == EXIT_DAMAGED => super::fatal(error),
            Err(error) => {
                // SAFETY: from the contract.
                unsafe { self.not_loaded(module, &error) };
                None
            }
        }
    }

    /// `_imp.create_dynamic` with a spec whose origin is the path that the dynamic linker knows the library by.
    unsafe fn create_dynamic(&self, spec: Object, path: &CStr) -> Option<Owned> {
        let api = self.api();
        // SAFETY: the spec is alive as long as the method that was called with it runs.
        unsafe {
            let fields = Owned::take(api, (api.PyDict_New)())?;
            let length = path.to_bytes().len() as isize;
            let origin = Owned::take(api, (api.PyUnicode_DecodeFSDefaultAndSize)(path.as_ptr(), length))?;
            let set = |name: &CStr, value: &Owned| {
                let status = (api.PyDict_SetItemString)(fields.get(), name.as_ptr(), value.get());
                (status == 0).then_some(())
            };
            set(c"name", &Owned::share(api, spec)?.attribute(c"name")?)?;
            set(c"origin", &origin)?;
            set(c"loader", &Owned::share(api, spec)?.attribute(c"loader")?)?;
            let stand_in = Owned::take(api, (api._PyNamespace_New)(fields.get()))?;
            self.call_from_python(&self.create_dynamic, stand_in.get())
        }
    }

    /// Calls a function of `_imp` below as many of importlib's frames as its own loader has, which is a Python method:
    /// extensions count them when they warn about who imports them (`audioop` of 3.11: `stacklevel=7`).
    fn call_from_python(&self, function: &Owned, argument: Object) -> Option<Owned> {
        let call = &self.call_with_frames_removed;
        call.call(&[call.get(), function.get(), argument])
    }

    /// `sys.getdlopenflags()`.
    unsafe fn dlopen_flags(&self) -> Option<c_int> {
        let api = self.api();
        // SAFETY: within a method's call.
        unsafe {
            let function = Owned::share(api, (api.PySys_GetObject)(c"getdlopenflags".as_ptr()));
            let Some(function) = function else { return Some(libc::RTLD_NOW) };
            let flags = function.call(&[])?;
            match (api.PyLong_AsLong)(flags.get()) {
                -1 if !(api.PyErr_Occurred)().is_null() => None,
                flags => c_int::try_from(flags).ok().or(Some(libc::RTLD_NOW)),
            }
        }
    }

    /// Raises ImportError as CPython does for a library that the dynamic linker refuses: its words, name and path.
    unsafe fn not_loaded(&self, module: &Module, error: &StartError) -> Option<Owned> {
        let api = self.api();
        // SAFETY: within a method's call.
        unsafe {
            let message = match error {
                StartError::Load { reason, .. } => Owned::text(api, reason)?,
                _ => Owned::text(api, &error.to_string())?,
            };
            let name = Owned::text(api, module.name)?;
            let path = self.path(module.file)?;
            (api.PyErr_SetImportError)(message.get(), name.get(), path.get());
        }
        None
    }
}
