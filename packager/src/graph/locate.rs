//! From a name to a module of the graph: whether it is there, what it is made of, whose it is.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::build::{Builder, MAIN};
use super::distributions::is_in_site;
use super::external::FoundSpec;
use super::resolve::{Found, Resolved};
use super::{Module, ModuleKind, Origin, roots};

/// Most parts that a module's name may have: what asks for more is no import that ever worked, and each part costs a
/// call on the stack.
const MOST_PARTS: usize = 100;

impl Builder<'_> {
    pub(super) fn add(&mut self, name: &str, module: Module) {
        if !matches!(module.kind, ModuleKind::Namespace) {
            self.unread.insert(name.to_owned());
        }
        self.graph.modules.insert(name.to_owned(), module);
    }

    /// Makes sure that a module and its parents are in the graph. False if it is not found.
    pub(super) fn ensure(&mut self, name: &str) -> bool {
        if self.graph.modules.contains_key(name) {
            return true;
        }
        let (parent, last) =
            name.rsplit_once('.').map_or((None, name), |(parent, last)| (Some(parent), last));
        if last.is_empty() || name.split('.').nth(MOST_PARTS).is_some() || self.is_excluded(name) {
            return false;
        }
        if let Some(parent) = parent
            && !self.ensure(parent)
        {
            return false;
        }
        match self.locate(name, parent, last) {
            Some(module) => self.add(name, module),
            None => return false,
        }
        true
    }

    pub(super) fn locate(&self, name: &str, parent: Option<&str>, last: &str) -> Option<Module> {
        let facts = self.request.facts;
        let is_frozen = facts.frozen.iter().any(|frozen| frozen == name);
        // `__main__` is there before any import: a file of this name is never looked for.
        if parent.is_none() && (name == MAIN || facts.builtins.iter().any(|builtin| builtin == name)) {
            return Some(Module::of_interpreter(name));
        }
        if let Some(Some(spec)) = self.specs.get(name) {
            return self.module_from_spec(spec);
        }
        let directories = match (self.hooks.search_directories.get(name), parent) {
            (Some(directories), _) => directories,
            // What the start imports is in sys.modules before the program's directory is searched.
            (None, None) if is_frozen || roots::IMPORTED_BY_START.contains(&name) => &self.stdlib,
            (None, None) => &self.path,
            (None, Some(parent)) => &self.graph.modules.get(parent)?.directories,
        };
        // The source of a frozen module is read for what it imports; the module itself is in libpython.
        match self.resolver.find(last, directories) {
            Some(resolved) => self.module_from_files(name, resolved),
            None => is_frozen.then(|| Module::of_interpreter(name)),
        }
    }

    pub(super) fn module_from_files(&self, name: &str, resolved: Resolved) -> Option<Module> {
        let stem = name.replace('.', "/");
        let is_package = resolved.package.is_some();
        let file_name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
        let in_tree = |path: &Path| {
            let directory =
                if is_package { stem.as_str() } else { stem.rsplit_once('/').map_or("", |(above, _)| above) };
            let separator = if directory.is_empty() { "" } else { "/" };
            Some(format!("{directory}{separator}{}", file_name(path)?))
        };
        let own = resolved.package.clone();
        let mut directories: Vec<PathBuf> = resolved.package.into_iter().collect();
        let (kind, file, path) = match resolved.found {
            Found::Source(path) => {
                let read = || -> Option<Arc<[u8]>> { Some(std::fs::read(&path).ok()?.into()) };
                let text = match self.request.options.shared {
                    Some(shared) => shared.source(&path, read)?,
                    None => read()?,
                };
                if is_package && extends_path(&text) {
                    let (last, above) = match name.rsplit_once('.') {
                        Some((parent, last)) => (last, &self.graph.modules.get(parent)?.directories),
                        None => (name, &self.path),
                    };
                    let more = self.resolver.portions(last, above);
                    directories.extend(more.into_iter().filter(|portion| Some(portion) != own.as_ref()));
                }
                (ModuleKind::Source { path: Some(path.clone()), text }, in_tree(&path)?, path)
            }
            Found::Bytecode(path) => (ModuleKind::Bytecode(path.clone()), in_tree(&path)?, path),
            Found::Extension(path) => (ModuleKind::Extension(path.clone()), in_tree(&path)?, path),
            Found::Namespace(portions) => {
                let origin = self.origin(portions.first()?);
                let kind = ModuleKind::Namespace;
                return Some(Module {
                    kind,
                    origin,
                    file: stem,
                    is_package: true,
                    directories: portions,
                    edges: vec![],
                });
            }
        };
        Some(Module { kind, origin: self.origin(&path), file, is_package, directories, edges: vec![] })
    }

    pub(super) fn module_from_spec(&self, spec: &FoundSpec) -> Option<Module> {
        let resolved = |found| Resolved {
            found,
            package: spec.is_package.then(|| spec.locations.first().cloned()).flatten(),
        };
        match (&spec.file, &spec.source) {
            (Some(file), _) => {
                let found = match file.extension().and_then(|suffix| suffix.to_str()) {
                    _ if spec.is_extension => Found::Extension(file.clone()),
                    Some("pyc") => Found::Bytecode(file.clone()),
                    _ => Found::Source(file.clone()),
                };
                let mut module = self.module_from_files(&spec.name, resolved(found))?;
                module.directories.clone_from(&spec.locations);
                Some(module)
            }
            (None, Some(source)) => {
                let stem = spec.name.replace('.', "/");
                Some(Module {
                    kind: ModuleKind::Source { path: None, text: source.as_bytes().into() },
                    origin: Origin::Installed,
                    file: if spec.is_package { format!("{stem}/__init__.py") } else { format!("{stem}.py") },
                    is_package: spec.is_package,
                    directories: spec.locations.clone(),
                    edges: vec![],
                })
            }
            (None, None) => {
                self.module_from_files(&spec.name, resolved(Found::Namespace(spec.locations.clone())))
            }
        }
    }

    /// Whose a file or a directory of modules is. What no distribution lists is the program's own.
    pub(super) fn origin(&self, path: &Path) -> Origin {
        let is_in_site = is_in_site(path);
        if !is_in_site && self.stdlib.iter().any(|directory| path.starts_with(directory)) {
            return Origin::Stdlib;
        }
        let mut above = self.path.iter().filter(|directory| path.starts_with(directory)).peekable();
        // What an import hook found: in a place of its own, whatever that is.
        if is_in_site && above.peek().is_none() {
            return Origin::Installed;
        }
        let is_listed = |directory: &&PathBuf| {
            let may_be = is_in_site || self.has_metadata(directory);
            may_be && module_at(path, directory).is_some_and(|name| self.distributions().lists(&name))
        };
        if above.any(|directory| is_listed(&directory)) { Origin::Installed } else { Origin::Own }
    }
}

/// The name of the module in a file or directory, if it is found in this directory of `sys.path`.
fn module_at(path: &Path, directory: &Path) -> Option<String> {
    let file = path.strip_prefix(directory).ok()?.to_str()?;
    let (above, name) = file.rsplit_once('/').unwrap_or(("", file));
    let stem = name.split('.').next().unwrap_or(name);
    let parts = above.split('/').chain(Some(stem).filter(|stem| *stem != "__init__"));
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    Some(parts.join("."))
}

impl Module {
    fn of_interpreter(name: &str) -> Self {
        let (origin, file) = (Origin::Stdlib, name.to_owned());
        Self {
            kind: ModuleKind::Builtin,
            origin,
            file,
            is_package: false,
            directories: vec![],
            edges: vec![],
        }
    }
}

/// Whether a package spreads over all directories of `sys.path` that have one of its name.
fn extends_path(text: &[u8]) -> bool {
    let has = |needle: &[u8]| text.windows(needle.len()).any(|window| window == needle);
    has(b"extend_path") || has(b"declare_namespace")
}
