//! What extension modules import, from the cache or by watching them.
//!
//! The modules of one distribution are watched together, in one subprocess: what one of them has imported, the next
//! does not import again, so the record is true of the group and is kept under the content of all of its files. The
//! standard library's modules are watched each in a process of its own and kept one by one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::beside::own_names;
use super::observe::{HELPER, Observation, ObserveRequest, observe, strings_that_look_like_modules};
use crate::cache::{Cache, Key, Shelf};
use crate::compile::pyc::candidates;
use crate::probe::PythonFacts;

/// How long one distribution's extension modules may take to be imported, all together.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// Fewest modules of the standard library for which a process is started: that takes as long as watching some.
const FEWEST_TOGETHER: usize = 8;

/// Part of the keys: changes when what is recorded does.
const RECORD_VERSION: &[u8] = b"2";

/// How the failure of a file begins that has no function for Python to call: it is a library.
pub const NO_MODULE: &str = "ImportError: dynamic module does not define module export function";

/// How a failure begins that says which module is not there.
pub const NOT_FOUND: &str = "ModuleNotFoundError: No module named '";

/// What the groups have in common.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The interpreter.
    pub facts: &'a PythonFacts,
    /// The program's `sys.path`.
    pub path: &'a [PathBuf],
    /// The files of the modules.
    pub files: &'a BTreeMap<String, PathBuf>,
    /// The build cache.
    pub cache: &'a Cache,
    /// Subprocesses at a time.
    pub jobs: usize,
}

/// What was seen of one module.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Seen {
    /// Modules that it imports.
    pub imports: Vec<String>,
    /// Modules of its own package that strings in its file name.
    pub named: Vec<String>,
    /// Why it could not be imported.
    pub failed: Option<String>,
}

/// Observes groups of modules. The result is sorted by name and does not depend on timing.
pub fn observe_groups(context: &Context, groups: &[Vec<String>]) -> Vec<(String, Seen)> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(context.jobs).build();
    let all = || groups.par_iter().map(|group| observe_group(context, group)).collect::<Vec<_>>();
    let seen = match pool {
        Ok(pool) => pool.install(all),
        Err(_) => groups.iter().map(|group| observe_group(context, group)).collect(),
    };
    let mut seen: Vec<(String, Seen)> = seen.into_iter().flatten().collect();
    seen.sort_by(|(one, _), (other, _)| one.cmp(other));
    seen
}

fn observe_group(context: &Context, group: &[String]) -> Vec<(String, Seen)> {
    let is_stdlib = group
        .iter()
        .all(|name| context.files.get(name).is_some_and(|file| file.starts_with(&context.facts.dynload)));
    if !is_stdlib {
        let key = key(context, group, false);
        if let Some(seen) = key.as_ref().and_then(|key| recall(context.cache, key)) {
            return seen;
        }
        let seen = watch(context, group, false);
        remember(context.cache, key, &seen);
        return seen;
    }
    let mut all = Vec::new();
    let mut unknown = Vec::new();
    let mut keys = BTreeMap::new();
    for name in group {
        let key = key(context, std::slice::from_ref(name), true);
        match key.as_ref().and_then(|key| recall(context.cache, key)) {
            Some(seen) => all.extend(seen),
            None => {
                keys.insert(name, key);
                unknown.push(name.clone());
            }
        }
    }
    let together = unknown.len().div_ceil(context.jobs.max(1)).max(FEWEST_TOGETHER);
    let watched: Vec<_> = unknown.par_chunks(together).map(|part| watch(context, part, true)).collect();
    for (name, seen) in watched.into_iter().flatten() {
        let entry = vec![(name.clone(), seen)];
        remember(context.cache, keys.remove(&name).flatten(), &entry);
        all.extend(entry);
    }
    all
}

