//! Imports between installed distributions that nobody declares, followed only where they can matter.
//!
//! What a string names may never be imported: a highlighter's table names a formatter that draws with an imaging
//! library, a database layer the drivers of all databases. Such modules are included, for the table may be used, but
//! they do not bring other distributions unless their own requires them, the program reaches them by imports, or the
//! other distribution is part of the program anyway. The last holds for all imports in a `try` that catches their
//! failure: the distribution works without them.

use std::collections::BTreeSet;

use super::build::Builder;
use super::imports::ImportEdge;
use super::resolve::Found;
use super::{Origin, Rule};

impl Builder<'_> {
    /// Takes imports of other installed distributions out of a module's edges, if they are not declared: they wait.
    pub(super) fn withhold(&mut self, name: &str, origin: Origin, edges: Vec<ImportEdge>) -> Vec<ImportEdge> {
        if origin != Origin::Installed {
            return edges;
        }
        let top = top_of(name);
        let (waiting, followed) = edges.into_iter().partition(|edge| {
            let to = top_of(edge.request.module());
            to != top && self.is_installed(to) && !self.distributions().requires(top, to)
        });
        if !Vec::is_empty(&waiting) {
            self.undeclared.insert(name.to_owned(), waiting);
        }
        followed
    }

    /// Follows what waits and turned out to matter. Returns whether there was anything.
    pub(super) fn release(&mut self) -> bool {
        if self.undeclared.is_empty() {
            return false;
        }
        let reached = self.reached();
        let tops: BTreeSet<&str> = reached.iter().map(|name| top_of(name)).collect();
        let mut released = Vec::new();
        for (name, waiting) in std::mem::take(&mut self.undeclared) {
            let is_reached = reached.contains(&name);
            let matters = |edge: &ImportEdge| {
                is_reached && !edge.kind.optional || tops.contains(top_of(edge.request.module()))
            };
            let (followed, waiting): (Vec<_>, Vec<_>) = waiting.into_iter().partition(matters);
            if !waiting.is_empty() {
                self.undeclared.insert(name.clone(), waiting);
            }
            if !followed.is_empty() {
                released.push((name, followed));
            }
        }
        let any = !released.is_empty();
        for (name, edges) in released {
            self.follow_edges(&name, Origin::Installed, edges);
        }
        any
    }

    /// Modules that the program reaches without a string of an installed distribution.
    fn reached(&self) -> BTreeSet<String> {
        let roots = self.request.roots;
        let is_requested = |name: &str| {
            let is_below = |root: &str| name.strip_prefix(root).is_some_and(|rest| rest.starts_with('.'));
            roots.iter().any(|root| root.name == name || root.with_submodules && is_below(&root.name))
        };
        let modules = &self.graph.modules;
        let is_root =
            |name: &str, origin| origin != Origin::Installed || name == self.main || is_requested(name);
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
            let leads = |rule: Rule| !rule.is_inferred() || module.origin != Origin::Installed;
            stack.extend(module.edges.iter().filter(|edge| leads(edge.rule)).map(|edge| edge.to.as_str()));
        }
        reached
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
                portions.first().is_some_and(|portion| self.origin(portion) == Origin::Installed)
            }
            None => false,
        }
    }
}

/// The top-level module of a name.
pub(super) fn top_of(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}
