//! The tree of files of an executable, written to the disk.
//!
//! In: an executable, which may be hostile. Out: its tree below a directory: each file as the program sees it, and the
//! entry's bytecode, which has no file in the tree. All is written in a directory of its own first, with checksums
//! compared, and moved when it is complete: what fails leaves nothing. No name leads out of the directory: names are one
//! part of a path, each is there once, nothing is written through a link, and no link leads out.

use std::ffi::OsStr;
use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use snapfreeze_runtime::archive::{Archive, ArchiveError, Extent};

use super::assemble::cached;
use super::built::with_header;
use super::error::InspectError;
use super::executable::Executable;
use super::size::Size;
use super::tree::{Entry, EntryContent};
use crate::attach::directory::time;
use crate::attach::mode;
use crate::shown::plain;

/// Beginning of the name of the directory that is written first.
const DRAFT: &str = ".snapfreeze-";

/// Why nothing was extracted.
#[derive(Debug, thiserror::Error)]
pub enum ExtractError {
    /// The executable cannot be read.
    #[error(transparent)]
    Inspect(#[from] InspectError),
    /// There is something in the directory.
    #[error("{} is not empty", .0.display())]
    NotEmpty(PathBuf),
    /// Something is in the way that is no file, or no directory where one is needed.
    #[error("{} is in the way", .0.display())]
    InTheWay(PathBuf),
    /// The disk has less room.
    #[error("{path} has room for {free}, the files take {needed}", path = path.display(), free = Size(*free), needed = Size(*needed))]
    NoRoom {
        /// The directory.
        path: PathBuf,
        /// How many bytes are free.
        free: u64,
        /// How many are needed.
        needed: u64,
    },
    /// A name that no packager has written.
    #[error("{path}: the tree of files has {name:?}, {what}: nothing was extracted", path = path.display())]
    Hostile {
        /// The executable.
        path: PathBuf,
        /// The path in the tree.
        name: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A file or directory cannot be written.
    #[error("cannot write {path}: {source}", path = path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl ExtractError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Inspect(error) => error.hint(),
            Self::NotEmpty(_) => {
                Some("name a new directory, or replace files of the same names with --force".into())
            }
            Self::InTheWay(_) | Self::NoRoom { .. } | Self::Write { .. } => {
                Some("name another directory".into())
            }
            Self::Hostile { .. } => Some("do not run this executable: somebody has changed it".into()),
        }
    }
}

/// What was extracted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extracted {
    /// How many files and links.
    pub files: usize,
    /// Their size in bytes.
    pub size: u64,
}

/// Writes the tree of an executable to a directory, which is made. One that is not empty is refused unless `force` says
/// that files of the same names may be replaced.
///
/// # Errors
/// When the executable is damaged or hostile, or something cannot be written. Then nothing is left behind, but for what was
/// moved already of a tree that was to go into a directory with other files.
pub fn extract(executable: &Executable, to: &Path, force: bool) -> Result<Extracted, ExtractError> {
    let archive = executable.archive()?;
    let mut entries = executable.entries(&archive)?;
    entries.extend(entry_code(executable, &archive, &entries)?);
    for entry in &entries {
        check(entry).map_err(|what| ExtractError::Hostile {
            path: executable.path.clone(),
            name: entry.name(),
            what,
        })?;
    }
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| ExtractError::Write { path, source: plain(source) }
    };
    let target = std::path::absolute(to).map_err(failed(to))?;
    let is_there = target.symlink_metadata().is_ok();
    if is_there {
        let mut inside = std::fs::read_dir(&target).map_err(failed(&target))?;
        if inside.next().is_some() && !force {
            return Err(ExtractError::NotEmpty(target));
        }
    }
    // In the directory itself where there is one: its parent may be another's.
    let place = if is_there { target.as_path() } else { target.parent().unwrap_or(Path::new("/")) };
    std::fs::create_dir_all(place).map_err(failed(place))?;
    let size = entries.iter().map(Entry::size).fold(0, u64::saturating_add);
    if let Ok(disk) = rustix::fs::statvfs(place) {
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        if size > free {
            return Err(ExtractError::NoRoom { path: place.to_owned(), free, needed: size });
        }
    }
    let draft = tempfile::Builder::new().prefix(DRAFT).tempdir_in(place).map_err(failed(place))?;
    let root = draft.path().join("tree");
    std::fs::create_dir(&root).map_err(failed(&root))?;
    write_tree(executable, &archive, &entries, &root)?;
    if is_there {
        move_into(&root, &target)?;
    } else {
        std::fs::rename(&root, &target).map_err(failed(&target))?;
    }
    let files = entries.iter().filter(|entry| entry.content != EntryContent::Directory).count();
    Ok(Extracted { files, size })
}

