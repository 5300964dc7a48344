//! Names of attributes and keys as interned strings, so that looking one up hashes and compares nothing.

use core::ffi::CStr;

use crate::cpython::{Api, Owned};

macro_rules! names {
    ($($name:ident: $text:literal,)*) => {
        /// The strings of one interpreter.
        pub struct Names {
            $(pub $name: Owned,)*
        }

        impl Names {
            /// Makes the strings; none with an exception set.
            ///
            /// # Safety
            /// The calling thread may use Python.
            pub unsafe fn new(api: &'static Api) -> Option<Self> {
                // SAFETY: from the contract.
                let intern = |text: &CStr| unsafe {
                    Owned::take(api, (api.PyUnicode_InternFromString)(text.as_ptr()))
                };
                Some(Self { $($name: intern($text)?,)* })
            }
        }
    };
}

names! {
    dunder_cached: c"__cached__",
    dunder_file: c"__file__",
    dunder_loader: c"__loader__",
    dunder_package: c"__package__",
    dunder_path: c"__path__",
    dunder_spec: c"__spec__",
    cached: c"_cached",
    get_ident: c"get_ident",
    initializing: c"_initializing",
    loader: c"loader",
    loader_state: c"loader_state",
    meta_path: c"meta_path",
    modules: c"modules",
    name: c"name",
    origin: c"origin",
    path: c"path",
    set_file: c"_set_fileattr",
    submodule_search_locations: c"submodule_search_locations",
    uninitialized_submodules: c"_uninitialized_submodules",
}
