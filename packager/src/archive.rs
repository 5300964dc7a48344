//! The plan and its bytecode, written as an archive.
//!
//! Modules that start-up is expected to import come first, packed into blocks in that order; then native files,
//! each in blocks of its own; then the rest, and at last data. Blocks are compressed on all cores and kept in the
//! cache.
//!
//! The code of a module is stored with the header of a `.pyc` file in front of it. So it is the content of that file,
//! too, and the module's record refers to the part behind the header.

mod ahead;
mod contents;
mod levels;
mod native;
mod on_demand;
mod parts;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Seek, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use snapfreeze_runtime::archive::layout::WORTH_A_THREAD;
use snapfreeze_runtime::archive::writer::{
    ArchiveWriter, LeftOutRecord, LibraryRecord, Method, ModuleRecord, NodeRecord, NodeRecordContent,
    PackedBlock, TargetRecord, WriteError, compress,
};
use snapfreeze_runtime::archive::{Extent, LeaveKind, ModuleKind, Placement};

use crate::cache::{Cache, Key, Shelf};
use crate::collect::files::{FileContent, TreeFile, TreePath};
use crate::compile::{Bytecode, PYC_HEADER};
use crate::graph::LeaveReason;
use crate::plan::{Plan, PlannedContent, PlannedModule};
use crate::progress::Progress;
use crate::why::Reasons;
use levels::Levels;
use native::Native;

pub use native::ALIGNMENT;

/// How many bytes of files are read before they are compressed and written.
const BATCH: u64 = 64 << 20;

/// The reasons are cut into pieces of this many bytes: one, but for very large programs.
const REASONS_BLOCK: usize = 4 << 20;

/// No start reads the reasons.
const REASONS_LEVEL: i32 = 15;

/// Part of the cache's keys: another release may compress in another way, and what it writes must not depend on
/// what an older one left in the cache.
const COMPRESSOR: &[u8] = env!("CARGO_PKG_VERSION").as_bytes();

/// Why the archive cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveWriteError {
    /// A file cannot be read.
    #[error("cannot read {path}: {source}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Writing failed.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Compressing failed.
    #[error("cannot compress: {0}")]
    Compress(std::io::Error),
    /// The reasons cannot be put into their document.
    #[error("cannot write down why things are in the program: {0}")]
    Reasons(#[from] serde_json::Error),
}

