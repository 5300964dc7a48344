//! What options ask for by a name: metadata of distributions and shared libraries of packages.

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::distributions::{Distributions, ModuleFile};
use super::mentions::normalized;
use super::walk::{Found, KnownModules, file_node, is_extension_of_target, is_of_tools, read_error};
use super::{DataError, DataRequest, directory_path, is_shared_object};
use crate::collect::files::{Reason, TreePath};
use crate::graph::distributions::Distributions as Requirers;
use crate::graph::requirements::Environment;

/// The distributions whose metadata `--copy-metadata` and `--recursive-copy-metadata` ask for: their normalised names.
///
/// # Errors
/// When one that an option names is not installed.
pub fn copied_metadata(
    request: &DataRequest,
    sites: &[PathBuf],
    distributions: &Distributions,
) -> Result<BTreeSet<String>, DataError> {
    let mut names = BTreeSet::new();
    let mut starts = Vec::new();
    for copied in &request.options.copied_metadata {
        let option = if copied.recursive { "--recursive-copy-metadata" } else { "--copy-metadata" };
        let name = normalized(&copied.name);
        if !distributions.has(&name) {
            return Err(DataError::NoDistribution { option, name: copied.name.clone() });
        }
        names.insert(name);
        if copied.recursive {
            starts.push(copied.name.clone());
        }
    }
    if !starts.is_empty() {
        names.extend(required(request, sites, starts));
    }
    Ok(names)
}

/// What these distributions require, and what that requires, as far as it is installed.
fn required(request: &DataRequest, sites: &[PathBuf], starts: Vec<String>) -> BTreeSet<String> {
    let environment = Environment::of(request.facts);
    let requirers = Requirers::read(sites, &environment);
    // A distribution is looked at once for each set of its extras that is asked for.
    let mut seen: BTreeSet<(usize, Vec<String>)> = BTreeSet::new();
    let mut left: Vec<(String, Vec<String>)> = starts.into_iter().map(|name| (name, Vec::new())).collect();
    let mut names = BTreeSet::new();
    while let Some((name, extras)) = left.pop() {
        let Some(number) = requirers.find(&name) else { continue };
        if !seen.insert((number, extras.clone())) {
            continue;
        }
        let Some(distribution) = requirers.get(number) else { continue };
        names.insert(normalized(&distribution.name));
        let extras: Vec<&str> = extras.iter().map(String::as_str).collect();
        let holding = distribution.requires.iter().filter(|required| required.holds(&environment, &extras));
        left.extend(holding.map(|required| (required.name.clone(), required.extras.clone())));
    }
    names
}

/// The shared libraries of packages that `--collect-binaries` and `--collect-all` ask for: those in the package, and
/// those that its distribution has beside it in a directory `NAME.libs`. Modules are none.
///
/// # Errors
/// When a file or directory cannot be read.
pub fn binaries(
    request: &DataRequest,
    known: &KnownModules,
    distributions: &Distributions,
    modules: &BTreeSet<ModuleFile>,
    output: &Path,
) -> Result<Found, DataError> {
    let mut search = Search { request, known, output, seen: BTreeSet::new(), found: Found::default() };
    for package in &request.options.with_binaries {
        let Some(module) = request.graph.modules.get(package) else { continue };
        for directory in &module.directories {
            search.enter(directory, &directory_path(package))?;
        }
        let top = package.split('.').next().unwrap_or_default();
        let of_top: Vec<&ModuleFile> = modules.iter().filter(|module| module.top == top).collect();
        let mut owners = distributions.of_top(&of_top);
        owners.insert(normalized(top));
        let depth = package.split('.').count();
        let sites = module.directories.iter().filter_map(|directory| directory.ancestors().nth(depth));
        for site in sites.collect::<BTreeSet<_>>() {
            for (name, place) in entries(site)? {
                let stem = name.as_bytes().strip_suffix(b".libs").map(String::from_utf8_lossy);
                if stem.is_some_and(|stem| owners.contains(&normalized(&stem))) {
                    search.enter(&place, &TreePath::new(name.as_bytes()))?;
                }
            }
        }
    }
    Ok(search.found)
}

/// A search for shared libraries.
struct Search<'a> {
    request: &'a DataRequest<'a>,
    known: &'a KnownModules,
    output: &'a Path,
    /// Directories that were looked into, as links lead to them.
    seen: BTreeSet<(PathBuf, TreePath)>,
    found: Found,
}

impl Search<'_> {
    fn enter(&mut self, directory: &Path, path: &TreePath) -> Result<(), DataError> {
        let Ok(real) = directory.canonicalize() else { return Ok(()) };
        // A link to a directory above leads round and round: in a tree no path holds one directory twice.
        let is_round = self.seen.iter().any(|(seen, at)| *seen == real && path.is_below(at));
        if is_round || self.known.excluded.contains(path) || !directory.is_dir() {
            return Ok(());
        }
        self.seen.insert((real, path.clone()));
        for (name, place) in entries(directory)? {
            let at = path.join(name.as_bytes());
            // A link that leads nowhere is no library.
            let Ok(metadata) = place.metadata() else { continue };
            if metadata.is_dir() && !is_of_tools(&name) {
                self.enter(&place, &at)?;
            } else if metadata.is_file()
                && is_shared_object(name.as_bytes())
                && place != self.output
                && !self.known.files.contains(&at)
                && !is_extension_of_target(name.as_bytes(), &self.request.facts.suffixes, &place)
            {
                self.found.files.push(file_node(&place, at, &metadata, false, Reason::Option));
            }
        }
        Ok(())
    }
}

/// What is in a directory, sorted.
fn entries(directory: &Path) -> Result<Vec<(std::ffi::OsString, PathBuf)>, DataError> {
    let read = std::fs::read_dir(directory).map_err(|source| read_error(directory, source))?;
    let mut entries = Vec::new();
    for entry in read {
        let entry = entry.map_err(|source| read_error(directory, source))?;
        entries.push((entry.file_name(), entry.path()));
    }
    entries.sort();
    Ok(entries)
}
