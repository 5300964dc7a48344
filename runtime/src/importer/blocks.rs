//! Decompressed blocks, kept while they are likely to be wanted again.
//!
//! Modules that are imported one after the other share blocks, so a few blocks are enough.

use std::sync::{Arc, Mutex, PoisonError};

use crate::archive::{Archive, ArchiveError, Extent};

/// Blocks kept at a time. Deep import chains switch between few blocks; each is some hundred kilobytes.
const KEPT: usize = 4;

/// The most recently used blocks, latest last.
#[derive(Default)]
pub struct BlockCache(Mutex<Vec<(u32, Arc<Vec<u8>>)>>);

impl BlockCache {
    /// Calls `use_bytes` with a content's bytes: without a copy where it lies in one block.
    pub fn with_content<T>(
        &self,
        archive: &Archive,
        extent: Extent,
        use_bytes: impl FnOnce(&[u8]) -> T,
    ) -> Result<T, ArchiveError> {
        let block = self.block(archive, extent.block)?;
        let start = extent.offset as usize;
        let end = usize::try_from(extent.length).ok().and_then(|length| start.checked_add(length));
        match end.and_then(|end| block.get(start..end)) {
            Some(bytes) => Ok(use_bytes(bytes)),
            None => Ok(use_bytes(&archive.read(extent)?)),
        }
    }

    fn block(&self, archive: &Archive, number: u32) -> Result<Arc<Vec<u8>>, ArchiveError> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = kept.iter().position(|(kept, _)| *kept == number) {
            let entry = kept.remove(at);
            let block = Arc::clone(&entry.1);
            kept.push(entry);
            return Ok(block);
        }
        let mut bytes = vec![0; archive.block_length(number)?];
        archive.read_block(number, &mut bytes)?;
        if kept.len() == KEPT {
            kept.remove(0);
        }
        let block = Arc::new(bytes);
        kept.push((number, Arc::clone(&block)));
        Ok(block)
    }
}
