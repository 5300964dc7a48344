//! Makes arbitrary marshal data canonical, as each supported CPython has it. What is canonical stays as it is.

#![no_main]

use libfuzzer_sys::fuzz_target;
use snapfreeze::compile::marshal::canonical;

fuzz_target!(|bytes: &[u8]| {
    for minor in 9..=13 {
        let Ok(once) = canonical(bytes, minor, "pkg/module.py") else { continue };
        let twice = canonical(&once, minor, "pkg/module.py");
        assert_eq!(twice.as_ref(), Ok(&once), "CPython 3.{minor}");
    }
});
