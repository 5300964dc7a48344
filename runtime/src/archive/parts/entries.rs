//! Relocations with addends and symbols, by columns.
//!
//! An entry is three words of 64 bits; of a relocation: where, what (type and symbol), and the addend. Neighbours differ little:
//! where, by the length of a pointer as a rule, and most are of one type. (Those of symbols hardly follow from one another; what they gain by
//! is columns: most of their bytes are 0, or one of a few.) Of each word but the second the difference from that of the entry before
//! is written, with its sign as the lowest bit; and of a group of entries first all first bytes, then all second ones, and so on:
//! most of those columns are nothing but zeros.

/// Words of an entry, and the bytes of all of them.
const WORDS: usize = 3;
const WORD: usize = size_of::<u64>();
const ENTRY: usize = WORDS * WORD;

/// Entries whose columns stand together: they fit on the stack of any thread.
const GROUP: usize = 512;

/// Half of a word: most words have nothing in the upper one.
const HALF: usize = size_of::<u32>();

/// Writes entries as columns. A rest that is no entry stays as it is.
#[cfg(feature = "write")]
pub fn to_columns(table: &mut [u8]) {
    let mut before = [0u64; WORDS];
    for group in table.chunks_mut(GROUP * ENTRY) {
        let entries: Vec<[u8; ENTRY]> = group.as_chunks().0.to_vec();
        for (number, entry) in entries.iter().enumerate() {
            for (word, bytes) in entry.as_chunks::<WORD>().0.iter().enumerate() {
                let value = u64::from_le_bytes(*bytes);
                let written = if word == 1 { value } else { folded(value.wrapping_sub(before[word])) };
                before[word] = value;
                for (byte, value) in written.to_le_bytes().into_iter().enumerate() {
                    group[(word * WORD + byte) * entries.len() + number] = value;
                }
            }
        }
    }
}

/// Undoes `to_columns`.
pub fn to_entries(table: &mut [u8]) {
    let mut before = [0u64; WORDS];
    for group in table.chunks_mut(GROUP * ENTRY) {
        let count = group.len() / ENTRY;
        let mut words = [[0u64; GROUP]; WORDS];
        for (word, values) in words.iter_mut().enumerate() {
            for half in 0..WORD / HALF {
                let first = (word * WORD + half * HALF) * count;
                let columns = &group[first..first + HALF * count];
                if columns.iter().all(|byte| *byte == 0) {
                    continue;
                }
                let (a, columns) = columns.split_at(count);
                let (b, columns) = columns.split_at(count);
                let (c, d) = columns.split_at(count);
                for ((((value, a), b), c), d) in values.iter_mut().zip(a).zip(b).zip(c).zip(d) {
                    *value |= u64::from(u32::from_le_bytes([*a, *b, *c, *d])) << (8 * HALF * half);
                }
            }
        }
        let [places, infos, addends] = &words;
        let entries = group.as_chunks_mut::<ENTRY>().0;
        for (((entry, place), info), addend) in entries.iter_mut().zip(places).zip(infos).zip(addends) {
            before[0] = before[0].wrapping_add(unfolded(*place));
            before[2] = before[2].wrapping_add(unfolded(*addend));
            entry[..WORD].copy_from_slice(&before[0].to_le_bytes());
            entry[WORD..2 * WORD].copy_from_slice(&info.to_le_bytes());
            entry[2 * WORD..].copy_from_slice(&before[2].to_le_bytes());
        }
    }
}

/// A difference with its sign as the lowest bit: small ones of both signs have zeros above.
#[cfg(feature = "write")]
const fn folded(difference: u64) -> u64 {
    (difference << 1) ^ ((difference.cast_signed() >> 63).cast_unsigned())
}

const fn unfolded(difference: u64) -> u64 {
    (difference >> 1) ^ (difference & 1).wrapping_neg()
}

#[cfg(test)]
#[cfg(feature = "write")]
mod tests {
    use super::*;

    fn entries(entries: impl IntoIterator<Item = [u64; WORDS]>) -> Vec<u8> {
        entries.into_iter().flatten().flat_map(u64::to_le_bytes).collect()
    }

    #[test]
    fn relocations_of_neighbouring_pointers_become_columns_of_one_number() {
        const R_X86_64_RELATIVE: u64 = 8;
        let count = GROUP as u64 + 3;
        let table = entries((1..=count).map(|n| [8 * n, R_X86_64_RELATIVE, 0x10000 - 16 * n]));
        let mut columns = table.clone();
        to_columns(&mut columns);
        // Twice the difference from the entry before: 8; a difference of -16 is one less than twice 16.
        assert_eq!(columns[..GROUP], [16; GROUP]);
        assert_eq!(columns[GROUP..8 * GROUP], [0; 7 * GROUP]);
        assert_eq!(columns[8 * GROUP..9 * GROUP], [8; GROUP]);
        assert_eq!(columns[16 * GROUP + 1..17 * GROUP], [31; GROUP - 1]);
        assert_eq!(columns[GROUP * ENTRY..][..6], [16, 16, 16, 0, 0, 0], "a short group at the end");
        to_entries(&mut columns);
        assert!(columns == table);
    }

    #[test]
    fn any_bytes_are_changed_back() {
        for length in (0..200).chain([GROUP * ENTRY - 1, GROUP * ENTRY, 3 * GROUP * ENTRY + 77]) {
            for seed in 0..4 {
                let bytes = crate::archive::parts::tests::noise(length, seed);
                let mut changed = bytes.clone();
                to_columns(&mut changed);
                to_entries(&mut changed);
                assert!(changed == bytes, "{length} bytes, seed {seed}");
            }
        }
    }
}