fn watch(context: &Context, group: &[String], isolate: bool) -> Vec<(String, Seen)> {
    let path: Vec<String> = context.path.iter().map(|entry| entry.to_string_lossy().into_owned()).collect();
    let pycache = context.cache.folder("pycache").filter(|_| !has_bytecode(context, group));
    let request = ObserveRequest {
        python: &context.facts.executable,
        sys_path: &path,
        needs_site: !isolate && !context.facts.standard_finders,
        modules: group,
        isolate,
        time_limit: TIME_LIMIT,
        pycache_prefix: pycache.as_deref(),
    };
    let observed = observe(&request);
    let (mut observed, failure) = match observed {
        Ok(observed) => (observed, None),
        Err(error) => (BTreeMap::new(), Some(error.to_string())),
    };
    group
        .iter()
        .map(|name| {
            let Observation { imports, failed } = observed.remove(name).unwrap_or_else(|| Observation {
                imports: Vec::new(),
                failed: Some(failure.clone().unwrap_or_else(|| "it was not reached".into())),
            });
            let file = context.files.get(name).and_then(|file| std::fs::read(file).ok()).unwrap_or_default();
            let named = if isolate { Vec::new() } else { own_names(&file, name) };
            let mut seen = Seen { imports, named, failed };
            if seen.failed.is_some() {
                seen.imports.extend(strings_that_look_like_modules(&file));
                seen.imports.sort();
                seen.imports.dedup();
            }
            (name.clone(), seen)
        })
        .collect()
}

/// Whether bytecode lies beside the standard library and the package that the modules are in, as it does where they were
/// installed with it: then the interpreter reads that. With a prefix it would read nothing but what it has written there.
fn has_bytecode(context: &Context, group: &[String]) -> bool {
    let facts = context.facts;
    let is_there =
        |source: &Path| candidates(source, &facts.cache_tag, 0, None).iter().any(|file| file.is_file());
    let file = group.first().and_then(|name| context.files.get(name));
    let package = file.and_then(|file| Some(file.parent()?.join("__init__.py")));
    let package = package.filter(|package| package.is_file());
    is_there(&facts.stdlib.join("os.py")) && package.is_none_or(|package| is_there(&package))
}

fn key(context: &Context, group: &[String], is_stdlib: bool) -> Option<Key> {
    let identity = context.facts.identity();
    let mut parts: Vec<Vec<u8>> = vec![RECORD_VERSION.to_vec(), HELPER.as_bytes().to_vec(), identity];
    if !is_stdlib {
        parts.extend(installed(context));
    }
    for name in group {
        let content = std::fs::read(context.files.get(name)?).ok()?;
        parts.push(name.clone().into_bytes());
        parts.push(blake3::hash(&content).as_bytes().to_vec());
    }
    Some(Key::of(parts.iter().map(Vec::as_slice)))
}

/// What is installed, by the names in the directories of `sys.path`: an extension module may import what it can get.
/// The program's own directory is left out, since its files come and go, and so is the standard library.
fn installed(context: &Context) -> Vec<Vec<u8>> {
    let facts = context.facts;
    let installed =
        context.path.iter().skip(1).filter(|entry| **entry != facts.stdlib && **entry != facts.dynload);
    let mut names = Vec::new();
    for directory in installed {
        let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
        let mut entries: Vec<Vec<u8>> = entries.map(|entry| entry.file_name().into_encoded_bytes()).collect();
        entries.retain(|name| name != b"__pycache__");
        entries.sort();
        names.push(directory.as_os_str().as_encoded_bytes().to_vec());
        names.push(entries.join(&b'/'));
    }
    names
}

fn recall(cache: &Cache, key: &Key) -> Option<Vec<(String, Seen)>> {
    serde_json::from_slice(&cache.get(Shelf::Observations, key)?).ok()
}

/// Failures are not kept, for they may be the machine's: but for those that follow from the files in the key.
fn remember(cache: &Cache, key: Option<Key>, seen: &[(String, Seen)]) {
    let lasts = |failure: &String| failure.starts_with(NO_MODULE) || failure.starts_with(NOT_FOUND);
    if seen.iter().filter_map(|(_, seen)| seen.failed.as_ref()).any(|failure| !lasts(failure)) {
        return;
    }
    if let (Some(key), Ok(text)) = (key, serde_json::to_vec(seen)) {
        cache.put(Shelf::Observations, &key, &text);
    }
}
