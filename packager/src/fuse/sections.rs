//! Section headers. Nothing needs them at run time; debuggers, profilers and `strip` do.
//!
//! Every byte of every segment belongs to a section: GNU strip writes sections, and what is in none becomes zeros. So each
//! section of an object goes on to the next one, and a segment of an object without sections is one itself.

use std::collections::HashMap;

use object::elf::{self, SectionHeader64};
use object::endian::{LittleEndian as LE, U32, U64};
use object::pod;
use snapfreeze_runtime::relr::TABLE_SECTION;

use super::image::{Image, Section};
use super::layout::{Area, Layout, Placed};

/// A section header, before its name is in a table.
#[derive(Debug, Clone, Default)]
pub struct Header {
    /// Its name.
    pub name: String,
    /// `SHT_PROGBITS` and so on.
    pub kind: u32,
    /// `SHF_ALLOC` and so on.
    pub flags: u32,
    /// Where it is.
    pub area: Area,
    /// Number of a section that it refers to.
    pub link: u32,
    /// More about it.
    pub info: u32,
    /// Alignment.
    pub alignment: u64,
    /// Size of its entries.
    pub entry: u64,
}

/// Length of a symbol, in bytes.
const SYMBOL: u64 = 24;

/// All sections.
#[derive(Debug, Default)]
pub struct Sections {
    /// In the order of their numbers; the first is the null section.
    pub headers: Vec<Header>,
    by_origin: HashMap<(usize, u16), u16>,
    by_address: Vec<(u64, u64, u16)>,
}

