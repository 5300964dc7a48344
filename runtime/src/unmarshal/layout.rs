//! How objects lie in memory, by version.
//!
//! The structs are the same in every micro release of a minor version. Offsets are `offsetof` as a C compiler gives it for
//! LP64 against the headers of 3.9.18, 3.10.13, 3.11.7, 3.12.1 and 3.13.0. That the interpreter at hand has them is checked at its start, as
//! far as it tells: by the sizes of its types and by a string that it made ([`super::objects`]).

/// The layout of one version.
#[derive(Debug, PartialEq, Eq)]
pub struct Layout {
    /// The reference count of an object that lasts as long as the process.
    pub references: isize,
    /// Whether objects can be immortal, and interned strings are (PEP 683).
    pub has_immortals: bool,
    /// Where a compact ASCII string's characters begin: `sizeof(PyASCIIObject)`.
    pub text: usize,
    /// `types.CodeType.__basicsize__` and `__itemsize__`.
    pub code_size: (usize, usize),
    /// Length of the arenas of CPython's allocator.
    pub arena: usize,
    /// Which members a code object has.
    pub code: CodeLayout,
}

/// The kinds of `PyCodeObject`.
#[derive(Debug, PartialEq, Eq)]
pub enum CodeLayout {
    /// 3.9 and 3.10: the instructions are a byte string, and each kind of variable has a tuple of names.
    Separate,
    /// From 3.11: the instructions are part of the object, and variables have one tuple.
    Inline(&'static InlineLayout),
}

/// What differs between the versions of the second kind.
#[derive(Debug, PartialEq, Eq)]
pub struct InlineLayout {
    /// `int co_argcount`, the first of a row of numbers.
    pub numbers: usize,
    /// `int _co_firsttraceable`.
    pub first_traceable: usize,
    /// `co_code_adaptive`.
    pub instructions: usize,
    /// `RESUME` (opcode.h).
    pub resume: u8,
    /// How instructions are made ready for specialisation.
    pub start: Start,
}

/// What a new code object is given for the specialising interpreter (PEP 659).
#[derive(Debug, PartialEq, Eq)]
pub enum Start {
    /// 3.11: a counter of calls, after which instructions are replaced.
    WarmUp,
    /// From 3.12: a counter with each instruction that has a cache, and a version for the functions that are made of it.
    Counters {
        /// Counters of instructions that start otherwise, by opcode (`_PyCode_Quicken` in `Python/specialize.c`).
        others: &'static [(u8, u16)],
        /// Instructions that are replaced by another where a certain one follows: what stands there, what follows, and the
        /// other (superinstructions, of 3.12 only).
        pairs: &'static [(u8, u8, u8)],
    },
}

/// The layout of CPython 3.`minor`, if it is known.
pub const fn layout(minor: u8) -> Option<&'static Layout> {
    match minor {
        9 => Some(&PYTHON_3_9),
        10 => Some(&PYTHON_3_10),
        11 => Some(&PYTHON_3_11),
        12 => Some(&PYTHON_3_12),
        13 => Some(&PYTHON_3_13),
        _ => None,
    }
}

const PYTHON_3_9: Layout = Layout {
    // CPython's own objects that last forever have a large number as well (`_PyObject_IMMORTAL_REFCNT`, 999999999).
    references: 1 << 40,
    has_immortals: false,
    text: 48,
    code_size: (176, 0),
    arena: 256 << 10,
    code: CodeLayout::Separate,
};
const PYTHON_3_10: Layout = Layout { arena: 1 << 20, ..PYTHON_3_9 };
const PYTHON_3_11: Layout =
    Layout { code_size: (184, 2), code: CodeLayout::Inline(&INLINE_3_11), ..PYTHON_3_10 };