/// The entry's bytecode, at the place where Python would keep it.
fn entry_code(
    executable: &Executable,
    archive: &Archive,
    entries: &[Entry],
) -> Result<Vec<Entry>, InspectError> {
    let damaged = |source| executable.damaged(source);
    let target = archive.target().map_err(damaged)?;
    let Some(module) = archive.find_module(target.entry).map_err(damaged)? else { return Ok(Vec::new()) };
    let Some(path) = cached(module.file, target.cache_tag, target.optimize) else { return Ok(Vec::new()) };
    let has =
        |path: &str| entries.binary_search_by(|entry| entry.path.as_slice().cmp(path.as_bytes())).is_ok();
    if has(&path) || module.content.length == 0 {
        return Ok(Vec::new());
    }
    let file = |path: &str, mode, content| Entry { path: path.as_bytes().to_vec(), mode, mtime: 0, content };
    let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
    let mut added = Vec::new();
    if !has(directory) {
        added.push(file(directory, 0o755, EntryContent::Directory));
    }
    added.push(file(&path, 0o644, EntryContent::Stored(with_header(module.content))));
    Ok(added)
}

/// Whether an entry may be written.
fn check(entry: &Entry) -> Result<(), &'static str> {
    for part in entry.path.split(|byte| *byte == b'/') {
        if matches!(part, b"" | b"." | b"..") || part.contains(&0) {
            return Err("which is no name of a file");
        }
    }
    let EntryContent::Link(target) = &entry.content else { return Ok(()) };
    if target.is_empty() || target.starts_with(b"/") || target.contains(&0) {
        return Err("a link that leads out of it");
    }
    // Behind a name `..` may be anywhere, for the name may be a link's.
    let mut above = entry.path.iter().filter(|byte| **byte == b'/').count();
    let mut is_named = false;
    for part in target.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." if is_named => return Err("a link that may lead out of it"),
            b".." => above = above.checked_sub(1).ok_or("a link that leads out of it")?,
            _ => is_named = true,
        }
    }
    Ok(())
}

/// Writes all entries below a new directory. Each must be new: what is there twice would be written through.
fn write_tree(
    executable: &Executable,
    archive: &Archive,
    entries: &[Entry],
    root: &Path,
) -> Result<(), ExtractError> {
    let mask = mode();
    let place = |entry: &Entry| root.join(OsStr::from_bytes(&entry.path));
    let failed = |entry: &Entry| {
        // Named as in the tree: where it is being written is nobody's concern.
        let (path, executable, name) = (entry.name(), executable.path.clone(), entry.name());
        move |source: io::Error| match source.kind() {
            io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
                ExtractError::Hostile { path: executable, name, what: "which is there twice" }
            }
            _ => ExtractError::Write { path: path.into(), source },
        }
    };
    let mut directories: Vec<&Entry> =
        entries.iter().filter(|entry| entry.content == EntryContent::Directory).collect();
    directories.sort_by_key(|entry| &entry.path);
    for entry in directories {
        std::fs::create_dir(place(entry)).map_err(failed(entry))?;
    }
    // In the order of blocks each is decompressed once.
    let mut files: Vec<&Entry> = entries.iter().collect();
    files.sort_by_key(|entry| match entry.content {
        EntryContent::Stored(Extent { block, offset, .. }) => (block, offset),
        _ => (0, 0),
    });
    let mut blocks = Blocks { archive, number: None, bytes: Vec::new() };
    for entry in files {
        let mut file = match &entry.content {
            EntryContent::Directory => continue,
            EntryContent::Link(target) => {
                symlink(OsStr::from_bytes(target), place(entry)).map_err(failed(entry))?;
                continue;
            }
            EntryContent::Disk(path, _) => {
                let unreadable = |source| InspectError::Read { path: path.clone(), source };
                let from = File::open(path).map_err(unreadable)?;
                let mut file = File::create_new(place(entry)).map_err(failed(entry))?;
                io::copy(&mut &from, &mut file).map_err(failed(entry))?;
                file
            }
            EntryContent::Stored(extent) => {
                let mut file = File::create_new(place(entry)).map_err(failed(entry))?;
                blocks.write(*extent, &mut file).map_err(|error| match error {
                    BlockError::Archive(source) => executable.damaged(source).into(),
                    BlockError::Io(source) => failed(entry)(source),
                })?;
                file
            }
        };
        let permissions = Permissions::from_mode(u32::from(entry.mode) & 0o777 & mask | 0o600);
        file.flush().and_then(|()| file.set_permissions(permissions)).map_err(failed(entry))?;
        if entry.mtime != 0 {
            file.set_modified(time(entry.mtime)).map_err(failed(entry))?;
        }
    }
    Ok(())
}

