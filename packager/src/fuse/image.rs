//! One ELF file, read: what the dynamic linker would look at, nothing else.
//!
//! In: the bytes of a file. Out: an [`Image`]. The file is hostile until it is read: every table is checked against the
//! file's length before it is used, and what is counted is bounded by the bytes that are there.

use std::ops::Range;

use object::elf::{self, FileHeader64, ProgramHeader64, SectionHeader64, Sym64};
use object::endian::LittleEndian as LE;
use object::pod;

use super::FuseError;
use super::dynamic::Dynamic;
use super::machine::Machine;
use super::relocations::{self, Relocation};
use super::versions::{Version, Versions};

/// A segment, or what has the same members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// `PF_R` and so on.
    pub flags: u32,
    /// Where it is in the file.
    pub offset: u64,
    /// Where it is in memory.
    pub address: u64,
    /// Its bytes in the file.
    pub file_size: u64,
    /// Its bytes in memory.
    pub memory_size: u64,
    /// A power of two.
    pub alignment: u64,
}

impl Segment {
    /// Whether an address is in it.
    pub fn holds(&self, address: u64) -> bool {
        address.checked_sub(self.address).is_some_and(|inside| inside < self.memory_size)
    }

    /// The first address after it.
    pub fn end(&self) -> u64 {
        self.address + self.memory_size
    }
}

/// A dynamic symbol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol<'a> {
    /// Its name.
    pub name: &'a [u8],
    /// Type and binding.
    pub info: u8,
    /// Visibility.
    pub other: u8,
    /// Its section, or 0 where it is not defined.
    pub section: u16,
    /// Its address; in thread-local storage, the offset in the file's block.
    pub value: u64,
    /// Its size.
    pub size: u64,
    /// The version that it asks for, or has.
    pub version: Option<Version<'a>>,
    /// Whether it is a version of its name that only those get who ask for it.
    pub is_hidden: bool,
}

impl Symbol<'_> {
    /// Whether it is defined.
    pub fn is_defined(&self) -> bool {
        self.section != elf::SHN_UNDEF
    }

    /// `STT_FUNC` and so on.
    pub fn kind(&self) -> u8 {
        self.info & 15
    }

    /// `STB_GLOBAL` and so on.
    pub fn binding(&self) -> u8 {
        self.info >> 4
    }
}

/// A section that is loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section<'a> {
    /// Its name.
    pub name: &'a [u8],
    /// `SHT_PROGBITS` and so on.
    pub kind: u32,
    /// `SHF_ALLOC` and so on.
    pub flags: u64,
    /// Its address.
    pub address: u64,
    /// Its size in memory.
    pub size: u64,
    /// Its number in the file.
    pub number: u16,
}

/// A file, read.
#[derive(Debug)]
pub struct Image<'a> {
    /// Its bytes.
    pub bytes: &'a [u8],
    /// What it runs on.
    pub machine: Machine,
    /// Whether it can only be at the addresses that it names (`ET_EXEC`).
    pub is_fixed: bool,
    /// The entry, or 0.
    pub entry: u64,
    /// Its loadable segments, by address.
    pub loads: Vec<Segment>,
    /// The initial thread-local block.
    pub tls: Option<Segment>,
    /// What is read-only after relocation.
    pub relro: Option<Segment>,
    /// The index of its unwind tables.
    pub unwind: Option<Segment>,
    /// The program interpreter, without the NUL.
    pub interpreter: Option<&'a [u8]>,
    /// Whether it asks for an executable stack.
    pub executable_stack: bool,
    /// Its dynamic section.
    pub dynamic: Dynamic<'a>,
    /// Its dynamic symbols; the first is the null symbol.
    pub symbols: Vec<Symbol<'a>>,
    /// All its relocations.
    pub relocations: Vec<Relocation>,
    /// The sections that are loaded, by address; none where the file has none.
    pub sections: Vec<Section<'a>>,
}

/// Most symbols and relocations of one file: real ones have thousands.
pub const MOST_ENTRIES: usize = 1 << 24;

