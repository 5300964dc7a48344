use super::machine::Machine;
use super::*;
use crate::attach::STUB;

/// The stub twice: a file that has everything but CPython, and that starts.
fn twice(second: &[u8]) -> Result<Vec<u8>, FuseError> {
    fuse(STUB, None, &[second], Some(b"name"))
}

#[test]
fn fused_files_start_and_are_the_same_each_time() {
    let fused = twice(STUB).unwrap();
    assert_eq!(twice(STUB).unwrap(), fused);
    start::try_start(&fused, Machine::host().unwrap()).unwrap();
    start::try_start(&fuse(STUB, None, &[], None).unwrap(), Machine::host().unwrap()).unwrap();
}

#[test]
fn a_file_that_does_not_start_is_noticed() {
    let mut fused = twice(STUB).unwrap();
    let entry = goblin::elf::Elf::parse(&fused).unwrap();
    let load = entry.program_headers.iter().find(|load| load.vm_range().contains(&(entry.entry as usize)));
    let at = (entry.entry - load.unwrap().p_vaddr + load.unwrap().p_offset) as usize;
    fused[at..at + 2].copy_from_slice(&[0x0f, 0x0b]); // ud2
    assert!(matches!(start::try_start(&fused, Machine::X86_64), Err(FuseError::Check(_))));
}

#[test]
fn a_base_without_cpython_is_refused() {
    assert_eq!(fuse(STUB, Some(STUB), &[], Some(b"name")), Err(FuseError::NoPython));
}

#[test]
fn truncated_files_are_refused_without_a_panic() {
    let loaded = crate::collect::native::loaded::loaded_part(STUB.to_vec());
    for length in (0..2000).chain((2000..loaded.len()).step_by(4093)) {
        assert!(twice(&loaded[..length]).is_err(), "{length} bytes");
    }
}

#[test]
fn damaged_files_cause_no_panic() {
    let elf = goblin::elf::Elf::parse(STUB).unwrap();
    let tables: Vec<std::ops::Range<usize>> = elf
        .section_headers
        .iter()
        .filter(|section| {
            !matches!(elf.shdr_strtab.get_at(section.sh_name), Some(".text" | ".rodata" | ".eh_frame"))
        })
        .filter_map(goblin::elf::SectionHeader::file_range)
        .collect();
    let headers = std::iter::once(0..64 + 12 * 56);
    let mut damaged = STUB.to_vec();
    for range in headers.chain(tables) {
        let step = (range.len() / 40).max(1) | 1;
        for at in range.step_by(step) {
            for value in [0xff, damaged[at] ^ 0x01, damaged[at] ^ 0x80] {
                let good = std::mem::replace(&mut damaged[at], value);
                // Most damage is noticed; some bytes mean nothing.
                let _ = twice(&damaged);
                damaged[at] = good;
            }
        }
    }
}

#[test]
fn files_of_others_are_refused() {
    assert!(matches!(twice(b""), Err(FuseError::Truncated(_))));
    assert!(matches!(twice(&[7; 4096]), Err(FuseError::Malformed(_))));
    let mut other = STUB.to_vec();
    other[18] = 183; // e_machine: EM_AARCH64
    assert!(twice(&other).is_err());
    other[18] = 22; // EM_S390
    assert_eq!(twice(&other), Err(FuseError::Machine(22)));
}

#[test]
fn a_completed_program_leads_to_its_archive() {
    let mut program = fuse(STUB, None, &[], None).unwrap();
    assert_eq!(archive::find(&program), None);
    let offset = (program.len() as u64).next_multiple_of(4096);
    for (at, bytes) in archive::patches(&program, offset, 77).unwrap() {
        program[at as usize..at as usize + bytes.len()].copy_from_slice(&bytes);
    }
    let range = archive::ArchiveRange { offset, length: 77 };
    assert_eq!(archive::find(&program).map(|(_, range)| range), Some(range));
    assert_eq!(archive::patches(&program, offset, 77), None, "it is complete");
    program.resize(offset as usize + 77, 1);
    check::check(&program).unwrap();
    assert_eq!(archive::find(b"\x7fELF"), None);
    assert_eq!(archive::patches(STUB, 0, 0), None);
}
