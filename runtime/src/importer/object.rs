//! The Python object that finds and loads: `_snapfreeze.Importer`.
//!
//! One object an interpreter, on `sys.meta_path` and as `__loader__` of all modules of the archive. Its methods
//! are those that `importlib.abc` names for finders and loaders of source: `find_spec`, `create_module`,
//! `exec_module`, `get_code`, `get_source`, `is_package`, `get_filename`, `get_data`, `load_module`.
//! Behind the object's header stands a pointer to its [`Session`].

use core::ffi::{CStr, c_char, c_int, c_void};
use core::ptr;
use std::sync::atomic::Ordering;

use super::Importer;
use crate::archive::{Module, ModuleKind};
use crate::cpython::Api;
use crate::cpython::types::{
    Object, PY_TP_METHODS, PY_TPFLAGS_DEFAULT, PyMethodDef, PyObject, PyTypeSpec, Slot,
};
use crate::os::dynamic;

/// What the importer needs of one interpreter. Lives as long as the process; all references are owned.
pub struct Session {
    pub(super) importer: &'static Importer,
    /// The `_snapfreeze.Importer` of this interpreter.
    pub(super) object: Object,
    /// The root as a `str`.
    pub(super) root: Object,
    pub(super) module_spec: Object,
    pub(super) fix_co_filename: Object,
    bootstrap: Object,
    call_with_frames_removed: Object,
    create_dynamic: Object,
    exec_dynamic: Object,
    exec: Object,
}

/// An instance in memory: `PyObject_HEAD` and the session.
#[repr(C)]
struct Instance {
    head: [usize; 2],
    session: *const Session,
}

