//! The loaders of the archive's modules: importlib's own, so that whoever asks a loader for its class, its path or its
//! data finds what `python` has. They read the tree of files, and load extension modules from it.
//!
//! Only that of modules with bytecode is a subclass: its `get_code` takes a module's code out of the archive where it
//! lies, which spares the way through files, and its `get_source` tells where there is no source.
//! The functions have the interpreter's importer object as their receiver, through which they know their session, and
//! are made methods by `PyInstanceMethod_New`.

use core::ptr;

use super::arguments::Signature;
use super::object;
use super::session::Session;
use super::specs::utf8;
use crate::archive::{Module, ModuleKind};
use crate::cpython::reference::returned;
use crate::cpython::types::{Object, PyMethodDef};
use crate::cpython::{Api, Owned};

/// The loader classes of one interpreter.
pub struct Loaders {
    /// Of modules whose bytecode is in the archive.
    pub source: Owned,
    /// Of `.pyc` files without a source: importlib's own.
    pub sourceless: Owned,
    /// Of extension modules: importlib's own.
    pub extension: Owned,
    /// `SourceFileLoader.get_code` of importlib, for files that are not the archive's.
    get_code: Owned,
    /// `SourceFileLoader.get_source` of importlib.
    get_source: Owned,
}

static GET_CODE: PyMethodDef = PyMethodDef::new(c"get_code", get_code);
static GET_SOURCE: PyMethodDef = PyMethodDef::new(c"get_source", get_source);

impl Loaders {
    /// Makes the classes; none with an exception set. `importer` is the interpreter's importer object, `external`
    /// is `importlib._bootstrap_external`.
    ///
    /// # Safety
    /// The calling thread may use Python.
    pub unsafe fn new(api: &'static Api, importer: &Owned, external: &Owned) -> Option<Self> {
        let base = external.attribute(c"SourceFileLoader")?;
        // SAFETY: from the contract; the methods' definitions are static.
        unsafe {
            Some(Self {
                source: subclass(api, importer, &base, &[&GET_CODE, &GET_SOURCE])?,
                sourceless: external.attribute(c"SourcelessFileLoader")?,
                get_code: base.attribute(c"get_code")?,
                get_source: base.attribute(c"get_source")?,
                extension: external.attribute(c"ExtensionFileLoader")?,
            })
        }
    }
}

/// `type(NAME, (base,), {"__module__": "_snapfreeze", …})`.
unsafe fn subclass(
    api: &'static Api,
    importer: &Owned,
    base: &Owned,
    methods: &[&'static PyMethodDef],
) -> Option<Owned> {
    // SAFETY: called by `Loaders::new`; the definitions are static.
    unsafe {
        let namespace = Owned::take(api, (api.PyDict_New)())?;
        let set = |name: *const core::ffi::c_char, value: &Owned| {
            ((api.PyDict_SetItemString)(namespace.get(), name, value.get()) == 0).then_some(())
        };
        set(c"__module__".as_ptr(), &Owned::text(api, "_snapfreeze")?)?;
        for method in methods {
            let function =
                Owned::take(api, (api.PyCFunction_NewEx)(*method, importer.get(), ptr::null_mut()))?;
            set(method.name, &Owned::take(api, (api.PyInstanceMethod_New)(function.get()))?)?;
        }
        let bases = Owned::take(api, (api.PyTuple_Pack)(1, base.get()))?;
        let name = base.attribute(c"__name__")?;
        let metaclass = base.attribute(c"__class__")?;
        metaclass.call(&[name.get(), bases.get(), namespace.get()])
    }
}

/// Defines the methods: each gets its session, the loader and its one argument, and returns a new reference, or none
/// with an exception set.
macro_rules! methods {
    ($($(#[$meta:meta])* $name:ident($session:ident, $loader:ident, $argument:ident: $format:literal $argument_name:literal) $body:block)*) => {
        $($(#[$meta])*
        unsafe extern "C" fn $name(receiver: Object, positional: Object, keywords: Object) -> Object {
            static SIGNATURE: Signature = Signature::new($format, &[c"self", $argument_name]);
            unsafe fn body($session: &'static Session, $loader: &Owned, $argument: Object) -> Option<Owned> $body
            // SAFETY: the receiver is the importer object that the function was made with; CPython passes the
            // arguments and holds the GIL.
            returned(unsafe {
                object::session(receiver).and_then(|session| {
                    let [loader, argument, _] = SIGNATURE.read(session.api(), positional, keywords)?;
                    body(session, &Owned::share(session.api(), loader)?, argument)
                })
            })
        })*
    };
}

methods! {
    /// `get_code(self, fullname)`.
    get_code(session, loader, fullname: c"OO:get_code" c"fullname") {
        let file = loader.attribute(c"get_filename")?.call(&[fullname])?;
        // SAFETY: within a method's call.
        unsafe {
            match session.module_at(&file)?.filter(|module| module.kind == ModuleKind::Code) {
                Some(module) => session.code(module.content, &file),
                None => session.loaders.get_code.call(&[loader.get(), fullname]),
            }
        }
    }

    /// `get_source(self, fullname)`: None where the archive has the bytecode alone.
    get_source(session, loader, fullname: c"OO:get_source" c"fullname") {
        let file = loader.attribute(c"get_filename")?.call(&[fullname])?;
        // SAFETY: within a method's call.
        unsafe {
            match session.module_at(&file)? {
                Some(module) if !session.importer.has_source(module.file) => Owned::none(session.api()),
                _ => session.loaders.get_source.call(&[loader.get(), fullname]),
            }
        }
    }
}

impl Session {
    /// The module whose file is at an absolute path. The outer none: TypeError is set, the path is no `str`.
    ///
    /// # Safety
    /// The calling thread may use Python.
    unsafe fn module_at(&self, path: &Owned) -> Option<Option<Module<'static>>> {
        // SAFETY: from the contract; the path outlives its text.
        let path = unsafe { utf8(self.api(), path.get())? };
        Some(path.and_then(|path| self.importer.module_at(path)))
    }
}
