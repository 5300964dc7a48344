//! What one native file asks of the system that loads it: libraries, versions of their symbols, instructions, a kernel.
//!
//! In: an ELF file of any machine, nothing of it is executed. Out: [`NativeNeeds`]. Read are the dynamic section, the
//! table of needed versions (`DT_VERNEED`, Solaris' design as the LSB describes it), and the notes of the System V ABI
//! supplements. The file is hostile: each piece is checked against the file's length and a limit before it is read.

use std::fmt;
use std::io::{Read, Seek};

use goblin::container::{Container, Ctx};
use goblin::elf::dynamic::{
    DT_GNU_HASH, DT_HASH, DT_NEEDED, DT_SONAME, DT_SYMTAB, DT_VERNEED, DT_VERNEEDNUM, DT_VERSYM,
};
use goblin::elf::program_header::{PT_LOAD, PT_NOTE};
use goblin::elf::{Dyn, ProgramHeader};
use serde::{Serialize, Serializer};

use crate::collect::native::elf::{ElfError, Machine, Pieces, StringTable};

/// `PT_GNU_PROPERTY` (System V ABI, Linux extensions).
const PT_GNU_PROPERTY: u32 = 0x6474_e553;
/// `NT_GNU_ABI_TAG`: the operating system and its oldest version.
const NT_GNU_ABI_TAG: u32 = 1;
/// `NT_GNU_PROPERTY_TYPE_0`.
const NT_GNU_PROPERTY: u32 = 5;
/// `GNU_PROPERTY_X86_ISA_1_NEEDED` (x86-64 psABI).
const X86_ISA_NEEDED: u32 = 0xc000_8002;
/// `VER_FLG_WEAK`: the loader only warns where the version is not there.
const WEAK: u16 = 2;
/// Most entries read of the table of needed versions. Real ones have some dozens.
const MOST_VERSIONS: usize = 4096;
/// Most bytes of a note segment. Real ones stay below 1 KiB.
const MOST_NOTES: u64 = 1 << 16;
/// Most symbols that are looked at for the one that asks for a version.
const MOST_SYMBOLS: u64 = 1 << 20;

/// A version of glibc, by its numbers: 2.34, 2.2.5.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(Vec<u32>);

impl Version {
    /// A version from numbers between dots; none for what is not one.
    pub fn parse(text: &str) -> Option<Self> {
        text.split('.').map(|part| part.parse().ok()).collect::<Option<_>>().map(Self)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, part) in self.0.iter().enumerate() {
            write!(formatter, "{}{part}", if at == 0 { "" } else { "." })?;
        }
        Ok(())
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What a native file asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct NativeNeeds {
    /// The machine it is for, `x86_64`, as the ELF header says.
    pub machine: String,
    /// Its `DT_SONAME`.
    pub soname: Option<String>,
    /// Its `DT_NEEDED`, in their order.
    pub needed: Vec<String>,
    /// The newest version of glibc's symbols that it asks for.
    pub glibc: Option<Version>,
    /// A symbol that it asks for in that version; none where no symbol does, or the table cannot be read.
    pub glibc_symbol: Option<String>,
    /// The oldest kernel that it says it runs on.
    pub kernel: Option<Version>,
    /// The instructions that it says it needs: `x86-64-v2`, `x86-64-v3`, `x86-64-v4`; none for what every such machine
    /// has, or where it does not say.
    pub instructions: Option<&'static str>,
}

/// A version of another library's symbols that a file asks for.
struct VersionNeed {
    /// As in `GLIBC_2.34`.
    version: String,
    /// Its number in the table of the symbols' versions.
    number: u16,
}

impl NativeNeeds {
    /// Reads what a file asks for.
    ///
    /// # Errors
    /// When it cannot be read or is no well-formed ELF file.
    pub fn read<R: Read + Seek>(source: &mut R) -> Result<Self, ElfError> {
        let mut file = Pieces::of(source)?;
        let (header, ctx) = file.header()?;
        let segments = file.segments(&header, ctx)?;
        let machine = Machine {
            is_64: ctx.container == Container::Big,
            little_endian: ctx.le == goblin::container::Endian::Little,
            id: header.e_machine,
        };
        let mut needs = Self { machine: machine_name(machine), ..Self::default() };
        for segment in segments.iter().filter(|segment| matches!(segment.p_type, PT_NOTE | PT_GNU_PROPERTY)) {
            if segment.p_filesz <= MOST_NOTES {
                let bytes = file.piece(segment.p_offset, segment.p_filesz, "a note segment")?;
                needs.take_notes(
                    &Words { bytes: &bytes, little: machine.little_endian },
                    segment.p_align,
                    ctx,
                );
            }
        }
        let Some(dynamic) = file.dynamic_entries(&segments, ctx)? else { return Ok(needs) };
        if dynamic.is_empty() {
            return Ok(needs);
        }
        let strings = StringTable::locate(&dynamic, &segments)?;
        let mut reader = DynamicReader { file, segments, dynamic, strings, machine };
        needs.needed = reader.names(DT_NEEDED)?;
        needs.soname = reader.names(DT_SONAME)?.pop();
        let versions = reader.versions()?;
        let newest =
            versions.iter().filter_map(|need| Some((glibc_version(&need.version)?, need.number))).max();
        if let Some((version, number)) = newest {
            // The name of a symbol is for people only: a table that cannot be read takes nothing else away.
            needs.glibc_symbol = reader.symbol_of_version(number).ok().flatten();
            needs.glibc = Some(version);
        }
        Ok(needs)
    }

