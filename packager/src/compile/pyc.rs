//! Finds the bytecode that Python has already cached for a source file, and takes it only if it is valid.
//!
//! Purpose: most modules of an installed environment have an up-to-date `__pycache__` file; using it saves the
//! whole compilation.
//!
//! Input: a source path, what the target calls its cache files (`sys.implementation.cache_tag`), its magic number,
//! and for hash-based files a way to ask the target for the hash of the source.
//! Output: the paths to try, best first ([`candidates`]); the marshalled code after the header ([`load_valid_pyc`]).
//!
//! Invariants:
//! - A file is used only if the target itself would use it (PEP 552; `_classify_pyc`, `_validate_timestamp_pyc` and
//!   `_validate_hash_pyc` in `importlib/_bootstrap_external.py`), with one stricter rule: an *unchecked* hash-based
//!   file must match its source too. Python trusts it blindly, a build that ships it for years should not.
//! - Anything wrong with a cache file (missing, unreadable, short, foreign) is `None` and never an error: the source
//!   is there to be compiled.
//! - The marshalled bytes are not parsed here, only their first type code is looked at: whoever reads them must
//!   treat a stream cut short as one more reason to compile.

use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Magic number, flags, then modification time and size or source hash: four bytes each, the hash eight.
const HEADER_LENGTH: usize = 16;
/// Bit of the flags: the file is validated by source hash.
const HASH_BASED: u32 = 0b01;
/// Bit of the flags: Python checks the hash at import. Together with [`HASH_BASED`] all that PEP 552 defines.
const CHECK_SOURCE: u32 = 0b10;
/// Type code of a code object in marshal, without the reference flag 0x80.
const MARSHAL_CODE: u8 = b'c';

/// The code of `pyc` in marshal form, without the header, if the file is valid for `source`.
///
/// `source_hash` is called only for hash-based files. It must give the target interpreter's own
/// `importlib.util.source_hash` of the source as it is now (the algorithm differs between versions), or `None` when
/// that cannot be had, which makes the file invalid.
pub fn load_valid_pyc(
    pyc: &Path,
    source: &Path,
    magic: [u8; 4],
    source_hash: impl FnOnce() -> Option<[u8; 8]>,
) -> Option<Vec<u8>> {
    // A fifo or a device would block; Python's own reader would not get that far either.
    if !fs::metadata(pyc).ok()?.is_file() {
        return None;
    }
    let mut file = fs::read(pyc).ok()?;
    let (header, code) = file.split_at_checked(HEADER_LENGTH)?;
    let (found_magic, rest) = header.split_first_chunk::<4>()?;
    let (flags, validation) = rest.split_first_chunk::<4>()?;
    let flags = u32::from_le_bytes(*flags);
    if *found_magic != magic || flags & !(HASH_BASED | CHECK_SOURCE) != 0 {
        return None;
    }
    if code.first().map(|code| code & 0x7f) != Some(MARSHAL_CODE) {
        return None;
    }
    let valid = if flags & HASH_BASED != 0 {
        source_hash().is_some_and(|hash| hash.as_slice() == validation)
    } else {
        timestamp_and_size(source)?.as_slice() == validation
    };
    valid.then(|| file.split_off(HEADER_LENGTH))
}

/// Modification time in seconds and size in bytes of `source`, both modulo 2^32, as a timestamp-based header has them.
fn timestamp_and_size(source: &Path) -> Option<[u8; 8]> {
    let metadata = fs::metadata(source).ok()?;
    let modified = metadata.modified().ok()?;
    // `st_mtime` is a float and the header its integer part: the rounding of the sum is part of the rule. One
    // nanosecond before the full second, the float is already the next second.
    let (seconds, nanoseconds) = match modified.duration_since(UNIX_EPOCH) {
        Ok(since) => (since.as_secs() as f64, since.subsec_nanos()),
        Err(before) => match before.duration().subsec_nanos() {
            0 => (-(before.duration().as_secs() as f64), 0),
            nanoseconds => (-(before.duration().as_secs() as f64) - 1.0, 1_000_000_000 - nanoseconds),
        },
    };
    let mtime = (seconds + 1e-9 * f64::from(nanoseconds)) as i64 as u32;
    let size = metadata.len() as u32;
    let mut header = [0; 8];
    header[..4].copy_from_slice(&mtime.to_le_bytes());
    header[4..].copy_from_slice(&size.to_le_bytes());
    Some(header)
}

/// Where Python may have cached the bytecode of `source` at this optimisation level, in the order to try.
///
/// `cache_tag` is the target's, e.g. `cpython-311`. With `pycache_prefix` (`sys.pycache_prefix`) its mirror of the
/// folder tree comes first and the `__pycache__` folder beside the source second: the header decides, not the place.
/// Levels are never mixed: 1 lacks assertions, 2 docstrings too. Names are those of
/// `importlib.util.cache_from_source`; a file without extension has none, since no import ever caches it.
pub fn candidates(
    source: &Path,
    cache_tag: &str,
    optimize: u8,
    pycache_prefix: Option<&Path>,
) -> Vec<PathBuf> {
    let (Some(stem), Some(_)) = (source.file_stem(), source.extension()) else {
        return Vec::new();
    };
    let mut name = OsString::from(stem);
    name.push(".");
    name.push(cache_tag);
    if optimize > 0 {
        name.push(format!(".opt-{optimize}"));
    }
    name.push(".pyc");

    let folder = source.parent().unwrap_or(Path::new(""));
    let mirrored = pycache_prefix.and_then(|prefix| {
        let absolute = std::path::absolute(source).ok()?;
        // The root, and on Windows the drive, are taken off: what remains goes below the prefix.
        let below: PathBuf = absolute
            .parent()?
            .components()
            .filter(|part| !matches!(part, Component::Prefix(_) | Component::RootDir))
            .collect();
        Some(prefix.join(below).join(&name))
    });
    mirrored.into_iter().chain([folder.join("__pycache__").join(&name)]).collect()
}

#[cfg(test)]
#[path = "pyc_tests.rs"]
mod tests;
