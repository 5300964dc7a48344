//! The methods of `_snapfreeze.Importer`: those that `importlib.abc` names for finders and loaders of source.
//!
//! They take their arguments by position and by the names of `importlib.abc`, and raise what importlib's own
//! loaders raise: TypeError for wrong arguments, ImportError for a module that is not theirs.

use core::ptr;

use super::arguments::{Arguments, Signature};
use super::object;
use super::session::Session;
use super::specs::{NAME_IN_ARCHIVE, utf8};
use crate::archive::{Module, ModuleKind};
use crate::cpython::reference::returned;
use crate::cpython::types::{Object, PyMethodDef};
use crate::cpython::{Api, Owned};

/// The type's table of methods.
pub static METHODS: [PyMethodDef; 11] = [
    PyMethodDef::new(c"find_spec", find_spec),
    PyMethodDef::new(c"create_module", create_module),
    PyMethodDef::new(c"exec_module", exec_module),
    PyMethodDef::new(c"load_module", load_module),
    PyMethodDef::new(c"get_code", get_code),
    PyMethodDef::new(c"get_source", get_source),
    PyMethodDef::new(c"is_package", is_package),
    PyMethodDef::new(c"get_filename", get_filename),
    PyMethodDef::new(c"get_data", get_data),
    PyMethodDef::new(c"__reduce__", reduce),
    PyMethodDef::END,
];

/// A call of one of the methods: the object's session, and the arguments.
struct Call {
    session: &'static Session,
    arguments: Arguments,
}

impl Call {
    /// Reads the arguments; none with TypeError set if they do not fit, or the object has no session.
    unsafe fn new(
        receiver: Object,
        positional: Object,
        keywords: Object,
        signature: &Signature,
    ) -> Option<Self> {
        let api = super::install::importer()?.api;
        // SAFETY: CPython passes a tuple, and a dictionary or null; the receiver is an instance of the type.
        unsafe {
            let arguments = signature.read(api, positional, keywords)?;
            let session = object::session(receiver);
            if session.is_none() {
                let message = c"this importer was not made by the executable and finds nothing";
                (api.PyErr_SetString)(*api.PyExc_TypeError, message.as_ptr());
            }
            Some(Self { session: session?, arguments })
        }
    }

    fn api(&self) -> &'static Api {
        self.session.api()
    }

    /// The first argument, which the formats demand.
    fn first(&self) -> Object {
        self.arguments[0]
    }

    /// The module that the first argument names; none with ImportError or TypeError set when there is none.
    unsafe fn module(&self) -> Option<Module<'static>> {
        // SAFETY: within a method's call.
        unsafe {
            let module = find(self.session, self.first())?;
            if module.is_none() {
                not_ours(self.session, self.first());
            }
            module
        }
    }
}

