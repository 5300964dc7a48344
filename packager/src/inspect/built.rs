//! The inventory of an executable.

use std::collections::{BTreeMap, HashMap};
use std::io::Cursor;

use rayon::prelude::*;
use snapfreeze_runtime::archive::layout::FORMAT_VERSION;
use snapfreeze_runtime::archive::{
    self as format, Archive, ArchiveError, Extent, InterpreterMode, Placement,
};

use super::assemble::{Parts, Place, add_builtin, assemble, places};
use super::error::InspectError;
use super::executable::{Executable, read_content};
use super::metadata::is_wanted;
use super::model::{Contents, File, Library, Module, ModuleKind, Options, Program, Sizes, Target};
use super::native::NativeNeeds;
use super::shares::Claims;
use super::tree::{Entry, EntryContent};
use crate::why::Reasons;

/// Length of the header of a `.pyc` file, which stands before a module's code (PEP 552).
const PYC_HEADER: u32 = 16;
/// Longest text of metadata that is read, in bytes. The RECORD of 60,000 files takes 6 MB.
const LONGEST_TEXT: u64 = 64 << 20;

/// Whose a content is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    Module(usize),
    Library(usize),
    File(usize),
    Reasons,
    Other,
}

/// The inventory of an executable.
///
/// # Errors
/// When it is damaged.
pub fn contents(executable: &Executable) -> Result<Contents, InspectError> {
    let archive = executable.archive()?;
    let entries = executable.entries(&archive)?;
    let reasons = executable.reasons(&archive)?;
    let texts = texts(executable, &archive, &entries)?;
    let parts = parts(executable, &archive, &entries, reasons, texts);
    Ok(assemble(parts.map_err(|source| executable.damaged(source))?))
}

fn texts(
    executable: &Executable,
    archive: &Archive,
    entries: &[Entry],
) -> Result<BTreeMap<String, String>, InspectError> {
    let mut texts = BTreeMap::new();
    for entry in entries {
        let path = entry.name();
        if is_wanted(&path)
            && entry.size() <= LONGEST_TEXT
            && let Some(bytes) = executable.read(archive, entry)?
        {
            texts.insert(path, String::from_utf8_lossy(&bytes).into_owned());
        }
    }
    Ok(texts)
}

