//! Unwind tables, without what follows from the entries before.
//!
//! An entry of `.eh_frame` is a CIE or an FDE (LSB core, "Exception Frames"): a length that does not count itself, then 0 for a
//! CIE, or the distance of an FDE back to its CIE. An FDE goes on with the address of its function, as the distance from that
//! field, and the function's length. Nearly all functions begin where the one before ends, at the next multiple of 16.
//!
//! `.eh_frame_hdr` has a sorted table of pairs: address of a function, and of its FDE, both as distances from the header.
//! The second is mostly that of the FDE behind the one before, and the first is written in that FDE.
//!
//! What is written is the difference from what is expected. Other encodings of addresses only mean that what is expected is
//! never there.

use core::ops::Range;

/// Length of a field.
const FIELD: usize = size_of::<u32>();

/// Compilers align functions so.
const ALIGNMENT: u32 = 16;

/// Length of `.eh_frame_hdr` before its table: four bytes that say how things are encoded, the address of `.eh_frame`, the count.
const INDEX_HEADER: u32 = 12;

/// In place of an FDE's distance to its CIE: the CIE is that of the FDE before. 0 is what a CIE has there.
const SAME: u32 = 1;

/// Leaves out what is expected of entries that begin at `offset` in a block.
#[cfg(feature = "write")]
pub fn to_differences(frames: &mut [u8], offset: usize) {
    exchange::<false>(frames, offset);
}

/// Undoes `to_differences`.
pub fn to_addresses(frames: &mut [u8], offset: usize) {
    exchange::<true>(frames, offset);
}

/// Goes through the entries, up to one that does not fit.
fn exchange<const IS_WRITTEN: bool>(frames: &mut [u8], offset: usize) {
    // Positions in a block fit into 32 bits (MAX_BLOCK_LENGTH); those in a longer one would be cut, alike both ways.
    let (mut cie, mut expected) = (0u32, 0u32);
    let mut at = 0;
    while let Some((length, rest)) =
        frames.get_mut(at..).and_then(|rest| rest.split_first_chunk_mut::<FIELD>())
    {
        let length = u32::from_le_bytes(*length) as usize;
        let Some(entry) = rest.get_mut(..length) else { break };
        let start = (offset + at) as u32;
        at += FIELD + length;
        let Some([distance, address, extent]) = entry.as_chunks_mut().0.first_chunk_mut::<3>() else {
            continue;
        };
        let found = u32::from_le_bytes(*distance);
        if found == 0 {
            cie = start;
            continue;
        }
        let here = start.wrapping_add(FIELD as u32);
        let other = exchanged(found, here.wrapping_sub(cie));
        *distance = other.to_le_bytes();
        cie = here.wrapping_sub(if IS_WRITTEN { other } else { found });

        let here = here.wrapping_add(FIELD as u32);
        let found = u32::from_le_bytes(*address);
        let function = if IS_WRITTEN { found.wrapping_add(expected) } else { found.wrapping_add(here) };
        let other = function.wrapping_sub(if IS_WRITTEN { here } else { expected });
        *address = other.to_le_bytes();
        expected = next_function(function, u32::from_le_bytes(*extent));
    }
}

/// The expected distance becomes [`SAME`], and that becomes the expected one.
fn exchanged(distance: u32, expected: u32) -> u32 {
    match distance {
        _ if expected == 0 => distance,
        SAME => expected,
        _ if distance == expected => SAME,
        _ => distance,
    }
}

/// Where the next function begins, by where this one does and its length.
fn next_function(function: u32, extent: u32) -> u32 {
    let end = function.wrapping_add(extent);
    end.wrapping_add(ALIGNMENT - 1) & !(ALIGNMENT - 1)
}

/// Empties the table at `range` of what follows from the frames, which are in the same block or not.
#[cfg(feature = "write")]
pub fn empty_index(block: &mut [u8], range: Range<usize>) {
    index::<false>(block, range);
}

/// Undoes `empty_index`, after the frames are restored.
pub fn fill_index(block: &mut [u8], range: Range<usize>) {
    index::<true>(block, range);
}

fn index<const IS_WRITTEN: bool>(block: &mut [u8], range: Range<usize>) {
    let base = (range.start as u32).wrapping_sub(INDEX_HEADER);
    let (mut function, mut frame) = (0u32, 0u32);
    let mut at = range.start;
    while at + 2 * FIELD <= range.end {
        let expected_frame = next_frame(block, base, frame);
        let Some([found_function, found_frame]) = fields(block, at) else { break };
        frame = if IS_WRITTEN { found_frame.wrapping_add(expected_frame) } else { found_frame };
        let expected_function = function_of(block, base, frame).unwrap_or(function);
        function = if IS_WRITTEN { found_function.wrapping_add(expected_function) } else { found_function };
        let written = if IS_WRITTEN {
            [function, frame]
        } else {
            [function.wrapping_sub(expected_function), frame.wrapping_sub(expected_frame)]
        };
        if let Some(entry) = block.get_mut(at..at + 2 * FIELD) {
            entry.copy_from_slice(written.map(u32::to_le_bytes).as_flattened());
        }
        at += 2 * FIELD;
    }
}

