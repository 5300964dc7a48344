//! Building the graph: names are resolved and files read, round after round, until nothing new turns up.
//!
//! A round reads all modules that were added in the last one, on all cores, and then follows their imports one
//! module after the other, in the order of names: the result does not depend on timing. When nothing is left to
//! read, the extension modules found so far are observed and the interpreter is asked about names that were not
//! found; both may start another round.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use super::external::{self, BytecodeRequest, ExternalError, FoundSpec};
use super::imports::{
    EdgeKind, ImportEdge, ModuleImports, ModuleName, ReadError, Request, STACK_BYTES, Target, read_imports,
};
use super::resolve::{Found, Resolved, Resolver};
use super::{Edge, Missing, Module, ModuleGraph, ModuleKind, Origin, Rule, observations, roots};
use crate::cache::Cache;
use crate::entry::Entry;
use crate::probe::PythonFacts;

/// Name under which the entry script is in the graph.
pub const MAIN: &str = "__main__";

/// Why there is no graph.
#[derive(Debug, thiserror::Error)]
pub enum GraphError {
    /// The entry's file cannot be read.
    #[error("cannot read {path}: {source}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The entry's module is not there.
    #[error("there is no module {name} that {python} could import", python = python.display())]
    NoModule {
        /// The module.
        name: String,
        /// The interpreter.
        python: PathBuf,
    },
    /// `-m package` without `__main__`.
    #[error("{name} is a package without a __main__ module, so it cannot be run")]
    NoMain {
        /// The package.
        name: String,
    },
    /// The entry is a native module.
    #[error("{name} is an extension module: it has no code that could be run as a program")]
    NotCode {
        /// The module.
        name: String,
    },
    /// The interpreter does not answer.
    #[error(transparent)]
    External(#[from] ExternalError),
    /// Threads cannot be had.
    #[error("cannot start threads: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
}

/// What the graph is built from.
#[derive(Debug, Clone, Copy)]
pub struct GraphRequest<'a> {
    /// The program.
    pub entry: &'a Entry,
    /// The interpreter.
    pub facts: &'a PythonFacts,
    /// Optimisation level: from 1 on `__debug__` is false.
    pub optimize: u8,
    /// Threads to read with.
    pub jobs: usize,
    /// The build cache.
    pub cache: &'a Cache,
}

/// Builds the graph. Returns it with the name of the module that runs as `__main__`.
///
/// # Errors
/// When the entry cannot be found or read, or the interpreter does not answer.
pub fn build(request: &GraphRequest) -> Result<(ModuleGraph, String), GraphError> {
    let mut builder = Builder::new(request);
    let entry = builder.add_entry()?;
    builder.add_roots();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(request.jobs).stack_size(STACK_BYTES).build()?;
    loop {
        while !builder.unread.is_empty() {
            builder.round(&pool)?;
        }
        if builder.follow_stars() || builder.observe_extensions() || builder.ask_interpreter()? {
            continue;
        }
        break;
    }
    Ok((builder.finish(), entry))
}

struct Builder<'a> {
    request: &'a GraphRequest<'a>,
    target: Target,
    resolver: Resolver,
    /// `sys.path` of the program, its own directory first.
    path: Vec<PathBuf>,
    stdlib: Vec<PathBuf>,
    graph: ModuleGraph,
    /// The module that runs as `__main__`.
    main: String,
    /// Modules whose imports are still to be read.
    unread: BTreeSet<String>,
    /// `__all__` of modules that have one.
    exports: BTreeMap<String, Vec<String>>,
    /// Star imports: importing module, imported module, line, rule.
    stars: BTreeSet<(String, String, u32, Rule)>,
    /// Names that modules put into `sys.modules` themselves.
    aliases: BTreeSet<String>,
    /// Answers of the interpreter for names that the search does not find.
    specs: BTreeMap<String, Option<FoundSpec>>,
    observed: BTreeSet<String>,
    /// Imports of standard modules that wait until somebody outside of the standard library uses the module.
    held: BTreeMap<String, Vec<ImportEdge>>,
    /// Modules that somebody outside of the standard library imports.
    used_outside: BTreeSet<String>,
    calls_help: bool,
}

