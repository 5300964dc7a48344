//! The functions and objects of CPython's C API that the runtime uses.
//!
//! All but the optional ones are exported by every CPython from 3.9 to 3.13. They are looked up once, together: a library
//! that lacks one is reported before anything runs.

use core::ffi::{c_char, c_int, c_void};

use super::arenas::PyObjectArenaAllocator;
use super::types::{Builtin, Object, PyMethodDef, PyModuleDef, PyStatus, PyTypeSpec};
use crate::error::StartError;
use crate::os::library::Library;

macro_rules! api {
    (
        functions { $($function:ident: fn($($argument:ty),* $(; $variadic:tt)?) $(-> $result:ty)?;)* }
        optional { $($optional:ident: fn() -> $returned:ty $(, later $later:ident)?;)* }
        objects { $($object:ident: $kind:ty;)* }
    ) => {
        /// Resolved symbols of the C API, under their own names.
        #[derive(Clone, Copy)]
        #[expect(non_snake_case, reason = "the names are CPython's")]
        pub struct Api {
            $(pub $function: unsafe extern "C" fn($($argument,)* $($variadic)?) $(-> $result)?,)*
            $(pub $optional: Option<unsafe extern "C" fn() -> $returned>,)*
            $(pub $object: *mut $kind,)*
        }

        impl Api {
            /// Looks all symbols up. The result lives as long as the process, as the library does.
            pub fn resolve(library: &Library) -> Result<&'static Self, StartError> {
                let symbol = |name: &'static core::ffi::CStr| {
                    library.symbol(name).ok_or(StartError::Symbol(name.to_str().unwrap_or("a symbol")))
                };
                Ok(Box::leak(Box::new(Self {
                    $(
                        // SAFETY: the symbol of this name is a function with this signature (CPython's headers).
                        $function: unsafe {
                            core::mem::transmute::<core::ptr::NonNull<c_void>, unsafe extern "C" fn($($argument,)* $($variadic)?) $(-> $result)?>(
                                symbol(const { c_name(concat!(stringify!($function), "\0")) })?,
                            )
                        },
                    )*
                    $(
                        $optional: library
                            .symbol(const { c_name(concat!(stringify!($optional), "\0")) })
                            $(.or_else(|| library.symbol(const { c_name(concat!(stringify!($later), "\0")) })))?
                            // SAFETY: as above.
                            .map(|symbol| unsafe {
                                core::mem::transmute::<core::ptr::NonNull<c_void>, unsafe extern "C" fn() -> $returned>(symbol)
                            }),
                    )*
                    $($object: symbol(const { c_name(concat!(stringify!($object), "\0")) })?.as_ptr().cast(),)*
                })))
            }
        }
    };
}

