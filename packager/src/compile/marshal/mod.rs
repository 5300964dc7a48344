//! Canonical marshal: one sequence of bytes for one compiled module.
//!
//! Comes in: the marshal bytes of a code object, as found behind the 16-byte header of a `.pyc` or as returned by
//! `marshal.dumps(compile(…))`. Goes out: marshal bytes that the same version of CPython loads as the same code, with
//! every `co_filename` replaced. They no longer depend on where the input was compiled.
//!
//! Why this is needed: `marshal.dumps` marks an object as shared when its reference count is above one *at that
//! moment*, writes a string as interned when the process happened to have interned it, and (up to 3.10) writes a
//! frozenset in the order of this process's string hashes. Equal sources therefore give unequal `.pyc` bytes.
//!
//! How, each step a file or a function of `canonical.rs`:
//! 1. `reader.rs` reads the bytes into the arena of `value.rs`, children before parents, references resolved.
//! 2. `merge` lets equal constants be one object, and puts the new file name into every code object.
//! 3. `write` marks what the output refers to more than once, and nothing else.
//!
//! What must hold, and why the program cannot tell the difference:
//! - **Equal constants become one object.** The compiler does the same for all code objects of a module
//!   (`merge_consts_recursive`, `Python/compile.c`), by the same type-aware equality (`_PyCode_ConstantKey`): `1`,
//!   `True` and `1.0` stay apart, so do `0.0` and `-0.0`, `'a'` and `b'a'`. Byte strings and name tuples are immutable
//!   and compared by no one with `is`. A NaN is *not* merged: `nan in [nan]` looks at identity first, so two NaNs that
//!   were two objects stay two. Nor is anything mutable (list, dict, set), nor a code object: functions are told apart
//!   by it. What the input shares stays shared.
//! - **A string is interned by its content only**: when it stands in a name slot of some code object of the module, or
//!   consists of `[A-Za-z0-9_]*` only. The code constructor interns both sorts at load in any case (`intern_strings`
//!   and `all_name_chars` in `Objects/codeobject.c`; the empty string passes that test), so this only saves work. What
//!   changes is that a constant such as `'os.path'` is the same object as an equal name of an import; `is` between
//!   equal strings is promised by nobody. The constructor replaces strings *inside* constant tuples by their interned
//!   twins, which is harmless for shared tuples, and rebuilds a frozenset when one of its strings was not interned,
//!   which never happens to our output.
//! - **A frozenset keeps its stored order when the hashes of its elements are the same in every process** (numbers,
//!   tuples of them, `None` from 3.12): then the order of iteration is a property of the program and depends, where
//!   hashes collide, on the order of insertion. Otherwise elements are sorted: strings and bytes hash by a random
//!   seed, `Ellipsis`, NaN and older `None` by address, and no program can have relied on the order. Elements are
//!   inserted at load in the written order, so `for x in {7, 15}` runs as it does from a `.pyc`. It may differ from
//!   what `compile` left in memory: reinsertion changes the order of colliding elements, in CPython too.
//!
//! The input may be hostile: every count is checked against the bytes that are left, nothing is reserved on the word
//! of a count, and neither reading nor writing recurses.

mod canonical;
mod reader;
mod value;

#[cfg(test)]
mod tests;

use thiserror::Error;