    fn take_notes(&mut self, words: &Words, align: u64, ctx: Ctx) {
        let align = if align == 8 { 8 } else { 4 };
        let mut at = 0;
        while let (Some(name), Some(length), Some(kind)) =
            (words.u32(at), words.u32(at + 4), words.u32(at + 8))
        {
            let start = (at + 12 + name as usize).next_multiple_of(align);
            let end = start + length as usize;
            if words.bytes.get(at + 12..at + 16) == Some(b"GNU\0") && end <= words.bytes.len() {
                match kind {
                    NT_GNU_ABI_TAG => self.take_abi_tag(words, start),
                    NT_GNU_PROPERTY => {
                        let word = if ctx.container == Container::Big { 8 } else { 4 };
                        self.take_properties(words, start, end, word);
                    }
                    _ => {}
                }
            }
            at = end.next_multiple_of(align);
        }
    }

    /// Four words: 0 for Linux, and the three numbers of the oldest kernel.
    fn take_abi_tag(&mut self, words: &Words, start: usize) {
        if words.u32(start) == Some(0) {
            let numbers = (1..4).filter_map(|place| words.u32(start + 4 * place)).collect();
            self.kernel = self.kernel.take().max(Some(Version(numbers)));
        }
    }

    fn take_properties(&mut self, words: &Words, start: usize, end: usize, align: usize) {
        let mut at = start;
        while at < end {
            let (Some(kind), Some(length)) = (words.u32(at), words.u32(at + 4)) else { return };
            if kind == X86_ISA_NEEDED
                && length == 4
                && let Some(bits) = words.u32(at + 8)
            {
                // Bit 0 is the baseline, 1 is x86-64-v2 and so on.
                let name = match bits {
                    0..2 => None,
                    2..4 => Some("x86-64-v2"),
                    4..8 => Some("x86-64-v3"),
                    _ => Some("x86-64-v4"),
                };
                self.instructions = self.instructions.max(name);
            }
            at = (at + 8 + length as usize).next_multiple_of(align);
        }
    }
}

/// The version that a name such as `GLIBC_2.34` stands for. None for `GLIBC_PRIVATE`, and for other libraries' names.
fn glibc_version(name: &str) -> Option<Version> {
    match name {
        // glibc 2.36 is the first that applies these relocations.
        "GLIBC_ABI_DT_RELR" => Version::parse("2.36"),
        name => Version::parse(name.strip_prefix("GLIBC_")?),
    }
}

/// As `uname -m` names machines.
fn machine_name(machine: Machine) -> String {
    goblin::elf::header::machine_to_str(machine.id)
        .trim_start_matches("EM_")
        .to_lowercase()
        .replace("386", "i386")
}

/// Bytes with numbers in the file's order.
struct Words<'a> {
    bytes: &'a [u8],
    little: bool,
}

impl Words<'_> {
    fn u16(&self, at: usize) -> Option<u16> {
        let bytes = *self.bytes.get(at..)?.first_chunk()?;
        Some(if self.little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    }

    fn u32(&self, at: usize) -> Option<u32> {
        let bytes = *self.bytes.get(at..)?.first_chunk()?;
        Some(if self.little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    }
}

/// What the dynamic section leads to.
struct DynamicReader<'a, R> {
    file: Pieces<'a, R>,
    segments: Vec<ProgramHeader>,
    dynamic: Vec<Dyn>,
    strings: StringTable,
    machine: Machine,
}

