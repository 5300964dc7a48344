//! Parts of a native file that compress better when they are written in another way: which, and how that is undone.
//!
//! Machine code is full of distances, and the tables that the dynamic linker and unwinders read are full of numbers that
//! nearly follow from those before them. Each kind of part has a rewriting that exchanges its bytes for as many others, in place,
//! and that can be undone whatever the bytes are: nothing is parsed that could be wrong, so nothing can fail.
//!
//! In: a decompressed block, and the list of the parts in it that stands before its zstd frame. The list is hostile input. It is
//! in the order in which parts are restored: by kind, then by offset, and parts of one kind do not overlap. So
//! each byte is restored at most once for each kind, however long the list is.

pub mod branches;
mod entries;
mod frames;

use core::ops::Range;

/// How a part is rewritten. The numbers are the ids on disk, and the order in which parts are restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u32)]
pub enum PartKind {
    /// Machine code of x86-64, with positions for distances ([`branches`]).
    Code = 1,
    /// Relocations with addends, or symbols (gABI, `Elf64_Rela`, `Elf64_Sym`): differences, by columns.
    Entries = 2,
    /// Entries of `.eh_frame` (LSB, "Exception Frames"), of which the expected addresses are left out.
    Frames = 3,
    /// The table of `.eh_frame_hdr` behind its twelve bytes of header, as differences from what follows from the frames.
    FrameIndex = 4,
}

impl PartKind {
    /// The kind with this id.
    pub const fn from_id(id: u32) -> Option<Self> {
        match id {
            1 => Some(Self::Code),
            2 => Some(Self::Entries),
            3 => Some(Self::Frames),
            4 => Some(Self::FrameIndex),
            _ => None,
        }
    }
}

/// A part of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What it is.
    pub kind: PartKind,
    /// Where it is in the decompressed block.
    pub range: Range<usize>,
}

/// Length of the list's count, and of one entry: kind, offset and length.
const COUNT: usize = size_of::<u32>();
const ENTRY: usize = 3 * size_of::<u32>();

/// A list of parts, checked against the length of its block.
#[derive(Debug)]
pub struct Parts<'a> {
    entries: &'a [[u8; ENTRY]],
}

impl<'a> Parts<'a> {
    /// The list that `stored` begins with, and what is behind it. `length` is that of the block after decompression. None where
    /// the list is cut short, or an entry is out of order, of an unknown kind or outside of the block.
    pub fn split(stored: &'a [u8], length: usize) -> Option<(Self, &'a [u8])> {
        let (count, rest) = stored.split_first_chunk::<COUNT>()?;
        let count = usize::try_from(u32::from_le_bytes(*count)).ok()?;
        let (entries, rest) = rest.split_at_checked(count.checked_mul(ENTRY)?)?;
        let list = Self { entries: entries.as_chunks().0 };
        let mut last = (0, 0);
        for entry in list.entries {
            let Part { kind, range } = part(entry)?;
            let is_in_order = (kind as u32, range.start) >= last;
            if !is_in_order || range.end > length {
                return None;
            }
            last = (kind as u32, range.end);
        }
        Some((list, rest))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Undoes [`rewrite`], whatever the bytes are.
    pub fn restore(&self, block: &mut [u8]) {
        for Part { kind, range } in self.entries.iter().filter_map(part) {
            match (kind, block.get_mut(range.clone())) {
                (_, None) => {}
                (PartKind::Code, Some(code)) => branches::to_distances(code),
                (PartKind::Entries, Some(part)) => entries::to_entries(part),
                (PartKind::Frames, Some(frames)) => frames::to_addresses(frames, range.start),
                (PartKind::FrameIndex, Some(_)) => frames::fill_index(block, range),
            }
        }
    }
}

fn part(entry: &[u8; ENTRY]) -> Option<Part> {
    let field = |at: usize| Some(u32::from_le_bytes(*entry.get(at..)?.first_chunk()?));
    let start = usize::try_from(field(4)?).ok()?;
    let end = start.checked_add(usize::try_from(field(8)?).ok()?)?;
    Some(Part { kind: PartKind::from_id(field(0)?)?, range: start..end })
}

/// Rewrites parts of a block; returns the list that goes before its zstd frame. The parts must be sorted and apart from each other,
/// as [`Parts::split`] has it. Of parts of machine code only those are rewritten, and in the list, that have a distance in
/// each `spacing` bytes, or more of them; none of them without a `spacing`.
#[cfg(feature = "write")]
pub fn rewrite(block: &mut [u8], parts: &[Part], spacing: Option<usize>) -> Vec<u8> {
    let mut entries: Vec<&Part> = Vec::with_capacity(parts.len());
    // Each is restored from what was restored before it.
    for listed in parts.iter().rev() {
        let Part { kind, range } = listed;
        let Some(part) = block.get_mut(range.clone()) else { continue };
        match kind {
            PartKind::Code => {
                let Some(spacing) = spacing else { continue };
                if branches::to_positions(part).saturating_mul(spacing) < part.len() {
                    branches::to_distances(part);
                    continue;
                }
            }
            PartKind::Entries => entries::to_columns(part),
            PartKind::Frames => frames::to_differences(part, range.start),
            PartKind::FrameIndex => frames::empty_index(block, range.clone()),
        }
        entries.push(listed);
    }
    let mut list = (entries.len() as u32).to_le_bytes().to_vec();
    for Part { kind, range } in entries.into_iter().rev() {
        for field in [*kind as u32, range.start as u32, range.len() as u32] {
            list.extend(field.to_le_bytes());
        }
    }
    list
}

#[cfg(test)]
#[cfg(feature = "write")]
mod tests {
    use super::*;

