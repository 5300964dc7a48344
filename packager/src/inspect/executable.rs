//! An executable as a file: where its archive is, and what can be read out of it. Nothing of it is executed.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use memchr::memmem;
use snapfreeze_runtime::archive::layout::{ARCHIVE_ALIGNMENT, MAGIC};
use snapfreeze_runtime::archive::slot::{self, SLOT_LENGTH, SlotState};
use snapfreeze_runtime::archive::{Archive, ArchiveError, Extent, Placement};

use super::error::InspectError;
use super::foreign::seems;
use super::native::NativeNeeds;
use super::tree::{self, Entry, EntryContent};
use crate::attach::LONGEST_PROGRAM;
use crate::attach::directory::{ROOT, executable_in};
use crate::fuse::archive::{self, ArchiveRange};
use crate::why::Reasons;

/// Contents that claim to be longer are not read at once, in bytes.
pub const LONGEST_CONTENT: u64 = 1 << 30;

/// How an ELF file begins.
const ELF: &[u8] = b"\x7fELF";

/// How many places are tried where an archive may begin: each costs the hash of an index.
const MOST_PLACES: usize = 16;

/// An executable's bytes.
#[derive(Debug)]
pub struct Executable {
    /// The file.
    pub path: PathBuf,
    /// Its length in bytes.
    pub length: u64,
    /// Length of the program before its archive, in bytes.
    pub base: u64,
    /// How many zeros are between the two.
    pub alignment: u64,
    /// Checksum of the program before its archive.
    pub checksum: blake3::Hash,
    /// What its own code asks for.
    pub needs: NativeNeeds,
    /// What is odd about it.
    pub warnings: Vec<String>,
    bytes: Vec<u8>,
}

impl Executable {
    /// Opens an executable, or the one in the directory that `--onedir` makes.
    ///
    /// # Errors
    /// When it cannot be read, has no archive, or is something else.
    pub fn open(path: &Path) -> Result<Self, InspectError> {
        let path = if path.is_dir() { executable_in(path) } else { path.to_owned() };
        let failed = |source| InspectError::Read { path: path.clone(), source };
        let metadata = path.metadata().map_err(failed)?;
        if !metadata.is_file() {
            return Err(failed(io::Error::other("it is not a regular file")));
        }
        let mut file = File::open(&path).map_err(failed)?;
        let mut head = Vec::new();
        Read::by_ref(&mut file).take(LONGEST_PROGRAM).read_to_end(&mut head).map_err(failed)?;
        let mut warnings = Vec::new();
        let ArchiveRange { offset, length } = match place(&path, &head)? {
            Some(range) => range,
            None => match by_magic(&head, metadata.len()) {
                Some(range) => {
                    warnings.push(
                        "the archive was found by its first bytes: this is no program for Linux".into(),
                    );
                    range
                }
                None => {
                    let seems = seems(&mut file).map_err(failed)?;
                    return Err(InspectError::Foreign { path, seems });
                }
            },
        };
        let needs = NativeNeeds::read(&mut file).unwrap_or_else(|error| {
            warnings.push(format!("what the executable's own code asks for cannot be read: it {error}"));
            NativeNeeds::default()
        });
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(offset)).map_err(failed)?;
        file.take(length).read_to_end(&mut bytes).map_err(failed)?;
        let before = head.get(..usize::try_from(offset).unwrap_or(usize::MAX)).unwrap_or_default();
        let zeros = before.iter().rev().take(ARCHIVE_ALIGNMENT as usize - 1).take_while(|byte| **byte == 0);
        let alignment = zeros.count() as u64;
        let base = offset - alignment;
        let checksum = blake3::hash(&before[..before.len() - alignment as usize]);
        Ok(Self { path, length: metadata.len(), base, alignment, checksum, needs, warnings, bytes })
    }

    /// The archive in it.
    ///
    /// # Errors
    /// When it is damaged or of another version.
    pub fn archive(&self) -> Result<Archive<'_>, InspectError> {
        Archive::open(&self.bytes).map_err(|source| self.damaged(source))
    }

    /// An error of the archive.
    pub fn damaged(&self, source: ArchiveError) -> InspectError {
        InspectError::Archive { path: self.path.clone(), source }
    }

    /// Why everything is in it; none where it does not say.
    ///
    /// # Errors
    /// When that cannot be read.
    pub fn reasons(&self, archive: &Archive) -> Result<Option<(Extent, Reasons)>, InspectError> {
        let Some(extent) = archive.reasons().map_err(|source| self.damaged(source))? else { return Ok(None) };
        let text = read_content(archive, extent).map_err(|source| self.damaged(source))?;
        let reasons = Reasons::from_bytes(&text);
        let reasons = reasons.map_err(|source| InspectError::Document { path: self.path.clone(), source })?;
        Ok(Some((extent, reasons)))
    }

    /// Its tree of files, in the archive or beside it.
    ///
    /// # Errors
    /// When the tree is damaged, or the directory cannot be read.
    pub fn entries(&self, archive: &Archive) -> Result<Vec<Entry>, InspectError> {
        let damaged = |source| self.damaged(source);
        match archive.target().map_err(damaged)?.placement {
            Placement::Archive => tree::of_archive(archive).map_err(damaged),
            Placement::Beside => {
                let root = self.path.parent().unwrap_or(Path::new("")).join(ROOT);
                tree::of_directory(&root).map_err(|(path, source)| InspectError::Read { path, source })
            }
        }
    }

    /// The bytes of a file of the tree; none of a directory or a link.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(&self, archive: &Archive, entry: &Entry) -> Result<Option<Vec<u8>>, InspectError> {
        match &entry.content {
            EntryContent::Stored(extent) => {
                read_content(archive, *extent).map(Some).map_err(|source| self.damaged(source))
            }
            EntryContent::Disk(path, length) => {
                let failed = |source| InspectError::Read { path: path.clone(), source };
                let mut bytes = Vec::new();
                let file = File::open(path).map_err(failed)?;
                file.take(*length).read_to_end(&mut bytes).map_err(failed)?;
                Ok(Some(bytes))
            }
            EntryContent::Directory | EntryContent::Link(_) => Ok(None),
        }
    }
}

