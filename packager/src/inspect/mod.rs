//! What is in a program: read out of an executable, or known of one that is not built.
//!
//! In: an executable of any platform, of which nothing is executed, or the plan of a build. Out: [`Contents`], one
//! inventory for both, which `inspect --json` prints as it is and all other views are made of.
//!
//! [`executable`] finds the archive in a file, [`tree`] lists its files, [`shares`] says who takes how much of it,
//! [`metadata`] reads what distributions say of themselves, [`native`] what libraries ask of the system; [`built`] and
//! [`planned`] collect that, and `assemble` puts it together. The executable may be hostile: nothing in it makes this
//! crash, or take more memory than its own length explains.

mod assemble;
pub mod built;
pub mod diff;
pub mod error;
pub mod executable;
pub mod extract;
mod foreign;
pub mod groups;
pub mod hashes;
pub mod metadata;
pub mod model;
pub mod native;
pub mod planned;
pub mod portability;
pub mod sbom;
pub mod shares;
pub mod show;
pub mod show_diff;
pub mod size;
pub mod tree;

use std::path::Path;

pub use error::InspectError;
pub use executable::Executable;
pub use model::Contents;
pub use portability::oldest_glibc;

/// The inventory of an executable, or of the one in the directory that `--onedir` makes.
///
/// # Errors
/// When it cannot be read, is damaged, or is something else.
pub fn of_executable(path: &Path) -> Result<Contents, InspectError> {
    built::contents(&Executable::open(path)?)
}

/// The inventory of an executable with checksums of all contents, which takes longer.
///
/// # Errors
/// When it cannot be read, is damaged anywhere, or is something else.
pub fn of_executable_with_checksums(path: &Path) -> Result<Contents, InspectError> {
    let executable = Executable::open(path)?;
    let mut contents = built::contents(&executable)?;
    hashes::add(&executable, &mut contents)?;
    Ok(contents)
}

#[cfg(test)]
mod hostile_tests;
