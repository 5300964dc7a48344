//! Decompressed blocks, kept while they are likely to be wanted again.
//!
//! What is read one after the other shares blocks: modules that import each other, small files of one directory. There
//! is no lock: a block is taken out of its slot while it is used, so that a fork finds nothing locked, and a child misses
//! at most what another thread was using then. Two that want the same block at once both have it read.

use core::ops::Deref;
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use super::pages::Pages;
use crate::archive::layout::NONE;
use crate::archive::{Archive, ArchiveError};

/// The `KEPT` latest blocks.
pub struct Recent<const KEPT: usize> {
    slots: [Slot; KEPT],
    /// How many blocks were read so far: the oldest makes room for the next.
    count: AtomicU32,
}

/// A place for a block, and which one was last put there: a hint that spares taking it out.
struct Slot {
    number: AtomicU32,
    block: AtomicPtr<Block>,
}

struct Block {
    number: u32,
    bytes: Pages,
}

/// A block in use; it is not kept unless that is said.
pub struct Taken<'a> {
    slot: &'a Slot,
    block: Box<Block>,
}

impl<const KEPT: usize> Default for Recent<KEPT> {
    fn default() -> Self {
        let slot = || Slot { number: AtomicU32::new(NONE), block: AtomicPtr::new(ptr::null_mut()) };
        Self { slots: core::array::from_fn(|_| slot()), count: AtomicU32::new(0) }
    }
}

impl<const KEPT: usize> Recent<KEPT> {
    /// A block, read unless it is there.
    pub fn take<E>(&self, number: u32, read: impl FnOnce() -> Result<Pages, E>) -> Result<Taken<'_>, E> {
        for slot in self.slots.iter().filter(|slot| slot.number.load(Ordering::Relaxed) == number) {
            match slot.take() {
                Some(block) if block.number == number => return Ok(Taken { slot, block }),
                Some(other) => slot.put(other),
                None => {}
            }
        }
        let bytes = read()?;
        let count = self.count.fetch_add(1, Ordering::Relaxed) as usize;
        Ok(Taken { slot: &self.slots[count % KEPT], block: Box::new(Block { number, bytes }) })
    }
}

impl Taken<'_> {
    /// Puts the block back, for the next time.
    pub fn keep(self) {
        self.slot.put(self.block);
    }
}

impl Deref for Taken<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.block.bytes
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

/// Decompresses a block into memory of its own.
pub fn read(archive: &Archive, number: u32) -> Result<Pages, ArchiveError> {
    // An empty block has no content to be read, and memory cannot be had without a length.
    let length = Some(archive.block_length(number)?).filter(|length| *length > 0);
    let length = length.ok_or(ArchiveError::OutOfBounds { part: "content" })?;
    let mut bytes = Pages::filled(length).ok_or(ArchiveError::OutOfMemory { block: number })?;
    archive.read_block(number, bytes.bytes())?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(first: u8) -> Result<Pages, ()> {
        let mut bytes = Pages::new(1).ok_or(())?;
        bytes.bytes()[0] = first;
        Ok(bytes)
    }

    #[test]
    fn the_latest_that_were_kept_are_there() {
        let recent = Recent::<2>::default();
        for number in 0..3 {
            recent.take(number, || read(number as u8)).unwrap().keep();
        }
        assert_eq!(recent.take(1, || Err(())).unwrap()[0], 1);
        assert_eq!(recent.take(0, || read(7)).unwrap()[0], 7, "it had to make room");
        assert!(recent.take(1, || Err(())).is_err(), "it was not put back");
        let first = recent.take(2, || Err(())).unwrap();
        assert_eq!(recent.take(2, || read(9)).unwrap()[0], 9, "the other is in use");
        first.keep();
        assert_eq!(recent.take(2, || Err(())).unwrap()[0], 2);
    }
}
