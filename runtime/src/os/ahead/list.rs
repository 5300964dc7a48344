//! The list of work, from the archive's section `ahead`.
//!
//! Made before anything else runs, so it looks at each content once and allocates what the threads will need. Whatever in
//! the archive contradicts itself is left out of the list: who needs it will say what is wrong with it.

use core::ops::Range;
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize};
use core::time::Duration;
use std::ffi::CString;

use super::file::File;
use super::work::{OPEN, State};
use super::{Ahead, MOST_FILES, MOST_THREADS, NOBODY, Piece, Purpose};
use crate::MappedArchive;
use crate::archive::{self, ArchiveError, Extent};
use crate::os::memory_file::LONGEST_NAME;
use crate::os::processors::Processors;
use crate::vfs;

impl Ahead {
    pub(super) fn new(archive: MappedArchive, processors: Processors, patience: Duration) -> Self {
        let mut list = Self {
            archive,
            pieces: Vec::with_capacity(archive.block_count()),
            files: Vec::with_capacity(archive.ahead_count()),
            next: AtomicUsize::new(0),
            urgent: AtomicUsize::new(NOBODY),
            left: AtomicUsize::new(0),
            taken: AtomicU32::new(0),
            is_stalled: AtomicBool::new(false),
            must_end: AtomicBool::new(false),
            threads: AtomicU32::new(0),
            processors,
            thread_numbers: [const { AtomicI32::new(0) }; MOST_THREADS],
            // SAFETY: no conditions.
            process: unsafe { libc::getpid() },
            patience,
            bytes_ahead: AtomicU64::new(0),
        };
        for place in 0..archive.ahead_count() {
            if list.add(place).is_err() {
                break;
            }
        }
        let code = list.pieces.iter().filter(|piece| matches!(piece.purpose, Purpose::Code(_)));
        list.left = AtomicUsize::new(code.count() + list.files.len());
        list
    }

    fn add(&mut self, place: usize) -> Result<(), ArchiveError> {
        match self.archive.ahead(place)? {
            archive::Ahead::Block(block) => {
                let length = self.archive.block_length(block)?;
                if length > 0 {
                    self.pieces.push(Piece {
                        block,
                        length,
                        state: State::new(OPEN),
                        purpose: Purpose::Code(AtomicPtr::default()),
                    });
                }
                Ok(())
            }
            archive::Ahead::Library(number) => {
                let library = self.archive.library(number)?;
                self.add_file(library.content, library.file, library.name)
            }
            archive::Ahead::Extension(number) => {
                let module = self.archive.module(number as usize)?;
                self.add_file(module.content, module.file, module.name)
            }
        }
    }

    /// A file that has its blocks for itself. `file` is its path in the tree.
    fn add_file(&mut self, content: Extent, file: &str, name: &str) -> Result<(), ArchiveError> {
        if content.length == 0
            || self.files.len() == MOST_FILES
            || self.files.iter().any(|other| other.content == content)
        {
            return Ok(());
        }
        let (number, first) = (self.files.len(), self.pieces.len());
        let mut length = 0;
        let mut is_whole = true;
        self.archive.pieces(content, |block, range| {
            is_whole &= range == (0..self.archive.block_length(block)?);
            let part: Range<usize> = length..length + range.len();
            length = part.end;
            let (state, purpose) = (State::new(OPEN), Purpose::Part(number, part));
            self.pieces.push(Piece { block, length: range.len(), state, purpose });
            Ok::<(), ArchiveError>(())
        })?;
        if !is_whole {
            self.pieces.truncate(first);
            return Ok(());
        }
        let in_tree = vfs::path_in_tree(file).filter(|path| path.as_bytes().len() <= LONGEST_NAME);
        let cut =
            || CString::new(name.bytes().filter(|byte| *byte != 0).take(LONGEST_NAME).collect::<Vec<_>>());
        let shown = in_tree.unwrap_or_else(|| cut().unwrap_or_default());
        match File::new(content, &shown, first..self.pieces.len(), length) {
            Ok(file) => self.files.push(file),
            Err(_) => self.pieces.truncate(first), // the process may not open as many
        }
        Ok(())
    }
}
