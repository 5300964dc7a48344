//! The records of an archive: their sizes, field offsets and ids, each in one place.
//!
//! All integers are little-endian. Offsets are 64 bits wide where they address the archive, 32 bits where
//! they address the string table. A record is read field by field from a byte slice, so alignment never
//! matters and no record is ever cast from memory.

/// First bytes of an archive. The high bit and the line feed catch transfers that are not byte-exact.
pub const MAGIC: [u8; 8] = *b"\x89SNAPFZ\n";

/// Version of the format; a reader reads exactly its own.
pub const FORMAT_VERSION: u32 = 3;

/// Length of the header, in bytes.
pub const HEADER_LENGTH: usize = 64;

/// Archives start at a multiple of this many bytes in the file, so that the kernel can map them.
pub const ARCHIVE_ALIGNMENT: u64 = 4096;

/// The largest block, in bytes before compression. A bound on what a damaged index can make a reader allocate.
pub const MAX_BLOCK_LENGTH: u32 = 1 << 28;

/// From so many bytes on, before compression, a thread decompresses what a start will want: to make one and to end it costs as
/// much as to decompress about half of that. The packager may rely on it, a reader need not.
pub const WORTH_A_THREAD: usize = 64 << 10;

/// Length of one section's entry in the index's directory: id, record length, offset, length.
pub const SECTION_ENTRY_LENGTH: usize = 24;

/// The parts of the index. The numbers are the ids on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Section {
    /// One [`target`] record: for which Python this is and what is run.
    Target = 1,
    /// All strings, end to end; records refer to them by offset and length.
    Strings = 2,
    /// [`module`] records, sorted by name (bytewise).
    Modules = 3,
    /// [`library`] records, in the order in which they were collected.
    Libraries = 4,
    /// Lists of library numbers (`u32`), each a run that a module or library refers to.
    Needs = 5,
    /// [`block`] records, in file order.
    Blocks = 6,
    /// [`node`] records: the tree of files. The first is the root; children come after their directory, those of one
    /// directory next to each other, sorted by name (bytewise).
    Nodes = 7,
    /// One [`reasons`] record: where it is written why everything is in the program. May be absent.
    Reasons = 8,
    /// [`left_out`] records, sorted by name (bytewise). May be absent.
    LeftOut = 9,
    /// [`ahead`] records: what a start is expected to want, in that order. May be absent.
    Ahead = 10,
}

/// Every section, in the order in which it is written.
pub const SECTIONS: [Section; 10] = [
    Section::Target,
    Section::Strings,
    Section::Modules,
    Section::Libraries,
    Section::Needs,
    Section::Blocks,
    Section::Nodes,
    Section::Reasons,
    Section::LeftOut,
    Section::Ahead,
];

impl Section {
    /// Length of one record of the section, in bytes.
    pub const fn record_length(self) -> usize {
        match self {
            Self::Target => target::LENGTH,
            Self::Strings => 1,
            Self::Modules => module::LENGTH,
            Self::Libraries => library::LENGTH,
            Self::Needs => 4,
            Self::Blocks => block::LENGTH,
            Self::Nodes => node::LENGTH,
            Self::Reasons => reasons::LENGTH,
            Self::LeftOut => left_out::LENGTH,
            Self::Ahead => ahead::LENGTH,
        }
    }

    /// Whether an archive without it is damaged.
    pub const fn is_required(self) -> bool {
        !matches!(self, Self::Reasons | Self::LeftOut | Self::Ahead)
    }
}

/// Field offsets of the header.
pub mod header {
    /// `[u8; 8]`: [`super::MAGIC`].
    pub const MAGIC: usize = 0;
    /// `u32`: [`super::FORMAT_VERSION`].
    pub const VERSION: usize = 8;
    /// `u32`: zero.
    pub const FLAGS: usize = 12;
    /// `u64`: length of the whole archive, header included.
    pub const ARCHIVE_LENGTH: usize = 16;
    /// `u64`: where the index starts, from the start of the archive.
    pub const INDEX_OFFSET: usize = 24;
    /// `u64`: length of the index.
    pub const INDEX_LENGTH: usize = 32;
    /// `u64`: XXH3-64 of the index.
    pub const INDEX_CHECKSUM: usize = 40;
    /// `u64`: zero.
    pub const RESERVED: usize = 48;
    /// `u64`: XXH3-64 of the header's bytes before this field.
    pub const CHECKSUM: usize = 56;
}

