//! Where CPython comes from.
//!
//! The seam between the ways of carrying it: in the same file as the stub, bound by the dynamic linker before
//! the program started, or as a library of the archive, loaded from memory. Nothing else of the runtime knows
//! which it was.

use core::ffi::CStr;

use super::Api;
use crate::MappedArchive;
use crate::archive::{ArchiveError, Target};
use crate::error::StartError;
use crate::os::dynamic;
use crate::os::library::Library;

/// A symbol that every CPython since 3.8 exports.
const LANDMARK: &CStr = c"Py_InitializeFromConfig";

/// Why a program without an archive cannot start: CPython may be missing in it, too. The packager starts each fused
/// file once before it attaches an archive.
pub fn without_archive() -> StartError {
    let carried = Library::program().filter(|program| program.symbol(LANDMARK).is_some());
    carried.and_then(|program| Api::resolve(&program).err()).unwrap_or(StartError::Empty)
}

/// Loads CPython as the archive says.
pub fn load(archive: MappedArchive, target: &Target) -> Result<Library, StartError> {
    match target.libpython {
        Some(number) => dynamic::load_library(archive, number, libc::RTLD_NOW | libc::RTLD_GLOBAL),
        None => Library::program()
            .filter(|program| program.symbol(LANDMARK).is_some())
            .ok_or(StartError::Damaged(ArchiveError::Invalid { part: "target: there is no libpython" })),
    }
}
