//! The fused file's bytes.

use object::elf::{self, FileHeader64, ProgramHeader64, Rela64};
use object::endian::{LittleEndian as LE, U16, U32, U64};
use object::pod;

use super::FuseError;
use super::collect;
use super::direct;
use super::fixups::{Fixup, Fixups, Place, Value};
use super::frames;
use super::frozen::Frozen;
use super::image::{Image, Segment, piece};
use super::layout::{Area, Layout, Sizes};
use super::leave;
use super::machine::RelocationKind;
use super::names;
use super::packed::Packed;
use super::relocations::Relocation;
use super::sections::Sections;
use super::symbols::{Owned, Symbols};
use super::tables::{self, Strings};
use super::thread_local::Block;
use super::unwind::Index;

/// Everything that the file is made of.
#[derive(Debug)]
pub struct Parts<'a> {
    /// The stub, the base if there is one, libraries.
    pub objects: &'a [Image<'a>],
    /// `DT_SONAME`.
    pub name: Option<&'a [u8]>,
    /// The minor version of the base's CPython 3, if there is a base.
    pub minor: Option<u8>,
    /// The merged symbols.
    pub symbols: Symbols<'a>,
    /// The merged thread-local block.
    pub block: Block,
    /// What relocations became.
    pub fixups: Fixups,
    /// What of the base waits until somebody asks for it.
    pub frozen: Frozen,
    /// What of that the stub applies.
    pub packed: Packed,
    /// The merged index of unwind tables.
    pub unwind: Index,
    /// The segments of each object that stay.
    pub kept: Vec<Vec<Segment>>,
}

/// The kernel reads one page of program headers at most (Linux, fs/binfmt_elf.c, `load_elf_phdrs`).
const MOST_PROGRAM_HEADERS: usize = 4096 / size_of::<ProgramHeader64<LE>>();