/// A content of reasonable length.
///
/// # Errors
/// When it is damaged, or claims to be longer.
pub fn read_content(archive: &Archive, extent: Extent) -> Result<Vec<u8>, ArchiveError> {
    if extent.length > LONGEST_CONTENT {
        return Err(ArchiveError::Invalid { part: "length of a content" });
    }
    archive.read(extent)
}

/// Where the slot says that the archive is; none without a slot, and in files of other systems.
fn place(path: &Path, head: &[u8]) -> Result<Option<ArchiveRange>, InspectError> {
    if let Some((_, range)) = archive::find(head) {
        return Ok(Some(range));
    }
    if !head.starts_with(ELF) {
        return Ok(None);
    }
    let no_archive = |what| InspectError::NoArchive { path: path.to_owned(), what };
    // The packager itself has a stub in it, and names the slot in its code: it is no executable of its own making.
    let state = slot::find(head).and_then(|at| head.get(at..)?.first_chunk::<SLOT_LENGTH>());
    match state.map(slot::read) {
        None => Ok(None),
        Some(SlotState::Empty) => Err(no_archive("it carries no archive: it is a bare stub")),
        Some(SlotState::Damaged) => Err(no_archive("it is damaged: where its archive is cannot be read")),
        Some(SlotState::Filled(_)) => {
            Err(no_archive("it is damaged or was stripped: its archive is not where it should be"))
        }
    }
}

/// An archive at a place where one may begin, as in files of other systems, or one alone.
fn by_magic(head: &[u8], length: u64) -> Option<ArchiveRange> {
    let places = memmem::find_iter(head, &MAGIC).filter(|at| (*at as u64).is_multiple_of(ARCHIVE_ALIGNMENT));
    let mut whole = places.take(MOST_PLACES).filter(|at| {
        let found = Archive::open(&head[*at..]);
        matches!(found, Ok(_) | Err(ArchiveError::Truncated { .. } | ArchiveError::Version { .. }))
    });
    let offset = whole.next()? as u64;
    Some(ArchiveRange { offset, length: length - offset })
}
