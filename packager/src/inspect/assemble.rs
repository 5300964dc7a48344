//! The inventory, put together: what the executable or the plan has, with what the reasons and the metadata say of it.

use std::collections::{BTreeMap, HashMap};

use super::metadata::{Metadata, Owners, is_licence};
use super::model::{
    Asker, Contents, Distribution, File, Import, LeftOut, Library, Missing, Module, ModuleKind, Options,
    Program, SCHEMA, Sizes, Target,
};
use super::native::NativeNeeds;
use super::portability::portability;
use crate::graph::Origin;
use crate::why::Reasons;

/// What an executable or a plan has.
pub(super) struct Parts {
    pub program: Program,
    pub target: Target,
    pub options: Options,
    pub sizes: Sizes,
    /// With name, file and kind, sizes and what native files ask for.
    pub modules: Vec<Module>,
    /// The same.
    pub libraries: Vec<Library>,
    /// With path, link and sizes.
    pub files: Vec<File>,
    /// Texts of metadata by path.
    pub texts: BTreeMap<String, String>,
    pub reasons: Option<Reasons>,
    /// What the executable's own code asks for.
    pub needs: NativeNeeds,
    pub warnings: Vec<String>,
}

/// What a file of the tree is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The source of this module.
    Source(usize),
    /// The bytecode of this module.
    Bytecode(usize),
    /// The native file of this module.
    Extension(usize),
    /// This library.
    Library(usize),
}

/// Which files of the tree are parts of modules and libraries.
pub(super) fn places(
    modules: &[Module],
    libraries: &[Library],
    target: &Target,
    optimize: u8,
) -> HashMap<String, Place> {
    let mut places = HashMap::new();
    for (number, library) in libraries.iter().enumerate().filter(|(_, library)| !library.file.is_empty()) {
        places.insert(library.file.clone(), Place::Library(number));
    }
    for (number, module) in modules.iter().enumerate() {
        let place = match module.kind {
            ModuleKind::Extension => Place::Extension(number),
            ModuleKind::Code if module.file.ends_with(".pyc") => Place::Bytecode(number),
            ModuleKind::Code | ModuleKind::Builtin => Place::Source(number),
            ModuleKind::Namespace => continue,
        };
        places.insert(module.file.clone(), place);
        if place == Place::Source(number)
            && let Some(cached) = cached(&module.file, &target.cache_tag, optimize)
        {
            places.insert(cached, Place::Bytecode(number));
        }
    }
    places
}

/// Where CPython keeps the bytecode of a source file (`importlib.util.cache_from_source`).
pub(super) fn cached(file: &str, cache_tag: &str, optimize: u8) -> Option<String> {
    let stem = file.strip_suffix(".py")?;
    let level = if optimize == 0 { String::new() } else { format!(".opt-{optimize}") };
    let (directory, name) = stem.rsplit_once('/').unwrap_or(("", stem));
    let slash = if directory.is_empty() { "" } else { "/" };
    Some(format!("{directory}{slash}__pycache__/{name}.{cache_tag}{level}.pyc"))
}

impl Module {
    /// A module of which only this is known.
    pub(super) fn new(name: &str, kind: ModuleKind, file: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            is_package: false,
            origin: None,
            distribution: None,
            file: file.to_owned(),
            size: 0,
            source: 0,
            stored: None,
            blake3: None,
            given: Default::default(),
            imports: Vec::new(),
            needs: Vec::new(),
            native: None,
        }
    }
}

impl Library {
    /// A library of which only this is known.
    pub(super) fn new(name: &str, file: &str) -> Self {
        Self {
            name: name.to_owned(),
            file: file.to_owned(),
            distribution: None,
            is_fused: false,
            size: 0,
            stored: None,
            blake3: None,
            needs: Vec::new(),
            users: Vec::new(),
            native: None,
        }
    }
}

/// Modules inside of CPython, of which only the reasons know.
pub(super) fn add_builtin(modules: &mut Vec<Module>, reasons: &Reasons) {
    let known: std::collections::HashSet<String> = modules.iter().map(|module| module.name.clone()).collect();
    for module in reasons.modules.iter().filter(|module| !known.contains(&module.name)) {
        let mut builtin = Module::new(&module.name, ModuleKind::Builtin, &module.file);
        builtin.is_package = module.file.ends_with("/__init__.py");
        modules.push(builtin);
    }
}

/// Puts all together.
pub(super) fn assemble(parts: Parts) -> Contents {
    let Parts { program, target, options, mut sizes, mut modules, mut libraries, mut files, .. } = parts;
    let reasons = parts.reasons.unwrap_or_default();
    let owners = Owners::read(&parts.texts, &reasons.metadata);
    for module in &mut modules {
        tell_of_module(module, &reasons, &owners);
    }
    tell_of_libraries(&mut libraries, &mut modules, &reasons, &owners);
    for file in &mut files {
        file.distribution = owners.name_of(&file.path).map(str::to_owned);
        file.reason = reasons.files.get(&file.path).cloned().unwrap_or_default();
    }
    modules.sort_by(|one, other| one.name.cmp(&other.name));
    files.sort_by(|one, other| one.path.cmp(&other.path));
    let distributions = distributions(&owners, &modules, &libraries, &files);

    let in_modules = modules.iter().flat_map(|module| [module.size, module.source]);
    let in_libraries = libraries.iter().map(|library| library.size);
    let in_files = files.iter().map(|file| file.size);
    sizes.unpacked = in_modules.chain(in_libraries).chain(in_files).fold(sizes.base, u64::saturating_add);

    let own = std::iter::once(("", &parts.needs));
    let of_libraries =
        libraries.iter().filter_map(|library| Some((library.name.as_str(), library.native.as_ref()?)));
    let of_modules =
        modules.iter().filter_map(|module| Some((module.file.as_str(), module.native.as_ref()?)));
    let portability = portability(own.chain(of_libraries).chain(of_modules));

    let asker = |asker: &crate::why::Asker| Asker { module: asker.from.clone(), line: asker.line };
    let left_out = reasons.left_out.iter().map(|(name, left)| LeftOut {
        name: name.clone(),
        reason: left.reason.clone(),
        askers: left.askers.iter().map(asker).collect(),
    });
    let missing =
        reasons.missing.iter().map(|(name, from)| Missing { name: name.clone(), asker: asker(from) });
    Contents {
        schema: SCHEMA,
        program,
        target,
        options,
        sizes,
        portability,
        distributions,
        left_out: left_out.collect(),
        missing: missing.collect(),
        modules,
        libraries,
        files,
        warnings: parts.warnings,
    }
}

