//! Code compiled into CPython is made ready when somebody asks for it.
//!
//! CPython 3.11 has the code objects of `os`, `site`, `_collections_abc` and a dozen more modules in its data ("deep-frozen",
//! Tools/build/deepfreeze.py), whether a program imports them or not. At each start it interns their names
//! (`_Py_Deepfreeze_Init`, a call for each code object), and each of their words has to be relocated, which makes the
//! kernel copy the pages. For a program that imports none of them that is a twentieth of its start.
//!
//! Here `_Py_Deepfreeze_Init` begins with the modules without which no interpreter starts, and ends after them. The functions by which
//! `PyImport_*` gets the code of the others, in CPython's tables of frozen modules, are reached by way of the stub: for the first
//! of them it relocates what has waited ([`words`] chooses that), and has `_Py_Deepfreeze_Init` run from where it ended.
//! After that everything is as CPython would have it. Names of one character do not wait
//! ([`Words::with_short_names`] says why).
//!
//! In: the base's `.symtab`, its tables of frozen modules and the code of the functions in them, which is taken for what it
//! is, instruction by instruction, or not at all: where anything is unexpected nothing is changed. `_Py_Deepfreeze_Fini`,
//! which goes through all these objects at the end, must be left out ([`leave`]).
//!
//! Only CPython 3.11 has its frozen code so: 3.12 interns in what interpreters with locks of their own share, 3.13 has none.
//!
//! Sources: Tools/build/deepfreeze.py, Python/frozen.c, Python/import.c (`unmarshal_frozen_code`) of CPython 3.11.

mod code;
mod words;

use std::collections::BTreeMap;

use code::{ASK, Call, GO_ON, LEAVE};
use words::Words;

use super::FuseError;
use super::fixups::{Fixup, Fixups, Place, Value};
use super::functions::{self, Functions, Patch};
use super::image::Image;
use super::layout::Layout;
use super::leave;
use super::machine::Machine;

/// The stub's function that relocates what has waited, and says whether nobody had asked before.
const PREPARE: &[u8] = b"snapfreeze_prepare_frozen";

/// The section of the stub that has room for [`Frozen::code`].
const ROOM: &[u8] = b".snapfreeze.frozen";

const BEGIN: &[u8] = b"_Py_Deepfreeze_Init";
const END: &[u8] = b"_Py_Deepfreeze_Fini";

/// CPython's tables of frozen modules: variables that point to arrays of `struct _frozen`.
const TABLES: [&[u8]; 3] = [b"_PyImport_FrozenBootstrap", b"_PyImport_FrozenStdlib", b"_PyImport_FrozenTest"];

/// `struct _frozen`: its length, and where its name and `get_code` are.
const ENTRY: u64 = 32;
const ENTRY_GET_CODE: u64 = 24;

/// More entries than any table has.
const MOST_ENTRIES: u64 = 256;

/// Modules that each start imports; the last one for the builtins that `site` makes.
const EARLY: [&[u8]; 7] = [
    b"_frozen_importlib",
    b"_frozen_importlib_external",
    b"zipimport",
    b"abc",
    b"codecs",
    b"io",
    b"_sitebuiltins",
];

/// What is changed in the base, by its own addresses.
#[derive(Debug, Default)]
pub struct Frozen {
    /// The calls of `_Py_Deepfreeze_Init`, with the objects that they are to be about: first those without which no
    /// interpreter starts.
    calls: Vec<Call>,
    /// How many those are; none in a base that is left as it is.
    early: usize,
    /// The stub's function and the room in the stub.
    prepare: u64,
    room: u64,
    /// What gets code: words of the tables, by function.
    functions: BTreeMap<u64, Vec<u64>>,
    /// The words that are relocated when somebody asks, ascending.
    pub words: Vec<u64>,
}

/// An entry of CPython's tables.
struct Entry {
    name: Vec<u8>,
    /// Address of the word that has the address of the function.
    word: u64,
    function: u64,
    /// The module's code object.
    object: u64,
}

/// Where the words of the base lead that lead into the base itself.
type Targets = BTreeMap<u64, u64>;

