//! The bytes of the archive's files.

use super::Mount;
use super::system::{Errno, Result};
use crate::archive::{ArchiveError, Extent};
use crate::os::decompress;
use crate::os::recent::{Recent, read};

/// Blocks kept at a time: small files that are next to each other share them, and programs read them one after the other.
const KEPT: usize = 4;

/// Largest block that is kept, in bytes.
const LARGEST_KEPT: usize = 512 << 10;

/// The most recent blocks.
pub type BlockCache = Recent<KEPT>;

impl Mount {
    /// Calls `take` with a content's bytes, piece by piece.
    ///
    /// # Errors
    /// EIO for a damaged block, and those of `take`.
    pub fn with_content(&self, content: Extent, mut take: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        self.archive.pieces(content, |number, range| {
            let outside = ArchiveError::OutOfBounds { part: "content" };
            let block = self.blocks.take(number, || read(self.archive, number))?;
            let result = block.get(range).ok_or_else(|| outside.into()).and_then(&mut take);
            if block.len() <= LARGEST_KEPT {
                block.keep();
            }
            result
        })
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
