//! The bytes of the archive's files: decompressed blocks, kept while they are likely to be wanted again.
//!
//! Small files that are next to each other share blocks, and programs read them one after the other. The cache has no
//! lock: a block is taken out of its slot while it is used. Two threads that want the same block at once both have it
//! decompressed, and a child of fork misses at most what another thread was using then.

use core::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use super::Mount;
use super::system::{Errno, Result};
use crate::archive::{ArchiveError, Extent, layout::NONE};
use crate::os::decompress;

/// Blocks kept at a time.
const KEPT: usize = 8;

/// Largest block that is kept, in bytes.
const LARGEST_KEPT: usize = 256 << 10;

/// A decompressed block.
struct Block {
    number: u32,
    bytes: Vec<u8>,
}

/// A place for a block, and which one was last put there: a hint that spares taking it out.
struct Slot {
    number: AtomicU32,
    block: AtomicPtr<Block>,
}

/// The most recent blocks.
pub struct BlockCache {
    slots: [Slot; KEPT],
    next: AtomicU32,
}

impl Default for BlockCache {
    fn default() -> Self {
        let slots =
            [const { Slot { number: AtomicU32::new(NONE), block: AtomicPtr::new(ptr::null_mut()) } }; KEPT];
        Self { slots, next: AtomicU32::new(0) }
    }
}

impl Slot {
    /// Takes out what is in it.
    fn take(&self) -> Option<Box<Block>> {
        let block = self.block.swap(ptr::null_mut(), Ordering::AcqRel);
        // SAFETY: it came from `Box::into_raw` in `put`, and nobody else can take it any more.
        (!block.is_null()).then(|| unsafe { Box::from_raw(block) })
    }

    fn put(&self, block: Box<Block>) {
        self.number.store(block.number, Ordering::Relaxed);
        let before = self.block.swap(Box::into_raw(block), Ordering::AcqRel);
        if !before.is_null() {
            // SAFETY: as in `take`.
            drop(unsafe { Box::from_raw(before) });
        }
    }
}

impl Mount {
    /// Calls `take` with a content's bytes, piece by piece.
    ///
    /// # Errors
    /// EIO for a damaged block, and those of `take`.
    pub fn with_content(&self, content: Extent, mut take: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        self.archive.pieces(content, |number, range| {
            let outside = ArchiveError::OutOfBounds { part: "content" };
            let (slot, block) = self.block(number)?;
            let result = block.bytes.get(range).ok_or_else(|| outside.into()).and_then(&mut take);
            if block.bytes.len() <= LARGEST_KEPT {
                slot.put(block);
            }
            result
        })
    }

    /// A block, and the slot to put it in after use.
    fn block(&self, number: u32) -> Result<(&Slot, Box<Block>)> {
        let slots = &self.blocks.slots;
        for slot in slots.iter().filter(|slot| slot.number.load(Ordering::Relaxed) == number) {
            match slot.take() {
                Some(block) if block.number == number => return Ok((slot, block)),
                Some(other) => slot.put(other),
                None => {}
            }
        }
        let mut bytes = vec![0; self.archive.block_length(number)?];
        self.archive.read_block(number, &mut bytes)?;
        let next = self.blocks.next.fetch_add(1, Ordering::Relaxed) as usize % KEPT;
        Ok((&slots[next], Box::new(Block { number, bytes })))
    }

    /// A content's bytes, all of them, on several threads where that is worth it.
    ///
    /// # Errors
    /// EIO for a damaged block, EFBIG for a content that memory cannot hold.
    pub fn fill(&self, content: Extent, place: &mut [u8]) -> Result<()> {
        if content.length != place.len() as u64 {
            return Err(Errno(libc::EFBIG));
        }
        Ok(decompress::into(self.archive, content, place)?)
    }
}
