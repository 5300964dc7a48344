//! `run`: build into the cache and become the program.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use crate::cache::{Cache, Key};
use crate::error::Error;
use crate::request::{BuildRequest, environment};

/// Builds the program by `build` and executes it in this process's place. Returns only on failure.
///
/// The executable's place in the cache depends on the program and its options, so that concurrent runs of different
/// programs do not meet; those of one program replace each other's file by renaming.
///
/// # Errors
/// When the build fails or the executable cannot be executed.
pub fn run(
    mut request: BuildRequest,
    arguments: &[OsString],
    build: impl FnOnce(&BuildRequest) -> Result<(), Error>,
) -> Result<Never, Error> {
    request.output = place(&request)?;
    build(&request)?;
    let source = Command::new(&request.output).args(arguments).exec();
    Err(Error::Run { program: request.output, source })
}

/// The type of what never is: a successful [`run`] does not return.
#[derive(Debug)]
pub enum Never {}

fn place(request: &BuildRequest) -> Result<PathBuf, Error> {
    let name = request.output.file_name().map_or_else(|| request.entry.name().into(), OsString::from);
    let Some(folder) = request.cache.folder("run") else {
        // No cache: a directory of our own, which the system's temporary directory forgets in time.
        let folder = tempfile::Builder::new().prefix("snapfreeze-").tempdir().map_err(Error::NoPlace)?;
        return Ok(folder.keep().join(name));
    };
    // All that is asked for, but for what leaves the executable as it is.
    let asked = BuildRequest {
        output: PathBuf::new(),
        jobs: 0,
        cache: Cache::none(),
        shared: None,
        ..request.clone()
    };
    let options = format!("{asked:?}");
    let directory = std::env::current_dir().map(OsString::from).unwrap_or_default();
    // Two environments are two programs: neither must find the other's.
    let [active, path] = ["VIRTUAL_ENV", "PYTHONPATH"].map(|name| environment(name).unwrap_or_default());
    let parts = [&directory, &active, &path].map(|part| part.as_encoded_bytes());
    let key = Key::of([options.as_bytes()].into_iter().chain(parts));
    let place = folder.join(key.short());
    // New, so that nobody who tidies the cache takes it for one that is not used.
    if std::fs::create_dir_all(&place).is_ok()
        && let Ok(directory) = std::fs::File::open(&place)
    {
        let _ = directory.set_modified(std::time::SystemTime::now());
    }
    Ok(place.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Entry;
    use crate::request::HookOptions;

    #[test]
    fn the_place_depends_on_what_is_asked_for_and_on_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let request = |adapt: fn(&mut BuildRequest)| {
            let mut request = BuildRequest::new(Entry::from_module("x").unwrap());
            request.cache = Cache::at(folder.path());
            adapt(&mut request);
            place(&request).unwrap()
        };
        let plain = request(|_| {});
        assert_eq!(plain, request(|request| (request.jobs, request.output) = (77, "elsewhere/x".into())));
        let differing: [fn(&mut BuildRequest); 6] = [
            |request| request.excluded = vec!["a".into()],
            |request| request.paths = vec!["a".into()],
            |request| request.runtime_hooks = vec!["a".into()],
            |request| request.follow_optional.all = true,
            |request| request.hooks = HookOptions { directories: vec!["a".into()], installed: false },
            |request| request.data.with_binaries = vec!["a".into()],
        ];
        let places: std::collections::BTreeSet<_> =
            differing.into_iter().map(request).chain([plain]).collect();
        assert_eq!(places.len(), 7);
    }
}
