//! Writing an archive.
//!
//! Blocks go in first, in the order in which a start will want them. They arrive compressed: compressing is
//! the caller's, who has the threads and the cache ([`compress`] does one block). Then records are added, and
//! [`ArchiveWriter::finish`] sorts them and writes the index. The same calls give the same bytes.

use std::collections::BTreeMap;
use std::io::{self, Seek, SeekFrom, Write};

use zstd::bulk::Compressor;
use zstd::zstd_safe::CParameter;

use super::layout::{
    self, AheadKind, Codec, EntryKind, Extent, HEADER_LENGTH, InterpreterMode, LeaveKind, MODULE_IS_PACKAGE,
    ModuleKind, NONE, Placement, SECTION_ENTRY_LENGTH, SECTIONS, Section, TARGET_COLLECTS_DURING_IMPORTS,
    checksum,
};
use super::tree::Tree;
pub use super::tree::{NodeRecord, NodeRecordContent};

/// A block ready to be written.
#[derive(Debug, Clone)]
pub struct PackedBlock {
    stored: Vec<u8>,
    raw_length: u32,
    codec: Codec,
}

impl PackedBlock {
    /// The bytes as they will be in the archive: for a cache of compressed blocks.
    pub fn stored(&self) -> &[u8] {
        &self.stored
    }

    /// A block from bytes that [`compress`] gave for a content of `raw_length` bytes: stored as it is where the
    /// lengths are equal.
    pub fn from_stored(stored: Vec<u8>, raw_length: u32) -> Self {
        let codec = if stored.len() == raw_length as usize { Codec::Stored } else { Codec::Zstd };
        Self { stored, raw_length, codec }
    }

    /// A block of what [`rewrite`](super::parts::rewrite) made of a content, with the list that it gave, to be read as the content.
    /// None where that is not shorter.
    pub fn with_parts(self, list: &[u8]) -> Option<Self> {
        let stored = [list, &self.stored].concat();
        let is_shorter = self.codec == Codec::Zstd && stored.len() < self.raw_length as usize;
        is_shorter.then_some(Self { stored, codec: Codec::ZstdParts, ..self })
    }
}

/// How a block is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// At a level of zstd.
    Level(i32),
    /// As at level 9, with matches of four bytes, which it does not look for, and looking at twice as many places: in native files
    /// 2 % fewer bytes in a quarter more time. They take 5 % longer to decompress.
    ShortMatches,
    /// As at level 18, but looking at few places and in small tables: less than half the time, 1 to 3 % more bytes. What counts
    /// in native files is that matches of three bytes are looked for, which levels up to 17 do not do.
    ShortSearches,
}

impl From<i32> for Method {
    fn from(level: i32) -> Self {
        Self::Level(level)
    }
}

impl Method {
    /// The method as bytes: for the key of a cache.
    pub fn to_bytes(self) -> [u8; 5] {
        let (kind, level) = match self {
            Self::Level(level) => (0, level),
            Self::ShortSearches => (1, 0),
            Self::ShortMatches => (2, 0),
        };
        let [a, b, c, d] = level.to_le_bytes();
        [kind, a, b, c, d]
    }

    fn compressor(self) -> io::Result<Compressor<'static>> {
        match self {
            Self::Level(level) => Compressor::new(level),
            Self::ShortMatches => {
                let mut compressor = Compressor::new(9)?;
                for parameter in [CParameter::MinMatch(4), CParameter::SearchLog(5)] {
                    compressor.set_parameter(parameter)?;
                }
                Ok(compressor)
            }
            Self::ShortSearches => {
                let mut compressor = Compressor::new(18)?;
                for parameter in [
                    CParameter::SearchLog(1),
                    CParameter::TargetLength(16),
                    CParameter::HashLog(18),
                    CParameter::ChainLog(18),
                ] {
                    compressor.set_parameter(parameter)?;
                }
                Ok(compressor)
            }
        }
    }
}

/// Compresses one block of at most [`layout::MAX_BLOCK_LENGTH`] bytes; stores it when that is not longer.
///
/// # Errors
/// When the block is too long, or zstd fails (out of memory).
pub fn compress(raw: &[u8], method: impl Into<Method>) -> io::Result<PackedBlock> {
    let raw_length = u32::try_from(raw.len())
        .ok()
        .filter(|length| *length <= layout::MAX_BLOCK_LENGTH)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "block too long"))?;
    let packed = method.into().compressor()?.compress(raw)?;
    let stored = if packed.len() < raw.len() { packed } else { raw.to_vec() };
    Ok(PackedBlock::from_stored(stored, raw_length))
}

