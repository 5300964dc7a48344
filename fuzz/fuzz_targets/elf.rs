//! Reads what the packager wants to know of an ELF file, and cuts off what the dynamic linker does not load.

#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use snapfreeze::collect::native::ElfFacts;
use snapfreeze::collect::native::loaded::loaded_part;
use snapfreeze::inspect::native::NativeNeeds;

fuzz_target!(|bytes: &[u8]| {
    let _ = ElfFacts::read_from(&mut Cursor::new(bytes));
    let _ = NativeNeeds::read(&mut Cursor::new(bytes));
    let loaded = loaded_part(bytes.to_vec());
    assert!(loaded.len() <= bytes.len());
    let again = loaded_part(loaded.clone());
    assert_eq!(again, loaded, "what has nothing to cut off stays as it is");
});
