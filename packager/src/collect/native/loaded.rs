//! The part of an ELF file that the dynamic linker loads.
//!
//! Section headers, symbol tables for debuggers and debug information stand after the loaded segments (gABI,
//! "Program Header": only segments matter to execution). They are often most of the file. A file that has anything
//! else there, or is built in another way, is left as it is.

use std::ops::Range;

/// `PT_LOAD` and the types whose contents count though no PT_LOAD need cover them.
const PT_NULL: u32 = 0;
const PT_GNU_STACK: u32 = 0x6474_e551;

/// Length of a 64-bit program header and section header.
const PROGRAM_HEADER: usize = 56;
const SECTION_HEADER: usize = 64;
const SHT_NOBITS: u32 = 8;

/// The file without what follows its segments, or the file itself.
pub fn loaded_part(mut file: Vec<u8>) -> Vec<u8> {
    if let Some(end) = loaded_end(&file) {
        file.truncate(end);
        // e_shoff, e_shnum, e_shstrndx: there are no sections any more.
        for field in [40..48, 60..62, 62..64] {
            file[field].fill(0);
        }
    }
    file
}

/// Where the last segment ends, if all that follows are sections.
fn loaded_end(file: &[u8]) -> Option<usize> {
    // 64-bit, little-endian.
    if file.get(..6)? != b"\x7fELF\x02\x01" {
        return None;
    }
    let programs = table(file, 32, 54, 56, PROGRAM_HEADER)?;
    let mut end = programs.end;
    for at in programs.step_by(PROGRAM_HEADER) {
        if !matches!(u32_at(file, at)?, PT_NULL | PT_GNU_STACK) {
            end = end.max(range(u64_at(file, at + 8)?, u64_at(file, at + 32)?)?.end);
        }
    }
    let sections = table(file, 40, 58, 60, SECTION_HEADER)?;
    let mut covered = sections.end;
    for at in sections.step_by(SECTION_HEADER) {
        if u32_at(file, at + 4)? != SHT_NOBITS {
            covered = covered.max(range(u64_at(file, at + 24)?, u64_at(file, at + 32)?)?.end);
        }
    }
    (end < file.len() && covered == file.len()).then_some(end)
}

/// A table of headers: its offset, the length of an entry and their number are in the ELF header.
fn table(
    file: &[u8],
    offset_at: usize,
    length_at: usize,
    count_at: usize,
    length: usize,
) -> Option<Range<usize>> {
    if usize::from(u16_at(file, length_at)?) != length {
        return None;
    }
    let table =
        range(u64_at(file, offset_at)?, u64::from(u16_at(file, count_at)?).checked_mul(length as u64)?)?;
    (!table.is_empty() && table.end <= file.len()).then_some(table)
}

fn range(start: u64, length: u64) -> Option<Range<usize>> {
    let start = usize::try_from(start).ok()?;
    Some(start..start.checked_add(usize::try_from(length).ok()?)?)
}

fn array<const N: usize>(file: &[u8], at: usize) -> Option<[u8; N]> {
    file.get(at..)?.first_chunk().copied()
}

fn u16_at(file: &[u8], at: usize) -> Option<u16> {
    array(file, at).map(u16::from_le_bytes)
}

fn u32_at(file: &[u8], at: usize) -> Option<u32> {
    array(file, at).map(u32::from_le_bytes)
}

fn u64_at(file: &[u8], at: usize) -> Option<u64> {
    array(file, at).map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_test_program_loses_its_sections_and_still_runs() {
        let file = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let length = file.len();
        let loaded = loaded_part(file);
        assert!(loaded.len() < length);
        assert_eq!(loaded_part(loaded.clone()), loaded);

        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("program");
        std::fs::write(&program, loaded).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert!(std::process::Command::new(program).arg("--help").output().unwrap().status.success());
    }

    #[test]
    fn what_is_no_plain_elf_file_is_left_alone() {
        let file = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let with_overlay: Vec<u8> = file.iter().copied().chain(*b"overlay").collect();
        for strange in [vec![], b"text".to_vec(), with_overlay, file[..100].to_vec(), file[..64].to_vec()] {
            assert_eq!(loaded_part(strange.clone()), strange);
        }
    }
}
