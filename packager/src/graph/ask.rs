//! What is not read but asked: extension modules are watched, the interpreter reads bytecode and finds what only its
//! own import hooks know.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::build::{Builder, GraphError, package_of};
use super::external::{self, BytecodeRequest};
use super::imports::{EdgeKind, ImportEdge, ModuleImports, Request};
use super::{Module, ModuleKind, Origin, Rule, observations};

impl Builder<'_> {
    pub(super) fn read_by_interpreter(&mut self, names: &[String]) -> Result<(), GraphError> {
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

    /// Watches the extension modules that were not watched yet, a distribution at a time.
    pub(super) fn observe_extensions(&mut self) -> bool {
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
            if let Some(reason) = &observation.failed
                && !self.is_expected(reason)
            {
                let note = format!(
                    "the extension module {name} cannot be imported to see what it imports: {reason}\nhint: name \
                         what is missing when it runs with --hidden-import"
                );
                self.graph.warnings.push(note);
            }
            for imported in &observation.imports {
                let top = imported.split('.').next().unwrap_or(imported);
                if is_stdlib && self.resolver.find(top, &self.stdlib).is_none() {
                    continue;
                }
                if self.ensure(imported) {
                    self.add_edge(&name, imported, Rule::Observed, 0);
                } else {
                    self.note_excluded(&name, imported, Rule::Observed, 0);
                }
            }
            self.follow_native_names(&name, &observation.named);
        }
        true
    }

    /// Whether the import fails as it does in `python`: the file is a library that has the name of a module, or a module
    /// that it needs is installed nowhere.
    fn is_expected(&self, failure: &str) -> bool {
        if failure.starts_with(observations::NO_MODULE) {
            return true;
        }
        let missing = failure.strip_prefix(observations::NOT_FOUND).and_then(|rest| rest.split('\'').next());
        let top = missing.and_then(|name| name.split('.').next());
        top.is_some_and(|top| self.resolver.find(top, &self.path).is_none())
    }

    /// Asks the interpreter about missing names, where it has more ways to find them than directories.
    pub(super) fn ask_interpreter(&mut self) -> Result<bool, GraphError> {
        let wanted = self.unresolved.iter().map(|(_, request, ..)| request.module());
        let asked: BTreeSet<&str> = wanted
            .chain(self.graph.missing.keys().map(String::as_str))
            .filter(|name| !self.specs.contains_key(*name))
            .filter(|name| !self.is_excluded(name) && self.only_interpreter_knows(name))
            .collect();
        if asked.is_empty() {
            return Ok(false);
        }
        let asked: Vec<String> = asked.into_iter().map(str::to_owned).collect();
        self.ask(&asked)?;
        let found: Vec<String> = asked.into_iter().filter(|name| self.ensure(name)).collect();
        for name in &found {
            self.graph.missing.remove(name);
        }
        for (from, request, rule, line) in std::mem::take(&mut self.unresolved) {
            if self.graph.modules.contains_key(request.module()) {
                self.follow_request(&from, &request, rule, line, false);
            } else {
                self.unresolved.push((from, request, rule, line));
            }
        }
        Ok(!found.is_empty())
    }

    /// Whether the interpreter could find a name that the search of directories does not. To find a submodule, it
    /// imports the packages above: those whose directories say all that there is to know are left in peace.
    pub(super) fn only_interpreter_knows(&self, name: &str) -> bool {
        let mut above = name.rmatch_indices('.').map(|(at, _)| &name[..at]);
        match above.find(|parent| self.graph.modules.contains_key(*parent)) {
            Some(parent) => self.path_changers.contains(parent) || self.is_without_directory(parent),
            None => {
                let has_archives = || self.path.iter().any(|entry| entry.is_file());
                !self.request.facts.standard_finders || has_archives()
            }
        }
    }

    /// Whether a package has submodules that no search of directories finds: it lies in an archive, or a hook made it.
    pub(super) fn is_without_directory(&self, package: &str) -> bool {
        let is_package = self.graph.modules.get(package).filter(|module| module.is_package);
        is_package.is_some_and(|module| {
            matches!(self.specs.get(package), Some(Some(_)))
                && !module.directories.iter().any(|directory| directory.is_dir())
        })
    }

    pub(super) fn ensure_by_interpreter(&mut self, name: &str) -> Result<bool, GraphError> {
        self.ask(&[name.to_owned()])?;
        Ok(self.ensure(name))
    }

    pub(super) fn ask(&mut self, names: &[String]) -> Result<(), GraphError> {
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
}
