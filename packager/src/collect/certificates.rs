//! Where the OpenSSL of the target was built to look for certificates.
//!
//! The path is in the library (`OPENSSLDIR`) and differs from one Linux to the next: the runtime needs to know it to
//! serve the target system's certificates there.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

use crate::cache::{Cache, Key, Shelf};
use crate::collect::Collection;
use crate::graph::{ModuleGraph, ModuleKind};
use crate::probe::{PythonFacts, last_line};
use crate::subprocess::output_within;

const QUESTION: &str = include_str!("../../python/certificate_paths.py");

/// How long the interpreter may take to answer.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// File and directory of certificates.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CertificatePaths(pub String, pub String);

/// Asks the interpreter, or the cache; nothing where the program does not use OpenSSL or there is no answer. Then
/// OpenSSL finds only what is where it looks.
pub fn certificate_paths(
    graph: &ModuleGraph,
    collection: &Collection,
    facts: &PythonFacts,
    cache: &Cache,
) -> CertificatePaths {
    let Some(ModuleKind::Extension(module)) = graph.modules.get("_ssl").map(|module| &module.kind) else {
        return CertificatePaths::default();
    };
    let is_crypto =
        |path: &&PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().contains("libcrypto"));
    let library = collection.libraries.iter().map(|library| &library.path).find(is_crypto);
    let states = format!("{:?} {:?}", state(module), library.map(|path| state(path)));
    let key = Key::of([QUESTION.as_bytes(), &facts.identity(), states.as_bytes()]);
    if let Some(paths) = cache.get(Shelf::Facts, &key).and_then(|text| serde_json::from_slice(&text).ok()) {
        return paths;
    }
    let Some(paths) = asked(facts) else { return CertificatePaths::default() };
    if let Ok(answer) = serde_json::to_vec(&paths) {
        cache.put(Shelf::Facts, &key, &answer);
    }
    paths
}

/// What the interpreter says; none where it has no OpenSSL, or does not answer.
pub fn asked(facts: &PythonFacts) -> Option<CertificatePaths> {
    let mut python = Command::new(&facts.executable);
    let output = output_within(python.args(["-I", "-B", "-c", QUESTION]), b"", TIME_LIMIT).ok()?;
    serde_json::from_slice(last_line(&output.stdout)).ok()
}

/// What tells whether a file is still the same.
fn state(path: &Path) -> Option<(&Path, u64, u128)> {
    let metadata = path.metadata().ok()?;
    let modified = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some((path, metadata.len(), modified.as_nanos()))
}
