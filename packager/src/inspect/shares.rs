//! Who has how much of the file: each block's stored bytes, shared out among the contents in it.
//!
//! A block is compressed as a whole, so a content has the share of it that its length has of the block's; bytes between
//! contents, that align them, count with these. The shares of a block, with what nobody claims, add up to what is stored of it, to the byte.

use std::collections::HashSet;

use snapfreeze_runtime::archive::{Archive, ArchiveError, Extent};

use crate::archive::ALIGNMENT;

/// Claims on an archive's blocks; `Owner` says whose they are.
#[derive(Debug)]
pub struct Claims<Owner> {
    /// By block: who claims how many bytes of it, in the order of claims.
    blocks: Vec<Vec<(Owner, u64)>>,
    known: HashSet<Extent>,
    /// How many more pieces may be claimed: of contents that do not overlap there are never that many.
    left: usize,
}

impl<Owner: Copy> Claims<Owner> {
    /// No claims yet on the blocks of an archive.
    pub fn new(archive: &Archive) -> Self {
        let contents = archive.module_count() + archive.library_count() + archive.node_count();
        let left = 2 * (contents + archive.block_count()) + 16;
        Self { blocks: vec![Vec::new(); archive.block_count()], known: HashSet::new(), left }
    }

    /// Claims a content. Whether it is the first claim: the same content belongs to who claims it first.
    ///
    /// # Errors
    /// When the content is not in the archive, or contents overlap so much that no packager has made them.
    pub fn claim(&mut self, archive: &Archive, owner: Owner, extent: Extent) -> Result<bool, ArchiveError> {
        if extent.length == 0 || !self.known.insert(extent) {
            return Ok(extent.length == 0);
        }
        archive.pieces(extent, |block, range| {
            self.left = self.left.checked_sub(1).ok_or(ArchiveError::Invalid { part: "list of contents" })?;
            let outside = ArchiveError::OutOfBounds { part: "content" };
            self.blocks.get_mut(block as usize).ok_or(outside)?.push((owner, range.len() as u64));
            Ok(())
        })?;
        Ok(true)
    }

    /// Gives each owner's share of each block to `take`; none stands for what nobody has claimed.
    ///
    /// # Errors
    /// When a block's record is damaged.
    pub fn share_out(
        &self,
        archive: &Archive,
        mut take: impl FnMut(Option<Owner>, u64),
    ) -> Result<(), ArchiveError> {
        for (number, claims) in (0..).zip(&self.blocks) {
            let (raw, stored) = (archive.block_length(number)?, archive.stored_length(number)? as u64);
            let claimed: u64 = claims.iter().map(|(_, length)| length).sum();
            // What aligns native files that share a block is theirs.
            let padding = claims.len().saturating_sub(1).saturating_mul(ALIGNMENT - 1) as u64;
            let unclaimed = (raw as u64).saturating_sub(claimed);
            let whole = if unclaimed <= padding { claimed } else { raw as u64 };
            let (mut before, mut given) = (0, 0);
            for (owner, length) in claims {
                before += length;
                // Rounded as a sum, so that nothing is lost.
                let until = (u128::from(stored) * u128::from(before) / u128::from(whole.max(1))) as u64;
                take(Some(*owner), until - given);
                given = until;
            }
            take(None, stored - given);
        }
        Ok(())
    }
}
