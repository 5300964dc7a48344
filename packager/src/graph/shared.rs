//! What programs that are built together have in common: each directory is listed once, each file of source read and
//! looked through once, the metadata of each set of directories read once.
//!
//! All of it follows from files alone (and from what its key says), never from the program that asks first: so each
//! program's graph is the one that it would have alone. Files are taken to stay as they are while the build runs.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::distributions::Distributions;
use super::imports::{ModuleImports, ReadError};
use super::requirements::Environment;
use super::resolve::Listing;
use crate::cache::Key;

/// What is known of files. Clones share it.
#[derive(Clone, Default)]
pub struct Shared(Arc<Known>);

#[derive(Default)]
struct Known {
    listings: Memo<PathBuf, Arc<Listing>>,
    sources: Memo<PathBuf, Option<Arc<[u8]>>>,
    imports: Memo<Key, Result<ModuleImports, ReadError>>,
    distributions: Memo<(Vec<PathBuf>, String), Arc<Distributions>>,
}

/// Results by what they follow from.
type Memo<K, V> = Mutex<HashMap<K, V>>;

/// What is known is as large as the programs are.
impl fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Shared")
    }
}

impl Shared {
    pub(super) fn listing(&self, directory: &Path, read: impl FnOnce() -> Listing) -> Arc<Listing> {
        recall(&self.0.listings, directory.to_owned(), || Arc::new(read()))
    }

    pub(super) fn source(&self, file: &Path, read: impl FnOnce() -> Option<Arc<[u8]>>) -> Option<Arc<[u8]>> {
        recall(&self.0.sources, file.to_owned(), read)
    }

    pub(super) fn imports(
        &self,
        key: Key,
        read: impl FnOnce() -> Result<ModuleImports, ReadError>,
    ) -> Result<ModuleImports, ReadError> {
        recall(&self.0.imports, key, read)
    }

    pub(super) fn distributions(
        &self,
        path: &[PathBuf],
        environment: &Environment,
        read: impl FnOnce() -> Arc<Distributions>,
    ) -> Arc<Distributions> {
        recall(&self.0.distributions, (path.to_owned(), format!("{environment:?}")), read)
    }
}

/// What is known, or else what is read now. Two threads may read the same at once: it is the same.
fn recall<K: std::hash::Hash + Eq, V: Clone>(memo: &Memo<K, V>, key: K, read: impl FnOnce() -> V) -> V {
    let known =
        |memo: &Memo<K, V>, key: &K| memo.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned();
    if let Some(value) = known(memo, &key) {
        return value;
    }
    let value = read();
    memo.lock().unwrap_or_else(PoisonError::into_inner).insert(key, value.clone());
    value
}