/// Writes the archive; returns its length and the output.
///
/// # Errors
/// When a native file cannot be read, or the output cannot be written.
pub fn write<W: Write + Seek>(
    plan: &Plan,
    bytecode: &Bytecode,
    cache: &Cache,
    progress: &Progress,
    out: W,
) -> Result<(u64, W), ArchiveWriteError> {
    let mut packer = Packer {
        writer: ArchiveWriter::new(out)?,
        cache,
        progress,
        levels: plan.target.compress.into(),
        strip: plan.target.strip,
        native: BTreeMap::new(),
        supplies_on_demand: false,
        on_demand: BTreeMap::new(),
    };
    progress.expect(bytes_to_compress(plan, bytecode));
    let (eager, later): (Vec<&PlannedModule>, Vec<&PlannedModule>) =
        plan.modules.iter().partition(|module| module.eager);

    // What a start needs comes first, so that the kernel reads the file ahead from front to back.
    // What is in a tree beside the executable is not in the archive as well.
    let beside = plan.target.beside;
    let library_files = library_files(&plan.files);
    let early = early_libraries(plan);
    let (added, natives): (Vec<usize>, Vec<Native>) = (plan.libraries.iter().enumerate())
        .filter(|(number, library)| !(library.is_fused || beside && library_files.contains_key(number)))
        .map(|(number, library)| (number, (library.path.as_path(), early.contains(&number))))
        .unzip();
    packer.supplies_on_demand = on_demand::is_worth_it(&early_natives(&natives, &eager));
    let mut libraries = vec![NOTHING; plan.libraries.len()];
    for (number, content) in added.into_iter().zip(packer.add_natives(&natives)?) {
        libraries[number] = content;
    }
    let header = pyc_header(plan.target.magic);
    let mut extents = packer.add_code(&eager, bytecode, &header, Some(&bytecode.bootstrap))?;
    packer.add_extensions(&eager, beside, &mut extents)?;
    extents.extend(packer.add_code(&later, bytecode, &header, None)?);
    packer.add_extensions(&later, beside, &mut extents)?;
    let files = if beside { &[] } else { plan.files.as_slice() };
    packer.writer.set_ahead(ahead::wanted(plan, &eager, &extents, &libraries, &packer.on_demand));
    let contents = contents::add_contents(&mut packer, files)?;
    let reasons = packer.add_reasons(&plan.reasons)?;

    let Packer { mut writer, .. } = packer;
    for (number, (library, content)) in plan.libraries.iter().zip(libraries.iter().copied()).enumerate() {
        writer.add_library(LibraryRecord {
            name: library.name.clone(),
            content,
            needs: numbers(&library.needs),
            file: library_files.get(&number).cloned().unwrap_or_default(),
        })?;
    }
    for module in &plan.modules {
        if let Some(record) = record(module, &extents) {
            writer.add_module(record)?;
        }
    }
    for file in files {
        if let Some(content) = node_content(file, &extents, &libraries, &contents) {
            let TreeFile { path, mode, mtime, materialize, .. } = file;
            let path = path.as_bytes().to_vec();
            writer.add_node(NodeRecord {
                path,
                mode: *mode,
                mtime: *mtime,
                materialize: *materialize,
                content,
            })?;
        }
    }
    writer.set_reasons(reasons);
    for (name, reason) in plan.reasons.first_missed() {
        let (kind, subject) = match reason {
            LeaveReason::Optional { distribution } => (LeaveKind::Optional, distribution),
            LeaveReason::Excluded { name } => (LeaveKind::Excluded, name),
            LeaveReason::Hook { name } => (LeaveKind::Hook, name),
        };
        writer.add_left_out(LeftOutRecord { name: name.to_owned(), subject: subject.clone(), kind });
    }
    let target = &plan.target;
    let bootstrap = extents.get(BOOTSTRAP).copied().unwrap_or(NOTHING);
    Ok(writer.finish(&TargetRecord {
        python: target.python,
        version: target.version.clone(),
        abi_flags: target.abi_flags.clone(),
        platform: target.platform.clone(),
        cache_tag: target.cache_tag.clone(),
        optimize: target.optimize,
        entry_kind: plan.entry_kind(),
        entry: plan.entry.clone(),
        libpython: libpython(plan),
        bootstrap,
        interpreter: target.interpreter.into(),
        placement: if target.beside { Placement::Beside } else { Placement::Archive },
        collects_during_imports: target.collects_during_imports,
        ca_file: target.certificates.0.clone(),
        ca_directory: target.certificates.1.clone(),
    })?)
}

/// The number of libpython, which is the last library; none where it is in the program itself.
fn libpython(plan: &Plan) -> Option<u32> {
    plan.libraries.last().filter(|library| !library.is_fused)?;
    u32::try_from(plan.libraries.len() - 1).ok()
}