impl<'a> Builder<'a> {
    fn new(request: &'a GraphRequest<'a>) -> Self {
        let facts = request.facts;
        let own = std::iter::once(request.entry.search_directory());
        let path = own.chain(facts.path.iter().cloned()).filter(|entry| entry.is_dir()).collect();
        let target = Target {
            minor: facts.version_info.1,
            sys_platform: facts.platform.clone(),
            os_name: facts.os_name.clone(),
            implementation: facts.implementation.clone(),
            platform_system: facts.system.clone(),
            maxsize_64bit: facts.is_64bit,
            optimize: request.optimize,
        };
        Self {
            request,
            target,
            resolver: Resolver::new(&facts.suffixes),
            path,
            stdlib: vec![facts.stdlib.clone(), facts.dynload.clone()],
            graph: ModuleGraph::default(),
            main: MAIN.to_owned(),
            unread: BTreeSet::new(),
            exports: BTreeMap::new(),
            stars: BTreeSet::new(),
            aliases: BTreeSet::new(),
            specs: BTreeMap::new(),
            observed: BTreeSet::new(),
            held: BTreeMap::new(),
            used_outside: BTreeSet::new(),
            calls_help: false,
        }
    }

    /// Adds the entry; returns the name of its module.
    fn add_entry(&mut self) -> Result<String, GraphError> {
        let name = match self.request.entry {
            Entry::Script(path) => return self.add_main(path),
            Entry::Directory(path) => return self.add_main(&path.join("__main__.py")),
            Entry::Function { module, function } => {
                self.require(module)?;
                let root = function.split('.').next().unwrap_or(function);
                let text = format!("import sys\nfrom {module} import {root}\nsys.exit({function}())\n");
                self.add_main_text(text.into_bytes(), None, "__main__.py".into());
                return Ok(MAIN.to_owned());
            }
            Entry::Package(path) => {
                let package = path.file_name().unwrap_or_default().to_string_lossy();
                format!("{package}.{MAIN}")
            }
            Entry::Module(name) => {
                self.require(name)?;
                let is_package = self.graph.modules.get(name).is_some_and(|module| module.is_package);
                if is_package { format!("{name}.{MAIN}") } else { name.clone() }
            }
        };
        if !self.ensure(&name) {
            let package = name.rsplit_once('.').map_or("", |(package, _)| package).to_owned();
            return Err(GraphError::NoMain { name: package });
        }
        match self.graph.modules.get(&name).map(|module| &module.kind) {
            Some(ModuleKind::Source { .. } | ModuleKind::Bytecode(_)) => {}
            _ => return Err(GraphError::NotCode { name }),
        }
        self.main.clone_from(&name);
        Ok(name)
    }

    fn require(&mut self, name: &str) -> Result<(), GraphError> {
        if self.ensure(name) || self.ensure_by_interpreter(name)? {
            return Ok(());
        }
        Err(GraphError::NoModule { name: name.to_owned(), python: self.request.facts.executable.clone() })
    }

    fn add_main(&mut self, path: &Path) -> Result<String, GraphError> {
        let text =
            std::fs::read(path).map_err(|source| GraphError::Read { path: path.to_owned(), source })?;
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.add_main_text(text, Some(path.to_owned()), file);
        Ok(MAIN.to_owned())
    }

    fn add_main_text(&mut self, text: Vec<u8>, path: Option<PathBuf>, file: String) {
        let kind = ModuleKind::Source { path, text: text.into() };
        self.add(
            MAIN,
            Module { kind, origin: Origin::Own, file, is_package: false, directories: vec![], edges: vec![] },
        );
    }

    /// Adds what no import statement shows, and all codecs.
    fn add_roots(&mut self) {
        for name in roots::always(self.request.facts.version_info.1) {
            self.ensure(name);
        }
        let directories = self.graph.modules.get("encodings").map(|module| module.directories.clone());
        for directory in directories.unwrap_or_default() {
            for codec in self.resolver.modules_in(&directory) {
                if self.is_for_platform(&codec) {
                    self.ensure(&format!("encodings.{codec}"));
                }
            }
        }
    }