fn tell_of_module(module: &mut Module, reasons: &Reasons, owners: &Owners) {
    let known = reasons.module(&module.name).and_then(|number| reasons.modules.get(number));
    if let Some(known) = known {
        module.given = known.given.clone();
        let import = |edge: &crate::why::ReasonedEdge| {
            let to = reasons.modules.get(edge.to)?;
            Some(Import { module: to.name.clone(), rule: edge.rule, line: edge.line })
        };
        module.imports = known.edges.iter().filter_map(import).collect();
    }
    module.origin = match module.kind {
        ModuleKind::Builtin => Some(Origin::Stdlib),
        _ => reasons.origin(&module.name),
    };
    // A name of the standard library may be the top of a distribution as well: `distutils`.
    if module.origin != Some(Origin::Stdlib) && module.kind != ModuleKind::Builtin {
        module.distribution = owners.name_of(&module.file).map(str::to_owned);
    }
}

fn tell_of_libraries(libraries: &mut [Library], modules: &mut [Module], reasons: &Reasons, owners: &Owners) {
    let known: HashMap<&str, &crate::why::ReasonedLibrary> =
        reasons.libraries.iter().map(|library| (library.name.as_str(), library)).collect();
    let places: HashMap<String, usize> =
        modules.iter().enumerate().map(|(place, module)| (module.name.clone(), place)).collect();
    for library in libraries {
        if !library.file.is_empty() {
            library.distribution = owners.name_of(&library.file).map(str::to_owned);
        }
        let Some(known) = known.get(library.name.as_str()) else { continue };
        let name = |number: &usize| reasons.libraries.get(*number).map(|library| library.name.clone());
        library.needs = known.needs.iter().filter_map(name).collect();
        let user = |number: &usize| reasons.modules.get(*number).map(|module| module.name.clone());
        library.users = known.users.iter().filter_map(user).collect();
        for user in &library.users {
            if let Some(module) = places.get(user).and_then(|place| modules.get_mut(*place)) {
                module.needs.push(library.name.clone());
            }
        }
    }
}

fn distributions(
    owners: &Owners,
    modules: &[Module],
    libraries: &[Library],
    files: &[File],
) -> Vec<Distribution> {
    let mut all: BTreeMap<&str, Distribution> = BTreeMap::new();
    for (directory, metadata) in &owners.all {
        let mut distribution = described(directory, metadata, files);
        // Two directories of one name: the first counts, as for `importlib.metadata`.
        distribution.licence.files.sort();
        all.entry(metadata.name.as_str()).or_insert(distribution);
    }
    let mut count = |name: &Option<String>, size: u64, stored: Option<u64>, add: fn(&mut Distribution)| {
        if let Some(distribution) = name.as_deref().and_then(|name| all.get_mut(name)) {
            distribution.size = distribution.size.saturating_add(size);
            distribution.stored = stored.map(|stored| distribution.stored.unwrap_or(0) + stored);
            add(distribution);
        }
    };
    for module in modules {
        let size = module.size.saturating_add(module.source);
        count(&module.distribution, size, module.stored, |distribution| {
            distribution.modules += 1;
        });
    }
    for library in libraries {
        count(&library.distribution, library.size, library.stored, |distribution| {
            distribution.libraries += 1;
        });
    }
    for file in files {
        count(&file.distribution, file.size, file.stored, |distribution| {
            distribution.files += 1;
        });
    }
    let mut all: Vec<Distribution> = all.into_values().collect();
    all.sort_by_key(|distribution| (distribution.name.to_lowercase(), distribution.name.clone()));
    all
}

fn described(directory: &str, metadata: &Metadata, files: &[File]) -> Distribution {
    let below = format!("{directory}/");
    let inside = files.iter().filter_map(|file| Some((file, file.path.strip_prefix(&below)?)));
    let is_it = |path: &str| {
        let path = path.strip_prefix("licenses/").unwrap_or(path);
        metadata.licence_files.iter().any(|file| file == path) || is_licence(path)
    };
    let licence_files = inside.filter(|(_, path)| is_it(path)).map(|(file, _)| file.path.clone()).collect();
    let mut licence = metadata.licence.clone();
    licence.files = licence_files;
    Distribution {
        name: metadata.name.clone(),
        version: metadata.version.clone(),
        summary: metadata.summary.clone(),
        licence,
        urls: metadata.urls.clone(),
        requires: metadata.requires.clone(),
        metadata: directory.to_owned(),
        modules: 0,
        libraries: 0,
        files: 0,
        size: 0,
        stored: None,
    }
}
