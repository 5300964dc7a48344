//! What importing without Python code ([`super::load`]) knows of one interpreter's `importlib`.
//!
//! Objects that importlib makes by running Python code, specs, loaders and modules, are made here by filling in their
//! attributes. Which those are is importlib's own affair, so it is asked: at the start one of each is made both ways, and
//! only if they are equal, in the order of their attributes too, are any made here.

use core::{mem, ptr};

use super::load;
use super::locks::{self, GoingOn};
use super::names::Names;
use super::session::Session;
use super::specs::package_directory;
use crate::archive::Module;
use crate::cpython::types::{NewFunction, Object, PY_EQ, PY_TP_NEW, PyMethodDef};
use crate::cpython::{Api, Owned};

/// What importing without Python code works with.
pub struct Native {
    pub(super) names: Names,
    /// The imports that are going on.
    pub(super) going_on: GoingOn,
    /// The namespace of `sys`.
    pub(super) sys: Owned,
    /// The namespace of `_thread`.
    pub(super) thread: Owned,
    /// `_thread.get_ident`, until somebody replaces it.
    pub(super) get_ident: Owned,
    /// `importlib._bootstrap._module_locks`.
    pub(super) module_locks: Owned,
    /// `importlib._bootstrap._gcd_import`, with which `importlib.import_module` imports.
    pub(super) import_module: Owned,
    /// `importlib._bootstrap._find_and_load`, which was replaced.
    pub(super) find_and_load: Owned,
    /// `importlib._bootstrap._get_module_lock`, which was replaced.
    pub(super) get_module_lock: Owned,
    /// `importlib._bootstrap._lock_unlock_module`, which was replaced.
    pub(super) lock_unlock_module: Owned,
    /// Whether a package's spec lists the submodules that are being imported: since 3.11.
    pub(super) tracks_submodules: bool,
    /// Whether a package that is being imported is waited for before its submodules are: in late releases of 3.12 and 3.13.
    pub(super) waits_for_parent: bool,
    /// `tp_new` of `ModuleSpec`.
    new_spec: NewFunction,
    /// `tp_new` of the loaders' class.
    new_loader: NewFunction,
    no_arguments: Owned,
}

impl Session {
    /// Replaces importlib's function for imports, where that works with the running version. `spec` is one that the
    /// real constructors have made for `module`, a package. None with an exception set.
    ///
    /// # Safety
    /// The calling thread may use Python.
    pub(super) unsafe fn import_natively(&'static self, module: &Module, spec: &Owned) -> Option<()> {
        let api = self.api();
        // SAFETY: from the contract.
        unsafe {
            let bootstrap = Owned::take(api, (api.PyImport_ImportModule)(c"_frozen_importlib".as_ptr()))?;
            let namespace = |module: &Owned| Owned::share(api, (api.PyModule_GetDict)(module.get()));
            let sys = Owned::take(api, (api.PyImport_ImportModule)(c"sys".as_ptr()))?;
            let thread = bootstrap.attribute(c"_thread")?;
            let unlocked = bootstrap.attribute(c"_find_and_load_unlocked")?.attribute(c"__code__")?;
            let mentions = |name: &Owned| {
                let count = unlocked.attribute(c"co_names")?.attribute(c"count")?.call(&[name.get()])?;
                Some((api.PyObject_IsTrue)(count.get()) == 1)
            };
            let names = Names::new(api)?;
            let native = Native {
                going_on: GoingOn::default(),
                sys: namespace(&sys)?,
                get_ident: thread.attribute(c"get_ident")?,
                thread: namespace(&thread)?,
                module_locks: bootstrap.attribute(c"_module_locks")?,
                import_module: bootstrap.attribute(c"_gcd_import")?,
                find_and_load: bootstrap.attribute(c"_find_and_load")?,
                get_module_lock: bootstrap.attribute(c"_get_module_lock")?,
                lock_unlock_module: bootstrap.attribute(c"_lock_unlock_module")?,
                tracks_submodules: mentions(&names.uninitialized_submodules)?,
                waits_for_parent: mentions(&names.initializing)?,
                names,
                new_spec: new_function(api, &self.module_spec)?,
                new_loader: new_function(api, &self.loaders.source)?,
                no_arguments: Owned::take(api, (api.PyTuple_New)(0))?,
            };
            if !self.makes_equal(&native, &bootstrap, module, spec)? || self.native.set(native).is_err() {
                return Some(());
            }
            for definition in [&load::FIND_AND_LOAD, &locks::GET_MODULE_LOCK, &locks::LOCK_UNLOCK_MODULE] {
                self.replace(&bootstrap, definition)?;
            }
            Some(())
        }
    }

