//! Imports between installed distributions, followed only where they can matter.
//!
//! An optional import, in a `try` that catches its failure or inside of a function, works where the other
//! distribution is missing. So it waits until something shows that the other one is meant to be there: it is in the
//! closure of what is required ([`closure`](super::closure)), for it is declared, or part of the program anyway.
//!
//! Other imports between distributions are followed, whatever is declared, with two exceptions. What a string names may
//! never be imported: a highlighter's table names a formatter that draws with an imaging library, a database layer
//! the drivers of all databases. Such modules are included, for the table may be used, but they bring no distribution
//! that is not in the closure. Nor do modules that their own distribution imports in functions only bring what that
//! distribution requires with an extra only, which nobody has asked for: that is how it says that it works without;
//! nor what is in every environment, as setuptools is.
//!
//! The alternative in a handler, `except ImportError: import b`, is followed if what was tried is not there; and what was
//! tried, if the alternative is not there.
//!
//! Plugins, which offer something in a group of entry points that is asked for, are followed unless an import says that
//! their distribution is optional, and it was left out.

mod alternatives;
mod left_out;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use alternatives::alternatives;

use super::build::Builder;
use super::closure::Closure;
use super::distributions::{Owners, has_metadata, is_in_site};
use super::imports::{Form, ImportEdge, ModuleImports, Request};
use super::requirements::{Requirement, normalized};
use super::resolve::Found;
use super::{Given, ModuleKind, Origin, Rule};

/// Distributions that environments are made with, so that it says nothing that they are there. Source: ensurepip and
/// virtualenv.
const FURNITURE: [&str; 3] = ["pip", "setuptools", "wheel"];

/// What waits, and what it waits for.
#[derive(Debug, Default)]
pub(super) struct Reach {
    closure: Closure,
    /// By importing module.
    imports: BTreeMap<String, Vec<Waiting>>,
    /// What strings name, by the module that holds them and the name.
    named: BTreeMap<String, BTreeMap<String, WaitingName>>,
    /// What these holders name: followed again when something of it may be followed after all.
    holders: BTreeMap<String, ModuleImports>,
    /// The directories of the program's own on `sys.path` that have metadata of distributions.
    own_sites: OnceLock<BTreeSet<PathBuf>>,
}

/// An import that waits.
#[derive(Debug)]
struct Waiting {
    edge: ImportEdge,
    /// Who has what it asks for.
    owners: Owners,
    /// Of what is tried, the alternatives; of an alternative, what is tried before it.
    other: Vec<String>,
}

impl Waiting {
    /// Whether it runs whenever its module does, if only because something else is missing.
    fn is_firm(&self) -> bool {
        let kind = self.edge.kind;
        !kind.optional && !kind.deferred && !kind.stub
    }
}

/// A module that a string names, and that waits.
#[derive(Debug)]
struct WaitingName {
    owners: Owners,
    rule: Rule,
    line: u32,
}

/// How far the program gets without strings of installed distributions.
struct Reached {
    /// By any import.
    any: BTreeSet<String>,
    /// By imports that run when their module does.
    eager: BTreeSet<String>,
}