/// A module to be indexed.
#[derive(Debug, Clone)]
pub struct ModuleRecord {
    /// Dotted name.
    pub name: String,
    /// File relative to the root; of a namespace package its directory.
    pub file: String,
    /// What it is.
    pub kind: ModuleKind,
    /// Whether it is a package.
    pub is_package: bool,
    /// Code or ELF file.
    pub content: Extent,
    /// Numbers of the libraries to load before it.
    pub needs: Vec<u32>,
}

/// A library to be indexed.
#[derive(Debug, Clone)]
pub struct LibraryRecord {
    /// The name by which others ask for it.
    pub name: String,
    /// The ELF file.
    pub content: Extent,
    /// Numbers of the libraries to load before it.
    pub needs: Vec<u32>,
    /// Its file in the tree, relative to the root; empty for one that is not in the tree.
    pub file: String,
}

/// A module that was left out, to be indexed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOutRecord {
    /// Dotted name.
    pub name: String,
    /// The distribution that has it, or the name that is excluded.
    pub subject: String,
    /// Why.
    pub kind: LeaveKind,
}

/// What a start is expected to want, to be indexed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum AheadRecord {
    /// A block with the code of modules.
    Block(u32),
    /// The library with this number.
    Library(u32),
    /// The extension module with this name.
    Extension(String),
    /// A block of the library or extension listed last: machine code, wanted when it is executed.
    OnDemand(u32),
}

/// The target to be indexed.
#[derive(Debug, Clone)]
pub struct TargetRecord {
    /// Major and minor version of CPython.
    pub python: (u8, u8),
    /// Full version.
    pub version: String,
    /// ABI flags.
    pub abi_flags: String,
    /// Platform.
    pub platform: String,
    /// `sys.implementation.cache_tag`.
    pub cache_tag: String,
    /// Optimisation level of the bytecode.
    pub optimize: u8,
    /// How the entry runs.
    pub entry_kind: EntryKind,
    /// Name of the module that runs as `__main__`.
    pub entry: String,
    /// Number of the library that is libpython.
    pub libpython: Option<u32>,
    /// Code of the first `encodings`.
    pub bootstrap: Extent,
    /// Whether the executable can also be used as `python`.
    pub interpreter: InterpreterMode,
    /// Where the tree of files is.
    pub placement: Placement,
    /// Whether the garbage collector runs as ever while modules are imported.
    pub collects_during_imports: bool,
    /// File of certificates that OpenSSL was built to look for.
    pub ca_file: String,
    /// Directory of certificates that OpenSSL was built to look for.
    pub ca_directory: String,
}

/// Why an archive cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Writing to the output failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Two modules with one name.
    #[error("two modules are named {0}")]
    DuplicateModule(String),
    /// Two files with one path, or a file where a directory is needed.
    #[error("two files are at {0}")]
    DuplicateNode(String),
    /// More than the format's 32-bit counts and string offsets can hold.
    #[error("more {0} than the archive format can hold")]
    TooMany(&'static str),
}

/// Writes one archive to `out`, starting where `out` stands.
#[derive(Debug)]
pub struct ArchiveWriter<W> {
    out: W,
    start: u64,
    length: u64,
    blocks: Vec<u8>,
    modules: BTreeMap<String, ModuleRecord>,
    libraries: Vec<LibraryRecord>,
    tree: Tree,
    reasons: Option<Extent>,
    left_out: BTreeMap<String, LeftOutRecord>,
    ahead: Vec<AheadRecord>,
}

impl<W: Write + Seek> ArchiveWriter<W> {
    /// Starts an archive: leaves room for the header.
    ///
    /// # Errors
    /// When writing fails.
    pub fn new(mut out: W) -> Result<Self, WriteError> {
        let start = out.stream_position()?;
        out.write_all(&[0; HEADER_LENGTH])?;
        let length = HEADER_LENGTH as u64;
        Ok(Self {
            out,
            start,
            length,
            blocks: Vec::new(),
            modules: BTreeMap::new(),
            libraries: Vec::new(),
            tree: Tree::default(),
            reasons: None,
            left_out: BTreeMap::new(),
            ahead: Vec::new(),
        })
    }

    /// Writes a block; returns its number.
    ///
    /// # Errors
    /// When writing fails or there are too many blocks.
    pub fn add_block(&mut self, block: &PackedBlock) -> Result<u32, WriteError> {
        let number = u32::try_from(self.blocks.len() / layout::block::LENGTH)
            .ok()
            .filter(|number| *number < NONE)
            .ok_or(WriteError::TooMany("blocks"))?;
        let stored_length =
            u32::try_from(block.stored.len()).map_err(|_| WriteError::TooMany("bytes in a block"))?;
        self.out.write_all(&block.stored)?;
        self.blocks.extend(self.length.to_le_bytes());
        self.blocks.extend(stored_length.to_le_bytes());
        self.blocks.extend(block.raw_length.to_le_bytes());
        self.blocks.extend(checksum(&block.stored).to_le_bytes());
        self.blocks.extend((block.codec as u32).to_le_bytes());
        self.blocks.extend(0u32.to_le_bytes());
        self.length += u64::from(stored_length);
        Ok(number)
    }

