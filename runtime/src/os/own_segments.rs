//! The segments of the running program, as its program headers have them.
//!
//! Those are in memory: the kernel tells where (getauxval(3), `AT_PHDR`), and `PT_PHDR` says which address that has in
//! the file's own numbers (gABI, "Program Header").

use libc::{Elf64_Phdr, PT_GNU_RELRO, PT_LOAD, PT_PHDR};

/// The program headers, and what is to be added to the addresses in them.
fn headers() -> Option<(&'static [Elf64_Phdr], usize)> {
    // SAFETY: asking for an entry of the auxiliary vector has no conditions.
    let (table, count, size) = unsafe {
        (
            libc::getauxval(libc::AT_PHDR) as usize,
            libc::getauxval(libc::AT_PHNUM) as usize,
            libc::getauxval(libc::AT_PHENT) as usize,
        )
    };
    if table == 0 || size != size_of::<Elf64_Phdr>() {
        return None;
    }
    // SAFETY: the kernel has put `count` headers of this size there, in a read-only segment that stays mapped.
    let headers = unsafe { core::slice::from_raw_parts(table as *const Elf64_Phdr, count) };
    let own = headers.iter().find(|header| header.p_type == PT_PHDR)?;
    Some((headers, table.wrapping_sub(own.p_vaddr as usize)))
}

/// The end of the file's part that is loaded at an address, in bytes from the file's beginning, where `length` bytes
/// of the file are loaded there.
pub fn end_in_file(address: usize, length: usize) -> Option<u64> {
    let (headers, bias) = headers()?;
    headers.iter().find_map(|header| {
        let inside = address.checked_sub(bias.wrapping_add(header.p_vaddr as usize))? as u64;
        let end = inside.checked_add(length as u64)?;
        let is_it = header.p_type == PT_LOAD && end <= header.p_filesz;
        is_it.then(|| header.p_offset.checked_add(end))?
    })
}

/// Makes read-only what is constant from now on. The dynamic linker does that for the last such part (`PT_GNU_RELRO`) of
/// a file; a fused one has more, and the base's has words that only this program relocates. What cannot be protected stays as it is.
pub fn protect() {
    let Some((headers, bias)) = headers() else { return };
    // SAFETY: sysconf has no conditions.
    let Ok(page @ 1..) = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }) else { return };
    let mut parts = headers.iter().filter(|header| header.p_type == PT_GNU_RELRO).peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            break;
        }
        let start = bias.wrapping_add(part.p_vaddr as usize);
        // Whole pages only, as in the dynamic linker (glibc, elf/dl-reloc.c, `_dl_protect_relro`).
        let (from, to) = (start & !(page - 1), start.wrapping_add(part.p_memsz as usize) & !(page - 1));
        if from < to {
            // SAFETY: the pages are of this program's own segments, and nothing writes to them after relocation.
            unsafe { libc::mprotect(from as *mut core::ffi::c_void, to - from, libc::PROT_READ) };
        }
    }
}
