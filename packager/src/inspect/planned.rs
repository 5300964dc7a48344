//! The inventory of a program that is not built: of its plan.

use std::collections::BTreeMap;
use std::fs::File as DiskFile;
use std::io::Cursor;
use std::path::Path;

use snapfreeze_runtime::archive::layout::FORMAT_VERSION;

use super::assemble::{Parts, Place, add_builtin, assemble, places};
use super::metadata::is_wanted;
use super::model::{Contents, File, Library, Module, ModuleKind, Options, Program, Sizes, Target};
use super::native::NativeNeeds;
use crate::collect::files::{FileContent, TreeFile};
use crate::ops::prepare::Prepared;
use crate::plan::{Plan, PlannedContent};
use crate::request::InterpreterOption;

/// The inventory of a program that was looked at and is not built. Nothing has a stored size.
pub fn contents(name: &str, prepared: &Prepared) -> Contents {
    let plan = &prepared.plan;
    let target = Target {
        platform: plan.target.platform.clone(),
        python: plan.target.version.clone(),
        abi_flags: plan.target.abi_flags.clone(),
        cache_tag: plan.target.cache_tag.clone(),
    };
    let mut modules: Vec<Module> = plan.modules.iter().map(module).collect();
    add_builtin(&mut modules, &plan.reasons);
    let libraries = libraries(plan);
    let places = places(&modules, &libraries, &target, plan.target.optimize);
    let mut files = Vec::new();
    for file in plan.files.iter().filter(|file| !matches!(file.content, FileContent::Directory)) {
        match places.get(&file.path.to_string()) {
            Some(Place::Source(number)) => modules[*number].source = size(file, &libraries),
            Some(_) => {}
            None => files.push(data_file(file, &libraries)),
        }
    }
    let program = Program {
        name: name.to_owned(),
        is_built: false,
        entry: plan.entry.clone(),
        entry_is_module: plan.entry_is_module,
        format: FORMAT_VERSION,
        checksum: None,
        base_checksum: None,
        is_fused: prepared.program.is_fused,
        is_directory: plan.target.beside,
    };
    let options = Options {
        optimize: plan.target.optimize,
        interpreter: match plan.target.interpreter {
            InterpreterOption::None => "none",
            InterpreterOption::Argv => "argv",
            InterpreterOption::Env => "env",
        },
        compress: Some(plan.target.compress.name().to_owned()),
        include_source: plan.reasons.options.as_ref().map(|options| options.include_source),
        strip: Some(plan.target.strip),
        gc_during_imports: plan.target.collects_during_imports,
    };
    let sizes = Sizes { base: prepared.program.bytes.len() as u64, ..Sizes::default() };
    assemble(Parts {
        program,
        target,
        options,
        sizes,
        modules,
        libraries,
        files,
        texts: texts(&plan.files),
        reasons: Some(plan.reasons.clone()),
        needs: NativeNeeds::read(&mut Cursor::new(&prepared.program.bytes)).unwrap_or_default(),
        warnings: plan.warnings.clone(),
    })
}

fn module(planned: &crate::plan::PlannedModule) -> Module {
    let (kind, size, native) = match &planned.content {
        PlannedContent::Source { text, .. } => (ModuleKind::Code, text.len() as u64, None),
        PlannedContent::Bytecode { path } => (ModuleKind::Code, length(path), None),
        PlannedContent::Extension { path, .. } => (ModuleKind::Extension, length(path), needs(path)),
        PlannedContent::Namespace => (ModuleKind::Namespace, 0, None),
    };
    let mut module = Module::new(&planned.name, kind, &planned.file);
    (module.is_package, module.size, module.native) = (planned.is_package, size, native);
    module
}

fn libraries(plan: &Plan) -> Vec<Library> {
    let places: BTreeMap<&str, &str> =
        plan.reasons.libraries.iter().map(|known| (known.name.as_str(), known.file.as_str())).collect();
    let all = plan.libraries.iter().map(|planned| {
        let file = places.get(planned.name.as_str()).copied().unwrap_or_default();
        let mut library = Library::new(&planned.name, file);
        library.is_fused = planned.is_fused;
        if !planned.is_fused {
            (library.size, library.native) = (length(&planned.path), needs(&planned.path));
        }
        library
    });
    all.collect()
}

fn data_file(file: &TreeFile, libraries: &[Library]) -> File {
    let (link, same_as) = match &file.content {
        FileContent::Link(target) => (Some(target.to_string()), None),
        FileContent::Library(number) => (None, libraries.get(*number).map(|library| library.file.clone())),
        _ => (None, None),
    };
    File {
        path: file.path.to_string(),
        link,
        distribution: None,
        reason: String::new(),
        size: size(file, libraries),
        stored: None,
        same_as,
        blake3: None,
    }
}

fn size(file: &TreeFile, libraries: &[Library]) -> u64 {
    match &file.content {
        FileContent::Disk { length, .. } => *length,
        FileContent::Bytes(bytes) => bytes.len() as u64,
        FileContent::Library(number) => libraries.get(*number).map_or(0, |library| library.size),
        _ => 0,
    }
}

/// Texts of metadata. One that cannot be read says nothing: the build itself reports that.
fn texts(files: &[TreeFile]) -> BTreeMap<String, String> {
    let wanted = files.iter().map(|file| (file.path.to_string(), file)).filter(|(path, _)| is_wanted(path));
    let read = wanted.filter_map(|(path, file)| {
        let bytes = match &file.content {
            FileContent::Disk { path, .. } => std::fs::read(path).ok()?,
            FileContent::Bytes(bytes) => bytes.to_vec(),
            _ => return None,
        };
        Some((path, String::from_utf8_lossy(&bytes).into_owned()))
    });
    read.collect()
}

fn length(path: &Path) -> u64 {
    path.metadata().map_or(0, |metadata| metadata.len())
}

fn needs(path: &Path) -> Option<NativeNeeds> {
    NativeNeeds::read(&mut DiskFile::open(path).ok()?).ok()
}