/// A C string literal out of one that ends with NUL; checked when compiled.
const fn c_name(name: &'static str) -> &'static core::ffi::CStr {
    match core::ffi::CStr::from_bytes_with_nul(name.as_bytes()) {
        Ok(name) => name,
        Err(_) => c"",
    }
}

/// `wchar_t *` of CPython's configuration.
pub type WideString = *mut libc::wchar_t;

/// `Py_OpenCodeHookFunction` (PEP 578).
pub type OpenCodeHook = unsafe extern "C" fn(path: Object, data: *mut c_void) -> Object;

api! {
    functions {
        // Configuration and life cycle.
        PyPreConfig_InitPythonConfig: fn(*mut c_int);
        Py_PreInitialize: fn(*const c_int) -> PyStatus;
        Py_PreInitializeFromBytesArgs: fn(*const c_int, isize, *const *const c_char) -> PyStatus;
        Py_ExitStatusException: fn(PyStatus);
        PyConfig_InitIsolatedConfig: fn(*mut u8);
        PyConfig_InitPythonConfig: fn(*mut u8);
        PyConfig_SetBytesString: fn(*mut u8, *mut u8, *const c_char) -> PyStatus;
        PyConfig_SetBytesArgv: fn(*mut u8, isize, *const *const c_char) -> PyStatus;
        PyConfig_Clear: fn(*mut u8);
        PyWideStringList_Append: fn(*mut u8, WideString) -> PyStatus;
        Py_DecodeLocale: fn(*const c_char, *mut usize) -> WideString;
        PyMem_RawFree: fn(*mut c_void);
        PyObject_SetArenaAllocator: fn(*const PyObjectArenaAllocator);
        Py_InitializeFromConfig: fn(*const u8) -> PyStatus;
        PyImport_AppendInittab: fn(*const c_char, unsafe extern "C" fn() -> Object) -> c_int;
        PyFile_SetOpenCodeHook: fn(OpenCodeHook, *mut c_void) -> c_int;
        Py_RunMain: fn() -> c_int;
        PyGC_Collect: fn() -> isize;
        // Objects.
        Py_IncRef: fn(Object);
        Py_DecRef: fn(Object);
        PyObject_GetAttrString: fn(Object, *const c_char) -> Object;
        PyObject_RichCompareBool: fn(Object, Object, c_int) -> c_int;
        PyObject_IsInstance: fn(Object, Object) -> c_int;
        PyInstanceMethod_New: fn(Object) -> Object;
        PyTuple_Pack: fn(isize; ...) -> Object;
        PyObject_SetAttrString: fn(Object, *const c_char, Object) -> c_int;
        PyObject_GetAttr: fn(Object, Object) -> Object;
        PyObject_SetAttr: fn(Object, Object, Object) -> c_int;
        PyObject_IsTrue: fn(Object) -> c_int;
        PyObject_GetIter: fn(Object) -> Object;
        PyIter_Next: fn(Object) -> Object;
        PyObject_CallFunctionObjArgs: fn(Object; ...) -> Object;
        PyUnicode_FromStringAndSize: fn(*const c_char, isize) -> Object;
        PyUnicode_InternFromString: fn(*const c_char) -> Object;
        PyUnicode_InternInPlace: fn(*mut Object);
        PyUnicode_InternImmortal: fn(*mut Object);
        PyUnicode_DecodeUTF8: fn(*const c_char, isize, *const c_char) -> Object;
        PyUnicode_DecodeFSDefaultAndSize: fn(*const c_char, isize) -> Object;
        PyUnicode_GetLength: fn(Object) -> isize;
        PyUnicode_Tailmatch: fn(Object, Object, isize, isize, c_int) -> isize;
        PyUnicode_Substring: fn(Object, isize, isize) -> Object;
        PyBytes_FromStringAndSize: fn(*const c_char, isize) -> Object;
        PySequence_Concat: fn(Object, Object) -> Object;
        PyUnicode_Concat: fn(Object, Object) -> Object;
        PyUnicode_AsUTF8AndSize: fn(Object, *mut isize) -> *const c_char;
        PyArg_ParseTupleAndKeywords: fn(Object, Object, *const c_char, *const *const c_char; ...) -> c_int;
        PyLong_FromLong: fn(core::ffi::c_long) -> Object;
        PyLong_FromUnsignedLong: fn(core::ffi::c_ulong) -> Object;
        _PyLong_FromByteArray: fn(*const u8, usize, c_int, c_int) -> Object;
        PyFloat_FromDouble: fn(f64) -> Object;
        PyComplex_FromDoubles: fn(f64, f64) -> Object;
        PyStructSequence_SetItem: fn(Object, isize, Object);
        PyList_New: fn(isize) -> Object;
        PyList_Insert: fn(Object, isize, Object) -> c_int;
        PyList_Append: fn(Object, Object) -> c_int;
        PyList_Size: fn(Object) -> isize;
        PyList_GetItem: fn(Object, isize) -> Object;
        PyList_SetSlice: fn(Object, isize, isize, Object) -> c_int;
        PyTuple_New: fn(isize) -> Object;
        PySet_New: fn(Object) -> Object;
        PyFrozenSet_New: fn(Object) -> Object;
        PyDict_New: fn() -> Object;
        PyDict_GetItemWithError: fn(Object, Object) -> Object;
        PyDict_SetItem: fn(Object, Object, Object) -> c_int;
        PyDict_DelItem: fn(Object, Object) -> c_int;
        PyDict_Items: fn(Object) -> Object;
        PyDict_SetItemString: fn(Object, *const c_char, Object) -> c_int;
        PyDict_DelItemString: fn(Object, *const c_char) -> c_int;
        // Modules, code and types.
        PyModuleDef_Init: fn(*mut PyModuleDef) -> Object;
        PyModule_New: fn(*const c_char) -> Object;
        PyModule_NewObject: fn(Object) -> Object;
        PyModule_GetDict: fn(Object) -> Object;
        PyImport_AddModule: fn(*const c_char) -> Object;
        PyImport_ImportModule: fn(*const c_char) -> Object;
        PyInterpreterState_Get: fn() -> *mut c_void;
        PyImport_GetModuleDict: fn() -> Object;
        PyImport_GetMagicNumber: fn() -> core::ffi::c_long;
        PyMarshal_ReadObjectFromString: fn(*const c_char, isize) -> Object;
        PyEval_EvalCode: fn(Object, Object, Object) -> Object;
        PyType_FromSpec: fn(*mut PyTypeSpec) -> Object;
        PyType_GetFlags: fn(Object) -> core::ffi::c_ulong;
        PyType_GetSlot: fn(Object, c_int) -> *mut c_void;
        PyThread_get_thread_ident: fn() -> core::ffi::c_ulong;
        PyCFunction_NewEx: fn(*const PyMethodDef, Object, Object) -> Object;
        PySys_GetObject: fn(*const c_char) -> Object;
        PySys_SetObject: fn(*const c_char, Object) -> c_int;
        // Errors.
        PyErr_Occurred: fn() -> Object;
        PySys_Audit: fn(*const c_char, *const c_char; ...) -> c_int;
        PyErr_Print: fn();
        PyErr_Clear: fn();
        PyErr_ExceptionMatches: fn(Object) -> c_int;
        PyErr_SetString: fn(Object, *const c_char);
        PyErr_SetObject: fn(Object, Object);
        PyErr_Fetch: fn(*mut Object, *mut Object, *mut Object);
        PyErr_Restore: fn(Object, Object, Object);
        PyErr_WarnEx: fn(Object, *const c_char, isize) -> c_int;
    }
    optional {
        // From 3.10 on.
        PyGC_Disable: fn() -> c_int;
        PyGC_Enable: fn() -> c_int;
        PyGC_IsEnabled: fn() -> c_int;
        // 3.13 has other names for them.
        _Py_IsFinalizing: fn() -> c_int, later Py_IsFinalizing;
        _PyThreadState_UncheckedGet: fn() -> *mut c_void, later PyThreadState_GetUnchecked;
    }
    objects {
        _Py_NoneStruct: super::types::PyObject;
        _Py_TrueStruct: super::types::PyObject;
        _Py_FalseStruct: super::types::PyObject;
        _Py_EllipsisObject: super::types::PyObject;
        PyBytes_Type: super::types::PyObject;
        PyClassMethodDescr_Type: super::types::PyObject;
        PyCode_Type: super::types::PyObject;
        PyDict_Type: super::types::PyObject;
        PyGetSetDescr_Type: super::types::PyObject;
        PyList_Type: super::types::PyObject;
        PyMemberDescr_Type: super::types::PyObject;
        PyMethodDescr_Type: super::types::PyObject;
        PyModule_Type: super::types::PyObject;
        PyTuple_Type: super::types::PyObject;
        PyUnicode_Type: super::types::PyObject;
        PyWrapperDescr_Type: super::types::PyObject;
        PyExc_ImportError: Object;
        PyExc_TypeError: Object;
        PyExc_AttributeError: Object;
        PyExc_KeyError: Object;
        PyExc_ImportWarning: Object;
        PyExc_UnicodeError: Object;
        PyImport_FrozenModules: *const c_void;
        PyImport_Inittab: *mut Builtin;
    }
}

impl Api {
    /// `None`, borrowed.
    pub fn none(&self) -> Object {
        self._Py_NoneStruct
    }

    /// `True` or `False`, borrowed.
    pub fn boolean(&self, value: bool) -> Object {
        if value { self._Py_TrueStruct } else { self._Py_FalseStruct }
    }
}

// SAFETY: addresses of functions and static objects; whoever calls through them holds the GIL.
unsafe impl Sync for Api {}
// SAFETY: as above.
unsafe impl Send for Api {}