/// Writes the file.
///
/// # Errors
/// When something does not fit.
pub fn write(parts: &Parts<'_>) -> Result<Vec<u8>, FuseError> {
    let stub = parts.objects.first().ok_or(FuseError::Malformed("there is nothing to fuse"))?;
    let machine = stub.machine;
    let interpreter =
        [stub.interpreter.ok_or(FuseError::Malformed("the stub names no interpreter"))?, b"\0"].concat();

    let mut strings = Strings::new();
    let needed = parts.needed(&mut strings);
    let versions = tables::version_tables(&parts.symbols, &mut strings);
    for owned in parts.symbols.iter() {
        strings.offset(owned.symbol.name);
    }
    let name = parts.name.map(|name| strings.offset(name));
    let dynamic = Dynamic { name, needed, versions: versions.libraries, is_fixed: parts.is_fixed() };
    let hash = tables::hash_table(&parts.symbols);
    let relocation_count = parts.fixups.all.iter().filter(|fixup| parts.is_dynamic(fixup)).count();
    let sizes = Sizes {
        interpreter: interpreter.len() as u64,
        hash: hash.len() as u64,
        symbols: (parts.symbols.len() * size_of::<elf::Sym64<LE>>()) as u64,
        strings: strings.bytes.len() as u64,
        version_numbers: versions.numbers.len() as u64,
        versions: versions.needed.len() as u64,
        relocations: (relocation_count * size_of::<Rela64<LE>>()) as u64,
        packed: parts.packed.size(),
        unwind: parts.unwind.size(),
        tls: parts.block.content.len() as u64,
        init: 8 * parts.fixups.init as u64,
        fini: 8 * parts.fixups.fini as u64,
        dynamic: (dynamic.entries(&Layout::default(), 0).len() * size_of::<elf::Dyn64<LE>>()) as u64,
    };
    let header_count = parts.program_headers(&Layout::default()).len();
    if header_count > MOST_PROGRAM_HEADERS {
        return Err(FuseError::TooManySegments(header_count));
    }
    let layout = Layout::new(parts.objects, &parts.kept, &sizes, header_count)?;
    let mut sections = Sections::of(parts.objects, &layout, parts.block.size);
    let symbol_table = tables::symbol_table(
        &parts.symbols,
        &mut strings,
        |owned| parts.symbol_value(&layout, owned),
        |owned| section_number(&layout, &sections, owned),
    );

    let mut file = Output { bytes: Vec::new() };
    for placed in &layout.placed {
        let object = parts.objects.get(placed.object);
        let content =
            object.and_then(|object| piece(object.bytes, placed.segment.offset, placed.segment.file_size));
        file.put(placed.area.offset, content.ok_or(FuseError::Truncated("a segment"))?);
    }
    let instead = collect::stand_in(parts.objects, &layout);
    let direct = direct::patches(parts.objects, &parts.fixups, &parts.unwind, &layout, instead);
    let patches = direct.into_iter().chain(leave::patches(parts.objects, parts.minor, &layout));
    let patches = patches
        .chain(collect::patches(parts.objects, &layout).into_iter().flatten())
        .chain(parts.frozen.patches(&layout)?);
    for patch in patches {
        file.put(patch.offset, &patch.bytes);
    }
    file.put(layout.tls.offset, &parts.block.content);
    file.put(layout.init.offset, &vec![0; layout.init.size as usize]);
    file.put(layout.fini.offset, &vec![0; layout.fini.size as usize]);
    let (relative, relocations) = tables::relocation_table(parts.apply(&layout, &mut file)?, machine);
    if relocations.len() as u64 != layout.relocations.size {
        return Err(FuseError::Check("relocations were counted wrong".into()));
    }
    let packed = parts.packed.encode(&layout);
    if let Some((address, slot)) = parts.packed.slot(&layout, &packed) {
        let offset = layout.offset_of(address).ok_or(FuseError::Malformed("the stub has no slot"))?;
        file.put(offset, &slot);
    }
    let entries = dynamic.entries(&layout, relative);
    let unwind = parts.unwind.encode(layout.unwind.address, |place| layout.address_of(place))?;
    for (area, bytes) in [
        (layout.interpreter, &interpreter),
        (layout.hash, &hash),
        (layout.symbols, &symbol_table),
        (layout.strings, &strings.bytes),
        (layout.version_numbers, &versions.numbers),
        (layout.versions, &versions.needed),
        (layout.relocations, &relocations),
        (layout.packed, &packed),
        (layout.unwind, &unwind),
        (layout.dynamic, &tables::dynamic_section(&entries)),
    ] {
        file.put(area.offset, bytes);
    }
    let debug_frame = frames::compressed(&frames::debug_frame(parts.objects, &layout));
    let mut unloaded = vec![(frames::SECTION, elf::SHT_PROGBITS, elf::SHF_COMPRESSED, debug_frame)];
    if let Some(base) = parts.objects.get(1) {
        let (functions, names) = names::function_names(1, base, &layout, &sections);
        unloaded.extend([(".symtab", elf::SHT_SYMTAB, 0, functions), (".strtab", elf::SHT_STRTAB, 0, names)]);
    }
    for (name, kind, flags, bytes) in unloaded {
        let offset = (file.bytes.len() as u64).next_multiple_of(8);
        file.put(offset, &bytes);
        sections.add_unloaded(name, kind, flags, Area { address: 0, offset, size: bytes.len() as u64 });
    }
    let names_at = file.bytes.len() as u64;
    let (section_headers, names) = sections.encode(names_at);
    file.put(names_at, &names);
    let sections_at = (file.bytes.len() as u64).next_multiple_of(8);
    file.put(sections_at, &section_headers);

    let programs = parts.program_headers(&layout);
    let header = FileHeader64 {
        e_ident: elf::Ident {
            magic: elf::ELFMAG,
            class: elf::ELFCLASS64,
            data: elf::ELFDATA2LSB,
            version: elf::EV_CURRENT,
            os_abi: elf::ELFOSABI_NONE,
            abi_version: 0,
            padding: [0; 7],
        },
        e_type: U16::new(LE, if parts.is_fixed() { elf::ET_EXEC } else { elf::ET_DYN }),
        e_machine: U16::new(LE, machine.number()),
        e_version: U32::new(LE, elf::EV_CURRENT.into()),
        e_entry: U64::new(LE, layout.moved(0, stub.entry)),
        e_phoff: U64::new(LE, size_of::<FileHeader64<LE>>() as u64),
        e_shoff: U64::new(LE, sections_at),
        e_flags: U32::new(LE, 0),
        e_ehsize: U16::new(LE, size_of::<FileHeader64<LE>>() as u16),
        e_phentsize: U16::new(LE, size_of::<ProgramHeader64<LE>>() as u16),
        e_phnum: U16::new(LE, programs.len() as u16),
        e_shentsize: U16::new(LE, size_of::<elf::SectionHeader64<LE>>() as u16),
        e_shnum: U16::new(LE, sections.headers.len() as u16),
        e_shstrndx: U16::new(LE, sections.headers.len() as u16 - 1),
    };
    file.put(0, pod::bytes_of(&header));
    file.put(size_of::<FileHeader64<LE>>() as u64, pod::bytes_of_slice(&programs));
    Ok(file.bytes)
}

/// The file as it grows.
struct Output {
    bytes: Vec<u8>,
}

impl Output {
    fn put(&mut self, offset: u64, bytes: &[u8]) {
        let (start, end) = (offset as usize, offset as usize + bytes.len());
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        if let Some(place) = self.bytes.get_mut(start..end) {
            place.copy_from_slice(bytes);
        }
    }
}

