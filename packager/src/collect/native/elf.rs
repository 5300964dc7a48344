//! What the loader reads of one ELF file before it looks for the libraries that file needs.
//!
//! In comes an open file; out go [`ElfFacts`]: the machine it is for, what kind of object it is, its
//! name, the names it needs and the directories it asks to have searched (gABI, chapter 5, "Dynamic
//! Section"). Nothing else of the file is looked at: symbols, relocations and sections say nothing
//! about dependencies.
//!
//! The file is hostile until read. It is therefore read in pieces, each checked against the length of
//! the file and a fixed limit before memory is allocated for it, and goblin decodes only those pieces.
//! This keeps its whole-file parser, which follows symbol and relocation tables to sizes the file
//! chooses, out of the way, and a library of a gigabyte costs a few kilobytes of reading.
//!
//! What must hold: no input makes [`ElfFacts::read`] panic, and none makes it allocate more than the
//! program headers (at most 65,535), [`MAX_DYNAMIC`] bytes and [`MAX_NEEDED`] names of [`MAX_NAME`] bytes.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use goblin::container::{Container, Ctx, Endian};
use goblin::elf::dynamic::{
    DF_1_NODEFLIB, DF_1_PIE, DT_FLAGS_1, DT_NEEDED, DT_RPATH, DT_RUNPATH, DT_SONAME, DT_STRSZ, DT_STRTAB,
};
use goblin::elf::program_header::{PT_DYNAMIC, PT_LOAD};
use goblin::elf::{Dyn, Dynamic, Elf, Header, ProgramHeader, header};

/// Most bytes read of a dynamic section. Real ones stay below 2 KiB.
const MAX_DYNAMIC: u64 = 1 << 20;
/// Most `DT_NEEDED` entries accepted.
const MAX_NEEDED: usize = 4096;
/// Most bytes of a library's name: `PATH_MAX`, beyond which no file can be opened.
const MAX_NAME: u64 = 4096;
/// Most bytes of a `DT_RPATH` or `DT_RUNPATH`; those of Nix reach several KiB.
const MAX_PATH_LIST: u64 = 1 << 16;