fn parts(
    executable: &Executable,
    archive: &Archive,
    entries: &[Entry],
    reasons: Option<(Extent, Reasons)>,
    texts: BTreeMap<String, String>,
) -> Result<Parts, ArchiveError> {
    let header = archive.target()?;
    let target = Target {
        platform: header.platform.to_owned(),
        python: header.version.to_owned(),
        abi_flags: header.abi_flags.to_owned(),
        cache_tag: header.cache_tag.to_owned(),
    };
    let mut claims = Claims::new(archive);
    let (mut libraries, library_contents) = libraries(archive, &header, &mut claims)?;
    let (mut modules, module_contents) = modules(archive, &mut claims)?;
    let encodings = modules.iter().position(|module| module.name == "encodings");
    claims.claim(archive, encodings.map_or(Owner::Other, Owner::Module), with_header(header.bootstrap))?;
    if let Some((extent, _)) = &reasons {
        claims.claim(archive, Owner::Reasons, *extent)?;
    }
    let reasons = reasons.map(|(_, reasons)| reasons);
    if let Some(reasons) = &reasons {
        add_builtin(&mut modules, reasons);
    }

    let places = places(&modules, &libraries, &target, header.optimize);
    let mut files: Vec<File> = Vec::new();
    let mut beside = Sizes::default();
    let mut owners: HashMap<Extent, String> = HashMap::new();
    for (library, extent) in libraries.iter().zip(&library_contents) {
        owners.entry(*extent).or_insert_with(|| library.file.clone());
    }
    for entry in entries.iter().filter(|entry| entry.content != EntryContent::Directory) {
        let (path, size) = (entry.name(), entry.size());
        let place = places.get(&path).copied();
        let on_disk = matches!(entry.content, EntryContent::Disk(..)).then_some(size);
        let owner = match place {
            Some(Place::Library(number)) => Owner::Library(number),
            Some(Place::Source(number) | Place::Bytecode(number) | Place::Extension(number)) => {
                Owner::Module(number)
            }
            None => Owner::File(files.len()),
        };
        match place {
            Some(Place::Library(number)) => {
                let library = &mut libraries[number];
                library.size = size;
                library.stored = on_disk.or(library.stored);
                beside.libraries += on_disk.unwrap_or(0);
            }
            Some(Place::Source(number) | Place::Bytecode(number) | Place::Extension(number)) => {
                let module = &mut modules[number];
                match place {
                    Some(Place::Source(_)) => module.source = size,
                    Some(Place::Extension(_)) => module.size = size,
                    _ => {}
                }
                module.stored = on_disk.map(|size| module.stored.unwrap_or(0) + size).or(module.stored);
                beside.modules += on_disk.unwrap_or(0);
            }
            None => {
                let link = match &entry.content {
                    EntryContent::Link(target) => Some(String::from_utf8_lossy(target).into_owned()),
                    _ => None,
                };
                beside.files += on_disk.unwrap_or(0);
                files.push(file(&path, size, link, on_disk));
            }
        }
        if let EntryContent::Stored(extent) = entry.content {
            let is_first = claims.claim(archive, owner, extent)?;
            match files.last_mut() {
                Some(file) if place.is_none() && !is_first => file.same_as = owners.get(&extent).cloned(),
                _ => {}
            }
            owners.entry(extent).or_insert(path);
        }
    }

    let sizes =
        shared_out(executable, archive, &claims, &beside, (&mut modules, &mut libraries, &mut files))?;
    let mut warnings = executable.warnings.clone();
    add_needs(
        archive,
        entries,
        (&mut modules, &module_contents),
        (&mut libraries, &library_contents),
        &mut warnings,
    )?;
    let built = reasons.as_ref().and_then(|reasons| reasons.options.as_ref());
    Ok(Parts {
        program: Program {
            name: executable
                .path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default(),
            is_built: true,
            entry: header.entry.to_owned(),
            entry_is_module: header.entry_kind == format::EntryKind::Module,
            format: FORMAT_VERSION,
            checksum: Some(format!("{:016x}", archive.index_checksum())),
            base_checksum: Some(executable.checksum.to_hex().to_string()),
            is_fused: header.libpython.is_none(),
            is_directory: header.placement == Placement::Beside,
        },
        options: Options {
            optimize: header.optimize,
            interpreter: match header.interpreter {
                InterpreterMode::None => "none",
                InterpreterMode::Arguments => "argv",
                InterpreterMode::Environment => "env",
            },
            compress: built.map(|built| built.compress.clone()),
            include_source: built.map(|built| built.include_source),
            strip: built.map(|built| built.strip),
            gc_during_imports: header.collects_during_imports,
        },
        target,
        sizes,
        modules,
        libraries,
        files,
        texts,
        reasons,
        needs: executable.needs.clone(),
        warnings,
    })
}

fn file(path: &str, size: u64, link: Option<String>, stored: Option<u64>) -> File {
    let path = path.to_owned();
    File { path, link, distribution: None, reason: String::new(), size, stored, same_as: None, blake3: None }
}

fn libraries(
    archive: &Archive,
    header: &format::Target,
    claims: &mut Claims<Owner>,
) -> Result<(Vec<Library>, Vec<Extent>), ArchiveError> {
    let count = archive.library_count();
    let (mut libraries, mut contents) = (Vec::new(), Vec::new());
    for number in 0..count {
        let record = archive.library(u32::try_from(number).unwrap_or(u32::MAX))?;
        claims.claim(archive, Owner::Library(number), record.content)?;
        let mut library = Library::new(record.name, record.file);
        library.size = record.content.length;
        library.is_fused = header.libpython.is_none() && number + 1 == count && record.file.is_empty();
        libraries.push(library);
        contents.push(record.content);
    }
    Ok((libraries, contents))
}

fn modules(
    archive: &Archive,
    claims: &mut Claims<Owner>,
) -> Result<(Vec<Module>, Vec<Extent>), ArchiveError> {
    let (mut modules, mut contents) = (Vec::new(), Vec::new());
    for number in 0..archive.module_count() {
        let record = archive.module(number)?;
        let kind = match record.kind {
            format::ModuleKind::Code => ModuleKind::Code,
            format::ModuleKind::Extension => ModuleKind::Extension,
            format::ModuleKind::Namespace => ModuleKind::Namespace,
        };
        let extent = if kind == ModuleKind::Code { with_header(record.content) } else { record.content };
        claims.claim(archive, Owner::Module(number), extent)?;
        let mut module = Module::new(record.name, kind, record.file);
        module.is_package = record.is_package;
        module.size = record.content.length;
        modules.push(module);
        contents.push(record.content);
    }
    Ok((modules, contents))
}

