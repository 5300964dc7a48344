//! A text that takes its place at once: it is written beside it and renamed, so that what was there stays until all of the
//! new is.

use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::NamedTempFile;

use crate::shown::plain;

/// The draft of a file, beside its place. Without permissions of its own it has what the umask leaves of the usual ones.
/// It goes when it is dropped; [`NamedTempFile::persist`] puts it in its place.
///
/// # Errors
/// When it cannot be written; the error names no temporary file.
pub fn beside(place: &Path, text: &[u8], permissions: Option<Permissions>) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    let draft = builder.permissions(Permissions::from_mode(0o666)).tempfile_in(directory_of(place));
    let mut draft = draft.map_err(plain)?;
    draft.write_all(text).map_err(plain)?;
    if let Some(permissions) = permissions {
        draft.as_file().set_permissions(permissions)?;
    }
    Ok(draft)
}

/// Writes a file, all of it or nothing, with the directories above it.
///
/// # Errors
/// When it cannot be written; the error names no temporary file.
pub fn replace(place: &Path, text: &[u8]) -> io::Result<()> {
    std::fs::create_dir_all(directory_of(place))?;
    beside(place, text, None)?.persist(place).map_err(|error| plain(error.error))?;
    Ok(())
}

fn directory_of(place: &Path) -> &Path {
    place.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
