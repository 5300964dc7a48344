//! Reads everything that an archive of arbitrary bytes offers, as it is and with its checksums made right.
//!
//! No checksum is ever guessed: without the second pass everything behind the header would stay unread.

#![no_main]

use libfuzzer_sys::fuzz_target;
use snapfreeze_runtime::archive::layout::{self, HEADER_LENGTH, SECTION_ENTRY_LENGTH, Section, checksum};
use snapfreeze_runtime::archive::{Archive, ArchiveError, Extent, NodeContent};

/// Blocks that claim to be longer are not decompressed: the claim is legal, and only costs time.
const LONGEST_BLOCK: usize = 1 << 20;

/// Contents that claim to be longer are not read.
const LONGEST_CONTENT: u64 = 1 << 22;

fuzz_target!(|bytes: &[u8]| {
    let _ = read_all(bytes);
    let mut bytes = bytes.to_vec();
    if repair(&mut bytes).is_some() {
        let _ = read_all(&bytes);
    }
});

/// Reads each record and each content; stops at the first error of the archive as a whole, not of a record.
fn read_all(bytes: &[u8]) -> Result<(), ArchiveError> {
    let archive = Archive::open(bytes)?;
    if let Ok(target) = archive.target() {
        read(&archive, target.bootstrap);
        let _ = archive.find_module(target.entry);
    }
    for number in 0..archive.module_count() {
        let Ok(module) = archive.module(number) else { continue };
        assert!(module.needs.iter().count() <= bytes.len());
        let _ = archive.find_module(module.name);
        read(&archive, module.content);
    }
    for number in 0..archive.library_count() as u32 {
        let Ok(library) = archive.library(number) else { continue };
        assert!(library.needs.iter().count() <= bytes.len());
        read(&archive, library.content);
    }
    for number in 0..archive.node_count() as u32 {
        let Ok(node) = archive.node(number) else { continue };
        let _ = archive.find_child(&node, b"data.txt");
        match node.content {
            NodeContent::Directory(children) => assert!(children.is_empty() || children.start > number),
            NodeContent::File(content) => read(&archive, content),
            NodeContent::Symlink(target) => assert!(target.len() <= bytes.len()),
        }
    }
    for number in 0..archive.left_out_count() {
        let Ok(left_out) = archive.left_out(number) else { continue };
        let _ = archive.find_left_out(left_out.name);
    }
    for place in 0..archive.ahead_count() {
        let _ = archive.ahead(place);
    }
    if let Ok(Some(reasons)) = archive.reasons() {
        read(&archive, reasons);
    }
    for number in 0..archive.block_count() as u32 {
        if let Ok(length @ ..=LONGEST_BLOCK) = archive.block_length(number) {
            let _ = archive.read_block(number, &mut vec![0; length]);
        }
    }
    Ok(())
}

fn read(archive: &Archive, content: Extent) {
    if content.length > LONGEST_CONTENT {
        return;
    }
    let mut longest = 0;
    let whole = archive.pieces(content, |block, _| {
        longest = longest.max(archive.block_length(block)?);
        Ok::<(), ArchiveError>(())
    });
    if whole.is_ok() && longest <= LONGEST_BLOCK {
        if let Ok(read) = archive.read(content) {
            assert_eq!(read.len() as u64, content.length);
        }
    }
}

/// Puts magic, version, lengths and all checksums right. None where the bytes leave no room for them.
fn repair(bytes: &mut [u8]) -> Option<()> {
    if bytes.len() < HEADER_LENGTH {
        return None;
    }
    put(bytes, layout::header::MAGIC, &layout::MAGIC);
    put(bytes, layout::header::VERSION, &layout::FORMAT_VERSION.to_le_bytes());
    let length = bytes.len() as u64;
    put(bytes, layout::header::ARCHIVE_LENGTH, &length.to_le_bytes());
    let index = word(bytes, layout::header::INDEX_OFFSET)?;
    let index_end = index.checked_add(word(bytes, layout::header::INDEX_LENGTH)?)?;
    if index < HEADER_LENGTH || index_end > bytes.len() {
        return None;
    }
    repair_blocks(bytes, index, index_end);
    let sum = checksum(&bytes[index..index_end]);
    put(bytes, layout::header::INDEX_CHECKSUM, &sum.to_le_bytes());
    let sum = checksum(&bytes[..layout::header::CHECKSUM]);
    put(bytes, layout::header::CHECKSUM, &sum.to_le_bytes());
    Some(())
}

/// Puts the checksums in the block records right, as far as there is a table of blocks.
fn repair_blocks(bytes: &mut [u8], index: usize, index_end: usize) -> Option<()> {
    let entries = u32_at(bytes, index)?.min(16) as usize;
    for entry in 0..entries {
        let at = index + 8 + entry * SECTION_ENTRY_LENGTH;
        if u32_at(bytes, at)? != Section::Blocks as u32 {
            continue;
        }
        let start = index.checked_add(word(bytes, at + 8)?)?;
        let end = start.checked_add(word(bytes, at + 16)?)?.min(index_end);
        let mut record = start;
        while record.checked_add(layout::block::LENGTH)? <= end {
            let stored = word(bytes, record + layout::block::OFFSET)?;
            let length = u32_at(bytes, record + layout::block::STORED_LENGTH)? as usize;
            if let Some(stored) = stored.checked_add(length).and_then(|end| bytes.get(stored..end)) {
                let sum = checksum(stored);
                put(bytes, record + layout::block::CHECKSUM, &sum.to_le_bytes());
            }
            record += layout::block::LENGTH;
        }
    }
    Some(())
}

fn put(bytes: &mut [u8], at: usize, field: &[u8]) {
    bytes[at..at + field.len()].copy_from_slice(field);
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn word(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?)).ok()
}