/// Native files that a start is expected to load.
fn early_natives<'a>(libraries: &[Native<'a>], eager: &[&'a PlannedModule]) -> Vec<&'a Path> {
    let libraries = libraries.iter().filter(|(_, is_early)| *is_early).map(|(path, _)| *path);
    let extensions = eager.iter().filter_map(|module| match &module.content {
        PlannedContent::Extension { path, .. } => Some(path.as_path()),
        _ => None,
    });
    libraries.chain(extensions).collect()
}

/// How many bytes there are to compress, about: equal files count each, and nobody knows yet how long the reasons will be.
fn bytes_to_compress(plan: &Plan, bytecode: &Bytecode) -> u64 {
    let code: usize = bytecode.modules.values().map(|code| PYC_HEADER + code.len()).sum();
    let extensions = plan.modules.iter().filter_map(|module| match &module.content {
        PlannedContent::Extension { path, .. } => Some(path),
        _ => None,
    });
    let libraries = plan.libraries.iter().filter(|library| !library.is_fused).map(|library| &library.path);
    let natives: BTreeSet<&PathBuf> = extensions.chain(libraries).collect();
    let natives = natives.into_iter().filter_map(|path| Some(std::fs::metadata(path).ok()?.len()));
    let data = plan.files.iter().map(|file| match &file.content {
        FileContent::Disk { length, .. } => *length,
        FileContent::Bytes(bytes) => bytes.len() as u64,
        _ => 0,
    });
    let beside = plan.target.beside;
    code as u64 + natives.chain(data).filter(|_| !beside).sum::<u64>()
}

/// The extent of a namespace package.
const NOTHING: Extent = Extent { block: 0, offset: 0, length: 0 };

/// Key of the bootstrap among the extents: no module has an empty name.
const BOOTSTRAP: &str = "";

type Extents = BTreeMap<String, Extent>;

struct Packer<'a, W> {
    writer: ArchiveWriter<W>,
    cache: &'a Cache,
    progress: &'a Progress,
    levels: Levels,
    /// Whether only the loaded part of native files is written.
    strip: bool,
    /// Native files written so far: a file that is needed twice is written once.
    native: BTreeMap<PathBuf, Extent>,
    /// Whether machine code may be decompressed when it is executed.
    supplies_on_demand: bool,
    /// Blocks of machine code that may be decompressed when it is executed, by the first block of their file.
    on_demand: BTreeMap<u32, Range<u32>>,
}

/// All the code before a block, to the longest that the block may be.
const AHEAD: usize = 5;

