//! What can be wrong with an archive.

/// Why an archive cannot be read. Each names the part that is wrong; who reports it adds the file's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    /// The file ends before the archive does.
    #[error("the file is cut short: {needed} bytes are needed and {present} are there")]
    Truncated {
        /// Bytes that the archive says it has.
        needed: u64,
        /// Bytes that are there.
        present: u64,
    },
    /// There is no archive where one should be.
    #[error("no archive where one should be: its first bytes are not an archive's")]
    NotAnArchive,
    /// An archive of another format version.
    #[error("the archive has format version {found}, this executable reads version {expected}")]
    Version {
        /// The version in the file.
        found: u32,
        /// The version that this code reads.
        expected: u32,
    },
    /// A checksum does not match.
    #[error("the {part} does not match its checksum")]
    Checksum {
        /// Which part: header, index, or block N.
        part: String,
    },
    /// An offset or length that points outside of what it must be in.
    #[error("the {part} points outside of the archive")]
    OutOfBounds {
        /// The record or field.
        part: &'static str,
    },
    /// A field with a value that the format does not know.
    #[error("the {part} has a value that the format does not define")]
    Invalid {
        /// The record or field.
        part: &'static str,
    },
    /// There is no memory for decompressing.
    #[error("there is not enough memory to decompress block {block}")]
    OutOfMemory {
        /// The block's number.
        block: u32,
    },
    /// A block that zstd cannot decompress to the length that the index gives.
    #[error("block {block} cannot be decompressed")]
    Decompress {
        /// The block's number.
        block: u32,
    },
}
