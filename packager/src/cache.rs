//! The build cache: content-addressed, shared by all builds of a user, never needed.
//!
//! An entry's name is a BLAKE3 hash of everything that its content follows from, so entries never go stale; a
//! reader that finds an entry damaged treats it as absent. Entries are written to a temporary file and renamed:
//! concurrent builds see whole entries or none. Where no place for a cache can be had, there is none and builds
//! just take longer; a build of several programs then remembers entries in memory, so that the later ones find what the
//! first has made.

pub mod tidy;

use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// The file that says what the directory is: backup programs know it (<https://bford.info/cachedir/>).
const TAG: &str = "CACHEDIR.TAG";

/// What is in it. The signature is the specification's; the line below tells that the directory is ours.
const TAG_TEXT: &str = "Signature: 8a477f597d28d172789f06886806bc55
# This directory is the build cache of snapfreeze: `snapfreeze cache prune` empties it.
";

/// The folders of all shelves.
const SHELVES: [&str; 6] = ["blocks", "code", "facts", "observations", "programs", "specs"];

/// An entry that is read gets a new time when its own is older: so its time tells when it was last used, within a day.
const TOUCHED: Duration = Duration::from_secs(24 * 3600);

/// A kind of entry; each has a folder of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shelf {
    /// Facts about interpreters.
    Facts,
    /// Canonical bytecode.
    Code,
    /// Compressed blocks.
    Blocks,
    /// What extension modules import.
    Observations,
    /// Answers of interpreters about names.
    Specs,
    /// Fused programs without an archive.
    Programs,
}

impl Shelf {
    fn folder(self) -> &'static str {
        match self {
            Self::Facts => "facts",
            Self::Code => "code",
            Self::Blocks => "blocks",
            Self::Observations => "observations",
            Self::Specs => "specs",
            Self::Programs => "programs",
        }
    }
}

/// Name of an entry: a hash of what its content follows from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key(blake3::Hash);

impl Key {
    /// A key of several parts. Each part's length goes into the hash, so that no two lists of parts are alike.
    pub fn of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut hasher = blake3::Hasher::new();
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        Self(hasher.finalize())
    }

    /// The key as a short file name.
    pub fn short(&self) -> String {
        self.0.to_hex()[..16].to_owned()
    }
}

/// The user's cache, or none.
#[derive(Debug, Clone)]
pub struct Cache {
    root: Option<PathBuf>,
    /// Used where there is no root.
    memory: Option<Memory>,
}

/// Entries of this process. Clones share them.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Entries>>);

/// Contents by folder and name.
type Entries = HashMap<(&'static str, Key), Vec<u8>>;

/// Their bytes say nothing to people.
impl fmt::Debug for Memory {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Memory")
    }
}

impl Cache {
    /// `$SNAPFREEZE_CACHE_DIR`, else `$XDG_CACHE_HOME/snapfreeze`, else `~/.cache/snapfreeze`; none where there is
    /// no such place or it cannot be written to. An empty `SNAPFREEZE_CACHE_DIR` switches the cache off.
    pub fn of_user(environment: impl Fn(&str) -> Option<OsString>) -> Self {
        let root = Self::place(environment).filter(|root| std::fs::create_dir_all(root).is_ok());
        let root = root.and_then(|root| std::path::absolute(root).ok());
        root.iter().for_each(|root| tag(root));
        Self { root, memory: None }
    }

    /// Where [`Cache::of_user`] would be, whether or not anything is there.
    pub fn place(environment: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
        let root = environment("SNAPFREEZE_CACHE_DIR").map(PathBuf::from).or_else(|| {
            let absolute =
                |name: &str| environment(name).map(PathBuf::from).filter(|path| path.is_absolute());
            let caches = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
            Some(caches.join("snapfreeze"))
        });
        root.filter(|root| !root.as_os_str().is_empty())
    }

    /// The directory; none where there is no cache.
    pub fn root(&self) -> Option<&Path> {
        self.root.as_deref()
    }

    /// A cache at this place.
    pub fn at(root: &Path) -> Self {
        Self { root: Some(root.to_owned()), memory: None }
    }

    /// No cache.
    pub fn none() -> Self {
        Self { root: None, memory: None }
    }

    /// The same cache; where there is none, one in memory, for as long as a clone of it is there. It grows by what the
    /// executables made with it consist of.
    pub fn remembering(&self) -> Self {
        let memory = if self.root.is_none() { Some(self.memory.clone().unwrap_or_default()) } else { None };
        Self { root: self.root.clone(), memory }
    }

    /// A folder of the cache for what is not an entry, made if it is not there.
    pub fn folder(&self, name: &str) -> Option<PathBuf> {
        let folder = self.root.as_ref()?.join(name);
        std::fs::create_dir_all(&folder).ok()?;
        Some(folder)
    }

