//! Packages that the build asked to be on the real disk (`--materialize`).
//!
//! What nobody can serve from inside of a process, such as files for other programs, is written once, below
//! `$XDG_CACHE_HOME/snapfreeze/` in a directory that is named after the archive's content and belongs to the user
//! alone. It is written beside its place and renamed, so that it is there whole or not at all, and compared with the
//! archive before every use: a file that is missing, changed or not a file makes it be written anew.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::MappedArchive;
use crate::archive::{ArchiveError, Node, NodeContent};
use crate::error::StartError;

/// Permission bits of directories: the user's alone.
const PRIVATE: u32 = 0o700;

/// The part of the tree that is on the real disk.
#[derive(Debug, Clone)]
pub struct Materialized {
    /// The directory that stands for the root.
    pub root: PathBuf,
    /// The packages and modules, as paths below the root.
    paths: Vec<PathBuf>,
}

impl Materialized {
    /// Whether a file, relative to the root, is on the real disk.
    pub fn has(&self, file: &str) -> bool {
        self.paths.iter().any(|path| Path::new(file).starts_with(path))
    }
}

/// Puts the packages on disk that are to be there; none when there are none, which is the rule.
pub fn materialize(archive: MappedArchive) -> Result<Option<Materialized>, StartError> {
    if archive.node_count() == 0 {
        return Ok(None);
    }
    let root = archive.root()?;
    let mut wanted = Vec::new();
    collect(archive, &root, Path::new(""), &mut wanted)?;
    if wanted.is_empty() {
        return Ok(None);
    }
    let failed = |path: &Path, source| StartError::Materialize { path: path.to_owned(), source };
    let base = cache_directory().ok_or(StartError::NoCache)?.join("snapfreeze");
    let place = base.join(format!("{:016x}", archive.index_checksum()));
    let paths = wanted.iter().map(|(path, _)| path.clone()).collect();
    if !is_intact(archive, &place, &wanted)? {
        private_directory(&base).map_err(|source| failed(&base, source))?;
        write_anew(archive, &base, &place, &wanted)?;
    }
    Ok(Some(Materialized { root: place, paths }))
}

/// The topmost nodes that are to be on disk, with their paths.
fn collect(
    archive: MappedArchive,
    node: &Node<'static>,
    path: &Path,
    wanted: &mut Vec<(PathBuf, Node<'static>)>,
) -> Result<(), ArchiveError> {
    if node.materialize {
        wanted.push((path.to_owned(), node.clone()));
    } else if let NodeContent::Directory(children) = &node.content
        && node.leads_to_materialized
    {
        for child in children.clone() {
            let child = archive.node(child)?;
            collect(archive, &child, &path.join(OsStr::from_bytes(child.name)), wanted)?;
        }
    }
    Ok(())
}

/// `$XDG_CACHE_HOME`, else `$HOME/.cache` (XDG Base Directory Specification: only absolute paths count).
fn cache_directory() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))
}

fn private_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(PRIVATE).create(path)
}

/// Whether everything is on disk as it is in the archive, in a directory that nobody else can write to.
fn is_intact(
    archive: MappedArchive,
    place: &Path,
    wanted: &[(PathBuf, Node<'static>)],
) -> Result<bool, ArchiveError> {
    // SAFETY: no conditions.
    let user = unsafe { libc::geteuid() };
    let is_private = fs::symlink_metadata(place)
        .is_ok_and(|found| found.is_dir() && found.uid() == user && found.mode() & 0o077 == 0);
    if !is_private {
        return Ok(false);
    }
    for (path, node) in wanted {
        if !is_same(archive, &place.join(path), node)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn is_same(archive: MappedArchive, path: &Path, node: &Node<'static>) -> Result<bool, ArchiveError> {
    let Ok(found) = fs::symlink_metadata(path) else { return Ok(false) };
    match &node.content {
        NodeContent::Directory(children) => {
            for child in children.clone() {
                let child = archive.node(child)?;
                if !is_same(archive, &path.join(OsStr::from_bytes(child.name)), &child)? {
                    return Ok(false);
                }
            }
            Ok(found.is_dir())
        }
        NodeContent::Symlink(target) => {
            Ok(fs::read_link(path).is_ok_and(|found| found.as_os_str().as_bytes() == *target))
        }
        NodeContent::File(content) => {
            if !found.is_file() || found.len() != content.length {
                return Ok(false);
            }
            let mut bytes = Vec::new();
            let read = File::open(path).and_then(|mut file| file.read_to_end(&mut bytes));
            Ok(read.is_ok() && bytes == archive.read(*content)?)
        }
    }
}

/// Writes everything into a directory beside `place`, which then takes its name. Of several processes that do so at once
/// one is first; the others take what it has made.
fn write_anew(
    archive: MappedArchive,
    base: &Path,
    place: &Path,
    wanted: &[(PathBuf, Node<'static>)],
) -> Result<(), StartError> {
    let failed = |path: &Path, source| StartError::Materialize { path: path.to_owned(), source };
    let name = |what: &str| base.join(format!(".{what}-{}", std::process::id()));
    let (draft, old) = (name("draft"), name("old"));
    let _ = fs::remove_dir_all(&draft); // of a process that had this number and was interrupted
    let written = private_directory(&draft).map_err(|source| failed(&draft, source)).and_then(|()| {
        wanted.iter().try_for_each(|(path, node)| {
            let path = draft.join(path);
            let above = path.parent().unwrap_or(&draft);
            private_directory(above).map_err(|source| failed(above, source))?;
            write(archive, &path, node)
        })
    });
    let renamed = written.and_then(|()| {
        // What is there is damaged, or another process has just been faster.
        if fs::rename(place, &old).is_ok() {
            let _ = fs::remove_dir_all(&old);
        }
        match fs::rename(&draft, place) {
            Ok(()) => Ok(()),
            Err(_) if is_intact(archive, place, wanted)? => Ok(()),
            Err(source) => Err(failed(place, source)),
        }
    });
    let _ = fs::remove_dir_all(&draft);
    renamed
}

fn write(archive: MappedArchive, path: &Path, node: &Node<'static>) -> Result<(), StartError> {
    let failed = |source| StartError::Materialize { path: path.to_owned(), source };
    match &node.content {
        NodeContent::Directory(children) => {
            private_directory(path).map_err(failed)?;
            for child in children.clone() {
                let child = archive.node(child)?;
                write(archive, &path.join(OsStr::from_bytes(child.name)), &child)?;
            }
        }
        NodeContent::Symlink(target) => symlink(OsStr::from_bytes(target), path).map_err(failed)?,
        NodeContent::File(content) => {
            let bytes = archive.read(*content)?;
            let mode = u32::from(node.mode) & 0o700;
            let file = OpenOptions::new().write(true).create_new(true).mode(mode | 0o200).open(path);
            file.and_then(|mut file| {
                file.write_all(&bytes)?;
                file.set_permissions(Permissions::from_mode(mode))
            })
            .map_err(failed)?;
        }
    }
    Ok(())
}
