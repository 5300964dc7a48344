//! The dynamic section of an object (gABI, "Dynamic Section").

use object::elf::{self, Dyn64, GnuHashHeader};
use object::endian::LittleEndian as LE;
use object::pod;

use super::FuseError;
use super::image::{Image, MOST_ENTRIES, Segment};

/// A table: its address and its size in bytes.
pub type Table = (u64, u64);

/// What a dynamic section says.
#[derive(Debug, Default)]
pub struct Dynamic<'a> {
    strings: &'a [u8],
    /// Address of the symbol table.
    pub symbols: u64,
    gnu_hash: Option<u64>,
    hash: Option<u64>,
    /// `DT_NEEDED`.
    pub needed: Vec<&'a [u8]>,
    /// `DT_SONAME`.
    pub soname: Option<&'a [u8]>,
    /// Whether its own definitions come before all others (`DF_SYMBOLIC`).
    pub is_symbolic: bool,
    /// `DT_INIT`.
    pub init: Option<u64>,
    /// `DT_FINI`.
    pub fini: Option<u64>,
    /// `DT_PREINIT_ARRAY`.
    pub preinit_array: Table,
    /// `DT_INIT_ARRAY`.
    pub init_array: Table,
    /// `DT_FINI_ARRAY`.
    pub fini_array: Table,
    /// `DT_RELA`.
    pub relocations: Table,
    /// `DT_JMPREL`.
    pub slots: Table,
    /// `DT_RELR`.
    pub packed: Table,
    /// `DT_VERSYM`.
    pub version_numbers: Option<u64>,
    /// `DT_VERNEED`.
    pub versions_needed: Option<u64>,
    /// `DT_VERDEF`.
    pub versions_defined: Option<u64>,
}

impl<'a> Dynamic<'a> {
    /// Reads the section.
    ///
    /// # Errors
    /// When a table that it names cannot be.
    pub fn read(image: &Image<'a>, section: Segment) -> Result<Self, FuseError> {
        let bytes = image.at(section.address, section.file_size, "the dynamic section")?;
        let (entries, _) = pod::slice_from_bytes::<Dyn64<LE>>(bytes, bytes.len() / size_of::<Dyn64<LE>>())
            .map_err(|()| FuseError::Truncated("the dynamic section"))?;
        let mut dynamic = Self::default();
        let (mut strings, mut needed, mut soname): (Table, Vec<u64>, _) = ((0, 0), Vec::new(), None);
        let mut slot_kind = elf::DT_RELA;
        for entry in entries {
            let (tag, value) = (entry.d_tag.get(LE), entry.d_val.get(LE));
            match tag {
                elf::DT_NULL => break,
                elf::DT_NEEDED => needed.push(value),
                elf::DT_SONAME => soname = Some(value),
                elf::DT_STRTAB => strings.0 = value,
                elf::DT_STRSZ => strings.1 = value,
                elf::DT_SYMTAB => dynamic.symbols = value,
                elf::DT_GNU_HASH => dynamic.gnu_hash = Some(value),
                elf::DT_HASH => dynamic.hash = Some(value),
                elf::DT_SYMBOLIC => dynamic.is_symbolic = true,
                elf::DT_TEXTREL => return Err(FuseError::TextRelocation),
                elf::DT_FLAGS if value & u64::from(elf::DF_TEXTREL) != 0 => {
                    return Err(FuseError::TextRelocation);
                }
                elf::DT_FLAGS => dynamic.is_symbolic |= value & u64::from(elf::DF_SYMBOLIC) != 0,
                elf::DT_INIT => dynamic.init = Some(value).filter(|value| *value != 0),
                elf::DT_FINI => dynamic.fini = Some(value).filter(|value| *value != 0),
                elf::DT_PREINIT_ARRAY => dynamic.preinit_array.0 = value,
                elf::DT_PREINIT_ARRAYSZ => dynamic.preinit_array.1 = value,
                elf::DT_INIT_ARRAY => dynamic.init_array.0 = value,
                elf::DT_INIT_ARRAYSZ => dynamic.init_array.1 = value,
                elf::DT_FINI_ARRAY => dynamic.fini_array.0 = value,
                elf::DT_FINI_ARRAYSZ => dynamic.fini_array.1 = value,
                elf::DT_RELA => dynamic.relocations.0 = value,
                elf::DT_RELASZ => dynamic.relocations.1 = value,
                elf::DT_JMPREL => dynamic.slots.0 = value,
                elf::DT_PLTRELSZ => dynamic.slots.1 = value,
                elf::DT_PLTREL => slot_kind = i64::try_from(value).unwrap_or_default(),
                elf::DT_RELR => dynamic.packed.0 = value,
                elf::DT_RELRSZ => dynamic.packed.1 = value,
                elf::DT_REL => return Err(FuseError::RelocationForm("it has no addend of its own (DT_REL)")),
                elf::DT_VERSYM => dynamic.version_numbers = Some(value),
                elf::DT_VERNEED => dynamic.versions_needed = Some(value),
                elf::DT_VERDEF => dynamic.versions_defined = Some(value),
                _ => {}
            }
        }
        if slot_kind != elf::DT_RELA {
            return Err(FuseError::RelocationForm("it has no addend of its own (DT_PLTREL)"));
        }
        dynamic.strings = image.at(strings.0, strings.1, "the string table")?;
        dynamic.needed =
            needed.into_iter().map(|name| dynamic.string(name)).collect::<Result<_, FuseError>>()?;
        dynamic.soname = soname.map(|name| dynamic.string(name)).transpose()?;
        Ok(dynamic)
    }

