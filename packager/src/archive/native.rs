//! Native files in the archive: what the dynamic linker loads of them.
//!
//! Those that a start is expected to load have blocks of their own, which can be decompressed side by side into the memory
//! that they are loaded from. Of the others the small ones share blocks, for what they have in common.

use std::borrow::Cow;
use std::io::{Seek, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use snapfreeze_runtime::archive::Extent;
use snapfreeze_runtime::archive::parts::{Part, Parts, rewrite};
use snapfreeze_runtime::archive::writer::{Method, PackedBlock};

use super::parts::Rewritable;
use super::{ArchiveWriteError, BATCH, Packer, compress_with_cache, largest_first, on_demand, read_error};
use crate::cache::Cache;
use crate::collect::native::loaded::loaded_part;
use crate::progress::Progress;

/// Files that share a block begin at multiples of this.
pub const ALIGNMENT: usize = 16;

/// A native file, and whether a start is expected to load it.
pub(super) type Native<'a> = (&'a Path, bool);

impl<W: Write + Seek> Packer<'_, W> {
    /// Writes native files, each once, and says where.
    pub(super) fn add_natives(&mut self, files: &[Native<'_>]) -> Result<Vec<Extent>, ArchiveWriteError> {
        let real: Vec<PathBuf> = files
            .iter()
            .map(|(path, _)| path.canonicalize().unwrap_or_else(|_| (*path).to_owned()))
            .collect();
        let mut batch: Vec<(&PathBuf, bool)> = Vec::new();
        let mut length = 0;
        for (path, (_, is_early)) in real.iter().zip(files) {
            if self.native.contains_key(path) || batch.iter().any(|(other, _)| *other == path) {
                continue;
            }
            batch.push((path, *is_early));
            length += std::fs::metadata(path).map_or(0, |status| status.len());
            if length >= BATCH {
                self.add_batch(&batch)?;
                (batch, length) = (Vec::new(), 0);
            }
        }
        self.add_batch(&batch)?;
        Ok(real.iter().filter_map(|path| self.native.get(path).copied()).collect())
    }

    fn add_batch(&mut self, batch: &[(&PathBuf, bool)]) -> Result<(), ArchiveWriteError> {
        let (levels, strip, cache, progress) = (self.levels, self.strip, self.cache, self.progress);
        let supplies = self.supplies_on_demand;
        let content =
            |(path, is_early): &(&PathBuf, bool)| content(path, strip, *is_early && supplies, progress);
        let contents: Vec<Content> = batch.par_iter().map(content).collect::<Result<_, _>>()?;
        // Pieces of files, and owned ones of several files, end to end. A file's place is its first block, and its offset there.
        let mut blocks: Vec<Block<'_>> = Vec::new();
        let mut places: Vec<(usize, usize)> = Vec::new();
        let mut on_demand: Vec<(usize, Range<usize>)> = Vec::new();
        let mut shared: Option<usize> = None;
        for ((_, is_early), Content { bytes: content, rewritable, code }) in batch.iter().zip(&contents) {
            if *is_early || content.len() > levels.later_native_block / 2 {
                let method = if *is_early { levels.native } else { levels.later_native };
                let first = blocks.len();
                places.push((first, 0));
                let (head, code, tail) = parted(content, code.clone());
                let chunks = code.chunks(levels.on_demand_block);
                let waiting = levels.native_pieces(head).count();
                on_demand.push((first, waiting..waiting + chunks.len()));
                let mut start = 0;
                for piece in levels.native_pieces(head).chain(chunks).chain(levels.native_pieces(tail)) {
                    let parts = rewritable.in_piece(start..start + piece.len(), 0);
                    start += piece.len();
                    blocks.push(Block { bytes: Cow::Borrowed(piece), method, parts });
                }
                continue;
            }
            let fits = |number: &usize| blocks[*number].end() + content.len() <= levels.later_native_block;
            let number = shared.filter(fits).unwrap_or_else(|| {
                blocks.push(Block::of_several(levels.later_native));
                blocks.len() - 1
            });
            shared = Some(number);
            places.push((number, blocks[number].add(content, rewritable)));
        }
        let compress = |block: &Block<'_>| {
            let packed = block.compress(cache, levels.positions);
            packed.inspect(|_| progress.add(block.bytes.len() as u64))
        };
        let packed = largest_first(&blocks, |block| block.bytes.len(), compress);
        let packed = packed.map_err(ArchiveWriteError::Compress)?;
        let numbers: Vec<u32> =
            packed.iter().map(|block| self.writer.add_block(block)).collect::<Result<_, _>>()?;
        for (first, waiting) in on_demand {
            let place = |index: usize| numbers.get(first)?.checked_add(u32::try_from(index).ok()?);
            if let (Some(file), Some(start), Some(end)) = (place(0), place(waiting.start), place(waiting.end))
                && start < end
            {
                self.on_demand.insert(file, start..end);
            }
        }
        for (((path, _), Content { bytes: content, .. }), (block, offset)) in
            batch.iter().zip(&contents).zip(places)
        {
            // An empty file has no block.
            let block = numbers.get(block).copied().unwrap_or_default();
            let Ok(offset) = u32::try_from(offset) else { continue };
            self.native.insert((*path).clone(), Extent { block, offset, length: content.len() as u64 });
        }
        Ok(())
    }
}

