//! Real libraries say what they need, damaged ones are refused.

use std::fs::File;
use std::io::Cursor;

use super::*;

/// A library that every glibc system has, and what it says.
fn libm() -> Vec<u8> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let path =
        maps.split_whitespace().find(|word| word.ends_with("/libc.so.6")).expect("this process has glibc");
    std::fs::read(std::path::Path::new(path).with_file_name("libm.so.6")).unwrap()
}

#[test]
fn this_test_needs_a_glibc_and_says_by_which_symbol() {
    let needs = NativeNeeds::read(&mut File::open("/proc/self/exe").unwrap()).unwrap();
    assert!(needs.needed.contains(&"libc.so.6".to_owned()), "{needs:?}");
    assert!(needs.glibc >= Version::parse("2.2.5"), "{needs:?}");
    assert!(needs.glibc_symbol.is_some(), "{needs:?}");
    assert_eq!(needs.machine, std::env::consts::ARCH);
}

#[test]
fn versions_are_ordered_by_number_and_private_ones_are_none() {
    assert!(Version::parse("2.4") < Version::parse("2.34"));
    assert!(Version::parse("2.2.5") > Version::parse("2.2"));
    assert_eq!(glibc_version("GLIBC_PRIVATE"), None);
    assert_eq!(glibc_version("CXXABI_1.3"), None);
    assert_eq!(glibc_version("GLIBC_ABI_DT_RELR"), Version::parse("2.36"));
    assert_eq!(glibc_version("GLIBC_2.2.5").unwrap().to_string(), "2.2.5");
}

#[test]
fn notes_tell_instructions_and_kernel() {
    let mut needs = NativeNeeds::default();
    let note = |kind: u32, words: &[u32]| {
        let head = [4, 4 * words.len() as u32, kind, u32::from_le_bytes(*b"GNU\0")];
        head.iter().chain(words).flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>()
    };
    let mut bytes = note(NT_GNU_PROPERTY, &[X86_ISA_NEEDED, 4, 0b110, 0]);
    bytes.extend(note(NT_GNU_ABI_TAG, &[0, 3, 2, 0]));
    let ctx = Ctx::new(Container::Big, goblin::container::Endian::Little);
    needs.take_notes(&Words { bytes: &bytes, little: true }, 8, ctx);
    assert_eq!(needs.instructions, Some("x86-64-v3"));
    assert_eq!(needs.kernel.unwrap().to_string(), "3.2.0");
    for length in 0..bytes.len() {
        NativeNeeds::default().take_notes(&Words { bytes: &bytes[..length], little: true }, 4, ctx);
    }
}

#[test]
fn damaged_files_are_refused_or_read_but_never_crash() {
    let whole = libm();
    let read = |bytes: &[u8]| NativeNeeds::read(&mut Cursor::new(bytes));
    assert!(read(&whole).is_ok());
    for length in [0, 3, 4, 63, 64, 200, 1000, whole.len() / 2, whole.len() - 4096] {
        let _ = read(&whole[..length]);
    }
    let mut bytes = whole.clone();
    for at in (0..bytes.len().min(60_000)).step_by(7) {
        let kept = bytes[at];
        bytes[at] ^= 0xff;
        let _ = read(&bytes);
        bytes[at] = kept;
    }
    assert!(matches!(
        read(b"no ELF file at all, though longer than sixty-four bytes, which a header has"),
        Err(ElfError::NotElf)
    ));
}
