//! Reading an archive in place.
//!
//! [`Archive::open`] checks header, index checksum and the bounds of the index's sections: work that does not
//! grow with the number of blocks. What a record refers to is checked when it is read. A block's checksum is
//! checked each time before it is decompressed.

use core::ops::Range;

use super::error::ArchiveError;
use super::layout::{
    self, AheadKind, Codec, EntryKind, Extent, HEADER_LENGTH, InterpreterMode, LeaveKind, MAX_BLOCK_LENGTH,
    MODULE_IS_PACKAGE, ModuleKind, NODE_LEADS_TO_MATERIALIZED, NODE_MATERIALIZE, NONE, NodeKind, Placement,
    SECTION_ENTRY_LENGTH, SECTIONS, Section, TARGET_COLLECTS_DURING_IMPORTS, checksum,
};
use super::parts::Parts;
use super::records::{Ahead, LeftOut, Library, Module, Needs, Node, NodeContent, Target};

type Result<T> = core::result::Result<T, ArchiveError>;

/// An archive, mapped or in memory.
#[derive(Debug, Clone)]
pub struct Archive<'a> {
    bytes: &'a [u8],
    sections: [&'a [u8]; SECTIONS.len()],
}

/// A block as the index describes it.
struct Block<'a> {
    stored: &'a [u8],
    raw_length: u32,
    checksum: u64,
    codec: Codec,
}

impl<'a> Archive<'a> {
    /// Opens the archive that `bytes` starts with.
    ///
    /// # Errors
    /// When the header is not an archive's or of another version, when the bytes end early, when a checksum of
    /// header or index does not match, or when a section lies outside of the index.
    pub fn open(bytes: &'a [u8]) -> Result<Self> {
        let present = bytes.len() as u64;
        let Some(head) = bytes.get(..HEADER_LENGTH) else {
            return Err(ArchiveError::Truncated { needed: HEADER_LENGTH as u64, present });
        };
        if head[..layout::MAGIC.len()] != layout::MAGIC {
            return Err(ArchiveError::NotAnArchive);
        }
        if u64_at(head, layout::header::CHECKSUM)? != checksum(&head[..layout::header::CHECKSUM]) {
            return Err(ArchiveError::Checksum { part: "header".into() });
        }
        let found = u32_at(head, layout::header::VERSION)?;
        if found != layout::FORMAT_VERSION {
            return Err(ArchiveError::Version { found, expected: layout::FORMAT_VERSION });
        }
        let needed = u64_at(head, layout::header::ARCHIVE_LENGTH)?;
        let bytes = usize::try_from(needed)
            .ok()
            .and_then(|length| bytes.get(..length))
            .ok_or(ArchiveError::Truncated { needed, present })?;
        let index_range =
            range(u64_at(head, layout::header::INDEX_OFFSET)?, u64_at(head, layout::header::INDEX_LENGTH)?)
                .ok_or(ArchiveError::OutOfBounds { part: "index" })?;
        let index = bytes.get(index_range).ok_or(ArchiveError::OutOfBounds { part: "index" })?;
        if u64_at(head, layout::header::INDEX_CHECKSUM)? != checksum(index) {
            return Err(ArchiveError::Checksum { part: "index".into() });
        }
        Ok(Self { bytes, sections: read_directory(index)? })
    }

