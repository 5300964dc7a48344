//! Decompressed blocks, kept while they are likely to be wanted again.
//!
//! Modules that are imported one after the other share blocks, so a few blocks are enough. What was decompressed ahead is
//! taken from there ([`crate::os::ahead`]). The cache has no lock: a block is taken out of its slot while it is used, so
//! that a fork finds nothing locked. Should an import begin within the use of a block, and want the same one, that is
//! decompressed once more.

use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use crate::archive::layout::NONE;
use crate::archive::{Archive, ArchiveError, Extent};
use crate::os::ahead;
use crate::os::pages::Pages;
use crate::profile;

/// Blocks kept at a time, of some hundred kilobytes each. Deep import chains come back to blocks: with four, a third of
/// all blocks that a start of numpy or httpx needs would be decompressed twice.
const KEPT: usize = 12;

/// A decompressed block.
struct Block {
    number: u32,
    bytes: Pages,
}

/// A place for a block, and which one was last put there: a hint that spares taking it out.
struct Slot {
    number: AtomicU32,
    block: AtomicPtr<Block>,
}

/// The most recently used blocks.
pub struct BlockCache {
    slots: [Slot; KEPT],
    /// How many blocks were put there so far: the oldest makes room for the next.
    count: AtomicU32,
}

impl Default for BlockCache {
    fn default() -> Self {
        let slot = || Slot { number: AtomicU32::new(NONE), block: AtomicPtr::new(ptr::null_mut()) };
        Self { slots: core::array::from_fn(|_| slot()), count: AtomicU32::new(0) }
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

impl BlockCache {
    /// Calls `use_bytes` with a content's bytes: without a copy where it lies in one block.
    pub fn with_content<T>(
        &self,
        archive: &Archive,
        extent: Extent,
        use_bytes: impl FnOnce(&[u8]) -> T,
    ) -> Result<T, ArchiveError> {
        let (slot, block) = self.block(archive, extent.block)?;
        let start = extent.offset as usize;
        let end = usize::try_from(extent.length).ok().and_then(|length| start.checked_add(length));
        let result = match end.and_then(|end| block.bytes.get(start..end)) {
            Some(bytes) => use_bytes(bytes),
            None => use_bytes(&archive.read(extent)?),
        };
        slot.put(block);
        Ok(result)
    }

    /// A block, and the slot to put it in after use.
    fn block(&self, archive: &Archive, number: u32) -> Result<(&Slot, Box<Block>), ArchiveError> {
        for slot in self.slots.iter().filter(|slot| slot.number.load(Ordering::Relaxed) == number) {
            match slot.take() {
                Some(block) if block.number == number => return Ok((slot, block)),
                Some(other) => slot.put(other),
                None => {}
            }
        }
        let get = || ahead::code(number).map_or_else(|| read(archive, number), Ok);
        let bytes = profile::block(get, |got| got.as_ref().map_or(0, |bytes| bytes.len()))?;
        let count = self.count.fetch_add(1, Ordering::Relaxed) as usize;
        Ok((&self.slots[count % KEPT], Box::new(Block { number, bytes })))
    }
}

fn read(archive: &Archive, number: u32) -> Result<Pages, ArchiveError> {
    // An empty block has no content to be read, and memory cannot be had without a length.
    let length = Some(archive.block_length(number)?).filter(|length| *length > 0);
    let length = length.ok_or(ArchiveError::OutOfBounds { part: "content" })?;
    let mut bytes = Pages::filled(length).ok_or(ArchiveError::OutOfMemory { block: number })?;
    archive.read_block(number, bytes.bytes())?;
    Ok(bytes)
}
