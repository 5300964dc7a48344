//! Relocation of the program by itself: what the dynamic linker was not told of.
//!
//! It is the first thing that the entry does. The dynamic linker has relocated the stub by then, and run the constructors of
//! the libraries; nothing of CPython has run.

use super::pages::fill;
use crate::error::StartError;
use crate::relr::{self, Group, Packed, SLOT_LENGTH, SlotState};

/// Adds to each packed word how far the program is from its own addresses, but for those that wait.
///
/// # Errors
/// When the slot or the table is damaged. Nothing outside of what the slot names is written.
///
/// # Safety
/// `slot` is the program's own, in its file, and nothing else uses the words that it leads to. To be called once.
pub unsafe fn apply(slot: *const [u8; SLOT_LENGTH]) -> Result<(), StartError> {
    // SAFETY: passed on from this function's own contract.
    let Some(table) = (unsafe { Table::find(slot) })? else { return Ok(()) };
    if relr::sum(table.bytes) != table.packed.checksum {
        return Err(StartError::DamagedRelocations);
    }
    let Packed { start, end, .. } = table.packed;
    let is_inside = |group: Group| group.first >= start && group.end().is_some_and(|last| last <= end);
    if !relr::groups(table.bytes).all(is_inside) {
        return Err(StartError::DamagedRelocations);
    }
    // SAFETY: the words are in the range that the slot names, which is data of this program.
    unsafe { relocate(table.now, table.bias) };
    Ok(())
}

/// The same for those that wait. A slot or table that [`apply`] has refused is none.
///
/// # Safety
/// As for [`apply`], which has returned.
pub unsafe fn apply_late(slot: *const [u8; SLOT_LENGTH]) {
    // SAFETY: passed on from this function's own contract.
    if let Ok(Some(table)) = unsafe { Table::find(slot) } {
        // SAFETY: `apply` has found each word inside of the range that the slot names.
        unsafe { relocate(table.late, table.bias) };
    }
}

/// The table that a slot leads to.
struct Table {
    packed: Packed,
    bias: u64,
    bytes: &'static [u8],
    now: &'static [u8],
    late: &'static [u8],
}

impl Table {
    /// # Safety
    /// `slot` is the program's own, in its file.
    unsafe fn find(slot: *const [u8; SLOT_LENGTH]) -> Result<Option<Self>, StartError> {
        // SAFETY: the slot is what this function was given. The packager writes it into the file, unknown to the compiler.
        let packed = match relr::read(&unsafe { core::ptr::read_volatile(slot) }) {
            SlotState::Empty => return Ok(None),
            SlotState::Filled(packed) => packed,
            SlotState::Damaged => return Err(StartError::DamagedRelocations),
        };
        let bias = (slot.expose_provenance() as u64).wrapping_sub(packed.slot);
        let as_length = |length| usize::try_from(length).map_err(|_| StartError::DamagedRelocations);
        let length = as_length(packed.length)?;
        let table = core::ptr::with_exposed_provenance(bias.wrapping_add(packed.table) as usize);
        // SAFETY: a slot that matches its checksum is as the packager wrote it: the table is in a read-only segment.
        let bytes: &[u8] = unsafe { core::slice::from_raw_parts(table, length) };
        let parts = bytes.split_at_checked(as_length(packed.late)?);
        let (now, late) = parts.ok_or(StartError::DamagedRelocations)?;
        Ok(Some(Self { packed, bias, bytes, now, late }))
    }
}

/// Adds the bias to each word of a table.
///
/// # Safety
/// The words are data of this program that nothing else uses.
unsafe fn relocate(table: &[u8], bias: u64) {
    let mut pages = Pages::new(bias);
    for group in relr::groups(table) {
        pages.want(group);
    }
    pages.copy();
    for address in relr::groups(table).flat_map(Group::addresses) {
        let word = core::ptr::with_exposed_provenance_mut::<u64>(bias.wrapping_add(address) as usize);
        // SAFETY: from the contract.
        unsafe { word.write_unaligned(word.read_unaligned().wrapping_add(bias)) };
    }
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

    /// Adds the pages of a group. Addresses ascend, but for those of the next object.
    fn want(&mut self, group: Group) {
        let (first, end) = (group.first, group.end().unwrap_or(group.first));
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