/// The FDE behind one, past a CIE; both as distances from the header. The same where nothing is there.
fn next_frame(block: &[u8], base: u32, frame: u32) -> u32 {
    let behind = |frame: u32| {
        let [length] = fields(block, base.wrapping_add(frame) as usize)?;
        Some(frame.wrapping_add(FIELD as u32).wrapping_add(length))
    };
    let Some(next) = behind(frame) else { return frame };
    match fields(block, base.wrapping_add(next).wrapping_add(FIELD as u32) as usize) {
        Some([0]) => behind(next).unwrap_or(next),
        _ => next,
    }
}

/// Where the function of an FDE begins; both as distances from the header.
fn function_of(block: &[u8], base: u32, frame: u32) -> Option<u32> {
    let field = frame.wrapping_add(2 * FIELD as u32);
    let [distance] = fields(block, base.wrapping_add(field) as usize)?;
    Some(field.wrapping_add(distance))
}

/// Fields that follow one another.
fn fields<const N: usize>(block: &[u8], at: usize) -> Option<[u32; N]> {
    let bytes = block.get(at..)?.as_chunks().0.first_chunk::<N>()?;
    Some(bytes.map(u32::from_le_bytes))
}

#[cfg(test)]
#[cfg(feature = "write")]
mod tests {
    use super::*;
    use crate::archive::parts::tests::noise;

    fn numbers(fields: impl IntoIterator<Item = u32>) -> Vec<u8> {
        fields.into_iter().flat_map(u32::to_le_bytes).collect()
    }

    /// Three CIEs with FDEs behind each, and the sorted table for all of them at 12. Functions are at 0x8000 and where the one before
    /// ends, of 1, 18, 35, ... bytes; those of the second CIE lie before all others.
    fn unwind_tables() -> (Vec<u8>, Range<usize>, Range<usize>) {
        let (mut entries, mut pairs) = (Vec::new(), Vec::new());
        let (mut function, mut early) = (0x8000u32, 0x4000u32);
        let start = 12 + 8 * 30;
        for group in 0..3 {
            let cie = start + entries.len() as u32;
            entries.extend(numbers([12, 0, 0x5278_0101, 0]));
            for number in 0..10 {
                let here = start + entries.len() as u32;
                let place = if group == 1 { &mut early } else { &mut function };
                let extent = 1 + 17 * number;
                entries.extend(numbers([16, here + 4 - cie, place.wrapping_sub(here + 8), extent, 7]));
                pairs.push([*place, here]);
                *place = (*place + extent).next_multiple_of(16);
            }
        }
        pairs.sort_unstable();
        let mut block = numbers([0x3b03_1b01, start - 4, 30]);
        block.extend(numbers(pairs.into_iter().flatten()));
        let index = 12..block.len();
        block.extend(entries);
        block.extend([0; 4]);
        let frames = index.end..block.len();
        (block, frames, index)
    }

    #[test]
    fn what_follows_from_the_entry_before_becomes_zero() {
        let (block, frames, index) = unwind_tables();
        let mut changed = block.clone();
        empty_index(&mut changed, index.clone());
        to_differences(&mut changed[frames.clone()], frames.start);
        let fields = |bytes: &[u8], at: usize| -> [u32; 2] { fields(bytes, at).unwrap() };

        // The second FDE of the first CIE: that CIE, and the function behind the one before.
        let second = frames.start + 16 + 20;
        assert_ne!(fields(&block, second + 4), [SAME, 0]);
        assert_eq!(fields(&changed, second + 4), [SAME, 0]);
        assert_eq!(changed[second + 12..second + 20], block[second + 12..second + 20]);
        // Of 30 pairs those that do not follow are the first of the table, and one where the functions go on in another group.
        let left: Vec<usize> =
            index.clone().step_by(8).filter(|at| fields(&changed, *at) != [0, 0]).collect();
        assert_eq!(left, [12, 12 + 80, 12 + 160]);

        to_addresses(&mut changed[frames.clone()], frames.start);
        fill_index(&mut changed, index);
        assert!(changed == block);
    }

    #[test]
    fn entries_without_their_cie_or_frames_are_changed_back() {
        let (block, frames, index) = unwind_tables();
        // As where a file is cut into blocks: behind the first CIE, and before the frames.
        for (block, frames, index) in [
            (&block[..], frames.start + 16..block.len(), 12..12),
            (&block[..frames.start + 1], 0..0, index.clone()),
            (&block[20..], 0..0, 0..index.end - 20),
        ] {
            let mut changed = block.to_vec();
            empty_index(&mut changed, index.clone());
            to_differences(&mut changed[frames.clone()], frames.start);
            to_addresses(&mut changed[frames.clone()], frames.start);
            fill_index(&mut changed, index);
            assert!(changed == block);
        }
    }

    #[test]
    fn any_frames_are_changed_back() {
        for length in (0..100).chain([4096]) {
            for seed in 0..20 {
                let mut frames = noise(length, seed);
                // Short lengths, so that there is more than one entry; 0 and 1 where distances are.
                for field in frames.as_chunks_mut::<8>().0 {
                    *field = (u64::from_le_bytes(*field) & 0x0000_0001_0000_001f).to_le_bytes();
                }
                let mut changed = frames.clone();
                to_differences(&mut changed, 8);
                to_addresses(&mut changed, 8);
                assert!(changed == frames, "{length} bytes, seed {seed}");
            }
        }
    }
}
