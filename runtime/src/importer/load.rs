//! Importing a module of the archive without Python code: `importlib._bootstrap._find_and_load`, through which the
//! import statement goes.
//!
//! The function does what importlib's does where that leads to a module with bytecode in the archive, in the same
//! order: `sys.meta_path` begins with our finder, the search path with the directory that the module lies in, and nobody
//! else is importing it. Anything else is left to importlib's function before anything has happened, and so is
//! `importlib.import_module`, whose tracebacks show importlib's frames. The module's code runs below
//! `_call_with_frames_removed`: by that frame CPython knows what to cut out of tracebacks (`remove_importlib_frames` in
//! `Python/import.c`).

use core::ptr;

use super::locks::GoingOn;
use super::native::Native;
use super::object;
use super::session::Session;
use super::specs::{directory_above, is_sourceless, utf8};
use crate::archive::{Module, ModuleKind};
use crate::cpython::reference::returned;
use crate::cpython::types::{Object, PyMethodDef};
use crate::cpython::{Api, Owned};
use crate::profile;

/// `_find_and_load` for `importlib._bootstrap`.
pub static FIND_AND_LOAD: PyMethodDef = PyMethodDef::fast(c"_find_and_load", find_and_load);

/// `_find_and_load(name, import_)`.
unsafe extern "C" fn find_and_load(receiver: Object, arguments: *const Object, count: isize) -> Object {
    // SAFETY: the receiver is the importer object that the function was made with.
    let Some(session) = (unsafe { object::session(receiver) }) else { return ptr::null_mut() };
    let (api, Some(native)) = (session.api(), session.native.get()) else { return ptr::null_mut() };
    // SAFETY: CPython passes that many arguments, and holds the GIL.
    returned(unsafe {
        if count == 2 {
            let (name, import) = (*arguments, *arguments.add(1));
            session.import(native, name, import)
        } else {
            let message = c"_find_and_load takes two arguments: name and import_";
            (api.PyErr_SetString)(*api.PyExc_TypeError, message.as_ptr());
            None
        }
    })
}

/// What becomes of an import.
enum Outcome {
    /// It is done: a module, or none with an exception set.
    Done(Option<Owned>),
    /// It is importlib's; nothing has been done.
    NotOurs,
}

impl Session {
    /// Imports a module. None with an exception set.
    unsafe fn import(&'static self, native: &'static Native, name: Object, import: Object) -> Option<Owned> {
        // SAFETY: called by `find_and_load`.
        unsafe {
            let Some(module) = self.importable(native, name) else {
                return native.find_and_load.call(&[name, import]);
            };
            let _timed = profile::import(module.name);
            let _put_off = self.put_off.as_ref().map(|put_off| put_off.begin());
            if is_quick(&module) && import != native.import_module.get() {
                let thread = (self.api().PyThread_get_thread_ident)();
                if let Some(number) = native.going_on.begin(module.name, thread) {
                    let outcome = self.import_unlocked(native, name, import, &module);
                    let released = release(self.api(), &native.going_on, number);
                    if let Outcome::Done(result) = outcome {
                        return result.filter(|_| released.is_some());
                    }
                    released?;
                }
            }
            native.find_and_load.call(&[name, import])
        }
    }

