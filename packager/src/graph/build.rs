//! Building the graph: names are resolved and files read, round after round, until nothing new turns up.
//!
//! A round reads all modules that were added in the last one, on all cores, and then follows their imports one
//! module after the other, in the order of names: the result does not depend on timing. When nothing is left to
//! read, the extension modules found so far are observed and the interpreter is asked about names that were not
//! found; both may start another round.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rayon::prelude::*;

use super::absent::advice;
use super::attributes::Attributes;
use super::beside::source_beside;
use super::distributions::Distributions;
use super::entry_points::EntryPoints;
pub use super::error::GraphError;
use super::external::FoundSpec;
use super::hooked::HookState;
use super::imports::{
    ImportEdge, ModuleImports, ModuleName, ReadError, Request, STACK_BYTES, Target, read_imports,
};
pub use super::options::Root;
use super::options::{GraphOptions, RUNTIME_HOOK};
use super::reach::Reach;
use super::requirements::Environment;
use super::resolve::Resolver;
use super::stubs::attached_imports;
use super::{Given, Module, ModuleGraph, ModuleKind, Origin, Rule, roots};
use crate::cache::{Cache, Key};
use crate::compile::amendments::is_amended;
use crate::entry::Entry;
use crate::probe::PythonFacts;
use crate::progress::Progress;
use crate::project::declared;
use crate::trace::TracedModule;

/// Name under which the entry script is in the graph.
pub const MAIN: &str = "__main__";

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
    /// Modules to include beside what the program imports.
    pub roots: &'a [Root],
    /// Whether the executable is also the interpreter.
    pub is_interpreter: bool,
    /// What options say.
    pub options: GraphOptions<'a>,
    /// What was imported in traced runs, in order.
    pub traced: &'a [TracedModule],
    /// Where modules are counted.
    pub progress: &'a Progress,
}

/// Builds the graph. Returns it with the name of the module that runs as `__main__`.
///
/// # Errors
/// When the entry cannot be found or read, or the interpreter does not answer.
pub fn build(request: &GraphRequest) -> Result<(ModuleGraph, String), GraphError> {
    let mut builder = Builder::new(request)?;
    builder.check_excluded()?;
    builder.find_hooks()?;
    let entry = builder.add_entry()?;
    builder.add_runtime_hooks()?;
    builder.declare(&declared(request.entry));
    builder.add_roots();
    builder.add_requested()?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(request.jobs).stack_size(STACK_BYTES).build()?;
    loop {
        while !builder.unread.is_empty() {
            // What a hook brings may have hooks, too.
            while builder.run_hooks()? {}
            builder.round(&pool)?;
        }
        if builder.follow_stars()
            || builder.follow_attributes()
            || builder.observe_extensions()
            || builder.ask_interpreter()?
            || builder.release()
            || builder.add_children()
            || builder.follow_traced()?
            || builder.run_hooks()?
        {
            continue;
        }
        break;
    }
    builder.warn_of_traced_elsewhere();
    Ok((builder.finish(), entry))
}