    /// Indexes a module.
    ///
    /// # Errors
    /// When its name is taken.
    pub fn add_module(&mut self, record: ModuleRecord) -> Result<(), WriteError> {
        if self.modules.contains_key(&record.name) {
            return Err(WriteError::DuplicateModule(record.name));
        }
        self.modules.insert(record.name.clone(), record);
        Ok(())
    }

    /// Indexes a library; returns its number. Numbers count up from zero in the order of the calls.
    ///
    /// # Errors
    /// When there are too many.
    pub fn add_library(&mut self, record: LibraryRecord) -> Result<u32, WriteError> {
        let number = u32::try_from(self.libraries.len())
            .ok()
            .filter(|number| *number < NONE)
            .ok_or(WriteError::TooMany("libraries"))?;
        self.libraries.push(record);
        Ok(number)
    }

    /// Puts a file, directory or symbolic link into the tree. Directories above it that nobody has put there are made.
    ///
    /// # Errors
    /// When something else is at its path already. The same directory may be added again: the last one's mode and
    /// time count.
    pub fn add_node(&mut self, record: NodeRecord) -> Result<(), WriteError> {
        self.tree.add(record)
    }

    /// Says where it is written why everything is in the program.
    pub fn set_reasons(&mut self, content: Extent) {
        self.reasons = Some(content);
    }

    /// Indexes a module that was left out. Of two with one name the last counts.
    pub fn add_left_out(&mut self, record: LeftOutRecord) {
        self.left_out.insert(record.name.clone(), record);
    }

    /// Says what a start is expected to want, in that order. Extensions that are not indexed are passed over.
    pub fn set_ahead(&mut self, ahead: Vec<AheadRecord>) {
        self.ahead = ahead;
    }

    /// Writes the index and the header; returns the length of the archive and the output, standing at its end.
    ///
    /// # Errors
    /// When writing fails or a table is too large.
    pub fn finish(mut self, target: &TargetRecord) -> Result<(u64, W), WriteError> {
        let index = index(target, &self)?;
        self.out.write_all(&index)?;
        let index_offset = self.length;
        let length = index_offset + index.len() as u64;

        let mut head = Vec::with_capacity(HEADER_LENGTH);
        head.extend(layout::MAGIC);
        head.extend(layout::FORMAT_VERSION.to_le_bytes());
        head.extend(0u32.to_le_bytes());
        for word in [length, index_offset, index.len() as u64, checksum(&index), 0] {
            head.extend(word.to_le_bytes());
        }
        head.extend(checksum(&head).to_le_bytes());
        self.out.seek(SeekFrom::Start(self.start))?;
        self.out.write_all(&head)?;
        self.out.seek(SeekFrom::Start(self.start + length))?;
        Ok((length, self.out))
    }
}

/// String table, interned: equal strings are stored once.
#[derive(Default)]
pub(super) struct Strings {
    bytes: Vec<u8>,
    places: BTreeMap<Vec<u8>, [u8; 8]>,
}

impl Strings {
    pub(super) fn place(&mut self, text: impl AsRef<[u8]>) -> Result<[u8; 8], WriteError> {
        let text = text.as_ref();
        if let Some(place) = self.places.get(text) {
            return Ok(*place);
        }
        let too_many = |_| WriteError::TooMany("bytes of names");
        let mut place = [0; 8];
        place[..4].copy_from_slice(&u32::try_from(self.bytes.len()).map_err(too_many)?.to_le_bytes());
        place[4..].copy_from_slice(&u32::try_from(text.len()).map_err(too_many)?.to_le_bytes());
        self.bytes.extend(text);
        self.places.insert(text.to_owned(), place);
        Ok(place)
    }
}

/// Runs of library numbers; equal runs are stored once.
#[derive(Default)]
struct NeedRuns {
    bytes: Vec<u8>,
    places: BTreeMap<Vec<u32>, [u8; 8]>,
}

impl NeedRuns {
    fn place(&mut self, needs: &[u32]) -> Result<[u8; 8], WriteError> {
        if let Some(place) = self.places.get(needs) {
            return Ok(*place);
        }
        let too_many = |_| WriteError::TooMany("library references");
        let mut place = [0; 8];
        place[..4].copy_from_slice(&u32::try_from(self.bytes.len() / 4).map_err(too_many)?.to_le_bytes());
        place[4..].copy_from_slice(&u32::try_from(needs.len()).map_err(too_many)?.to_le_bytes());
        self.bytes.extend(needs.iter().flat_map(|number| number.to_le_bytes()));
        self.places.insert(needs.to_vec(), place);
        Ok(place)
    }
}