/// Code with the header of a `.pyc` file before it, as the node of its bytecode has it.
pub(super) fn with_header(code: Extent) -> Extent {
    match code.offset.checked_sub(PYC_HEADER) {
        Some(offset) if code.length > 0 => {
            Extent { offset, length: code.length.saturating_add(PYC_HEADER.into()), ..code }
        }
        _ => code,
    }
}

fn shared_out(
    executable: &Executable,
    archive: &Archive,
    claims: &Claims<Owner>,
    beside: &Sizes,
    (modules, libraries, files): (&mut [Module], &mut [Library], &mut [File]),
) -> Result<Sizes, ArchiveError> {
    let overlap = ArchiveError::Invalid { part: "list of blocks" };
    let mut sizes = Sizes {
        base: executable.base,
        alignment: executable.alignment,
        modules: beside.modules,
        libraries: beside.libraries,
        files: beside.files,
        ..Sizes::default()
    };
    let mut blocks: u64 = 0;
    let add =
        |stored: &mut Option<u64>, share: u64| *stored = Some(stored.unwrap_or(0).saturating_add(share));
    claims.share_out(archive, |owner, share| {
        blocks = blocks.saturating_add(share);
        match owner {
            Some(Owner::Module(number)) => {
                sizes.modules += share;
                add(&mut modules[number].stored, share);
            }
            Some(Owner::Library(number)) => {
                sizes.libraries += share;
                add(&mut libraries[number].stored, share);
            }
            Some(Owner::File(number)) => {
                sizes.files += share;
                add(&mut files[number].stored, share);
            }
            Some(Owner::Reasons) => sizes.reasons += share,
            Some(Owner::Other) | None => sizes.other += share,
        }
    })?;
    let length = archive.length() as u64;
    sizes.index = length.checked_sub(blocks).ok_or(overlap)?;
    // What has nothing in the file is there nonetheless: an empty file, a namespace package, a part of CPython.
    let rest = modules.iter_mut().map(|module| &mut module.stored);
    let rest = rest.chain(libraries.iter_mut().map(|library| &mut library.stored));
    for stored in rest.chain(files.iter_mut().map(|file| &mut file.stored)) {
        stored.get_or_insert(0);
    }
    let before = executable.base + executable.alignment;
    sizes.other += executable.length.saturating_sub(before.saturating_add(length));
    sizes.total = executable.length + beside.modules + beside.libraries + beside.files;
    Ok(sizes)
}

/// Reads what native files ask for. One that is no ELF file is a warning.
fn add_needs(
    archive: &Archive,
    entries: &[Entry],
    (modules, module_contents): (&mut [Module], &[Extent]),
    (libraries, library_contents): (&mut [Library], &[Extent]),
    warnings: &mut Vec<String>,
) -> Result<(), ArchiveError> {
    let disk: HashMap<String, &std::path::Path> = entries
        .iter()
        .filter_map(|entry| match &entry.content {
            EntryContent::Disk(path, _) => Some((entry.name(), path.as_path())),
            _ => None,
        })
        .collect();
    let read = |file: &str, extent: Extent| -> Result<Option<Result<NativeNeeds, String>>, ArchiveError> {
        let needs = if extent.length > 0 {
            NativeNeeds::read(&mut Cursor::new(read_content(archive, extent)?))
        } else if let Some(path) = disk.get(file) {
            std::fs::File::open(path).map_err(Into::into).and_then(|mut file| NativeNeeds::read(&mut file))
        } else {
            return Ok(None);
        };
        Ok(Some(needs.map_err(|error| format!("{file} {error}"))))
    };
    let mut take = |needs: Option<Result<NativeNeeds, String>>, place: &mut Option<NativeNeeds>| match needs {
        Some(Ok(needs)) => *place = Some(needs),
        Some(Err(warning)) => warnings.push(warning),
        None => {}
    };
    let found = libraries.par_iter().zip(library_contents).map(|(library, extent)| {
        read(if library.file.is_empty() { &library.name } else { &library.file }, *extent)
    });
    let found: Vec<_> = found.collect::<Result<_, _>>()?;
    for (library, needs) in libraries.iter_mut().zip(found) {
        take(needs, &mut library.native);
    }
    let found = modules.par_iter().zip(module_contents).map(|(module, extent)| match module.kind {
        ModuleKind::Extension => read(&module.file, *extent),
        _ => Ok(None),
    });
    let found: Vec<_> = found.collect::<Result<_, _>>()?;
    for (module, needs) in modules.iter_mut().zip(found) {
        take(needs, &mut module.native);
    }
    Ok(())
}
