//! Files by the C compiler, one with a segment behind its sections, and files made of a few headers by hand.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use super::*;

/// The program of these tests: it has everything that a linker writes.
fn test_program() -> Vec<u8> {
    std::fs::read(std::env::current_exe().unwrap()).unwrap()
}

#[test]
fn this_test_program_loses_its_sections_and_still_runs() {
    let file = test_program();
    let length = file.len();
    let loaded = loaded_part(file);
    assert!(loaded.len() < length);
    assert_eq!(loaded_part(loaded.clone()), loaded);

    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("program");
    std::fs::write(&program, loaded).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    assert!(Command::new(program).arg("--help").output().unwrap().status.success());
}

#[test]
fn what_is_no_plain_elf_file_is_left_alone() {
    let file = test_program();
    let with_overlay: Vec<u8> = file.iter().copied().chain(*b"overlay").collect();
    for strange in [vec![], b"text".to_vec(), with_overlay, file[..100].to_vec(), file[..64].to_vec()] {
        assert_eq!(loaded_part(strange.clone()), strange);
    }
}

/// Where the added segment is in memory.
const ADDED_AT: u64 = 0x10_0000;

/// A library with debug information whose function reads a number at [`ADDED_AT`].
const SOURCE: &str = "
    extern const char __ehdr_start[] __attribute__((visibility(\"hidden\")));
    int number(void) { return *(const volatile int *)(__ehdr_start + 0x100000); }
";

/// Adds a segment with a number behind everything else, as patchelf does. It takes the place of PT_GNU_STACK, which is
/// behind the other loadable ones in the table, and a stack need not be executable without it in a library that x86-64
/// code is in only if the kernel says so: the test reads data alone.
fn add_segment(mut file: Vec<u8>, number: i32) -> Vec<u8> {
    let start = file.len().next_multiple_of(PAGE);
    file.resize(start, 0);
    file.extend(number.to_le_bytes());
    let programs = table(&file, 32, 54, 56, PROGRAM_HEADER).unwrap();
    let mut headers = programs.step_by(PROGRAM_HEADER);
    let at = headers.find(|at| u32_at(&file, *at) == Some(PT_GNU_STACK)).unwrap();
    let words = [start as u64, ADDED_AT, ADDED_AT, 4, 4, PAGE as u64];
    put(&mut file, at, &[1, 0, 0, 0, 4, 0, 0, 0]).unwrap();
    put(&mut file, at + 8, &words.map(u64::to_le_bytes).concat()).unwrap();
    file
}

#[test]
fn a_segment_behind_the_sections_moves_and_is_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let (source, library) = (folder.path().join("number.c"), folder.path().join("number.so"));
    std::fs::write(&source, SOURCE).unwrap();
    let mut compiler = Command::new("cc");
    let compiler = compiler.args(["-g", "-shared", "-fPIC", "-nostdlib", "-o"]).arg(&library).arg(&source);
    if !compiler.status().is_ok_and(|status| status.success()) {
        eprintln!("skipped: no C compiler");
        return;
    }
    let file = add_segment(std::fs::read(&library).unwrap(), 1234);
    let loaded = loaded_part(file.clone());
    assert!(loaded.len() + PAGE <= file.len(), "{} of {}", loaded.len(), file.len());
    assert_eq!(loaded_part(loaded.clone()), loaded);

    let load = |path: &Path, bytes: &[u8]| {
        std::fs::write(path, bytes).unwrap();
        let program = "import ctypes, sys; print(ctypes.CDLL(sys.argv[1]).number())";
        Command::new("python3").args(["-c", program]).arg(path).output()
    };
    let (Ok(before), Ok(after)) =
        (load(&folder.path().join("before.so"), &file), load(&folder.path().join("after.so"), &loaded))
    else {
        eprintln!("skipped: no python3");
        return;
    };
    for output in [before, after] {
        assert_eq!(String::from_utf8_lossy(&output.stdout), "1234\n", "{output:?}");
    }
}

const SHT_PROGBITS: u32 = 1;
const PT_LOAD: u32 = 1;

/// A section of a file made by hand: its name, type, flags and place.
type Section = (&'static str, u32, u64, Range<usize>);

/// The sections of [`by_hand`]: one is loaded, one is for tools.
fn sections() -> Vec<Section> {
    vec![(".text", SHT_PROGBITS, u64::from(SHF_ALLOC), 0x200..0x1000), debug_information(".debug_info")]
}

fn debug_information(name: &'static str) -> Section {
    (name, SHT_PROGBITS, 0, 0x1000..0x4800)
}

/// A file of five pages and a half: a segment of one page, four pages of sections, and another segment.
fn by_hand(sections: &[Section], alignment: u64) -> Vec<u8> {
    let mut file: Vec<u8> = (0..0x5800u32).map(|n| (n % 251) as u8).collect();
    file[0x4f00..0x5000].fill(0);
    let header = [b"\x7fELF\x02\x01\x01".as_slice(), &[0; 9], &[3, 0, 62, 0, 1, 0, 0, 0]].concat();
    put(&mut file, 0, &header).unwrap();
    let mut half_words = vec![64, 56, 2, 64];
    half_words.extend([sections.len() as u16 + 2, 1]);
    put(&mut file, 24, &[0, 64, 0x4a00].map(u64::to_le_bytes).concat()).unwrap();
    put(&mut file, 48, &[0; 4]).unwrap();
    put(&mut file, 52, &half_words.iter().flat_map(|word: &u16| word.to_le_bytes()).collect::<Vec<_>>())
        .unwrap();
    for (number, (offset, length)) in [(0, 0x1000), (0x5000, 0x800u64)].into_iter().enumerate() {
        let words = [offset, offset, offset, length, length, alignment];
        let words = [u64::from(PT_LOAD) | 4 << 32].into_iter().chain(words);
        put(&mut file, 64 + 56 * number, &words.flat_map(u64::to_le_bytes).collect::<Vec<_>>()).unwrap();
    }
    let mut names = vec![0];
    let mut headers = vec![[0u8; 64]];
    let own: Section = (".shstrtab", SHT_STRTAB, 0, 0x4800..0x4900);
    for (name, kind, flags, range) in std::iter::once(&own).chain(sections) {
        let start = u64::from(*kind) << 32 | names.len() as u64;
        names.extend([name.as_bytes(), &[0]].concat());
        let words = [start, *flags, range.start as u64, range.start as u64, range.len() as u64, 0, 1, 0];
        headers.push(words.map(u64::to_le_bytes).concat().try_into().unwrap());
    }
    put(&mut file, 0x4800, &names).unwrap();
    put(&mut file, 0x4a00, &headers.concat()).unwrap();
    file
}

#[test]
fn the_segments_of_a_file_by_hand_close_up() {
    let file = by_hand(&sections(), 0x1000);
    let loaded = loaded_part(file.clone());
    assert_eq!(loaded.len(), 0x1800);
    assert_eq!(loaded[0x100..0x1000], file[0x100..0x1000]);
    assert_eq!(loaded[0x1000..], file[0x5000..]);
    assert_eq!(u64_at(&loaded, 64 + 56 + 8), Some(0x1000), "p_offset");
    assert_eq!(u64_at(&loaded, 64 + 56 + 16), Some(0x5000), "p_vaddr");
    assert_eq!((u64_at(&loaded, 40), u32_at(&loaded, 60)), (Some(0), Some(0)), "no sections");
}

#[test]
fn a_segment_moves_by_multiples_of_its_alignment() {
    let loaded = loaded_part(by_hand(&sections(), 0x4000));
    assert_eq!(loaded.len(), 0x1800);
    let file = by_hand(&sections(), 0x10000);
    assert_eq!(loaded_part(file.clone()), file, "there is no room to move");
    let odd = by_hand(&sections(), 0x3000);
    assert_eq!(loaded_part(odd.clone()), odd, "no power of two");
}

#[test]
fn what_may_be_a_programs_own_is_left_alone() {
    let text = sections()[0].clone();
    let alone = |sections: &[Section]| {
        let file = by_hand(sections, 0x1000);
        assert_eq!(loaded_part(file.clone()), file, "{sections:?}");
    };
    alone(&[text.clone(), debug_information(".my_table")]);
    alone(std::slice::from_ref(&text));
    let data: Section = (".data", SHT_PROGBITS, u64::from(SHF_ALLOC), 0x4000..0x5100);
    alone(&[text, debug_information(".debug_info"), data]);
    let mut file = by_hand(&sections(), 0x1000);
    file.extend(b"appended");
    assert_eq!(loaded_part(file.clone()), file);
}

#[test]
fn remains_between_sections_do_no_harm() {
    let mut file = by_hand(&sections(), 0x1000);
    file[0x4f80] = 1;
    assert_eq!(loaded_part(file).len(), 0x1800);
}

#[test]
fn no_header_makes_it_panic() {
    let file = by_hand(&sections(), 0x1000);
    let headers = (0..64 + 2 * 56).chain(0x4a00..0x4a00 + 4 * 64);
    for at in headers {
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut damaged = file.clone();
            damaged[at] = value;
            let loaded = loaded_part(damaged.clone());
            assert!(loaded.len() <= damaged.len());
            assert_eq!(loaded_part(loaded.clone()), loaded, "byte {at} is {value}");
        }
    }
    for length in 0..file.len() {
        let cut = file[..length].to_vec();
        assert_eq!(loaded_part(cut.clone()), cut);
    }
}
