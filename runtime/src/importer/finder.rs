//! The one method of `_snapfreeze.Importer`, the finder at the head of `sys.meta_path`: `find_spec`.
//!
//! It answers for modules that the archive has where the import system would look: below a package's `__path__`, or,
//! for top-level names, at the root's place in `sys.path`. Entries before that place go first, as they would in
//! `python`, and are left to importlib's `PathFinder`. So is everything that this finder does not answer for: the
//! tree of files has each module as a file, so directories of the archive that a program puts on a path work too.

use core::ptr;

use super::arguments::Signature;
use super::object;
use super::session::Session;
use super::specs::{directory_above, utf8};
use crate::archive::{Module, ModuleKind};
use crate::cpython::Owned;
use crate::cpython::reference::returned;
use crate::cpython::types::{Object, PY_EQ, PyMethodDef};

/// The type's table of methods.
pub static METHODS: [PyMethodDef; 2] = [PyMethodDef::new(c"find_spec", find_spec), PyMethodDef::END];

/// `find_spec(fullname, path=None, target=None)`.
unsafe extern "C" fn find_spec(receiver: Object, positional: Object, keywords: Object) -> Object {
    static SIGNATURE: Signature = Signature::new(c"O|OO:find_spec", &[c"fullname", c"path", c"target"]);
    let Some(api) = super::install::importer().map(|importer| importer.api) else { return ptr::null_mut() };
    // SAFETY: CPython calls methods with a receiver of the type and their arguments, holding the GIL.
    returned(unsafe {
        SIGNATURE.read(api, positional, keywords).and_then(|[name, path, _target]| {
            let Some(session) = object::session(receiver) else {
                let message = c"this importer was not made by the executable and finds nothing";
                (api.PyErr_SetString)(*api.PyExc_TypeError, message.as_ptr());
                return None;
            };
            let path = (!path.is_null() && path != api.none()).then_some(path);
            session.find(name, path)?.map_or_else(|| Owned::none(api), Some)
        })
    })
}

/// Where a search path has the directory that a module of the archive lies in.
enum Place {
    /// It is the first entry.
    First,
    /// These entries come before it.
    After(Owned),
    /// It is not among the entries.
    Absent,
}

impl Session {
    /// The spec of a module that the archive answers for. The inner none: it does not; the outer one: an exception is
    /// set.
    ///
    /// # Safety
    /// `name` is a live object and so is `path`; the calling thread may use Python.
    unsafe fn find(&self, name: Object, path: Option<Object>) -> Option<Option<Owned>> {
        // SAFETY: from the contract; the name outlives its text.
        unsafe {
            // A name that has no UTF-8 form is that of no module.
            let Some(text) = utf8(self.api(), name)? else { return Some(None) };
            let Some(module) = self.importer.find(text) else {
                self.note_miss(text);
                return Some(None);
            };
            let is_top_level = !module.name.contains('.');
            let path = path.filter(|_| !is_top_level);
            let place = match path {
                Some(path) => self.place(path, &self.path(directory_above(&module))?)?,
                None => self.place_in_sys_path()?,
            };
            match place {
                Place::First => self.spec(&module).map(Some),
                Place::After(entries) => {
                    let earlier = self.find_earlier(name, &entries, &module)?;
                    earlier.map_or_else(|| self.spec(&module).map(Some), |earlier| Some(earlier.found()))
                }
                // A program may empty `sys.path` and still import: here one entry stands for all that `python` has.
                Place::Absent if is_top_level => self.spec(&module).map(Some),
                Place::Absent => Some(None),
            }
        }
    }

    /// Whether a list begins with the `str` of a directory of the archive, so that nothing comes before the archive's
    /// modules. What is not simple is no.
    ///
    /// # Safety
    /// `path` is null or alive; the calling thread may use Python.
    pub(super) unsafe fn is_first(&self, path: Object, directory: &str) -> bool {
        let api = self.api();
        // SAFETY: from the contract; an entry of a list is borrowed, and looked at before anything else happens.
        unsafe {
            if path.is_null() || (*path).class() != api.PyList_Type || (api.PyList_Size)(path) == 0 {
                return false;
            }
            let first = (api.PyList_GetItem)(path, 0);
            if first == self.root.get() {
                return directory.is_empty();
            }
            if (*first).class() != api.PyUnicode_Type {
                return false;
            }
            let Some(Some(text)) = utf8(api, first) else {
                (api.PyErr_Clear)();
                return false;
            };
            let below = self.importer.root.to_str().and_then(|root| text.strip_prefix(root));
            match below {
                Some("") => directory.is_empty(),
                Some(below) => !directory.is_empty() && below.strip_prefix('/') == Some(directory),
                None => false,
            }
        }
    }

    /// The root's place in `sys.path`.
    unsafe fn place_in_sys_path(&self) -> Option<Place> {
        // SAFETY: from `find`; `sys.path` is borrowed and kept alive meanwhile.
        unsafe {
            match Owned::share(self.api(), (self.api().PySys_GetObject)(c"path".as_ptr())) {
                Some(path) => self.place(path.get(), &self.root),
                None => Some(Place::Absent),
            }
        }
    }

    /// The place of `directory` in `path`; none with an exception set when the path cannot be iterated.
    unsafe fn place(&self, path: Object, directory: &Owned) -> Option<Place> {
        let api = self.api();
        // SAFETY: from `find`; entries are alive while they are looked at.
        unsafe {
            let entries = Owned::take(api, (api.PyObject_GetIter)(path))?;
            let mut before: Option<Owned> = None;
            while let Some(entry) = Owned::take(api, (api.PyIter_Next)(entries.get())) {
                let is_it = entry.get() == directory.get()
                    || match (api.PyObject_RichCompareBool)(entry.get(), directory.get(), PY_EQ) {
                        -1 => return None,
                        equal => equal == 1,
                    };
                if is_it {
                    return Some(before.map_or(Place::First, Place::After));
                }
                let list = match before.take() {
                    Some(list) => list,
                    None => Owned::take(api, (api.PyList_New)(0))?,
                };
                if (api.PyList_Append)(list.get(), entry.get()) != 0 {
                    return None;
                }
                before = Some(list);
            }
            (api.PyErr_Occurred)().is_null().then_some(Place::Absent)
        }
    }

    /// What `PathFinder` finds in the entries that come before the archive's. The inner none: nothing, so that the
    /// archive's module is the one; a namespace package goes before no module, but joins another.
    fn find_earlier(&self, name: Object, entries: &Owned, module: &Module) -> Option<Option<Earlier>> {
        let none = self.api().none();
        let spec = self.path_finder.attribute(c"find_spec")?.call(&[name, entries.get()])?;
        if spec.get() == none {
            return Some(None);
        }
        let is_namespace = spec.attribute(c"loader")?.get() == none;
        Some(match (is_namespace, module.kind) {
            (false, _) => Some(Earlier::Module(spec)),
            (true, ModuleKind::Namespace) => Some(Earlier::Portion),
            (true, _) => None,
        })
    }
}

/// What entries before the archive's hold.
enum Earlier {
    /// A module of that name.
    Module(Owned),
    /// Another portion of the namespace package: `PathFinder` is to put all portions together.
    Portion,
}

impl Earlier {
    fn found(self) -> Option<Owned> {
        match self {
            Self::Module(spec) => Some(spec),
            Self::Portion => None,
        }
    }
}
