//! The archive: what the packager appends to the stub and the executable reads in place.
//!
//! One definition for both sides. [`layout`] says what each record looks like, [`reader`] reads it where it
//! is mapped and gives [`records`], `writer` (feature `write`) makes it, [`slot`] is how the stub learns where it
//! is. [`parts`] makes native files compress better. Byte by byte all is described in `docs/format.md`.
//!
//! The reader treats its input as hostile: every offset and length is checked against what it points into,
//! before it is used; nothing is allocated on the word of a length that the file does not back.

pub mod error;
pub mod layout;
pub mod parts;
pub mod reader;
pub mod records;
pub mod slot;
#[cfg(feature = "write")]
mod tree;
#[cfg(feature = "write")]
pub mod writer;

#[cfg(test)]
#[cfg(feature = "write")]
pub(crate) mod tests;

pub use error::ArchiveError;
pub use layout::{EntryKind, Extent, InterpreterMode, LeaveKind, ModuleKind, Placement};
pub use reader::Archive;
pub use records::{Ahead, LeftOut, Library, Module, Node, NodeContent, Target};
