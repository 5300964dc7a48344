//! Distances in machine code of x86-64, written as positions: they compress better.
//!
//! Calls, jumps and accesses to data are encoded as the distance from the next instruction to their target, so each that
//! leads to one place is another number. As positions they are equal (the idea is that of the BCJ filters, "branch,
//! call, jump", of many archivers).
//!
//! In: a block of a native file. What stands behind some bytes is taken for a distance: `E8` and `E9`, which are calls
//! and jumps, and `89`, `8B`, `8D` and `8F`, which move what is in memory or its address, where the byte behind them says that
//! the operand is relative to the instruction pointer (Intel SDM, volume 2, table 2-2: mod 00, r/m 101). Code and data are not
//! told apart. That costs nothing but size, for each number is exchanged for exactly one other, in place, and what is
//! looked at to find the next one is never among the exchanged bytes. So nothing can fail, and all bytes can be changed back.

use crate::vector::{LANES, Pattern, matches};

/// Numbers from -[`REACH`] up to it are exchanged, among each other; the others are none that lead into the same file.
/// A position is a number up to the length of a block, which is less.
const REACH: u32 = 1 << 29;

/// Length of a distance, and of what may stand before it: an opcode, and a byte that says what its operands are.
const DISTANCE: usize = 4;
const BEFORE: usize = 2;

/// So many bytes are looked at together.
const STRIDE: usize = 64;

/// Opcodes are looked for in groups of so many bytes, of those that have as much behind them as an instruction can take.
const GROUP: usize = 8;

/// Exchanges distances for positions; returns how many.
#[cfg(feature = "write")]
pub fn to_positions(bytes: &mut [u8]) -> usize {
    exchange(bytes, u32::wrapping_add)
}

/// Undoes [`to_positions`].
pub fn to_distances(bytes: &mut [u8]) {
    let _ = exchange(bytes, u32::wrapping_sub);
}

fn exchange(bytes: &mut [u8], exchanged: impl Fn(u32, u32) -> u32 + Copy) -> usize {
    let mut count = 0;
    let end = end_of_opcodes(bytes.len());
    // Where the distance before ends: no instruction begins within it.
    let mut free = 0;
    for start in (0..end).step_by(STRIDE) {
        free = free.max(start);
        let mut found = instructions(bytes, start) & from_bit(free - start) & !from_bit(end - start);
        while found != 0 {
            free = exchange_one(bytes, start + found.trailing_zeros() as usize, exchanged, &mut count);
            found &= from_bit(free - start);
        }
    }
    count
}

/// Where the last whole group ends.
fn end_of_opcodes(length: usize) -> usize {
    length.saturating_sub(BEFORE + DISTANCE) / GROUP * GROUP
}

/// The bits of a word from one on.
fn from_bit(bit: usize) -> u64 {
    u32::try_from(bit).ok().and_then(|bit| u64::MAX.checked_shl(bit)).unwrap_or(0)
}

/// Exchanges the number of one instruction, if it is a distance, and returns where that ends.
#[inline(always)]
fn exchange_one(
    bytes: &mut [u8],
    opcode: usize,
    exchanged: impl Fn(u32, u32) -> u32,
    count: &mut usize,
) -> usize {
    let length = BEFORE - usize::from(bytes.get(opcode).is_some_and(|opcode| BRANCH.fits(*opcode)));
    let (at, end) = (opcode + length, opcode + length + DISTANCE);
    if let Some(place) = bytes.get_mut(at..end).and_then(|place| place.first_chunk_mut()) {
        let number = u32::from_le_bytes(*place).wrapping_add(REACH);
        if number < 2 * REACH {
            // A block is shorter than `REACH` (MAX_BLOCK_LENGTH); the position of a longer one would be cut, alike both ways.
            let number = exchanged(number, end as u32) % (2 * REACH);
            *place = number.wrapping_sub(REACH).to_le_bytes();
            *count += 1;
        }
    }
    end
}

/// Calls and jumps.
const BRANCH: Pattern = Pattern { mask: 0xfe, value: 0xe8 };
/// What moves something in memory, or its address.
const ACCESS: Pattern = Pattern { mask: 0xf9, value: 0x89 };
/// An operand in memory relative to the instruction pointer.
const RELATIVE: Pattern = Pattern { mask: 0xc7, value: 0x05 };