impl Session {
    /// Makes the session and the Python object of the current interpreter; none with an exception set.
    ///
    /// # Safety
    /// The calling thread may use Python, and `importlib._bootstrap` is set up.
    pub unsafe fn new(importer: &'static Importer) -> Option<&'static Self> {
        let api = importer.api;
        // SAFETY: from the contract. Null results end it, with the exception that CPython has set.
        unsafe {
            let object = new_object(api)?;
            let bootstrap = non_null((api.PyImport_ImportModule)(c"_frozen_importlib".as_ptr()))?;
            let imp = non_null((api.PyImport_ImportModule)(c"_imp".as_ptr()))?;
            let attribute =
                |of: Object, name: &CStr| non_null((api.PyObject_GetAttrString)(of, name.as_ptr()));
            let exec = (api.PyDict_GetItemString)((api.PyEval_GetBuiltins)(), c"exec".as_ptr());
            let session: &'static Self = Box::leak(Box::new(Self {
                importer,
                object,
                root: non_null(super::install::root_string(importer))?,
                module_spec: attribute(bootstrap, c"ModuleSpec")?,
                fix_co_filename: attribute(imp, c"_fix_co_filename")?,
                bootstrap,
                call_with_frames_removed: attribute(bootstrap, c"_call_with_frames_removed")?,
                create_dynamic: attribute(imp, c"create_dynamic")?,
                exec_dynamic: attribute(imp, c"exec_dynamic")?,
                exec: api.new_reference(non_null(exec)?),
            }));
            (*object.cast::<Instance>()).session = session;
            let first = ptr::from_ref(session).cast_mut();
            let main = &importer.main_session;
            let _ = main.compare_exchange(ptr::null_mut(), first, Ordering::AcqRel, Ordering::Acquire);
            Some(session)
        }
    }

    /// The session of the main interpreter.
    pub fn of_main_interpreter(importer: &Importer) -> Option<&'static Self> {
        // SAFETY: null, or a session that was leaked in `new`.
        unsafe { importer.main_session.load(Ordering::Acquire).as_ref() }
    }

    /// Runs the real `encodings` in the namespace of the frozen one. Returns `None` (Python's), or null.
    ///
    /// # Safety
    /// `globals` is the namespace of the module that is being imported as `encodings`.
    pub unsafe fn become_real_encodings(&self, globals: Object) -> Object {
        let api = self.importer.api;
        let Some(module) = self.importer.find("encodings") else {
            super::fatal(
                crate::archive::ArchiveError::Invalid { part: "list of modules: no encodings" }.into(),
            )
        };
        // SAFETY: from the contract; references are released.
        unsafe {
            let spec = self.spec(&module);
            if spec.is_null() {
                return ptr::null_mut();
            }
            // What importlib set from the frozen module's spec is set again from the real one.
            let mut done = (api.PyDict_SetItemString)(globals, c"__spec__".as_ptr(), spec) == 0
                && (api.PyDict_SetItemString)(globals, c"__loader__".as_ptr(), self.object) == 0;
            for (name, attribute) in [
                (c"__file__", c"origin"),
                (c"__cached__", c"cached"),
                (c"__path__", c"submodule_search_locations"),
            ] {
                let value = (api.PyObject_GetAttrString)(spec, attribute.as_ptr());
                done = done
                    && !value.is_null()
                    && (api.PyDict_SetItemString)(globals, name.as_ptr(), value) == 0;
                if !value.is_null() {
                    (api.Py_DecRef)(value);
                }
            }
            (api.Py_DecRef)(spec);
            if done { self.execute(&module, globals) } else { ptr::null_mut() }
        }
    }

    /// Runs a module's code in a namespace, without importlib's frames in tracebacks.
    unsafe fn execute(&self, module: &Module, namespace: Object) -> Object {
        let api = self.importer.api;
        // SAFETY: called with a live namespace by methods that hold the GIL; references are released.
        unsafe {
            let file = self.path(module.file);
            if file.is_null() {
                return ptr::null_mut();
            }
            let code = self.code(module.content, file);
            (api.Py_DecRef)(file);
            if code.is_null() {
                return ptr::null_mut();
            }
            let result = (api.PyObject_CallFunctionObjArgs)(
                self.call_with_frames_removed,
                self.exec,
                code,
                namespace,
                ptr::null_mut::<c_void>(),
            );
            (api.Py_DecRef)(code);
            result
        }
    }

    /// Loads an extension's library from memory and creates the module.
    unsafe fn create_extension(&self, spec: Object, module: &Module<'static>) -> Object {
        let importer = self.importer;
        let api = importer.api;
        let archive = importer.archive;
        let name = module.file.rsplit('/').next().unwrap_or(module.file);
        let created = dynamic::load_all(archive, module.needs.iter()).and_then(|()| {
            // SAFETY: called with a live spec by a method that holds the GIL.
            dynamic::with_path(archive, module.content, name, |path| unsafe {
                self.create_dynamic(spec, path)
            })
        });
        match created {
            Ok(created) if created.is_null() => created,
            // SAFETY: as above; the path is set before anyone sees the module.
            Ok(created) => unsafe {
                let file = self.path(module.file);
                if file.is_null() || (api.PyObject_SetAttrString)(created, c"__file__".as_ptr(), file) != 0 {
                    return ptr::null_mut();
                }
                (api.Py_DecRef)(file);
                created
            },
            Err(error) if error.exit_code() == crate::error::EXIT_DAMAGED => super::fatal(error),
            Err(error) => raise(api, api.PyExc_ImportError, &error.to_string()),
        }
    }

    /// `_imp.create_dynamic` with a spec whose origin is the path that the dynamic linker is to open.
    unsafe fn create_dynamic(&self, spec: Object, path: &CStr) -> Object {
        let api = self.importer.api;
        // SAFETY: called by `create_extension`; references are released.
        unsafe {
            let fields = (api.PyDict_New)();
            let name = (api.PyObject_GetAttrString)(spec, c"name".as_ptr());
            let origin =
                (api.PyUnicode_DecodeFSDefaultAndSize)(path.as_ptr(), path.to_bytes().len() as isize);
            if fields.is_null() || name.is_null() || origin.is_null() {
                return ptr::null_mut();
            }
            (api.PyDict_SetItemString)(fields, c"name".as_ptr(), name);
            (api.PyDict_SetItemString)(fields, c"origin".as_ptr(), origin);
            (api.PyDict_SetItemString)(fields, c"loader".as_ptr(), self.object);
            let stand_in = (api._PyNamespace_New)(fields);
            for object in [fields, name, origin] {
                (api.Py_DecRef)(object);
            }
            if stand_in.is_null() {
                return ptr::null_mut();
            }
            let module = (api.PyObject_CallFunctionObjArgs)(
                self.call_with_frames_removed,
                self.create_dynamic,
                stand_in,
                ptr::null_mut::<c_void>(),
            );
            (api.Py_DecRef)(stand_in);
            module
        }
    }
}

/// Makes the type and its one instance.
unsafe fn new_object(api: &Api) -> Option<Object> {
    static METHODS: [PyMethodDef; 10] = [
        PyMethodDef::new(c"find_spec", find_spec),
        PyMethodDef::new(c"create_module", create_module),
        PyMethodDef::new(c"exec_module", exec_module),
        PyMethodDef::new(c"load_module", load_module),
        PyMethodDef::new(c"get_code", get_code),
        PyMethodDef::new(c"get_source", get_source),
        PyMethodDef::new(c"is_package", is_package),
        PyMethodDef::new(c"get_filename", get_filename),
        PyMethodDef::new(c"get_data", get_data),
        PyMethodDef::END,
    ];
    let mut slots = [
        Slot { slot: PY_TP_METHODS, value: METHODS.as_ptr().cast_mut().cast() },
        Slot { slot: 0, value: ptr::null_mut() },
    ];
    let mut spec = PyTypeSpec {
        name: c"_snapfreeze.Importer".as_ptr(),
        basic_size: size_of::<Instance>() as c_int,
        item_size: 0,
        flags: PY_TPFLAGS_DEFAULT,
        slots: slots.as_mut_ptr(),
    };
    // SAFETY: CPython copies the spec; the methods' table is static. An instance is zeroed when it is made.
    unsafe {
        let class = non_null((api.PyType_FromSpec)(&raw mut spec))?;
        let object = non_null((api.PyObject_CallObject)(class, ptr::null_mut()));
        (api.Py_DecRef)(class);
        object
    }
}