/// Field offsets of the target record.
pub mod target {
    /// `u8`: major version of CPython.
    pub const MAJOR: usize = 0;
    /// `u8`: minor version of CPython.
    pub const MINOR: usize = 1;
    /// `u8`: optimisation level of the bytecode, 0 to 2.
    pub const OPTIMIZE: usize = 2;
    /// `u8`: [`super::EntryKind`].
    pub const ENTRY_KIND: usize = 3;
    /// `u32`: number of the library that is libpython, or [`super::NONE`].
    pub const LIBPYTHON: usize = 4;
    /// String: full version, `3.11.7`.
    pub const VERSION: usize = 8;
    /// String: ABI flags, empty or letters such as `d` and `t`.
    pub const ABI_FLAGS: usize = 16;
    /// String: platform, `linux-x86_64-gnu`.
    pub const PLATFORM: usize = 24;
    /// String: `sys.implementation.cache_tag`, `cpython-311`.
    pub const CACHE_TAG: usize = 32;
    /// String: name of the module that runs as `__main__`.
    pub const ENTRY: usize = 40;
    /// Extent: marshalled code of the module `encodings` that CPython imports first.
    pub const BOOTSTRAP: usize = 48;
    /// `u8`: [`super::InterpreterMode`].
    pub const INTERPRETER: usize = 64;
    /// `u8`: [`super::Placement`].
    pub const PLACEMENT: usize = 65;
    /// `u8`: [`super::TARGET_COLLECTS_DURING_IMPORTS`] or zero.
    pub const FLAGS: usize = 66;
    /// `u8` and `u32`: zero.
    pub const RESERVED: usize = 67;
    /// String: file of certificates that the OpenSSL of the archive was built to look for; empty without one.
    pub const CA_FILE: usize = 72;
    /// String: directory of certificates that it was built to look for.
    pub const CA_DIRECTORY: usize = 80;
    /// Length of the record.
    pub const LENGTH: usize = 88;
}

/// Field offsets of a module record.
pub mod module {
    /// String: dotted name.
    pub const NAME: usize = 0;
    /// String: file, relative to the root, `/` between parts; of a namespace package its directory.
    pub const FILE: usize = 8;
    /// `u8`: [`super::ModuleKind`].
    pub const KIND: usize = 16;
    /// `u8`: [`super::MODULE_IS_PACKAGE`] or zero.
    pub const FLAGS: usize = 17;
    /// `u16` and `u32`: zero.
    pub const RESERVED: usize = 18;
    /// Extent: marshalled code, or the ELF file of an extension.
    pub const CONTENT: usize = 24;
    /// Run of [`super::Section::Needs`]: libraries to load before an extension, in order.
    pub const NEEDS: usize = 40;
    /// Length of the record.
    pub const LENGTH: usize = 48;
}

/// Field offsets of a library record.
pub mod library {
    /// String: the name by which others ask for it (`DT_NEEDED`).
    pub const NAME: usize = 0;
    /// Extent: the ELF file.
    pub const CONTENT: usize = 8;
    /// Run of [`super::Section::Needs`]: libraries to load before it, in order.
    pub const NEEDS: usize = 24;
    /// String: its file in the tree, relative to the root; empty for one that is not in the tree.
    pub const FILE: usize = 32;
    /// Length of the record.
    pub const LENGTH: usize = 40;
}

/// Field offsets of a node record.
pub mod node {
    /// String: name in its directory, any bytes but `/` and NUL; empty for the root.
    pub const NAME: usize = 0;
    /// `u8`: [`super::NodeKind`].
    pub const KIND: usize = 8;
    /// `u8`: [`super::NODE_MATERIALIZE`] and [`super::NODE_LEADS_TO_MATERIALIZED`], or zero.
    pub const FLAGS: usize = 9;
    /// `u16`: permission bits.
    pub const MODE: usize = 10;
    /// `u32`: zero.
    pub const RESERVED: usize = 12;
    /// `i64`: time of the last change, seconds since 1970; 0 stands for that of the executable.
    pub const MTIME: usize = 16;
    /// A file's content: an extent. A directory's children: `u32` first node, `u32` count. A symbolic link's target:
    /// a string.
    pub const CONTENT: usize = 24;
    /// Length of the record.
    pub const LENGTH: usize = 40;
}

