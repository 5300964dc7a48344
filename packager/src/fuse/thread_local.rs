//! Thread-local storage: the blocks of all objects as one.
//!
//! Code of an executable may have offsets from the thread pointer in its instructions ("local exec"), so the block of
//! the base keeps its distance from there: it ends at the thread pointer in variant II of the ABI, and begins after it in
//! variant I. The others find theirs through relocations. (Drepper, "ELF Handling For Thread-Local Storage".)

use super::FuseError;
use super::image::{Image, Segment};
use super::machine::TlsVariant;

/// The merged block.
#[derive(Debug, Default)]
pub struct Block {
    /// Its initial content; zeros follow.
    pub content: Vec<u8>,
    /// Its size, or 0 where no object has one.
    pub size: u64,
    /// Its alignment.
    pub alignment: u64,
    /// Where the block of each object begins in it.
    offsets: Vec<u64>,
}

impl Block {
    /// Merges the blocks. `base` is the object that may be an executable.
    ///
    /// # Errors
    /// When a block lies at an address that its alignment does not allow.
    pub fn merge(objects: &[Image<'_>], base: Option<usize>) -> Result<Self, FuseError> {
        let alignment = objects.iter().filter_map(|image| Some(image.tls?.alignment)).max().unwrap_or(1);
        if objects.iter().any(|image| image.tls.is_some_and(|tls| tls.address % tls.alignment != 0)) {
            return Err(FuseError::ThreadLocal("it does not begin where its alignment says"));
        }
        let variant = objects.first().map(|image| image.machine.tls_variant());
        let mut block = Self { alignment, offsets: vec![0; objects.len()], ..Self::default() };
        let mut order: Vec<usize> = (0..objects.len()).filter(|object| Some(*object) != base).collect();
        match variant {
            Some(TlsVariant::AfterThreadPointer) => order.splice(0..0, base),
            _ => order.splice(order.len().., base),
        };
        for object in order {
            let Some(tls) = objects.get(object).and_then(|image| image.tls) else { continue };
            let mut offset = block.size.next_multiple_of(tls.alignment);
            if Some(object) == base && variant == Some(TlsVariant::BeforeThreadPointer) {
                let own = tls.memory_size.next_multiple_of(tls.alignment);
                offset = (offset + own).next_multiple_of(alignment) - own;
            }
            block.place(objects, object, tls, offset)?;
        }
        Ok(block)
    }

    fn place(
        &mut self,
        objects: &[Image<'_>],
        object: usize,
        tls: Segment,
        offset: u64,
    ) -> Result<(), FuseError> {
        let size = offset + tls.memory_size;
        if size > LARGEST {
            return Err(FuseError::ThreadLocal("it is absurdly large"));
        }
        let content = objects
            .get(object)
            .and_then(|image| super::image::piece(image.bytes, tls.offset, tls.file_size))
            .ok_or(FuseError::Truncated("the thread-local segment"))?;
        if !content.is_empty() {
            self.content.resize(offset as usize, 0);
            self.content.extend_from_slice(content);
        }
        if let Some(own) = self.offsets.get_mut(object) {
            *own = offset;
        }
        self.size = size;
        Ok(())
    }

    /// Where the block of an object begins in the merged one.
    pub fn offset_of(&self, object: usize) -> u64 {
        self.offsets.get(object).copied().unwrap_or(0)
    }
}

/// Each thread has such a block.
const LARGEST: u64 = 1 << 30;

#[cfg(test)]
mod tests {
    #[test]
    fn a_block_that_ends_at_the_thread_pointer_still_does() {
        // The distance of the base's block from the end of the merged one, rounded up, is what it was.
        for (others, size, own_alignment, alignment) in
            [(0x20_u64, 0x10_u64, 8_u64, 8_u64), (5, 3, 1, 64), (100, 40, 16, 32)]
        {
            let own = size.next_multiple_of(own_alignment);
            let offset = (others.next_multiple_of(own_alignment) + own).next_multiple_of(alignment) - own;
            let end = (offset + size).next_multiple_of(alignment);
            assert_eq!(end - offset, own);
            assert!(offset >= others);
        }
    }
}
