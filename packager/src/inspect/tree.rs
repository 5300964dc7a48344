//! The tree of files of an executable, as a list: out of its archive, or of the directory beside it.
//!
//! An archive may be hostile: no directory is entered twice, and what all paths take together is limited.

use std::fs::Metadata;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use snapfreeze_runtime::archive::{Archive, ArchiveError, Extent, NodeContent};

/// Longest path, in bytes: what Linux allows of one.
const LONGEST_PATH: usize = 4096;
/// What all paths of a tree may take together, in bytes. Those of 60,000 files take 4 MB.
const ALL_PATHS: usize = 256 << 20;

/// A file, directory or symbolic link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its path below the root, `/` between parts.
    pub path: Vec<u8>,
    /// Permission bits.
    pub mode: u16,
    /// Time of the last change, seconds since 1970; 0 stands for that of the executable.
    pub mtime: i64,
    /// What it is.
    pub content: EntryContent,
}

/// What an [`Entry`] is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryContent {
    /// A directory.
    Directory,
    /// A file in the archive.
    Stored(Extent),
    /// A real file, of this size.
    Disk(PathBuf, u64),
    /// A symbolic link to this path.
    Link(Vec<u8>),
}

impl Entry {
    /// Its path as text; bytes that are no UTF-8 are replaced.
    pub fn name(&self) -> String {
        String::from_utf8_lossy(&self.path).into_owned()
    }

    /// Size of a file in bytes; 0 of what is none.
    pub fn size(&self) -> u64 {
        match &self.content {
            EntryContent::Stored(extent) => extent.length,
            EntryContent::Disk(_, length) => *length,
            EntryContent::Directory | EntryContent::Link(_) => 0,
        }
    }
}

/// The tree of an archive, directories before what is in them, without the root.
///
/// # Errors
/// When a record is damaged, a directory is in two places, or a path is longer than any system allows.
pub fn of_archive(archive: &Archive) -> Result<Vec<Entry>, ArchiveError> {
    let invalid = || ArchiveError::Invalid { part: "tree of files" };
    let mut seen = vec![false; archive.node_count()];
    let mut entries = Vec::new();
    let mut total = 0;
    let mut open = vec![(archive.root()?, Vec::new())];
    while let Some((directory, path)) = open.pop() {
        let NodeContent::Directory(children) = directory.content else { return Err(invalid()) };
        for number in children {
            let place = seen.get_mut(number as usize).ok_or_else(invalid)?;
            if std::mem::replace(place, true) {
                return Err(invalid());
            }
            let node = archive.node(number)?;
            let mut child: Vec<u8> = path.clone();
            if !child.is_empty() {
                child.push(b'/');
            }
            child.extend(node.name);
            total += child.len();
            if child.len() > LONGEST_PATH || total > ALL_PATHS {
                return Err(invalid());
            }
            let content = match &node.content {
                NodeContent::Directory(_) => EntryContent::Directory,
                NodeContent::File(extent) => EntryContent::Stored(*extent),
                NodeContent::Symlink(target) => EntryContent::Link(target.to_vec()),
            };
            entries.push(Entry { path: child.clone(), mode: node.mode, mtime: node.mtime, content });
            if matches!(node.content, NodeContent::Directory(_)) {
                open.push((node, child));
            }
        }
    }
    entries.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(entries)
}

/// The tree in a real directory. Links are not followed.
///
/// # Errors
/// When a directory cannot be read, with its path.
pub fn of_directory(root: &Path) -> Result<Vec<Entry>, (PathBuf, io::Error)> {
    let mut entries = Vec::new();
    let mut open = vec![(root.to_owned(), Vec::new())];
    while let Some((directory, path)) = open.pop() {
        let failed = |source| (directory.clone(), source);
        for entry in std::fs::read_dir(&directory).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let metadata = entry.metadata().map_err(failed)?;
            let mut child: Vec<u8> = path.clone();
            if !child.is_empty() {
                child.push(b'/');
            }
            child.extend(entry.file_name().as_bytes());
            let content = content_of(&entry.path(), &metadata).map_err(failed)?;
            if content == EntryContent::Directory {
                open.push((entry.path(), child.clone()));
            }
            let mode = (metadata.mode() & 0o7777) as u16;
            entries.push(Entry { path: child, mode, mtime: metadata.mtime(), content });
        }
    }
    entries.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(entries)
}

fn content_of(path: &Path, metadata: &Metadata) -> io::Result<EntryContent> {
    Ok(if metadata.is_dir() {
        EntryContent::Directory
    } else if metadata.is_symlink() {
        EntryContent::Link(std::fs::read_link(path)?.as_os_str().as_bytes().to_vec())
    } else {
        EntryContent::Disk(path.to_owned(), if metadata.is_file() { metadata.len() } else { 0 })
    })
}