    /// For which Python the archive is, and what is run.
    ///
    /// # Errors
    /// When a field has an unknown value or refers to a string outside of the table.
    pub fn target(&self) -> Result<Target<'a>> {
        use layout::target as field;
        let record = self.record(Section::Target, 0)?;
        let byte = |at: usize| record.get(at).copied().ok_or(ArchiveError::OutOfBounds { part: "target" });
        let libpython = u32_at(record, field::LIBPYTHON)?;
        Ok(Target {
            python: (byte(field::MAJOR)?, byte(field::MINOR)?),
            version: self.string(record, field::VERSION)?,
            abi_flags: self.string(record, field::ABI_FLAGS)?,
            platform: self.string(record, field::PLATFORM)?,
            cache_tag: self.string(record, field::CACHE_TAG)?,
            optimize: byte(field::OPTIMIZE)?,
            entry_kind: EntryKind::from_id(byte(field::ENTRY_KIND)?)
                .ok_or(ArchiveError::Invalid { part: "entry kind" })?,
            entry: self.string(record, field::ENTRY)?,
            libpython: (libpython != NONE).then_some(libpython),
            bootstrap: extent_at(record, field::BOOTSTRAP)?,
            interpreter: InterpreterMode::from_id(byte(field::INTERPRETER)?)
                .ok_or(ArchiveError::Invalid { part: "interpreter mode" })?,
            placement: Placement::from_id(byte(field::PLACEMENT)?)
                .ok_or(ArchiveError::Invalid { part: "placement" })?,
            collects_during_imports: byte(field::FLAGS)? & TARGET_COLLECTS_DURING_IMPORTS != 0,
            ca_file: self.string(record, field::CA_FILE)?,
            ca_directory: self.string(record, field::CA_DIRECTORY)?,
        })
    }

    /// The index's checksum. It covers the checksums of all blocks, so it stands for all that the archive holds.
    pub fn index_checksum(&self) -> u64 {
        u64_at(self.bytes, layout::header::INDEX_CHECKSUM).unwrap_or_default()
    }

    /// Length of the archive in bytes: header, blocks and index.
    pub fn length(&self) -> usize {
        self.bytes.len()
    }

    /// Number of nodes.
    pub fn node_count(&self) -> usize {
        self.count(Section::Nodes)
    }

    /// The root of the tree of files: a directory.
    ///
    /// # Errors
    /// When there is none, or its record is damaged.
    pub fn root(&self) -> Result<Node<'a>> {
        self.node(0)
    }

    /// The node with this number. Children of a directory have higher numbers than it, so no walk goes in circles.
    ///
    /// # Errors
    /// When there is none, or its record is damaged.
    pub fn node(&self, number: u32) -> Result<Node<'a>> {
        use layout::node as field;
        let record = self.record(Section::Nodes, number as usize)?;
        let byte = |at: usize| record.get(at).copied().ok_or(ArchiveError::OutOfBounds { part: "node" });
        let kind =
            NodeKind::from_id(byte(field::KIND)?).ok_or(ArchiveError::Invalid { part: "node kind" })?;
        let content = match kind {
            NodeKind::Directory => {
                let (first, count) = (u32_at(record, field::CONTENT)?, u32_at(record, field::CONTENT + 4)?);
                let end = first.checked_add(count).filter(|end| *end as usize <= self.node_count());
                let end = end.ok_or(ArchiveError::OutOfBounds { part: "directory" })?;
                if count > 0 && first <= number {
                    return Err(ArchiveError::Invalid { part: "directory" });
                }
                NodeContent::Directory(first..end)
            }
            NodeKind::File => NodeContent::File(extent_at(record, field::CONTENT)?),
            NodeKind::Symlink => NodeContent::Symlink(self.string_bytes(record, field::CONTENT)?),
        };
        Ok(Node {
            number,
            name: self.string_bytes(record, field::NAME)?,
            mode: u16::from_le_bytes(array_at(record, field::MODE)?),
            mtime: i64::from_le_bytes(array_at(record, field::MTIME)?),
            materialize: byte(field::FLAGS)? & NODE_MATERIALIZE != 0,
            leads_to_materialized: byte(field::FLAGS)? & NODE_LEADS_TO_MATERIALIZED != 0,
            content,
        })
    }

    /// The child of a directory that has this name: a binary search, without allocation. None also for what is no
    /// directory.
    ///
    /// # Errors
    /// When a record that the search comes by is damaged.
    pub fn find_child(&self, directory: &Node, name: &[u8]) -> Result<Option<Node<'a>>> {
        let NodeContent::Directory(children) = &directory.content else { return Ok(None) };
        let (mut low, mut high) = (children.start, children.end);
        while low < high {
            let middle = low + (high - low) / 2;
            let record = self.record(Section::Nodes, middle as usize)?;
            match self.string_bytes(record, layout::node::NAME)?.cmp(name) {
                core::cmp::Ordering::Less => low = middle + 1,
                core::cmp::Ordering::Greater => high = middle,
                core::cmp::Ordering::Equal => return self.node(middle).map(Some),
            }
        }
        Ok(None)
    }

    /// Number of modules.
    pub fn module_count(&self) -> usize {
        self.count(Section::Modules)
    }

    /// Number of libraries.
    pub fn library_count(&self) -> usize {
        self.count(Section::Libraries)
    }

    /// Number of blocks.
    pub fn block_count(&self) -> usize {
        self.count(Section::Blocks)
    }

    /// The module with this name: a binary search, without allocation.
    ///
    /// # Errors
    /// When a record that the search comes by is damaged.
    pub fn find_module(&self, name: &str) -> Result<Option<Module<'a>>> {
        let found = self.find(Section::Modules, layout::module::NAME, name)?;
        found.map(|number| self.module(number)).transpose()
    }

    /// The record with this name in a section that is sorted by names: a binary search, without allocation.
    fn find(&self, section: Section, name_at: usize, name: &str) -> Result<Option<usize>> {
        let (mut low, mut high) = (0, self.count(section));
        while low < high {
            let middle = low + (high - low) / 2;
            let record = self.record(section, middle)?;
            match self.string_bytes(record, name_at)?.cmp(name.as_bytes()) {
                core::cmp::Ordering::Less => low = middle + 1,
                core::cmp::Ordering::Greater => high = middle,
                core::cmp::Ordering::Equal => return Ok(Some(middle)),
            }
        }
        Ok(None)
    }

    /// The module with this number, in the order of names.
    ///
    /// # Errors
    /// When there is none, or its record is damaged.
    pub fn module(&self, number: usize) -> Result<Module<'a>> {
        use layout::module as field;
        let record = self.record(Section::Modules, number)?;
        let byte = |at: usize| record.get(at).copied().ok_or(ArchiveError::OutOfBounds { part: "module" });
        Ok(Module {
            name: self.string(record, field::NAME)?,
            file: self.string(record, field::FILE)?,
            kind: ModuleKind::from_id(byte(field::KIND)?)
                .ok_or(ArchiveError::Invalid { part: "module kind" })?,
            is_package: byte(field::FLAGS)? & MODULE_IS_PACKAGE != 0,
            content: extent_at(record, field::CONTENT)?,
            needs: self.needs(record, field::NEEDS)?,
        })
    }

    /// The library with this number.
    ///
    /// # Errors
    /// When there is none, or its record is damaged.
    pub fn library(&self, number: u32) -> Result<Library<'a>> {
        use layout::library as field;
        let record = self.record(Section::Libraries, number as usize)?;
        Ok(Library {
            name: self.string(record, field::NAME)?,
            content: extent_at(record, field::CONTENT)?,
            needs: self.needs(record, field::NEEDS)?,
            file: self.string(record, field::FILE)?,
        })
    }

    /// Where it is written why everything is in the program; none in an archive that does not tell.
    ///
    /// # Errors
    /// When the record is damaged.
    pub fn reasons(&self) -> Result<Option<Extent>> {
        if self.count(Section::Reasons) == 0 {
            return Ok(None);
        }
        extent_at(self.record(Section::Reasons, 0)?, layout::reasons::CONTENT).map(Some)
    }

    /// Number of modules of which it is said that they were left out.
    pub fn left_out_count(&self) -> usize {
        self.count(Section::LeftOut)
    }

    /// The module with this number that was left out, in the order of names.
    ///
    /// # Errors
    /// When there is none, or its record is damaged.
    pub fn left_out(&self, number: usize) -> Result<LeftOut<'a>> {
        use layout::left_out as field;
        let record = self.record(Section::LeftOut, number)?;
        let kind = record.get(field::KIND).copied().and_then(LeaveKind::from_id);
        Ok(LeftOut {
            name: self.string(record, field::NAME)?,
            subject: self.string(record, field::SUBJECT)?,
            kind: kind.ok_or(ArchiveError::Invalid { part: "reason for leaving out" })?,
        })
    }

    /// The module with this name that was left out: a binary search, without allocation.
    ///
    /// # Errors
    /// When a record that the search comes by is damaged.
    pub fn find_left_out(&self, name: &str) -> Result<Option<LeftOut<'a>>> {
        let found = self.find(Section::LeftOut, layout::left_out::NAME, name)?;
        found.map(|number| self.left_out(number)).transpose()
    }

    /// Number of things that a start is expected to want.
    pub fn ahead_count(&self) -> usize {
        self.count(Section::Ahead)
    }

    /// What a start is expected to want, by its place in that order. Whether there is such a block, library or module
    /// is not looked at.
    ///
    /// # Errors
    /// When there are not as many, or the record is damaged.
    pub fn ahead(&self, place: usize) -> Result<Ahead> {
        use layout::ahead as field;
        let record = self.record(Section::Ahead, place)?;
        let number = u32_at(record, field::NUMBER)?;
        match AheadKind::from_id(u32_at(record, field::KIND)?) {
            Some(AheadKind::Block) => Ok(Ahead::Block(number)),
            Some(AheadKind::Library) => Ok(Ahead::Library(number)),
            Some(AheadKind::Extension) => Ok(Ahead::Extension(number)),
            Some(AheadKind::OnDemand) => Ok(Ahead::OnDemand(number)),
            None => Err(ArchiveError::Invalid { part: "kind of what is wanted" }),
        }
    }

    /// Length of a block after decompression, in bytes.
    ///
    /// # Errors
    /// When there is no such block, or its record is damaged.
    pub fn block_length(&self, number: u32) -> Result<usize> {
        Ok(self.block(number)?.raw_length as usize)
    }

    /// Length of a block as it is stored, in bytes.
    ///
    /// # Errors
    /// When there is no such block, or its record is damaged.
    pub fn stored_length(&self, number: u32) -> Result<usize> {
        Ok(self.block(number)?.stored.len())
    }

    /// Decompresses a block into `out`, which must be exactly [`block_length`](Self::block_length) long.
    ///
    /// # Errors
    /// When there is no such block, or it is damaged.
    pub fn read_block(&self, number: u32, out: &mut [u8]) -> Result<()> {
        self.read_block_with(number, out, zstd_safe::decompress)
    }

    /// As [`read_block`](Self::read_block), with a decompressor of the caller's. It gets the place and a zstd frame, and
    /// returns the length that it has written, or zstd's error code.
    ///
    /// # Errors
    /// When there is no such block, or it is damaged.
    pub fn read_block_with(
        &self,
        number: u32,
        out: &mut [u8],
        decompress: impl FnOnce(&mut [u8], &[u8]) -> core::result::Result<usize, usize>,
    ) -> Result<()> {
        let block = self.block(number)?;
        if checksum(block.stored) != block.checksum {
            return Err(ArchiveError::Checksum { part: format!("block {number}") });
        }
        let damaged = ArchiveError::Decompress { block: number };
        if out.len() != block.raw_length as usize {
            return Err(damaged);
        }
        let (parts, frame) = match block.codec {
            Codec::ZstdParts => {
                let (parts, frame) = Parts::split(block.stored, out.len()).ok_or(damaged.clone())?;
                (Some(parts), frame)
            }
            Codec::Stored | Codec::Zstd => (None, block.stored),
        };
        match block.codec {
            Codec::Stored if block.stored.len() == out.len() => out.copy_from_slice(block.stored),
            Codec::Stored => return Err(damaged),
            Codec::Zstd | Codec::ZstdParts => match decompress(out, frame) {
                Ok(length) if length == block.raw_length as usize => {}
                // zstd_errors.h, ZSTD_error_memory_allocation
                Err(code) if zstd_safe::get_error_name(code).contains("not enough memory") => {
                    return Err(ArchiveError::OutOfMemory { block: number });
                }
                _ => return Err(damaged),
            },
        }
        if let Some(parts) = parts {
            parts.restore(out);
        }
        Ok(())
    }

    /// Calls `take` with each piece of a content, in order: the block's number and the range of its
    /// decompressed bytes that belongs to the content.
    ///
    /// # Errors
    /// When the content goes past the last block or a block is damaged; and whatever `take` returns.
    pub fn pieces<E: From<ArchiveError>>(
        &self,
        extent: Extent,
        mut take: impl FnMut(u32, Range<usize>) -> core::result::Result<(), E>,
    ) -> core::result::Result<(), E> {
        let (mut block, mut offset, mut left) = (extent.block, extent.offset as usize, extent.length);
        while left > 0 {
            let length = self.block_length(block)?;
            let here = length.checked_sub(offset).filter(|here| *here > 0);
            let here = here.ok_or(ArchiveError::OutOfBounds { part: "content" })?;
            let here = usize::try_from(left).map_or(here, |left| here.min(left));
            take(block, offset..offset + here)?;
            left -= here as u64;
            block = block.checked_add(1).ok_or(ArchiveError::OutOfBounds { part: "content" })?;
            offset = 0;
        }
        Ok(())
    }

    /// A content's bytes, all at once. For large contents read block by block instead.
    ///
    /// # Errors
    /// When the content goes past the last block or a block is damaged.
    pub fn read(&self, extent: Extent) -> Result<Vec<u8>> {
        let mut content = Vec::new();
        let mut raw = Vec::new();
        self.pieces(extent, |block, range| {
            raw.resize(self.block_length(block)?, 0);
            self.read_block(block, &mut raw)?;
            content.extend_from_slice(raw.get(range).ok_or(ArchiveError::OutOfBounds { part: "content" })?);
            Ok::<(), ArchiveError>(())
        })?;
        Ok(content)
    }

    fn block(&self, number: u32) -> Result<Block<'a>> {
        use layout::block as field;
        let record = self.record(Section::Blocks, number as usize)?;
        let outside = ArchiveError::OutOfBounds { part: "block" };
        let stored_length = u64::from(u32_at(record, field::STORED_LENGTH)?);
        let place = range(u64_at(record, field::OFFSET)?, stored_length).ok_or(outside.clone())?;
        let raw_length = u32_at(record, field::RAW_LENGTH)?;
        if raw_length > MAX_BLOCK_LENGTH {
            return Err(ArchiveError::Invalid { part: "block length" });
        }
        Ok(Block {
            stored: self.bytes.get(place).ok_or(outside)?,
            raw_length,
            checksum: u64_at(record, field::CHECKSUM)?,
            codec: Codec::from_id(u32_at(record, field::CODEC)?)
                .ok_or(ArchiveError::Invalid { part: "codec" })?,
        })
    }

    fn section(&self, section: Section) -> &'a [u8] {
        self.sections[section as usize - 1]
    }

    fn count(&self, section: Section) -> usize {
        self.section(section).len() / section.record_length()
    }

    fn record(&self, section: Section, number: usize) -> Result<&'a [u8]> {
        let length = section.record_length();
        number
            .checked_mul(length)
            .and_then(|start| self.section(section).get(start..start.checked_add(length)?))
            .ok_or(ArchiveError::OutOfBounds { part: "record number" })
    }

    fn string_bytes(&self, record: &[u8], at: usize) -> Result<&'a [u8]> {
        range(u32_at(record, at)?.into(), u32_at(record, at + 4)?.into())
            .and_then(|range| self.section(Section::Strings).get(range))
            .ok_or(ArchiveError::OutOfBounds { part: "string" })
    }

    fn string(&self, record: &[u8], at: usize) -> Result<&'a str> {
        core::str::from_utf8(self.string_bytes(record, at)?)
            .map_err(|_| ArchiveError::Invalid { part: "string" })
    }

    fn needs(&self, record: &[u8], at: usize) -> Result<Needs<'a>> {
        let (start, count) = (u64::from(u32_at(record, at)?), u64::from(u32_at(record, at + 4)?));
        range(start * 4, count * 4)
            .and_then(|range| self.section(Section::Needs).get(range))
            .map(Needs)
            .ok_or(ArchiveError::OutOfBounds { part: "list of libraries" })
    }
}