    /// The module of the archive with this name, if nothing is out of the ordinary.
    unsafe fn importable(&self, native: &Native, name: Object) -> Option<Module<'static>> {
        let (api, names) = (self.api(), &native.names);
        // SAFETY: called by `import` with a live object; what is borrowed is not used after anything else has happened.
        unsafe {
            if (*name).class() != api.PyUnicode_Type {
                return None;
            }
            let Some(Some(text)) = utf8(api, name) else {
                (api.PyErr_Clear)();
                return None;
            };
            let module = self.importer.find(text)?;
            let meta_path = native.of_sys(api, &names.meta_path);
            let is_first = !meta_path.is_null()
                && (*meta_path).class() == api.PyList_Type
                && (api.PyList_Size)(meta_path) > 0
                && (api.PyList_GetItem)(meta_path, 0) == self.object.get();
            let is_new = !self.modules(native)?.has(api, name)
                && (api.PyDict_GetItemWithError)(native.module_locks.get(), name).is_null();
            // Somebody who replaces this function gives threads another meaning (gevent).
            let get_ident = (api.PyDict_GetItemWithError)(native.thread.get(), names.get_ident.get());
            (is_first && is_new && get_ident == native.get_ident.get()).then_some(module)
        }
    }

    /// `sys.modules`, if it is a dictionary; no exception is set.
    unsafe fn modules(&self, native: &Native) -> Option<Modules> {
        let api = self.api();
        // SAFETY: called by those that use it, with a thread that may use Python.
        unsafe {
            let modules = native.of_sys(api, &native.names.modules);
            let modules = Owned::share(api, modules)?;
            modules.is_exactly(api.PyDict_Type).then_some(Modules(modules))
        }
    }

    /// `_find_and_load_unlocked`.
    unsafe fn import_unlocked(
        &'static self,
        native: &Native,
        name: Object,
        import: Object,
        module: &Module<'static>,
    ) -> Outcome {
        let api = self.api();
        // SAFETY: called by `import`.
        unsafe {
            let Some(name) = Owned::share(api, name) else { return Outcome::NotOurs };
            let Some((parent, child)) = module.name.rsplit_once('.') else {
                let path = native.of_sys(api, &native.names.path);
                if !self.is_first(path, "") {
                    return Outcome::NotOurs;
                }
                return Outcome::Done(self.load(native, module, &name));
            };
            let (Some(parent), Some(child)) = (Owned::text(api, parent), Owned::text(api, child)) else {
                return Outcome::Done(None);
            };
            match self.parent(native, &name, &parent, import, module) {
                None => Outcome::Done(None),
                Some(Parent::Imported(found)) => Outcome::Done(Some(found)),
                Some(Parent::Unusual) => Outcome::NotOurs,
                Some(Parent::Package(spec)) => {
                    Outcome::Done(self.load_child(native, module, &name, (&parent, &child), spec))
                }
            }
        }
    }

    /// Imports a submodule's parent, if it is not there. None with an exception set.
    unsafe fn parent(
        &self,
        native: &Native,
        name: &Owned,
        parent: &Owned,
        import: Object,
        module: &Module,
    ) -> Option<Parent> {
        let (api, names) = (self.api(), &native.names);
        // SAFETY: called by `import_unlocked`.
        unsafe {
            let Some(mut modules) = self.modules(native) else { return Some(Parent::Unusual) };
            if !modules.has(api, parent.get()) {
                self.call_with_frames_removed.call(&[import, parent.get()])?;
                // What a package imports may well be the module.
                let Some(after) = self.modules(native) else { return Some(Parent::Unusual) };
                modules = after;
                if let Some(found) = modules.get(api, name.get()) {
                    return Some(Parent::Imported(found));
                }
            }
            let package = modules.get(api, parent.get()).filter(|found| found.is_exactly(api.PyModule_Type));
            let Some(package) = package else { return Some(Parent::Unusual) };
            let namespace = (api.PyModule_GetDict)(package.get());
            let path = (api.PyDict_GetItemWithError)(namespace, names.dunder_path.get());
            if !self.is_first(path, directory_above(module)) {
                return Some(Parent::Unusual);
            }
            let spec = (api.PyDict_GetItemWithError)(namespace, names.dunder_spec.get());
            let Some(spec) = Owned::share(api, spec).filter(|spec| spec.is_exactly(self.module_spec.get()))
            else {
                return Some(Parent::Unusual);
            };
            if native.waits_for_parent {
                let Some(initializing) = spec.get_by(&names.initializing) else {
                    (api.PyErr_Clear)();
                    return Some(Parent::Unusual);
                };
                if (api.PyObject_IsTrue)(initializing.get()) != 0 {
                    self.call_with_frames_removed.call(&[import, parent.get()])?;
                    if let Some(found) = self.modules(native).and_then(|modules| modules.get(api, name.get()))
                    {
                        return Some(Parent::Imported(found));
                    }
                }
            }
            Some(Parent::Package(spec))
        }
    }

    /// Loads a submodule and makes it an attribute of its parent.
    unsafe fn load_child(
        &'static self,
        native: &Native,
        module: &Module<'static>,
        name: &Owned,
        (parent, child): (&Owned, &Owned),
        spec: Owned,
    ) -> Option<Owned> {
        let api = self.api();
        // SAFETY: called by `import_unlocked`.
        unsafe {
            let list = if native.tracks_submodules {
                let list = spec.get_by(&native.names.uninitialized_submodules)?;
                if (api.PyList_Append)(list.get(), child.get()) != 0 {
                    return None;
                }
                Some(list)
            } else {
                None
            };
            let loaded = self.load(native, module, name);
            if let Some(list) = list {
                let size = (api.PyList_Size)(list.get());
                if size > 0 {
                    keeping_exception(api, || {
                        ((api.PyList_SetSlice)(list.get(), size - 1, size, ptr::null_mut()) == 0)
                            .then_some(())
                    });
                }
            }
            let loaded = loaded?;
            let Some(package) = self.modules(native).and_then(|modules| modules.get(api, parent.get()))
            else {
                (api.PyErr_SetObject)(*api.PyExc_KeyError, parent.get());
                return None;
            };
            if package.set_by(child, loaded.get()).is_none() {
                if (api.PyErr_ExceptionMatches)(*api.PyExc_AttributeError) == 0 {
                    return None;
                }
                (api.PyErr_Clear)();
                self.warn_of_parent(module)?;
            }
            Some(loaded)
        }
    }

    /// The warning of a parent that takes no attribute.
    unsafe fn warn_of_parent(&self, module: &Module) -> Option<()> {
        let api = self.api();
        let (parent, child) = module.name.rsplit_once('.')?;
        let text = format!("Cannot set an attribute on '{parent}' for child module '{child}'");
        let text = std::ffi::CString::new(text).unwrap_or_default();
        // SAFETY: called by `load_child`.
        let status = unsafe { (api.PyErr_WarnEx)(*api.PyExc_ImportWarning, text.as_ptr(), 1) };
        (status == 0).then_some(())
    }

    /// `_load_unlocked`: makes the module, puts it into `sys.modules`, and executes it.
    unsafe fn load(&'static self, native: &Native, module: &Module<'static>, name: &Owned) -> Option<Owned> {
        let (api, names) = (self.api(), &native.names);
        // SAFETY: called by `import_unlocked`; the namespace is kept alive by its module.
        unsafe {
            let spec = self.quick_spec(native, module, name)?;
            let new = self.quick_module(native, module, &spec)?;
            let file = spec.get_by(&names.origin)?;
            // Before the module is in `sys.modules`: who finds it there waits as long as this is true.
            spec.set_by(&names.initializing, api.boolean(true))?;
            let loaded = self.modules(native).map_or_else(
                || {
                    (api.PyErr_SetString)(*api.PyExc_KeyError, c"sys.modules".as_ptr());
                    None
                },
                |modules| {
                    modules.set(api, name.get(), &new)?;
                    let code = self.code(module.content, &file);
                    let namespace = (api.PyModule_GetDict)(new.get());
                    let done = code.and_then(|code| {
                        self.call_with_frames_removed.call(&[self.exec.get(), code.get(), namespace])
                    });
                    self.settle(native, name, done.is_some())
                },
            );
            keeping_exception(api, || spec.set_by(&names.initializing, api.boolean(false)));
            loaded
        }
    }

    /// After a module's code has run: it goes to the end of `sys.modules`, or, if that failed, out of it. Returns what
    /// stands there, which need not be what stood there before. None with an exception set.
    unsafe fn settle(&self, native: &Native, name: &Owned, success: bool) -> Option<Owned> {
        let api = self.api();
        // SAFETY: called by `load`.
        unsafe {
            let modules = self.modules(native);
            if !success {
                keeping_exception(api, || {
                    let modules = modules?;
                    modules.has(api, name.get()).then(|| modules.delete(api, name.get()))?
                });
                return None;
            }
            let Some((modules, loaded)) =
                modules.and_then(|modules| modules.get(api, name.get()).map(|loaded| (modules, loaded)))
            else {
                (api.PyErr_SetObject)(*api.PyExc_KeyError, name.get());
                return None;
            };
            modules.delete(api, name.get())?;
            modules.set(api, name.get(), &loaded)?;
            Some(loaded)
        }
    }
}

