//! Files that the user names: `--add-data SRC:DEST` and `--add-binary SRC:DEST`.
//!
//! `SRC;DEST` is understood, too, where there is no colon: so PyInstaller has it on Windows. SRC is a file, a directory or a pattern ([`super::glob`]); DEST is the directory of the tree where files, or what is in a
//! directory, are put.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::glob::expand;
use super::walk::{Found, KnownModules, Scope, Walk, file_node, read_error};
use super::{DataError, DataRequest};
use crate::collect::files::{FileContent, Reason, TreePath};

/// Where files come from and go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addition {
    /// A path or a pattern, relative to the working directory.
    pub source: PathBuf,
    /// A directory of the tree.
    pub destination: TreePath,
}

/// Why an addition cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdditionError {
    /// No colon, or nothing before or behind it.
    #[error("SRC:DEST is expected")]
    NoDestination,
    /// It would leave the tree.
    #[error("DEST is a directory below the program's root: relative, without `..`")]
    Outside,
}

impl Addition {
    /// Reads `SRC:DEST`.
    ///
    /// # Errors
    /// When one of the two is missing, or DEST is not below the root.
    pub fn parse(argument: &OsStr) -> Result<Self, AdditionError> {
        let bytes = argument.as_bytes();
        let last = |separator| bytes.iter().rposition(|byte| *byte == separator);
        let at = last(b':').or_else(|| last(b';')).ok_or(AdditionError::NoDestination)?;
        let (source, destination) = (&bytes[..at], &bytes[at + 1..]);
        if source.is_empty() || destination.is_empty() {
            return Err(AdditionError::NoDestination);
        }
        let parts: Vec<&[u8]> =
            destination.split(|byte| *byte == b'/').filter(|part| *part != b".").collect();
        if destination[0] == b'/' || parts.contains(&b"..".as_slice()) {
            return Err(AdditionError::Outside);
        }
        let destination = TreePath::new(&parts.join(&b'/'));
        Ok(Self { source: PathBuf::from(OsStr::from_bytes(source)), destination })
    }
}

/// Finds the files of an addition.
///
/// # Errors
/// When there are none, or one cannot be read.
pub fn find(addition: &Addition, request: &DataRequest, output: &Path) -> Result<Found, DataError> {
    let mut found = Found::default();
    let mut any = false;
    for source in expand(&addition.source) {
        let source = std::path::absolute(&source).unwrap_or(source);
        let metadata = source.metadata().map_err(|error| read_error(&source, error))?;
        if metadata.is_file() {
            let path = addition.destination.join(source.file_name().unwrap_or_default().as_bytes());
            found.files.push(file_node(&source, path, &metadata, true, Reason::Option));
            any = true;
        } else if metadata.is_dir() {
            let walk = Walk {
                directory: source,
                path: addition.destination.clone(),
                known: &KnownModules::default(),
                listed: None,
                keeps_times: true,
                suffixes: &request.facts.suffixes,
                output,
                scope: Scope::Literal,
                reason: Reason::Option,
            };
            found.extend(walk.run()?);
            any = true;
        }
    }
    if any { Ok(found) } else { Err(DataError::NoMatch(addition.source.clone())) }
}

/// Refuses additions of which one would hide another: two files at one path, or a file where a directory is needed.
///
/// # Errors
/// When there are such.
pub fn refuse_two_files(found: &Found) -> Result<(), DataError> {
    let sources = found.files.iter().filter_map(|file| match &file.content {
        FileContent::Disk { path, .. } => Some((&file.path, path)),
        _ => None,
    });
    let mut known: BTreeMap<&TreePath, &PathBuf> = BTreeMap::new();
    for (path, source) in sources.clone() {
        if let Some(first) = known.insert(path, source).filter(|first| *first != source) {
            return Err(two_files(path, first, source));
        }
    }
    for (path, source) in sources {
        for above in path.ancestors().map(TreePath::new) {
            if let Some(first) = known.get(&above) {
                return Err(two_files(&above, first, source));
            }
        }
    }
    Ok(())
}

fn two_files(path: &TreePath, first: &Path, second: &Path) -> DataError {
    DataError::TwoFiles { path: path.clone(), first: first.to_owned(), second: second.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_and_destination_are_told_apart() {
        let parse = |text: &str| Addition::parse(OsStr::new(text));
        let addition =
            |source: &str, to: &str| Ok(Addition { source: source.into(), destination: to.into() });
        assert_eq!(parse("a.txt:data"), addition("a.txt", "data"));
        assert_eq!(parse("a.txt:."), addition("a.txt", ""));
        assert_eq!(parse("a.txt:./x//y/"), addition("a.txt", "x/y"));
        assert_eq!(parse("a:b.txt:data"), addition("a:b.txt", "data"));
        assert_eq!(parse("a.txt;data"), parse("a.txt:data"));
        assert_eq!(parse("a;b.txt:data").unwrap().source, Path::new("a;b.txt"));
        for missing in ["a.txt", "a.txt;", "a.txt:", ":data", ""] {
            assert_eq!(parse(missing), Err(AdditionError::NoDestination), "{missing}");
        }
        for outside in ["a:/data", "a:..", "a:x/../y"] {
            assert_eq!(parse(outside), Err(AdditionError::Outside), "{outside}");
        }
    }
}
