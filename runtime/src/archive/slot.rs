//! The slot: how the stub learns where the archive is.
//!
//! The stub carries [`EMPTY_SLOT`] in a section of its own; the packager finds it by its magic and writes the
//! archive's place into it: the archive is a segment of the same file, and the slot says how far from itself it is in
//! memory. So the start needs no search, and a stub without an archive, one whose archive
//! was cut off and one whose archive is damaged can be told apart.
//!
//! Layout: magic (16 bytes), distance of the archive from the slot (`u64`), archive length (`u64`), XXH3-64 of all
//! that comes before it (`u64`).

use super::layout::checksum;

/// Length of the slot, in bytes.
pub const SLOT_LENGTH: usize = 40;

const MAGIC: [u8; 16] = *b"\x7fsnapfreeze.slot";

/// The slot as it is in a stub that has no archive.
pub const EMPTY_SLOT: [u8; SLOT_LENGTH] = {
    let mut slot = [0; SLOT_LENGTH];
    let mut at = 0;
    while at < MAGIC.len() {
        slot[at] = MAGIC[at];
        at += 1;
    }
    slot
};

/// Where the archive is in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArchivePlace {
    /// Address of the archive's first byte less that of the slot's.
    pub distance: u64,
    /// Length of the archive.
    pub length: u64,
}

/// What a slot says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotState {
    /// No archive was ever attached: the bare stub.
    Empty,
    /// The archive's place.
    Filled(ArchivePlace),
    /// Neither: the slot's own checksum does not match.
    Damaged,
}

/// Reads a slot. The magic is only compared through the checksum: a second copy of it in the stub, as a constant
/// to compare with, would keep [`find`] from telling the slot.
pub fn read(slot: &[u8; SLOT_LENGTH]) -> SlotState {
    let word = |at: usize| {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&slot[at..at + 8]);
        u64::from_le_bytes(bytes)
    };
    if slot[16..].iter().all(|byte| *byte == 0) {
        SlotState::Empty
    } else if word(32) == checksum(&slot[..32]) {
        SlotState::Filled(ArchivePlace { distance: word(16), length: word(24) })
    } else {
        SlotState::Damaged
    }
}

/// A slot that says where the archive is.
pub fn filled(place: ArchivePlace) -> [u8; SLOT_LENGTH] {
    let mut slot = EMPTY_SLOT;
    slot[16..24].copy_from_slice(&place.distance.to_le_bytes());
    slot[24..32].copy_from_slice(&place.length.to_le_bytes());
    let sum = checksum(&slot[..32]);
    slot[32..40].copy_from_slice(&sum.to_le_bytes());
    slot
}

/// Where the slot is in a file: the offset of its magic, if it occurs exactly once and is followed by a whole slot.
pub fn find(file: &[u8]) -> Option<usize> {
    let at = first(file)?;
    first(&file[at + 1..]).is_none().then_some(at)
}

/// Where the first slot is in a file: it comes before the archive, which may hold anything.
pub fn first(file: &[u8]) -> Option<usize> {
    let at = file.windows(MAGIC.len()).position(|bytes| bytes == MAGIC)?;
    (file.len() - at >= SLOT_LENGTH).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: ArchivePlace = ArchivePlace { distance: 0x1_2345_6000, length: 77 };

    #[test]
    fn reads_what_was_filled_in() {
        assert_eq!(read(&filled(PLACE)), SlotState::Filled(PLACE));
        assert_eq!(read(&EMPTY_SLOT), SlotState::Empty);
    }

    #[test]
    fn notices_every_flipped_bit() {
        for bit in 0..SLOT_LENGTH * 8 {
            let mut slot = filled(PLACE);
            slot[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(read(&slot), SlotState::Damaged, "bit {bit}");
        }
    }

    #[test]
    fn finds_the_only_slot() {
        let mut file = vec![7; 100];
        file.extend(EMPTY_SLOT);
        file.extend([7; 9]);
        assert_eq!(find(&file), Some(100));
        file.extend(EMPTY_SLOT);
        assert_eq!(find(&file), None);
        assert_eq!(first(&file), Some(100));
        assert_eq!(find(&EMPTY_SLOT[..20]), None);
    }
}
