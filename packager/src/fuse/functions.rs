//! Functions of an object, by the names in its `.symtab`, and what is written over their code.

use std::collections::HashMap;

use object::elf::{self, Sym64};
use object::endian::LittleEndian as LE;

use super::image::Image;
use super::names::symbol_table;

/// Bytes to write into the fused file.
#[derive(Debug, PartialEq, Eq)]
pub struct Patch {
    /// Where, in the file.
    pub offset: u64,
    /// What.
    pub bytes: Vec<u8>,
}

/// A function of the base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Function<'a> {
    /// Its address in the base.
    pub address: u64,
    /// Its bytes.
    pub code: &'a [u8],
    /// Whether nothing outside of the base can call it.
    pub is_local: bool,
}

/// Functions of the base by name; none for a name that several have.
pub struct Functions<'a>(HashMap<&'static [u8], Option<Function<'a>>>);

impl<'a> Functions<'a> {
    /// Looks names up.
    pub fn read(base: &Image<'a>, names: &[&[&'static [u8]]]) -> Self {
        let mut found = HashMap::new();
        let names: HashMap<&[u8], &'static [u8]> =
            names.iter().copied().flatten().map(|name| (*name, *name)).collect();
        let Some((symbols, strings)) = symbol_table(base.bytes) else { return Self(found) };
        for symbol in symbols.iter().filter(|symbol| symbol.st_info & 15 == elf::STT_FUNC) {
            let Some(name) = name_of(symbol, strings).and_then(|name| names.get(name)) else { continue };
            let function = code(base, symbol.st_value.get(LE), symbol.st_size.get(LE)).map(|code| Function {
                address: symbol.st_value.get(LE),
                code,
                is_local: symbol.st_info >> 4 == elf::STB_LOCAL,
            });
            found.entry(*name).and_modify(|known| *known = None).or_insert(function);
        }
        Self(found)
    }

    /// One of those that were looked up.
    pub fn get(&self, name: &[u8]) -> Option<&Function<'a>> {
        self.0.get(name)?.as_ref()
    }
}

fn name_of<'a>(symbol: &Sym64<LE>, strings: &'a [u8]) -> Option<&'a [u8]> {
    let name = strings.get(usize::try_from(symbol.st_name.get(LE)).ok()?..)?;
    // Long enough for each name that is looked for, and a bound for a table without an end.
    let name = name.get(..LONGEST_NAME).unwrap_or(name);
    name.split(|byte| *byte == 0).next()
}

const LONGEST_NAME: usize = 64;

/// Room in the stub for code.
pub struct Room {
    /// Where it begins.
    pub address: u64,
    /// Bytes.
    pub left: u64,
}

impl Room {
    /// A section of the stub that is code.
    pub fn of(stub: &Image<'_>, section: &[u8]) -> Option<Self> {
        let room = stub.sections.iter().find(|known| known.name == section)?;
        code(stub, room.address, room.size)?;
        Some(Self { address: room.address, left: room.size })
    }
}

/// What an object has at an address, if that is code in the file.
pub fn code<'a>(image: &Image<'a>, address: u64, size: u64) -> Option<&'a [u8]> {
    let is_code = |load: &&super::image::Segment| load.flags & elf::PF_X != 0 && load.holds(address);
    image.loads.iter().find(is_code)?;
    image.at(address, size, "code").ok()
}
