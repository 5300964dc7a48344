//! Relocation of the program by itself: what the dynamic linker was not told of.
//!
//! It is the first thing that the entry does. The dynamic linker has relocated the stub by then, and run the constructors of
//! the libraries; nothing of CPython has run.

use super::pages::fill;
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
    let mut pages = Pages::new(bias);
    for group in relr::groups(table) {
        match group.end() {
            Some(last) if group.first >= start && last <= end => pages.want(group.first, last),
            _ => return Err(StartError::DamagedRelocations),
        }
    }
    pages.copy();
    for group in relr::groups(table) {
        for address in group.addresses() {
            let word = core::ptr::with_exposed_provenance_mut::<u64>(bias.wrapping_add(address) as usize);
            // SAFETY: it is in the range that the slot names, which is data of this program.
            unsafe { word.write_unaligned(word.read_unaligned().wrapping_add(bias)) };
        }
    }
    Ok(())
}

/// Pages that are about to be written to. The kernel copies those that follow each other together (Linux 5.14,
/// madvise(2)), which spares a fault for each; where it does not, the faults come.
struct Pages {
    bias: u64,
    size: u64,
    from: u64,
    to: u64,
}

impl Pages {
    fn new(bias: u64) -> Self {
        // SAFETY: sysconf has no conditions.
        let size = u64::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(1).max(1);
        Self { bias, size, from: 0, to: 0 }
    }

    /// Adds the pages from one address to another. Addresses ascend, but for those of the next object.
    fn want(&mut self, first: u64, end: u64) {
        let from = self.bias.wrapping_add(first) & !(self.size - 1);
        let to = self.bias.wrapping_add(end).wrapping_add(self.size - 1) & !(self.size - 1);
        if from < self.from || from > self.to {
            self.copy();
            (self.from, self.to) = (from, to);
        }
        self.to = self.to.max(to);
    }

    fn copy(&self) {
        if self.from >= self.to {
            return;
        }
        let memory = core::ptr::with_exposed_provenance_mut::<core::ffi::c_void>(self.from as usize);
        let length = (self.to - self.from) as usize;
        // SAFETY: the pages are of this program's own data, and their content stays as it is.
        unsafe { fill(memory, length) };
    }
}
