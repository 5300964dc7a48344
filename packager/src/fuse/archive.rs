//! The archive's place in a program: the last segment, which the kernel maps with the rest.
//!
//! [`super::write`] leaves a program header and a section header for it. Here they are filled in when the archive's length
//! is known, with the slot, which has the archive's distance from itself in memory: so a start adds two numbers and has the
//! archive, and a tool that lays the file out anew, as `strip` does, changes nothing of that.

use object::elf::{self, FileHeader64, ProgramHeader64, SectionHeader64};
use object::endian::{LittleEndian as LE, U32, U64};
use object::pod;
use snapfreeze_runtime::archive::slot::{self, ArchivePlace, SLOT_LENGTH, SlotState};

use super::image::piece;

/// Where an archive goes, or is, in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArchiveRange {
    /// Offset of its first byte.
    pub offset: u64,
    /// Its length in bytes.
    pub length: u64,
}

/// Bytes to write at an offset.
pub type Patch = (u64, Vec<u8>);

/// The name of the archive's section.
pub const SECTION: &str = ".snapfreeze.archive";

/// What completes a program with an archive of `length` bytes at `offset`. None where the program is not one.
pub fn patches(program: &[u8], offset: u64, length: u64) -> Option<Vec<Patch>> {
    let (_, headers) = headers(program)?;
    let number = headers
        .iter()
        .position(|header| header.p_type.get(LE) == elf::PT_NULL && header.p_vaddr.get(LE) != 0)?;
    let mut header = *headers.get(number)?;
    let address = header.p_vaddr.get(LE);
    header.p_type = U32::new(LE, elf::PT_LOAD);
    header.p_offset = U64::new(LE, offset);
    header.p_filesz = U64::new(LE, length);
    header.p_memsz = U64::new(LE, length);
    let header_at = (size_of::<FileHeader64<LE>>() + number * size_of_val(&header)) as u64;

    let (at, sections) = sections(program)?;
    let number = sections.iter().position(|section| section.sh_addr.get(LE) == address)?;
    let mut section = *sections.get(number)?;
    section.sh_offset = U64::new(LE, offset);
    section.sh_size = U64::new(LE, length);
    let section_at = at + (number * size_of_val(&section)) as u64;

    let slot_at = slot::find(program)? as u64;
    let distance = address.checked_sub(address_of(headers, slot_at)?)?;
    Some(vec![
        (header_at, pod::bytes_of(&header).to_vec()),
        (section_at, pod::bytes_of(&section).to_vec()),
        (slot_at, slot::filled(ArchivePlace { distance, length }).to_vec()),
    ])
}

/// Where the slot is in an executable, and the archive that it leads to; none where there is no archive. The bytes may be
/// the beginning of the file: the archive comes last.
pub fn find(executable: &[u8]) -> Option<(u64, ArchiveRange)> {
    let (_, headers) = headers(executable)?;
    let slot_at = slot::first(executable)?;
    let slot = executable.get(slot_at..)?.first_chunk::<SLOT_LENGTH>()?;
    let SlotState::Filled(ArchivePlace { distance, length }) = slot::read(slot) else { return None };
    let address = address_of(headers, slot_at as u64)?.checked_add(distance)?;
    let offset = headers.iter().find_map(|header| {
        let inside = address.checked_sub(header.p_vaddr.get(LE))?;
        let is_it = header.p_type.get(LE) == elf::PT_LOAD && inside < header.p_filesz.get(LE);
        is_it.then(|| header.p_offset.get(LE).checked_add(inside))?
    })?;
    Some((slot_at as u64, ArchiveRange { offset, length }))
}

fn headers(file: &[u8]) -> Option<(&FileHeader64<LE>, &[ProgramHeader64<LE>])> {
    let (header, _) = pod::from_bytes::<FileHeader64<LE>>(file).ok()?;
    if header.e_ident.magic != elf::ELFMAG || header.e_ident.class != elf::ELFCLASS64 {
        return None;
    }
    let table = file.get(usize::try_from(header.e_phoff.get(LE)).ok()?..)?;
    let (headers, _) = pod::slice_from_bytes(table, usize::from(header.e_phnum.get(LE))).ok()?;
    Some((header, headers))
}

fn sections(file: &[u8]) -> Option<(u64, &[SectionHeader64<LE>])> {
    let (header, _) = headers(file)?;
    let (at, count) = (header.e_shoff.get(LE), header.e_shnum.get(LE));
    let table = piece(file, at, u64::from(count) * size_of::<SectionHeader64<LE>>() as u64)?;
    Some((at, pod::slice_from_bytes(table, usize::from(count)).ok()?.0))
}

/// The address at which a byte of the file is loaded.
fn address_of(headers: &[ProgramHeader64<LE>], offset: u64) -> Option<u64> {
    headers.iter().find_map(|header| {
        let inside = offset.checked_sub(header.p_offset.get(LE))?;
        let is_it = header.p_type.get(LE) == elf::PT_LOAD && inside < header.p_filesz.get(LE);
        is_it.then(|| header.p_vaddr.get(LE).checked_add(inside))?
    })
}
