//! The fused file, read again by another reader: what the kernel and the dynamic linker rely on must hold.

use goblin::elf::header::ET_DYN;
use goblin::elf::program_header::{
    PF_W, PF_X, PT_DYNAMIC, PT_GNU_EH_FRAME, PT_INTERP, PT_LOAD, PT_PHDR, PT_TLS, ProgramHeader,
};
use goblin::elf::section_header::{SHF_ALLOC, SHT_NOBITS};
use goblin::elf::{Elf, Reloc};
use snapfreeze_runtime::relr::{self, Group, SlotState};

use super::FuseError;

/// Checks a fused file.
///
/// # Errors
/// When something in it contradicts something else.
pub fn check(bytes: &[u8]) -> Result<(), FuseError> {
    let elf = Elf::parse(bytes).map_err(|error| FuseError::Check(error.to_string()))?;
    let loads: Vec<&ProgramHeader> =
        elf.program_headers.iter().filter(|program| program.p_type == PT_LOAD).collect();
    segments(&elf, &loads, bytes.len() as u64)?;
    relocations(&elf, &loads)?;
    packed_relocations(bytes, &elf, &loads)?;
    symbols(&elf, &loads)?;
    sections(&elf, &loads)
}

fn ensure(holds: bool, otherwise: &str) -> Result<(), FuseError> {
    if holds { Ok(()) } else { Err(FuseError::Check(otherwise.into())) }
}

fn holds(load: &ProgramHeader, address: u64, size: u64) -> bool {
    let inside = address.checked_sub(load.p_vaddr).and_then(|inside| inside.checked_add(size));
    inside.is_some_and(|end| end <= load.p_memsz)
}

fn segments(elf: &Elf<'_>, loads: &[&ProgramHeader], length: u64) -> Result<(), FuseError> {
    for pair in loads.windows(2) {
        let page = pair[0].p_align.max(1);
        let end = (pair[0].p_vaddr + pair[0].p_memsz).next_multiple_of(page);
        ensure(pair[1].p_vaddr / page * page >= end, "two segments share a page")?;
    }
    for load in loads {
        let (page, end) = (load.p_align, load.p_offset.checked_add(load.p_filesz));
        ensure(end.is_some_and(|end| end <= length), "a segment ends after the file")?;
        ensure(load.p_filesz <= load.p_memsz, "a segment is larger in the file than in memory")?;
        ensure(
            page.is_power_of_two() && load.p_vaddr % page == load.p_offset % page,
            "an offset does not suit its address",
        )?;
        ensure(load.p_flags & (PF_W | PF_X) != PF_W | PF_X, "a segment is writable and executable")?;
    }
    let inside = |program: &&ProgramHeader| {
        matches!(program.p_type, PT_DYNAMIC | PT_GNU_EH_FRAME | PT_INTERP | PT_PHDR | PT_TLS)
    };
    for program in elf.program_headers.iter().filter(inside) {
        let same = |load: &&&ProgramHeader| {
            holds(load, program.p_vaddr, program.p_filesz)
                && program.p_vaddr - load.p_vaddr == program.p_offset.wrapping_sub(load.p_offset)
        };
        ensure(loads.iter().any(|load| same(&load)), "a program header points out of the segments")?;
    }
    let is_code = loads.iter().any(|load| load.p_flags & PF_X != 0 && holds(load, elf.entry, 1));
    ensure(is_code, "the entry is no code")
}

fn relocations(elf: &Elf<'_>, loads: &[&ProgramHeader]) -> Result<(), FuseError> {
    ensure(elf.dynrels.is_empty() && elf.pltrelocs.is_empty(), "there are relocations of another kind")?;
    let is_sound = |relocation: &Reloc| {
        let is_data =
            |load: &&&ProgramHeader| load.p_flags & PF_W != 0 && holds(load, relocation.r_offset, 8);
        loads.iter().any(|load| is_data(&load)) && relocation.r_sym < elf.dynsyms.len()
    };
    ensure(
        elf.dynrelas.iter().all(|relocation| is_sound(&relocation)),
        "a relocation is of what is not writable",
    )
}