impl Sections {
    /// The sections that are loaded.
    pub fn of(objects: &[Image<'_>], layout: &Layout, tls_size: u64) -> Self {
        let mut sections = Self { headers: vec![Header::default()], ..Self::default() };
        sections.add_tables(layout);
        for placed in &layout.placed {
            if let Some(image) = objects.get(placed.object) {
                sections.add_segment(image, placed);
            }
        }
        sections.add_data(layout, tls_size);
        sections
    }

    /// Adds a section; returns its number.
    pub fn add(&mut self, header: Header) -> u16 {
        let number = u16::try_from(self.headers.len()).unwrap_or(u16::MAX);
        self.headers.push(header);
        number
    }

    /// Where `.dynsym` and `.dynstr` are among the sections: after the null section, `.interp` and `.gnu.hash`.
    const SYMBOLS: u32 = 3;
    const STRINGS: u32 = 4;

    fn add_tables(&mut self, layout: &Layout) {
        let rows = [
            (".interp", elf::SHT_PROGBITS, layout.interpreter, 0, 0, 1, 0),
            (".gnu.hash", elf::SHT_GNU_HASH, layout.hash, Self::SYMBOLS, 0, 8, 0),
            // One local symbol: the null symbol.
            (".dynsym", elf::SHT_DYNSYM, layout.symbols, Self::STRINGS, 1, 8, 24),
            (".dynstr", elf::SHT_STRTAB, layout.strings, 0, 0, 1, 0),
            (".gnu.version", elf::SHT_GNU_VERSYM, layout.version_numbers, Self::SYMBOLS, 0, 2, 2),
            (".gnu.version_r", elf::SHT_GNU_VERNEED, layout.versions, Self::STRINGS, 0, 8, 0),
            (".rela.dyn", elf::SHT_RELA, layout.relocations, Self::SYMBOLS, 0, 8, 24),
            // Not SHT_RELR: binutils before 2.38 refuse files with what they do not know (bfd/elf.c).
            (TABLE_SECTION, elf::SHT_PROGBITS, layout.packed, 0, 0, 8, 8),
            (".eh_frame_hdr", elf::SHT_PROGBITS, layout.unwind, 0, 0, 4, 0),
        ];
        for (name, kind, area, link, info, alignment, entry) in rows {
            let flags = elf::SHF_ALLOC;
            self.add(Header { name: name.into(), kind, flags, area, link, info, alignment, entry });
        }
    }

    /// The sections of an object's segment, each up to the next.
    fn add_segment(&mut self, image: &Image<'_>, placed: &Placed) {
        let Placed { object, segment, area } = placed;
        let flags = elf::SHF_ALLOC
            | if segment.flags & elf::PF_W != 0 { elf::SHF_WRITE } else { 0 }
            | if segment.flags & elf::PF_X != 0 { elf::SHF_EXECINSTR } else { 0 };
        let (start, filled) = (segment.address, segment.address + segment.file_size);
        let is_data = |section: &&Section<'_>| {
            let is_bss = section.kind == elf::SHT_NOBITS;
            section.address >= start && section.address < filled && section.size > 0 && !is_bss
        };
        let mut inside: Vec<(u64, String, Option<u16>)> = Vec::new();
        for section in image.sections.iter().filter(is_data) {
            if inside.last().is_none_or(|(last, ..)| *last < section.address) {
                let name = String::from_utf8_lossy(section.name).into_owned();
                inside.push((section.address, name, Some(section.number)));
            }
        }
        if filled > start && inside.first().is_none_or(|(first, ..)| *first > start) {
            inside.insert(0, (start, ".segment".into(), None));
        }
        let ends: Vec<u64> = inside.iter().skip(1).map(|(next, ..)| *next).chain([filled]).collect();
        for ((address, name, origin), end) in inside.into_iter().zip(ends) {
            let distance = address - start;
            let (address, offset) = (area.address + distance, area.offset + distance);
            let area = Area { address, offset, size: end - start - distance };
            self.add_of(*object, name, elf::SHT_PROGBITS, flags, area, origin);
        }
        if segment.memory_size > segment.file_size {
            let size = segment.memory_size - segment.file_size;
            let area = Area { address: area.end(), offset: area.offset + area.size, size };
            let bss = |section: &&Section<'_>| {
                let is_tls = section.flags & u64::from(elf::SHF_TLS) != 0;
                section.kind == elf::SHT_NOBITS
                    && !is_tls
                    && section.address >= filled
                    && segment.holds(section.address)
            };
            let origin = image.sections.iter().find(bss).map(|section| section.number);
            self.add_of(*object, ".bss".into(), elf::SHT_NOBITS, flags, area, origin);
        }
    }

    /// Adds a section of an object. Those of the base have their names to themselves: a debugger reads one of each. It
    /// looks for the dynamic section by its name, too, and the base's is replaced.
    fn add_of(
        &mut self,
        object: usize,
        name: String,
        kind: u32,
        flags: u32,
        area: Area,
        origin: Option<u16>,
    ) {
        let keeps_name = object == 1 && name != ".dynamic";
        let name = if keeps_name { name } else { format!("{name}.{object}") };
        let number = self.add(Header { name, kind, flags, area, alignment: 1, ..Header::default() });
        if let Some(origin) = origin {
            self.by_origin.insert((object, origin), number);
        }
        self.by_address.push((area.address, area.end(), number));
    }

    fn add_data(&mut self, layout: &Layout, tls_size: u64) {
        let flags = elf::SHF_ALLOC | elf::SHF_WRITE;
        let tls = flags | elf::SHF_TLS;
        let zeros = Area {
            address: layout.tls.end(),
            offset: layout.tls.offset + layout.tls.size,
            size: tls_size - layout.tls.size.min(tls_size),
        };
        let rows = [
            (".tdata", elf::SHT_PROGBITS, tls, layout.tls, 0, 8, 0),
            (".tbss", elf::SHT_NOBITS, tls, zeros, 0, 8, 0),
            (".init_array", elf::SHT_INIT_ARRAY, flags, layout.init, 0, 8, 8),
            (".fini_array", elf::SHT_FINI_ARRAY, flags, layout.fini, 0, 8, 8),
            (".dynamic", elf::SHT_DYNAMIC, flags, layout.dynamic, Self::STRINGS, 8, 16),
        ];
        for (name, kind, flags, area, link, alignment, entry) in rows {
            if area.size > 0 {
                let name = name.into();
                self.add(Header { name, kind, flags, area, link, info: 0, alignment, entry });
            }
        }
        let (name, kind, area) = (super::archive::SECTION.into(), elf::SHT_PROGBITS, layout.archive());
        self.add(Header { name, kind, flags: elf::SHF_ALLOC, area, alignment: 16, ..Header::default() });
    }

    /// Adds a section that is not loaded, where it has content. A symbol table is followed by its strings.
    pub fn add_unloaded(&mut self, name: &str, kind: u32, flags: u32, area: Area) {
        let next = u32::try_from(self.headers.len() + 1).unwrap_or(0);
        let (link, info, entry) = match kind {
            elf::SHT_SYMTAB => (next, (area.size / SYMBOL) as u32, SYMBOL),
            _ => (0, 0, 0),
        };
        if area.size > 0 {
            self.add(Header { name: name.into(), kind, flags, area, link, info, alignment: 8, entry });
        }
    }

    /// The section that an object's section became, or the one that an address is in now.
    pub fn number_for(&self, object: usize, origin: u16, address: u64) -> u16 {
        let by_address = || {
            let holds = |(start, end, _): &&(u64, u64, u16)| (*start..=*end).contains(&address);
            self.by_address.iter().find(holds).map(|(.., number)| *number)
        };
        self.by_origin.get(&(object, origin)).copied().or_else(by_address).unwrap_or(1)
    }

    /// The headers and the table of their names, which is the last section; `names_at` and its alignment are given.
    pub fn encode(&mut self, names_offset: u64) -> (Vec<u8>, Vec<u8>) {
        let number = self.add(Header {
            name: ".shstrtab".into(),
            kind: elf::SHT_STRTAB,
            alignment: 1,
            ..Header::default()
        });
        let mut names = vec![];
        let mut offsets = Vec::new();
        for header in &self.headers {
            offsets.push(names.len() as u32);
            names.extend_from_slice(header.name.as_bytes());
            names.push(0);
        }
        if let Some(last) = self.headers.get_mut(usize::from(number)) {
            last.area = Area { address: 0, offset: names_offset, size: names.len() as u64 };
        }
        let mut bytes = Vec::new();
        for (header, name) in self.headers.iter().zip(offsets) {
            let header = SectionHeader64 {
                sh_name: U32::new(LE, name),
                sh_type: U32::new(LE, header.kind),
                sh_flags: U64::new(LE, header.flags.into()),
                sh_addr: U64::new(LE, header.area.address),
                sh_offset: U64::new(LE, header.area.offset),
                sh_size: U64::new(LE, header.area.size),
                sh_link: U32::new(LE, header.link),
                sh_info: U32::new(LE, header.info),
                sh_addralign: U64::new(LE, header.alignment),
                sh_entsize: U64::new(LE, header.entry),
            };
            bytes.extend_from_slice(pod::bytes_of(&header));
        }
        (bytes, names)
    }
}
