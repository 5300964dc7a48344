//! What a reader gives for the records of an archive.

use core::ops::Range;

use super::layout::{EntryKind, Extent, InterpreterMode, LeaveKind, ModuleKind, Placement};

/// For which Python the archive is, and what is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target<'a> {
    /// Major and minor version of CPython.
    pub python: (u8, u8),
    /// Full version, `3.11.7`.
    pub version: &'a str,
    /// ABI flags, empty or letters such as `d` and `t`.
    pub abi_flags: &'a str,
    /// Platform, `linux-x86_64-gnu`.
    pub platform: &'a str,
    /// `sys.implementation.cache_tag`, `cpython-311`.
    pub cache_tag: &'a str,
    /// Optimisation level of the bytecode.
    pub optimize: u8,
    /// How the entry runs.
    pub entry_kind: EntryKind,
    /// Name of the module that runs as `__main__`.
    pub entry: &'a str,
    /// Number of the library that is libpython; none where CPython is in the same file.
    pub libpython: Option<u32>,
    /// Marshalled code of the module `encodings` that CPython imports first.
    pub bootstrap: Extent,
    /// Whether the executable can also be used as `python`.
    pub interpreter: InterpreterMode,
    /// Where the tree of files is.
    pub placement: Placement,
    /// Whether the garbage collector runs as ever while modules are imported.
    pub collects_during_imports: bool,
    /// File of certificates that OpenSSL was built to look for; empty without one.
    pub ca_file: &'a str,
    /// Directory of certificates that OpenSSL was built to look for; empty without one.
    pub ca_directory: &'a str,
}

/// A module of the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Module<'a> {
    /// Dotted name.
    pub name: &'a str,
    /// File relative to the root; of a namespace package its directory.
    pub file: &'a str,
    /// What it is.
    pub kind: ModuleKind,
    /// Whether it is a package.
    pub is_package: bool,
    /// Code or ELF file; of length zero for a namespace package.
    pub content: Extent,
    /// Libraries to load before an extension, in order.
    pub needs: Needs<'a>,
}

/// A native library of the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Library<'a> {
    /// The name by which others ask for it (`DT_NEEDED`).
    pub name: &'a str,
    /// The ELF file.
    pub content: Extent,
    /// Libraries to load before it, in order.
    pub needs: Needs<'a>,
    /// Its file in the tree, relative to the root; empty for one that is not in the tree.
    pub file: &'a str,
}

/// A file, directory or symbolic link of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node<'a> {
    /// Its number; the root's is 0.
    pub number: u32,
    /// Name in its directory, empty for the root.
    pub name: &'a [u8],
    /// Permission bits.
    pub mode: u16,
    /// Time of the last change, seconds since 1970; 0 stands for that of the executable.
    pub mtime: i64,
    /// Whether it is to be put on the real disk before it is used.
    pub materialize: bool,
    /// Whether something below it is.
    pub leads_to_materialized: bool,
    /// What it is, and holds.
    pub content: NodeContent<'a>,
}

/// What a node is, and holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeContent<'a> {
    /// A directory: the numbers of its children, which are sorted by name (bytewise).
    Directory(Range<u32>),
    /// A file's bytes.
    File(Extent),
    /// A symbolic link's target.
    Symlink(&'a [u8]),
}

/// A module that the program may ask for and that was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeftOut<'a> {
    /// Dotted name.
    pub name: &'a str,
    /// The distribution that has it, or the name that is excluded.
    pub subject: &'a str,
    /// Why.
    pub kind: LeaveKind,
}

/// What a start is expected to want.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ahead {
    /// A block with the code of modules.
    Block(u32),
    /// The library with this number.
    Library(u32),
    /// The extension that is the module with this number.
    Extension(u32),
    /// A block of the library or extension listed last: machine code, wanted when it is executed.
    OnDemand(u32),
}

/// A list of library numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs<'a>(pub(super) &'a [u8]);

impl<'a> Needs<'a> {
    /// The numbers, in order.
    pub fn iter(&self) -> impl Iterator<Item = u32> + use<'a> {
        self.0.as_chunks().0.iter().map(|bytes| u32::from_le_bytes(*bytes))
    }
}
