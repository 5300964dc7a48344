//! Where everything goes: addresses and file offsets.
//!
//! ```text
//! ELF header, program headers, new read-only tables | segments of the objects | new relocated data | section headers | archive
//! ```
//!
//! The new tables come first, so that the program headers are where every kernel and every tool expects them: right after
//! the ELF header, in the first segment. An executable that has a fixed address keeps it, and the tables go below it;
//! everything else can be moved. File offsets stay congruent to addresses modulo the page size (gABI, "Program
//! Loading"), and no page has bytes of two segments in memory.

use object::elf;

use super::FuseError;
use super::fixups::Place;
use super::image::{Image, Segment};

/// A part of the fused file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Area {
    /// Its address.
    pub address: u64,
    /// Where it is in the file.
    pub offset: u64,
    /// Its size in bytes.
    pub size: u64,
}

impl Area {
    /// The first address after it.
    pub fn end(&self) -> u64 {
        self.address + self.size
    }
}

/// Sizes of the new tables, in bytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sizes {
    pub interpreter: u64,
    pub hash: u64,
    pub symbols: u64,
    pub strings: u64,
    pub version_numbers: u64,
    pub versions: u64,
    pub relocations: u64,
    pub packed: u64,
    pub unwind: u64,
    pub tls: u64,
    pub init: u64,
    pub fini: u64,
    pub dynamic: u64,
}

/// A segment of an object, and where it goes.
#[derive(Debug, Clone, Copy)]
pub struct Placed {
    /// The object.
    pub object: usize,
    /// The segment in the object.
    pub segment: Segment,
    /// Where it goes; the size is that in the file.
    pub area: Area,
}

/// Where everything goes.
#[derive(Debug, Default)]
pub struct Layout {
    /// The whole segment of new read-only tables.
    pub tables: Area,
    pub interpreter: Area,
    pub hash: Area,
    pub symbols: Area,
    pub strings: Area,
    pub version_numbers: Area,
    pub versions: Area,
    pub relocations: Area,
    pub packed: Area,
    pub unwind: Area,
    /// The whole segment of new relocated data.
    pub data: Area,
    pub tls: Area,
    pub init: Area,
    pub fini: Area,
    pub dynamic: Area,
    /// The segments of the objects, by address.
    pub placed: Vec<Placed>,
    /// The page size.
    pub page: u64,
    /// By object: how far its addresses move.
    moves: Vec<u64>,
}

/// Lowest address that a process may use, by default (`vm.mmap_min_addr`).
const LOWEST: u64 = 0x1_0000;

/// How tables are aligned.
const TABLE_ALIGNMENT: u64 = 16;

