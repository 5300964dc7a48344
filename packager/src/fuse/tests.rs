use snapfreeze_runtime::relr::{self, Group, SlotState};

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

/// Where a section is in a file.
fn section(file: &[u8], name: &str) -> std::ops::Range<usize> {
    let elf = goblin::elf::Elf::parse(file).unwrap();
    let is_it = |section: &&goblin::elf::SectionHeader| elf.shdr_strtab.get_at(section.sh_name) == Some(name);
    elf.section_headers.iter().find(is_it).unwrap().file_range().unwrap()
}

#[test]
fn what_the_dynamic_linker_need_not_do_is_packed() {
    let (fused, alone) = (twice(STUB).unwrap(), fuse(STUB, None, &[], None).unwrap());
    let left = |file: &[u8]| goblin::elf::Elf::parse(file).unwrap().dynrelas.len();
    let packed = relr::groups(&fused[section(&fused, relr::TABLE_SECTION)]).flat_map(Group::addresses);
    let packed = packed.count();
    assert!(packed > 100 && left(&fused) < left(&alone) + packed / 2, "{packed}, {}", left(&fused));
    assert!(section(&alone, relr::TABLE_SECTION).is_empty(), "the stub's own words are the dynamic linker's");
}

#[test]
fn packed_words_that_are_elsewhere_are_noticed() {
    let fused = twice(STUB).unwrap();
    let at = section(&fused, &format!("{}.0", relr::SLOT_SECTION)).start;
    let SlotState::Filled(packed) = relr::read(fused[at..].first_chunk().unwrap()) else { panic!("no slot") };
    let damages: [fn(&mut relr::Packed); 6] = [
        |packed| packed.slot += 8,
        |packed| packed.table += 8,
        |packed| packed.length -= 8,
        |packed| packed.start += 8,
        |packed| packed.end -= 8,
        |packed| packed.checksum += 1,
    ];
    for damage in damages {
        let (mut file, mut other) = (fused.clone(), packed);
        damage(&mut other);
        file[at..at + relr::SLOT_LENGTH].copy_from_slice(&relr::filled(&other));
        assert!(matches!(check::check(&file), Err(FuseError::Check(_))), "{other:x?}");
    }
    let mut file = fused.clone();
    file[at..at + relr::SLOT_LENGTH].fill(0);
    assert!(matches!(check::check(&file), Err(FuseError::Check(_))), "no slot");
    // The first word is an address: that of what is no data.
    let table = section(&fused, relr::TABLE_SECTION);
    file[table.start..table.start + 8].copy_from_slice(&packed.slot.next_multiple_of(8).to_le_bytes());
    let other = relr::Packed { start: 0, checksum: relr::sum(&file[table]), ..packed };
    file[at..at + relr::SLOT_LENGTH].copy_from_slice(&relr::filled(&other));
    let unwritable = "a packed relocation is of what is not writable";
    assert_eq!(check::check(&file), Err(FuseError::Check(unwritable.into())));
}

#[test]
fn a_base_without_cpython_is_refused() {
    assert_eq!(
        fuse(STUB, Some(Base { bytes: STUB, minor: 11 }), &[], Some(b"name")),
        Err(FuseError::NoPython)
    );
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
