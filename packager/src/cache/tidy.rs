//! How large the cache is, and what of it may go.
//!
//! In: the cache's directory. Out: what is in it by kind, and what was removed. Only what has the place and the shape of
//! something that builds write is ever removed, and only in a directory that has our tag: a variable that names the wrong
//! place costs nothing. Symbolic links are not followed. Builds may run meanwhile: an entry that is gone is made again,
//! what was made in the last hour and is not an entry is left alone, and a directory goes only when it is empty.

use std::collections::BTreeMap;
use std::fs::{DirEntry, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::{Cache, SHELVES, is_tagged};

/// What is younger may be in the making.
const IN_THE_MAKING: Duration = Duration::from_secs(3600);

/// The cache looks after itself this often.
const INTERVAL: Duration = Duration::from_secs(24 * 3600);

/// What was not used for so long goes then.
pub const UNUSED: Duration = Duration::from_secs(60 * 24 * 3600);

/// What goes beyond this, in bytes, goes then, too: what was not used for longest first.
pub const LARGEST: u64 = 8 << 30;

/// The file whose time says when that was last.
const STAMP: &str = "tidied";

/// How deep a directory may lie in the cache: deeper ones are not looked into.
const DEEPEST: usize = 64;

/// Why nothing can be said or done about the cache.
#[derive(Debug, thiserror::Error)]
pub enum TidyError {
    /// No cache.
    #[error("there is no cache: SNAPFREEZE_CACHE_DIR is empty, or its place cannot be written to")]
    NoCache,
    /// A directory that something else may be using.
    #[error("{} has no CACHEDIR.TAG of snapfreeze: nothing is removed", .0.display())]
    NotOurs(PathBuf),
    /// The directory cannot be read.
    #[error("cannot read {path}: {source}", path = path.display())]
    Read {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl TidyError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoCache => Some("set SNAPFREEZE_CACHE_DIR to a directory that can be written to".into()),
            Self::NotOurs(_) => {
                Some("it holds other things as well: give the cache a directory of its own".into())
            }
            Self::Read { .. } => None,
        }
    }
}

/// An amount of files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Amount {
    /// How many.
    pub files: u64,
    /// Their lengths together, in bytes.
    pub bytes: u64,
}

impl Amount {
    fn add(&mut self, bytes: u64) {
        self.files += 1;
        self.bytes += bytes;
    }
}

/// What is in the cache.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Contents {
    /// The directory.
    pub path: PathBuf,
    /// All that is ours.
    pub total: Amount,
    /// The same by kind: the folder's name.
    pub kinds: BTreeMap<&'static str, Amount>,
    /// What is not ours.
    pub foreign: Amount,
}

/// What may go.
#[derive(Debug, Clone, Copy, Default)]
pub struct Policy {
    /// What was not used for longer goes; none: nothing because of its age.
    pub unused: Option<Duration>,
    /// What goes beyond this, in bytes; none: nothing because of the size.
    pub largest: Option<u64>,
    /// Whether nothing is removed in truth.
    pub dry_run: bool,
}

/// What has gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pruned {
    /// The directory.
    pub path: PathBuf,
    /// What was removed, or would be.
    pub removed: Amount,
    /// What is still there of ours.
    pub kept: Amount,
    /// What is not ours, and was left alone.
    pub foreign: Amount,
    /// How many files could not be removed.
    pub failed: u64,
    /// Whether nothing was removed in truth.
    pub dry_run: bool,
}

/// A file of the cache.
struct Found {
    kind: &'static str,
    path: PathBuf,
    bytes: u64,
    used: SystemTime,
    shape: Shape,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// What builds miss when it is gone, and make again.
    Entry,
    /// What is, or may soon be, in use under its name: the executables of `run`, files in their making.
    InUse,
    /// What an executable has put on disk (`--materialize`), and may be using for as long as it runs.
    Materialized,
}

impl Cache {
    /// What is in the cache.
    ///
    /// # Errors
    /// When there is none, or its directory cannot be read.
    pub fn contents(&self) -> Result<Contents, TidyError> {
        let path = self.root.clone().ok_or(TidyError::NoCache)?;
        let (found, foreign) = look(&path)?;
        let mut contents = Contents { path, total: Amount::default(), kinds: BTreeMap::new(), foreign };
        for file in &found {
            contents.total.add(file.bytes);
            contents.kinds.entry(file.kind).or_default().add(file.bytes);
        }
        Ok(contents)
    }

    /// Removes what may go.
    ///
    /// # Errors
    /// When there is no cache, its directory is not ours, or cannot be read. What cannot be removed is counted.
    pub fn prune(&self, policy: &Policy) -> Result<Pruned, TidyError> {
        let path = self.root.clone().ok_or(TidyError::NoCache)?;
        if !is_tagged(&path) {
            return Err(TidyError::NotOurs(path));
        }
        let now = SystemTime::now();
        let (mut found, foreign) = look(&path)?;
        found.sort_by(|one, other| (other.used, &one.path).cmp(&(one.used, &other.path)));
        let dry_run = policy.dry_run;
        let (mut removed, mut kept, mut failed) = (Amount::default(), Amount::default(), 0);
        for file in found {
            // A time in the future is that of a clock that was wrong: the file is not old.
            let age = now.duration_since(file.used).unwrap_or_default();
            let is_old = policy.unused.is_some_and(|limit| age >= limit);
            let is_too_much = policy.largest.is_some_and(|largest| kept.bytes + file.bytes > largest);
            let is_free = match file.shape {
                Shape::Entry => true,
                Shape::InUse => age >= IN_THE_MAKING,
                Shape::Materialized => false,
            };
            let may_go = (is_old || is_too_much) && is_free;
            if !may_go {
                kept.add(file.bytes);
            } else if dry_run || std::fs::remove_file(&file.path).is_ok() {
                removed.add(file.bytes);
            } else {
                failed += 1;
                kept.add(file.bytes);
            }
        }
        if !dry_run {
            remove_empty(&path, now);
        }
        Ok(Pruned { path, removed, kept, foreign, failed, dry_run })
    }

