//! Files that hooks name ([`crate::hooks`]): as the user's own additions are found, but one that is a module is that.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::walk::{Found, KnownModules};
use super::{DataError, DataRequest, additions, real_path};
use crate::collect::files::Reason;

/// What hooks bring.
#[derive(Debug, Default)]
pub struct FoundByHooks {
    /// The files.
    pub found: Found,
    /// The shared libraries among them: real paths.
    pub shared_objects: BTreeSet<PathBuf>,
}

/// Finds the files that hooks name.
///
/// # Errors
/// When one cannot be read.
pub fn find(request: &DataRequest, known: &KnownModules, output: &Path) -> Result<FoundByHooks, DataError> {
    let hooked = &request.graph.hooked;
    let mut all = FoundByHooks::default();
    let binaries = hooked.binaries.iter().map(|addition| (addition, true));
    for (addition, is_binary) in hooked.datas.iter().map(|addition| (addition, false)).chain(binaries) {
        let mut found = additions::find(addition, request, output)?;
        // A source is shown at its module's place; an extension module is there already.
        found.files.retain(|file| !known.files.contains(&file.path) || file.path.name().ends_with(b".py"));
        for file in found.files.iter_mut().chain(&mut found.behind_links) {
            // Times are those of an installation: they differ between equal ones.
            file.mtime = 0;
            file.reason = Reason::Hook;
        }
        if is_binary {
            all.shared_objects.extend(found.files.iter().filter_map(|file| real_path(&file.content)));
        }
        all.found.extend(found);
    }
    Ok(all)
}