/// Why a file cannot be read as an ELF object.
#[derive(Debug, thiserror::Error)]
pub enum ElfError {
    /// The operating system refused to read it.
    #[error("cannot be read: {0}")]
    Read(#[from] io::Error),
    /// The first bytes are not `\x7fELF`: a linker script, an archive, a text.
    #[error("is not an ELF file")]
    NotElf,
    /// A table or segment ends after the end of the file.
    #[error("is truncated: {0} lies beyond the end of the file")]
    Truncated(&'static str),
    /// A field has a value that the gABI does not allow, or that is absurd.
    #[error("is malformed: {0}")]
    Malformed(&'static str),
    /// goblin's decoder refused one of the tables.
    #[error("is malformed: {0}")]
    Decode(#[from] goblin::error::Error),
}

/// Class, byte order and `e_machine`: two files fit in one process only if all three are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    /// `ELFCLASS64`, not `ELFCLASS32`.
    pub is_64: bool,
    /// `ELFDATA2LSB`, not `ELFDATA2MSB`.
    pub little_endian: bool,
    /// `e_machine`, such as `EM_X86_64`.
    pub id: u16,
}

impl Machine {
    /// The machine this program was compiled for, if its ELF number is known here.
    #[must_use]
    pub fn host() -> Option<Self> {
        let id = match std::env::consts::ARCH {
            "x86" => header::EM_386,
            "x86_64" => header::EM_X86_64,
            "arm" => header::EM_ARM,
            "aarch64" => header::EM_AARCH64,
            "riscv32" | "riscv64" => header::EM_RISCV,
            "powerpc64" => header::EM_PPC64,
            "s390x" => header::EM_S390,
            "loongarch64" => header::EM_LOONGARCH,
            _ => return None,
        };
        Some(Self {
            is_64: cfg!(target_pointer_width = "64"),
            little_endian: cfg!(target_endian = "little"),
            id,
        })
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = if self.is_64 { 64 } else { 32 };
        let order = if self.little_endian { "little" } else { "big" };
        let name = header::machine_to_str(self.id);
        write!(f, "{name} ({bits} bit, {order}-endian)")
    }
}

/// What the loader would do with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElfKind {
    /// `ET_DYN` with a dynamic section: `dlopen` takes it.
    SharedObject,
    /// `ET_EXEC`, or `ET_DYN` with `DF_1_PIE`: `dlopen` refuses it, but it can carry CPython.
    Executable,
    /// A relocatable object, a core file, or an `ET_DYN` without a dynamic section.
    Other,
}

/// What decides which libraries a file brings with it.
#[derive(Clone, Debug)]
pub struct ElfFacts {
    /// What it runs on.
    pub machine: Machine,
    /// What the loader would do with it.
    pub kind: ElfKind,
    /// `DT_SONAME`.
    pub soname: Option<String>,
    /// Each `DT_NEEDED`, in the order of the dynamic section, which is the order of loading.
    pub needed: Vec<String>,
    /// `DT_RPATH`; `None` when there is a `DT_RUNPATH`, for then the loader ignores it (gABI).
    pub rpath: Option<OsString>,
    /// `DT_RUNPATH`.
    pub runpath: Option<OsString>,
    /// `DF_1_NODEFLIB`: the default directories are not searched for it.
    pub no_default_directories: bool,
}

impl ElfFacts {
    /// Reads the facts of the file at `path`.
    ///
    /// # Errors
    /// [`ElfError`] when it cannot be read or is no well-formed ELF file.
    pub fn read(path: &Path) -> Result<Self, ElfError> {
        Self::read_from(&mut File::open(path)?)
    }

    /// Reads the facts of an open file.
    ///
    /// # Errors
    /// As [`ElfFacts::read`].
    pub fn read_from<R: Read + Seek>(source: &mut R) -> Result<Self, ElfError> {
        let mut file = Pieces::of(source)?;
        let (header, ctx) = file.header()?;
        let machine = Machine {
            is_64: ctx.container == Container::Big,
            little_endian: ctx.le == Endian::Little,
            id: header.e_machine,
        };
        let segments = file.segments(&header, ctx)?;
        let dynamic = file.dynamic_entries(&segments, ctx)?;
        let mut facts = Self {
            machine,
            kind: kind(&header, dynamic.as_deref()),
            soname: None,
            needed: Vec::new(),
            rpath: None,
            runpath: None,
            no_default_directories: false,
        };
        if let Some(entries) = dynamic {
            let strings = StringTable::locate(&entries, &segments)?;
            facts.take(&entries, strings, &mut file)?;
        }
        Ok(facts)
    }

    /// Fills in what the dynamic section says. Of a tag that may occur once, the last counts, as in
    /// glibc's `elf_get_dynamic_info`.
    fn take<R: Read + Seek>(
        &mut self,
        entries: &[Dyn],
        strings: StringTable,
        file: &mut Pieces<'_, R>,
    ) -> Result<(), ElfError> {
        for entry in entries {
            match entry.d_tag {
                DT_NEEDED if self.needed.len() == MAX_NEEDED => {
                    return Err(ElfError::Malformed("it needs more than 4096 libraries"));
                }
                DT_NEEDED => self.needed.push(file.name(strings, entry.d_val)?),
                DT_SONAME => self.soname = Some(file.name(strings, entry.d_val)?),
                DT_RPATH => self.rpath = Some(file.path_list(strings, entry.d_val)?),
                DT_RUNPATH => self.runpath = Some(file.path_list(strings, entry.d_val)?),
                DT_FLAGS_1 => self.no_default_directories = entry.d_val & DF_1_NODEFLIB != 0,
                _ => {}
            }
        }
        self.soname.take_if(|name| name.is_empty());
        if self.runpath.is_some() {
            self.rpath = None;
        }
        Ok(())
    }
}

fn kind(header: &Header, dynamic: Option<&[Dyn]>) -> ElfKind {
    let pie = |entry: &Dyn| entry.d_tag == DT_FLAGS_1 && entry.d_val & DF_1_PIE != 0;
    match (header.e_type, dynamic) {
        (header::ET_EXEC, _) => ElfKind::Executable,
        (header::ET_DYN, Some(entries)) if entries.iter().any(pie) => ElfKind::Executable,
        (header::ET_DYN, Some(_)) => ElfKind::SharedObject,
        _ => ElfKind::Other,
    }
}

/// Where the strings of the dynamic section are in the file.
#[derive(Clone, Copy)]
pub(crate) struct StringTable {
    offset: u64,
    size: u64,
}

impl StringTable {
    /// `DT_STRTAB` is an address: the segment that holds it gives the offset. goblin's translation
    /// answers 0, the ELF header, for an address outside all segments, and so is not used.
    pub(crate) fn locate(entries: &[Dyn], segments: &[ProgramHeader]) -> Result<Self, ElfError> {
        let value = |tag| entries.iter().rfind(|entry| entry.d_tag == tag);
        let (Some(table), Some(size)) = (value(DT_STRTAB), value(DT_STRSZ)) else {
            return Err(ElfError::Malformed("the dynamic section has no string table"));
        };
        let (address, size) = (table.d_val, size.d_val);
        let offset = segments
            .iter()
            .filter(|segment| segment.p_type == PT_LOAD)
            .find_map(|segment| {
                let inside = address.checked_sub(segment.p_vaddr)?;
                let room = segment.p_filesz.checked_sub(inside)?;
                (size <= room).then(|| segment.p_offset.checked_add(inside))?
            })
            .ok_or(ElfError::Malformed("the string table is in no segment"))?;
        Ok(Self { offset, size })
    }
}

/// A file of known length of which pieces are read, never more than the file holds.
pub(crate) struct Pieces<'a, R> {
    source: &'a mut R,
    length: u64,
}

impl<'a, R: Read + Seek> Pieces<'a, R> {
    pub(crate) fn of(source: &'a mut R) -> io::Result<Self> {
        let length = source.seek(SeekFrom::End(0))?;
        Ok(Self { source, length })
    }