    /// Puts a function of ours in a module, in the place of the one with its name.
    unsafe fn replace(&self, module: &Owned, definition: &'static PyMethodDef) -> Option<()> {
        let api = self.api();
        // SAFETY: called by `import_natively`; the definition is static.
        unsafe {
            let name = module.attribute(c"__name__")?;
            let function =
                Owned::take(api, (api.PyCFunction_NewEx)(definition, self.object.get(), name.get()))?;
            module.set_attribute(core::ffi::CStr::from_ptr(definition.name), &function)
        }
    }

    /// Whether a spec, its loader and a module come out as importlib makes them.
    unsafe fn makes_equal(
        &self,
        native: &Native,
        bootstrap: &Owned,
        module: &Module,
        spec: &Owned,
    ) -> Option<bool> {
        let api = self.api();
        // SAFETY: called by `import_natively`.
        unsafe {
            let name = spec.attribute(c"name")?;
            let loader = spec.attribute(c"loader")?;
            let own_loader = self.quick_loader(native, &name, &spec.attribute(c"origin")?)?;
            let own_spec = self.quick_spec(native, module, &name)?;
            // Each has a loader of its own.
            own_spec.set_by(&native.names.loader, loader.get())?;
            if !equal(api, &loader, &own_loader)? || !equal(api, spec, &own_spec)? {
                return Some(false);
            }
            let fresh = Owned::take(api, (api.PyModule_NewObject)(name.get()))?;
            bootstrap.attribute(c"_init_module_attrs")?.call(&[own_spec.get(), fresh.get()])?;
            equal(api, &fresh, &self.quick_module(native, module, &own_spec)?)
        }
    }
}

impl Native {
    /// `sys.KEY`, borrowed; null without an exception if it is not there.
    ///
    /// # Safety
    /// The calling thread may use Python.
    pub(super) unsafe fn of_sys(&self, api: &Api, key: &Owned) -> Object {
        // SAFETY: from the contract; the namespace of a module is a dictionary.
        unsafe { (api.PyDict_GetItemWithError)(self.sys.get(), key.get()) }
    }
}

impl Session {
    /// A module's spec, as [`spec`](Self::spec) makes it, of a module with bytecode and a source's name.
    ///
    /// # Safety
    /// The calling thread may use Python; `name` is a `str`.
    pub(super) unsafe fn quick_spec(&self, native: &Native, module: &Module, name: &Owned) -> Option<Owned> {
        let (api, names) = (self.api(), &native.names);
        // SAFETY: from the contract; the function is the slot's of that type.
        unsafe {
            let file = self.path(module.file)?;
            let loader = self.quick_loader(native, name, &file)?;
            let locations = if module.is_package {
                let directory = self.path(package_directory(module))?;
                let list = Owned::take(api, (api.PyList_New)(0))?;
                if (api.PyList_Append)(list.get(), directory.get()) != 0 {
                    return None;
                }
                list
            } else {
                Owned::none(api)?
            };
            let arguments = native.no_arguments.get();
            let spec = (native.new_spec)(self.module_spec.get(), arguments, ptr::null_mut());
            let spec = Owned::take(api, spec)?;
            spec.set_by(&names.name, name.get())?;
            spec.set_by(&names.loader, loader.get())?;
            spec.set_by(&names.origin, file.get())?;
            spec.set_by(&names.loader_state, api.none())?;
            spec.set_by(&names.submodule_search_locations, locations.get())?;
            if native.tracks_submodules {
                let submodules = Owned::take(api, (api.PyList_New)(0))?;
                spec.set_by(&names.uninitialized_submodules, submodules.get())?;
            }
            spec.set_by(&names.set_file, api.boolean(true))?;
            spec.set_by(&names.cached, self.path(&self.cached_file(module.file))?.get())?;
            Some(spec)
        }
    }