impl<W: Write + Seek> Packer<'_, W> {
    /// Packs the code of modules into blocks, in the order given. With the bootstrap it is what a start is expected to import:
    /// the start waits for the first blocks, so those are short ones. The bootstrap, which is wanted before anything can have
    /// been decompressed ahead, has a block of its own unless there is so little that nothing is. The further the threads that decompress ahead may have
    /// come, the longer the next block may be: one [`AHEAD`]th of all before it, up to the length that blocks of code have.
    fn add_code(
        &mut self,
        modules: &[&PlannedModule],
        bytecode: &Bytecode,
        header: &[u8; PYC_HEADER],
        bootstrap: Option<&[u8]>,
    ) -> Result<Extents, ArchiveWriteError> {
        let Levels { code, later_code, first_code_block, code_block, later_code_block, .. } = self.levels;
        let (level, shortest, longest) = match bootstrap {
            Some(_) => (code, first_code_block, code_block),
            None => (later_code, later_code_block, later_code_block),
        };
        let mut packed = 0;
        let length_of =
            |module: &&PlannedModule| Some(header.len() + bytecode.modules.get(&module.name)?.len());
        let is_small = modules.iter().filter_map(length_of).sum::<usize>() < WORTH_A_THREAD;
        let codes = modules.iter().filter_map(|module| {
            Some((module.name.as_str(), bytecode.modules.get(&module.name)?.as_slice()))
        });
        let mut blocks: Vec<Vec<u8>> = Vec::new();
        let mut places: Vec<(String, usize, usize, usize)> = Vec::new();
        for (name, code) in bootstrap.map(|code| (BOOTSTRAP, code)).into_iter().chain(codes) {
            let length = header.len() + code.len();
            let is_alone = places.len() == 1 && bootstrap.is_some() && !is_small;
            let most = (packed / AHEAD).clamp(shortest, longest.max(shortest));
            let most = if is_alone { 0 } else { most };
            if blocks.last().is_none_or(|block| !block.is_empty() && block.len() + length > most) {
                packed += blocks.last().map_or(0, Vec::len);
                blocks.push(Vec::new());
            }
            let number = blocks.len() - 1;
            if let Some(block) = blocks.last_mut() {
                block.extend_from_slice(header);
                places.push((name.to_owned(), number, block.len(), code.len()));
                block.extend_from_slice(code);
            }
        }
        let blocks: Vec<&[u8]> = blocks.iter().map(Vec::as_slice).collect();
        let numbers = self.add_blocks(&blocks, level)?;
        Ok(places
            .into_iter()
            .filter_map(|(name, number, offset, length)| {
                let offset = u32::try_from(offset).ok()?;
                Some((name, Extent { block: *numbers.get(number)?, offset, length: length as u64 }))
            })
            .collect())
    }

    fn add_extensions(
        &mut self,
        modules: &[&PlannedModule],
        beside: bool,
        extents: &mut Extents,
    ) -> Result<(), ArchiveWriteError> {
        let extensions = || {
            modules.iter().filter_map(|module| match &module.content {
                PlannedContent::Extension { path, .. } => Some((module, path.as_path())),
                _ => None,
            })
        };
        let natives: Vec<Native> = extensions().map(|(module, path)| (path, module.eager)).collect();
        let added = if beside { vec![NOTHING; natives.len()] } else { self.add_natives(&natives)? };
        for ((module, _), content) in extensions().zip(added) {
            extents.insert(module.name.clone(), content);
        }
        Ok(())
    }

    /// Writes the reasons in blocks of their own.
    fn add_reasons(&mut self, reasons: &Reasons) -> Result<Extent, ArchiveWriteError> {
        let document = reasons.to_bytes()?;
        let pieces: Vec<&[u8]> = document.chunks(REASONS_BLOCK).collect();
        let numbers = self.add_blocks(&pieces, REASONS_LEVEL)?;
        let (block, offset) = (numbers.first().copied().unwrap_or_default(), 0);
        Ok(Extent { block, offset, length: document.len() as u64 })
    }

    /// Compresses blocks side by side and writes them in order.
    fn add_blocks(&mut self, blocks: &[&[u8]], level: i32) -> Result<Vec<u32>, ArchiveWriteError> {
        let (cache, progress) = (self.cache, self.progress);
        let compress = |raw: &&[u8]| {
            compress_with_cache(cache, raw, level.into()).inspect(|_| progress.add(raw.len() as u64))
        };
        let packed = largest_first(blocks, |raw| raw.len(), compress);
        let packed = packed.map_err(ArchiveWriteError::Compress)?;
        Ok(packed.iter().map(|block| self.writer.add_block(block)).collect::<Result<_, _>>()?)
    }
}

/// Compresses blocks side by side, and the large ones first, so that no thread has one left when the others are done.
fn largest_first<Block: Sync>(
    blocks: &[Block],
    length: impl Fn(&Block) -> usize,
    compress: impl Fn(&Block) -> std::io::Result<PackedBlock> + Sync,
) -> std::io::Result<Vec<PackedBlock>> {
    let mut order: Vec<(usize, &Block)> = blocks.iter().enumerate().collect();
    order.sort_by_key(|(_, block)| Reverse(length(block)));
    let packed = order.par_iter().with_max_len(1).map(|(number, block)| Ok((*number, compress(block)?)));
    let mut packed = packed.collect::<std::io::Result<Vec<_>>>()?;
    packed.sort_by_key(|(number, _)| *number);
    Ok(packed.into_iter().map(|(_, block)| block).collect())
}

