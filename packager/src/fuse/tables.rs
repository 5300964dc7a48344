//! The new tables of the dynamic linker, as bytes: symbols, their hash table, their versions, relocations.

use std::collections::HashMap;

use object::elf::{self, Dyn64, GnuHashHeader, Rela64, Sym64, Vernaux, Verneed};
use object::endian::{LittleEndian as LE, U16, U32, U64};
use object::{I64, pod};

use super::machine::{Machine, RelocationKind};
use super::relocations::Relocation;
use super::symbols::{Owned, Symbols, bucket_count};

/// A string table that has each string once.
#[derive(Debug)]
pub struct Strings<'a> {
    /// The table.
    pub bytes: Vec<u8>,
    known: HashMap<&'a [u8], u32>,
}

impl<'a> Strings<'a> {
    /// A table with the empty string.
    pub fn new() -> Self {
        Self { bytes: vec![0], known: HashMap::from([(&b""[..], 0)]) }
    }

    /// The offset of a string.
    pub fn offset(&mut self, text: &'a [u8]) -> u32 {
        let Self { bytes, known } = self;
        *known.entry(text).or_insert_with(|| {
            let at = u32::try_from(bytes.len()).unwrap_or(0);
            bytes.extend_from_slice(text);
            bytes.push(0);
            at
        })
    }
}

/// Bits of the Bloom filter for each symbol: a look-up of what is not there, which is most, then ends at one word.
const BLOOM_BITS: usize = 8;

/// Which bits of a hash give the second bit of the filter.
const BLOOM_SHIFT: u32 = 6;

/// The `DT_GNU_HASH` table.
pub fn hash_table(symbols: &Symbols<'_>) -> Vec<u8> {
    let hashes: Vec<u32> = symbols.definitions.iter().map(|owned| elf::gnu_hash(owned.symbol.name)).collect();
    let words = (hashes.len() * BLOOM_BITS / 64).next_power_of_two();
    let (mut bloom, buckets) = (vec![0_u64; words], bucket_count(hashes.len()));
    let first = u32::try_from(1 + symbols.imports.len()).unwrap_or(u32::MAX);
    let (mut starts, mut chain) = (vec![0_u32; buckets as usize], Vec::with_capacity(hashes.len()));
    for (at, hash) in hashes.iter().enumerate() {
        if let Some(word) = bloom.get_mut(*hash as usize / 64 % words) {
            *word |= 1 << (hash % 64) | 1 << ((hash >> BLOOM_SHIFT) % 64);
        }
        let bucket = hash % buckets;
        if let Some(start) = starts.get_mut(bucket as usize).filter(|start| **start == 0) {
            *start = first + at as u32;
        }
        let is_last = hashes.get(at + 1).is_none_or(|next| next % buckets != bucket);
        chain.push(hash & !1 | u32::from(is_last));
    }
    let header = GnuHashHeader {
        bucket_count: U32::new(LE, buckets),
        symbol_base: U32::new(LE, first),
        bloom_count: U32::new(LE, words as u32),
        bloom_shift: U32::new(LE, BLOOM_SHIFT),
    };
    let mut table = pod::bytes_of(&header).to_vec();
    table.extend(bloom.iter().flat_map(|word| word.to_le_bytes()));
    table.extend(starts.iter().chain(&chain).flat_map(|word| word.to_le_bytes()));
    table
}

/// The symbol table; `value_of` and `section_of` tell what is known of a symbol by now.
pub fn symbol_table<'a>(
    symbols: &Symbols<'a>,
    strings: &mut Strings<'a>,
    value_of: impl Fn(&Owned<'a>) -> u64,
    section_of: impl Fn(&Owned<'a>) -> u16,
) -> Vec<u8> {
    let mut table = vec![0; size_of::<Sym64<LE>>()];
    for owned in symbols.iter() {
        let symbol = owned.symbol;
        let entry = Sym64 {
            st_name: U32::new(LE, strings.offset(symbol.name)),
            st_info: symbol.info,
            st_other: symbol.other,
            st_shndx: U16::new(LE, section_of(owned)),
            st_value: U64::new(LE, value_of(owned)),
            st_size: U64::new(LE, symbol.size),
        };
        table.extend_from_slice(pod::bytes_of(&entry));
    }
    table
}

/// The name of a version, and whether it is weak.
type WeakOrNot<'a> = (&'a [u8], bool);

/// The tables of versions.
#[derive(Debug)]
pub struct VersionTables {
    /// `DT_VERSYM`.
    pub numbers: Vec<u8>,
    /// `DT_VERNEED`.
    pub needed: Vec<u8>,
    /// `DT_VERNEEDNUM`.
    pub libraries: usize,
}

/// Versions up to this number are reserved: local, and without a version.
const RESERVED: u16 = 2;

