//! Reads the reasons of an executable out of arbitrary bytes, and asks for a few of the names in them.
//!
//! What is read is written and read again: the same reasons come out.

#![no_main]

use libfuzzer_sys::fuzz_target;
use snapfreeze::why::Reasons;
use snapfreeze::why::answer::{Question, answer};

/// How many names of each kind are asked for.
const ASKED: usize = 3;

fuzz_target!(|bytes: &[u8]| {
    let Ok(reasons) = Reasons::from_bytes(bytes) else { return };
    let again = Reasons::from_bytes(&reasons.to_bytes().expect("reasons can be written"));
    assert_eq!(again.expect("what was written can be read"), reasons);
    let modules = reasons.modules.iter().map(|module| &module.name).take(ASKED);
    let libraries = reasons.libraries.iter().map(|library| &library.name).take(ASKED);
    let left_out = reasons.left_out.keys().take(ASKED);
    let missing = reasons.missing.keys().take(ASKED);
    let files = reasons.files.keys().take(ASKED);
    for name in modules.chain(libraries).chain(left_out).chain(missing).chain(files) {
        let text = answer(&reasons, &Question { name, all: false }).expect("a name of it is known");
        assert!(!text.chars().any(|character| character.is_control() && character != '\n'));
    }
    reasons.first_missed();
});