fn non_null(object: Object) -> Option<Object> {
    (!object.is_null()).then_some(object)
}

/// Sets an exception; returns null, as a method that raises does.
fn raise(api: &Api, class: *mut Object, message: &str) -> Object {
    // SAFETY: called by methods, which hold the GIL; `class` is one of CPython's exception variables.
    unsafe {
        let text = (api.PyUnicode_FromStringAndSize)(message.as_ptr().cast(), message.len() as isize);
        if !text.is_null() {
            (api.PyErr_SetObject)(*class, text);
            (api.Py_DecRef)(text);
        }
    }
    ptr::null_mut()
}

/// A call of one of the methods: the session of the object and the arguments.
struct Call {
    session: &'static Session,
    api: &'static Api,
    arguments: Object,
}

impl Call {
    /// None, with an exception set, if the object is not one that [`Session::new`] made.
    unsafe fn new(object: Object, arguments: Object) -> Option<Self> {
        // SAFETY: the methods' receiver is an instance of the type, whose memory is an `Instance`.
        let session = unsafe { (*object.cast::<Instance>()).session.as_ref() };
        let Some(session) = session else {
            let importer = super::install::importer()?;
            raise(
                importer.api,
                importer.api.PyExc_TypeError,
                "this object does not belong to an interpreter",
            );
            return None;
        };
        Some(Self { session, api: session.importer.api, arguments })
    }

    /// The argument at `index`, borrowed; none with IndexError set when there are fewer.
    unsafe fn argument(&self, index: isize) -> Option<Object> {
        // SAFETY: METH_VARARGS passes a tuple.
        unsafe { non_null((self.api.PyTuple_GetItem)(self.arguments, index)) }
    }

    /// A string argument, borrowed as long as the call runs; none with TypeError set when it is no string.
    unsafe fn text(&self, index: isize) -> Option<&str> {
        // SAFETY: from `argument`; the UTF-8 form lives as long as the string, which the arguments hold.
        unsafe { utf8(self.api, self.argument(index)?) }
    }

    /// The module that the string argument at `index` names; none with ImportError set when there is none.
    unsafe fn module(&self, index: isize) -> Option<Module<'static>> {
        // SAFETY: as `text`.
        let name = unsafe { self.text(index)? };
        let module = self.session.importer.find(name);
        if module.is_none() {
            raise(self.api, self.api.PyExc_ImportError, &format!("{name} is not in this executable"));
        }
        module
    }
}

/// A `str`'s UTF-8 form; none with an exception set (no string, or lone surrogates).
///
/// # Safety
/// `object` is live and outlives the result; the calling thread may use Python.
pub unsafe fn utf8<'a>(api: &Api, object: Object) -> Option<&'a str> {
    let mut length = 0;
    // SAFETY: from the contract; CPython gives valid UTF-8 of that length.
    unsafe {
        let text = (api.PyUnicode_AsUTF8AndSize)(object, &raw mut length);
        if text.is_null() {
            return None;
        }
        Some(core::str::from_utf8_unchecked(core::slice::from_raw_parts(text.cast(), length as usize)))
    }
}

