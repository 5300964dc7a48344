//! The parts of a native file that are rewritten before it is compressed: machine code, symbols, relocations and unwind tables.
//!
//! In: what is written of a file. They are found by its program headers and its dynamic section (gABI), since sections may be
//! missing. Out: where they are, whole entries only. Whatever is not as expected is none: what is found decides about size alone, for
//! each rewriting can be undone.

use std::ops::Range;

use goblin::container::{Container, Ctx, Endian};
use goblin::elf::dynamic::{
    DT_GNU_HASH, DT_HASH, DT_JMPREL, DT_NULL, DT_PLTREL, DT_PLTRELSZ, DT_RELA, DT_RELASZ, DT_STRTAB,
    DT_SYMTAB, DT_VERNEED, DT_VERSYM,
};
use goblin::elf::header::EM_X86_64;
use goblin::elf::program_header::{PF_X, PT_DYNAMIC, PT_GNU_EH_FRAME, PT_LOAD};
use goblin::elf::{Elf, ProgramHeader};
use snapfreeze_runtime::archive::parts::{Part, PartKind};

/// Length of an entry of the dynamic section, of a symbol or a relocation with addend, and of a pair in `.eh_frame_hdr`.
const DYNAMIC: usize = 16;
const ENTRY: usize = 24;
const PAIR: usize = 8;

/// `.eh_frame_hdr` begins so where its table is one that can be looked up in: version 1, the address of `.eh_frame` as a distance
/// from itself, the count, then distances from the header; 32 bits each (LSB core, "DWARF Exception Header Encoding").
const INDEX_ENCODING: [u8; 4] = [1, 0x1b, 0x03, 0x3b];
const INDEX_HEADER: usize = 12;

/// What can be rewritten in a file.
#[derive(Debug, Default)]
pub(super) struct Rewritable {
    /// Of kinds whose entries have one length: that, and where they are.
    tables: Vec<(PartKind, usize, Range<usize>)>,
    /// Where entries of `.eh_frame` begin, and where the last one ends.
    frames: Vec<usize>,
}

impl Rewritable {
    /// Looks into a file.
    pub(super) fn find(file: &[u8]) -> Self {
        Self::read(file).unwrap_or_default()
    }

    fn read(file: &[u8]) -> Option<Self> {
        let header = Elf::parse_header(file).ok()?;
        if header.e_machine != EM_X86_64 || !header.container().is_ok_and(Container::is_big) {
            return None;
        }
        let context = Ctx::new(Container::Big, Endian::Little);
        let offset = usize::try_from(header.e_phoff).ok()?;
        let programs = ProgramHeader::parse(file, offset, usize::from(header.e_phnum), context).ok()?;
        let mut found = Self::default();
        for program in &programs {
            let Some(range) = in_file(program).filter(|range| range.end <= file.len()) else { continue };
            match program.p_type {
                PT_LOAD if program.p_flags & PF_X != 0 => found.tables.push((PartKind::Code, 1, range)),
                PT_DYNAMIC => found.add_entries(&file[range], &programs),
                PT_GNU_EH_FRAME => found.add_frames(file, range, &programs),
                _ => {}
            }
        }
        Some(found)
    }

    /// What the dynamic section has to say about symbols and relocations.
    fn add_entries(&mut self, dynamic: &[u8], programs: &[ProgramHeader]) {
        let tags: Vec<[u64; 2]> = dynamic
            .chunks_exact(DYNAMIC)
            .map(|entry| entry.as_chunks().0)
            .filter_map(|words| Some(words.first_chunk::<2>()?.map(u64::from_le_bytes)))
            .take_while(|[tag, _]| *tag != DT_NULL)
            .collect();
        let value = |wanted: u64| tags.iter().find(|[tag, _]| *tag == wanted).map(|[_, value]| *value);
        let has_addends = value(DT_PLTREL).is_none_or(|kind| kind == DT_RELA);
        let of_calls = value(DT_JMPREL).zip(value(DT_PLTRELSZ)).filter(|_| has_addends);
        // The number of symbols is nowhere; they end where another table begins, at the latest.
        let others = [DT_STRTAB, DT_HASH, DT_GNU_HASH, DT_VERSYM, DT_VERNEED, DT_RELA, DT_JMPREL];
        let symbols = value(DT_SYMTAB).and_then(|start| {
            let after = others.into_iter().filter_map(value).filter(|other| *other > start).min()?;
            Some((start, after - start))
        });
        let relocations = value(DT_RELA).zip(value(DT_RELASZ));
        for (address, length) in symbols.into_iter().chain(relocations).chain(of_calls) {
            if let Some(range) = at_address(programs, address, length) {
                self.tables.push((PartKind::Entries, ENTRY, range));
            }
        }
    }

    /// Unwind tables, by the header that leads to them.
    fn add_frames(&mut self, file: &[u8], header: Range<usize>, programs: &[ProgramHeader]) {
        let bytes = &file[header.clone()];
        let Some((encoding, rest)) = bytes.split_first_chunk::<4>() else { return };
        let Some([distance, count]) = rest.as_chunks().0.first_chunk::<2>() else { return };
        if *encoding != INDEX_ENCODING {
            return;
        }
        let table = header.start + INDEX_HEADER;
        let most = (header.end - table) / PAIR;
        let count = usize::try_from(u32::from_le_bytes(*count)).map_or(most, |count| count.min(most));
        self.tables.push((PartKind::FrameIndex, PAIR, table..table + count * PAIR));
        // Both are in one segment, as a rule: then their distance in the file is that in memory.
        let distance = i64::from(i32::from_le_bytes(*distance));
        let frames = i64::try_from(header.start + 4).ok().and_then(|here| here.checked_add(distance));
        let Some(frames) = frames.and_then(|frames| usize::try_from(frames).ok()) else { return };
        let segments = programs.iter().filter(|program| program.p_type == PT_LOAD).filter_map(in_file);
        let segment =
            segments.into_iter().find(|range| range.contains(&header.start) && range.contains(&frames));
        let Some(segment) = segment.and_then(|range| file.get(frames..range.end)) else { return };
        self.frames = boundaries(segment).map(|at| frames + at).collect();
    }

