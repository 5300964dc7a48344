//! Relocation of the program by itself: what the dynamic linker was not told of.
//!
//! It is the first thing that the entry does. The dynamic linker has relocated the stub by then, and run the constructors of
//! the libraries; nothing of CPython has run.

use crate::error::StartError;
use crate::relr::{self, Packed, SLOT_LENGTH, SlotState};

/// Adds to each packed word how far the program is from its own addresses.
///
/// # Errors
/// When the slot or the table is damaged. Nothing outside of what the slot names is written.
///
/// # Safety
/// `slot` is the program's own, in its file, and nothing else uses the words that it leads to. To be called once.
pub unsafe fn apply(slot: *const [u8; SLOT_LENGTH]) -> Result<(), StartError> {
    // SAFETY: the slot is what this function was given. The packager writes it into the file, unknown to the compiler.
    let packed = match relr::read(&unsafe { core::ptr::read_volatile(slot) }) {
        SlotState::Empty => return Ok(()),
        SlotState::Filled(packed) => packed,
        SlotState::Damaged => return Err(StartError::DamagedRelocations),
    };
    let Packed { slot: own, table, length, start, end, checksum } = packed;
    let bias = (slot.expose_provenance() as u64).wrapping_sub(own);
    let length = usize::try_from(length).map_err(|_| StartError::DamagedRelocations)?;
    let table = core::ptr::with_exposed_provenance(bias.wrapping_add(table) as usize);
    // SAFETY: a slot that matches its checksum is as the packager wrote it: the table is in a read-only segment.
    let table: &[u8] = unsafe { core::slice::from_raw_parts(table, length) };
    if relr::sum(table) != checksum {
        return Err(StartError::DamagedRelocations);
    }
    make_own(bias.wrapping_add(start) as usize, bias.wrapping_add(end) as usize);
    for group in relr::groups(table) {
        if group.first < start || group.end().is_none_or(|last| last > end) {
            return Err(StartError::DamagedRelocations);
        }
        for address in group.addresses() {
            let word = core::ptr::with_exposed_provenance_mut::<u64>(bias.wrapping_add(address) as usize);
            // SAFETY: it is in the range that the slot names, which is data of this program.
            unsafe { word.write_unaligned(word.read_unaligned().wrapping_add(bias)) };
        }
    }
    Ok(())
}

/// Has the kernel copy the pages from `from` to `to` together (Linux 5.14, madvise(2)): nearly all of them have a word to
/// relocate, and a page that is written to is copied anyway, with a fault for each. Where the kernel does not, it does that.
fn make_own(from: usize, to: usize) {
    // SAFETY: sysconf has no conditions.
    let Ok(page @ 1..) = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }) else { return };
    let from = from & !(page - 1);
    let memory = core::ptr::with_exposed_provenance_mut::<core::ffi::c_void>(from);
    // SAFETY: the pages are of this program's own data, and their content stays as it is.
    unsafe { libc::madvise(memory, to.saturating_sub(from), libc::MADV_POPULATE_WRITE) };
}