/// The graph under construction.
pub(super) struct Builder<'a> {
    pub(super) request: &'a GraphRequest<'a>,
    pub(super) target: Target,
    pub(super) resolver: Resolver,
    /// `sys.path` of the program, its own directory first, then those of options.
    pub(super) path: Vec<PathBuf>,
    pub(super) stdlib: Vec<PathBuf>,
    pub(super) graph: ModuleGraph,
    /// The module that runs as `__main__`.
    pub(super) main: String,
    /// Modules whose imports are still to be read.
    pub(super) unread: BTreeSet<String>,
    /// `__all__` of modules that have one.
    pub(super) exports: BTreeMap<String, Vec<String>>,
    /// Star imports: importing module, imported module, line, rule.
    pub(super) stars: BTreeSet<(String, String, u32, Rule)>,
    /// Imports of modules that were not found: importing module, what it asks for, rule, line. Followed again when
    /// the interpreter has found them.
    pub(super) unresolved: Vec<(String, Request, Rule, u32)>,
    /// Packages that alter their `__path__`: only once imported do they tell where their submodules are.
    pub(super) path_changers: BTreeSet<String>,
    /// Names that modules put into `sys.modules` themselves.
    pub(super) aliases: BTreeSet<String>,
    /// Answers of the interpreter for names that the search does not find.
    pub(super) specs: BTreeMap<String, Option<FoundSpec>>,
    pub(super) observed: BTreeSet<String>,
    /// Imports that wait for attributes.
    pub(super) attributes: Attributes,
    /// Imports of standard modules that wait until somebody outside of the standard library uses the module.
    pub(super) held: BTreeMap<String, Vec<ImportEdge>>,
    /// Imports of other distributions that wait until they matter.
    pub(super) reach: Reach,
    /// What markers are evaluated for.
    pub(super) environment: Environment,
    /// Modules that somebody outside of the standard library imports.
    pub(super) used_outside: BTreeSet<String>,
    pub(super) calls_help: bool,
    pub(super) hooks: HookState,
    /// Read when somebody asks.
    distributions: OnceLock<Arc<Distributions>>,
    /// Read when somebody asks.
    entry_points: Option<EntryPoints>,
}

impl<'a> Builder<'a> {
    fn new(request: &'a GraphRequest<'a>) -> Result<Self, GraphError> {
        let facts = request.facts;
        let own = std::iter::once(request.entry.search_directory()).chain(request.options.directories()?);
        // Archives stay: they are no directories to the resolver, but the interpreter finds modules in them.
        let path = own.chain(facts.path.iter().cloned()).filter(|entry| entry.exists()).collect();
        let target = Target {
            minor: facts.version_info.1,
            sys_platform: facts.platform.clone(),
            os_name: facts.os_name.clone(),
            implementation: facts.implementation.clone(),
            platform_system: facts.system.clone(),
            maxsize_64bit: facts.is_64bit,
            optimize: request.optimize,
        };
        Ok(Self {
            request,
            target,
            resolver: Resolver::new(&facts.suffixes).sharing(request.options.shared),
            path,
            stdlib: vec![facts.stdlib.clone(), facts.dynload.clone()],
            graph: ModuleGraph::default(),
            main: MAIN.to_owned(),
            unread: BTreeSet::new(),
            exports: BTreeMap::new(),
            stars: BTreeSet::new(),
            unresolved: Vec::new(),
            path_changers: BTreeSet::new(),
            aliases: BTreeSet::new(),
            specs: BTreeMap::new(),
            observed: BTreeSet::new(),
            attributes: Attributes::default(),
            held: BTreeMap::new(),
            reach: Reach::default(),
            environment: Environment::of(facts),
            used_outside: BTreeSet::new(),
            calls_help: false,
            hooks: HookState::default(),
            distributions: OnceLock::new(),
            entry_points: None,
        })
    }

    /// Adds the entry; returns the name of its module.
    fn add_entry(&mut self) -> Result<String, GraphError> {
        let name = match self.request.entry {
            Entry::Script(path) => return self.add_main(path),
            Entry::Directory(path) => return self.add_main(&path.join("__main__.py")),
            Entry::Function { module, function, .. } => {
                self.require(module, None)?;
                let root = function.split('.').next().unwrap_or(function);
                // Children of multiprocessing's run the text, too, under another name.
                let text = format!(
                    "import sys\nfrom {module} import {root}\nif __name__ == '__main__':\n    sys.exit({function}())\n"
                );
                self.add_main_text(text.into_bytes(), None, "__main__.py".into());
                return Ok(MAIN.to_owned());
            }
            Entry::Package(path) => {
                let package = path.file_name().unwrap_or_default().to_string_lossy();
                format!("{package}.{MAIN}")
            }
            Entry::Module { module: name, .. } => {
                self.require(name, None)?;
                let is_package = self.graph.modules.get(name).is_some_and(|module| module.is_package);
                if is_package { format!("{name}.{MAIN}") } else { name.clone() }
            }
        };
        if let Some(excluded) = self.request.options.excluding(&name) {
            return Err(GraphError::Excluded { name: name.clone(), excluded: excluded.to_owned() });
        }
        if !self.ensure(&name) {
            let package = name.rsplit_once('.').map_or("", |(package, _)| package).to_owned();
            return Err(GraphError::NoMain { name: package });
        }
        match self.graph.modules.get(&name).map(|module| &module.kind) {
            Some(ModuleKind::Source { .. } | ModuleKind::Bytecode(_)) => {}
            _ => return Err(GraphError::NotCode { name }),
        }
        self.main.clone_from(&name);
        self.give(&name, Given::Entry);
        Ok(name)
    }