impl<R: Read + Seek> DynamicReader<'_, R> {
    fn value(&self, tag: u64) -> Option<u64> {
        self.dynamic.iter().rfind(|entry| entry.d_tag == tag).map(|entry| entry.d_val)
    }

    fn names(&mut self, tag: u64) -> Result<Vec<String>, ElfError> {
        let places: Vec<u64> =
            self.dynamic.iter().filter(|entry| entry.d_tag == tag).map(|entry| entry.d_val).collect();
        places.into_iter().take(MOST_VERSIONS).map(|place| self.file.name(self.strings, place)).collect()
    }

    /// Bytes at an address, which must lie in one segment of the file.
    fn bytes_at(&mut self, address: u64, size: u64, what: &'static str) -> Result<Vec<u8>, ElfError> {
        let loaded = self.segments.iter().filter(|segment| segment.p_type == PT_LOAD);
        let offset = loaded.filter_map(|segment| {
            let inside = address.checked_sub(segment.p_vaddr)?;
            let room = segment.p_filesz.checked_sub(inside)?;
            (size <= room).then(|| segment.p_offset.checked_add(inside))?
        });
        let offset = offset.min().ok_or(ElfError::Malformed(what))?;
        self.file.piece(offset, size, what)
    }

    /// `Verneed` and `Vernaux` records: lists by relative offsets, each record 16 bytes in both classes.
    fn versions(&mut self) -> Result<Vec<VersionNeed>, ElfError> {
        const WHAT: &str = "the table of needed versions";
        let (Some(table), Some(count)) = (self.value(DT_VERNEED), self.value(DT_VERNEEDNUM)) else {
            return Ok(Vec::new());
        };
        let little = self.machine.little_endian;
        let malformed = ElfError::Malformed(WHAT);
        let mut versions = Vec::new();
        let mut at = table;
        for _ in 0..count.min(MOST_VERSIONS as u64) {
            let record = self.bytes_at(at, 16, WHAT)?;
            let words = Words { bytes: &record, little };
            let (Some(aux_count), Some(aux), Some(next)) = (words.u16(2), words.u32(8), words.u32(12)) else {
                return Err(malformed);
            };
            let mut aux_at = at.checked_add(aux.into()).ok_or(ElfError::Malformed(WHAT))?;
            for _ in 0..aux_count {
                if versions.len() >= MOST_VERSIONS {
                    return Err(malformed);
                }
                let record = self.bytes_at(aux_at, 16, WHAT)?;
                let words = Words { bytes: &record, little };
                let (Some(flags), Some(number), Some(name), Some(next)) =
                    (words.u16(4), words.u16(6), words.u32(8), words.u32(12))
                else {
                    return Err(malformed);
                };
                if flags & WEAK == 0 {
                    let version = self.file.name(self.strings, name.into())?;
                    versions.push(VersionNeed { version, number });
                }
                if next == 0 {
                    break;
                }
                aux_at = aux_at.checked_add(next.into()).ok_or(ElfError::Malformed(WHAT))?;
            }
            if next == 0 {
                break;
            }
            at = at.checked_add(next.into()).ok_or(ElfError::Malformed(WHAT))?;
        }
        Ok(versions)
    }

    /// The first symbol of a version with this number. Symbols that a file asks for come before those it defines.
    fn symbol_of_version(&mut self, number: u16) -> Result<Option<String>, ElfError> {
        const WHAT: &str = "the symbol table";
        let (Some(symbols), Some(versions)) = (self.value(DT_SYMTAB), self.value(DT_VERSYM)) else {
            return Ok(None);
        };
        let Some(count) = self.undefined_count()? else { return Ok(None) };
        let little = self.machine.little_endian;
        let table = self.bytes_at(versions, count.min(MOST_SYMBOLS) * 2, WHAT)?;
        let words = Words { bytes: &table, little };
        let found =
            (1..table.len() / 2).find(|place| words.u16(place * 2).map(|word| word & 0x7fff) == Some(number));
        let Some(place) = found else { return Ok(None) };
        let record_length = if self.machine.is_64 { 24 } else { 16 };
        let record =
            self.bytes_at(symbols.saturating_add(place as u64 * record_length), record_length, WHAT)?;
        let Some(name) = (Words { bytes: &record, little }).u32(0) else { return Ok(None) };
        self.file.name(self.strings, name.into()).map(Some)
    }

    /// How many symbols there are before the first that is defined: the second word of `DT_GNU_HASH`. `DT_HASH` has all
    /// symbols' number in its second word.
    fn undefined_count(&mut self) -> Result<Option<u64>, ElfError> {
        let little = self.machine.little_endian;
        for tag in [DT_HASH, DT_GNU_HASH] {
            if let Some(table) = self.value(tag) {
                let head = self.bytes_at(table, 8, "the hash table")?;
                return Ok((Words { bytes: &head, little }).u32(4).map(u64::from));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
#[path = "native_tests.rs"]
mod tests;
