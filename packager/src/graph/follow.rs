//! From a module's imports to edges, and on to the modules that they lead to.
//!
//! An import of the program or of an installed distribution is followed wherever it stands: in functions, in `try`,
//! by a call with a literal name. The standard library's own imports are followed with more knowledge of what they
//! are for, or every program would hold most of it.

use std::sync::Arc;

use super::build::Builder;
use super::imports::{EdgeKind, ImportEdge, ModuleImports, Request};
use super::resolve::Found;
use super::{Edge, Missing, Origin, Rule, roots, rules};

impl Builder<'_> {
    /// Adds the edges of one module and the modules that they lead to.
    pub(super) fn follow(&mut self, name: &str, imports: ModuleImports) {
        let Some(origin) = self.graph.modules.get(name).map(|module| module.origin) else { return };
        let imports = self.without_excluded(name, imports);
        let imports = self.note_attributes(name, imports);
        self.follow_names(name, origin, &imports);
        self.keep_names(name, origin, &imports);
        if origin != Origin::Stdlib && !imports.libraries.is_empty() {
            self.graph.libraries.insert(name.to_owned(), imports.libraries);
        }
        self.aliases.extend(imports.aliases);
        if let Some(exports) = imports.exports {
            self.exports.insert(name.to_owned(), exports);
        }
        if imports.changes_path && origin != Origin::Stdlib {
            self.path_changers.insert(name.to_owned());
        }
        if imports.calls_breakpoint && origin != Origin::Stdlib && self.ensure("pdb") {
            self.add_edge(name, "pdb", Rule::Implicit, 0);
        }
        if imports.calls_help && origin != Origin::Stdlib && !self.calls_help {
            self.calls_help = true;
            if self.ensure("pydoc") {
                self.add_edge(name, "pydoc", Rule::Implicit, 0);
            }
        }
        let may_run = self.may_run(name, origin);
        let is_of_script = |edge: &ImportEdge| {
            // Those of others may be called by names that their metadata give; what tests them is called by nobody.
            let is_of_tests = matches!(edge.request.module(), "doctest" | "unittest");
            edge.kind.as_script_only && (origin == Origin::Stdlib || is_of_tests)
        };
        let edges = imports.edges.into_iter().filter(|edge| may_run || !is_of_script(edge));
        let (held, edges) = edges.partition(|edge| origin == Origin::Stdlib && self.is_held(name, edge));
        if !Vec::is_empty(&held) {
            self.held.insert(name.to_owned(), held);
        }
        let edges = self.withhold(name, origin, edges);
        self.follow_edges(name, origin, edges);
        self.follow_triggers(name);
    }

    /// Whether a module may be run as a script, or what it does then be called: private functions for that,
    /// `pickle._test`, nobody else calls.
    fn may_run(&self, name: &str, origin: Origin) -> bool {
        let is_main = self.main.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest == ".__main__");
        origin == Origin::Own || is_main || self.request.is_interpreter
    }

    /// Imports of the standard library that only matter if somebody outside of it uses the module: what it does when
    /// run as a script, and functions of modules that only the start needs.
    pub(super) fn is_held(&self, name: &str, edge: &ImportEdge) -> bool {
        let unused = edge.kind.as_script || edge.kind.deferred && roots::START_ONLY.contains(&name);
        unused && name != self.main && !self.used_outside.contains(name)
    }

    pub(super) fn follow_edges(&mut self, name: &str, origin: Origin, edges: Vec<ImportEdge>) {
        let mut optional_found = false;
        for edge in edges {
            let rule = rule_of(&edge);
            if origin == Origin::Stdlib && !self.is_followed_from_stdlib(name, &edge, optional_found) {
                // What was found for another `try` says nothing of this one's alternative.
                optional_found &= edge.kind.fallback;
                continue;
            }
            let required =
                !edge.kind.deferred && !edge.kind.optional && !edge.kind.fallback && !edge.kind.dynamic;
            let found = self.follow_request(name, &edge.request, rule, edge.line, required);
            if !found {
                self.unresolved.push((name.to_owned(), edge.request, rule, edge.line));
            }
            if edge.kind.optional && !edge.kind.fallback {
                optional_found = found;
            }
        }
    }

    /// Adds the edges of one import. Returns whether the module that it asks for is there.
    pub(super) fn follow_request(
        &mut self,
        name: &str,
        request: &Request,
        rule: Rule,
        line: u32,
        required: bool,
    ) -> bool {
        if self.follow_moves(name, request, rule, line) {
            return true;
        }
        match request {
            Request::Module(to) | Request::Dynamic(to) => self.link(name, to, rule, line, required),
            Request::From { module, names } => {
                let found = self.link(name, module, rule, line, required);
                for submodule in names {
                    self.link_submodule(name, module, submodule, rule, line);
                }
                found
            }
            Request::Star { module } => {
                self.stars.insert((name.to_owned(), module.clone(), line, rule));
                self.link(name, module, rule, line, required)
            }
        }
    }

    /// The standard library imports only itself; its pure-Python stand-ins for C modules that are there, and the
    /// pager behind `help`, are left out.
    pub(super) fn is_followed_from_stdlib(
        &self,
        name: &str,
        edge: &ImportEdge,
        optional_found: bool,
    ) -> bool {
        let to = edge.request.module();
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

    pub(super) fn follow_triggers(&mut self, name: &str) {
        let of_stdlib = roots::triggered_by(name).iter().map(|needed| (*needed, None));
        let of_others = rules::brought_by(name).into_iter().flat_map(|entry| {
            entry.brings.iter().map(|needed| (needed.as_str(), Some(entry.reason.as_str())))
        });
        for (needed, reason) in of_stdlib.chain(of_others) {
            for needed in self.expand(needed) {
                if self.ensure(&needed) {
                    self.add_edge_with(name, &needed, Rule::Implicit, 0, reason.map(Arc::from));
                }
            }
        }
    }

    /// The names that a name with a `*` at its end stands for: in the standard library, or below a package.
    fn expand(&mut self, pattern: &str) -> Vec<String> {
        if let Some(package) = pattern.strip_suffix(".*") {
            return if self.ensure(package) { self.modules_but_tests(package) } else { Vec::new() };
        }
        let Some(start) = pattern.strip_suffix('*') else { return vec![pattern.to_owned()] };
        let names = self.stdlib.iter().flat_map(|directory| self.resolver.modules_in(directory));
        names.filter(|name| name.starts_with(start)).collect()
    }

    /// Somebody outside of the standard library imports a module: imports of it that waited for that are followed.
    pub(super) fn note_use_outside(&mut self, name: &str) {
        if self.used_outside.insert(name.to_owned()) {
            if let Some(held) = self.held.remove(name) {
                self.follow_edges(name, Origin::Stdlib, held);
            }
            if let Some(hidden) = roots::stands_for(name) {
                self.note_use_outside(hidden);
            }
        }
    }

    /// An edge to a module, which is looked for. Returns whether it is there.
    pub(super) fn link(&mut self, from: &str, to: &str, rule: Rule, line: u32, required: bool) -> bool {
        let origin = self.graph.modules.get(from).map_or(Origin::Own, |module| module.origin);
        if self.ensure(to) {
            self.add_edge(from, to, rule, line);
            if origin != Origin::Stdlib {
                self.note_use_outside(to);
            }
            return true;
        }
        if self.note_excluded(from, to, rule, line) {
            return false;
        }
        let missing = Missing { from: from.to_owned(), line, is_required: required, origin };
        let known = self.graph.missing.entry(to.to_owned()).or_insert_with(|| missing.clone());
        if missing.is_required && (!known.is_required || missing.origin < known.origin) {
            *known = missing;
        }
        false
    }

    /// An edge to `module.name`, if there is such a submodule.
    pub(super) fn link_submodule(&mut self, from: &str, module: &str, name: &str, rule: Rule, line: u32) {
        if !self.graph.modules.get(module).is_some_and(|module| module.is_package) {
            return;
        }
        let submodule = format!("{module}.{name}");
        if self.ensure(&submodule) {
            self.add_edge(from, &submodule, rule, line);
        } else if !self.note_excluded(from, &submodule, rule, line) {
            // An attribute, most likely; a submodule if the package turns out to have changed its path.
            self.unresolved.push((from.to_owned(), Request::Module(submodule), rule, line));
        }
    }

    pub(super) fn add_edge(&mut self, from: &str, to: &str, rule: Rule, line: u32) {
        self.add_edge_with(from, to, rule, line, None);
    }

    /// Adds an edge, with what stands in the importing module, unless a stronger one is there.
    pub(super) fn add_edge_with(
        &mut self,
        from: &str,
        to: &str,
        rule: Rule,
        line: u32,
        text: Option<Arc<str>>,
    ) {
        if let Some(module) = self.graph.modules.get_mut(from)
            && !module.edges.iter().any(|edge| edge.to == to && edge.rule <= rule)
        {
            module.edges.push(Edge { to: to.to_owned(), rule, line, text });
        }
    }

    /// Submodules that a package's `__all__` names are imported by `from package import *`.
    pub(super) fn follow_stars(&mut self) -> bool {
        let before = self.graph.modules.len();
        for (from, module, line, rule) in self.stars.clone() {
            for name in self.exports.get(&module).cloned().unwrap_or_default() {
                self.link_submodule(&from, &module, &name, rule, line);
            }
        }
        self.graph.modules.len() > before
    }
}

/// How an import is reached.
pub(super) fn rule_of(edge: &ImportEdge) -> Rule {
    match edge.kind {
        EdgeKind { stub: true, .. } => Rule::Stub,
        EdgeKind { deferred: true, .. } => Rule::Deferred,
        EdgeKind { optional: true, .. } | EdgeKind { fallback: true, .. } => Rule::Optional,
        EdgeKind { dynamic: true, .. } => Rule::Call,
        _ => Rule::Import,
    }
}