/// Field offsets of a block record.
pub mod block {
    /// `u64`: where the stored bytes start, from the start of the archive.
    pub const OFFSET: usize = 0;
    /// `u32`: stored length.
    pub const STORED_LENGTH: usize = 8;
    /// `u32`: length after decompression.
    pub const RAW_LENGTH: usize = 12;
    /// `u64`: XXH3-64 of the stored bytes.
    pub const CHECKSUM: usize = 16;
    /// `u32`: [`super::Codec`].
    pub const CODEC: usize = 24;
    /// `u32`: zero.
    pub const RESERVED: usize = 28;
    /// Length of the record.
    pub const LENGTH: usize = 32;
}

/// Field offsets of the reasons record.
pub mod reasons {
    /// Extent: the reasons, one JSON document.
    pub const CONTENT: usize = 0;
    /// Length of the record.
    pub const LENGTH: usize = 16;
}

/// Field offsets of a record of what was left out.
pub mod left_out {
    /// String: dotted name of a module.
    pub const NAME: usize = 0;
    /// String: the distribution that has it, or the name that is excluded.
    pub const SUBJECT: usize = 8;
    /// `u8`: [`super::LeaveKind`].
    pub const KIND: usize = 16;
    /// `u8`, `u16` and `u32`: zero.
    pub const RESERVED: usize = 17;
    /// Length of the record.
    pub const LENGTH: usize = 24;
}

/// Field offsets of a record of what a start is expected to want.
pub mod ahead {
    /// `u32`: [`super::AheadKind`].
    pub const KIND: usize = 0;
    /// `u32`: number of the block, library or module.
    pub const NUMBER: usize = 4;
    /// Length of the record.
    pub const LENGTH: usize = 8;
}

/// "No such number", where a record number is expected.
pub const NONE: u32 = u32::MAX;

/// Flag of the target record: the garbage collector is not put off while modules are imported.
pub const TARGET_COLLECTS_DURING_IMPORTS: u8 = 1;

/// Flag of a module record: the module is a package.
pub const MODULE_IS_PACKAGE: u8 = 1;

/// Flag of a node record: the directory or file is to be put on the real disk before it is used.
pub const NODE_MATERIALIZE: u8 = 1;

/// Flag of a directory's node record: something below it is to be put on the real disk.
pub const NODE_LEADS_TO_MATERIALIZED: u8 = 2;

/// What a node of the tree of files is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum NodeKind {
    /// A directory.
    Directory = 1,
    /// A regular file.
    File = 2,
    /// A symbolic link.
    Symlink = 3,
}

impl NodeKind {
    /// The kind with this id.
    pub const fn from_id(id: u8) -> Option<Self> {
        match id {
            1 => Some(Self::Directory),
            2 => Some(Self::File),
            3 => Some(Self::Symlink),
            _ => None,
        }
    }
}

/// Whether the executable can also be used as `python`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(u8)]
pub enum InterpreterMode {
    /// Never.
    #[default]
    None = 0,
    /// When its command line begins with one of `python`'s options.
    Arguments = 1,
    /// When `SNAPFREEZE_INTERPRETER=1` is in the environment.
    Environment = 2,
}

impl InterpreterMode {
    /// The mode with this id.
    pub const fn from_id(id: u8) -> Option<Self> {
        match id {
            0 => Some(Self::None),
            1 => Some(Self::Arguments),
            2 => Some(Self::Environment),
            _ => None,
        }
    }
}

/// Where the tree of files is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(u8)]
pub enum Placement {
    /// In the archive, below the executable's own path: `app/_internal`.
    #[default]
    Archive = 0,
    /// In a real directory beside the executable: `_internal`.
    Beside = 1,
}

impl Placement {
    /// The placement with this id.
    pub const fn from_id(id: u8) -> Option<Self> {
        match id {
            0 => Some(Self::Archive),
            1 => Some(Self::Beside),
            _ => None,
        }
    }
}

/// What a module is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ModuleKind {
    /// Bytecode.
    Code = 1,
    /// A native extension module.
    Extension = 2,
    /// A namespace package (PEP 420): no code.
    Namespace = 3,
}

impl ModuleKind {
    /// The kind with this id.
    pub const fn from_id(id: u8) -> Option<Self> {
        match id {
            1 => Some(Self::Code),
            2 => Some(Self::Extension),
            3 => Some(Self::Namespace),
            _ => None,
        }
    }
}

/// How the entry runs, which decides what `__main__` looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum EntryKind {
    /// As `python script.py`: `__spec__` is None.
    Script = 1,
    /// As `python -m module`: `__spec__` and `__package__` are the module's.
    Module = 2,
}

impl EntryKind {
    /// The kind with this id.
    pub const fn from_id(id: u8) -> Option<Self> {
        match id {
            1 => Some(Self::Script),
            2 => Some(Self::Module),
            _ => None,
        }
    }
}

