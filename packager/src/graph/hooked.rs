//! What hooks written for PyInstaller change of the graph ([`crate::hooks`]).
//!
//! A hook runs when its module has joined and before the module's imports are followed: so what it excludes never
//! joins on the module's account.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::PathBuf;
use std::sync::Arc;

use super::build::{Builder, GraphError};
use super::imports::{Form, ModuleImports, Request};
use super::{Given, LeaveReason, LeftEdge, LeftOut, Missing, ModuleKind, Origin, Rule};
use crate::collect::data::additions::Addition;
use crate::collect::files::TreePath;
use crate::hooks::{self, Answer, Contribution, HookFile, HookFiles, HookKind, HookedModule};

/// What is known of hooks while the graph grows.
#[derive(Debug, Default)]
pub(super) struct HookState {
    /// Those that did not run yet.
    files: HookFiles,
    /// Names of modules that make themselves when the program runs.
    runtime: BTreeSet<String>,
    /// What modules, and those below them, do not bring into the program.
    excluded: BTreeMap<String, BTreeSet<String>>,
    /// What single modules do not import.
    removed: BTreeMap<String, BTreeSet<String>>,
    /// Imports that were not followed for that.
    left_out: BTreeMap<String, LeftOut>,
    /// Directories in which modules are looked for, instead of the usual ones.
    pub(super) search_directories: BTreeMap<String, Vec<PathBuf>>,
    /// Hidden imports whose absence is worth a warning, with the hook.
    awaited: BTreeSet<(String, String)>,
    /// What is to be said if a module is asked for.
    conditional_warnings: BTreeMap<String, String>,
}

