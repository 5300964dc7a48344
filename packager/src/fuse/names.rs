//! Names of the base's functions, for debuggers and profilers: a `.symtab` section that nothing loads and `strip` removes.
//!
//! Only functions are taken along, of all that the base's own table has; a base without a table has its dynamic symbols,
//! which the fused file has, too. A table that is damaged is left out: no program needs it.

use object::elf::{self, FileHeader64, SectionHeader64, Sym64};
use object::endian::{LittleEndian as LE, U16, U32, U64};
use object::pod;

use super::image::{Image, piece};
use super::layout::Layout;
use super::sections::Sections;

/// The names of an object's functions: a symbol table and its strings; empty where there are none.
pub fn function_names(
    object: usize,
    image: &Image<'_>,
    layout: &Layout,
    sections: &Sections,
) -> (Vec<u8>, Vec<u8>) {
    let (mut table, mut names) = (vec![0; size_of::<Sym64<LE>>()], vec![0]);
    let Some((symbols, strings)) = symbol_table(image.bytes) else { return (Vec::new(), Vec::new()) };
    for symbol in symbols {
        let (section, value) = (symbol.st_shndx.get(LE), symbol.st_value.get(LE));
        let is_ordinary = section != elf::SHN_UNDEF && section < elf::SHN_LORESERVE;
        if symbol.st_info & 15 != elf::STT_FUNC || !is_ordinary {
            continue;
        }
        let name = usize::try_from(symbol.st_name.get(LE)).ok().and_then(|at| strings.get(at..));
        let name = name.and_then(|name| name.split(|byte| *byte == 0).next()).unwrap_or_default();
        let is_placed =
            |placed: &&super::layout::Placed| placed.object == object && placed.segment.holds(value);
        let Ok(at) = u32::try_from(names.len()) else { break };
        if name.is_empty() || !layout.placed.iter().any(|placed| is_placed(&placed)) {
            continue;
        }
        names.extend_from_slice(name);
        names.push(0);
        let value = layout.moved(object, value);
        let entry = Sym64 {
            st_name: U32::new(LE, at),
            // All local: binding says nothing to those who read it, and local symbols come first (gABI, "Symbol Table").
            st_info: elf::STT_FUNC,
            st_other: elf::STV_DEFAULT,
            st_shndx: U16::new(LE, sections.number_for(object, section, value)),
            st_value: U64::new(LE, value),
            st_size: symbol.st_size,
        };
        table.extend_from_slice(pod::bytes_of(&entry));
    }
    (table, names)
}

/// The table of all symbols of a file, and its strings; none where it is missing or damaged.
pub fn symbol_table(bytes: &[u8]) -> Option<(&[Sym64<LE>], &[u8])> {
    let (header, _) = pod::from_bytes::<FileHeader64<LE>>(bytes).ok()?;
    let headers = bytes.get(usize::try_from(header.e_shoff.get(LE)).ok()?..)?;
    let count = usize::from(header.e_shnum.get(LE));
    let (headers, _) = pod::slice_from_bytes::<SectionHeader64<LE>>(headers, count).ok()?;
    let table = headers.iter().find(|section| section.sh_type.get(LE) == elf::SHT_SYMTAB)?;
    let strings = headers.get(table.sh_link.get(LE) as usize)?;
    let content =
        |section: &SectionHeader64<LE>| piece(bytes, section.sh_offset.get(LE), section.sh_size.get(LE));
    let symbols = content(table)?;
    let (symbols, _) = pod::slice_from_bytes(symbols, symbols.len() / size_of::<Sym64<LE>>()).ok()?;
    Some((symbols, content(strings)?))
}