pub(super) fn extent_bytes(extent: Extent) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&extent.block.to_le_bytes());
    bytes[4..8].copy_from_slice(&extent.offset.to_le_bytes());
    bytes[8..].copy_from_slice(&extent.length.to_le_bytes());
    bytes
}

fn index<W>(target: &TargetRecord, writer: &ArchiveWriter<W>) -> Result<Vec<u8>, WriteError> {
    let ArchiveWriter { modules, libraries, tree, blocks, reasons, left_out, ahead, .. } = writer;
    let (mut strings, mut needs) = (Strings::default(), NeedRuns::default());

    let mut module_records = Vec::with_capacity(modules.len() * layout::module::LENGTH);
    for module in modules.values() {
        module_records.extend(strings.place(&module.name)?);
        module_records.extend(strings.place(&module.file)?);
        module_records.push(module.kind as u8);
        module_records.push(if module.is_package { MODULE_IS_PACKAGE } else { 0 });
        module_records.extend([0; 6]);
        module_records.extend(extent_bytes(module.content));
        module_records.extend(needs.place(&module.needs)?);
    }
    let mut library_records = Vec::with_capacity(libraries.len() * layout::library::LENGTH);
    for library in libraries {
        library_records.extend(strings.place(&library.name)?);
        library_records.extend(extent_bytes(library.content));
        library_records.extend(needs.place(&library.needs)?);
        library_records.extend(strings.place(&library.file)?);
    }
    let mut target_record = vec![target.python.0, target.python.1, target.optimize, target.entry_kind as u8];
    target_record.extend(target.libpython.unwrap_or(NONE).to_le_bytes());
    for text in [&target.version, &target.abi_flags, &target.platform, &target.cache_tag, &target.entry] {
        target_record.extend(strings.place(text)?);
    }
    target_record.extend(extent_bytes(target.bootstrap));
    let flags = if target.collects_during_imports { TARGET_COLLECTS_DURING_IMPORTS } else { 0 };
    target_record.extend([target.interpreter as u8, target.placement as u8, flags]);
    target_record.extend([0; 5]);
    for text in [&target.ca_file, &target.ca_directory] {
        target_record.extend(strings.place(text)?);
    }
    let node_records = tree.records(&mut strings)?;
    let reasons_record: Vec<u8> = reasons.iter().flat_map(|content| extent_bytes(*content)).collect();
    let mut left_out_records = Vec::with_capacity(left_out.len() * layout::left_out::LENGTH);
    for record in left_out.values() {
        left_out_records.extend(strings.place(&record.name)?);
        left_out_records.extend(strings.place(&record.subject)?);
        left_out_records.push(record.kind as u8);
        left_out_records.extend([0; 7]);
    }

    let ahead_records = ahead_records(ahead, modules);

    let mut index = Vec::new();
    index.extend((SECTIONS.len() as u32).to_le_bytes());
    index.extend(0u32.to_le_bytes());
    let mut offset = 8 + SECTIONS.len() * SECTION_ENTRY_LENGTH;
    let mut body = Vec::new();
    for section in SECTIONS {
        let bytes = match section {
            Section::Target => &target_record,
            Section::Strings => &strings.bytes,
            Section::Modules => &module_records,
            Section::Libraries => &library_records,
            Section::Needs => &needs.bytes,
            Section::Blocks => blocks,
            Section::Nodes => &node_records,
            Section::Reasons => &reasons_record,
            Section::LeftOut => &left_out_records,
            Section::Ahead => &ahead_records,
        };
        index.extend((section as u32).to_le_bytes());
        index.extend((section.record_length() as u32).to_le_bytes());
        index.extend((offset as u64).to_le_bytes());
        index.extend((bytes.len() as u64).to_le_bytes());
        offset += bytes.len();
        body.extend_from_slice(bytes);
    }
    index.append(&mut body);
    Ok(index)
}

fn ahead_records(ahead: &[AheadRecord], modules: &BTreeMap<String, ModuleRecord>) -> Vec<u8> {
    let numbers: BTreeMap<&str, u32> = modules.keys().map(String::as_str).zip(0..).collect();
    let record = |wanted: &AheadRecord| {
        Some(match wanted {
            AheadRecord::Block(number) => (AheadKind::Block, *number),
            AheadRecord::Library(number) => (AheadKind::Library, *number),
            AheadRecord::Extension(name) => (AheadKind::Extension, *numbers.get(name.as_str())?),
            AheadRecord::OnDemand(number) => (AheadKind::OnDemand, *number),
        })
    };
    let words = ahead.iter().filter_map(record).flat_map(|(kind, number)| [kind as u32, number]);
    words.flat_map(u32::to_le_bytes).collect()
}
