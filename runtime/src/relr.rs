//! Packed relocations: what an executable adds to its own words before anything of CPython runs.
//!
//! The words that need the distance of the file from the addresses in it, and nothing else, are tens of thousands in
//! CPython. As ordinary relocations they take 24 bytes each; packed as `DT_RELR` has it (gABI, "Relative Relocation
//! Table") they take half a byte, for they stand side by side. glibc reads that form since 2.36 only, so the table is one of
//! our own, and the executable's entry applies it. The *slot*, a section of the stub that the packager fills in, says where
//! it is. Byte by byte both are described in `docs/format.md`.
//!
//! Tables and slots are hostile: whoever follows them compares each address with the range in the slot.

use crate::archive::layout::checksum;

/// Length of the slot, in bytes.
pub const SLOT_LENGTH: usize = 64;

/// The slot where nothing is packed.
pub const EMPTY_SLOT: [u8; SLOT_LENGTH] = [0; SLOT_LENGTH];

/// Name of the slot's section in the stub.
pub const SLOT_SECTION: &str = ".snapfreeze.packed";

/// Name of the table's section.
pub const TABLE_SECTION: &str = ".snapfreeze.relr";

/// Length of a word of the table, and of what it has relocated, in bytes.
pub const WORD: u64 = 8;

/// Where the table is, and what it may change. All addresses are the file's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packed {
    /// Address of the slot itself.
    pub slot: u64,
    /// Address of the table.
    pub table: u64,
    /// Length of the table, in bytes.
    pub length: u64,
    /// Where in the table what is relocated at the program's begin ends; the rest waits until somebody asks for it.
    pub late: u64,
    /// The first address that is changed.
    pub start: u64,
    /// The end of what is changed.
    pub end: u64,
    /// XXH3-64 of the table.
    pub checksum: u64,
}

/// What a slot says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotState {
    /// There is nothing to relocate.
    Empty,
    /// Where the table is.
    Filled(Packed),
    /// Neither: the slot's own checksum does not match.
    Damaged,
}

/// Reads a slot.
pub fn read(slot: &[u8; SLOT_LENGTH]) -> SlotState {
    let (words, _) = slot.as_chunks::<8>();
    let words: [u64; SLOT_LENGTH / 8] = core::array::from_fn(|at| u64::from_le_bytes(words[at]));
    let [slot_address, table, length, late, start, end, of_table, of_slot] = words;
    if words == [0; SLOT_LENGTH / 8] {
        SlotState::Empty
    } else if of_slot == checksum(&slot[..SLOT_LENGTH - 8]) {
        SlotState::Filled(Packed { slot: slot_address, table, length, late, start, end, checksum: of_table })
    } else {
        SlotState::Damaged
    }
}

/// A slot that says where the table is.
#[cfg(feature = "write")]
pub fn filled(packed: &Packed) -> [u8; SLOT_LENGTH] {
    let mut slot = EMPTY_SLOT;
    let Packed { slot: own, table, length, late, start, end, checksum: of_table } = *packed;
    for (place, word) in
        slot.as_chunks_mut::<8>().0.iter_mut().zip([own, table, length, late, start, end, of_table])
    {
        *place = word.to_le_bytes();
    }
    let sum = checksum(&slot[..SLOT_LENGTH - 8]);
    slot[SLOT_LENGTH - 8..].copy_from_slice(&sum.to_le_bytes());
    slot
}

/// Checksum of a table.
pub fn sum(table: &[u8]) -> u64 {
    checksum(table)
}

/// Words to relocate that are near each other: bit N stands for the Nth word from the first on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    /// Address of the word that bit 0 stands for.
    pub first: u64,
    /// Which words are meant.
    pub bits: u64,
}

impl Group {
    /// The end of the last word; none where that is no address.
    pub fn end(self) -> Option<u64> {
        self.first.checked_add(WORD * u64::from(u64::BITS - self.bits.leading_zeros()))
    }