impl<'a> Image<'a> {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be fused for what it is, or is damaged.
    pub fn read(bytes: &'a [u8]) -> Result<Self, FuseError> {
        let (header, _) = pod::from_bytes::<FileHeader64<LE>>(bytes)
            .map_err(|()| FuseError::Truncated("the ELF header"))?;
        let ident = &header.e_ident;
        if ident.magic != elf::ELFMAG || ident.class != elf::ELFCLASS64 || ident.data != elf::ELFDATA2LSB {
            return Err(FuseError::Malformed("it is no 64-bit little-endian ELF file"));
        }
        let number = header.e_machine.get(LE);
        let machine = Machine::from_number(number).ok_or(FuseError::Machine(number))?;
        let is_fixed = match header.e_type.get(LE) {
            elf::ET_EXEC => true,
            elf::ET_DYN => false,
            _ => return Err(FuseError::Kind),
        };
        let programs = program_headers(bytes, header)?;
        let mut image = Self {
            bytes,
            machine,
            is_fixed,
            entry: header.e_entry.get(LE),
            loads: Vec::new(),
            tls: None,
            relro: None,
            unwind: None,
            interpreter: None,
            executable_stack: false,
            dynamic: Dynamic::default(),
            symbols: Vec::new(),
            relocations: Vec::new(),
            sections: Vec::new(),
        };
        let dynamic = image.take_segments(programs)?;
        image.dynamic = Dynamic::read(&image, dynamic.ok_or(FuseError::Static)?)?;
        image.relocations = relocations::read(&image)?;
        image.symbols = image.read_symbols()?;
        image.sections = sections(bytes, header).unwrap_or_default();
        Ok(image)
    }

    /// Sorts the program headers; returns the dynamic section's.
    fn take_segments(&mut self, programs: &[ProgramHeader64<LE>]) -> Result<Option<Segment>, FuseError> {
        let mut dynamic = None;
        for program in programs {
            let segment = Segment {
                flags: program.p_flags.get(LE),
                offset: program.p_offset.get(LE),
                address: program.p_vaddr.get(LE),
                file_size: program.p_filesz.get(LE),
                memory_size: program.p_memsz.get(LE),
                alignment: program.p_align.get(LE).max(1),
            };
            match program.p_type.get(LE) {
                elf::PT_LOAD if segment.memory_size > 0 => self.loads.push(self.checked(segment)?),
                elf::PT_DYNAMIC => dynamic = Some(self.checked(segment)?),
                elf::PT_TLS if segment.memory_size > 0 => self.tls = Some(self.checked(segment)?),
                elf::PT_GNU_RELRO => self.relro = Some(segment),
                elf::PT_GNU_EH_FRAME if segment.file_size > 0 => self.unwind = Some(self.checked(segment)?),
                elf::PT_GNU_STACK => self.executable_stack = segment.flags & elf::PF_X != 0,
                elf::PT_INTERP => {
                    let path = self.file(segment.offset, segment.file_size);
                    let path = path.ok_or(FuseError::Truncated("the path of the interpreter"))?;
                    self.interpreter = path.split(|byte| *byte == 0).next();
                }
                _ => {}
            }
        }
        let mut last = 0;
        for load in &self.loads {
            if load.address < last {
                return Err(FuseError::Malformed("its segments are not in the order of their addresses"));
            }
            last = load.end();
        }
        if self.loads.is_empty() {
            return Err(FuseError::Malformed("it has no loadable segment"));
        }
        Ok(dynamic)
    }

    fn checked(&self, segment: Segment) -> Result<Segment, FuseError> {
        let is_sane = segment.alignment.is_power_of_two()
            && segment.alignment <= LARGEST_ALIGNMENT
            && segment.file_size <= segment.memory_size
            && segment.memory_size <= HIGHEST_ADDRESS
            && segment.address <= HIGHEST_ADDRESS;
        if !is_sane {
            return Err(FuseError::Malformed("a segment has an absurd size, address or alignment"));
        }
        self.file(segment.offset, segment.file_size).ok_or(FuseError::Truncated("a segment"))?;
        Ok(segment)
    }