/// What the dynamic section says beside where tables are.
struct Dynamic {
    name: Option<u32>,
    needed: Vec<u32>,
    versions: usize,
    is_fixed: bool,
}

impl Dynamic {
    fn entries(&self, layout: &Layout, relative: usize) -> Vec<(i64, u64)> {
        let position = if self.is_fixed { 0 } else { elf::DF_1_PIE };
        let mut entries: Vec<(i64, u64)> =
            self.needed.iter().map(|name| (elf::DT_NEEDED, u64::from(*name))).collect();
        entries.extend(self.name.map(|name| (elf::DT_SONAME, u64::from(name))));
        entries.extend([
            (elf::DT_INIT_ARRAY, layout.init.address),
            (elf::DT_INIT_ARRAYSZ, layout.init.size),
            (elf::DT_FINI_ARRAY, layout.fini.address),
            (elf::DT_FINI_ARRAYSZ, layout.fini.size),
            (elf::DT_GNU_HASH, layout.hash.address),
            (elf::DT_STRTAB, layout.strings.address),
            (elf::DT_SYMTAB, layout.symbols.address),
            (elf::DT_STRSZ, layout.strings.size),
            (elf::DT_SYMENT, size_of::<elf::Sym64<LE>>() as u64),
            // The dynamic linker writes there where debuggers find its records.
            (elf::DT_DEBUG, 0),
            (elf::DT_RELA, layout.relocations.address),
            (elf::DT_RELASZ, layout.relocations.size),
            (elf::DT_RELAENT, size_of::<Rela64<LE>>() as u64),
            (elf::DT_RELACOUNT, relative as u64),
            (elf::DT_FLAGS, elf::DF_BIND_NOW.into()),
            (elf::DT_FLAGS_1, (elf::DF_1_NOW | position).into()),
            (elf::DT_VERSYM, layout.version_numbers.address),
            (elf::DT_VERNEED, layout.versions.address),
            (elf::DT_VERNEEDNUM, self.versions as u64),
            (elf::DT_NULL, 0),
        ]);
        entries
    }
}