    /// The addresses of the words, ascending.
    pub fn addresses(self) -> impl Iterator<Item = u64> {
        let mut bits = self.bits;
        core::iter::from_fn(move || {
            let next = self.first.wrapping_add(WORD * u64::from(bits.trailing_zeros()));
            let is_one = bits != 0;
            bits &= bits.wrapping_sub(1);
            is_one.then_some(next)
        })
    }
}

/// How many words an odd word of a table tells of.
const WORDS_IN_A_WORD: u64 = 63;

/// Unpacks a table: an even word is an address, an odd one says with its bits which of the 63 words after it count, too.
pub fn groups(table: &[u8]) -> impl Iterator<Item = Group> {
    let mut next = 0_u64;
    table.as_chunks::<8>().0.iter().map(move |word| {
        let word = u64::from_le_bytes(*word);
        if word & 1 == 0 {
            next = word.wrapping_add(WORD);
            Group { first: word, bits: 1 }
        } else {
            let first = next;
            next = next.wrapping_add(WORD * WORDS_IN_A_WORD);
            Group { first, bits: word >> 1 }
        }
    })
}

/// Packs addresses that ascend and are multiples of 8. How long the table is depends on the distances between them only.
#[cfg(feature = "write")]
pub fn encode(addresses: &[u64]) -> Vec<u8> {
    let mut table = Vec::new();
    let mut rest = addresses.iter().copied().peekable();
    while let Some(address) = rest.next() {
        table.extend(address.to_le_bytes());
        let mut next = address + WORD;
        loop {
            let mut bits = 0_u64;
            while let Some(address) = rest.next_if(|address| *address < next + WORD * WORDS_IN_A_WORD) {
                bits |= 1 << ((address - next) / WORD);
            }
            if bits == 0 {
                break;
            }
            table.extend((bits << 1 | 1).to_le_bytes());
            next += WORD * WORDS_IN_A_WORD;
        }
    }
    table
}

#[cfg(test)]
#[cfg(feature = "write")]
mod tests {
    use super::*;

    fn unpacked(table: &[u8]) -> Vec<u64> {
        groups(table).flat_map(Group::addresses).collect()
    }

    #[test]
    fn unpacks_what_was_packed() {
        let dense: Vec<u64> = (0..500).map(|at| 0x1000 + 8 * at).collect();
        let sparse: Vec<u64> = (0..40).map(|at| 0x10 + 8 * at * at * at).collect();
        let edges = [0, 8 * 63, 8 * 64, 8 * 127, 8 * 128, 1 << 40];
        for addresses in [&[][..], &[8], &dense, &sparse, &edges] {
            assert_eq!(unpacked(&encode(addresses)), addresses);
        }
        assert_eq!(encode(&dense).len(), 8 * 9, "an address, and eight words for the other 499");
    }

    #[test]
    fn a_table_is_as_long_wherever_its_words_are() {
        let addresses: Vec<u64> = (0..900).map(|at| 8 * at * (1 + at % 7)).collect();
        let mut addresses: Vec<u64> = addresses.into_iter().collect();
        addresses.sort_unstable();
        addresses.dedup();
        let moved: Vec<u64> = addresses.iter().map(|address| address + 0x7_3000).collect();
        assert_eq!(encode(&addresses).len(), encode(&moved).len());
    }

    #[test]
    fn a_group_knows_its_end() {
        for group in groups(&encode(&[0x100, 0x108, 0x140, 0x4000])) {
            assert_eq!(group.end(), group.addresses().last().map(|last| last + 8));
        }
        assert_eq!(Group { first: u64::MAX - 8, bits: 2 }.end(), None);
        assert_eq!(Group { first: 8, bits: 0 }.addresses().count(), 0);
    }

    #[test]
    fn a_slot_tells_what_was_filled_in_and_notices_every_flipped_bit() {
        let packed = Packed { slot: 1, table: 2, length: 3, late: 4, start: 5, end: 6, checksum: 7 };
        assert_eq!(read(&filled(&packed)), SlotState::Filled(packed));
        assert_eq!(read(&EMPTY_SLOT), SlotState::Empty);
        for bit in 0..SLOT_LENGTH * 8 {
            let mut slot = filled(&packed);
            slot[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(read(&slot), SlotState::Damaged, "bit {bit}");
        }
    }
}
