//! Reading marshal data: one pass, each object made where its bytes are.
//!
//! What is unusual (a kind of object that no compiler writes, data that end early, no memory) ends the reading; what was
//! made until then is lost memory of this process, and CPython reads the data again and says what is wrong.

use super::State;
use super::layout::{CodeLayout, inline, separate};
use super::objects::{get, set};
use crate::cpython::types::Object;

/// `FLAG_REF`: later data may refer to the object.
const FLAG_REF: u8 = 0x80;

/// Containers within containers. The compiler's own limits are lower, and CPython's reader takes 2000.
const DEEPEST: u32 = 200;

/// Reads the data of one module.
pub struct Reader<'a> {
    state: &'a mut State,
    data: &'a [u8],
    at: usize,
    depth: u32,
    file: Object,
}

/// Instructions: a part of the data, or a byte string that there is already.
enum Instructions<'a> {
    Data(&'a [u8]),
    Object(Object),
}

impl<'a> Reader<'a> {
    /// `file` is the name for all code objects.
    pub fn new(state: &'a mut State, data: &'a [u8], file: Object) -> Self {
        Self { state, data, at: 0, depth: 0, file }
    }

    /// The code object that the data are. None, without an exception, if they are not read here.
    ///
    /// # Safety
    /// The calling thread may use Python, for all calls of the reader's functions.
    pub unsafe fn code(&mut self) -> Option<Object> {
        // SAFETY: from the contract.
        let code = unsafe { self.object() }?;
        // SAFETY: the object was made just now.
        let is_code = unsafe { self.state.objects.is_exactly(code, self.state.objects.api.PyCode_Type) };
        (is_code && self.at == self.data.len()).then_some(code)
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let taken = self.data.get(self.at..)?.get(..length)?;
        self.at += length;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = *self.data.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn long(&mut self) -> Option<i32> {
        Some(i32::from_le_bytes(*self.take(4)?.first_chunk()?))
    }

    fn double(&mut self) -> Option<f64> {
        Some(f64::from_le_bytes(*self.take(8)?.first_chunk()?))
    }

    fn length(&mut self) -> Option<usize> {
        usize::try_from(self.long()?).ok()
    }

    /// Keeps an object to which later data may refer.
    fn keep(&mut self, kind: u8, object: Object) -> Option<Object> {
        if kind & FLAG_REF != 0 {
            self.state.references.push(object);
        }
        Some(object)
    }

    /// Keeps a place for a container, whose items come first; says which.
    fn place(&mut self, kind: u8) -> Option<usize> {
        (kind & FLAG_REF != 0).then(|| {
            self.state.references.push(core::ptr::null_mut());
            self.state.references.len() - 1
        })
    }

    fn put(&mut self, place: Option<usize>, object: Object) -> Option<Object> {
        if let Some(place) = place {
            *self.state.references.get_mut(place)? = object;
        }
        Some(object)
    }

    /// The next object.
    unsafe fn object(&mut self) -> Option<Object> {
        let kind = self.byte()?;
        let api = self.state.objects.api;
        // SAFETY: called by `code`, as all below.
        unsafe {
            match kind & !FLAG_REF {
                b'r' => self.reference(),
                b'Z' => {
                    let length = self.byte()?;
                    self.name(kind, usize::from(length))
                }
                b'A' => {
                    let length = self.length()?;
                    self.name(kind, length)
                }
                b'z' => {
                    let length = self.byte()?;
                    self.ascii(kind, usize::from(length))
                }
                b'a' => {
                    let length = self.length()?;
                    self.ascii(kind, length)
                }
                b')' => {
                    let length = self.byte()?;
                    self.tuple(kind, usize::from(length))
                }
                b'(' => {
                    let length = self.length()?;
                    self.tuple(kind, length)
                }
                b's' => {
                    let length = self.length()?;
                    let content = self.take(length)?;
                    let bytes = self.state.objects.bytes(content)?;
                    self.keep(kind, bytes)
                }
                b'c' => self.code_object(kind),
                b'N' => Some(api.none()),
                b'T' => Some(api.boolean(true)),
                b'F' => Some(api.boolean(false)),
                b'.' => Some(api._Py_EllipsisObject),
                b'i' => {
                    let value = self.long()?;
                    let number = (api.PyLong_FromLong)(value.into());
                    let number = self.state.objects.unless_failed(number)?;
                    self.keep(kind, number)
                }
                b't' | b'u' => {
                    let length = self.length()?;
                    let content = self.take(length)?;
                    let is_name = kind & !FLAG_REF == b't';
                    let objects = &self.state.objects;
                    let string =
                        if is_name { objects.interned(content)? } else { objects.unicode(content)? };
                    self.keep(kind, string)
                }
                b'g' => {
                    let number = (api.PyFloat_FromDouble)(self.double()?);
                    let number = self.state.objects.unless_failed(number)?;
                    self.keep(kind, number)
                }
                b'y' => {
                    let number = (api.PyComplex_FromDoubles)(self.double()?, self.double()?);
                    let number = self.state.objects.unless_failed(number)?;
                    self.keep(kind, number)
                }
                b'l' => {
                    let digits = self.long()?;
                    let content = self.take((digits.unsigned_abs() as usize).checked_mul(2)?)?;
                    let number = self.state.objects.long(digits < 0, content)?;
                    self.keep(kind, number)
                }
                b'>' => self.frozen_set(kind),
                _ => None,
            }
        }
    }

    /// An object that was kept.
    fn reference(&mut self) -> Option<Object> {
        let number = self.length()?;
        self.state.references.get(number).copied().filter(|object| !object.is_null())
    }

    /// An interned ASCII string.
    unsafe fn name(&mut self, kind: u8, length: usize) -> Option<Object> {
        let content = self.take(length)?;
        let State { names, objects, .. } = &mut *self.state;
        // SAFETY: called by `object`.
        let string = unsafe { names.get(objects, content) }?;
        self.keep(kind, string)
    }

    /// An ASCII string that is not interned.
    unsafe fn ascii(&mut self, kind: u8, length: usize) -> Option<Object> {
        let content = self.take(length)?;
        let objects = &self.state.objects;
        let string = if length > 1 {
            objects.ascii(content)
        } else {
            // SAFETY: called by `object`.
            unsafe { objects.unicode(content) }
        };
        self.keep(kind, string?)
    }

    unsafe fn tuple(&mut self, kind: u8, length: usize) -> Option<Object> {
        if length == 0 {
            return self.keep(kind, self.state.objects.empty_tuple);
        }
        // Each item is a byte at least: a length that is wrong takes no memory.
        self.data.len().checked_sub(self.at)?.checked_sub(length)?;
        let place = self.place(kind);
        let tuple = self.state.objects.tuple(length)?;
        self.deeper()?;
        for index in 0..length {
            // SAFETY: called by `object`; the tuple is as long.
            unsafe {
                let item = self.object()?;
                self.state.objects.set_item(tuple, index, item);
            }
        }
        self.depth -= 1;
        self.put(place, tuple)
    }

    unsafe fn frozen_set(&mut self, kind: u8) -> Option<Object> {
        let length = self.length()?;
        let place = self.place(kind);
        // SAFETY: called by `object`. CPython adds the items one by one, in this order; what hashes them is no Python code.
        unsafe {
            let items = self.tuple(0, length)?;
            let api = self.state.objects.api;
            let set = self.state.objects.unless_failed((api.PyFrozenSet_New)(items))?;
            self.put(place, set)
        }
    }

    fn deeper(&mut self) -> Option<()> {
        self.depth += 1;
        (self.depth <= DEEPEST).then_some(())
    }

    /// The next object as the instructions of a code object, which need not be an object by themselves.
    unsafe fn instructions(&mut self) -> Option<Instructions<'a>> {
        if *self.data.get(self.at)? == b's' {
            self.at += 1;
            let length = self.length()?;
            return self.take(length).map(Instructions::Data);
        }
        // SAFETY: called by `code_object`.
        unsafe {
            let object = self.object()?;
            let objects = &self.state.objects;
            objects.is_exactly(object, objects.api.PyBytes_Type).then_some(Instructions::Object(object))
        }
    }