fn compress_with_cache(cache: &Cache, raw: &[u8], method: Method) -> std::io::Result<PackedBlock> {
    let key = Key::of([COMPRESSOR, method.to_bytes().as_slice(), raw]);
    if let (Some(stored), Ok(length)) = (cache.get(Shelf::Blocks, &key), u32::try_from(raw.len())) {
        return Ok(PackedBlock::from_stored(stored, length));
    }
    let block = compress(raw, method)?;
    // What does not compress is not worth its place there: that is found out again soon enough.
    if block.stored().len() < raw.len() {
        cache.put(Shelf::Blocks, &key, block.stored());
    }
    Ok(block)
}

/// The header of a `.pyc` file that is valid whatever its source is: unchecked, hash-based (PEP 552).
pub fn pyc_header(magic: [u8; 4]) -> [u8; PYC_HEADER] {
    let mut header = [0; PYC_HEADER];
    header[..4].copy_from_slice(&magic);
    header[4] = 1;
    header
}

/// What a node holds; none for the bytecode of a module that could not be compiled.
fn node_content(
    file: &TreeFile,
    modules: &Extents,
    libraries: &[Extent],
    contents: &BTreeMap<TreePath, Extent>,
) -> Option<NodeRecordContent> {
    let extent = match &file.content {
        FileContent::Directory => return Some(NodeRecordContent::Directory),
        FileContent::Link(target) => return Some(NodeRecordContent::Symlink(target.as_bytes().to_vec())),
        FileContent::Code(module) => {
            let Extent { block, offset, length } = *modules.get(module)?;
            let header = PYC_HEADER as u32;
            Extent { block, offset: offset.checked_sub(header)?, length: length + u64::from(header) }
        }
        FileContent::Extension(module) => *modules.get(module)?,
        FileContent::Library(number) => *libraries.get(*number)?,
        FileContent::Disk { .. } | FileContent::Bytes(_) => *contents.get(&file.path)?,
    };
    Some(NodeRecordContent::File(extent))
}

fn read_error(path: &Path, source: std::io::Error) -> ArchiveWriteError {
    ArchiveWriteError::Read { path: path.to_owned(), source }
}

/// A module's record; none for one whose code could not be compiled.
fn record(module: &PlannedModule, extents: &Extents) -> Option<ModuleRecord> {
    let (kind, content, needs) = match &module.content {
        PlannedContent::Namespace => (ModuleKind::Namespace, NOTHING, Vec::new()),
        PlannedContent::Extension { needs, .. } => {
            (ModuleKind::Extension, *extents.get(&module.name)?, numbers(needs))
        }
        PlannedContent::Source { .. } | PlannedContent::Bytecode { .. } => {
            (ModuleKind::Code, *extents.get(&module.name)?, Vec::new())
        }
    };
    let (name, file, is_package) = (module.name.clone(), module.file.clone(), module.is_package);
    Some(ModuleRecord { name, file, kind, is_package, content, needs })
}

/// Libraries, by number, that a start is expected to load: libpython, and what extensions need that it is expected to import.
fn early_libraries(plan: &Plan) -> BTreeSet<usize> {
    let libpython = libpython(plan).map(|number| number as usize);
    let of_libpython = libpython.and_then(|number| plan.libraries.get(number)).map(|library| &library.needs);
    let of_extensions = plan.modules.iter().filter(|module| module.eager).filter_map(|module| {
        let PlannedContent::Extension { needs, .. } = &module.content else { return None };
        Some(needs)
    });
    of_libpython.into_iter().chain(of_extensions).flatten().copied().chain(libpython).collect()
}

/// Where each library is in the tree, by number: one with a name that is no text has no place that could be written down.
fn library_files(files: &[TreeFile]) -> BTreeMap<usize, String> {
    let places = files.iter().filter_map(|file| match file.content {
        FileContent::Library(number) => {
            Some((number, std::str::from_utf8(file.path.as_bytes()).ok()?.to_owned()))
        }
        _ => None,
    });
    places.collect()
}

fn numbers(indexes: &[usize]) -> Vec<u32> {
    indexes.iter().filter_map(|index| u32::try_from(*index).ok()).collect()
}