    /// Adds a module that has to be there, and that this option asks for, if one does.
    pub(super) fn require(&mut self, name: &str, option: Option<&str>) -> Result<(), GraphError> {
        if let Some(excluded) = self.request.options.excluding(name) {
            return Err(GraphError::Excluded { name: name.to_owned(), excluded: excluded.to_owned() });
        }
        if self.ensure(name) || self.ensure_by_interpreter(name)? {
            return Ok(());
        }
        let absent = self.first_absent(name);
        let advice = advice(&absent, self.nearest(&absent).as_deref());
        let advice = advice
            .unwrap_or_else(|| "install it there, or name another interpreter with --python".to_owned());
        let python = self.request.facts.executable.clone();
        let option = option.map(ToOwned::to_owned);
        Err(GraphError::NoModule { name: name.to_owned(), option, python, advice })
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
        self.give(MAIN, Given::Entry);
    }

    /// Adds what no import statement shows, and all codecs.
    fn add_roots(&mut self) {
        if self.request.is_interpreter {
            for name in roots::INTERPRETER {
                if self.ensure(name) {
                    self.give(name, Given::Interpreter);
                    self.note_use_outside(name);
                }
            }
        }
        for name in roots::always(self.request.facts.version_info.1) {
            if self.ensure(name) {
                self.give(name, Given::Start);
            }
        }
        let directories = self.graph.modules.get("encodings").map(|module| module.directories.clone());
        for directory in directories.unwrap_or_default() {
            for codec in self.resolver.modules_in(&directory) {
                let name = format!("encodings.{codec}");
                if self.is_for_platform(&codec) && self.ensure(&name) {
                    self.give(&name, Given::Start);
                }
            }
        }
    }

    /// Adds what the user asks for.
    fn add_requested(&mut self) -> Result<(), GraphError> {
        for root in self.request.roots {
            let option = match &root.given {
                Given::Option(option) => Some(option.as_str()),
                _ => None,
            };
            self.require(&root.name, option)?;
            self.give(&root.name, root.given.clone());
            if root.with_submodules {
                for name in self.submodules(&root.name) {
                    self.give(&name, root.given.clone());
                }
            }
        }
        Ok(())
    }

    /// Notes why a module is in the program that none need import.
    pub(super) fn give(&mut self, name: &str, given: Given) {
        self.graph.given.entry(name.to_owned()).or_default().insert(given);
    }

    /// Adds all modules below a package, and returns their names.
    pub(super) fn submodules(&mut self, package: &str) -> Vec<String> {
        let mut found = Vec::new();
        let mut packages = vec![package.to_owned()];
        while let Some(package) = packages.pop() {
            let directories = self.graph.modules.get(&package).map(|module| module.directories.clone());
            for directory in directories.unwrap_or_default() {
                for last in self.resolver.modules_in(&directory) {
                    let name = format!("{package}.{last}");
                    if self.ensure(&name) {
                        packages.push(name.clone());
                        found.push(name);
                    }
                }
            }
        }
        found
    }