/// The stub's slot leads to the table of packed relocations, if there is one, and those are of what is writable.
fn packed_relocations(bytes: &[u8], elf: &Elf<'_>, loads: &[&ProgramHeader]) -> Result<(), FuseError> {
    let section = |name: &str| {
        let is_it =
            |section: &&goblin::elf::SectionHeader| elf.shdr_strtab.get_at(section.sh_name) == Some(name);
        let section = elf.section_headers.iter().find(is_it)?;
        Some((section.sh_addr, bytes.get(section.file_range()?)?))
    };
    let table = section(relr::TABLE_SECTION).filter(|(_, table)| !table.is_empty());
    let slot = section(&format!("{}.0", relr::SLOT_SECTION));
    let slot = slot.and_then(|(address, slot)| Some((address, relr::read(slot.first_chunk()?))));
    let (slot_address, packed, address, table) = match (slot, table) {
        (None | Some((_, SlotState::Empty)), None) => return Ok(()),
        (Some((slot, SlotState::Filled(packed))), Some((address, table))) => (slot, packed, address, table),
        _ => return ensure(false, "the slot of packed relocations contradicts their table"),
    };
    ensure(packed.slot == slot_address, "the slot of packed relocations is elsewhere")?;
    ensure(
        packed.table == address
            && packed.length == table.len() as u64
            && packed.late <= packed.length
            && packed.late.is_multiple_of(relr::WORD)
            && packed.checksum == relr::sum(table),
        "the slot does not lead to the packed relocations",
    )?;
    for address in relr::groups(table).flat_map(Group::addresses) {
        let is_data = |load: &&ProgramHeader| load.p_flags & PF_W != 0 && holds(load, address, relr::WORD);
        let is_named = address >= packed.start && address < packed.end;
        ensure(is_named && loads.iter().any(is_data), "a packed relocation is of what is not writable")?;
    }
    Ok(())
}

fn symbols(elf: &Elf<'_>, loads: &[&ProgramHeader]) -> Result<(), FuseError> {
    for symbol in elf.dynsyms.iter().skip(1) {
        ensure(
            elf.dynstrtab.get_at(symbol.st_name).is_some_and(|name| !name.is_empty()),
            "a symbol has no name",
        )?;
        let is_place = symbol.st_shndx != 0
            && symbol.st_shndx < usize::from(u16::MAX) - 255
            && symbol.st_type() != goblin::elf::sym::STT_TLS;
        let is_inside = loads.iter().any(|load| holds(load, symbol.st_value, 0));
        ensure(!is_place || is_inside, "a symbol lies outside of the segments")?;
    }
    Ok(())
}

/// Every byte of each segment is in a section, but for the headers before the first and what aligns them.
fn sections(elf: &Elf<'_>, loads: &[&ProgramHeader]) -> Result<(), FuseError> {
    let is_loaded = |section: &&goblin::elf::SectionHeader| {
        section.sh_flags & u64::from(SHF_ALLOC) != 0 && section.sh_type != SHT_NOBITS && section.sh_size > 0
    };
    let mut covered: Vec<(u64, u64)> = elf
        .section_headers
        .iter()
        .filter(is_loaded)
        .map(|section| (section.sh_addr, section.sh_addr.saturating_add(section.sh_size)))
        .collect();
    covered.sort_unstable();
    for load in loads {
        let headers = if load.p_offset == 0 {
            elf.header.e_phoff + u64::from(elf.header.e_phnum) * u64::from(elf.header.e_phentsize)
        } else {
            0
        };
        let (mut at, end) = (load.p_vaddr + headers, load.p_vaddr + load.p_filesz);
        for (from, to) in covered.iter().filter(|(from, _)| *from >= load.p_vaddr && *from < end) {
            ensure(*from < at + ALIGNMENT, "a part of a segment is in no section")?;
            at = at.max(*to);
        }
        ensure(at + ALIGNMENT > end, "the end of a segment is in no section")?;
    }
    let is_fixed = elf.header.e_type != ET_DYN;
    ensure(
        is_fixed || loads.first().is_some_and(|load| load.p_vaddr == 0),
        "it does not begin at its beginning",
    )
}

/// No table is aligned to more than this.
const ALIGNMENT: u64 = 16;