/// What stands for a submodule's parent.
enum Parent {
    /// Importing the parent has imported the module.
    Imported(Owned),
    /// The parent's spec.
    Package(Owned),
    /// Something that only importlib knows what to do with.
    Unusual,
}

/// `sys.modules`.
struct Modules(Owned);

impl Modules {
    unsafe fn get(&self, api: &'static Api, name: Object) -> Option<Owned> {
        // SAFETY: called with a live `str` by a thread that may use Python; the dictionary's reference is shared.
        unsafe { Owned::share(api, (api.PyDict_GetItemWithError)(self.0.get(), name)) }
    }

    unsafe fn has(&self, api: &'static Api, name: Object) -> bool {
        // SAFETY: as above.
        unsafe { !(api.PyDict_GetItemWithError)(self.0.get(), name).is_null() }
    }

    unsafe fn set(&self, api: &'static Api, name: Object, module: &Owned) -> Option<()> {
        // SAFETY: as above.
        (unsafe { (api.PyDict_SetItem)(self.0.get(), name, module.get()) } == 0).then_some(())
    }

    unsafe fn delete(&self, api: &'static Api, name: Object) -> Option<()> {
        // SAFETY: as above.
        (unsafe { (api.PyDict_DelItem)(self.0.get(), name) } == 0).then_some(())
    }
}

/// Whether a module is one whose spec and loader are made without Python code.
fn is_quick(module: &Module) -> bool {
    module.kind == ModuleKind::Code && !is_sourceless(module.file)
}

/// Ends an import, and releases its lock if that was made. None with an exception set, in the place of another.
unsafe fn release(api: &'static Api, going_on: &GoingOn, number: u64) -> Option<()> {
    let Some(lock) = going_on.end(number) else { return Some(()) };
    // SAFETY: called by `import`.
    unsafe { keeping_exception(api, || lock.attribute(c"release")?.call(&[]).map(drop)) }
}

/// Calls a function with no exception set, and sets the one again that was, unless the function sets one.
unsafe fn keeping_exception(api: &Api, call: impl FnOnce() -> Option<()>) -> Option<()> {
    let mut exception = [ptr::null_mut(); 3];
    let [class, value, traceback] = exception.each_mut().map(ptr::from_mut);
    // SAFETY: called by functions of this module; what is fetched is restored or released.
    unsafe {
        (api.PyErr_Fetch)(class, value, traceback);
        let result = call();
        if (api.PyErr_Occurred)().is_null() {
            (api.PyErr_Restore)(exception[0], exception[1], exception[2]);
        } else {
            for object in exception.into_iter().filter(|object| !object.is_null()) {
                (api.Py_DecRef)(object);
            }
        }
        result
    }
}