    /// A string of the string table.
    ///
    /// # Errors
    /// When it does not end there.
    pub fn string(&self, at: u64) -> Result<&'a [u8], FuseError> {
        let text = usize::try_from(at).ok().and_then(|at| self.strings.get(at..));
        let end = text.and_then(|text| memchr::memchr(0, text));
        match (text, end) {
            (Some(text), Some(end)) => Ok(&text[..end]),
            _ => Err(FuseError::Malformed("a string lies outside of the string table")),
        }
    }

    /// How many symbols the hash tables know of.
    pub fn symbol_count(&self, image: &Image<'_>) -> Result<usize, FuseError> {
        if let Some(address) = self.gnu_hash {
            return counted_by_gnu_hash(image.from(address, "the hash table")?)
                .ok_or(FuseError::Malformed("the hash table contradicts itself"));
        }
        let Some(address) = self.hash else { return Ok(0) };
        let table = image.at(address, 8, "the hash table")?;
        Ok(table.last_chunk().map_or(0, |count: &[u8; 4]| u32::from_le_bytes(*count) as usize))
    }
}

/// The number of symbols: the table has no such field, but its last chain ends with the last symbol.
fn counted_by_gnu_hash(table: &[u8]) -> Option<usize> {
    let (header, rest) = pod::from_bytes::<GnuHashHeader<LE>>(table).ok()?;
    let blooms = usize::try_from(header.bloom_count.get(LE)).ok()?.checked_mul(8)?;
    let word = |bytes: &[u8], at: usize| {
        let bytes = bytes.get(at.checked_mul(4)?..)?.first_chunk()?;
        Some(u32::from_le_bytes(*bytes) as usize)
    };
    let buckets = rest.get(blooms..)?;
    let (count, first) = (header.bucket_count.get(LE) as usize, header.symbol_base.get(LE) as usize);
    let chains = buckets.get(count.checked_mul(4)?..)?;
    let mut last = 0;
    for bucket in 0..count {
        last = last.max(word(buckets, bucket)?);
    }
    if last == 0 {
        return (first <= MOST_ENTRIES).then_some(first);
    }
    while word(chains, last.checked_sub(first)?)? & 1 == 0 {
        last += 1;
    }
    Some(last + 1)
}