    /// Codecs that exist only on Windows cannot be imported elsewhere.
    fn is_for_platform(&self, codec: &str) -> bool {
        self.target.sys_platform == "win32" || !matches!(codec, "mbcs" | "oem")
    }

    fn add(&mut self, name: &str, module: Module) {
        if !matches!(module.kind, ModuleKind::Namespace) {
            self.unread.insert(name.to_owned());
        }
        self.graph.modules.insert(name.to_owned(), module);
    }

    /// Makes sure that a module and its parents are in the graph. False if it is not found.
    fn ensure(&mut self, name: &str) -> bool {
        if self.graph.modules.contains_key(name) {
            return true;
        }
        let (parent, last) =
            name.rsplit_once('.').map_or((None, name), |(parent, last)| (Some(parent), last));
        if last.is_empty() {
            return false;
        }
        if let Some(parent) = parent {
            if !self.ensure(parent) {
                return false;
            }
        }
        match self.locate(name, parent, last) {
            Some(module) => self.add(name, module),
            None => return false,
        }
        true
    }

    fn locate(&self, name: &str, parent: Option<&str>, last: &str) -> Option<Module> {
        let facts = self.request.facts;
        let is_frozen = facts.frozen.iter().any(|frozen| frozen == name);
        if parent.is_none() && facts.builtins.iter().any(|builtin| builtin == name) {
            return Some(Module::of_interpreter(name));
        }
        if let Some(Some(spec)) = self.specs.get(name) {
            return self.module_from_spec(spec);
        }
        let directories = match parent {
            None => &self.path,
            Some(parent) => &self.graph.modules.get(parent)?.directories,
        };
        let resolved = if is_frozen {
            // Its source is read for what it imports; the module itself is in libpython.
            let Some(resolved) = self.resolver.find(last, &self.stdlib) else {
                return Some(Module::of_interpreter(name));
            };
            resolved
        } else {
            self.resolver.find(last, directories)?
        };
        self.module_from_files(name, resolved)
    }