    unsafe fn code_object(&mut self, kind: u8) -> Option<Object> {
        let place = self.place(kind);
        self.deeper()?;
        // SAFETY: called by `object`.
        let code = unsafe {
            match self.state.objects.layout.code {
                CodeLayout::Inline => self.inline_code(),
                CodeLayout::Separate => self.separate_code(),
            }
        }?;
        self.depth -= 1;
        self.put(place, code)
    }

    /// An object of a type that the code object cannot do without.
    unsafe fn of(&mut self, class: Object) -> Option<Object> {
        // SAFETY: called by those that read code objects.
        unsafe {
            let object = self.object()?;
            self.state.objects.is_exactly(object, class).then_some(object)
        }
    }

    /// The rest of a code object of 3.11.
    unsafe fn inline_code(&mut self) -> Option<Object> {
        let api = self.state.objects.api;
        let (tuple, bytes, text) = (api.PyTuple_Type, api.PyBytes_Type, api.PyUnicode_Type);
        // SAFETY: called by `code_object`; the members are those of the version.
        unsafe {
            let numbers = [
                inline::ARGUMENTS,
                inline::POSITIONAL_ONLY,
                inline::KEYWORD_ONLY,
                inline::STACK_SIZE,
                inline::FLAGS,
            ];
            let mut values = [0; 5];
            for value in &mut values {
                *value = self.long()?;
            }
            let instructions = self.instructions()?;
            let (start, length) = match &instructions {
                Instructions::Data(data) => (data.as_ptr(), data.len()),
                Instructions::Object(object) => {
                    let content = self.state.objects.content(*object);
                    (content.as_ptr(), content.len())
                }
            };
            if !length.is_multiple_of(2) {
                return None;
            }
            let code = self.state.objects.code(length / 2)?;
            for (offset, value) in numbers.into_iter().zip(values) {
                set(code, offset, value);
            }
            core::ptr::copy_nonoverlapping(
                start,
                code.cast::<u8>().wrapping_add(inline::INSTRUCTIONS),
                length,
            );
            set(code, inline::WARM_UP, inline::INITIAL_WARM_UP);
            set(code, inline::CONSTS, self.of(tuple)?);
            set(code, inline::NAMES, self.of(tuple)?);
            let (names, kinds) = (self.of(tuple)?, self.of(bytes)?);
            set(code, inline::VARIABLE_NAMES, names);
            set(code, inline::VARIABLE_KINDS, kinds);
            self.of(text)?;
            set(code, inline::FILE_NAME, self.file);
            set(code, inline::NAME, self.of(text)?);
            set(code, inline::QUALIFIED_NAME, self.of(text)?);
            set(code, inline::FIRST_LINE, self.long()?);
            set(code, inline::LINE_TABLE, self.of(bytes)?);
            set(code, inline::EXCEPTION_TABLE, self.of(bytes)?);

            let objects = &self.state.objects;
            let kinds = objects.content(kinds);
            if objects.items(names).len() != kinds.len() {
                return None;
            }
            let count = |has: &dyn Fn(u8) -> bool| kinds.iter().filter(|kind| has(**kind)).count() as i32;
            let is = |kind: u8, flag: u8| kind & flag != 0;
            set(code, inline::VARIABLES, kinds.len() as i32);
            set(code, inline::LOCALS, count(&|kind| is(kind, inline::KIND_LOCAL)));
            set(code, inline::CELLS, count(&|kind| is(kind, inline::KIND_CELL)));
            let is_plain_cell = |kind| is(kind, inline::KIND_CELL) && !is(kind, inline::KIND_LOCAL);
            set(code, inline::PLAIN_CELLS, count(&is_plain_cell));
            set(code, inline::FREE, count(&|kind| is(kind, inline::KIND_FREE)));
            let words = core::slice::from_raw_parts(start, length).chunks_exact(2);
            let first = words.clone().position(|word| word.first() == Some(&inline::RESUME));
            set(code, inline::FIRST_TRACEABLE, first.unwrap_or(words.len()) as i32);
            Some(code)
        }
    }