/// The versions that imports ask for. A definition keeps one only where it stands for a library's: a copied variable.
pub fn version_tables<'a>(symbols: &Symbols<'a>, strings: &mut Strings<'a>) -> VersionTables {
    // Each library with the names of versions, and whether a program may do without.
    let mut libraries: Vec<(&'a [u8], Vec<WeakOrNot<'a>>)> = Vec::new();
    let versions = symbols.iter().filter_map(|owned| owned.symbol.version);
    for version in versions {
        let Some(library) = version.library else { continue };
        let at = libraries.iter().position(|(known, _)| *known == library).unwrap_or_else(|| {
            libraries.push((library, Vec::new()));
            libraries.len() - 1
        });
        let Some((_, names)) = libraries.get_mut(at) else { continue };
        match names.iter_mut().find(|(name, _)| *name == version.name) {
            Some((_, is_weak)) => *is_weak &= version.is_weak,
            None => names.push((version.name, version.is_weak)),
        }
    }
    let mut numbers_of: HashMap<(&[u8], &[u8]), u16> = HashMap::new();
    let mut needed = Vec::new();
    for (at, (library, names)) in libraries.iter().enumerate() {
        let size = size_of::<Verneed<LE>>() + names.len() * size_of::<Vernaux<LE>>();
        let header = Verneed {
            vn_version: U16::new(LE, elf::VER_NEED_CURRENT),
            vn_cnt: U16::new(LE, names.len() as u16),
            vn_file: U32::new(LE, strings.offset(library)),
            vn_aux: U32::new(LE, size_of::<Verneed<LE>>() as u32),
            vn_next: U32::new(LE, if at + 1 < libraries.len() { size as u32 } else { 0 }),
        };
        needed.extend_from_slice(pod::bytes_of(&header));
        for (at, (name, is_weak)) in names.iter().enumerate() {
            let number = RESERVED + numbers_of.len() as u16;
            numbers_of.insert((library, name), number);
            let is_last = at + 1 == names.len();
            let entry = Vernaux {
                vna_hash: U32::new(LE, elf::hash(name)),
                vna_flags: U16::new(LE, if *is_weak { elf::VER_FLG_WEAK } else { 0 }),
                vna_other: U16::new(LE, number),
                vna_name: U32::new(LE, strings.offset(name)),
                vna_next: U32::new(LE, if is_last { 0 } else { size_of::<Vernaux<LE>>() as u32 }),
            };
            needed.extend_from_slice(pod::bytes_of(&entry));
        }
    }
    let number_of = |owned: &Owned<'_>| {
        let version = owned.symbol.version.and_then(|version| Some((version.library?, version.name)));
        version.and_then(|version| numbers_of.get(&version)).copied().unwrap_or(elf::VER_NDX_GLOBAL)
    };
    let numbers = std::iter::once(elf::VER_NDX_LOCAL).chain(symbols.iter().map(number_of));
    let numbers = numbers.flat_map(u16::to_le_bytes).collect();
    VersionTables { numbers, needed, libraries: libraries.len() }
}

/// The table of relocations that are left to the dynamic linker, and how many of them are relative.
///
/// Those come first, by address, as `DT_RELACOUNT` wants it; those of one symbol follow each other, so that the dynamic
/// linker looks it up once; functions that choose functions run last, when what they read is relocated.
pub fn relocation_table(mut left: Vec<Relocation>, machine: Machine) -> (usize, Vec<u8>) {
    let rank = |kind: RelocationKind| match kind {
        RelocationKind::Relative => 0,
        RelocationKind::IRelative => 2,
        _ => 1,
    };
    left.sort_by_key(|left| (rank(left.kind), left.symbol, left.address));
    let relative = left.iter().take_while(|left| left.kind == RelocationKind::Relative).count();
    let entry = |left: &Relocation| Rela64 {
        r_offset: U64::new(LE, left.address),
        r_info: U64::new(LE, u64::from(left.symbol) << 32 | u64::from(machine.number_of(left.kind))),
        r_addend: I64::new(LE, left.addend),
    };
    let table: Vec<Rela64<LE>> = left.iter().map(entry).collect();
    (relative, pod::bytes_of_slice(&table).to_vec())
}

/// The dynamic section.
pub fn dynamic_section(entries: &[(i64, u64)]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(entries.len() * size_of::<Dyn64<LE>>());
    for (tag, value) in entries {
        let entry = Dyn64 { d_tag: I64::new(LE, *tag), d_val: U64::new(LE, *value) };
        bytes.extend_from_slice(pod::bytes_of(&entry));
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_is_in_the_table_once() {
        let mut strings = Strings::new();
        let [first, second, again] = [&b"one"[..], b"two", b"one"].map(|text| strings.offset(text));
        assert_eq!((first, second, again, strings.offset(b"")), (1, 5, 1, 0));
        assert_eq!(strings.bytes, b"\0one\0two\0");
    }
}
