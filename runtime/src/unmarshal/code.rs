//! Reading code objects: their parts in the order of the data, their members as the version has them.

use super::layout::{CodeLayout, InlineLayout, Start, counters, inline, separate, warm_up};
use super::objects::{get, set};
use super::reader::Reader;
use crate::cpython::types::Object;

/// Instructions: a part of the data, or a byte string that there is already.
enum Instructions<'a> {
    Data(&'a [u8]),
    Object(Object),
}

impl<'a> Reader<'a> {
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

    pub(super) unsafe fn code_object(&mut self, kind: u8) -> Option<Object> {
        let place = self.place(kind);
        self.deeper()?;
        // SAFETY: called by `object`.
        let code = unsafe {
            match self.state.objects.layout.code {
                CodeLayout::Inline(layout) => self.inline_code(layout),
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

    /// The rest of a code object from 3.11.
    unsafe fn inline_code(&mut self, layout: &InlineLayout) -> Option<Object> {
        let api = self.state.objects.api;
        let (tuple, bytes, text) = (api.PyTuple_Type, api.PyBytes_Type, api.PyUnicode_Type);
        // SAFETY: called by `code_object`; the members are those of the version.
        unsafe {
            let numbers = [
                layout.numbers,
                layout.numbers + inline::POSITIONAL_ONLY,
                layout.numbers + inline::KEYWORD_ONLY,
                layout.numbers + inline::STACK_SIZE,
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
                code.cast::<u8>().wrapping_add(layout.instructions),
                length,
            );
            set(code, inline::CONSTS, self.of(tuple)?);
            set(code, inline::NAMES, self.of(tuple)?);
            let (names, kinds) = (self.of(tuple)?, self.of(bytes)?);
            set(code, inline::VARIABLE_NAMES, names);
            set(code, inline::VARIABLE_KINDS, kinds);
            self.of(text)?;
            set(code, inline::FILE_NAME, self.file);
            set(code, inline::NAME, self.of(text)?);
            set(code, inline::QUALIFIED_NAME, self.of(text)?);
            set(code, layout.numbers + inline::FIRST_LINE, self.long()?);
            set(code, inline::LINE_TABLE, self.of(bytes)?);
            set(code, inline::EXCEPTION_TABLE, self.of(bytes)?);

            let objects = &self.state.objects;
            let kinds = objects.content(kinds);
            if objects.items(names).len() != kinds.len() {
                return None;
            }
            let count = |has: &dyn Fn(u8) -> bool| kinds.iter().filter(|kind| has(**kind)).count() as i32;
            let is = |kind: u8, flag: u8| kind & flag != 0;
            let number = |offset, value: i32| set(code, layout.numbers + offset, value);
            let is_plain_cell = |kind| is(kind, inline::KIND_CELL) && !is(kind, inline::KIND_LOCAL);
            let locals = count(&|kind| is(kind, inline::KIND_LOCAL));
            number(inline::VARIABLES, kinds.len() as i32);
            number(inline::CELLS, count(&|kind| is(kind, inline::KIND_CELL)));
            number(inline::FREE, count(&|kind| is(kind, inline::KIND_FREE)));
            match layout.start {
                Start::WarmUp => {
                    set(code, warm_up::WARM_UP, warm_up::INITIAL_WARM_UP);
                    number(warm_up::LOCALS, locals);
                    number(warm_up::PLAIN_CELLS, count(&is_plain_cell));
                }
                Start::Counters { others, pairs } => {
                    let [.., stack, _] = values;
                    let frame = (kinds.len() as i32).checked_add(stack)?;
                    number(counters::FRAME_SIZE, frame.checked_add(counters::FRAME_SPECIALS)?);
                    number(counters::LOCALS, locals);
                    set(code, counters::VERSION, objects.next_version());
                    let instructions = code.cast::<u8>().wrapping_add(layout.instructions);
                    make_ready(core::slice::from_raw_parts_mut(instructions, length), others, pairs);
                }
            }
            let words = core::slice::from_raw_parts(start, length).chunks_exact(2);
            let first = words.clone().position(|word| word.first() == Some(&layout.resume));
            set(code, layout.first_traceable, first.unwrap_or(words.len()) as i32);
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

/// Sets the counter of each instruction that has a cache, and joins pairs, as `_PyCode_Quicken` does
/// (`Python/specialize.c`).
fn make_ready(instructions: &mut [u8], others: &[(u8, u16)], pairs: &[(u8, u8, u8)]) {
    let mut words = instructions.as_chunks_mut::<2>().0.iter_mut().peekable();
    while let Some([opcode, _]) = words.next() {
        let Some([next, argument]) = words.peek_mut() else { return };
        if *opcode == counters::CACHE {
            continue;
        }
        if *next == counters::CACHE {
            let other = others.iter().find(|(other, _)| other == opcode);
            [*next, *argument] = other.map_or(counters::INITIAL, |(_, counter)| *counter).to_le_bytes();
            words.next();
        } else if let Some((_, _, joined)) = pairs.iter().find(|pair| (pair.0, pair.1) == (*opcode, *next)) {
            *opcode = *joined;
        }
    }
}