const PYTHON_3_12: Layout = Layout {
    references: 0xffff_ffff, // _Py_IMMORTAL_REFCNT (object.h)
    has_immortals: true,
    text: 40,
    code_size: (192, 2),
    code: CodeLayout::Inline(&INLINE_3_12),
    ..PYTHON_3_11
};
const PYTHON_3_13: Layout =
    Layout { code_size: (200, 2), code: CodeLayout::Inline(&INLINE_3_13), ..PYTHON_3_12 };

const INLINE_3_11: InlineLayout =
    InlineLayout { numbers: 56, first_traceable: 168, instructions: 184, resume: 151, start: Start::WarmUp };
const INLINE_3_12: InlineLayout = InlineLayout {
    numbers: 52,
    first_traceable: 176,
    instructions: 192,
    resume: 151,
    start: Start::Counters {
        others: &[],
        // LOAD_CONST (100), LOAD_FAST (124) and STORE_FAST (125).
        pairs: &[(100, 124, 84), (124, 100, 86), (124, 124, 88), (125, 124, 154), (125, 125, 158)],
    },
};
const INLINE_3_13: InlineLayout = InlineLayout {
    numbers: 52,
    first_traceable: 184,
    instructions: 200,
    resume: 149,
    start: Start::Counters {
        // JUMP_BACKWARD; POP_JUMP_IF_FALSE, _NONE, _NOT_NONE and _TRUE.
        others: &[(77, 16 << 4 | 4), (97, 0x5555), (98, 0x5555), (99, 0x5555), (100, 0x5555)],
        pairs: &[],
    },
};

/// `PyObject` and `PyVarObject`.
pub mod object {
    /// `ob_refcnt`.
    pub const REFERENCES: usize = 0;
    /// `ob_type`.
    pub const CLASS: usize = 8;
    /// `ob_size`.
    pub const SIZE: usize = 16;
}

/// `PyTypeObject`.
pub mod class {
    /// `tp_basicsize`.
    pub const BASIC_SIZE: usize = 32;
    /// `tp_itemsize`.
    pub const ITEM_SIZE: usize = 40;
}

/// `PyTupleObject`.
pub mod tuple {
    /// `sizeof(PyGC_Head)`, before the object; zero is an object that the collector does not know.
    pub const COLLECTOR: usize = 16;
    /// `ob_item`.
    pub const ITEMS: usize = 24;
}

/// `PyBytesObject`.
pub mod bytes {
    /// `ob_shash`.
    pub const HASH: usize = 24;
    /// `ob_sval`.
    pub const ITEMS: usize = 32;
}

/// `PyASCIIObject`.
pub mod text {
    /// `length`.
    pub const LENGTH: usize = 16;
    /// `hash`.
    pub const HASH: usize = 24;
    /// `state`.
    pub const STATE: usize = 32;
}

/// `PyCodeObject` of 3.11 to 3.13.
pub mod inline {
    /// `co_consts`.
    pub const CONSTS: usize = 24;
    /// `co_names`.
    pub const NAMES: usize = 32;
    /// `co_exceptiontable`.
    pub const EXCEPTION_TABLE: usize = 40;
    /// `int co_flags`.
    pub const FLAGS: usize = 48;
    /// `co_localsplusnames`.
    pub const VARIABLE_NAMES: usize = 96;
    /// `co_localspluskinds`.
    pub const VARIABLE_KINDS: usize = 104;
    /// `co_filename`.
    pub const FILE_NAME: usize = 112;
    /// `co_name`.
    pub const NAME: usize = 120;
    /// `co_qualname`.
    pub const QUALIFIED_NAME: usize = 128;
    /// `co_linetable`.
    pub const LINE_TABLE: usize = 136;

    // The row of numbers, from its start.

    /// `int co_posonlyargcount`, after `co_argcount`.
    pub const POSITIONAL_ONLY: usize = 4;
    /// `int co_kwonlyargcount`.
    pub const KEYWORD_ONLY: usize = 8;
    /// `int co_stacksize`.
    pub const STACK_SIZE: usize = 12;
    /// `int co_firstlineno`.
    pub const FIRST_LINE: usize = 16;
    /// `int co_nlocalsplus`.
    pub const VARIABLES: usize = 20;
    /// `int co_ncellvars`.
    pub const CELLS: usize = 32;
    /// `int co_nfreevars`.
    pub const FREE: usize = 36;