    fn module_from_files(&self, name: &str, resolved: Resolved) -> Option<Module> {
        let stem = name.replace('.', "/");
        let is_package = resolved.package.is_some();
        let file_name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
        let in_tree = |path: &Path| {
            let directory =
                if is_package { stem.as_str() } else { stem.rsplit_once('/').map_or("", |(above, _)| above) };
            let separator = if directory.is_empty() { "" } else { "/" };
            Some(format!("{directory}{separator}{}", file_name(path)?))
        };
        let mut directories: Vec<PathBuf> = resolved.package.into_iter().collect();
        let (kind, file, path) = match resolved.found {
            Found::Source(path) => {
                let text: Arc<[u8]> = std::fs::read(&path).ok()?.into();
                if is_package && extends_path(&text) && !name.contains('.') {
                    directories = self.resolver.portions(name, &self.path);
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

    fn module_from_spec(&self, spec: &FoundSpec) -> Option<Module> {
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

    fn origin(&self, path: &Path) -> Origin {
        let is_site = |part: std::path::Component| {
            matches!(part.as_os_str().to_str(), Some("site-packages" | "dist-packages"))
        };
        if path.components().any(is_site) {
            Origin::Installed
        } else if self.stdlib.iter().any(|directory| path.starts_with(directory)) {
            Origin::Stdlib
        } else {
            Origin::Own
        }
    }

    /// Reads all unread modules and follows their imports.
    fn round(&mut self, pool: &rayon::ThreadPool) -> Result<(), GraphError> {
        let names: Vec<String> = std::mem::take(&mut self.unread).into_iter().collect();
        let read = |name: &String| -> Option<Result<ModuleImports, ReadError>> {
            let module = self.graph.modules.get(name)?;
            let ModuleKind::Source { text, .. } = &module.kind else { return None };
            let is_main = *name == self.main;
            let package = if name == MAIN { "" } else { package_of(name, module.is_package) };
            Some(read_imports(text, &ModuleName { name, package, is_main }, &self.target))
        };
        let read: Vec<_> = pool.install(|| names.par_iter().map(read).collect());
        let mut for_interpreter = Vec::new();
        for (name, imports) in names.iter().zip(read) {
            match imports {
                Some(Ok(imports)) => self.follow(name, imports),
                // What cannot be parsed is reported when it is compiled, in CPython's own words.
                Some(Err(ReadError::Syntax { .. })) => {}
                Some(Err(ReadError::TooDeep | ReadError::Encoding(_))) => for_interpreter.push(name.clone()),
                None => match self.graph.modules.get(name).map(|module| &module.kind) {
                    Some(ModuleKind::Bytecode(_)) => for_interpreter.push(name.clone()),
                    _ => self.follow_triggers(name),
                },
            }
        }
        self.read_by_interpreter(&for_interpreter)
    }

    fn read_by_interpreter(&mut self, names: &[String]) -> Result<(), GraphError> {
        let files: Vec<(&String, &Module, &Path)> = names
            .iter()
            .filter_map(|name| {
                let module = self.graph.modules.get(name)?;
                let (ModuleKind::Bytecode(path) | ModuleKind::Source { path: Some(path), .. }) = &module.kind
                else {
                    return None;
                };
                Some((name, module, path.as_path()))
            })
            .collect();
        if files.is_empty() {
            return Ok(());
        }
        let requests: Vec<BytecodeRequest> = files
            .iter()
            .map(|(name, module, file)| BytecodeRequest {
                file,
                package: package_of(name, module.is_package),
            })
            .collect();
        let answers = external::read_imports(self.request.facts, &requests)?;
        let names: Vec<String> = files.into_iter().map(|(name, ..)| name.clone()).collect();
        for (name, answer) in names.iter().zip(answers) {
            let edges = answer.into_iter().flatten().map(|(module, names, deferred)| {
                let request = if names.iter().any(|name| name == "*") {
                    Request::Star { module }
                } else if names.is_empty() {
                    Request::Module(module)
                } else {
                    Request::From { module, names }
                };
                // Bytecode does not tell what a handler around it would catch.
                ImportEdge {
                    request,
                    kind: EdgeKind { deferred, optional: true, ..EdgeKind::default() },
                    line: 0,
                }
            });
            let imports = ModuleImports { edges: edges.collect(), ..ModuleImports::default() };
            self.follow(name, imports);
        }
        Ok(())
    }

    /// Adds the edges of one module and the modules that they lead to.
    fn follow(&mut self, name: &str, imports: ModuleImports) {
        let Some(origin) = self.graph.modules.get(name).map(|module| module.origin) else { return };
        self.aliases.extend(imports.aliases);
        if let Some(exports) = imports.exports {
            self.exports.insert(name.to_owned(), exports);
        }
        if imports.calls_help && origin != Origin::Stdlib && !self.calls_help {
            self.calls_help = true;
            self.ensure("pydoc");
        }
        let (held, edges) =
            imports.edges.into_iter().partition(|edge| origin == Origin::Stdlib && self.is_held(name, edge));
        if !Vec::is_empty(&held) {
            self.held.insert(name.to_owned(), held);
        }
        self.follow_edges(name, origin, edges);
        self.follow_triggers(name);
    }

    /// Imports of the standard library that only matter if somebody outside of it uses the module: what it does when
    /// run as a script, and functions of modules that only the start needs.
    fn is_held(&self, name: &str, edge: &ImportEdge) -> bool {
        let unused = edge.kind.as_script || edge.kind.deferred && roots::START_ONLY.contains(&name);
        unused && name != self.main && !self.used_outside.contains(name)
    }

    fn follow_edges(&mut self, name: &str, origin: Origin, edges: Vec<ImportEdge>) {
        let mut optional_found = false;
        for edge in edges {
            let rule = if edge.kind.deferred { Rule::Deferred } else { Rule::Import };
            if origin == Origin::Stdlib && !self.is_followed_from_stdlib(name, &edge, optional_found) {
                continue;
            }
            let required =
                !edge.kind.deferred && !edge.kind.optional && !edge.kind.fallback && !edge.kind.dynamic;
            let found = match &edge.request {
                Request::Module(to) | Request::Dynamic(to) => self.link(name, to, rule, edge.line, required),
                Request::From { module, names } => {
                    let found = self.link(name, module, rule, edge.line, required);
                    for submodule in names {
                        self.link_submodule(name, module, submodule, rule, edge.line);
                    }
                    found
                }
                Request::Star { module } => {
                    self.stars.insert((name.to_owned(), module.clone(), edge.line, rule));
                    self.link(name, module, rule, edge.line, required)
                }
            };
            if edge.kind.optional && !edge.kind.fallback {
                optional_found = found;
            }
        }
    }

    /// The standard library imports only itself; its pure-Python stand-ins for C modules that are there, and the
    /// pager behind `help`, are left out.
    fn is_followed_from_stdlib(&self, name: &str, edge: &ImportEdge, optional_found: bool) -> bool {
        let (Request::Module(to)
        | Request::Dynamic(to)
        | Request::From { module: to, .. }
        | Request::Star { module: to }) = &edge.request;
        let top = to.split('.').next().unwrap_or(to);
        let facts = self.request.facts;
        let is_own = facts.builtins.iter().chain(&facts.frozen).any(|own| own == top)
            || self
                .resolver
                .find(top, &self.stdlib)
                .is_some_and(|found| !matches!(found.found, Found::Namespace(_)));
        let is_stand_in = edge.kind.fallback && optional_found;
        let is_help = name == "_sitebuiltins" && edge.kind.deferred && !self.calls_help;
        is_own && top != "test" && !is_stand_in && !is_help
    }

    fn follow_triggers(&mut self, name: &str) {
        for needed in roots::triggered_by(name) {
            if self.ensure(needed) {
                self.add_edge(name, needed, Rule::Implicit, 0);
            }
        }
    }

    /// An edge to a module, which is looked for. Returns whether it is there.
    fn link(&mut self, from: &str, to: &str, rule: Rule, line: u32, required: bool) -> bool {
        let origin = self.graph.modules.get(from).map_or(Origin::Own, |module| module.origin);
        if self.ensure(to) {
            self.add_edge(from, to, rule, line);
            if origin != Origin::Stdlib && self.used_outside.insert(to.to_owned()) {
                if let Some(held) = self.held.remove(to) {
                    self.follow_edges(to, Origin::Stdlib, held);
                }
            }
            return true;
        }
        let missing = Missing { from: from.to_owned(), line, is_required: required, origin };
        let known = self.graph.missing.entry(to.to_owned()).or_insert_with(|| missing.clone());
        if missing.is_required && (!known.is_required || missing.origin < known.origin) {
            *known = missing;
        }
        false
    }

    /// An edge to `module.name`, if there is such a submodule.
    fn link_submodule(&mut self, from: &str, module: &str, name: &str, rule: Rule, line: u32) {
        if !self.graph.modules.get(module).is_some_and(|module| module.is_package) {
            return;
        }
        let submodule = format!("{module}.{name}");
        if self.ensure(&submodule) {
            self.add_edge(from, &submodule, rule, line);
        }
    }

    fn add_edge(&mut self, from: &str, to: &str, rule: Rule, line: u32) {
        if let Some(module) = self.graph.modules.get_mut(from) {
            if !module.edges.iter().any(|edge| edge.to == to && edge.rule <= rule) {
                module.edges.push(Edge { to: to.to_owned(), rule, line });
            }
        }
    }

    /// Submodules that a package's `__all__` names are imported by `from package import *`.
    fn follow_stars(&mut self) -> bool {
        let before = self.graph.modules.len();
        for (from, module, line, rule) in self.stars.clone() {
            for name in self.exports.get(&module).cloned().unwrap_or_default() {
                self.link_submodule(&from, &module, &name, rule, line);
            }
        }
        self.graph.modules.len() > before
    }

    /// Watches the extension modules that were not watched yet, a distribution at a time.
    fn observe_extensions(&mut self) -> bool {
        let mut groups: BTreeMap<(PathBuf, String), Vec<String>> = BTreeMap::new();
        let mut files = BTreeMap::new();
        for (name, module) in &self.graph.modules {
            let ModuleKind::Extension(path) = &module.kind else { continue };
            if self.observed.contains(name) {
                continue;
            }
            let top = name.split('.').next().unwrap_or(name);
            let group = if module.origin == Origin::Stdlib {
                (PathBuf::new(), String::new())
            } else {
                let depth = name.split('.').count();
                (path.ancestors().nth(depth).unwrap_or(path).to_owned(), top.to_owned())
            };
            groups.entry(group).or_default().push(name.clone());
            files.insert(name.clone(), path.clone());
        }
        if groups.is_empty() {
            return false;
        }
        let names: Vec<Vec<String>> = groups.into_values().collect();
        let context = observations::Context {
            facts: self.request.facts,
            path: &self.path,
            files: &files,
            cache: self.request.cache,
            jobs: self.request.jobs,
        };
        for (name, observation) in observations::observe_groups(&context, &names) {
            self.observed.insert(name.clone());
            let is_stdlib =
                self.graph.modules.get(&name).is_some_and(|module| module.origin == Origin::Stdlib);
            if let Some(reason) = &observation.failed {
                let note =
                    format!("extension module {name} cannot be imported to see what it imports: {reason}");
                self.graph.warnings.push(note);
            }
            for imported in &observation.imports {
                let top = imported.split('.').next().unwrap_or(imported);
                if is_stdlib && self.resolver.find(top, &self.stdlib).is_none() {
                    continue;
                }
                if self.ensure(imported) {
                    self.add_edge(&name, imported, Rule::Observed, 0);
                }
            }
        }
        true
    }

    /// Asks the interpreter about missing names, where it has more ways to find them than directories.
    fn ask_interpreter(&mut self) -> Result<bool, GraphError> {
        let facts = self.request.facts;
        let has_archives = facts.path.iter().any(|entry| entry.is_file());
        if facts.standard_finders && !has_archives {
            return Ok(false);
        }
        let asked: Vec<String> =
            self.graph.missing.keys().filter(|name| !self.specs.contains_key(*name)).cloned().collect();
        if asked.is_empty() {
            return Ok(false);
        }
        self.ask(&asked)?;
        let found: Vec<String> = asked.into_iter().filter(|name| self.ensure(name)).collect();
        for name in &found {
            if let Some(missing) = self.graph.missing.remove(name) {
                self.add_edge(&missing.from, name, Rule::Import, missing.line);
            }
        }
        Ok(!found.is_empty())
    }

    fn ensure_by_interpreter(&mut self, name: &str) -> Result<bool, GraphError> {
        self.ask(&[name.to_owned()])?;
        Ok(self.ensure(name))
    }

    fn ask(&mut self, names: &[String]) -> Result<(), GraphError> {
        // A submodule is found through its parents: they are asked about as well.
        let mut all: BTreeSet<String> = BTreeSet::new();
        for name in names {
            all.extend(name.match_indices('.').map(|(at, _)| name[..at].to_owned()));
            all.insert(name.clone());
        }
        let all: Vec<String> =
            all.into_iter().filter(|name| !self.graph.modules.contains_key(name)).collect();
        let found = external::find_specs(self.request.facts, &self.path, &all)?;
        self.specs.extend(all.into_iter().map(|name| (name, None)));
        self.specs.extend(found.into_iter().map(|spec| (spec.name.clone(), Some(spec))));
        Ok(())
    }

    fn finish(mut self) -> ModuleGraph {
        let aliases = &self.aliases;
        self.graph.missing.retain(|name, _| !aliases.contains(name));
        let frozen = &self.request.facts.frozen;
        for (name, module) in &mut self.graph.modules {
            if frozen.iter().any(|frozen| frozen == name) {
                module.kind = ModuleKind::Builtin;
            }
        }
        self.graph
    }
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

/// A module's `__package__`.
fn package_of(name: &str, is_package: bool) -> &str {
    if is_package { name } else { name.rsplit_once('.').map_or("", |(package, _)| package) }
}

/// Whether a package spreads over all directories of `sys.path` that have one of its name.
fn extends_path(text: &[u8]) -> bool {
    let has = |needle: &[u8]| text.windows(needle.len()).any(|window| window == needle);
    has(b"extend_path") || has(b"declare_namespace")
}
