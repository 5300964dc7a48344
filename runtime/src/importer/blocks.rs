//! Blocks of modules' code. What was decompressed ahead is taken from there ([`crate::os::ahead`]).

use crate::archive::{Archive, ArchiveError, Extent};
use crate::os::ahead;
use crate::os::pages::Pages;
use crate::os::recent::{Recent, read};
use crate::profile;

/// Blocks kept at a time, of a megabyte as a rule. Deep import chains come back to blocks: with only the latest megabyte, a
/// third of all that a start of numpy or httpx needs would be decompressed twice.
const KEPT: usize = 12;

/// The most recently used blocks.
#[derive(Default)]
pub struct BlockCache(Recent<KEPT>);

impl BlockCache {
    /// Calls `use_bytes` with a content's bytes: without a copy where it lies in one block.
    pub fn with_content<T>(
        &self,
        archive: &Archive,
        extent: Extent,
        use_bytes: impl FnOnce(&[u8]) -> T,
    ) -> Result<T, ArchiveError> {
        let block = self.0.take(extent.block, || get(archive, extent.block))?;
        let start = extent.offset as usize;
        let end = usize::try_from(extent.length).ok().and_then(|length| start.checked_add(length));
        let result = match end.and_then(|end| block.get(start..end)) {
            Some(bytes) => use_bytes(bytes),
            None => use_bytes(&archive.read(extent)?),
        };
        block.keep();
        Ok(result)
    }
}

fn get(archive: &Archive, number: u32) -> Result<Pages, ArchiveError> {
    let get = || ahead::code(number).map_or_else(|| read(archive, number), Ok);
    profile::code(get, |got| got.as_ref().map_or(0, |bytes| bytes.len()))
}