/// The index's directory: `u32` count, `u32` zero, then an entry a section. Unknown sections are passed over.
fn read_directory(index: &[u8]) -> Result<[&[u8]; SECTIONS.len()]> {
    let mut sections: [Option<&[u8]>; SECTIONS.len()] = [None; SECTIONS.len()];
    for number in 0..u32_at(index, 0)? as usize {
        let entry = number
            .checked_mul(SECTION_ENTRY_LENGTH)
            .and_then(|at| index.get(at.checked_add(8)?..)?.get(..SECTION_ENTRY_LENGTH))
            .ok_or(ArchiveError::OutOfBounds { part: "section" })?;
        let id = u32_at(entry, 0)?;
        let Some(section) = SECTIONS.into_iter().find(|section| *section as u32 == id) else { continue };
        let bytes = range(u64_at(entry, 8)?, u64_at(entry, 16)?)
            .and_then(|range| index.get(range))
            .ok_or(ArchiveError::OutOfBounds { part: "section" })?;
        let record_length = section.record_length();
        if u32_at(entry, 4)? as usize != record_length || bytes.len() % record_length != 0 {
            return Err(ArchiveError::Invalid { part: "section's record length" });
        }
        sections[id as usize - 1] = Some(bytes);
    }
    let mut all = [&index[..0]; SECTIONS.len()];
    for ((place, bytes), section) in all.iter_mut().zip(sections).zip(SECTIONS) {
        match bytes {
            Some(bytes) => *place = bytes,
            None if !section.is_required() => {}
            None => return Err(ArchiveError::Invalid { part: "directory: a section is missing" }),
        }
    }
    Ok(all)
}

fn range(start: u64, length: u64) -> Option<Range<usize>> {
    let start = usize::try_from(start).ok()?;
    Some(start..start.checked_add(usize::try_from(length).ok()?)?)
}

fn array_at<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N]> {
    bytes
        .get(at..)
        .and_then(|bytes| bytes.first_chunk())
        .copied()
        .ok_or(ArchiveError::OutOfBounds { part: "field" })
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32> {
    array_at(bytes, at).map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Result<u64> {
    array_at(bytes, at).map(u64::from_le_bytes)
}

fn extent_at(record: &[u8], at: usize) -> Result<Extent> {
    Ok(Extent {
        block: u32_at(record, at)?,
        offset: u32_at(record, at + 4)?,
        length: u64_at(record, at + 8)?,
    })
}