/// Defines the C functions of the methods: each gets a [`Call`] and returns a new reference, or none for an
/// exception that is set.
macro_rules! methods {
    ($($(#[$meta:meta])* $name:ident($call:ident) $body:block)*) => {
        $($(#[$meta])*
        unsafe extern "C" fn $name(object: Object, arguments: Object) -> Object {
            unsafe fn body($call: &Call) -> Option<Object> $body
            // SAFETY: CPython calls methods with a receiver of the type and a tuple, holding the GIL.
            unsafe { Call::new(object, arguments).and_then(|call| body(&call)).unwrap_or(ptr::null_mut()) }
        })*
    };
}

methods! {
    /// `find_spec(name, path=None, target=None)`.
    find_spec(call) {
        // SAFETY: within a method's call.
        unsafe {
            let name = call.text(0)?;
            let spec = match call.session.importer.find(name) {
                Some(module) if call.session.is_within(&module, path_argument(call)) => call.session.spec(&module),
                _ => call.api.new_reference(call.api.none()),
            };
            non_null(spec)
        }
    }

    /// `create_module(spec)`.
    create_module(call) {
        // SAFETY: within a method's call; references are released.
        unsafe {
            let spec = call.argument(0)?;
            let name = non_null((call.api.PyObject_GetAttrString)(spec, c"name".as_ptr()))?;
            let module = utf8(call.api, name).and_then(|name| call.session.importer.find(name));
            (call.api.Py_DecRef)(name);
            match module {
                Some(module) if module.kind == ModuleKind::Extension => {
                    non_null(call.session.create_extension(spec, &module))
                }
                _ => Some(call.api.new_reference(call.api.none())),
            }
        }
    }

    /// `exec_module(module)`.
    exec_module(call) {
        // SAFETY: within a method's call; references are released.
        unsafe {
            let object = call.argument(0)?;
            let name = module_name(call, object)?;
            let module = utf8(call.api, name).map(|name| (name.to_owned(), call.session.importer.find(name)));
            (call.api.Py_DecRef)(name);
            let (name, module) = module?;
            let Some(module) = module else {
                return non_null(raise(call.api, call.api.PyExc_ImportError, &format!("{name} is not in this executable")));
            };
            match module.kind {
                ModuleKind::Code => {
                    let namespace = non_null((call.api.PyModule_GetDict)(object))?;
                    non_null(call.session.execute(&module, namespace))
                }
                ModuleKind::Extension => non_null((call.api.PyObject_CallFunctionObjArgs)(
                    call.session.call_with_frames_removed,
                    call.session.exec_dynamic,
                    object,
                    ptr::null_mut::<c_void>(),
                )),
                ModuleKind::Namespace => Some(call.api.new_reference(call.api.none())),
            }
        }
    }

    /// `load_module(name)`: the legacy call, by importlib's own shim.
    load_module(call) {
        // SAFETY: within a method's call; references are released.
        unsafe {
            let name = call.argument(0)?;
            let shim = non_null((call.api.PyObject_GetAttrString)(
                call.session.bootstrap,
                c"_load_module_shim".as_ptr(),
            ))?;
            let module = (call.api.PyObject_CallFunctionObjArgs)(
                shim,
                call.session.object,
                name,
                ptr::null_mut::<c_void>(),
            );
            (call.api.Py_DecRef)(shim);
            non_null(module)
        }
    }

    /// `get_code(name)`: None for what has no bytecode.
    get_code(call) {
        // SAFETY: within a method's call; references are released.
        unsafe {
            let module = call.module(0)?;
            if module.kind != ModuleKind::Code {
                return Some(call.api.new_reference(call.api.none()));
            }
            let file = non_null(call.session.path(module.file))?;
            let code = call.session.code(module.content, file);
            (call.api.Py_DecRef)(file);
            non_null(code)
        }
    }

    /// `get_source(name)`: None, there is no source in the archive.
    get_source(call) {
        // SAFETY: within a method's call.
        unsafe {
            call.module(0)?;
            Some(call.api.new_reference(call.api.none()))
        }
    }

    /// `is_package(name)`.
    is_package(call) {
        // SAFETY: within a method's call.
        unsafe {
            let module = call.module(0)?;
            Some(call.api.new_reference(call.api.boolean(module.is_package)))
        }
    }

    /// `get_filename(name)`.
    get_filename(call) {
        // SAFETY: within a method's call.
        unsafe {
            let module = call.module(0)?;
            non_null(call.session.path(module.file))
        }
    }

    /// `get_data(path)`: there are no data files in the archive.
    get_data(call) {
        // SAFETY: within a method's call.
        unsafe {
            let path = call.text(0)?;
            non_null(raise(call.api, call.api.PyExc_OSError, &format!("no such file in this executable: {path}")))
        }
    }
}

/// The second argument of `find_spec`, if it is given and not None.
unsafe fn path_argument(call: &Call) -> Option<Object> {
    // SAFETY: within a method's call.
    unsafe {
        if (call.api.PyTuple_Size)(call.arguments) < 2 {
            return None;
        }
        call.argument(1).filter(|path| *path != call.api.none())
    }
}

/// `module.__spec__.name`, else `module.__name__`: a new reference.
unsafe fn module_name(call: &Call, module: Object) -> Option<Object> {
    let attribute = |of: Object, name: *const c_char| {
        // SAFETY: within a method's call.
        unsafe { non_null((call.api.PyObject_GetAttrString)(of, name)) }
    };
    let name = attribute(module, c"__spec__".as_ptr()).and_then(|spec| {
        let name = attribute(spec, c"name".as_ptr());
        // SAFETY: the reference is ours.
        unsafe { (call.api.Py_DecRef)(spec) };
        name
    });
    name.or_else(|| {
        // SAFETY: within a method's call.
        unsafe { (call.api.PyErr_Clear)() };
        attribute(module, c"__name__".as_ptr())
    })
}

const _: () = assert!(size_of::<Instance>() == size_of::<PyObject>() + size_of::<*const Session>());