    /// Once a day, removes what was not used for long and what is too much. Says nothing and never fails: a cache that
    /// cannot be tidied is as good as any.
    pub fn look_after(&self) {
        let Some(root) = self.root.as_deref().filter(|root| is_tagged(root)) else { return };
        let stamp = root.join(STAMP);
        let last = std::fs::metadata(&stamp).and_then(|metadata| metadata.modified());
        let is_due = last.is_ok_and(|last| last.elapsed().is_ok_and(|age| age >= INTERVAL));
        // The first one to come does it; a new cache has nothing to tidy.
        if !stamp.exists() || is_due {
            let _ = std::fs::write(&stamp, "");
        }
        if is_due {
            let policy = Policy { unused: Some(UNUSED), largest: Some(LARGEST), dry_run: false };
            let _ = self.prune(&policy);
        }
    }
}

/// What executables have put on disk, which is not in a folder of its own.
const MATERIALIZED: &str = "materialized";

/// The folders in which builds write.
fn folders() -> impl Iterator<Item = &'static str> {
    SHELVES.iter().copied().chain(["run", "pycache"])
}

/// Whether a name is one that builds or executables give to what is in the cache's directory.
pub(super) fn is_known(name: &str) -> bool {
    name == STAMP || is_key(name) || folders().any(|known| known == name)
}

/// A short key, or a hash of an archive: 16 hexadecimal digits.
fn is_key(name: &str) -> bool {
    is_hex(name, 16)
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// All files of the cache that are ours, and how much else there is.
fn look(root: &Path) -> Result<(Vec<Found>, Amount), TidyError> {
    let entries =
        std::fs::read_dir(root).map_err(|source| TidyError::Read { path: root.to_owned(), source })?;
    let (mut found, mut foreign) = (Vec::new(), Amount::default());
    for entry in entries.flatten() {
        let name = entry.file_name();
        if name == super::TAG || name == STAMP {
            continue;
        }
        let kind = folders().find(|kind| name == *kind);
        let kind = kind.or_else(|| is_key(&name.to_string_lossy()).then_some(MATERIALIZED));
        collect(&entry, kind, &mut Vec::new(), &mut found, &mut foreign);
    }
    Ok((found, foreign))
}

/// The files of an entry of a directory, which is in folder `kind` of the cache, or nowhere that we know; `names` are those
/// of the directories between.
fn collect(
    entry: &DirEntry,
    kind: Option<&'static str>,
    names: &mut Vec<String>,
    found: &mut Vec<Found>,
    foreign: &mut Amount,
) {
    // Not of what a link points to.
    let Ok(metadata) = entry.metadata() else { return };
    let name = entry.file_name().to_string_lossy().into_owned();
    if metadata.is_dir() {
        if names.len() >= DEEPEST {
            return;
        }
        names.push(name);
        let inner = std::fs::read_dir(entry.path()).into_iter().flatten().flatten();
        inner.for_each(|entry| collect(&entry, kind, names, found, foreign));
        names.pop();
        return;
    }
    let shape = kind.filter(|_| metadata.is_file()).and_then(|kind| Some((kind, shape(kind, names, &name)?)));
    match shape {
        Some((kind, shape)) => {
            found.push(Found {
                kind,
                path: entry.path(),
                bytes: metadata.len(),
                used: used(&metadata),
                shape,
            });
        }
        None => foreign.add(metadata.len()),
    }
}

/// What a file is, from its name and those of the directories above it, the kind's first; none for what no build writes.
fn shape(kind: &str, names: &[String], name: &str) -> Option<Shape> {
    match (kind, names) {
        (MATERIALIZED, _) => Some(Shape::Materialized),
        ("pycache", _) if name.ends_with(".pyc") => Some(Shape::Entry),
        // In their making they have a name of Python's own: NAME.pyc.NUMBER.
        ("pycache", _) => name.contains(".pyc.").then_some(Shape::InUse),
        ("run", [_, key]) => is_key(key).then_some(Shape::InUse),
        ("run", _) => None,
        (_, [_, start]) if is_hex(start, 2) && is_hex(name, 62) => Some(Shape::Entry),
        (_, [_, start]) if is_hex(start, 2) && name.starts_with(".tmp") => Some(Shape::InUse),
        _ => None,
    }
}

/// When a file was last used: entries that are read are given a new time, see [`Cache::get`].
fn used(metadata: &Metadata) -> SystemTime {
    metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH)
}

/// Removes directories of ours that are empty, and that nobody is about to fill.
fn remove_empty(root: &Path, now: SystemTime) {
    for kind in folders() {
        remove_empty_below(&root.join(kind), now, 0);
    }
}

fn remove_empty_below(directory: &Path, now: SystemTime, depth: usize) {
    // Read first: removing what is in it makes it new.
    let Ok(metadata) = directory.symlink_metadata() else { return };
    if !metadata.is_dir() || depth >= DEEPEST {
        return;
    }
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_empty_below(&entry.path(), now, depth + 1);
        }
    }
    if now.duration_since(used(&metadata)).unwrap_or_default() >= IN_THE_MAKING {
        // Refused where something is in it.
        let _ = std::fs::remove_dir(directory);
    }
}

#[cfg(test)]
#[path = "tidy_tests.rs"]
mod tests;