    /// `CO_FAST_LOCAL` (pycore_code.h): the kind of a variable that is local.
    pub const KIND_LOCAL: u8 = 0x20;
    /// `CO_FAST_CELL`: of one that inner functions use.
    pub const KIND_CELL: u8 = 0x40;
    /// `CO_FAST_FREE`: of one that belongs to an outer function.
    pub const KIND_FREE: u8 = 0x80;
}

/// What 3.11 has besides.
pub mod warm_up {
    /// `short co_warmup`.
    pub const WARM_UP: usize = 52;
    /// `QUICKENING_INITIAL_WARMUP_VALUE` (pycore_code.h).
    pub const INITIAL_WARM_UP: i16 = -8;
    /// `int co_nlocals`, in the row of numbers.
    pub const LOCALS: usize = 24;
    /// `int co_nplaincellvars`, in the row of numbers.
    pub const PLAIN_CELLS: usize = 28;
}

/// What 3.12 and 3.13 have besides.
pub mod counters {
    /// `int co_framesize`, in the row of numbers.
    pub const FRAME_SIZE: usize = 24;
    /// `FRAME_SPECIALS_SIZE` (pycore_frame.h).
    pub const FRAME_SPECIALS: i32 = 9;
    /// `int co_nlocals`, in the row of numbers.
    pub const LOCALS: usize = 28;
    /// `uint32_t co_version`.
    pub const VERSION: usize = 92;
    /// `adaptive_counter_warmup()` (pycore_code.h).
    pub const INITIAL: u16 = 1 << 4 | 1;
    /// `CACHE` (opcode.h): the place of a cache. The first place after an instruction is its counter's.
    pub const CACHE: u8 = 0;
}

/// `PyCodeObject` of 3.9 and 3.10.
pub mod separate {
    /// `int co_argcount`.
    pub const ARGUMENTS: usize = 16;
    /// `int co_posonlyargcount`.
    pub const POSITIONAL_ONLY: usize = 20;
    /// `int co_kwonlyargcount`.
    pub const KEYWORD_ONLY: usize = 24;
    /// `int co_nlocals`.
    pub const LOCALS: usize = 28;
    /// `int co_stacksize`.
    pub const STACK_SIZE: usize = 32;
    /// `int co_flags`.
    pub const FLAGS: usize = 36;
    /// `int co_firstlineno`.
    pub const FIRST_LINE: usize = 40;
    /// `co_code`.
    pub const INSTRUCTIONS: usize = 48;
    /// `co_consts`.
    pub const CONSTS: usize = 56;
    /// `co_names`.
    pub const NAMES: usize = 64;
    /// `co_varnames`.
    pub const VARIABLE_NAMES: usize = 72;
    /// `co_freevars`.
    pub const FREE_NAMES: usize = 80;
    /// `co_cellvars`.
    pub const CELL_NAMES: usize = 88;
    /// `Py_ssize_t *co_cell2arg`.
    pub const CELL_ARGUMENTS: usize = 96;
    /// `co_filename`.
    pub const FILE_NAME: usize = 104;
    /// `co_name`.
    pub const NAME: usize = 112;
    /// `co_lnotab`, in 3.10 `co_linetable`.
    pub const LINE_TABLE: usize = 120;

    /// `CO_VARARGS` and `CO_VARKEYWORDS` (code.h).
    pub const TAKES_MORE: [u32; 2] = [0x04, 0x08];
    /// `CO_NOFREE` (code.h): there are neither cells nor free variables.
    pub const NO_FREE: u32 = 0x40;
    /// `CO_CELL_NOT_AN_ARG` (code.h).
    pub const NOT_AN_ARGUMENT: isize = -1;
}