    pub(crate) fn piece(&mut self, offset: u64, size: u64, what: &'static str) -> Result<Vec<u8>, ElfError> {
        let end = offset.checked_add(size);
        if end.is_none_or(|end| end > self.length) {
            return Err(ElfError::Truncated(what));
        }
        self.source.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::new();
        let read = self.source.by_ref().take(size).read_to_end(&mut bytes)?;
        // The file may have become shorter since its length was asked for.
        if read as u64 == size { Ok(bytes) } else { Err(ElfError::Truncated(what)) }
    }

    pub(crate) fn header(&mut self) -> Result<(Header, Ctx), ElfError> {
        let size = self.length.min(header::header64::SIZEOF_EHDR as u64);
        let bytes = self.piece(0, size, "the ELF header")?;
        if !bytes.starts_with(header::ELFMAG) {
            return Err(ElfError::NotElf);
        }
        let class = bytes.get(header::EI_CLASS);
        let needed = match class {
            Some(&header::ELFCLASS32) => header::header32::SIZEOF_EHDR,
            Some(&header::ELFCLASS64) => header::header64::SIZEOF_EHDR,
            Some(_) => return Err(ElfError::Malformed("unknown ELF class")),
            None => header::SIZEOF_IDENT,
        };
        if bytes.len() < needed {
            return Err(ElfError::Truncated("the ELF header"));
        }
        let header = Elf::parse_header(&bytes)?;
        let ctx = Ctx::new(header.container()?, header.endianness()?);
        Ok((header, ctx))
    }