/// A file in three parts, of which the one in the middle can wait; the others are the whole file where nothing can.
fn parted(file: &[u8], waiting: Option<Range<usize>>) -> (&[u8], &[u8], &[u8]) {
    let range = waiting.unwrap_or_default();
    let parts = file.split_at_checked(range.end).and_then(|(before, tail)| {
        let (head, code) = before.split_at_checked(range.start)?;
        Some((head, code, tail))
    });
    parts.unwrap_or((file, &[], &[]))
}

/// What is written of a file.
struct Content {
    bytes: Vec<u8>,
    /// The parts of it that compress better when they are rewritten.
    rewritable: Rewritable,
    /// Its machine code, where that is to be decompressed when it is executed.
    code: Option<Range<usize>>,
}

/// Reads a file; looks for code that can wait where some `may_wait`.
fn content(
    path: &Path,
    strip: bool,
    may_wait: bool,
    progress: &Progress,
) -> Result<Content, ArchiveWriteError> {
    let bytes = std::fs::read(path).map_err(|source| read_error(path, source))?;
    let whole = bytes.len();
    // While it has its sections.
    let code = may_wait.then(|| on_demand::code(&bytes)).flatten();
    let code_bytes = code.clone().and_then(|code| bytes.get(code)).map(blake3::hash);
    let bytes = if strip { loaded_part(bytes) } else { bytes };
    let code = code.filter(|code| bytes.get(code.clone()).map(blake3::hash) == code_bytes);
    // What is not taken is done with.
    progress.add((whole - bytes.len()) as u64);
    let rewritable = Rewritable::find(&bytes);
    Ok(Content { bytes, rewritable, code })
}

/// A piece of a file, or several files end to end.
struct Block<'a> {
    bytes: Cow<'a, [u8]>,
    method: Method,
    /// What can be rewritten in it.
    parts: Vec<Part>,
}

impl Block<'_> {
    fn of_several(method: Method) -> Self {
        Self { bytes: Cow::Owned(Vec::new()), method, parts: Vec::new() }
    }

    /// Where another file can begin.
    fn end(&self) -> usize {
        self.bytes.len().next_multiple_of(ALIGNMENT)
    }

    /// Adds a whole file; returns where it begins: aligned as its functions are, for [`PartKind::Frames`].
    fn add(&mut self, content: &[u8], rewritable: &Rewritable) -> usize {
        let (offset, bytes) = (self.end(), self.bytes.to_mut());
        bytes.resize(offset, 0);
        bytes.extend_from_slice(content);
        self.parts.extend(rewritable.in_piece(0..content.len(), offset));
        offset
    }

    /// Compresses it, with its parts rewritten.
    fn compress(&self, cache: &Cache, spacing: Option<usize>) -> std::io::Result<PackedBlock> {
        if let Some((rewritten, list)) = self.rewritten(spacing)
            && let Some(block) = compress_with_cache(cache, &rewritten, self.method)?.with_parts(&list)
        {
            return Ok(block);
        }
        compress_with_cache(cache, &self.bytes, self.method)
    }

    /// The rewritten bytes and the list of the parts. None where there are none, or where what the file has in their place is so strange
    /// that it would not be restored.
    fn rewritten(&self, spacing: Option<usize>) -> Option<(Vec<u8>, Vec<u8>)> {
        let mut parts = self.parts.clone();
        parts.sort_by_key(|part| (part.kind, part.range.start));
        parts.dedup_by(|part, before| part.kind == before.kind && part.range.start < before.range.end);
        let mut bytes = self.bytes.to_vec();
        let list = rewrite(&mut bytes, &parts, spacing);
        let (listed, _) = Parts::split(&list, bytes.len()).filter(|(listed, _)| !listed.is_empty())?;
        let mut restored = bytes.clone();
        listed.restore(&mut restored);
        (restored == *self.bytes).then_some((bytes, list))
    }
}
