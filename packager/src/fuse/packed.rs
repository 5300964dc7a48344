//! Packed relocations: the words of CPython and its libraries that need the file's distance from its addresses, and
//! nothing else. The stub's entry relocates them, from a table that is a fiftieth of the dynamic linker's.
//!
//! Left to the dynamic linker is what is needed before the entry has control: the stub's own words, which libraries may
//! call through at any time, thread-local storage, and the arrays of constructors. Where an object has functions that choose
//! functions, which run while the dynamic linker relocates, nothing is packed.

use object::elf;
use snapfreeze_runtime::relr::{self, SLOT_LENGTH, SLOT_SECTION};

use super::fixups::{Fixup, Fixups, Place, Value};
use super::image::Image;
use super::layout::Layout;
use super::symbols::Symbols;

/// The number of the object that carries CPython.
const BASE: usize = 1;

/// The packed words.
#[derive(Debug, Default)]
pub struct Packed {
    /// By object: addresses in the object, ascending.
    words: Vec<Vec<u64>>,
    /// The base's words that wait until somebody asks for them ([`super::frozen`]), ascending.
    late: Vec<u64>,
    /// Address of the slot in the stub.
    slot: u64,
}

impl Packed {
    /// Chooses what is packed. `late` are the words of the base that may wait, ascending.
    pub fn choose(objects: &[Image<'_>], symbols: &Symbols<'_>, fixups: &Fixups, late: &[u64]) -> Self {
        let mut packed = Self { words: vec![Vec::new(); objects.len()], ..Self::default() };
        let is_chosen_late = fixups.all.iter().any(|fixup| matches!(fixup.value, Value::Resolver(_)))
            || symbols.iter().any(|owned| owned.symbol.kind() == elf::STT_GNU_IFUNC);
        let is_fixed = objects.iter().any(|object| object.is_fixed);
        let slot = objects.first().and_then(slot);
        let (Some(slot), false, false) = (slot, is_fixed, is_chosen_late) else { return packed };
        packed.slot = slot;
        for Fixup { place, value } in &fixups.all {
            if let (Place::Object(object @ 1.., address), Value::Address(_)) = (*place, *value)
                && address.is_multiple_of(relr::WORD)
                && objects.get(object).is_some_and(|image| image.word(address, "a packed word").is_ok())
                && let Some(words) = packed.words.get_mut(object)
            {
                let waits = object == BASE && late.binary_search(&address).is_ok();
                if waits { &mut packed.late } else { words }.push(address);
            }
        }
        for words in packed.words.iter_mut().chain([&mut packed.late]) {
            words.sort_unstable();
            words.dedup();
        }
        packed
    }

    /// Whether the word at a place is packed, if it is to have an address.
    pub fn holds(&self, place: Place) -> bool {
        let Place::Object(object, address) = place else { return false };
        let has = |words: &Vec<u64>| words.binary_search(&address).is_ok();
        self.words.get(object).is_some_and(has) || object == BASE && has(&self.late)
    }

    /// Length of the table, in bytes.
    pub fn size(&self) -> u64 {
        self.parts().map(|(_, words)| relr::encode(words).len() as u64).sum()
    }

    /// The words in the table's order, each with the number of its object.
    fn parts(&self) -> impl Iterator<Item = (usize, &Vec<u64>)> {
        self.words.iter().enumerate().chain([(BASE, &self.late)])
    }

    /// The table. Each object begins anew, so its length does not depend on where they are.
    pub fn encode(&self, layout: &Layout) -> Vec<u8> {
        let table = self.parts().map(|(object, words)| {
            let words: Vec<u64> = words.iter().map(|address| layout.moved(object, *address)).collect();
            relr::encode(&words)
        });
        table.collect::<Vec<_>>().concat()
    }

    /// The slot's address and its content, where something is packed.
    pub fn slot(&self, layout: &Layout, table: &[u8]) -> Option<(u64, [u8; SLOT_LENGTH])> {
        let moved = self.parts().flat_map(|(object, words)| {
            [words.first(), words.last()]
                .into_iter()
                .flatten()
                .map(move |address| layout.moved(object, *address))
        });
        let ends: Vec<u64> = moved.collect();
        let (start, last) = (*ends.iter().min()?, *ends.iter().max()?);
        let slot = layout.moved(0, self.slot);
        let packed = relr::Packed {
            slot,
            table: layout.packed.address,
            length: table.len() as u64,
            late: (table.len() - relr::encode(&self.late).len()) as u64,
            start,
            end: last + relr::WORD,
            checksum: relr::sum(table),
        };
        Some((slot, relr::filled(&packed)))
    }
}

/// Where the slot is in the stub.
fn slot(stub: &Image<'_>) -> Option<u64> {
    let section = stub.sections.iter().find(|section| section.name == SLOT_SECTION.as_bytes())?;
    let content = stub.at(section.address, SLOT_LENGTH as u64, "the slot of packed relocations").ok()?;
    (content == relr::EMPTY_SLOT).then_some(section.address)
}
