//! Reads a slot of arbitrary bytes, and looks for one among them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use snapfreeze_runtime::archive::slot::{SLOT_LENGTH, SlotState, filled, find, read};

fuzz_target!(|bytes: &[u8]| {
    if let Some(at) = find(bytes) {
        assert!(at + SLOT_LENGTH <= bytes.len());
    }
    let Some(slot) = bytes.first_chunk() else { return };
    if let SlotState::Filled(place) = read(slot) {
        // The magic is not this function's business, the rest is.
        assert_eq!(filled(place)[16..32], slot[16..32]);
        assert_eq!(read(&filled(place)), SlotState::Filled(place));
    }
});
