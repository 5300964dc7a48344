//! Restores arbitrary bytes by arbitrary lists of parts, and rewrites them where the list is a good one.

#![no_main]

use libfuzzer_sys::fuzz_target;
use snapfreeze_runtime::archive::parts::{Part, PartKind, Parts, rewrite};

fuzz_target!(|bytes: &[u8]| {
    // The block is what is behind the list, as if zstd had left it alone.
    let Some(length) = bytes.first().map(|length| usize::from(*length) * 16) else { return };
    let Some((parts, rest)) = Parts::split(&bytes[1..], length) else { return };
    let mut block = rest.to_vec();
    block.resize(length, 0x5a);
    parts.restore(&mut block);

    // One part alone is restored exactly, if it is not a table that refers to itself.
    for kind in [PartKind::Code, PartKind::Entries, PartKind::Frames] {
        let mut rewritten = block.clone();
        let list = rewrite(&mut rewritten, &[Part { kind, range: length / 3..length }], Some(usize::MAX));
        let (parts, _) = Parts::split(&list, length).expect("a list that was just written");
        parts.restore(&mut rewritten);
        assert_eq!(rewritten, block);
    }
});