    /// The parts of a piece of the file that will be at `offset` in a block.
    pub(super) fn in_piece(&self, piece: Range<usize>, offset: usize) -> Vec<Part> {
        let mut parts: Vec<Part> = Vec::new();
        let mut add = |kind, range: Range<usize>| {
            if !range.is_empty() {
                let range = range.start - piece.start + offset..range.end - piece.start + offset;
                parts.push(Part { kind, range });
            }
        };
        for (kind, length, range) in &self.tables {
            let whole = |from: usize| from / length * length;
            let start = range.start + whole(piece.start.saturating_sub(range.start) + length - 1);
            let end = range.start + whole(piece.end.min(range.end).saturating_sub(range.start));
            add(*kind, start..end);
        }
        let first = self.frames.partition_point(|at| *at < piece.start);
        let after = self.frames.partition_point(|at| *at <= piece.end);
        if let Some([first, .., last]) = self.frames.get(first..after) {
            add(PartKind::Frames, *first..*last);
        }
        parts
    }
}

/// Where entries of `.eh_frame` begin, up to the one that ends the table, and where the last one ends.
fn boundaries(frames: &[u8]) -> impl Iterator<Item = usize> {
    let next = |at: &usize| {
        let (length, rest) = frames.get(*at..)?.split_first_chunk()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        (0 < length && length <= rest.len()).then(|| at + 4 + length)
    };
    std::iter::successors(Some(0), next)
}

fn in_file(program: &ProgramHeader) -> Option<Range<usize>> {
    let start = usize::try_from(program.p_offset).ok()?;
    Some(start..start.checked_add(usize::try_from(program.p_filesz).ok()?)?)
}

/// Where in the file is what is at an address in memory.
fn at_address(programs: &[ProgramHeader], address: u64, length: u64) -> Option<Range<usize>> {
    let program = programs.iter().filter(|program| program.p_type == PT_LOAD).find(|program| {
        let end = program.p_vaddr.checked_add(program.p_filesz);
        program.p_vaddr <= address && address.checked_add(length).is_some_and(|until| Some(until) <= end)
    })?;
    let start = usize::try_from(program.p_offset.checked_add(address - program.p_vaddr)?).ok()?;
    Some(start..start.checked_add(usize::try_from(length).ok()?)?)
}

#[cfg(test)]
mod tests {
    use snapfreeze_runtime::archive::parts::{Parts, rewrite};

    use super::*;

    /// The program of these tests: it has everything that a linker writes.
    fn test_program() -> Vec<u8> {
        std::fs::read(std::env::current_exe().unwrap()).unwrap()
    }

    fn sorted(mut parts: Vec<Part>) -> Vec<Part> {
        parts.sort_by_key(|part| (part.kind, part.range.start));
        parts
    }

    #[test]
    fn each_kind_is_found_in_a_program_and_in_its_pieces() {
        let file = test_program();
        let found = Rewritable::find(&file);
        let kinds = [PartKind::Code, PartKind::Entries, PartKind::Frames, PartKind::FrameIndex];
        let whole = found.in_piece(0..file.len(), 0);
        for kind in kinds {
            assert!(whole.iter().any(|part| part.kind == kind), "{kind:?}");
        }
        let length = |parts: &[Part], kind| -> usize {
            parts.iter().filter(|part| part.kind == kind).map(|part| part.range.len()).sum()
        };
        // In the middle of each part, and not between two entries.
        for cut in whole.iter().map(|part| part.range.start.midpoint(part.range.end) | 1) {
            let pieces = [0..cut, cut..file.len()];
            let parts = pieces.clone().map(|piece| sorted(found.in_piece(piece, 48)));
            for kind in kinds {
                let lost =
                    length(&whole, kind) - parts.iter().map(|parts| length(parts, kind)).sum::<usize>();
                assert!(lost < 4096, "{lost} bytes of {kind:?}");
            }
            for (piece, parts) in pieces.into_iter().zip(parts) {
                let mut block = vec![0; 48];
                block.extend_from_slice(&file[piece]);
                let before = block.clone();
                let list = rewrite(&mut block, &parts, Some(usize::MAX));
                assert!(block != before, "{parts:?}");
                Parts::split(&list, block.len()).unwrap().0.restore(&mut block);
                assert!(block == before);
            }
        }
    }

    #[test]
    fn nothing_is_found_outside_of_a_file_whatever_it_says() {
        let file = test_program();
        for strange in [&b""[..], b"text", &file[..64], &file[..1000], &file[..file.len() / 2]] {
            let found = Rewritable::find(strange);
            for part in found.in_piece(0..strange.len(), 0) {
                assert!(part.range.end <= strange.len(), "{part:?} of {}", strange.len());
            }
        }
        // Every byte of the headers in turn says something else.
        let headers = 64 + 56 * usize::from(file[56]);
        for at in 0..headers {
            for byte in [0, 1, 0x7f, 0xff] {
                let mut strange = file[..headers + 100_000.min(file.len() - headers)].to_vec();
                strange[at] = byte;
                for part in Rewritable::find(&strange).in_piece(0..strange.len(), 0) {
                    assert!(part.range.end <= strange.len(), "{part:?}: byte {at} is {byte}");
                }
            }
        }
    }
}
