//! C structs of CPython's API that are the same from 3.9 to 3.14 (x86-64 and other LP64 platforms).

use core::ffi::{c_char, c_int, c_uint, c_void};

/// `PyObject`: only ever behind a pointer.
#[repr(C)]
pub struct PyObject {
    references: usize,
    /// `ob_type`.
    class: Object,
}

impl PyObject {
    /// The number of references to it; where objects can be immortal (3.12), some number above it for those.
    pub fn references(&self) -> usize {
        self.references
    }

    /// The object's exact type, borrowed.
    pub fn class(&self) -> Object {
        self.class
    }
}

/// A pointer to a Python object, owned or borrowed as the function that gives it says.
pub type Object = *mut PyObject;

/// `PyCFunctionWithKeywords`: a tuple of positional arguments, and a dictionary of the others or null.
pub type Function = unsafe extern "C" fn(receiver: Object, arguments: Object, keywords: Object) -> Object;

/// `_PyCFunctionFast`: positional arguments and their number.
pub type FastFunction =
    unsafe extern "C" fn(receiver: Object, arguments: *const Object, count: isize) -> Object;

/// `METH_FASTCALL` (methodobject.h; in the limited API since 3.7).
const METH_FASTCALL: c_int = 0x80;

/// `METH_VARARGS | METH_KEYWORDS` (methodobject.h).
const METH_VARARGS_KEYWORDS: c_int = 1 | 2;

/// `PyMethodDef` (methodobject.h).
#[repr(C)]
pub struct PyMethodDef {
    /// Name.
    pub name: *const c_char,
    /// The function; none ends a table.
    pub function: Option<Function>,
    /// `METH_…`.
    pub flags: c_int,
    /// Documentation.
    pub doc: *const c_char,
}

// SAFETY: the pointers are to constants.
unsafe impl Sync for PyMethodDef {}

impl PyMethodDef {
    /// A method that takes positional and keyword arguments.
    pub const fn new(name: &'static core::ffi::CStr, function: Function) -> Self {
        Self {
            name: name.as_ptr(),
            function: Some(function),
            flags: METH_VARARGS_KEYWORDS,
            doc: core::ptr::null(),
        }
    }

    /// A function that takes positional arguments only, and gets them as they lie on the caller's stack.
    pub const fn fast(name: &'static core::ffi::CStr, function: FastFunction) -> Self {
        // SAFETY: with this flag CPython calls the function with `FastFunction`'s arguments.
        let function = unsafe { core::mem::transmute::<FastFunction, Function>(function) };
        Self { name: name.as_ptr(), function: Some(function), flags: METH_FASTCALL, doc: core::ptr::null() }
    }

    /// The end of a table of methods.
    pub const END: Self = Self { name: core::ptr::null(), function: None, flags: 0, doc: core::ptr::null() };
}

/// `PyType_Slot` and `PyModuleDef_Slot`: the same layout.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Slot {
    /// Slot number.
    pub slot: c_int,
    /// What goes there.
    pub value: *mut c_void,
}

/// `Py_tp_methods` (typeslots.h).
pub const PY_TP_METHODS: c_int = 64;
/// `Py_EQ` (object.h).
pub const PY_EQ: c_int = 2;
/// `Py_tp_new` (typeslots.h).
pub const PY_TP_NEW: c_int = 65;
/// `newfunc` (object.h): what stands in that slot.
pub type NewFunction = unsafe extern "C" fn(class: Object, positional: Object, keywords: Object) -> Object;
/// `Py_mod_exec` (moduleobject.h).
pub const PY_MOD_EXEC: c_int = 2;
/// `Py_mod_multiple_interpreters` (moduleobject.h, 3.12+).
pub const PY_MOD_MULTIPLE_INTERPRETERS: c_int = 3;
/// `Py_MOD_PER_INTERPRETER_GIL_SUPPORTED` (moduleobject.h, 3.12+).
pub const PER_INTERPRETER_GIL_SUPPORTED: usize = 2;