    /// Bytes of which no two runs are alike: a linear congruential generator.
    pub(super) fn noise(length: usize, seed: u32) -> Vec<u8> {
        let mut state = seed;
        let next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        core::iter::repeat_with(next).take(length).collect()
    }

    fn list(entries: &[[u32; 3]]) -> Vec<u8> {
        let count = entries.len() as u32;
        count
            .to_le_bytes()
            .into_iter()
            .chain(entries.iter().flatten().flat_map(|field| field.to_le_bytes()))
            .collect()
    }

    #[test]
    fn what_is_rewritten_is_restored_from_the_list() {
        let block = noise(60_000, 1);
        let parts = [
            (PartKind::Code, 0..20_000),
            (PartKind::Code, 20_000..20_100),
            (PartKind::Entries, 25_001..50_000),
            (PartKind::Frames, 50_000..50_400),
            (PartKind::FrameIndex, 51_000..51_800),
        ];
        let parts = parts.map(|(kind, range)| Part { kind, range });
        let mut changed = block.clone();
        let mut stored = rewrite(&mut changed, &parts, Some(256));
        stored.extend(b"frame");
        assert!(changed != block);
        let (listed, frame) = Parts::split(&stored, block.len()).unwrap();
        assert_eq!(frame, b"frame");
        listed.restore(&mut changed);
        assert!(changed == block);

        let without_code = rewrite(&mut changed, &parts, None);
        assert_eq!(without_code.len(), COUNT + 3 * ENTRY);
    }

    #[test]
    fn a_list_is_in_order_and_within_its_block() {
        let good = list(&[[1, 0, 10], [1, 10, 5], [2, 3, 97], [4, 100, 0]]);
        assert!(Parts::split(&good, 100).is_some());
        assert!(Parts::split(&good, 99).is_none(), "outside of the block");
        for length in 0..good.len() {
            assert!(Parts::split(&good[..length], 100).is_none(), "cut to {length} bytes");
        }
        for bad in [
            &[[0, 0, 1]][..],           // no kind
            &[[5, 0, 1]],               // no kind yet
            &[[1, 0, 101]],             // too long
            &[[1, u32::MAX, u32::MAX]], // overflows 32 bits
            &[[2, 0, 1], [1, 1, 1]],    // kinds out of order
            &[[1, 0, 10], [1, 9, 1]],   // overlapping
            &[[1, 50, 10], [1, 0, 10]], // out of order
        ] {
            assert!(Parts::split(&list(bad), 100).is_none(), "{bad:?}");
        }
        assert!(Parts::split(&u32::MAX.to_le_bytes(), 100).is_none(), "more entries than bytes");
        assert!(Parts::split(&list(&[]), 0).unwrap().0.is_empty());
    }

    #[test]
    fn any_bytes_are_restored_to_something_by_any_list() {
        for seed in 0..2000 {
            let random = noise(64, seed);
            let number = |at: usize| u32::from_le_bytes(random[at..at + 4].try_into().unwrap());
            let mut block = noise(number(0) as usize % 3000, seed);
            if seed % 2 == 0 {
                // Numbers that are small enough to be lengths and distances.
                block.iter_mut().enumerate().filter(|(at, _)| at % 4 > 0).for_each(|(_, byte)| *byte = 0);
            }
            let entries: Vec<[u32; 3]> = (1..=4)
                .map(|kind| {
                    let length = block.len() as u32;
                    let start = number(8 * kind as usize) % (length + 1);
                    [kind, start, number(8 * kind as usize + 4) % (length - start + 1)]
                })
                .collect();
            let list = list(&entries);
            let (parts, _) = Parts::split(&list, block.len()).unwrap();
            parts.restore(&mut block);
        }
    }
}