impl Builder<'_> {
    /// Finds the hooks, and runs those that are asked before modules are looked for.
    pub(super) fn find_hooks(&mut self) -> Result<(), GraphError> {
        let request = self.request;
        let Some(options) = request.options.hooks else { return Ok(()) };
        let mut files = HookFiles::find(options, request.facts, &self.path)?;
        self.graph.warnings.append(&mut files.warnings);
        let first = files.take(|kind, _| kind == HookKind::PreFindModulePath);
        self.hooks.files = files;
        for (hook, answer) in self.answers(first)? {
            match answer {
                Ok(answer) => {
                    if let Some(directories) = answer.search_dirs {
                        self.hooks.search_directories.insert(hook.module, directories);
                    }
                }
                // It ran for a module that the program may have nothing to do with.
                Err(warning) => drop(self.hooks.conditional_warnings.insert(hook.module, warning)),
            }
        }
        Ok(())
    }

    /// Runs the hooks of modules that have joined. Returns whether any ran.
    pub(super) fn run_hooks(&mut self) -> Result<bool, GraphError> {
        if self.hooks.files.is_empty() {
            return Ok(false);
        }
        let mut files = std::mem::take(&mut self.hooks.files);
        let due = files.take(|kind, module| {
            self.graph.modules.contains_key(module)
                || self.hooks.runtime.contains(module)
                || kind == HookKind::PreSafeImportModule && self.is_asked_for(module)
        });
        self.hooks.files = files;
        let any = !due.is_empty();
        let mut answers = self.answers(due)?;
        // What makes a module known comes before what needs it.
        answers.sort_by_key(|(hook, _)| hook.kind == HookKind::Hook);
        for (hook, answer) in answers {
            match answer {
                Ok(answer) => self.apply(&hook, answer),
                Err(warning) => self.graph.warnings.push(warning),
            }
        }
        Ok(any)
    }

    /// Whether an import asks for a module that was not found.
    fn is_asked_for(&self, module: &str) -> bool {
        self.graph.missing.contains_key(module)
            || self.unresolved.iter().any(|(_, request, ..)| request.module() == module)
    }

    /// Runs hooks. Of one that fails there is what to tell the user.
    fn answers(&self, hooks: Vec<HookFile>) -> Result<Vec<(HookFile, Answer)>, GraphError> {
        if hooks.is_empty() {
            return Ok(Vec::new());
        }
        let tasks: Vec<(HookFile, HookedModule)> = hooks
            .into_iter()
            .map(|hook| {
                let facts = self.hooked_module(&hook);
                (hook, facts)
            })
            .collect();
        let answers = hooks::run(self.request.facts, &self.path, &tasks)?;
        let told = |hook: &HookFile, reason: &str| {
            format!("the hook {} is without effect: {reason}", hook.path.display())
        };
        let answers = tasks.into_iter().zip(answers).map(|((hook, _), answer)| {
            let answer = answer.map_err(|reason| told(&hook, &reason));
            (hook, answer)
        });
        Ok(answers.collect())
    }

    fn hooked_module(&self, hook: &HookFile) -> HookedModule {
        let above = hook.module.rsplit_once('.').map(|(above, _)| above);
        let search_path = match above.map(|above| (above, self.graph.modules.get(above))) {
            None => self.path.clone(),
            Some((_, Some(package))) => package.directories.clone(),
            Some((above, None)) => {
                let below = above.replace('.', "/");
                self.path.iter().map(|entry| entry.join(&below)).filter(|entry| entry.is_dir()).collect()
            }
        };
        let Some(module) = self.graph.modules.get(&hook.module) else {
            return HookedModule { search_path, ..HookedModule::default() };
        };
        let source = match &module.kind {
            ModuleKind::Source { path, .. } => path.clone(),
            _ => None,
        };
        let file = match &module.kind {
            ModuleKind::Namespace => Some(PathBuf::from("-")),
            _ if module.is_package => module.directories.first().cloned(),
            ModuleKind::Bytecode(path) | ModuleKind::Extension(path) => Some(path.clone()),
            ModuleKind::Source { .. } | ModuleKind::Builtin => source.clone(),
        };
        let (directories, is_package) = (module.directories.clone(), module.is_package);
        HookedModule { file, source, directories, is_package, search_path }
    }

    fn apply(&mut self, hook: &HookFile, answer: Contribution) {
        let (name, module) = (hook.name(), hook.module.as_str());
        let said = answer.messages.iter().map(|message| format!("the hook {name} says: {message}"));
        self.graph.warnings.extend(said);
        self.hooks.excluded.entry(module.to_owned()).or_default().extend(answer.excluded);
        self.hooks.removed.entry(module.to_owned()).or_default().extend(answer.removed);

        for alias in answer.runtime {
            self.aliases.insert(alias.clone());
            self.hooks.runtime.insert(alias);
        }
        for (real, alias) in answer.aliases {
            self.link_hooked(hook, &real);
            self.aliases.insert(alias);
        }
        if !answer.package_paths.is_empty() {
            self.add_directories(module, answer.package_paths);
        }
        for import in answer.imports {
            self.link_hooked(hook, &import);
            if answer.warns {
                self.hooks.awaited.insert((import, name.clone()));
            }
        }

        let hooked = &mut self.graph.hooked;
        for (source, destination) in answer.datas {
            match metadata_name(&source, &destination) {
                Some(distribution) => hooked.metadata.push(distribution),
                None => hooked.datas.push(addition(source, &destination)),
            }
        }
        hooked.binaries.extend(answer.binaries.into_iter().map(|(source, to)| addition(source, &to)));
        hooked.with_source.extend(answer.with_source);
    }

    /// An edge from a hook's module to one that it names, or who asks where the module itself is none of the graph.
    fn link_hooked(&mut self, hook: &HookFile, to: &str) {
        let (from, text) = (hook.module.as_str(), hook.name());
        if self.ensure(to) {
            if self.graph.modules.contains_key(from) {
                self.add_edge_with(from, to, Rule::Hook, 0, Some(Arc::from(text)));
            } else {
                self.graph.given.entry(to.to_owned()).or_default().insert(Given::Hook(text));
            }
            self.note_use_outside(to);
            return;
        }
        let missing =
            Missing { from: from.to_owned(), line: 0, is_required: false, origin: Origin::Installed };
        self.graph.missing.entry(to.to_owned()).or_insert(missing);
        self.unresolved.push((from.to_owned(), Request::Module(to.to_owned()), Rule::Hook, 0));
    }

    /// A package's submodules are in more directories: imports that failed may succeed now.
    fn add_directories(&mut self, package: &str, directories: Vec<PathBuf>) {
        let Some(module) = self.graph.modules.get_mut(package) else { return };
        module.directories.extend(directories);
        for (from, request, rule, line) in std::mem::take(&mut self.unresolved) {
            if is_below(request.module(), package) && self.ensure(request.module()) {
                self.graph.missing.remove(request.module());
                self.follow_request(&from, &request, rule, line, false);
            } else {
                self.unresolved.push((from, request, rule, line));
            }
        }
    }

    /// Takes out of a module's imports what hooks exclude.
    pub(super) fn without_excluded(&mut self, from: &str, mut imports: ModuleImports) -> ModuleImports {
        let excluded = self.excluded_for(from);
        if excluded.is_empty() {
            return imports;
        }
        let mut left = Vec::new();
        let mut is_excluded = |to: &str, line: u32, rule: Rule| {
            let name = excluded.iter().find(|name| is_below(to, name));
            if let Some(name) = name {
                left.push((to.to_owned(), name.clone(), LeftEdge { from: from.to_owned(), line, rule }));
            }
            name.is_some()
        };
        imports.edges.retain_mut(|edge| {
            let rule = if edge.kind.deferred { Rule::Deferred } else { Rule::Import };
            if let Request::From { module, names } = &mut edge.request {
                names.retain(|name| !is_excluded(&format!("{module}.{name}"), edge.line, rule));
            }
            !is_excluded(edge.request.module(), edge.line, rule)
        });
        imports.names.retain(|named| match &named.form {
            Form::Dotted { name, .. } => !is_excluded(name, named.line, Rule::String),
            _ => true,
        });
        for (to, name, edge) in left {
            let new = LeftOut { reason: LeaveReason::Hook { name }, edges: Vec::new() };
            self.hooks.left_out.entry(to).or_insert(new).edges.push(edge);
        }
        imports
    }

    fn excluded_for(&self, from: &str) -> BTreeSet<String> {
        let mut excluded = self.hooks.removed.get(from).cloned().unwrap_or_default();
        let mut name = Some(from);
        while let Some(package) = name {
            excluded.extend(self.hooks.excluded.get(package).into_iter().flatten().cloned());
            name = package.rsplit_once('.').map(|(above, _)| above);
        }
        excluded
    }

    /// Says what can only be said when the graph is whole.
    pub(super) fn finish_hooks(&mut self) {
        let state = std::mem::take(&mut self.hooks);
        for (module, hook) in state.awaited {
            if !self.graph.modules.contains_key(&module) && !self.aliases.contains(&module) {
                self.graph
                    .warnings
                    .push(format!("there is no module {module}, which the hook {hook} asks for"));
            }
        }
        for (module, warning) in state.conditional_warnings {
            if self.graph.modules.contains_key(&module) || self.is_asked_for(&module) {
                self.graph.warnings.push(warning);
            }
        }
        for (name, left) in state.left_out {
            let top = name.split('.').next().unwrap_or(&name);
            let is_there = self.graph.modules.contains_key(top) || self.locate(top, None, top).is_some();
            if is_there && !self.graph.modules.contains_key(&name) {
                let new = LeftOut { reason: left.reason, edges: Vec::new() };
                let known = self.graph.left_out.entry(name).or_insert(new);
                known.edges.extend(left.edges);
                known.edges.sort();
                known.edges.dedup();
            }
        }
    }
}

/// Whether a module has a name or is below the package of that name.
fn is_below(module: &str, name: &str) -> bool {
    module.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn addition(source: PathBuf, destination: &str) -> Addition {
    Addition { source, destination: TreePath::from(destination) }
}

/// The distribution whose metadata a data file is, if it is any, as its directory writes it.
fn metadata_name(source: &std::path::Path, destination: &str) -> Option<String> {
    let suffix = source.extension().and_then(OsStr::to_str);
    let is_metadata = matches!(suffix, Some("dist-info" | "egg-info"))
        && (source.file_name() == Some(OsStr::new(destination))
            || source.is_file() && destination.is_empty());
    let stem = source.file_stem()?.to_str()?;
    is_metadata.then(|| stem.split('-').next().unwrap_or(stem).to_owned())
}
