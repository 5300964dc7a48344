//! Packages that the build asked to be on the real disk (`--materialize`).
//!
//! What nobody can serve from inside of a process, such as files for other programs, is written once, below
//! `$XDG_CACHE_HOME/snapfreeze/` in a directory that is named after the archive's content and belongs to the user
//! alone. It is written beside its place and renamed, so that it is there whole or not at all, and compared with the
//! archive before every use: a file that is missing, changed or not a file makes it be written anew.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::MappedArchive;
use crate::archive::{ArchiveError, Node, NodeContent};
use crate::error::StartError;
use crate::os::is_privileged;

/// Permission bits of directories: the user's alone.
const PRIVATE: u32 = 0o700;

/// After this time nobody is writing to a directory any more.
const ABANDONED: Duration = Duration::from_secs(3600);

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
    if is_privileged() {
        return Err(StartError::PrivilegedCache); // the caller's environment says where the cache is
    }
    let base = cache_directory().ok_or(StartError::NoCache)?.join("snapfreeze");
    let place = base.join(format!("{:016x}", archive.index_checksum()));
    let paths = wanted.iter().map(|(path, _)| path.clone()).collect();
    own_directory(&base).map_err(|source| failed(&base, source))?;
    if !is_intact(archive, &place, &wanted)? {
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
            collect(archive, &child, &below(path, &child)?, wanted)?;
        }
    }
    Ok(())
}

/// The path of a directory's child, whose name must not lead elsewhere.
fn below(directory: &Path, child: &Node) -> Result<PathBuf, ArchiveError> {
    let name = child.name;
    if matches!(name, b"" | b"." | b"..") || name.contains(&b'/') {
        return Err(ArchiveError::Invalid { part: "name of a file" });
    }
    Ok(directory.join(OsStr::from_bytes(name)))
}

/// `$XDG_CACHE_HOME`, else `$HOME/.cache` (XDG Base Directory Specification: only absolute paths count).
fn cache_directory() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))
}

fn private_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(PRIVATE).create(path)
}

