//! Unpacks a table of relocations of arbitrary bytes, and reads a slot of them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use snapfreeze_runtime::relr::{Group, SlotState, encode, filled, groups, read};

fuzz_target!(|bytes: &[u8]| {
    let mut addresses = Vec::new();
    for group in groups(bytes) {
        let own: Vec<u64> = group.addresses().collect();
        if let (Some(end), Some(last)) = (group.end(), own.last()) {
            assert_eq!(last + 8, end);
        }
        addresses.extend(own.into_iter().filter(|address| address % 8 == 0 && *address < 1 << 47));
    }
    addresses.sort_unstable();
    addresses.dedup();
    let again: Vec<u64> = groups(&encode(&addresses)).flat_map(Group::addresses).collect();
    assert_eq!(again, addresses);
    let Some(slot) = bytes.first_chunk() else { return };
    if let SlotState::Filled(packed) = read(slot) {
        assert_eq!(&filled(&packed), slot);
    }
});