    /// The rest of a code object of 3.9 or 3.10.
    unsafe fn separate_code(&mut self) -> Option<Object> {
        let api = self.state.objects.api;
        let (tuple, bytes, text) = (api.PyTuple_Type, api.PyBytes_Type, api.PyUnicode_Type);
        // SAFETY: called by `code_object`; the members are those of the versions.
        unsafe {
            let numbers = [
                separate::ARGUMENTS,
                separate::POSITIONAL_ONLY,
                separate::KEYWORD_ONLY,
                separate::LOCALS,
                separate::STACK_SIZE,
            ];
            let code = self.state.objects.code(0)?;
            for offset in numbers {
                set(code, offset, self.long()?);
            }
            let flags = self.long()?.cast_unsigned();
            set(code, separate::INSTRUCTIONS, self.of(bytes)?);
            set(code, separate::CONSTS, self.of(tuple)?);
            set(code, separate::NAMES, self.of(tuple)?);
            let (variables, free, cells) = (self.of(tuple)?, self.of(tuple)?, self.of(tuple)?);
            set(code, separate::VARIABLE_NAMES, variables);
            set(code, separate::FREE_NAMES, free);
            set(code, separate::CELL_NAMES, cells);
            self.of(text)?;
            set(code, separate::FILE_NAME, self.file);
            set(code, separate::NAME, self.of(text)?);
            set(code, separate::FIRST_LINE, self.long()?);
            set(code, separate::LINE_TABLE, self.of(bytes)?);

            let objects = &self.state.objects;
            let (variables, cells) = (objects.items(variables), objects.items(cells));
            let has_none = cells.is_empty() && objects.items(free).is_empty();
            let no_free = if has_none { separate::NO_FREE } else { 0 };
            set(code, separate::FLAGS, flags & !separate::NO_FREE | no_free);
            let count = |offset| usize::try_from(get::<i32>(code, offset)).ok();
            let more = separate::TAKES_MORE.into_iter().filter(|flag| flags & flag != 0).count();
            let arguments = count(separate::ARGUMENTS)? + count(separate::KEYWORD_ONLY)? + more;
            let arguments = variables.get(..arguments)?;
            // Names are interned: the same name is the same object.
            let argument = |cell: &Object| {
                let found = arguments.iter().position(|argument| argument == cell);
                found.map_or(separate::NOT_AN_ARGUMENT, |index| index as isize)
            };
            if cells.iter().any(|cell| argument(cell) != separate::NOT_AN_ARGUMENT) {
                let numbers: Vec<isize> = cells.iter().map(argument).collect();
                set(code, separate::CELL_ARGUMENTS, objects.numbers(&numbers)?);
            }
            Some(code)
        }
    }
}