/// Defines the C functions of the methods, with the format and names of their arguments. Each gets
/// a [`Call`] and returns a new reference, or none with an exception set.
macro_rules! methods {
    ($($(#[$meta:meta])* $name:ident($call:ident: $format:literal, $($argument:literal)*) $body:block)*) => {
        $($(#[$meta])*
        unsafe extern "C" fn $name(receiver: Object, positional: Object, keywords: Object) -> Object {
            static SIGNATURE: Signature = Signature::new($format, &[$($argument),*]);
            unsafe fn body($call: &Call) -> Option<Owned> $body
            // SAFETY: CPython calls methods with a receiver of the type and their arguments, holding the GIL.
            returned(unsafe {
                Call::new(receiver, positional, keywords, &SIGNATURE).and_then(|call| body(&call))
            })
        })*
    };
}

methods! {
    /// `find_spec(fullname, path=None, target=None)`.
    find_spec(call: c"O|OO:find_spec", c"fullname" c"path" c"target") {
        // SAFETY: within a method's call.
        unsafe {
            let path = call.arguments[1];
            let path = (!path.is_null() && path != call.api().none()).then_some(path);
            let spec = match (find(call.session, call.first())?, path) {
                (Some(module), path) if call.session.is_within(&module, path)? => {
                    Some(call.session.spec(&module)?)
                }
                (_, Some(path)) => call.session.spec_by_path(call.first(), path)?,
                _ => None,
            };
            spec.or_else(|| Owned::none(call.api()))
        }
    }

    /// `create_module(spec)`: None leaves it to importlib.
    create_module(call: c"O:create_module", c"spec") {
        // SAFETY: within a method's call.
        unsafe {
            let spec = Owned::share(call.api(), call.first())?;
            let name = name_of_spec(call.session, &spec)?;
            match find(call.session, name.get())? {
                Some(module) if module.kind == ModuleKind::Extension => {
                    call.session.create_extension(call.first(), &module)
                }
                _ => Owned::none(call.api()),
            }
        }
    }

    /// `exec_module(module)`.
    exec_module(call: c"O:exec_module", c"module") {
        // SAFETY: within a method's call.
        unsafe {
            let object = Owned::share(call.api(), call.first())?;
            let name = module_name(call.session, &object)?;
            let Some(module) = find(call.session, name.get())? else {
                not_ours(call.session, name.get());
                return None;
            };
            match module.kind {
                ModuleKind::Code => {
                    let namespace = object.attribute(c"__dict__")?;
                    call.session.execute(&module, namespace.get())?;
                }
                ModuleKind::Extension => {
                    call.session.execute_extension(object.get())?;
                }
                ModuleKind::Namespace => {}
            }
            Owned::none(call.api())
        }
    }

    /// `load_module(fullname)`: the legacy call, by importlib's own shim.
    load_module(call: c"O:load_module", c"fullname") {
        // SAFETY: within a method's call.
        unsafe {
            call.module()?;
            let shim = call.session.bootstrap.attribute(c"_load_module_shim")?;
            shim.call(&[call.session.object.get(), call.first()])
        }
    }

    /// `get_code(fullname)`: None for what has no bytecode.
    get_code(call: c"O:get_code", c"fullname") {
        // SAFETY: within a method's call.
        unsafe {
            let module = call.module()?;
            if module.kind != ModuleKind::Code {
                return Owned::none(call.api());
            }
            call.session.code(module.content, &call.session.path(module.file)?)
        }
    }

    /// `get_source(fullname)`: None, there is no source in the archive.
    get_source(call: c"O:get_source", c"fullname") {
        // SAFETY: within a method's call.
        unsafe {
            call.module()?;
            Owned::none(call.api())
        }
    }

    /// `is_package(fullname)`.
    is_package(call: c"O:is_package", c"fullname") {
        // SAFETY: within a method's call.
        unsafe {
            let is_package = call.module()?.is_package;
            Owned::share(call.api(), call.api().boolean(is_package))
        }
    }

    /// `get_filename(fullname)`.
    get_filename(call: c"O:get_filename", c"fullname") {
        // SAFETY: within a method's call.
        unsafe { call.session.path(call.module()?.file) }
    }

    /// `get_data(path)`: there are no data files in the archive.
    get_data(call: c"O:get_data", c"path") {
        let api = call.api();
        // SAFETY: within a method's call; the exception is made from errno, so it is FileNotFoundError.
        unsafe {
            *libc::__errno_location() = libc::ENOENT;
            (api.PyErr_SetFromErrnoWithFilenameObject)(*api.PyExc_OSError, call.first());
        }
        None
    }

    /// `__reduce__()`: copies and pickles as a global of the module, where [`super::install`] puts it. So what holds
    /// a loader, a spec for one, can be copied.
    reduce(call: c":__reduce__",) {
        // SAFETY: within a method's call.
        unsafe { Owned::text(call.api(), super::install::OBJECT_NAME) }
    }
}

/// The module with a name that Python gives. The outer none has TypeError set; a name that has no UTF-8 form is that
/// of no module.
unsafe fn find(session: &Session, name: Object) -> Option<Option<Module<'static>>> {
    // SAFETY: within a method's call, which holds the name.
    unsafe { Some(utf8(session.api(), name)?.and_then(|name| session.importer.find(name))) }
}

/// Raises ImportError with the module's name.
unsafe fn not_ours(session: &Session, name: Object) {
    let api = session.api();
    // SAFETY: within a method's call, with a `str` that is alive.
    unsafe {
        let Some(end) = Owned::text(api, " is not in this executable") else { return };
        if let Some(message) = Owned::take(api, (api.PyUnicode_Concat)(name, end.get())) {
            (api.PyErr_SetImportError)(message.get(), name, ptr::null_mut());
        }
    }
}

/// The archive's name of a module: `module.__spec__`'s, else `module.__name__`.
unsafe fn module_name(session: &Session, module: &Owned) -> Option<Owned> {
    // SAFETY: within a method's call.
    unsafe {
        module.attribute(c"__spec__").and_then(|spec| name_of_spec(session, &spec)).or_else(|| {
            (session.api().PyErr_Clear)();
            module.attribute(c"__name__")
        })
    }
}

/// The archive's name of a spec's module: where [`Session::spec_by_path`] has noted it, else `spec.name`.
unsafe fn name_of_spec(session: &Session, spec: &Owned) -> Option<Owned> {
    spec.attribute(NAME_IN_ARCHIVE).or_else(|| {
        // SAFETY: within a method's call.
        unsafe { (session.api().PyErr_Clear)() };
        spec.attribute(c"name")
    })
}
