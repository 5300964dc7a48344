//! The libc functions that this executable takes, for itself and every library in the process.
//!
//! The dynamic linker looks a name up in the executable first, so libpython's `open64`, sqlite's `stat64` and so on are
//! these. Each turns C's arguments into Rust's and calls one function of `snapfreeze_runtime::vfs`; what is real ends
//! in the kernel or in glibc's function. A variadic function of C is one with all its arguments here: integers are
//! passed in the same registers (System V ABI, AMD64 supplement, 3.2.3).

mod attributes;
mod collect;
mod directory;
mod dynamic;
mod execute;
mod modify;
mod namespaces;
mod open;
mod paths;
mod stat;
mod streams;
mod threads;

use core::ffi::c_char;

use snapfreeze_runtime::vfs::system::PathArgument;

/// A path that a function was given.
///
/// # Safety
/// `path` is null or a NUL-terminated string that lives as long as the call: libc's own condition.
#[inline]
unsafe fn argument<'a>(path: *const c_char) -> PathArgument<'a> {
    // SAFETY: from the contract.
    unsafe { PathArgument::new(path) }
}

/// Exports functions under names of libc's. Each has the signature and the conditions of its manual page.
macro_rules! export {
    ($($(#[$attribute:meta])* fn $name:ident($($argument:ident: $kind:ty),* $(,)?) $(-> $result:ty)? $body:block)*) => {$(
        #[doc = concat!(stringify!($name), " of libc.")]
        ///
        /// # Safety
        /// Its manual page's.
        $(#[$attribute])*
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name($($argument: $kind),*) $(-> $result)? {
            // SAFETY: the caller keeps to the manual page, which asks for what the functions called here ask for.
            unsafe { $body }
        }
    )*};
}
use export;

/// As [`export`], for functions that take nothing that could be wrong.
macro_rules! export_plain {
    ($(fn $name:ident($($argument:ident: $kind:ty),*) -> $result:ty $body:block)*) => {$(
        #[doc = concat!(stringify!($name), " of libc.")]
        #[unsafe(no_mangle)]
        pub extern "C" fn $name($($argument: $kind),*) -> $result $body
    )*};
}
use export_plain;