    /// The program headers, with every loadable segment inside the file: the kernel would map a
    /// segment that is not, and the program would die of SIGBUS when it touches the page.
    pub(crate) fn segments(&mut self, header: &Header, ctx: Ctx) -> Result<Vec<ProgramHeader>, ElfError> {
        let count = usize::from(header.e_phnum);
        let entry = ProgramHeader::size(ctx);
        if count > 0 && usize::from(header.e_phentsize) != entry {
            return Err(ElfError::Malformed("e_phentsize is not that of its class"));
        }
        let table = self.piece(header.e_phoff, (count * entry) as u64, "the program header table")?;
        let segments = ProgramHeader::parse(&table, 0, count, ctx)?;
        let beyond = |segment: &ProgramHeader| {
            let end = segment.p_offset.checked_add(segment.p_filesz);
            segment.p_type == PT_LOAD && end.is_none_or(|end| end > self.length)
        };
        if segments.iter().any(beyond) {
            return Err(ElfError::Truncated("a loadable segment"));
        }
        Ok(segments)
    }

    /// The dynamic section up to `DT_NULL`; `None` if there is none.
    pub(crate) fn dynamic_entries(
        &mut self,
        segments: &[ProgramHeader],
        ctx: Ctx,
    ) -> Result<Option<Vec<Dyn>>, ElfError> {
        let Some(segment) = segments.iter().find(|segment| segment.p_type == PT_DYNAMIC) else {
            return Ok(None);
        };
        if segment.p_filesz > MAX_DYNAMIC {
            return Err(ElfError::Malformed("the dynamic section is larger than 1 MiB"));
        }
        let section = self.piece(segment.p_offset, segment.p_filesz, "the dynamic section")?;
        // goblin reads at `p_offset` of the bytes it is given: here the section alone.
        let at_start = ProgramHeader { p_offset: 0, ..segment.clone() };
        let dynamic = Dynamic::parse(&section, &[at_start], ctx)?;
        Ok(dynamic.map(|dynamic| dynamic.dyns))
    }

    pub(crate) fn string(&mut self, table: StringTable, index: u64, limit: u64) -> Result<Vec<u8>, ElfError> {
        let room = table.size.checked_sub(index).filter(|room| *room > 0);
        let room = room.ok_or(ElfError::Malformed("a string lies outside the string table"))?;
        let offset = table.offset.saturating_add(index);
        let mut bytes = self.piece(offset, room.min(limit), "the string table")?;
        let end = bytes.iter().position(|byte| *byte == 0);
        bytes.truncate(end.ok_or(ElfError::Malformed("a string is too long or does not end"))?);
        bytes.shrink_to_fit();
        Ok(bytes)
    }

    pub(crate) fn name(&mut self, table: StringTable, index: u64) -> Result<String, ElfError> {
        let bytes = self.string(table, index, MAX_NAME)?;
        String::from_utf8(bytes).map_err(|_| ElfError::Malformed("a library's name is not UTF-8"))
    }

    fn path_list(&mut self, table: StringTable, index: u64) -> Result<OsString, ElfError> {
        let bytes = self.string(table, index, MAX_PATH_LIST)?;
        os_string(bytes)
    }
}

/// Search paths are bytes to the loader. Where the packager's platform cannot hold arbitrary bytes
/// in a path, they must be UTF-8.
#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "fails on other platforms")]
fn os_string(bytes: Vec<u8>) -> Result<OsString, ElfError> {
    use std::os::unix::ffi::OsStringExt;
    Ok(OsString::from_vec(bytes))
}

#[cfg(not(unix))]
fn os_string(bytes: Vec<u8>) -> Result<OsString, ElfError> {
    let text = String::from_utf8(bytes);
    text.map(OsString::from).map_err(|_| ElfError::Malformed("a search path is not UTF-8"))
}