/// `PyType_Spec` (object.h).
#[repr(C)]
pub struct PyTypeSpec {
    /// Dotted name.
    pub name: *const c_char,
    /// Size of an instance.
    pub basic_size: c_int,
    /// Size of an item, 0.
    pub item_size: c_int,
    /// `Py_TPFLAGS_…`.
    pub flags: c_uint,
    /// Slots, ended by slot 0.
    pub slots: *mut Slot,
}

/// `Py_TPFLAGS_DEFAULT` as it is in every version from 3.9 on: `Py_TPFLAGS_HAVE_VERSION_TAG`.
pub const PY_TPFLAGS_DEFAULT: c_uint = 1 << 18;

/// `PyModuleDef` with its `PyModuleDef_Base` (moduleobject.h).
#[repr(C)]
pub struct PyModuleDef {
    /// `PyObject_HEAD`: reference count and type.
    pub head: [usize; 2],
    /// `m_init`, `m_index`, `m_copy` of the base.
    pub base: [usize; 3],
    /// Name.
    pub name: *const c_char,
    /// Documentation.
    pub doc: *const c_char,
    /// Size of the module's state.
    pub size: isize,
    /// Functions.
    pub methods: *const PyMethodDef,
    /// Slots, ended by slot 0.
    pub slots: *const Slot,
    /// `m_traverse`, `m_clear`, `m_free`.
    pub hooks: [usize; 3],
}

/// `PyStatus` (initconfig.h): returned through a hidden pointer, as C does for a struct of 32 bytes.
#[repr(C)]
pub struct PyStatus {
    /// 0 success, 1 error, 2 exit.
    pub kind: c_int,
    /// Function that failed.
    pub function: *const c_char,
    /// Message.
    pub message: *const c_char,
    /// Exit code, for kind 2.
    pub exit_code: c_int,
}

/// `PyPreConfig` (initconfig.h): ten ints in every version.
pub const PRECONFIG_LENGTH: usize = 10;

/// Indexes of `PyPreConfig`'s members that are set here.
pub mod preconfig {
    /// `parse_argv`.
    pub const PARSE_ARGV: usize = 1;
    /// `isolated`.
    pub const ISOLATED: usize = 2;
    /// `use_environment`.
    pub const USE_ENVIRONMENT: usize = 3;
    /// `utf8_mode`.
    pub const UTF8_MODE: usize = 7;
    /// `dev_mode`.
    pub const DEV_MODE: usize = 8;
}

/// `struct _frozen` before 3.11 and from 3.13 on (import.h). The third and fourth word differ in meaning:
/// before 3.11 a negative size marks a package and there is no fourth.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Frozen24 {
    /// Name; null ends a table.
    pub name: *const c_char,
    /// Marshalled code.
    pub code: *const u8,
    /// Its length.
    pub size: c_int,
    /// Whether it is a package (3.13+).
    pub is_package: c_int,
}

/// `PyInit_…` of a module.
pub type InitFunction = unsafe extern "C" fn() -> Object;

/// `struct _inittab`: a builtin module.
#[repr(C)]
pub struct Builtin {
    /// Name; null ends a table.
    pub name: *const c_char,
    /// Its init function; null for `sys` and `builtins`.
    pub initialise: Option<InitFunction>,
}

/// `struct _frozen` of 3.11 and 3.12.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Frozen32 {
    /// The fields that both have.
    pub common: Frozen24,
    /// `get_code`, null.
    pub get_code: *const c_void,
}

const _: () = assert!(size_of::<PyStatus>() == 32);
const _: () = assert!(size_of::<PyModuleDef>() == 104);
const _: () = assert!(size_of::<PyTypeSpec>() == 32);
const _: () = assert!(size_of::<PyMethodDef>() == 32);
const _: () = assert!(size_of::<Frozen24>() == 24);
const _: () = assert!(size_of::<Frozen32>() == 32);
