//! Why everything is in the program: what `snapfreeze why` answers from.
//!
//! In: the graph and the plan. Out: [`Reasons`]: modules with the edges between them, files, libraries, what was left out
//! and what was not found. They are written into each executable ([`document`] is the form), so that an executable and
//! a program are asked in the same way. [`chain`] finds the shortest way to something, [`answer`] puts it into words.
//!
//! No path of the machine that builds is in it: files are named as in the tree.

pub mod answer;
mod chain;
pub mod document;
mod libraries;
mod metadata;
pub mod steps;
pub(crate) mod words;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::collect::files::{Reason, TreeFile};
use serde::{Deserialize, Serialize};

use crate::graph::{Given, LeaveReason, LeftOut, Module, ModuleGraph, Origin, Rule};
use crate::plan::{PlannedLibrary, PlannedModule};

/// Why everything is in a program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reasons {
    /// The module that runs as `__main__`.
    pub entry: String,
    /// All modules, those in libpython too, sorted by name.
    pub modules: Vec<ReasonedModule>,
    /// Names that were found and not followed.
    pub left_out: BTreeMap<String, NotFollowed>,
    /// Names that were not found.
    pub missing: BTreeMap<String, Asker>,
    /// Files that are neither modules nor libraries, by path, with their reason.
    pub files: BTreeMap<String, String>,
    /// Directories of distributions' metadata, with a module that the distribution has in the program.
    pub metadata: BTreeMap<String, String>,
    /// Native libraries.
    pub libraries: Vec<ReasonedLibrary>,
    /// Whose modules are: those that are not their package's owner's, where what has no package would be the standard
    /// library's. None in an executable that does not say.
    pub origins: Option<BTreeMap<String, Origin>>,
    /// How the program was built, where nothing else in it shows that. None in an executable that does not say.
    pub options: Option<BuiltOptions>,
}

/// How a program was built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct BuiltOptions {
    /// `--compress`.
    pub compress: String,
    /// `--include-source`.
    pub include_source: bool,
    /// Whether native files were stripped.
    pub strip: bool,
}

/// A module, and where it leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReasonedModule {
    /// Dotted name.
    pub name: String,
    /// Its file in the tree; empty for a part of the interpreter.
    pub file: String,
    /// Why it is there though no module imports it.
    pub given: BTreeSet<Given>,
    /// What it imports, each module once, by the strongest rule.
    pub edges: Vec<ReasonedEdge>,
}

/// An edge to a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReasonedEdge {
    /// Number of the module.
    pub to: usize,
    /// How.
    pub rule: Rule,
    /// Line in the source; 0 where there is none.
    pub line: u32,
    /// What stands there, where the rule does not say it.
    pub text: Option<Arc<str>>,
}

/// A name that was found and not followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotFollowed {
    /// Why.
    pub reason: LeaveReason,
    /// Who asks for it.
    pub askers: Vec<Asker>,
}

/// A module that asks for something that is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asker {
    /// The module.
    pub from: String,
    /// Line in its source; 0 where there is none.
    pub line: u32,
    /// How; none where only a name is known.
    pub rule: Option<Rule>,
}

/// A native library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReasonedLibrary {
    /// The name by which others ask for it.
    pub name: String,
    /// Its file in the tree; empty for none.
    pub file: String,
    /// Numbers of the libraries that it needs directly.
    pub needs: Vec<usize>,
    /// Numbers of the extension modules that need it directly.
    pub users: Vec<usize>,
}

/// What the plan consists of, as far as reasons are concerned.
#[derive(Debug, Clone)]
pub struct ReasonParts<'a> {
    /// The module that runs as `__main__`.
    pub entry: &'a str,
    /// The graph.
    pub graph: &'a ModuleGraph,
    /// The modules of the plan.
    pub modules: &'a [PlannedModule],
    /// The libraries of the plan; the last is libpython.
    pub libraries: &'a [PlannedLibrary],
    /// The tree of files.
    pub files: &'a [TreeFile],
    /// How the program is built.
    pub options: BuiltOptions,
}

impl Reasons {
    /// The reasons of a program.
    pub fn of(parts: &ReasonParts) -> Self {
        let graph = parts.graph;
        let numbers: HashMap<&str, usize> =
            graph.modules.keys().enumerate().map(|(number, name)| (name.as_str(), number)).collect();
        let modules = graph.modules.iter().map(|(name, module)| ReasonedModule {
            name: name.clone(),
            file: file_of(name, module),
            given: graph.given.get(name).into_iter().flatten().map(without_place).collect(),
            edges: edges_of(module, &numbers),
        });
        let missing = graph.missing.iter().map(|(name, missing)| {
            (name.clone(), Asker { from: missing.from.clone(), line: missing.line, rule: None })
        });
        let files = parts.files.iter().filter(|file| file.reason != Reason::Module);
        Self {
            entry: parts.entry.to_owned(),
            modules: modules.collect(),
            left_out: graph
                .left_out
                .iter()
                .map(|(name, left)| (name.clone(), NotFollowed::of(left)))
                .collect(),
            missing: missing.collect(),
            files: files.map(|file| (file.path.to_string(), reason_word(file.reason))).collect(),
            metadata: metadata::owners(parts.files, graph),
            libraries: libraries::libraries(parts, &numbers),
            origins: Some(origins(graph)),
            options: Some(parts.options.clone()),
        }
    }

