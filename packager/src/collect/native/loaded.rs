//! The part of an ELF file that the dynamic linker loads.
//!
//! Only segments matter to execution (gABI, "Program Header"). Symbol tables for debuggers, debug information and the
//! section headers are often most of a file. They stand behind the last segment, or, once patchelf has added one at the
//! end, between segments: what is behind them then moves towards the start, by multiples of its alignment.
//!
//! In: the bytes of a file. Out: the same segments, with the same bytes at the same addresses, and nothing else. A file
//! that has anything else than those sections outside of its segments, or is built in another way, is left as it is.

use std::ops::Range;

use goblin::container::{Container, Ctx, Endian};
use goblin::elf::ProgramHeader;
use goblin::elf::program_header::{PT_GNU_STACK, PT_NULL};
use goblin::elf::section_header::{
    SHF_ALLOC, SHT_GROUP, SHT_NOBITS, SHT_NOTE, SHT_NULL, SHT_REL, SHT_RELA, SHT_STRTAB, SHT_SYMTAB,
    SHT_SYMTAB_SHNDX,
};

/// Length of the ELF header, a program header and a section header: of 64-bit files.
const HEADER: usize = 64;
const PROGRAM_HEADER: usize = 56;
const SECTION_HEADER: usize = 64;

/// A page, in bytes, on the targets there are: segments move by whole ones, and tools leave less than one unused.
pub const PAGE: usize = 4096;

/// Beginnings of the names of sections that compilers, linkers and debuggers write for each other. Others may be a
/// program's own.
const FOR_TOOLS: [&[u8]; 14] = [
    b".debug_",
    b".zdebug_",
    b".gdb_index",
    b".gnu_debug",
    b".gnu.build.attributes",
    b".gnu.lto_",
    b".gnu.attributes",
    b".annobin",
    b".comment",
    b".stab",
    b".ctf",
    b".BTF",
    b".GCC.command.line",
    b".llvm",
];

/// The file without what is in no segment, or the file itself.
pub fn loaded_part(file: Vec<u8>) -> Vec<u8> {
    moved_together(&file).unwrap_or(file)
}

/// None where there is nothing to leave out, or the file is built in another way.
fn moved_together(file: &[u8]) -> Option<Vec<u8>> {
    // 64-bit, little-endian.
    if file.get(..6)? != b"\x7fELF\x02\x01" {
        return None;
    }
    let programs = table(file, 32, 54, 56, PROGRAM_HEADER)?;
    let pieces = pieces(file, &programs)?;
    if !is_all_that_counts(file, &pieces)? {
        return None;
    }
    let length = pieces.last()?.new_place()?.end;
    if length >= file.len() {
        return None;
    }

    let mut headed = file.to_vec();
    let e_phoff = place(&pieces, programs.start)? as u64;
    put(&mut headed, 32, &e_phoff.to_le_bytes())?;
    // e_shoff, e_shnum, e_shstrndx: there are no sections any more.
    put(&mut headed, 40, &[0; 8])?;
    put(&mut headed, 60, &[0; 4])?;
    for at in programs.clone().step_by(PROGRAM_HEADER) {
        if counts(u32_at(file, at)?) {
            let offset = place(&pieces, usize::try_from(u64_at(file, at + 8)?).ok()?)? as u64;
            put(&mut headed, at + 8, &offset.to_le_bytes())?;
        }
    }
    let mut loaded = vec![0; length];
    for piece in &pieces {
        loaded.get_mut(piece.new_place()?)?.copy_from_slice(headed.get(piece.range.clone())?);
    }
    is_alike(file, &headed, &loaded, &programs)?.then_some(loaded)
}

/// Bytes that stay together, and how far they move towards the start.
#[derive(Debug, PartialEq, Eq)]
struct Piece {
    range: Range<usize>,
    /// A power of two, of which the way is a multiple.
    alignment: usize,
    by: usize,
}

impl Piece {
    fn new_place(&self) -> Option<Range<usize>> {
        Some(self.range.start.checked_sub(self.by)?..self.range.end.checked_sub(self.by)?)
    }
}

/// The ELF header, the program headers and the segments, joined where they touch, in the order of the file.
fn pieces(file: &[u8], programs: &Range<usize>) -> Option<Vec<Piece>> {
    let piece = |range, alignment| Piece { range, alignment, by: 0 };
    let mut parts = vec![piece(0..HEADER, PAGE), piece(programs.clone(), PAGE)];
    for at in programs.clone().step_by(PROGRAM_HEADER) {
        if !counts(u32_at(file, at)?) {
            continue;
        }
        let range = range(u64_at(file, at + 8)?, u64_at(file, at + 32)?)?;
        let alignment = usize::try_from(u64_at(file, at + 48)?).ok()?.max(1);
        if range.end > file.len() || !alignment.is_power_of_two() {
            return None;
        }
        parts.push(piece(range, alignment.max(PAGE)));
    }
    parts.sort_by_key(|part| (part.range.start, part.range.end));
    let mut pieces: Vec<Piece> = Vec::with_capacity(parts.len());
    for part in parts {
        match pieces.last_mut() {
            Some(last) if part.range.start <= last.range.end => {
                last.range.end = last.range.end.max(part.range.end);
                last.alignment = last.alignment.max(part.alignment);
            }
            _ => pieces.push(part),
        }
    }
    let mut end = 0;
    for piece in &mut pieces {
        // What is free before it, as far as its alignment lets it move.
        piece.by = piece.range.start.checked_sub(end)? & !(piece.alignment - 1);
        end = piece.new_place()?.end;
    }
    Some(pieces)
}