/// Why a module was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum LeaveKind {
    /// Its distribution is optional, and nothing declares it.
    Optional = 1,
    /// An option excluded it.
    Excluded = 2,
    /// A hook excluded it.
    Hook = 3,
}

impl LeaveKind {
    /// The kind with this id.
    pub const fn from_id(id: u8) -> Option<Self> {
        match id {
            1 => Some(Self::Optional),
            2 => Some(Self::Excluded),
            3 => Some(Self::Hook),
            _ => None,
        }
    }
}

/// What a record of the section `ahead` stands for. The numbers are the ids on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum AheadKind {
    /// A block with the code of modules.
    Block = 1,
    /// A library.
    Library = 2,
    /// A module: an extension.
    Extension = 3,
    /// A block of the library or extension listed last, with nothing but machine code: wanted when that is executed.
    OnDemand = 4,
}

impl AheadKind {
    /// The kind with this id.
    pub const fn from_id(id: u32) -> Option<Self> {
        match id {
            1 => Some(Self::Block),
            2 => Some(Self::Library),
            3 => Some(Self::Extension),
            4 => Some(Self::OnDemand),
            _ => None,
        }
    }
}

/// How a block is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Codec {
    /// As it is.
    Stored = 0,
    /// One zstd frame (RFC 8878).
    Zstd = 1,
    /// A list of parts that are written in another way ([`super::parts`]), and one zstd frame.
    ZstdParts = 2,
}

impl Codec {
    /// The codec with this id.
    pub const fn from_id(id: u32) -> Option<Self> {
        match id {
            0 => Some(Self::Stored),
            1 => Some(Self::Zstd),
            2 => Some(Self::ZstdParts),
            _ => None,
        }
    }
}

/// Where a content is: it starts in a block and goes on through the blocks that follow, without a gap.
///
/// On disk: `u32` block, `u32` offset in that block after decompression, `u64` length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Extent {
    /// Number of the first block.
    pub block: u32,
    /// Offset in the first block, in bytes after decompression.
    pub offset: u32,
    /// Length in bytes.
    pub length: u64,
}

/// A checksum as the format uses it: XXH3, 64 bits.
pub fn checksum(bytes: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_id_decodes_to_what_it_encodes() {
        for kind in [ModuleKind::Code, ModuleKind::Extension, ModuleKind::Namespace] {
            assert_eq!(ModuleKind::from_id(kind as u8), Some(kind));
        }
        for kind in [EntryKind::Script, EntryKind::Module] {
            assert_eq!(EntryKind::from_id(kind as u8), Some(kind));
        }
        for codec in [Codec::Stored, Codec::Zstd, Codec::ZstdParts] {
            assert_eq!(Codec::from_id(codec as u32), Some(codec));
        }
        for kind in [NodeKind::Directory, NodeKind::File, NodeKind::Symlink] {
            assert_eq!(NodeKind::from_id(kind as u8), Some(kind));
        }
        for mode in [InterpreterMode::None, InterpreterMode::Arguments, InterpreterMode::Environment] {
            assert_eq!(InterpreterMode::from_id(mode as u8), Some(mode));
        }
        for placement in [Placement::Archive, Placement::Beside] {
            assert_eq!(Placement::from_id(placement as u8), Some(placement));
        }
        for kind in [LeaveKind::Optional, LeaveKind::Excluded, LeaveKind::Hook] {
            assert_eq!(LeaveKind::from_id(kind as u8), Some(kind));
        }
        for kind in [AheadKind::Block, AheadKind::Library, AheadKind::Extension, AheadKind::OnDemand] {
            assert_eq!(AheadKind::from_id(kind as u32), Some(kind));
        }
        assert_eq!(
            SECTIONS.map(|section| section as u32),
            [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
            "sections are written in the order of their ids"
        );
    }

    #[test]
    fn unknown_ids_are_refused() {
        assert_eq!(ModuleKind::from_id(0), None);
        assert_eq!(ModuleKind::from_id(4), None);
        assert_eq!(EntryKind::from_id(0), None);
        assert_eq!(Codec::from_id(3), None);
        assert_eq!(NodeKind::from_id(0), None);
        assert_eq!(InterpreterMode::from_id(3), None);
        assert_eq!(Placement::from_id(2), None);
        assert_eq!(LeaveKind::from_id(0), None);
        assert_eq!(AheadKind::from_id(0), None);
        assert_eq!(AheadKind::from_id(5), None);
    }
}
