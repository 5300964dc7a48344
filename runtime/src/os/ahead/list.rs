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
use crate::os::on_demand;
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
            wanted: AtomicPtr::default(),
            wanted_length: AtomicUsize::new(0),
            patience,
            bytes_ahead: AtomicU64::new(0),
        };
        let mut later = Vec::new();
        let mut place = 0;
        while let Ok(Some(next)) = list.add(place, &mut later) {
            place = next;
        }
        list.add_later(later);
        let code = list.pieces.iter().filter(|piece| matches!(piece.purpose, Purpose::Code(_)));
        list.left = AtomicUsize::new(code.count() + list.files.len());
        list
    }

    /// Adds what a record stands for; returns the place of the next one, if there is any.
    fn add(&mut self, place: usize, later: &mut Vec<Piece>) -> Result<Option<usize>, ArchiveError> {
        if place == self.archive.ahead_count() {
            return Ok(None);
        }
        let on_demand = self.on_demand(place + 1);
        let next = place + 1 + on_demand.len();
        match self.archive.ahead(place)? {
            archive::Ahead::Block(block) => {
                let length = self.archive.block_length(block)?;
                if length > 0 {
                    self.pieces.push(Piece {
                        block,
                        length,
                        state: State::new(OPEN),
                        purpose: Purpose::Code(AtomicPtr::default()),
                        is_on_demand: false,
                    });
                }
            }
            archive::Ahead::Library(number) => {
                let library = self.archive.library(number)?;
                self.add_file(library.content, library.file, library.name, on_demand, later)?;
            }
            archive::Ahead::Extension(number) => {
                let module = self.archive.module(number as usize)?;
                self.add_file(module.content, module.file, module.name, on_demand, later)?;
            }
            archive::Ahead::OnDemand(_) => {}
        }
        Ok(Some(next))
    }

    /// The blocks on demand that the records from a place on stand for: they are in a row.
    fn on_demand(&self, place: usize) -> Range<u32> {
        let block = |place: usize| match self.archive.ahead(place) {
            Ok(archive::Ahead::OnDemand(block)) if place < self.archive.ahead_count() => Some(block),
            _ => None,
        };
        let Some(first) = block(place) else { return 0..0 };
        let follows = |(block_before, more): &(u32, usize)| {
            let next = block_before.checked_add(1)?;
            (block(place + more) == Some(next)).then_some((next, more + 1))
        };
        let last = core::iter::successors(Some((first, 1)), follows).last();
        first..last.map_or(first, |(last, _)| last).saturating_add(1)
    }

    /// Puts what can wait behind everything else.
    fn add_later(&mut self, later: Vec<Piece>) {
        let first = self.pieces.len();
        for file in &mut self.files {
            file.on_demand = file.on_demand.start + first..file.on_demand.end + first;
        }
        self.pieces.extend(later);
    }

    /// A file that has its blocks for itself. `file` is its path in the tree. What is on demand goes to `later`.
    fn add_file(
        &mut self,
        content: Extent,
        file: &str,
        name: &str,
        on_demand: Range<u32>,
        later: &mut Vec<Piece>,
    ) -> Result<(), ArchiveError> {
        if content.length == 0
            || self.files.len() == MOST_FILES
            || self.files.iter().any(|other| other.content == content)
        {
            return Ok(());
        }
        let (number, first) = (self.files.len(), self.pieces.len());
        let first_later = later.len();
        let can_wait = !on_demand.is_empty() && on_demand::prepare(self.archive, self.processors);
        let mut length = 0;
        let mut is_whole = true;
        self.archive.pieces(content, |block, range| {
            is_whole &= range == (0..self.archive.block_length(block)?);
            let part: Range<usize> = length..length + range.len();
            length = part.end;
            let is_on_demand = can_wait && on_demand.contains(&block) && on_demand::can_supply(&part);
            let (state, purpose) = (State::new(OPEN), Purpose::Part(number, part));
            let piece = Piece { block, length: range.len(), state, purpose, is_on_demand };
            if is_on_demand { &mut *later } else { &mut self.pieces }.push(piece);
            Ok::<(), ArchiveError>(())
        })?;
        // Of each file something is wanted before it is loaded: its header.
        if !is_whole || self.pieces.len() == first {
            self.pieces.truncate(first);
            later.truncate(first_later);
            return Ok(());
        }
        let in_tree = vfs::path_in_tree(file).filter(|path| path.as_bytes().len() <= LONGEST_NAME);
        let cut =
            || CString::new(name.bytes().filter(|byte| *byte != 0).take(LONGEST_NAME).collect::<Vec<_>>());
        let shown = in_tree.unwrap_or_else(|| cut().unwrap_or_default());
        match File::new(content, &shown, first..self.pieces.len(), length) {
            Ok(mut file) => {
                file.on_demand = first_later..later.len();
                self.files.push(file);
            }
            Err(_) => {
                // The process may not open as many.
                self.pieces.truncate(first);
                later.truncate(first_later);
            }
        }
        Ok(())
    }
}