/// What can be wrong with marshal bytes. Offsets count from the start of the marshal data, in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MarshalError {
    /// No layout of code objects is known for this version.
    #[error("code objects of Python 3.{minor} are not known; 3.8 to 3.13 are")]
    UnsupportedVersion {
        /// The y of 3.y.
        minor: u8,
    },
    /// An object, or a count of objects, needs more bytes than there are.
    #[error("marshal data ends in the middle of an object, at byte {offset}")]
    Truncated {
        /// Length of the input.
        offset: usize,
    },
    /// The code object ends before the input does: often a sign of the wrong version.
    #[error("{count} bytes follow the code object")]
    TrailingBytes {
        /// Bytes left over.
        count: usize,
    },
    /// No object begins so in any version known.
    #[error("unknown marshal type code {code:#04x} at byte {offset}")]
    UnknownType {
        /// The type code, without `FLAG_REF`.
        code: u8,
        /// Where it stands.
        offset: usize,
    },
    /// A `TYPE_REF` that the interpreter would refuse, or an object inside itself.
    #[error(
        "marshal data at byte {offset} refers to object {index}, which does not exist or is not complete there"
    )]
    BadReference {
        /// What it refers to.
        index: u32,
        /// Where it stands.
        offset: usize,
    },
    /// A size or count above 2^31 - 1.
    #[error("negative size before byte {offset}")]
    NegativeSize {
        /// Where it ends.
        offset: usize,
    },
    /// More than marshal can count.
    #[error("marshal data is too large: {size} bytes")]
    TooLarge {
        /// In bytes or objects.
        size: usize,
    },
    /// The interpreter would refuse to load it.
    #[error("objects nest deeper than {limit} levels, before byte {offset}")]
    TooDeep {
        /// In objects inside objects.
        limit: u16,
        /// Where it was noticed.
        offset: usize,
    },
    /// A digit out of range, or a leading zero digit.
    #[error("malformed integer before byte {offset}")]
    BadInteger {
        /// Where it ends.
        offset: usize,
    },
    /// Text that is no number.
    #[error("malformed floating-point number before byte {offset}")]
    BadFloat {
        /// Where it ends.
        offset: usize,
    },
    /// Not UTF-8 (with surrogates), or not ASCII where the type code says so.
    #[error("a string before byte {offset} is not in the encoding its type code names")]
    BadString {
        /// Where it ends.
        offset: usize,
    },
    /// `TYPE_NULL` where it ends no dict.
    #[error("a NULL marker outside the end of a dict, before byte {offset}")]
    UnexpectedNull {
        /// Where it ends.
        offset: usize,
    },
    /// A field that the constructor of code objects would refuse.
    #[error("field co_{slot} of the code object that ends at byte {offset} has the wrong type")]
    BadField {
        /// Its name, without `co_`.
        slot: &'static str,
        /// Where the code object ends.
        offset: usize,
    },
    /// Some other object.
    #[error("the marshal data is not a code object")]
    NotCode,
}

/// Rewrites the marshal bytes of one code object of CPython 3.`minor` (3.8 to 3.13) canonically, with `filename` as
/// `co_filename` of it and of every code object in it.
///
/// # Errors
/// When the version is not known, or the bytes are not exactly one well-formed code object of it.
pub fn canonical(code: &[u8], minor: u8, filename: &str) -> Result<Vec<u8>, MarshalError> {
    let layout = Layout::of(minor).ok_or(MarshalError::UnsupportedVersion { minor })?;
    let tree = reader::read(code, layout)?;
    let merged = canonical::merge(tree, layout, filename);
    canonical::write(&merged, layout, code.len())
}

/// One field of a code object that is written as an object; the name is that of the attribute, without `co_`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    Bytes(&'static str),
    Constants(&'static str),
    /// A tuple of strings, all of them interned.
    Names(&'static str),
    /// One string, interned.
    Name(&'static str),
    /// The string that is replaced.
    Filename,
}

/// How a version writes a code object: `integers` 32-bit numbers, the objects of `before_line`, the 32-bit
/// `co_firstlineno`, the objects of `after_line` (`w_complex_object` and `r_object` in `Python/marshal.c`).
#[derive(Debug)]
struct Layout {
    integers: usize,
    before_line: &'static [Slot],
    after_line: &'static [Slot],
    /// Whether `hash(None)` is a constant rather than an address (from 3.12).
    none_hash_is_fixed: bool,
}

impl Layout {
    const PY38: Self = Self {
        integers: 6,
        before_line: &[
            Slot::Bytes("code"),
            Slot::Constants("consts"),
            Slot::Names("names"),
            Slot::Names("varnames"),
            Slot::Names("freevars"),
            Slot::Names("cellvars"),
            Slot::Filename,
            Slot::Name("name"),
        ],
        after_line: &[Slot::Bytes("lnotab")],
        none_hash_is_fixed: false,
    };
    const PY311: Self = Self {
        integers: 5,
        before_line: &[
            Slot::Bytes("code"),
            Slot::Constants("consts"),
            Slot::Names("names"),
            Slot::Names("localsplusnames"),
            Slot::Bytes("localspluskinds"),
            Slot::Filename,
            Slot::Name("name"),
            Slot::Name("qualname"),
        ],
        after_line: &[Slot::Bytes("linetable"), Slot::Bytes("exceptiontable")],
        none_hash_is_fixed: false,
    };
    const PY312: Self = Self { none_hash_is_fixed: true, ..Self::PY311 };

    fn of(minor: u8) -> Option<&'static Self> {
        match minor {
            8..=10 => Some(&Self::PY38),
            11 => Some(&Self::PY311),
            12 | 13 => Some(&Self::PY312),
            _ => None,
        }
    }

    /// All object fields in written order.
    fn slots(&self) -> impl Iterator<Item = Slot> {
        self.before_line.iter().chain(self.after_line).copied()
    }

    fn slot_count(&self) -> usize {
        self.before_line.len() + self.after_line.len()
    }
}
