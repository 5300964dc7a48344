//! `sbom`: the bill of materials of an executable, or of a program that is looked at as for a build.

use std::fs::File;
use std::path::Path;

use crate::error::Error;
use crate::inspect::sbom::{Bom, Circumstances, bom};
use crate::inspect::{InspectError, of_executable_with_checksums, planned};
use crate::ops::build::on_threads;
use crate::ops::prepare::prepare;
use crate::request::{BuildRequest, environment};

/// The bill of materials of an executable.
///
/// # Errors
/// When it cannot be read, is damaged, or is something else.
pub fn of_executable(executable: &Path) -> Result<Bom, Error> {
    let contents = of_executable_with_checksums(executable)?;
    let failed = |source| InspectError::Read { path: executable.to_owned(), source };
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(executable).map_err(failed)?).map_err(failed)?;
    let checksum = Some(hasher.finalize().to_hex().to_string());
    bom(&contents, &Circumstances { checksum, time: time() }).map_err(Error::Json)
}

/// The bill of materials of a program.
///
/// # Errors
/// When a phase fails.
pub fn of_program(request: &BuildRequest) -> Result<Bom, Error> {
    let prepared = on_threads(request, || prepare(request))?;
    let contents = planned::contents(&request.entry.name(), &prepared);
    bom(&contents, &Circumstances { checksum: None, time: time() }).map_err(Error::Json)
}

/// SOURCE_DATE_EPOCH, in seconds since 1970.
fn time() -> Option<i64> {
    environment("SOURCE_DATE_EPOCH")?.to_str()?.parse().ok()
}
