//! Native files in the archive: what the dynamic linker loads of them.
//!
//! Those that a start is expected to load have blocks of their own, which can be decompressed side by side into the memory
//! that they are loaded from. Of the others the small ones share blocks, for what they have in common.

use std::borrow::Cow;
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use snapfreeze_runtime::archive::Extent;
use snapfreeze_runtime::archive::branches::to_positions;
use snapfreeze_runtime::archive::writer::{Method, PackedBlock};

use super::levels::Levels;
use super::{ArchiveWriteError, BATCH, Packer, compress_with_cache, read_error};
use crate::cache::Cache;
use crate::collect::native::loaded::loaded_part;
use crate::progress::Progress;

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
        let contents: Vec<Vec<u8>> =
            batch.par_iter().map(|(path, _)| content(path, strip, progress)).collect::<Result<_, _>>()?;
        // Pieces of files, and owned ones of several files, end to end. A file's place is its first block, and its offset there.
        let mut blocks: Vec<(Cow<'_, [u8]>, Method)> = Vec::new();
        let mut places: Vec<(usize, usize)> = Vec::new();
        let mut shared: Option<usize> = None;
        for ((_, is_early), content) in batch.iter().zip(&contents) {
            if *is_early || content.len() > levels.later_native_block / 2 {
                let method = if *is_early { levels.native.into() } else { levels.later_native };
                places.push((blocks.len(), 0));
                blocks.extend(levels.native_pieces(content).map(|piece| (Cow::Borrowed(piece), method)));
                continue;
            }
            let fits = |number: &usize| blocks[*number].0.len() + content.len() <= levels.later_native_block;
            let number = shared.filter(fits).unwrap_or_else(|| {
                blocks.push((Cow::Owned(Vec::new()), levels.later_native));
                blocks.len() - 1
            });
            shared = Some(number);
            let block = blocks[number].0.to_mut();
            places.push((number, block.len()));
            block.extend_from_slice(content);
        }
        let compress = |(raw, method): &(Cow<'_, [u8]>, Method)| {
            let block = compress_code(cache, raw, *method, levels);
            block.inspect(|_| progress.add(raw.len() as u64))
        };
        let packed: Vec<PackedBlock> =
            blocks.par_iter().map(compress).collect::<Result<_, _>>().map_err(ArchiveWriteError::Compress)?;
        let numbers: Vec<u32> =
            packed.iter().map(|block| self.writer.add_block(block)).collect::<Result<_, _>>()?;
        for (((path, _), content), (block, offset)) in batch.iter().zip(&contents).zip(places) {
            // An empty file has no block.
            let block = numbers.get(block).copied().unwrap_or_default();
            let Ok(offset) = u32::try_from(offset) else { continue };
            self.native.insert((*path).clone(), Extent { block, offset, length: content.len() as u64 });
        }
        Ok(())
    }
}

/// What is written of a file.
fn content(path: &Path, strip: bool, progress: &Progress) -> Result<Vec<u8>, ArchiveWriteError> {
    let bytes = std::fs::read(path).map_err(|source| read_error(path, source))?;
    let whole = bytes.len();
    let bytes = if strip { loaded_part(bytes) } else { bytes };
    // What is not taken is done with.
    progress.add((whole - bytes.len()) as u64);
    Ok(bytes)
}

/// Compresses a block of machine code, with positions for distances where there are enough.
fn compress_code(cache: &Cache, raw: &[u8], method: Method, levels: Levels) -> std::io::Result<PackedBlock> {
    if let Some(spacing) = levels.positions {
        let mut positions = raw.to_vec();
        if to_positions(&mut positions).saturating_mul(spacing) >= raw.len()
            && let Some(block) = compress_with_cache(cache, &positions, method)?.of_positions()
        {
            return Ok(block);
        }
    }
    compress_with_cache(cache, raw, method)
}