impl Parts<'_> {
    fn is_fixed(&self) -> bool {
        self.objects.iter().any(|object| object.is_fixed)
    }

    /// What all objects need and none of them is; the base's first, as it would be loaded first.
    fn needed<'a>(&'a self, strings: &mut Strings<'a>) -> Vec<u32> {
        let (first, rest) = self.objects.split_at(self.objects.len().min(1));
        let fused = |name: &&&[u8]| !self.objects.iter().any(|object| object.dynamic.soname == Some(**name));
        let mut names: Vec<&'a [u8]> = Vec::new();
        for name in rest.iter().chain(first).flat_map(|object| &object.dynamic.needed).filter(fused) {
            if !names.contains(name) {
                names.push(name);
            }
        }
        names.into_iter().map(|name| strings.offset(name)).collect()
    }

    /// Whether a fixup is left to the dynamic linker.
    fn is_dynamic(&self, fixup: &Fixup) -> bool {
        match fixup.value {
            Value::Constant(_) => false,
            Value::Dynamic(..) | Value::Resolver(_) => true,
            Value::Address(_) if self.is_fixed() => !self.is_in_file(fixup.place),
            Value::Address(_) => !self.packed.holds(fixup.place),
        }
    }

    fn is_in_file(&self, place: Place) -> bool {
        let Place::Object(object, address) = place else { return true };
        let loads = self.objects.get(object).map_or(&[][..], |image| &image.loads);
        let holds = |load: &Segment| {
            let inside = address.checked_sub(load.address).and_then(|inside| inside.checked_add(8));
            inside.is_some_and(|end| end <= load.file_size)
        };
        loads.iter().any(holds)
    }

    /// Writes what is known now; returns the relocations that are left.
    fn apply(&self, layout: &Layout, file: &mut Output) -> Result<Vec<Relocation>, FuseError> {
        let mut left = Vec::new();
        for fixup in &self.fixups.all {
            let at = layout.address_of(fixup.place);
            if self.is_dynamic(fixup) {
                let (kind, symbol, addend) = match fixup.value {
                    Value::Dynamic(kind, symbol, addend) => (kind, symbol, addend),
                    Value::Resolver(place) => {
                        (RelocationKind::IRelative, 0, layout.address_of(place).cast_signed())
                    }
                    Value::Address(place) => {
                        (RelocationKind::Relative, 0, layout.address_of(place).cast_signed())
                    }
                    Value::Constant(_) => continue,
                };
                left.push(Relocation { address: at, kind, symbol, addend });
                continue;
            }
            let value = match fixup.value {
                Value::Address(place) => layout.address_of(place),
                Value::Constant(value) => value,
                Value::Dynamic(..) | Value::Resolver(_) => continue,
            };
            let offset = layout
                .offset_of(at)
                .ok_or(FuseError::RelocationForm("it changes what is not in the file"))?;
            file.put(offset, &value.to_le_bytes());
        }
        Ok(left)
    }

    fn symbol_value(&self, layout: &Layout, owned: &Owned<'_>) -> u64 {
        let symbol = owned.symbol;
        match (symbol.section, symbol.kind()) {
            // An executable's address of a function that a library has, or nothing.
            (elf::SHN_UNDEF, _) if symbol.value == 0 => 0,
            (elf::SHN_ABS, _) => symbol.value,
            (_, elf::STT_TLS) => symbol.value.wrapping_add(self.block.offset_of(owned.object)),
            _ => layout.moved(owned.object, symbol.value),
        }
    }

    /// The program headers; their number does not depend on the layout.
    fn program_headers(&self, layout: &Layout) -> Vec<ProgramHeader64<LE>> {
        const R: u32 = elf::PF_R;
        const RW: u32 = elf::PF_R | elf::PF_W;
        let page = layout.page.max(1);
        let count_of_loads: usize = self.kept.iter().map(Vec::len).sum();
        let relros =
            self.objects.iter().enumerate().filter_map(|(number, object)| Some((number, object.relro?)));
        let relros: Vec<(usize, Segment)> = relros.collect();
        let has_tls = self.block.size > 0;
        let has_unwind = self.unwind.size() > 0;
        let count = 8 + count_of_loads + relros.len() + usize::from(has_tls) + usize::from(has_unwind);

        let own = Area {
            address: layout.tables.address + size_of::<FileHeader64<LE>>() as u64,
            offset: size_of::<FileHeader64<LE>>() as u64,
            size: (count * size_of::<ProgramHeader64<LE>>()) as u64,
        };
        let mut headers = vec![
            header(elf::PT_PHDR, R, own, own.size, 8),
            header(elf::PT_INTERP, R, layout.interpreter, layout.interpreter.size, 1),
            header(elf::PT_LOAD, R, layout.tables, layout.tables.size, page),
        ];
        headers.extend(layout.placed.iter().map(|placed| {
            header(elf::PT_LOAD, placed.segment.flags, placed.area, placed.segment.memory_size, page)
        }));
        headers.push(header(elf::PT_LOAD, RW, layout.data, layout.data.size, page));
        // The archive's: see `archive`.
        headers.push(header(elf::PT_NULL, R, layout.archive(), 0, page));
        headers.push(header(elf::PT_DYNAMIC, RW, layout.dynamic, layout.dynamic.size, 8));
        if has_tls {
            headers.push(header(elf::PT_TLS, R, layout.tls, self.block.size, self.block.alignment));
        }
        if has_unwind {
            headers.push(header(elf::PT_GNU_EH_FRAME, R, layout.unwind, layout.unwind.size, 4));
        }
        for (object, relro) in relros {
            let address = layout.moved(object, relro.address);
            let placed = layout
                .placed
                .iter()
                .find(|placed| placed.object == object && placed.segment.holds(relro.address));
            let offset = placed.map_or(0, |placed| placed.area.offset + (address - placed.area.address));
            let area = Area { address, offset, size: relro.file_size };
            headers.push(header(elf::PT_GNU_RELRO, R, area, relro.memory_size, 1));
        }
        // The dynamic linker heeds the last one, which has no packed words. The stub sees to the others.
        let data_end = layout.data.end().next_multiple_of(page);
        headers.push(header(elf::PT_GNU_RELRO, R, layout.data, data_end - layout.data.address, 1));
        let executable =
            if self.objects.iter().any(|object| object.executable_stack) { elf::PF_X } else { 0 };
        headers.push(header(elf::PT_GNU_STACK, RW | executable, Area::default(), 0, 16));
        headers.resize(count, header(elf::PT_NULL, 0, Area::default(), 0, 0));
        headers
    }
}

fn header(kind: u32, flags: u32, area: Area, memory_size: u64, alignment: u64) -> ProgramHeader64<LE> {
    ProgramHeader64 {
        p_type: U32::new(LE, kind),
        p_flags: U32::new(LE, flags),
        p_offset: U64::new(LE, area.offset),
        p_vaddr: U64::new(LE, area.address),
        p_paddr: U64::new(LE, area.address),
        p_filesz: U64::new(LE, area.size),
        p_memsz: U64::new(LE, memory_size),
        p_align: U64::new(LE, alignment),
    }
}

fn section_number(layout: &Layout, sections: &Sections, owned: &Owned<'_>) -> u16 {
    match owned.symbol.section {
        section @ (elf::SHN_UNDEF | elf::SHN_ABS) => section,
        section => sections.number_for(owned.object, section, layout.moved(owned.object, owned.symbol.value)),
    }
}
