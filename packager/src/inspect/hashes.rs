//! Checksums of all contents of an executable: what tells two of the same size apart, and names them in an inventory.

use std::collections::HashMap;
use std::fs::File;

use rayon::prelude::*;
use snapfreeze_runtime::archive::{Archive, ArchiveError, Extent};

use super::error::InspectError;
use super::executable::Executable;
use super::model::{Contents, ModuleKind};
use super::tree::{Entry, EntryContent};

/// Adds the BLAKE3 checksums of modules, libraries and files. A module's covers its code or native file, and its source
/// where that is included.
///
/// # Errors
/// When a block is damaged, or a file beside the executable cannot be read.
pub fn add(executable: &Executable, contents: &mut Contents) -> Result<(), InspectError> {
    let archive = executable.archive()?;
    let damaged = |source| executable.damaged(source);
    let entries = executable.entries(&archive)?;
    let entries: HashMap<String, &Entry> = entries.iter().map(|entry| (entry.name(), entry)).collect();
    let of_entry = |path: &str| match entries.get(path).map(|entry| &entry.content) {
        Some(EntryContent::Stored(extent)) => of_extent(&archive, *extent).map(Some).map_err(damaged),
        Some(EntryContent::Disk(path, _)) => {
            let failed = |source| InspectError::Read { path: path.clone(), source };
            let mut hasher = blake3::Hasher::new();
            hasher.update_reader(File::open(path).map_err(failed)?).map_err(failed)?;
            Ok(Some(hasher.finalize()))
        }
        _ => Ok(None),
    };
    contents.modules.par_iter_mut().try_for_each(|module| {
        let mut hashes = Vec::new();
        if matches!(module.kind, ModuleKind::Code | ModuleKind::Extension)
            && let Some(record) = archive.find_module(&module.name).map_err(damaged)?
            && record.content.length > 0
        {
            hashes.push(of_extent(&archive, record.content).map_err(damaged)?);
        }
        if module.source > 0 || hashes.is_empty() && module.size > 0 {
            hashes.extend(of_entry(&module.file)?);
        }
        module.blake3 = match hashes.as_slice() {
            [] => None,
            [one] => Some(one.to_hex().to_string()),
            all => {
                let mut hasher = blake3::Hasher::new();
                for hash in all {
                    hasher.update(hash.as_bytes());
                }
                Some(hasher.finalize().to_hex().to_string())
            }
        };
        Ok::<(), InspectError>(())
    })?;
    contents.libraries.par_iter_mut().enumerate().try_for_each(|(number, library)| {
        let record = archive.library(u32::try_from(number).unwrap_or(u32::MAX)).map_err(damaged)?;
        let hash = match record.content.length {
            0 => of_entry(&library.file)?,
            _ => Some(of_extent(&archive, record.content).map_err(damaged)?),
        };
        library.blake3 = hash.map(|hash| hash.to_hex().to_string());
        Ok::<(), InspectError>(())
    })?;
    contents.files.par_iter_mut().try_for_each(|file| {
        file.blake3 = of_entry(&file.path)?.map(|hash| hash.to_hex().to_string());
        Ok(())
    })
}

/// A content's checksum, block by block.
fn of_extent(archive: &Archive, extent: Extent) -> Result<blake3::Hash, ArchiveError> {
    let mut hasher = blake3::Hasher::new();
    let mut bytes = Vec::new();
    archive.pieces(extent, |number, range| {
        bytes.resize(archive.block_length(number)?, 0);
        archive.read_block(number, &mut bytes)?;
        hasher.update(bytes.get(range).ok_or(ArchiveError::OutOfBounds { part: "content" })?);
        Ok::<(), ArchiveError>(())
    })?;
    Ok(hasher.finalize())
}