    /// Adds what serves helper processes, once something can start any. Returns whether it was added now.
    fn add_children(&mut self) -> bool {
        let modules = &self.graph.modules;
        let is_needed = roots::STARTS_CHILDREN.iter().any(|name| modules.contains_key(*name));
        if !is_needed || modules.contains_key(roots::CHILDREN) {
            return false;
        }
        let text = include_str!("../../python/children.py");
        let kind = ModuleKind::Source { path: None, text: text.as_bytes().into() };
        let (file, origin) = (format!("{}.py", roots::CHILDREN), Origin::Stdlib);
        let (is_package, directories, edges) = (false, vec![], vec![]);
        self.add(roots::CHILDREN, Module { kind, origin, file, is_package, directories, edges });
        self.give(roots::CHILDREN, Given::Children);
        true
    }

    /// What the distributions on the path offer.
    pub(super) fn entry_points(&mut self) -> &EntryPoints {
        self.entry_points.get_or_insert_with(|| EntryPoints::read(&self.path))
    }

    /// What the distributions on the path have and require.
    pub(super) fn distributions(&self) -> Arc<Distributions> {
        let read = || Arc::new(Distributions::read(&self.path, &self.environment));
        let read = || match self.request.options.shared {
            Some(shared) => shared.distributions(&self.path, &self.environment, read),
            None => read(),
        };
        Arc::clone(self.distributions.get_or_init(read))
    }

    /// Codecs that exist only on Windows cannot be imported elsewhere.
    fn is_for_platform(&self, codec: &str) -> bool {
        self.target.sys_platform == "win32" || !matches!(codec, "mbcs" | "oem")
    }

    /// Reads all unread modules and follows their imports.
    fn round(&mut self, pool: &rayon::ThreadPool) -> Result<(), GraphError> {
        let names: Vec<String> = std::mem::take(&mut self.unread).into_iter().collect();
        let read = |name: &String| -> Option<Result<ModuleImports, ReadError>> {
            let module = self.graph.modules.get(name)?;
            let (text, path) = match &module.kind {
                ModuleKind::Source { text, path } => (Cow::Borrowed(&**text), path.as_deref()),
                ModuleKind::Extension(path) => (Cow::Owned(source_beside(path)?), None),
                _ => return None,
            };
            let is_main = *name == self.main || name.starts_with(RUNTIME_HOOK);
            let package = if name == MAIN { "" } else { package_of(name, module.is_package) };
            let name = ModuleName { name, package, is_main };
            let read = || {
                read_imports(&text, &name, &self.target).map(|mut imports| {
                    imports.edges.extend(attached_imports(path, &text, &name, &self.target));
                    imports
                })
            };
            Some(match self.request.options.shared {
                Some(shared) => shared.imports(read_key(&text, path, &name, &self.target), read),
                None => read(),
            })
        };
        let read: Vec<_> = pool.install(|| names.par_iter().map(read).collect());
        self.request.progress.add(names.len() as u64);
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

    fn finish(mut self) -> ModuleGraph {
        self.note_left_out();
        self.finish_hooks();
        let aliases = &self.aliases;
        self.graph.missing.retain(|name, _| !aliases.contains(name));
        self.graph.absent = self.absent();
        let frozen = &self.request.facts.frozen;
        for (name, module) in &mut self.graph.modules {
            if frozen.iter().any(|frozen| frozen == name) && !is_amended(name) {
                module.kind = ModuleKind::Builtin;
            }
        }
        self.graph
    }
}

/// What a module's imports follow from.
fn read_key(text: &[u8], path: Option<&Path>, name: &ModuleName<'_>, target: &Target) -> Key {
    let path = path.map(|path| path.as_os_str().as_encoded_bytes()).unwrap_or_default();
    let (name, target) = (format!("{name:?}"), format!("{target:?}"));
    Key::of([text, path, name.as_bytes(), target.as_bytes()])
}

/// A module's `__package__`.
pub(super) fn package_of(name: &str, is_package: bool) -> &str {
    if is_package { name } else { name.rsplit_once('.').map_or("", |(package, _)| package) }
}

#[cfg(test)]
#[path = "build_tests.rs"]
pub(crate) mod tests;