#[derive(Debug, thiserror::Error)]
enum BlockError {
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The latest block, decompressed.
struct Blocks<'a> {
    archive: &'a Archive<'a>,
    number: Option<u32>,
    bytes: Vec<u8>,
}

impl Blocks<'_> {
    fn write(&mut self, extent: Extent, to: &mut File) -> Result<(), BlockError> {
        let archive = self.archive;
        archive.pieces(extent, |number, range| {
            if self.number != Some(number) {
                self.number = None;
                self.bytes.resize(archive.block_length(number)?, 0);
                archive.read_block(number, &mut self.bytes)?;
                self.number = Some(number);
            }
            let piece = self.bytes.get(range).ok_or(ArchiveError::OutOfBounds { part: "content" })?;
            Ok(to.write_all(piece)?)
        })
    }
}

/// Moves what is in one directory into another, which keeps what it has under other names. A link is never followed.
fn move_into(from: &Path, to: &Path) -> Result<(), ExtractError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| ExtractError::Write { path, source: plain(source) }
    };
    for entry in std::fs::read_dir(from).map_err(failed(from))? {
        let entry = entry.map_err(failed(from))?;
        let target = to.join(entry.file_name());
        let is_directory = entry.file_type().map_err(failed(from))?.is_dir();
        match target.symlink_metadata() {
            Ok(there) if there.is_dir() && is_directory => move_into(&entry.path(), &target)?,
            Ok(there) if there.is_dir() || is_directory => return Err(ExtractError::InTheWay(target)),
            _ => std::fs::rename(entry.path(), &target).map_err(failed(&target))?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(path: &str, target: &str) -> Entry {
        let content = EntryContent::Link(target.as_bytes().to_vec());
        Entry { path: path.as_bytes().to_vec(), mode: 0o777, mtime: 0, content }
    }

    #[test]
    fn links_stay_in_the_tree_and_names_are_names() {
        for (path, target) in [("a", "b"), ("a/b/c", "../../d"), ("a/b", "./../d/"), ("lib", "a/b/c")] {
            assert_eq!(check(&link(path, target)), Ok(()), "{path} -> {target}");
        }
        for (path, target) in [("a", ".."), ("a", "/etc"), ("a/b", "../../c"), ("a", "b/../c"), ("a", "")] {
            assert!(check(&link(path, target)).is_err(), "{path} -> {target}");
        }
        for path in ["..", "a/../b", "", "/etc/x", "a//b", "a/.", "a\0b"] {
            let entry = Entry { content: EntryContent::Directory, ..link(path, "x") };
            assert!(check(&entry).is_err(), "{path:?}");
        }
    }

    #[test]
    fn what_is_moved_replaces_files_and_follows_no_link() {
        let folder = tempfile::tempdir().unwrap();
        let [from, to, other] = ["from", "to", "other"].map(|name| folder.path().join(name));
        for directory in [from.join("pkg"), to.clone(), other.clone()] {
            std::fs::create_dir_all(directory).unwrap();
        }
        std::fs::write(from.join("pkg/new"), "new").unwrap();
        std::fs::write(from.join("file"), "new").unwrap();
        std::fs::write(to.join("file"), "old").unwrap();
        symlink(&other, to.join("pkg")).unwrap();
        assert!(matches!(move_into(&from, &to), Err(ExtractError::InTheWay(path)) if path == to.join("pkg")));
        assert_eq!(std::fs::read_dir(&other).unwrap().count(), 0);
        std::fs::remove_file(to.join("pkg")).unwrap();
        let _ = std::fs::write(from.join("file"), "new");
        move_into(&from, &to).unwrap();
        assert_eq!(std::fs::read(to.join("file")).unwrap(), b"new");
        assert_eq!(std::fs::read(to.join("pkg/new")).unwrap(), b"new");
    }
}