/// Whether nothing but sections for tools is outside of the pieces.
fn is_all_that_counts(file: &[u8], pieces: &[Piece]) -> Option<bool> {
    let sections = table(file, 40, 58, 60, SECTION_HEADER)?;
    let names = sections.clone().step_by(SECTION_HEADER).nth(usize::from(u16_at(file, 62)?))?;
    let names = file.get(section_range(file, names)?)?;
    let mut known: Vec<Range<usize>> = pieces.iter().map(|piece| piece.range.clone()).collect();
    known.push(sections.clone());
    for at in sections.step_by(SECTION_HEADER) {
        let (kind, flags) = (u32_at(file, at + 4)?, u64_at(file, at + 8)?);
        if matches!(kind, SHT_NULL | SHT_NOBITS) {
            continue;
        }
        let range = section_range(file, at)?;
        let is_kept =
            pieces.iter().any(|piece| piece.range.start <= range.start && range.end <= piece.range.end);
        let name = names.get(usize::try_from(u32_at(file, at)?).ok()?..)?;
        if !is_kept && !range.is_empty() && (flags & u64::from(SHF_ALLOC) != 0 || !is_for_tools(kind, name)) {
            return Some(false);
        }
        known.push(range);
    }
    known.sort_by_key(|range| range.start);
    let mut end = 0;
    for range in known {
        if range.start > end && !is_unused(file.get(end..range.start)?) {
            return Some(false);
        }
        end = end.max(range.end);
    }
    // Programs find at the end of a file what was appended to it.
    Some(file.get(end..)?.iter().all(|byte| *byte == 0))
}

/// Whether a section that is not loaded is one that only debuggers and linkers read. `name` is where its name begins.
fn is_for_tools(kind: u32, name: &[u8]) -> bool {
    let by_kind =
        [SHT_SYMTAB, SHT_SYMTAB_SHNDX, SHT_STRTAB, SHT_NOTE, SHT_REL, SHT_RELA, SHT_GROUP].contains(&kind);
    by_kind || FOR_TOOLS.iter().any(|beginning| name.starts_with(beginning))
}

/// Whether bytes between sections are what a tool left: zeros, after less than a page of remains. patchelf leaves the old
/// names of sections.
fn is_unused(hole: &[u8]) -> bool {
    hole.get(PAGE..).unwrap_or_default().iter().all(|byte| *byte == 0)
}

/// Whether both files have the same segments with the same bytes, each at an offset that goes with its address. `headed`
/// is the first file with the headers of the second.
fn is_alike(file: &[u8], headed: &[u8], loaded: &[u8], programs: &Range<usize>) -> Option<bool> {
    let count = programs.len() / PROGRAM_HEADER;
    let read = |bytes: &[u8]| {
        let at = usize::try_from(u64_at(bytes, 32)?).ok()?;
        ProgramHeader::parse(bytes, at, count, Ctx::new(Container::Big, Endian::Little)).ok()
    };
    let pairs = read(file)?.into_iter().zip(read(loaded)?);
    for (before, after) in pairs.filter(|(before, _)| counts(before.p_type)) {
        let is_same = ProgramHeader { p_offset: before.p_offset, ..after.clone() } == before;
        let is_aligned = before.p_offset.wrapping_sub(after.p_offset) & before.p_align.saturating_sub(1) == 0;
        let bytes = headed.get(range(before.p_offset, before.p_filesz)?);
        if !is_same || !is_aligned || bytes != loaded.get(range(after.p_offset, after.p_filesz)?) {
            return Some(false);
        }
    }
    Some(true)
}

/// Whether a segment of this type has contents.
fn counts(kind: u32) -> bool {
    !matches!(kind, PT_NULL | PT_GNU_STACK)
}

/// Where an offset is after the move.
fn place(pieces: &[Piece], offset: usize) -> Option<usize> {
    let piece = pieces.iter().rfind(|piece| piece.range.start <= offset)?;
    offset.checked_sub(piece.by)
}

/// Where the contents of the section with the header at `at` are.
fn section_range(file: &[u8], at: usize) -> Option<Range<usize>> {
    range(u64_at(file, at + 24)?, u64_at(file, at + 32)?).filter(|range| range.end <= file.len())
}

/// A table of headers: its offset, the length of an entry and their number are in the ELF header.
fn table(
    file: &[u8],
    offset_at: usize,
    length_at: usize,
    count_at: usize,
    length: usize,
) -> Option<Range<usize>> {
    if usize::from(u16_at(file, length_at)?) != length {
        return None;
    }
    let table =
        range(u64_at(file, offset_at)?, u64::from(u16_at(file, count_at)?).checked_mul(length as u64)?)?;
    (!table.is_empty() && table.end <= file.len()).then_some(table)
}

fn range(start: u64, length: u64) -> Option<Range<usize>> {
    let start = usize::try_from(start).ok()?;
    Some(start..start.checked_add(usize::try_from(length).ok()?)?)
}

fn put(file: &mut [u8], at: usize, bytes: &[u8]) -> Option<()> {
    file.get_mut(at..)?.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(())
}

fn array<const N: usize>(file: &[u8], at: usize) -> Option<[u8; N]> {
    file.get(at..)?.first_chunk().copied()
}

fn u16_at(file: &[u8], at: usize) -> Option<u16> {
    array(file, at).map(u16::from_le_bytes)
}

fn u32_at(file: &[u8], at: usize) -> Option<u32> {
    array(file, at).map(u32::from_le_bytes)
}

fn u64_at(file: &[u8], at: usize) -> Option<u64> {
    array(file, at).map(u64::from_le_bytes)
}

#[cfg(test)]
#[path = "loaded_tests.rs"]
mod tests;
