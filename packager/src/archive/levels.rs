//! How hard the contents of an archive are compressed, and in pieces of which size: what `--compress` trades.
//!
//! Two things cost a start time: bytes to be read, and the time that zstd takes for a byte that it gives. The first grows
//! with low levels, the second shrinks, and only below level 1 by much. Larger blocks compress better; they are
//! decompressed as a whole, and side by side only with others.

use crate::request::CompressOption;

/// zstd levels, and the lengths of blocks in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Levels {
    /// Of bytecode: little data, read by every start.
    pub module_level: i32,
    /// Modules are packed up to this many bytes a block: small enough that a start decompresses little it does not need,
    /// large enough to compress well.
    pub module_block: usize,
    /// Of native files: the bulk of the data, most of the build's time.
    pub native_level: i32,
    /// Native files are cut into pieces of this many bytes, which can be decompressed side by side.
    pub native_block: usize,
    /// Of data.
    pub data_level: i32,
}

impl From<CompressOption> for Levels {
    fn from(option: CompressOption) -> Self {
        match option {
            CompressOption::Fast => Self {
                module_level: -3,
                module_block: 256 << 10,
                native_level: -5,
                native_block: 1 << 20,
                data_level: 1,
            },
            CompressOption::Balanced => Self {
                module_level: 15,
                module_block: 256 << 10,
                native_level: 9,
                native_block: 1 << 20,
                data_level: 9,
            },
            CompressOption::Small => Self {
                module_level: 19,
                module_block: 512 << 10,
                native_level: 19,
                native_block: 4 << 20,
                data_level: 19,
            },
        }
    }
}