    fn file(&self, offset: u64, size: u64) -> Option<&'a [u8]> {
        piece(self.bytes, offset, size)
    }

    /// The bytes of the file that are loaded at an address.
    ///
    /// # Errors
    /// When they are not all in one segment.
    pub fn at(&self, address: u64, size: u64, what: &'static str) -> Result<&'a [u8], FuseError> {
        let inside = |load: &Segment| {
            let inside = address.checked_sub(load.address)?;
            (inside.checked_add(size)? <= load.file_size).then_some(load.offset + inside)
        };
        let offset = self.loads.iter().find_map(inside);
        offset.and_then(|offset| self.file(offset, size)).ok_or(FuseError::Truncated(what))
    }

    /// All that the file has from an address to the end of its segment.
    ///
    /// # Errors
    /// When the address is in no segment.
    pub fn from(&self, address: u64, what: &'static str) -> Result<&'a [u8], FuseError> {
        let load = self.loads.iter().find(|load| load.holds(address)).ok_or(FuseError::Truncated(what))?;
        let inside = address - load.address;
        self.at(address, load.file_size.saturating_sub(inside), what)
    }

    /// The word at an address.
    ///
    /// # Errors
    /// When the file does not hold it.
    pub fn word(&self, address: u64, what: &'static str) -> Result<u64, FuseError> {
        let bytes = self.at(address, 8, what)?;
        Ok(bytes.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes)))
    }

    fn read_symbols(&self) -> Result<Vec<Symbol<'a>>, FuseError> {
        let count = self.dynamic.symbol_count(self)?;
        // What a relocation names is a symbol even where no hash table counts it.
        let named = self.relocations.iter().map(|relocation| relocation.symbol as usize + 1).max();
        let count = count.max(named.unwrap_or(0));
        if count == 0 {
            return Ok(Vec::new());
        }
        if count > MOST_ENTRIES {
            return Err(FuseError::Malformed("it has too many symbols"));
        }
        let table = self.at(self.dynamic.symbols, count as u64 * 24, "the symbol table")?;
        let (symbols, _) = pod::slice_from_bytes::<Sym64<LE>>(table, count)
            .map_err(|()| FuseError::Truncated("the symbol table"))?;
        let versions = Versions::read(self, count)?;
        let symbol = |(number, symbol): (usize, &Sym64<LE>)| {
            let (version, is_hidden) = versions.of(number);
            Ok(Symbol {
                name: self.dynamic.string(symbol.st_name.get(LE).into())?,
                info: symbol.st_info,
                other: symbol.st_other,
                section: symbol.st_shndx.get(LE),
                value: symbol.st_value.get(LE),
                size: symbol.st_size.get(LE),
                version,
                is_hidden,
            })
        };
        symbols.iter().enumerate().map(symbol).collect()
    }
}

/// Larger alignments of segments are refused: they cost address space without end.
const LARGEST_ALIGNMENT: u64 = 1 << 26;

/// Sums of addresses and sizes below it do not overflow, and user space ends before it.
const HIGHEST_ADDRESS: u64 = 1 << 47;

/// A part of a file.
pub fn piece(bytes: &[u8], offset: u64, size: u64) -> Option<&[u8]> {
    let range: Range<usize> =
        usize::try_from(offset).ok()?..usize::try_from(offset.checked_add(size)?).ok()?;
    bytes.get(range)
}

fn program_headers<'a>(
    bytes: &'a [u8],
    header: &FileHeader64<LE>,
) -> Result<&'a [ProgramHeader64<LE>], FuseError> {
    let truncated = FuseError::Truncated("the program header table");
    if usize::from(header.e_phentsize.get(LE)) != size_of::<ProgramHeader64<LE>>() {
        return Err(FuseError::Malformed("e_phentsize is not that of its class"));
    }
    let start = usize::try_from(header.e_phoff.get(LE)).ok();
    let table = start.and_then(|start| bytes.get(start..)).ok_or_else(|| truncated.clone())?;
    let (programs, _) =
        pod::slice_from_bytes(table, usize::from(header.e_phnum.get(LE))).map_err(|()| truncated)?;
    Ok(programs)
}

/// The loaded sections, sorted; none where the table is missing or says what cannot be.
fn sections<'a>(bytes: &'a [u8], header: &FileHeader64<LE>) -> Option<Vec<Section<'a>>> {
    let table = bytes.get(usize::try_from(header.e_shoff.get(LE)).ok()?..)?;
    let count = usize::from(header.e_shnum.get(LE));
    if usize::from(header.e_shentsize.get(LE)) != size_of::<SectionHeader64<LE>>() {
        return None;
    }
    let (headers, _) = pod::slice_from_bytes::<SectionHeader64<LE>>(table, count).ok()?;
    let names = headers.get(usize::from(header.e_shstrndx.get(LE)))?;
    let names = piece(bytes, names.sh_offset.get(LE), names.sh_size.get(LE))?;
    let mut sections = Vec::new();
    for (number, header) in headers.iter().enumerate() {
        let flags = header.sh_flags.get(LE);
        if flags & u64::from(elf::SHF_ALLOC) == 0 {
            continue;
        }
        let name = names.get(usize::try_from(header.sh_name.get(LE)).ok()?..)?;
        sections.push(Section {
            name: name.split(|byte| *byte == 0).next()?,
            kind: header.sh_type.get(LE),
            flags,
            address: header.sh_addr.get(LE),
            size: header.sh_size.get(LE),
            number: u16::try_from(number).ok()?,
        });
    }
    sections.sort_by_key(|section| (section.address, section.number));
    Some(sections)
}
