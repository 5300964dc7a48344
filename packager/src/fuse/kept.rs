//! The segments of each object that go into the fused file, without the tables that it has anew.
//!
//! What only the dynamic linker or unwinders read of an object, the fused file has once for all of them: symbols, relocations, the
//! index of the unwind tables. Where such tables fill whole pages of a segment that is only read, those are left
//! out: at the ends of a segment, which then begins later or ends earlier, and between its parts, which then become two
//! segments if that is worth one more for the kernel to map.

use std::ops::Range;

use object::elf;

use super::fixups::{Fixups, Place, Value};
use super::image::{Image, Section, Segment};
use super::symbols::Symbols;

/// So many pages between two parts of a segment are worth making two segments of it.
const PAGES: u64 = 8;

/// What is kept, by object. A segment of which everything is left out is none.
pub fn kept_segments(objects: &[Image<'_>], symbols: &Symbols<'_>, fixups: &Fixups) -> Vec<Vec<Segment>> {
    let mut dead: Vec<(usize, Range<u64>)> = Vec::new();
    for (object, image) in objects.iter().enumerate() {
        let runs = image.loads.iter().flat_map(|segment| dead_runs(image, segment));
        dead.extend(runs.map(|run| (object, run)));
    }
    // A run that something refers to stays, as a whole.
    let mut want = |object: usize, address: u64| {
        dead.retain(|(owner, run)| *owner != object || !run.contains(&address));
    };
    for owned in symbols.iter().filter(|owned| owned.symbol.is_defined()) {
        want(owned.object, owned.symbol.value);
    }
    for fixup in &fixups.all {
        if let Value::Address(Place::Object(object, address))
        | Value::Resolver(Place::Object(object, address)) = fixup.value
        {
            want(object, address);
        }
    }
    let kept = objects.iter().enumerate().map(|(object, image)| {
        let own: Vec<&Range<u64>> =
            dead.iter().filter(|(owner, _)| *owner == object).map(|(_, run)| run).collect();
        image.loads.iter().flat_map(|segment| without(segment, &own, image.machine.page())).collect()
    });
    kept.collect()
}

/// Addresses of a read-only segment in which there are only tables that the fused file has anew. What is before the first section
/// of a file are its headers, which belong to it.
fn dead_runs(image: &Image<'_>, segment: &Segment) -> Vec<Range<u64>> {
    if segment.flags & (elf::PF_W | elf::PF_X) != 0 || segment.memory_size != segment.file_size {
        return Vec::new();
    }
    let is_inside = |section: &&Section<'_>| {
        segment.holds(section.address) && section.size > 0 && section.kind != elf::SHT_NOBITS
    };
    let mut sections: Vec<&Section<'_>> = image.sections.iter().filter(is_inside).collect();
    sections.sort_by_key(|section| section.address);
    let ends = sections.iter().skip(1).map(|next| next.address).chain([segment.end()]);
    let first = sections.first().map_or(segment.address, |section| section.address);
    let mut start = if segment.offset == 0 { segment.address } else { first };
    let mut runs: Vec<Range<u64>> = Vec::new();
    for (section, end) in sections.iter().zip(ends) {
        if is_replaced(image, section) {
            match runs.last_mut() {
                Some(last) if last.end == start => last.end = end,
                _ => runs.push(start..end),
            }
        }
        start = end;
    }
    runs
}

/// Whether the fused file has something in place of a section.
fn is_replaced(image: &Image<'_>, section: &Section<'_>) -> bool {
    let is_table = matches!(
        section.kind,
        elf::SHT_NOTE
            | elf::SHT_HASH
            | elf::SHT_GNU_HASH
            | elf::SHT_DYNSYM
            | elf::SHT_STRTAB
            | elf::SHT_RELA
            | elf::SHT_RELR
            | elf::SHT_GNU_VERSYM
            | elf::SHT_GNU_VERNEED
            | elf::SHT_GNU_VERDEF
    );
    // Its extent: the next section may be one that stays.
    let is_index =
        image.unwind.is_some_and(|index| index.address == section.address && index.file_size == section.size);
    is_table || is_index || section.name == b".interp"
}

/// A segment without the whole pages of some runs, which are sorted.
fn without(segment: &Segment, runs: &[&Range<u64>], page: u64) -> Vec<Segment> {
    let mut kept = Vec::new();
    let mut keep = |range: Range<u64>| {
        let size = range.end - range.start;
        let offset = segment.offset + (range.start - segment.address);
        kept.push(Segment { offset, address: range.start, file_size: size, memory_size: size, ..*segment });
    };
    let mut start = segment.address;
    let mut is_cut = false;
    for run in runs.iter().filter(|run| segment.holds(run.start)) {
        let (is_first, is_last) = (run.start == segment.address, run.end == segment.end());
        let from = if is_first { run.start } else { run.start.next_multiple_of(page) };
        let to = if is_last { run.end } else { run.end / page * page };
        let least = if is_first || is_last { 1 } else { PAGES * page };
        if to < from + least {
            continue;
        }
        if start < from {
            keep(start..from);
        }
        (start, is_cut) = (to, true);
    }
    if !is_cut {
        return vec![*segment];
    }
    if start < segment.end() {
        keep(start..segment.end());
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_pages_are_left_out() {
        let segment = Segment {
            flags: elf::PF_R,
            offset: 0x3010,
            address: 0x10010,
            file_size: 0x1_fff0,
            memory_size: 0x1_fff0,
            alignment: 0x1000,
        };
        let kept = |runs: &[(u64, u64)]| -> Vec<(u64, u64, u64)> {
            let runs: Vec<Range<u64>> = runs.iter().map(|(start, end)| *start..*end).collect();
            let runs: Vec<&Range<u64>> = runs.iter().collect();
            let kept = without(&segment, &runs, 0x1000).into_iter();
            kept.inspect(|part| assert_eq!(part.file_size, part.memory_size))
                .map(|part| (part.offset, part.address, part.file_size))
                .collect()
        };
        assert_eq!(kept(&[]), [(0x3010, 0x10010, 0x1_fff0)]);
        assert_eq!(kept(&[(0x10010, 0x30000)]), [], "all of it");
        assert_eq!(kept(&[(0x10010, 0x12345)]), [(0x5000, 0x12000, 0x1_e000)], "its beginning");
        assert_eq!(kept(&[(0x10010, 0x10fff)]), [(0x3010, 0x10010, 0x1_fff0)], "no whole page");
        assert_eq!(kept(&[(0x2e001, 0x30000)]), [(0x3010, 0x10010, 0x1_eff0)], "its end");
        assert_eq!(
            kept(&[(0x14001, 0x1dfff)]),
            [(0x3010, 0x10010, 0x4ff0), (0x1_0000, 0x1d000, 0x1_3000)],
            "eight pages within"
        );
        assert_eq!(kept(&[(0x14001, 0x1cfff)]), [(0x3010, 0x10010, 0x1_fff0)], "seven pages within");
        assert_eq!(
            kept(&[(0x10010, 0x11000), (0x14000, 0x20000), (0x2f000, 0x30000), (0x5_0000, 0x6_0000)]),
            [(0x4000, 0x11000, 0x3000), (0x1_3000, 0x20000, 0xf000)],
            "several, and one of another segment"
        );
    }
}