impl Builder<'_> {
    /// Starts the closure with what the project declares and the options name.
    pub(super) fn declare(&mut self, declared: &[Requirement]) {
        let all = self.distributions();
        for requirement in declared {
            self.reach.closure.require(requirement, &all, &self.environment);
        }
        for package in self.request.options.follow_optional.into_iter().flat_map(|follow| &follow.packages) {
            let modules = all.owners(package);
            let named =
                Requirement::parse(package).filter(|requirement| all.find(&requirement.name).is_some());
            if named.is_none() && modules.is_empty() {
                let warning =
                    format!("--follow-optional {package}: no distribution of this name is installed");
                self.graph.warnings.push(warning);
            }
            named.iter().for_each(|named| self.reach.closure.require(named, &all, &self.environment));
            modules.into_iter().for_each(|number| self.reach.closure.add(number, &all, &self.environment));
        }
    }

    fn follows_all(&self) -> bool {
        self.request.options.follow_optional.is_some_and(|follow| follow.all)
    }

    /// Takes imports of other installed distributions out of a module's edges, if they are not declared: they wait.
    pub(super) fn withhold(&mut self, name: &str, origin: Origin, edges: Vec<ImportEdge>) -> Vec<ImportEdge> {
        if origin != Origin::Installed || self.follows_all() {
            return edges;
        }
        let from = self.distributions().owners(name);
        if from.is_empty() {
            return edges;
        }
        let edges: Vec<ImportEdge> = edges.into_iter().flat_map(|edge| self.parted(edge)).collect();
        let mut alternatives = alternatives(&edges);
        let (mut followed, mut waiting) = (Vec::new(), Vec::new());
        for (number, edge) in edges.into_iter().enumerate() {
            let owners = self.owners_of_request(&edge.request);
            let is_foreign = !owners.is_empty() && owners.is_disjoint(&from);
            if is_foreign && !self.reach.closure.holds(&owners) {
                let other = alternatives.remove(&number).unwrap_or_default();
                waiting.push(Waiting { edge, owners, other });
            } else {
                followed.push(edge);
            }
        }
        if !waiting.is_empty() {
            self.reach.imports.insert(name.to_owned(), waiting);
        }
        followed
    }

    /// `from google.cloud import a, b` as imports of each, for they may belong to several distributions.
    fn parted(&self, edge: ImportEdge) -> Vec<ImportEdge> {
        match &edge.request {
            Request::From { module, names }
                if names.len() > 1 && self.distributions().is_namespace(module) =>
            {
                let part = |name: &String| {
                    let request = Request::From { module: module.clone(), names: vec![name.clone()] };
                    ImportEdge { request, ..edge.clone() }
                };
                names.iter().map(part).collect()
            }
            _ => vec![edge],
        }
    }

    /// Whether a string in a module may be followed to a module now. If not, it waits.
    pub(super) fn may_follow_name(&mut self, holder: &str, to: &str, rule: Rule, line: u32) -> bool {
        let is_installed =
            self.graph.modules.get(holder).is_some_and(|module| module.origin == Origin::Installed);
        if !is_installed || self.follows_all() {
            return true;
        }
        let (from, owners) = (self.distributions().owners(holder), self.owners_of(to));
        let is_foreign = !owners.is_empty() && !from.is_empty() && owners.is_disjoint(&from);
        if !is_foreign || self.reach.closure.holds(&owners) {
            return true;
        }
        let waiting = self.reach.named.entry(holder.to_owned()).or_default();
        waiting.entry(to.to_owned()).or_insert(WaitingName { owners, rule, line });
        false
    }

    /// Keeps what a module names, if something of it waits; and what the program's own strings say.
    pub(super) fn keep_names(&mut self, name: &str, origin: Origin, imports: &ModuleImports) {
        if origin == Origin::Own {
            let all = self.distributions();
            // `engine="openpyxl"`, `BeautifulSoup(text, "lxml")`: a distribution, by its name or its module's.
            let mut words: BTreeSet<String> = imports
                .names
                .iter()
                .filter_map(
                    |named| if let Form::Word(word) = &named.form { Some(word.clone()) } else { None },
                )
                .collect();
            if let Some(ModuleKind::Source { text, .. }) =
                self.graph.modules.get(name).map(|module| &module.kind)
            {
                words.extend(url_schemes(text));
            }
            for word in words {
                for number in self.owners_of(&word).into_iter().chain(all.find(&word)) {
                    self.reach.closure.add(number, &all, &self.environment);
                }
            }
        } else if self.reach.named.contains_key(name) {
            let kept = ModuleImports { edges: Vec::new(), ..imports.clone() };
            self.reach.holders.insert(name.to_owned(), kept);
        }
    }

    /// Follows what waits and turned out to matter. Returns whether there was anything.
    pub(super) fn release(&mut self) -> bool {
        if self.reach.imports.is_empty() && self.reach.named.is_empty() {
            return false;
        }
        self.grow_closure();
        if self.release_imports(|builder, _, waiting| builder.reach.closure.holds(&waiting.owners))
            | self.release_names()
        {
            return true;
        }
        let reached = self.reached();
        let is_reached = |builder: &Self, name: &str, waiting: &Waiting| {
            waiting.is_firm() && builder.brings(&reached, name, &waiting.owners)
        };
        if self.release_imports(|builder, name, waiting| {
            !waiting.edge.kind.fallback && is_reached(builder, name, waiting)
        }) {
            return true;
        }
        let is_missing = |builder: &Self, name: &String| !builder.graph.modules.contains_key(name);
        // Of several that could serve, and of which one has to, the first.
        if self.release_imports(|builder, name, waiting| {
            let Waiting { edge, other, owners } = waiting;
            let is_tried = edge.kind.optional && !edge.kind.deferred;
            let has_none = !other.is_empty() && other.iter().all(|other| is_missing(builder, other));
            is_tried && has_none && builder.brings(&reached, name, owners)
        }) {
            return true;
        }
        if self.release_imports(|builder, name, waiting| {
            let is_needed = waiting.other.iter().any(|tried| is_missing(builder, tried));
            waiting.edge.kind.fallback && is_needed && is_reached(builder, name, waiting)
        }) {
            return true;
        }
        self.admit_plugins() && self.release_names()
    }

    /// Whether an import in a module that runs when the module does may bring these distributions.
    fn brings(&self, reached: &Reached, name: &str, owners: &Owners) -> bool {
        let all = self.distributions();
        let from = all.owners(name);
        let is_extra = || all.mentions(&from, owners, false) && !all.mentions(&from, owners, true);
        let is_furniture = || {
            let mut brought = owners.iter().filter_map(|number| all.get(*number));
            brought.all(|distribution| FURNITURE.contains(&normalized(&distribution.name).as_str()))
        };
        reached.eager.contains(name) || reached.any.contains(name) && !is_extra() && !is_furniture()
    }

    /// Adds the distributions of which something is in the program.
    fn grow_closure(&mut self) {
        let all = self.distributions();
        let editable: Vec<_> = all
            .iter()
            .filter_map(|(number, distribution)| Some((number, distribution.editable.as_ref()?)))
            .collect();
        for (name, module) in &self.graph.modules {
            let owners = match (module.origin, &module.kind) {
                (Origin::Installed, _) => all.owners(name),
                // The project itself, where it is installed to be edited.
                (Origin::Own, ModuleKind::Source { path: Some(path), .. }) => {
                    let above = editable.iter().filter(|(_, directory)| path.starts_with(directory));
                    above.map(|(number, _)| *number).collect()
                }
                _ => continue,
            };
            for number in owners {
                self.reach.closure.add(number, &all, &self.environment);
            }
        }
    }

    /// Follows the imports for which something holds. Returns whether there were any.
    fn release_imports(&mut self, matters: impl Fn(&Self, &str, &Waiting) -> bool) -> bool {
        let mut released = Vec::new();
        for (name, waiting) in std::mem::take(&mut self.reach.imports) {
            let (followed, waiting): (Vec<_>, Vec<_>) =
                waiting.into_iter().partition(|waiting| matters(self, &name, waiting));
            if !followed.is_empty() {
                released.push((name.clone(), followed));
            }
            if !waiting.is_empty() {
                self.reach.imports.insert(name, waiting);
            }
        }
        let any = !released.is_empty();
        for (name, waiting) in released {
            let edges = waiting.into_iter().map(|waiting| waiting.edge).collect();
            self.follow_edges(&name, Origin::Installed, edges);
        }
        any
    }

    /// Follows the strings of holders again of which one leads into the closure. Returns whether there were any.
    fn release_names(&mut self) -> bool {
        let closure = &self.reach.closure;
        let is_free = |names: &BTreeMap<String, WaitingName>| {
            names.values().any(|waiting| closure.holds(&waiting.owners))
        };
        let free: Vec<String> = self
            .reach
            .named
            .iter()
            .filter(|(_, names)| is_free(names))
            .map(|(name, _)| name.clone())
            .collect();
        for name in &free {
            self.reach.named.remove(name);
            if let Some(imports) = self.reach.holders.remove(name) {
                self.follow_names(name, Origin::Installed, &imports);
                self.keep_names(name, Origin::Installed, &imports);
            }
        }
        !free.is_empty()
    }

    /// Adds the distributions that offer something that is asked for. Returns whether there were any.
    fn admit_plugins(&mut self) -> bool {
        let imports = self.reach.imports.values().flatten();
        let left_out: Owners = imports.flat_map(|waiting| waiting.owners.iter().copied()).collect();
        let names = self.reach.named.values().flat_map(BTreeMap::values);
        let plugins: Owners = names
            .filter(|waiting| waiting.rule == Rule::EntryPoint && waiting.owners.is_disjoint(&left_out))
            .flat_map(|waiting| waiting.owners.iter().copied())
            .collect();
        let all = self.distributions();
        for number in &plugins {
            self.reach.closure.add(*number, &all, &self.environment);
        }
        !plugins.is_empty()
    }

    /// Modules that the program reaches without a string of an installed distribution.
    fn reached(&self) -> Reached {
        let modules = &self.graph.modules;
        let is_given = |name: &str| {
            let given = self.graph.given.get(name).into_iter().flatten();
            given.into_iter().any(|given| !matches!(given, Given::Start | Given::Interpreter))
        };
        let is_root = |name: &str, origin| origin != Origin::Installed || name == self.main || is_given(name);
        let walk = |leads: &dyn Fn(Rule) -> bool| {
            let mut stack: Vec<&str> = modules
                .iter()
                .filter(|(name, module)| is_root(name, module.origin))
                .map(|(name, _)| &**name)
                .collect();
            let mut reached = BTreeSet::new();
            while let Some(name) = stack.pop() {
                let Some(module) = modules.get(name).filter(|_| reached.insert(name.to_owned())) else {
                    continue;
                };
                stack.extend(name.rsplit_once('.').map(|(parent, _)| parent));
                let is_followed = |rule| leads(rule) || module.origin != Origin::Installed;
                let edges = module.edges.iter().filter(|edge| is_followed(edge.rule));
                stack.extend(edges.map(|edge| edge.to.as_str()));
            }
            reached
        };
        Reached { any: walk(&|rule| !rule.is_inferred()), eager: walk(&|rule| rule.is_eager()) }
    }

    /// Who has what an import asks for; empty if it is no distribution's.
    fn owners_of_request(&self, request: &Request) -> Owners {
        match request {
            Request::From { module, names } if self.distributions().is_namespace(module) => {
                names.iter().flat_map(|name| self.owners_of(&format!("{module}.{name}"))).collect()
            }
            _ => self.owners_of(request.module()),
        }
    }

    /// Who has a module; empty if it is no distribution's, or not the one that is found first.
    fn owners_of(&self, name: &str) -> Owners {
        if self.is_installed(top_of(name)) { self.distributions().owners(name) } else { Owners::new() }
    }

    /// Whether distributions are installed in a directory of `sys.path` that is no `site-packages`.
    pub(super) fn has_metadata(&self, directory: &Path) -> bool {
        let is_own_site = |directory: &&PathBuf| {
            !self.stdlib.contains(directory) && !is_in_site(directory) && has_metadata(directory)
        };
        let own_sites =
            self.reach.own_sites.get_or_init(|| self.path.iter().filter(is_own_site).cloned().collect());
        own_sites.contains(directory)
    }

    fn is_installed(&self, top: &str) -> bool {
        if let Some(module) = self.graph.modules.get(top) {
            return module.origin == Origin::Installed;
        }
        let found = self.resolver.find(top, &self.path).map(|resolved| resolved.found);
        match found {
            Some(Found::Source(path) | Found::Bytecode(path) | Found::Extension(path)) => {
                self.origin(&path) == Origin::Installed
            }
            Some(Found::Namespace(portions)) => {
                portions.iter().any(|portion| self.origin(portion) == Origin::Installed)
            }
            None => false,
        }
    }
}

/// The schemes of URLs in a source, in their parts: `postgresql` and `psycopg2` of `"postgresql+psycopg2://…"`.
fn url_schemes(text: &[u8]) -> BTreeSet<String> {
    let is_in_scheme = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'_');
    let ends = (0..text.len()).filter(|at| text[*at] == b':' && text[*at..].starts_with(b"://"));
    let schemes = ends.map(|end| {
        let length = text[..end].iter().rev().take_while(|byte| is_in_scheme(byte)).count();
        String::from_utf8_lossy(&text[end - length..end]).into_owned()
    });
    let parts = schemes.flat_map(|scheme| scheme.split('+').map(str::to_owned).collect::<Vec<_>>());
    parts.filter(|part| !part.is_empty()).collect()
}

/// The top-level module of a name.
pub(super) fn top_of(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

#[cfg(test)]
#[path = "reach_tests.rs"]
mod tests;