    /// Whose a module is; none in an executable that does not say.
    pub fn origin(&self, name: &str) -> Option<Origin> {
        let origins = self.origins.as_ref()?;
        let ends = name.match_indices('.').map(|(end, _)| end).chain([name.len()]);
        let known = ends.filter_map(|end| origins.get(&name[..end])).next_back();
        Some(known.copied().unwrap_or(Origin::Stdlib))
    }

    /// The number of a module.
    pub fn module(&self, name: &str) -> Option<usize> {
        self.modules.binary_search_by(|module| module.name.as_str().cmp(name)).ok()
    }

    /// What an import fails for first, with why it was left out: names that are not there though their packages are.
    pub fn first_missed(&self) -> BTreeMap<&str, &LeaveReason> {
        let mut missed = BTreeMap::new();
        for (name, left) in &self.left_out {
            let ends = name.match_indices('.').map(|(end, _)| end).chain([name.len()]);
            let first = ends.map(|end| &name[..end]).find(|part| self.module(part).is_none());
            if let Some(first) = first {
                // A name's own reason goes before that of what is below it.
                if first == name || !missed.contains_key(first) {
                    missed.insert(first, &left.reason);
                }
            }
        }
        missed
    }
}

impl NotFollowed {
    fn of(left: &LeftOut) -> Self {
        let asker = |edge: &crate::graph::LeftEdge| Asker {
            from: edge.from.clone(),
            line: edge.line,
            rule: Some(edge.rule),
        };
        Self { reason: left.reason.clone(), askers: left.edges.iter().map(asker).collect() }
    }
}

/// Modules whose origin does not follow from that of the packages they are in.
fn origins(graph: &ModuleGraph) -> BTreeMap<String, Origin> {
    let of_parents = |name: &str| {
        let mut parents = name.rmatch_indices('.').map(|(end, _)| &name[..end]);
        parents.find_map(|parent| graph.modules.get(parent)).map_or(Origin::Stdlib, |parent| parent.origin)
    };
    let differing = graph.modules.iter().filter(|(name, module)| module.origin != of_parents(name));
    differing.map(|(name, module)| (name.clone(), module.origin)).collect()
}

/// A builtin module's file in the graph is its name.
fn file_of(name: &str, module: &Module) -> String {
    if module.file == name && !module.is_package { String::new() } else { module.file.clone() }
}

/// Each target once, by the strongest rule, in the order of source.
fn edges_of(module: &Module, numbers: &HashMap<&str, usize>) -> Vec<ReasonedEdge> {
    let mut edges: Vec<ReasonedEdge> = Vec::new();
    let mut places: HashMap<usize, usize> = HashMap::new();
    for edge in &module.edges {
        let Some(to) = numbers.get(edge.to.as_str()).copied() else { continue };
        let text = edge.text.as_deref().map(|text| last_part_of_path(edge.rule, text));
        let reasoned = ReasonedEdge { to, rule: edge.rule, line: edge.line, text };
        match places.get(&to).and_then(|place| edges.get_mut(*place)) {
            Some(known) if known.rule <= edge.rule => {}
            Some(known) => *known = reasoned,
            None => {
                places.insert(to, edges.len());
                edges.push(reasoned);
            }
        }
    }
    edges
}

/// A hook's file is named without the directory that it is in on this machine.
fn last_part_of_path(rule: Rule, text: &str) -> Arc<str> {
    match rule {
        Rule::Hook => file_name(text).into(),
        _ => text.into(),
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// A reason without directories of this machine.
fn without_place(given: &Given) -> Given {
    match given {
        Given::Hook(file) => Given::Hook(file_name(file).to_owned()),
        Given::Option(option) => {
            let words =
                option.split(' ').map(|word| if word.starts_with('/') { file_name(word) } else { word });
            Given::Option(words.collect::<Vec<_>>().join(" "))
        }
        other => other.clone(),
    }
}

/// A reason by its name.
fn reason_word(reason: Reason) -> String {
    match serde_json::to_value(reason) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

#[cfg(test)]
#[path = "answer_tests.rs"]
pub(crate) mod tests;