/// Which of the bytes of a stride are opcodes that a distance may follow, a bit for each. Behind the end are zeroes.
fn instructions(bytes: &[u8], start: usize) -> u64 {
    let rest = bytes.get(start..).unwrap_or_default();
    if let Some(window) = rest.first_chunk() {
        return instructions_in(window);
    }
    let mut padded = [0; STRIDE + 1];
    padded[..rest.len()].copy_from_slice(rest);
    instructions_in(&padded)
}

fn instructions_in(window: &[u8; STRIDE + 1]) -> u64 {
    let lanes = (0..STRIDE).step_by(LANES).filter_map(|start| window.get(start..)?.first_chunk());
    lanes.rev().fold(0, |bits, bytes| bits << LANES | u64::from(matches(bytes, BRANCH, ACCESS, RELATIVE)))
}

#[cfg(test)]
#[cfg(feature = "write")]
mod tests {
    use super::*;

    /// Bytes in which opcodes, and the byte behind them, are frequent: after a linear congruential generator.
    fn code(length: usize, seed: u32) -> Vec<u8> {
        const FREQUENT: [u8; 8] = [0xe8, 0xe9, 0x8b, 0x8d, 0x05, 0x3d, 0xff, 0x00];
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        (0..length)
            .map(|_| match next() {
                frequent @ ..0x80 => FREQUENT[usize::from(frequent % 8)],
                _ => next(),
            })
            .collect()
    }

    #[test]
    fn what_leads_to_one_place_becomes_equal() {
        let mut bytes = vec![0x90; 200];
        for (at, instruction) in [
            (10, &[0xe8u8][..]),
            (39, &[0xe9]),
            (60, &[0x48, 0x8b, 0x05]),
            (95, &[0x48, 0x8d, 0x3d]),
            (110, &[0x4c, 0x8b, 0x3c]), // no access relative to the instruction pointer
        ] {
            let end = at + instruction.len();
            bytes[at..end].copy_from_slice(instruction);
            let distance = 150 - (end as i32 + 4);
            bytes[end..end + 4].copy_from_slice(&distance.to_le_bytes());
        }
        let before = bytes.clone();
        assert_eq!(to_positions(&mut bytes), 4);
        for at in [11, 40, 63, 98] {
            assert_eq!(bytes[at..at + 4], 150i32.to_le_bytes(), "at {at}");
        }
        assert_eq!(bytes[110..], before[110..]);
        to_distances(&mut bytes);
        assert!(bytes == before);
    }

    #[test]
    fn any_bytes_are_changed_back() {
        for length in (0..200).chain([4096, 70_000]) {
            for seed in 0..20 {
                let bytes = code(length, seed);
                let mut changed = bytes.clone();
                let count = to_positions(&mut changed);
                assert!(length < 100 || count > 0);
                to_distances(&mut changed);
                assert!(changed == bytes, "{length} bytes, seed {seed}");
            }
        }
    }

    #[test]
    fn opcodes_are_exchanged_up_to_the_last_whole_group() {
        for length in 0..300 {
            for at in 0..length {
                let mut bytes = vec![0; length];
                bytes[at] = 0xe8;
                let is_in_a_group = at / GROUP * GROUP + GROUP + BEFORE + DISTANCE <= length;
                assert_eq!(to_positions(&mut bytes), usize::from(is_in_a_group), "{at} of {length}");
            }
        }
    }

    #[test]
    fn opcodes_are_found_by_the_byte_and_the_one_behind_it() {
        for opcode in 0..=255u8 {
            for operand in 0..=255u8 {
                let is_access = matches!(opcode, 0x89 | 0x8b | 0x8d | 0x8f) && operand & 0xc7 == 0x05;
                let is_found = matches!(opcode, 0xe8 | 0xe9) || is_access;
                for at in 0..STRIDE {
                    let mut stride = [0; STRIDE + 1];
                    (stride[at], stride[at + 1]) = (opcode, operand);
                    let is_branch = at + 1 < STRIDE && matches!(operand, 0xe8 | 0xe9);
                    let wanted = u64::from(is_found) | u64::from(is_branch) << 1;
                    assert_eq!(instructions(&stride, 0) >> at, wanted, "{opcode:x} {operand:x} at {at}");
                }
            }
        }
    }
}
