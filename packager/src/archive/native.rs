//! Native files in the archive: what the dynamic linker loads of them, in blocks of their own.

use std::io::{Seek, Write};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use snapfreeze_runtime::archive::Extent;
use snapfreeze_runtime::archive::writer::PackedBlock;

use super::levels::Levels;
use super::{ArchiveWriteError, BATCH, Packer, compress_with_cache, read_error};
use crate::cache::Cache;
use crate::collect::native::loaded::loaded_part;
use crate::progress::Progress;

/// A native file, and the level at which it is compressed.
pub(super) type Native<'a> = (&'a Path, i32);

/// A native file, compressed.
struct Packed {
    blocks: Vec<PackedBlock>,
    /// Its length in bytes before that.
    length: u64,
}

impl<W: Write + Seek> Packer<'_, W> {
    /// The level for a native file, by whether a start is expected to load it.
    pub(super) fn native_level(&self, is_early: bool) -> i32 {
        if is_early { self.levels.native } else { self.levels.later_native }
    }

    /// Writes native files, each once, and says where. They are compressed side by side, for most are one block.
    pub(super) fn add_natives(&mut self, files: &[Native<'_>]) -> Result<Vec<Extent>, ArchiveWriteError> {
        let real: Vec<PathBuf> = files
            .iter()
            .map(|(path, _)| path.canonicalize().unwrap_or_else(|_| (*path).to_owned()))
            .collect();
        let mut batch: Vec<(&PathBuf, i32)> = Vec::new();
        let mut length = 0;
        for (path, (_, level)) in real.iter().zip(files) {
            if self.native.contains_key(path) || batch.iter().any(|(other, _)| *other == path) {
                continue;
            }
            batch.push((path, *level));
            length += std::fs::metadata(path).map_or(0, |status| status.len());
            if length >= BATCH {
                self.add_batch(&batch)?;
                (batch, length) = (Vec::new(), 0);
            }
        }
        self.add_batch(&batch)?;
        Ok(real.iter().filter_map(|path| self.native.get(path).copied()).collect())
    }

    fn add_batch(&mut self, batch: &[(&PathBuf, i32)]) -> Result<(), ArchiveWriteError> {
        let packing =
            Packing { levels: self.levels, strip: self.strip, cache: self.cache, progress: self.progress };
        let packed: Vec<Packed> =
            batch.par_iter().map(|(path, level)| packing.pack(path, *level)).collect::<Result<_, _>>()?;
        for ((path, _), Packed { blocks, length }) in batch.iter().zip(packed) {
            let numbers: Vec<u32> =
                blocks.iter().map(|block| self.writer.add_block(block)).collect::<Result<_, _>>()?;
            let extent = Extent { block: numbers.first().copied().unwrap_or_default(), offset: 0, length };
            self.native.insert((*path).clone(), extent);
        }
        Ok(())
    }
}

/// How native files are packed.
#[derive(Clone, Copy)]
struct Packing<'a> {
    levels: Levels,
    strip: bool,
    cache: &'a Cache,
    progress: &'a Progress,
}

impl Packing<'_> {
    fn pack(self, path: &Path, level: i32) -> Result<Packed, ArchiveWriteError> {
        let bytes = std::fs::read(path).map_err(|source| read_error(path, source))?;
        let whole = bytes.len();
        let bytes = if self.strip { loaded_part(bytes) } else { bytes };
        // What is not taken is done with.
        self.progress.add((whole - bytes.len()) as u64);
        let compress = |raw: &&[u8]| {
            let block = compress_with_cache(self.cache, raw, level);
            block.inspect(|_| self.progress.add(raw.len() as u64))
        };
        let pieces: Vec<&[u8]> = self.levels.native_pieces(&bytes).collect();
        let blocks =
            pieces.par_iter().map(compress).collect::<Result<_, _>>().map_err(ArchiveWriteError::Compress)?;
        Ok(Packed { blocks, length: bytes.len() as u64 })
    }
}
