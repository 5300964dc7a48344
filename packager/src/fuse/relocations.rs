//! The relocations of an object, in all forms in which they are written.

use object::elf::Rela64;
use object::endian::LittleEndian as LE;
use object::pod;
use snapfreeze_runtime::relr;

use super::FuseError;
use super::image::{Image, MOST_ENTRIES};
use super::machine::RelocationKind;

/// A relocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Relocation {
    /// The address of what it changes.
    pub address: u64,
    /// What it does.
    pub kind: RelocationKind,
    /// Number of its symbol, or 0.
    pub symbol: u32,
    /// Its addend.
    pub addend: i64,
}

/// Reads all of an object.
///
/// # Errors
/// When a table is damaged, a type unknown, or what is to be changed is not writable.
pub fn read(image: &Image<'_>) -> Result<Vec<Relocation>, FuseError> {
    let mut all = Vec::new();
    for (address, size) in [image.dynamic.relocations, image.dynamic.slots] {
        if size == 0 {
            continue;
        }
        let bytes = image.at(address, size, TABLE)?;
        let (entries, _) = pod::slice_from_bytes::<Rela64<LE>>(bytes, bytes.len() / size_of::<Rela64<LE>>())
            .map_err(|()| FuseError::Truncated(TABLE))?;
        for entry in entries {
            let number = entry.r_type(LE, false);
            let kind = image.machine.kind(number).ok_or(FuseError::Relocation(number))?;
            if kind != RelocationKind::None {
                let (address, symbol) = (entry.r_offset.get(LE), entry.r_sym(LE, false));
                all.push(Relocation { address, kind, symbol, addend: entry.r_addend.get(LE) });
            }
        }
    }
    read_packed(image, &mut all)?;
    if all.iter().any(|relocation| !is_writable(image, relocation.address)) {
        return Err(FuseError::TextRelocation);
    }
    Ok(all)
}

const TABLE: &str = "a table of relocations";

/// `DT_RELR` (gABI, "Relative Relocation Table"). The addends are what is there.
fn read_packed(image: &Image<'_>, all: &mut Vec<Relocation>) -> Result<(), FuseError> {
    let (address, size) = image.dynamic.packed;
    if size == 0 {
        return Ok(());
    }
    let mut push = |address: u64| {
        if all.len() >= MOST_ENTRIES {
            return Err(FuseError::Malformed("it has too many relocations"));
        }
        let addend = image.word(address, "what a relocation changes")?.cast_signed();
        all.push(Relocation { address, kind: RelocationKind::Relative, symbol: 0, addend });
        Ok(())
    };
    for group in relr::groups(image.at(address, size, TABLE)?) {
        group.addresses().try_for_each(&mut push)?;
    }
    Ok(())
}

fn is_writable(image: &Image<'_>, address: u64) -> bool {
    let holds = |load: &&super::image::Segment| {
        address.checked_add(8).is_some_and(|end| load.holds(address) && end <= load.end())
    };
    image.loads.iter().find(holds).is_some_and(|load| load.flags & object::elf::PF_W != 0)
}