/// Makes a directory, if it is missing, that nobody but the user can write to: whoever can rename what is in it could
/// put other files in place of those that were compared.
fn own_directory(path: &Path) -> io::Result<()> {
    private_directory(path)?;
    let (found, link) = (fs::metadata(path)?, fs::symlink_metadata(path)?);
    // SAFETY: no conditions.
    let user = unsafe { libc::geteuid() };
    if found.uid() != user || link.uid() != user {
        return Err(io::Error::from_raw_os_error(libc::EACCES));
    }
    match found.mode() & 0o022 {
        0 => Ok(()),
        others => fs::set_permissions(path, Permissions::from_mode(found.mode() & 0o7777 & !others)),
    }
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
                if !is_same(archive, &below(path, &child)?, &child)? {
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

/// Beginnings of the names of directories that are being written, or that were in the way.
const DRAFT: &str = ".draft-";
const OLD: &str = ".old-";

/// Writes everything into a directory beside `place`, which then takes its name. Of several processes that do so at once
/// one is first; the others take what it has made.
fn write_anew(
    archive: MappedArchive,
    base: &Path,
    place: &Path,
    wanted: &[(PathBuf, Node<'static>)],
) -> Result<(), StartError> {
    let failed = |path: &Path, source| StartError::Materialize { path: path.to_owned(), source };
    remove_leftovers(base);
    // Processes of other machines and containers may have the same number, and the same base.
    let unique = RandomState::new().hash_one(std::process::id());
    let name = |what: &str| base.join(format!("{what}{unique:016x}"));
    let (draft, old) = (name(DRAFT), name(OLD));
    let written = private_directory(&draft).map_err(|source| failed(&draft, source)).and_then(|()| {
        wanted.iter().try_for_each(|(path, node)| {
            let path = draft.join(path);
            let above = path.parent().unwrap_or(&draft);
            private_directory(above).map_err(|source| failed(above, source))?;
            write(archive, &path, node)
        })
    });
    let renamed = written.and_then(|()| {
        // When another process has just been faster, what it has made is in use, and stays.
        if fs::rename(&draft, place).is_ok() || is_intact(archive, place, wanted)? {
            return Ok(());
        }
        // What is there is damaged.
        if fs::rename(place, &old).is_ok() {
            remove(&old);
        }
        match fs::rename(&draft, place) {
            Ok(()) => Ok(()),
            Err(_) if is_intact(archive, place, wanted)? => Ok(()),
            Err(source) => Err(failed(place, source)),
        }
    });
    remove(&draft);
    renamed
}

/// Removes a directory, or what is in its place; a failure leaves it to the next time.
fn remove(path: &Path) {
    let _ = fs::remove_dir_all(path).or_else(|_| fs::remove_file(path));
}

/// Removes what processes that were interrupted have left behind.
fn remove_leftovers(base: &Path) {
    for entry in fs::read_dir(base).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let is_temporary = [DRAFT, OLD].iter().any(|start| name.as_bytes().starts_with(start.as_bytes()));
        let changed = || entry.metadata().and_then(|found| found.modified()).ok()?.elapsed().ok();
        if is_temporary && changed().is_some_and(|age| age > ABANDONED) {
            remove(&entry.path());
        }
    }
}

fn write(archive: MappedArchive, path: &Path, node: &Node<'static>) -> Result<(), StartError> {
    let failed = |source| StartError::Materialize { path: path.to_owned(), source };
    match &node.content {
        NodeContent::Directory(children) => {
            private_directory(path).map_err(failed)?;
            for child in children.clone() {
                let child = archive.node(child)?;
                write(archive, &below(path, &child)?, &child)?;
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

#[cfg(test)]
#[cfg(feature = "write")]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::archive::tests::no_target;
    use crate::archive::writer::{ArchiveWriter, NodeRecord, NodeRecordContent, compress};
    use crate::archive::{Archive, Extent};

    /// An archive with one file, which is to be on disk.
    fn archive(path: &str) -> MappedArchive {
        let mut writer = ArchiveWriter::new(Cursor::new(Vec::new())).unwrap();
        writer.add_block(&compress(b"content", 3).unwrap()).unwrap();
        let content = NodeRecordContent::File(Extent { block: 0, offset: 0, length: 7 });
        let path = path.as_bytes().to_vec();
        writer.add_node(NodeRecord { path, mode: 0o644, mtime: 0, materialize: true, content }).unwrap();
        let bytes = writer.finish(&no_target()).unwrap().1.into_inner().leak();
        Box::leak(Box::new(Archive::open(bytes).unwrap()))
    }

    fn wanted(archive: MappedArchive) -> Result<Vec<(PathBuf, Node<'static>)>, ArchiveError> {
        let mut wanted = Vec::new();
        collect(archive, &archive.root()?, Path::new(""), &mut wanted)?;
        Ok(wanted)
    }

    /// A directory for one test.
    fn base(test: &str) -> PathBuf {
        let base = std::env::temp_dir().join(format!("snapfreeze-{test}-{}", std::process::id()));
        own_directory(&base).unwrap();
        base
    }

    #[test]
    fn names_that_lead_elsewhere_are_damage() {
        for path in ["../file", "a/../../file", "./file", "a/.."] {
            assert!(matches!(wanted(archive(path)), Err(ArchiveError::Invalid { .. })), "{path}");
        }
        assert_eq!(wanted(archive("a/..file")).unwrap()[0].0, Path::new("a/..file"));
    }

    #[test]
    fn what_is_intact_stays_and_what_is_damaged_goes() {
        let (archive, base) = (archive("a/file"), base("stays"));
        let (wanted, place) = (wanted(archive).unwrap(), base.join("place"));
        let number = || fs::metadata(&place).unwrap().ino();
        write_anew(archive, &base, &place, &wanted).unwrap();
        let first = number();
        write_anew(archive, &base, &place, &wanted).unwrap();
        assert_eq!(number(), first);
        fs::write(place.join("a/file"), b"CONTENT").unwrap();
        write_anew(archive, &base, &place, &wanted).unwrap();
        assert_ne!(number(), first);
        assert_eq!(fs::read(place.join("a/file")).unwrap(), b"content");
        fs::remove_dir_all(&place).unwrap();
        fs::write(&place, b"a file").unwrap();
        write_anew(archive, &base, &place, &wanted).unwrap();
        assert!(is_intact(archive, &place, &wanted).unwrap());
        assert_eq!(fs::read_dir(&base).unwrap().count(), 1);
        fs::remove_dir_all(&base).unwrap();
    }

    #[test]
    fn what_others_can_write_to_is_made_the_users() {
        let base = base("private");
        fs::set_permissions(&base, Permissions::from_mode(0o777)).unwrap();
        own_directory(&base).unwrap();
        assert_eq!(fs::metadata(&base).unwrap().mode() & 0o7777, 0o755);
        fs::remove_dir_all(&base).unwrap();
    }
}