impl Layout {
    /// Lays everything out. `headers` is the number of program headers besides those of `kept` segments.
    ///
    /// # Errors
    /// When there is no room below a fixed address.
    pub fn new(
        objects: &[Image<'_>],
        kept: &[Vec<Segment>],
        sizes: &Sizes,
        header_count: usize,
    ) -> Result<Self, FuseError> {
        let page = objects.first().map_or(0x1000, |image| image.machine.page());
        let mut layout = Self { page, moves: vec![0; objects.len()], ..Self::default() };
        let headers = (size_of::<elf::FileHeader64<object::LittleEndian>>()
            + header_count * size_of::<elf::ProgramHeader64<object::LittleEndian>>())
            as u64;
        let length = layout.lay_tables(0, headers, sizes);
        let fixed = objects.iter().position(|image| image.is_fixed);
        if let Some(fixed) = fixed {
            let lowest = kept.get(fixed).and_then(|loads| loads.first()).map_or(0, |load| load.address);
            let start = (lowest / page * page).checked_sub(length.next_multiple_of(page));
            let start = start.filter(|start| *start >= LOWEST).ok_or(FuseError::NoRoom)?;
            layout.lay_tables(start, headers, sizes);
        }
        let mut end = (layout.tables.end(), layout.tables.size);
        let order = fixed.into_iter().chain((0..objects.len()).filter(|object| Some(*object) != fixed));
        for object in order {
            let loads = kept.get(object).map_or(&[][..], Vec::as_slice);
            let alignment = loads.iter().map(|load| load.alignment).max().unwrap_or(1).max(page);
            let lowest = loads.first().map_or(0, |load| load.address) / page * page;
            let by = if fixed == Some(object) {
                0
            } else {
                end.0.next_multiple_of(page).saturating_sub(lowest).next_multiple_of(alignment)
            };
            if let Some(own) = layout.moves.get_mut(object) {
                *own = by;
            }
            for segment in loads {
                let address = segment.address + by;
                let area =
                    Area { address, offset: layout.offset_for(address, end.1), size: segment.file_size };
                end = (address + segment.memory_size, area.offset + area.size);
                layout.placed.push(Placed { object, segment: *segment, area });
            }
        }
        layout.lay_data(end, sizes);
        Ok(layout)
    }

    /// Lays the tables out from an address on; returns their length with the headers.
    fn lay_tables(&mut self, start: u64, headers: u64, sizes: &Sizes) -> u64 {
        let mut offset = headers;
        let mut lay = |area: &mut Area, size| {
            offset = offset.next_multiple_of(TABLE_ALIGNMENT);
            *area = Area { address: start + offset, offset, size };
            offset += size;
        };
        lay(&mut self.interpreter, sizes.interpreter);
        lay(&mut self.hash, sizes.hash);
        lay(&mut self.symbols, sizes.symbols);
        lay(&mut self.strings, sizes.strings);
        lay(&mut self.version_numbers, sizes.version_numbers);
        lay(&mut self.versions, sizes.versions);
        lay(&mut self.relocations, sizes.relocations);
        lay(&mut self.packed, sizes.packed);
        lay(&mut self.unwind, sizes.unwind);
        self.tables = Area { address: start, offset: 0, size: offset };
        offset
    }

    fn lay_data(&mut self, end: (u64, u64), sizes: &Sizes) {
        let start = end.0.next_multiple_of(self.page);
        let first = self.offset_for(start, end.1);
        let mut size = 0_u64;
        let mut lay = |area: &mut Area, length, alignment| {
            size = size.next_multiple_of(alignment);
            *area = Area { address: start + size, offset: first + size, size: length };
            size += length;
        };
        // The segment begins a page, which is enough for any block that a thread may have.
        lay(&mut self.tls, sizes.tls, 1);
        lay(&mut self.init, sizes.init, TABLE_ALIGNMENT);
        lay(&mut self.fini, sizes.fini, 8);
        lay(&mut self.dynamic, sizes.dynamic, TABLE_ALIGNMENT);
        self.data = Area { address: start, offset: first, size };
    }

    /// Where the archive goes in memory: after everything else.
    pub fn archive(&self) -> Area {
        Area { address: self.data.end().next_multiple_of(self.page.max(1)), ..Area::default() }
    }

    /// The next file offset that suits an address.
    fn offset_for(&self, address: u64, end: u64) -> u64 {
        end + address.wrapping_sub(end) % self.page
    }

    /// Where an object's address is now.
    pub fn moved(&self, object: usize, address: u64) -> u64 {
        address.wrapping_add(self.moves.get(object).copied().unwrap_or(0))
    }

    /// The address of a place.
    pub fn address_of(&self, place: Place) -> u64 {
        match place {
            Place::Object(object, address) => self.moved(object, address),
            Place::Tls(offset) => self.tls.address.wrapping_add(offset),
            Place::Init(offset) => self.init.address.wrapping_add(offset),
            Place::Fini(offset) => self.fini.address.wrapping_add(offset),
        }
    }

    /// Where the word at an address is in the file; none for what is only in memory.
    pub fn offset_of(&self, address: u64) -> Option<u64> {
        let areas = self.placed.iter().map(|placed| &placed.area).chain([&self.data, &self.tables]);
        let inside = |area: &Area| {
            let inside = address.checked_sub(area.address)?;
            (inside.checked_add(8)? <= area.size).then_some(area.offset + inside)
        };
        areas.into_iter().find_map(inside)
    }
}