    /// An entry's content.
    pub fn get(&self, shelf: Shelf, key: &Key) -> Option<Vec<u8>> {
        if let Some(Memory(memory)) = &self.memory {
            let entries = memory.lock().unwrap_or_else(PoisonError::into_inner);
            return entries.get(&(shelf.folder(), *key)).cloned();
        }
        let mut file = File::open(self.path(shelf, key)?).ok()?;
        let metadata = file.metadata().ok()?;
        let mut content = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default());
        file.read_to_end(&mut content).ok()?;
        let body = content.len().checked_sub(32)?;
        if blake3::hash(&content[..body]).as_bytes() != &content[body..] {
            return None;
        }
        content.truncate(body);
        let now = SystemTime::now();
        if metadata.modified().is_ok_and(|used| now.duration_since(used).is_ok_and(|age| age > TOUCHED)) {
            // A cache that cannot be written to forgets nothing, either.
            let _ = file.set_modified(now);
        }
        Some(content)
    }

    /// Keeps an entry. A cache that cannot be written to is no reason to fail.
    pub fn put(&self, shelf: Shelf, key: &Key, content: &[u8]) {
        if let Some(Memory(memory)) = &self.memory {
            let mut entries = memory.lock().unwrap_or_else(PoisonError::into_inner);
            entries.insert((shelf.folder(), *key), content.to_owned());
            return;
        }
        let Some(path) = self.path(shelf, key) else { return };
        let Some(folder) = path.parent() else { return };
        let write = || -> std::io::Result<()> {
            std::fs::create_dir_all(folder)?;
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            file.write_all(content)?;
            file.write_all(blake3::hash(content).as_bytes())?;
            file.persist(&path)?;
            Ok(())
        };
        let _ = write();
    }

    fn path(&self, shelf: Shelf, key: &Key) -> Option<PathBuf> {
        let name = key.0.to_hex();
        Some(self.root.as_ref()?.join(shelf.folder()).join(&name[..2]).join(&name[2..]))
    }
}

/// Tags a directory as our cache, unless something else is in it.
fn tag(root: &Path) {
    let file = root.join(TAG);
    if file.exists() {
        return;
    }
    let Ok(entries) = std::fs::read_dir(root) else { return };
    if entries.flatten().all(|entry| tidy::is_known(&entry.file_name().to_string_lossy())) {
        // Written in one piece: another build may be about to do the same.
        let _ = tempfile::NamedTempFile::new_in(root).and_then(|mut draft| {
            draft.write_all(TAG_TEXT.as_bytes())?;
            Ok(draft.persist(&file)?)
        });
    }
}

/// Whether a directory has our tag.
fn is_tagged(root: &Path) -> bool {
    let mut text = Vec::new();
    let read = File::open(root.join(TAG)).and_then(|file| file.take(1024).read_to_end(&mut text));
    read.is_ok() && text == TAG_TEXT.as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_back_what_was_put_and_nothing_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path());
        let key = Key::of([b"a".as_slice(), b"b"]);
        assert_eq!(cache.get(Shelf::Code, &key), None);
        cache.put(Shelf::Code, &key, b"content");
        assert_eq!(cache.get(Shelf::Code, &key).as_deref(), Some(b"content".as_slice()));
        assert_eq!(cache.get(Shelf::Blocks, &key), None);
        assert_eq!(cache.get(Shelf::Code, &Key::of([b"ab".as_slice(), b""])), None);

        let path = cache.path(Shelf::Code, &key).unwrap();
        std::fs::write(&path, b"short").unwrap();
        assert_eq!(cache.get(Shelf::Code, &key), None);
    }

    #[test]
    fn remembers_without_a_place_where_that_is_asked_for() {
        let key = Key::of([]);
        let cache = Cache::none().remembering();
        cache.clone().put(Shelf::Code, &key, b"content");
        assert_eq!(cache.get(Shelf::Code, &key).as_deref(), Some(b"content".as_slice()));
        assert_eq!(cache.get(Shelf::Blocks, &key), None);
        assert_eq!(Cache::none().remembering().get(Shelf::Code, &key), None);
        let folder = tempfile::tempdir().unwrap();
        Cache::at(folder.path()).remembering().put(Shelf::Code, &key, b"kept");
        assert_eq!(Cache::at(folder.path()).get(Shelf::Code, &key).as_deref(), Some(b"kept".as_slice()));
    }

    #[test]
    fn works_without_a_place() {
        let cache = Cache::of_user(|_| None);
        let key = Key::of([]);
        cache.put(Shelf::Code, &key, b"content");
        assert_eq!(cache.get(Shelf::Code, &key), None);
    }
}
