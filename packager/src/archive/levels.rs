//! How hard the contents of an archive are compressed, and in pieces of which size: what `--compress` trades.
//!
//! Two things cost a start time: bytes to be read, and the time that zstd takes for a byte that it gives. The first grows
//! with low levels, the second shrinks, and only below level 1 by much. Larger blocks compress better; they are
//! decompressed as a whole, and side by side only with others.

use snapfreeze_runtime::archive::writer::Method;

use crate::collect::native::loaded::PAGE;
use crate::request::CompressOption;

/// zstd levels, and the lengths of blocks in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Levels {
    /// Of the bytecode of modules that a start is expected to import.
    pub code: i32,
    /// Of that of other modules. Large blocks do most of what a higher level would do, in a fraction of its time.
    pub later_code: i32,
    /// Modules that a start is expected to import are packed up to so many bytes a block, the first: a start waits for them.
    pub first_code_block: usize,
    /// They are packed up to this many bytes a block, the last: nearly all of them is wanted.
    pub code_block: usize,
    /// Other modules are packed up to this many bytes a block: small enough that an import decompresses little it does not
    /// need, large enough to compress well.
    pub later_code_block: usize,
    /// Of native files that a start is expected to load: the bulk of the data.
    pub native: Method,
    /// Of other native files.
    pub later_native: Method,
    /// Native files are cut into pieces of at most this many bytes, which can be decompressed side by side.
    pub native_block: usize,
    /// Machine code that is decompressed when it is executed: so much at a time.
    pub on_demand_block: usize,
    /// Native files that no start is expected to load share blocks of at most this many bytes: to load one is to decompress
    /// the block.
    pub later_native_block: usize,
    /// So many bytes of machine code for each distance in it that is written as a position, or fewer: else
    /// what is saved is not worth the time that it takes to undo it. None: no positions.
    pub positions: Option<usize>,
    /// Of data.
    pub data: i32,
    /// Small files share blocks of at most this many bytes: to read one is to decompress the block.
    pub data_block: usize,
    /// Larger files are cut into pieces of at most this many bytes, and share blocks as far as they fit in.
    pub large_data_block: usize,
}

impl Levels {
    /// A native file in pieces of about one length, in whole pages: no page is filled by two threads. Half a block is enough
    /// to be worth two: then two threads have something to do.
    pub(super) fn native_pieces(self, file: &[u8]) -> impl Iterator<Item = &[u8]> {
        let least = if file.len() > self.native_block / 2 { 2 } else { 1 };
        let count = file.len().div_ceil(self.native_block).max(least);
        file.chunks(file.len().div_ceil(count).next_multiple_of(PAGE).max(PAGE))
    }
}

impl From<CompressOption> for Levels {
    fn from(option: CompressOption) -> Self {
        match option {
            CompressOption::Fast => Self {
                code: -3,
                later_code: -3,
                first_code_block: 256 << 10,
                code_block: 256 << 10,
                later_code_block: 256 << 10,
                native: Method::Level(-5),
                later_native: Method::Level(1),
                native_block: 1 << 20,
                on_demand_block: 128 << 10,
                later_native_block: 256 << 10,
                positions: None,
                data: 1,
                data_block: 256 << 10,
                large_data_block: 1 << 20,
            },
            CompressOption::Balanced => Self {
                code: 18,
                later_code: 12,
                first_code_block: 256 << 10,
                code_block: 1 << 20,
                later_code_block: 1 << 20,
                native: Method::ShortMatches,
                later_native: Method::ShortSearches,
                native_block: 4 << 20,
                on_demand_block: 128 << 10,
                later_native_block: 512 << 10,
                positions: Some(64),
                data: 9,
                data_block: 512 << 10,
                large_data_block: 1 << 20,
            },
            CompressOption::Small => Self {
                code: 19,
                later_code: 19,
                first_code_block: 256 << 10,
                code_block: 2 << 20,
                later_code_block: 1 << 20,
                native: Method::Level(19),
                later_native: Method::Level(19),
                native_block: 4 << 20,
                on_demand_block: 128 << 10,
                later_native_block: 1 << 20,
                positions: Some(256),
                data: 19,
                data_block: 512 << 10,
                large_data_block: 1 << 20,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn native_files_are_cut_into_pieces_of_one_length() {
        let levels = Levels::from(CompressOption::Balanced);
        for (length, count) in
            [(0, 0), (1, 1), (2 << 20, 1), ((2 << 20) + 1, 2), (5 << 20, 2), (8 << 20, 2), (25 << 20, 7)]
        {
            let file = vec![0; length];
            let pieces: Vec<usize> = levels.native_pieces(&file).map(<[u8]>::len).collect();
            assert_eq!((pieces.len(), pieces.iter().sum()), (count, length), "{length}");
            let (longest, shortest) = (pieces.iter().max(), pieces.iter().min());
            assert!(longest.unwrap_or(&0) - shortest.unwrap_or(&0) < PAGE * count.max(1), "{pieces:?}");
        }
    }
}
