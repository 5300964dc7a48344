//! Why files cannot be fused.

/// Why a file that carries CPython cannot be joined with the stub. It is then loaded from memory instead, where it is
/// a shared object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FuseError {
    /// A table or segment ends after the end of the file or of what holds it.
    #[error("it is truncated: {0} lies outside of the file")]
    Truncated(&'static str),
    /// A field has a value that the gABI does not allow, or that is absurd.
    #[error("it is malformed: {0}")]
    Malformed(&'static str),
    /// No 64-bit little-endian ELF file, or for a machine that has no table of relocations here.
    #[error("it is not for a machine that is known here (e_machine {0})")]
    Machine(u16),
    /// The objects are for different machines.
    #[error("it is for another machine than the stub")]
    OtherMachine,
    /// Neither a shared object nor an executable.
    #[error("it is neither a shared object nor an executable")]
    Kind,
    /// Linked statically with libc: there is no dynamic linker to do anything.
    #[error("it is linked statically: it has no dynamic section")]
    Static,
    /// A relocation type that has no rule.
    #[error("it has a relocation of type {0}, which cannot be carried over")]
    Relocation(u32),
    /// A relocation of what is not writable.
    #[error("it has text relocations: its code is changed when it is loaded")]
    TextRelocation,
    /// A relocation with a form that cannot be carried over.
    #[error("it has a relocation that cannot be carried over: {0}")]
    RelocationForm(&'static str),
    /// A thread-local block that cannot be merged.
    #[error("its thread-local storage cannot be joined with the stub's: {0}")]
    ThreadLocal(&'static str),
    /// Unwind tables in another form than GNU ld's and lld's.
    #[error("the index of its unwind tables has an unknown form")]
    Unwind,
    /// A symbol of a library that is part of the result, and that no object defines.
    #[error("it needs {symbol} of {library}, which that does not have")]
    Symbol {
        /// The symbol.
        symbol: String,
        /// The library that should define it.
        library: String,
    },
    /// CPython's functions are not in it, or not for others.
    #[error("it does not export CPython's functions")]
    NoPython,
    /// A library that the base needs cannot be read.
    #[error("the library {0}, which it needs, is not found or cannot be read")]
    Library(String),
    /// No room for the tables below an executable that has a fixed address.
    #[error("there is no room for its tables below its fixed address")]
    NoRoom,
    /// The kernel takes one page of program headers.
    #[error("the result would have {0} program headers, more than the kernel takes")]
    TooManySegments(usize),
    /// The result is not what it should be.
    #[error("the fused file does not pass its check: {0}")]
    Check(String),
}