impl Frozen {
    /// Finds what can wait. The base is the second object.
    pub fn find(objects: &[Image<'_>], minor: Option<u8>, fixups: &Fixups) -> Option<Self> {
        let ([stub, base, ..], Some(11)) = (objects, minor) else { return None };
        if base.machine != Machine::X86_64 || !leave::is_left_out(base, 11, END) {
            return None;
        }
        let targets = targets(fixups);
        let type_of_code = base.symbols.iter().find(|symbol| symbol.name == b"PyCode_Type")?.value;
        let entries = entries(base, &targets, type_of_code)?;
        let functions = Functions::read(base, &[&[BEGIN]]);
        let begin = functions.get(BEGIN).filter(|function| function.is_local)?;
        let calls = code::calls(begin.code, begin.address)?;
        let (early, late): (Vec<&Entry>, Vec<&Entry>) =
            entries.iter().partition(|entry| EARLY.contains(&entry.name.as_slice()));
        let objects_of = |entries: &[&Entry]| entries.iter().map(|entry| entry.object).collect::<Vec<_>>();
        let objects: Vec<u64> = calls.iter().map(|call| call.object).collect();
        let words = Words::find(base, &targets, &objects_of(&early), &objects_of(&late));
        let type_of_text = base.symbols.iter().find(|symbol| symbol.name == b"PyUnicode_Type")?.value;
        let is_short = |object: u64| {
            let is_text = targets.get(&object.wrapping_add(words::TYPE)) == Some(&type_of_text);
            is_text && base.word(object.wrapping_add(words::LENGTH), "a name").is_ok_and(|length| length == 1)
        };
        let short = words.with_short_names(&objects, is_short);
        let words = Words::find(base, &targets, &[objects_of(&early), short].concat(), &objects_of(&late));
        let is_called = |entry: &Entry| objects.contains(&entry.object);
        let is_understood = objects.iter().all(|object| words.is_reached(*object));
        if early.len() != EARLY.len() || !entries.iter().all(is_called) || !is_understood {
            return None;
        }
        let (mut order, rest): (Vec<u64>, Vec<u64>) =
            objects.into_iter().partition(|object| words.is_early(*object));
        let count = order.len();
        order.extend(rest);
        let calls = calls.into_iter().zip(order).map(|(call, object)| Call { object, ..call }).collect();
        let room = stub.sections.iter().find(|section| section.name == ROOM)?;
        let prepare = stub.symbols.iter().find(|symbol| symbol.name == PREPARE && symbol.is_defined())?;
        let mut found = Self {
            calls,
            early: count,
            prepare: prepare.value,
            room: room.address,
            words: words.late(),
            ..Self::default()
        };
        for entry in &late {
            found.functions.entry(entry.function).or_default().push(entry.word);
        }
        (found.length() <= room.size).then_some(found)
    }

    /// Length of the code in the stub.
    fn length(&self) -> u64 {
        (GO_ON.len() + self.functions.len() * ASK.len()) as u64
    }

    /// Where in the stub the way to a function begins.
    fn way(&self, number: usize) -> u64 {
        self.room + (GO_ON.len() + number * ASK.len()) as u64
    }

    /// Has the tables lead to the stub.
    pub fn redirect(&self, fixups: &mut Fixups) {
        let words = self.functions.values().enumerate();
        let ways: BTreeMap<u64, u64> =
            words.flat_map(|(at, words)| words.iter().map(move |word| (*word, self.way(at)))).collect();
        for Fixup { place, value } in &mut fixups.all {
            if let Place::Object(1, address) = *place
                && let Some(way) = ways.get(&address)
            {
                *value = Value::Address(Place::Object(0, *way));
            }
        }
    }

    /// What is written over code.
    ///
    /// # Errors
    /// When something is not in the file, or too far off.
    pub fn patches(&self, layout: &Layout) -> Result<Vec<Patch>, FuseError> {
        let Some(next) = self.calls.get(self.early) else { return Ok(Vec::new()) };
        let base = |address: u64| layout.moved(1, address);
        let room = layout.moved(0, self.room);
        let write = |address: u64, bytes: Vec<u8>| Some(Patch { offset: layout.offset_of(address)?, bytes });
        let patches = || {
            let rest = base(next.address);
            let mut ways =
                code::go_on(room, layout.moved(0, self.prepare), base(next.object), rest)?.to_vec();
            for (number, function) in self.functions.keys().enumerate() {
                ways.extend(code::ask(layout.moved(0, self.way(number)), room, base(*function))?);
            }
            let arguments = self.calls.iter().map(|call| {
                let address = base(call.address);
                write(address, code::argument(address, base(call.object))?.to_vec())
            });
            let all = arguments.chain([write(rest, LEAVE.to_vec()), write(room, ways)]);
            all.collect::<Option<Vec<_>>>()
        };
        patches().ok_or(FuseError::Malformed("code compiled into CPython is too far from the stub"))
    }
}

/// Where the base's words lead that lead into the base.
fn targets(fixups: &Fixups) -> Targets {
    let inside = |fixup: &Fixup| match (fixup.place, fixup.value) {
        (Place::Object(1, word), Value::Address(Place::Object(1, target))) => Some((word, target)),
        _ => None,
    };
    fixups.all.iter().filter_map(inside).collect()
}

/// All entries of CPython's tables that get a code object; none if one gets it in an unknown way.
fn entries(base: &Image<'_>, targets: &Targets, type_of_code: u64) -> Option<Vec<Entry>> {
    let mut entries = Vec::new();
    for name in TABLES {
        let variable = base.symbols.iter().find(|symbol| symbol.name == name && symbol.is_defined())?;
        let table = *targets.get(&variable.value)?;
        for entry in (0..MOST_ENTRIES).map(|number| table.wrapping_add(number * ENTRY)) {
            let Some(name) = targets.get(&entry) else { break };
            let name =
                base.from(*name, "the name of a frozen module").ok()?.split(|byte| *byte == 0).next()?;
            let word = entry.wrapping_add(ENTRY_GET_CODE);
            let Some(function) = targets.get(&word).copied() else { continue };
            let is_code =
                |object: &u64| targets.get(&object.wrapping_add(words::TYPE)) == Some(&type_of_code);
            let getter = functions::code(base, function, code::GETTER)?;
            let object = code::counted(getter, function).find(is_code)?;
            entries.push(Entry { name: name.to_vec(), word, function, object });
        }
    }
    Some(entries)
}
