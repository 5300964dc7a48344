//! The machine code of a native file that can be decompressed when it is executed.
//!
//! Large libraries have code for every processor and every task, and a start executes little of it: of OpenBLAS's 20 MB,
//! less than one. Such code gets blocks of its own. The runtime maps the file without them, and supplies each when it is
//! first executed (`os::on_demand` there). That takes a file whose code is looked at by nobody before the dynamic linker has
//! loaded it, and, until all of it is there, by nobody but the processor: not by the kernel, when it is handed an address.

use std::ops::Range;
use std::path::Path;

use goblin::elf::dynamic::{
    DF_1_INITFIRST, DF_TEXTREL, DT_FLAGS, DT_FLAGS_1, DT_GNU_HASH, DT_HASH, DT_INIT_ARRAY, DT_JMPREL,
    DT_PREINIT_ARRAY, DT_RELA, DT_STRTAB, DT_SYMTAB, DT_TEXTREL, DT_VERDEF, DT_VERNEED, DT_VERSYM,
};
use goblin::elf::header::EM_X86_64;
use goblin::elf::program_header::{PF_W, PF_X, PT_LOAD};
use goblin::elf::reloc::R_X86_64_IRELATIVE;
use goblin::elf::sym::STT_GNU_IFUNC;
use goblin::elf::{Elf, ProgramHeader};

use crate::collect::native::loaded::PAGE;

/// Less code than this is not worth it.
const LEAST: usize = 2 << 20;

/// Where a start loads less than this of native files, all of it is there in time: the threads that decompress ahead give about a
/// megabyte a millisecond.
const LEAST_EARLY: u64 = 24 << 20;

/// Whether it is worth another thread, for the native files that a start is expected to load.
pub(super) fn is_worth_it(early: &[&Path]) -> bool {
    let length = |path: &&Path| std::fs::metadata(path).map_or(0, |status| status.len());
    early.iter().map(length).sum::<u64>() >= LEAST_EARLY
}

/// Which bytes of the file are such code: whole pages. None where there is too little, or it is not certain.
pub(super) fn code(file: &[u8]) -> Option<Range<usize>> {
    let elf = Elf::parse(file).ok().filter(|elf| elf.header.e_machine == EM_X86_64 && elf.is_64)?;
    let mut executable =
        elf.program_headers.iter().filter(|header| header.p_type == PT_LOAD && header.p_flags & PF_X != 0);
    let (segment, None) = (executable.next()?, executable.next()) else { return None };
    let sections = executable_sections(&elf, segment).unwrap_or_else(|| segment.file_range());
    let code = sections.start.checked_next_multiple_of(PAGE)?..sections.end.min(file.len()) / PAGE * PAGE;
    let is_code = segment.p_flags & PF_W == 0
        && segment.p_filesz == segment.p_memsz
        && code.end.saturating_sub(code.start) >= LEAST
        && code.start >= elf.header.e_ehsize as usize
        && !code.contains(&usize::try_from(elf.header.e_phoff).ok()?);
    (is_code && !holds_tables(&elf, segment, &code)? && !runs_while_loaded(&elf)?).then_some(code)
}

/// From the first to the last of the sections with code, where they say so: older linkers put constants in the same segment.
fn executable_sections(elf: &Elf, segment: &ProgramHeader) -> Option<Range<usize>> {
    let within = segment.file_range();
    let is_within = |range: &Range<usize>| range.start >= within.start && range.end <= within.end;
    let sections = || {
        let loaded = elf.section_headers.iter().filter(|section| section.is_alloc());
        loaded.filter_map(|section| Some((section.is_executable(), section.file_range()?)))
    };
    let code = || sections().filter(|(is_code, range)| *is_code && is_within(range)).map(|(_, range)| range);
    let range = code().map(|range| range.start).min()?..code().map(|range| range.end).max()?;
    let overlaps = |other: &Range<usize>| other.start < range.end && other.end > range.start;
    (!sections().any(|(is_code, other)| !is_code && overlaps(&other))).then_some(range)
}

/// Whether there is among the code what the dynamic linker or a debugger reads.
fn holds_tables(elf: &Elf, segment: &ProgramHeader, code: &Range<usize>) -> Option<bool> {
    const TABLES: [u64; 11] = [
        DT_GNU_HASH,
        DT_HASH,
        DT_INIT_ARRAY,
        DT_JMPREL,
        DT_PREINIT_ARRAY,
        DT_RELA,
        DT_STRTAB,
        DT_SYMTAB,
        DT_VERDEF,
        DT_VERNEED,
        DT_VERSYM,
    ];
    let shift = segment.p_vaddr.wrapping_sub(segment.p_offset);
    let is_inside = |address: u64| {
        usize::try_from(address.wrapping_sub(shift)).is_ok_and(|offset| code.contains(&offset))
    };
    let others = elf.program_headers.iter().filter(|header| header.p_type != PT_LOAD && header.p_memsz > 0);
    let tables = elf.dynamic.as_ref()?.dyns.iter().filter(|entry| TABLES.contains(&entry.d_tag));
    Some(others.map(|header| header.p_vaddr).chain(tables.map(|entry| entry.d_val)).any(is_inside))
}

/// Whether the dynamic linker changes the code, or runs some of it before constructors.
fn runs_while_loaded(elf: &Elf) -> Option<bool> {
    let is_flag = |tag: u64, value: u64| match tag {
        DT_TEXTREL | DT_PREINIT_ARRAY => true,
        DT_FLAGS => value & DF_TEXTREL != 0,
        DT_FLAGS_1 => value & DF_1_INITFIRST != 0,
        _ => false,
    };
    let mut relocations = elf.dynrelas.iter().chain(elf.pltrelocs.iter());
    Some(
        elf.dynamic.as_ref()?.dyns.iter().any(|entry| is_flag(entry.d_tag, entry.d_val))
            || elf.dynsyms.iter().any(|symbol| symbol.st_type() == STT_GNU_IFUNC)
            || relocations.any(|relocation| relocation.r_type == R_X86_64_IRELATIVE),
    )
}
