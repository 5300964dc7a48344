//! How objects lie in memory, by version.
//!
//! The structs are the same in every micro release of a minor version. Offsets are `offsetof` as a C compiler gives it for
//! LP64 against the headers of 3.9.18, 3.10.13 and 3.11.7. That the interpreter at hand has them is checked at its start, as
//! far as it tells: by the sizes of its types and by a string that it made ([`super::objects`]).

/// The layout of one version.
#[derive(Debug, PartialEq, Eq)]
pub struct Layout {
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
    /// 3.11: the instructions are part of the object, and variables have one tuple.
    Inline,
}

/// The layout of CPython 3.`minor`, if it is known.
pub const fn layout(minor: u8) -> Option<&'static Layout> {
    match minor {
        9 => Some(&PYTHON_3_9),
        10 => Some(&PYTHON_3_10),
        11 => Some(&PYTHON_3_11),
        _ => None,
    }
}

const PYTHON_3_9: Layout =
    Layout { text: 48, code_size: (176, 0), arena: 256 << 10, code: CodeLayout::Separate };
const PYTHON_3_10: Layout = Layout { arena: 1 << 20, ..PYTHON_3_9 };
const PYTHON_3_11: Layout = Layout { code_size: (184, 2), code: CodeLayout::Inline, ..PYTHON_3_10 };

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

/// `PyCodeObject` of 3.11.
pub mod inline {
    /// `co_consts`.
    pub const CONSTS: usize = 24;
    /// `co_names`.
    pub const NAMES: usize = 32;
    /// `co_exceptiontable`.
    pub const EXCEPTION_TABLE: usize = 40;
    /// `int co_flags`.
    pub const FLAGS: usize = 48;
    /// `short co_warmup`.
    pub const WARM_UP: usize = 52;
    /// `int co_argcount`.
    pub const ARGUMENTS: usize = 56;
    /// `int co_posonlyargcount`.
    pub const POSITIONAL_ONLY: usize = 60;
    /// `int co_kwonlyargcount`.
    pub const KEYWORD_ONLY: usize = 64;
    /// `int co_stacksize`.
    pub const STACK_SIZE: usize = 68;
    /// `int co_firstlineno`.
    pub const FIRST_LINE: usize = 72;
    /// `int co_nlocalsplus`.
    pub const VARIABLES: usize = 76;
    /// `int co_nlocals`.
    pub const LOCALS: usize = 80;
    /// `int co_nplaincellvars`.
    pub const PLAIN_CELLS: usize = 84;
    /// `int co_ncellvars`.
    pub const CELLS: usize = 88;
    /// `int co_nfreevars`.
    pub const FREE: usize = 92;
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
    /// `int _co_firsttraceable`.
    pub const FIRST_TRACEABLE: usize = 168;
    /// `co_code_adaptive`.
    pub const INSTRUCTIONS: usize = 184;

    /// `QUICKENING_INITIAL_WARMUP_VALUE` (pycore_code.h).
    pub const INITIAL_WARM_UP: i16 = -8;
    /// `RESUME` (opcode.h).
    pub const RESUME: u8 = 151;
    /// `CO_FAST_LOCAL` (pycore_code.h): the kind of a variable that is local.
    pub const KIND_LOCAL: u8 = 0x20;
    /// `CO_FAST_CELL`: of one that inner functions use.
    pub const KIND_CELL: u8 = 0x40;
    /// `CO_FAST_FREE`: of one that belongs to an outer function.
    pub const KIND_FREE: u8 = 0x80;
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
