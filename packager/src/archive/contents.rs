//! The contents of files that are neither code nor native: read, packed into blocks, each once.
//!
//! In: the files of the tree, in order. Out: the extent of each. Small files share blocks, larger ones have blocks of
//! their own; equal contents share an extent. Files are read a batch at a time, so that memory stays bounded; where one
//! batch ends depends on the files' sizes only, and so do the blocks.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;
use snapfreeze_runtime::archive::Extent;

use super::{ArchiveWriteError, BATCH, NOTHING, Packer, read_error};
use crate::collect::files::{FileContent, TreeFile, TreePath};

/// Files of at most this many bytes are small: they share blocks with other small files only.
const SMALL: usize = 256 << 10;

/// A content, and whose it is.
struct Content {
    path: TreePath,
    bytes: Arc<[u8]>,
}

/// Extents of contents that were written, by hash.
type Written = HashMap<blake3::Hash, Extent>;

/// Packs the contents of files.
///
/// # Errors
/// When a file cannot be read, or the archive cannot be written.
pub(super) fn add_contents<W: Write + Seek>(
    packer: &mut Packer<W>,
    files: &[TreeFile],
) -> Result<BTreeMap<TreePath, Extent>, ArchiveWriteError> {
    let mut extents = BTreeMap::new();
    let mut written = Written::new();
    let (mut batch, mut size): (Vec<&TreeFile>, u64) = (Vec::new(), 0);
    for file in files {
        match &file.content {
            FileContent::Disk { path, length } if *length > BATCH => {
                let extent = add_large(packer, path, *length, files, &mut written)?;
                extents.insert(file.path.clone(), extent);
            }
            FileContent::Disk { length, .. } => {
                size += length;
                batch.push(file);
            }
            FileContent::Bytes(bytes) => {
                size += bytes.len() as u64;
                batch.push(file);
            }
            _ => {}
        }
        if size > BATCH {
            add_batch(packer, &std::mem::take(&mut batch), &mut written, &mut extents)?;
            size = 0;
        }
    }
    add_batch(packer, &batch, &mut written, &mut extents)?;
    Ok(extents)
}

fn add_batch<W: Write + Seek>(
    packer: &mut Packer<W>,
    files: &[&TreeFile],
    written: &mut Written,
    extents: &mut BTreeMap<TreePath, Extent>,
) -> Result<(), ArchiveWriteError> {
    let contents = files.par_iter().map(|file| {
        let bytes: Arc<[u8]> = match &file.content {
            FileContent::Disk { path, .. } => {
                std::fs::read(path).map_err(|source| read_error(path, source))?.into()
            }
            FileContent::Bytes(bytes) => Arc::clone(bytes),
            _ => Arc::default(),
        };
        Ok((blake3::hash(&bytes), Content { path: file.path.clone(), bytes }))
    });
    let contents: Vec<(blake3::Hash, Content)> = contents.collect::<Result<_, ArchiveWriteError>>()?;

    // A block is the bytes of several files or a piece of one; a place is a content's first block and offset in it.
    let mut blocks: Vec<Vec<u8>> = Vec::new();
    let levels = packer.levels;
    let (mut small, mut large): (Option<usize>, Option<usize>) = (None, None);
    let mut places: Vec<(blake3::Hash, usize, usize, usize)> = Vec::new();
    let mut placed: HashMap<blake3::Hash, ()> = HashMap::new();
    for (hash, Content { bytes, .. }) in &contents {
        if bytes.is_empty() || written.contains_key(hash) || placed.insert(*hash, ()).is_some() {
            continue;
        }
        let (shared, longest) = match bytes.len() {
            ..=SMALL => (&mut small, levels.data_block),
            _ => (&mut large, levels.large_data_block),
        };
        if bytes.len() > longest {
            places.push((*hash, blocks.len(), 0, bytes.len()));
            blocks.extend(bytes.chunks(longest).map(<[u8]>::to_vec));
            continue;
        }
        let number = match *shared {
            Some(number) if blocks[number].len() + bytes.len() <= longest => number,
            _ => {
                blocks.push(Vec::new());
                blocks.len() - 1
            }
        };
        *shared = Some(number);
        places.push((*hash, number, blocks[number].len(), bytes.len()));
        blocks[number].extend_from_slice(bytes);
    }
    let blocks: Vec<&[u8]> = blocks.iter().map(Vec::as_slice).collect();
    let numbers = packer.add_blocks(&blocks, levels.data)?;
    for (hash, block, offset, length) in places {
        let (Some(block), Ok(offset)) = (numbers.get(block), u32::try_from(offset)) else { continue };
        written.insert(hash, Extent { block: *block, offset, length: length as u64 });
    }
    for (hash, Content { path, .. }) in contents {
        extents.insert(path, written.get(&hash).copied().unwrap_or(NOTHING));
    }
    Ok(())
}

/// Packs a file that is too large to be held in memory at once.
fn add_large<W: Write + Seek>(
    packer: &mut Packer<W>,
    path: &Path,
    length: u64,
    files: &[TreeFile],
    written: &mut Written,
) -> Result<Extent, ArchiveWriteError> {
    let is_alike = |file: &&TreeFile| matches!(&file.content, FileContent::Disk { length: other, .. } if *other == length);
    // Only a file of the same size can have the same content: others are read once.
    if files.iter().filter(is_alike).nth(1).is_some() {
        let mut hasher = blake3::Hasher::new();
        let file = File::open(path).map_err(|source| read_error(path, source))?;
        hasher.update_reader(file).map_err(|source| read_error(path, source))?;
        if let Some(extent) = written.get(&hasher.finalize()) {
            return Ok(*extent);
        }
    }
    let mut file = File::open(path).map_err(|source| read_error(path, source))?;
    let mut hasher = blake3::Hasher::new();
    let (mut first, mut total) = (None, 0);
    loop {
        let mut part = Vec::new();
        Read::by_ref(&mut file)
            .take(BATCH)
            .read_to_end(&mut part)
            .map_err(|source| read_error(path, source))?;
        if part.is_empty() {
            break;
        }
        hasher.update(&part);
        total += part.len() as u64;
        let pieces: Vec<&[u8]> = part.chunks(packer.levels.large_data_block).collect();
        let numbers = packer.add_blocks(&pieces, packer.levels.data)?;
        first = first.or(numbers.first().copied());
    }
    let Some(block) = first else { return Ok(NOTHING) };
    let extent = Extent { block, offset: 0, length: total };
    written.insert(hasher.finalize(), extent);
    Ok(extent)
}