    /// A loader: `SourceFileLoader(name, file)`.
    ///
    /// # Safety
    /// The calling thread may use Python.
    unsafe fn quick_loader(&self, native: &Native, name: &Owned, file: &Owned) -> Option<Owned> {
        let (api, arguments) = (self.api(), native.no_arguments.get());
        // SAFETY: from the contract; the function is the slot's of that type.
        let loader = unsafe {
            let loader = (native.new_loader)(self.loaders.source.get(), arguments, ptr::null_mut());
            Owned::take(api, loader)?
        };
        loader.set_by(&native.names.name, name.get())?;
        loader.set_by(&native.names.path, file.get())?;
        Some(loader)
    }

    /// A new module with the attributes that importlib gives it from its spec.
    ///
    /// # Safety
    /// The calling thread may use Python; `spec` is from [`quick_spec`](Self::quick_spec).
    pub(super) unsafe fn quick_module(
        &self,
        native: &Native,
        module: &Module,
        spec: &Owned,
    ) -> Option<Owned> {
        let (api, names) = (self.api(), &native.names);
        // SAFETY: from the contract; the namespace of a module is a dictionary.
        unsafe {
            let name = spec.get_by(&names.name)?;
            let parent = match module.name.rsplit_once('.') {
                _ if module.is_package => name.again(),
                Some((parent, _)) => Owned::text(api, parent)?,
                None => Owned::text(api, "")?,
            };
            let new = Owned::take(api, (api.PyModule_NewObject)(name.get()))?;
            let namespace = (api.PyModule_GetDict)(new.get());
            let set = |key: &Owned, value: &Owned| {
                ((api.PyDict_SetItem)(namespace, key.get(), value.get()) == 0).then_some(())
            };
            set(&names.dunder_loader, &spec.get_by(&names.loader)?)?;
            set(&names.dunder_package, &parent)?;
            set(&names.dunder_spec, spec)?;
            if module.is_package {
                set(&names.dunder_path, &spec.get_by(&names.submodule_search_locations)?)?;
            }
            set(&names.dunder_file, &spec.get_by(&names.origin)?)?;
            set(&names.dunder_cached, &spec.get_by(&names.cached)?)?;
            Some(new)
        }
    }
}

/// `tp_new` of a class made by Python code.
unsafe fn new_function(api: &Api, class: &Owned) -> Option<NewFunction> {
    // SAFETY: called by `import_natively`; what stands in the slot is null or such a function.
    unsafe {
        let slot = (api.PyType_GetSlot)(class.get(), PY_TP_NEW);
        mem::transmute::<*mut core::ffi::c_void, Option<NewFunction>>(slot)
    }
}

/// Whether two objects have equal attributes in the same order: `list(vars(a).items()) == list(vars(b).items())`.
unsafe fn equal(api: &'static Api, one: &Owned, other: &Owned) -> Option<bool> {
    // SAFETY: called by `makes_equal`.
    unsafe {
        let items = |object: &Owned| {
            let attributes = object.attribute(c"__dict__")?;
            Owned::take(api, (api.PyDict_Items)(attributes.get()))
        };
        match (api.PyObject_RichCompareBool)(items(one)?.get(), items(other)?.get(), PY_EQ) {
            -1 => None,
            equal => Some(equal == 1),
        }
    }
}
