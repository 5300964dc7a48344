//! Which name means what: the bindings of each scope, and the dotted paths that expressions stand for.
//!
//! A test on `_sys.platform` can be evaluated only if `_sys` is `sys` wherever the test runs. So for each
//! scope the walk enters, every binding in it is collected first: imports and single assignments keep their
//! meaning, a name bound in two ways has none. Deleting a name binds nothing: what reads it afterwards fails.
//!
//! Expressions can bind only by `:=`, and functions can bind module names only by `global`; where the source
//! has neither word, neither is searched for.

use std::collections::HashMap;

use ruff_python_ast::visitor::{Visitor, walk_except_handler, walk_expr, walk_pattern, walk_stmt};
use ruff_python_ast::{ExceptHandler, Expr, Identifier, Parameters, Pattern, Stmt};

/// What a name stands for in its scope.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Binding<'a> {
    /// `import module` if there is no attribute, else `from module import attribute`.
    Import { module: &'a str, attribute: Option<&'a str> },
    /// The only assignment to the name, at module level.
    Value(&'a Expr),
    /// Something else, or more than one thing.
    Opaque,
}

/// Python's kinds of scope, as far as lookup differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ScopeKind {
    Module,
    /// Seen by its own statements, not by the functions in it.
    Class,
    /// Also lambdas and comprehensions.
    Function,
}

/// The bindings of one scope.
#[derive(Debug)]
pub(super) struct Scope<'a> {
    pub(super) kind: ScopeKind,
    names: HashMap<&'a str, Binding<'a>>,
}

/// What the whole source has, found by searching its bytes once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words {
    walrus: bool,
    global: bool,
    /// Whether it may ask for entry points.
    pub(super) groups: bool,
    /// Whether it may ask where it lies itself.
    pub(super) place: bool,
}

impl Words {
    pub(super) fn of(text: &str) -> Self {
        let groups = text.contains("entry_points") || text.contains("stevedore");
        let place = text.contains("__file__");
        Words { walrus: text.contains(":="), global: text.contains("global"), groups, place }
    }
}

impl<'a> Scope<'a> {
    /// The scope of a module, class or function body.
    pub(super) fn of_body(kind: ScopeKind, body: &'a [Stmt], words: Words) -> Self {
        let scope = Scope { kind, names: HashMap::new() };
        let mut collector = Collector { scope, words, declared: Vec::new() };
        collector.visit_body(body);
        let Collector { mut scope, declared, .. } = collector;
        for name in declared {
            scope.names.remove(name);
        }
        if kind == ScopeKind::Module && words.global {
            GlobalNames { scope: &mut scope }.visit_body(body);
        }
        scope
    }

    /// An empty scope, for lambdas and comprehensions.
    pub(super) fn of_expression() -> Self {
        Scope { kind: ScopeKind::Function, names: HashMap::new() }
    }

    pub(super) fn get(&self, name: &str) -> Option<Binding<'a>> {
        self.names.get(name).copied()
    }

    pub(super) fn bind_parameters(&mut self, parameters: &'a Parameters) {
        for parameter in parameters {
            self.names.insert(parameter.name().as_str(), Binding::Opaque);
        }
    }

    /// Binds the names of an assignment target to what cannot be known.
    pub(super) fn bind_target(&mut self, target: &'a Expr) {
        match target {
            Expr::Name(name) => self.bind(name.id.as_str(), Binding::Opaque),
            Expr::Starred(starred) => self.bind_target(&starred.value),
            Expr::Tuple(tuple) => tuple.elts.iter().for_each(|element| self.bind_target(element)),
            Expr::List(list) => list.elts.iter().for_each(|element| self.bind_target(element)),
            _ => {}
        }
    }

    fn bind(&mut self, name: &'a str, binding: Binding<'a>) {
        self.names
            .entry(name)
            .and_modify(|existing| {
                let same_import = matches!(binding, Binding::Import { .. }) && *existing == binding;
                if !same_import {
                    *existing = Binding::Opaque;
                }
            })
            .or_insert(binding);
    }

    fn bind_assignment(&mut self, target: &'a Expr, value: &'a Expr) {
        match target {
            Expr::Name(name) if self.kind == ScopeKind::Module => {
                self.bind(name.id.as_str(), Binding::Value(value));
            }
            _ => self.bind_target(target),
        }
    }
}

/// Collects the bindings of one body, without those of the scopes inside it.
struct Collector<'a> {
    scope: Scope<'a>,
    words: Words,
    /// Names that are `global` or `nonlocal` here, and so are bound elsewhere.
    declared: Vec<&'a str>,
}

impl<'a> Visitor<'a> for Collector<'a> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::FunctionDef(function) => return self.scope.bind(function.name.as_str(), Binding::Opaque),
            Stmt::ClassDef(class) => return self.scope.bind(class.name.as_str(), Binding::Opaque),
            Stmt::Import(import) => {
                for alias in &import.names {
                    let module = alias.name.as_str();
                    let top = module.split('.').next().unwrap_or(module);
                    let (name, module) =
                        alias.asname.as_ref().map_or((top, top), |asname| (asname.as_str(), module));
                    self.scope.bind(name, Binding::Import { module, attribute: None });
                }
            }
            Stmt::ImportFrom(import) => {
                for alias in &import.names {
                    let attribute = alias.name.as_str();
                    let name = alias.asname.as_ref().map_or(attribute, |asname| asname.as_str());
                    let binding = match (&import.module, import.level) {
                        (Some(module), 0) => {
                            Binding::Import { module: module.as_str(), attribute: Some(attribute) }
                        }
                        _ => Binding::Opaque,
                    };
                    self.scope.bind(name, binding);
                }
            }
            Stmt::Assign(assign) => {
                assign.targets.iter().for_each(|target| self.scope.bind_assignment(target, &assign.value));
            }
            Stmt::AnnAssign(assign) => {
                if let Some(value) = &assign.value {
                    self.scope.bind_assignment(&assign.target, value);
                }
            }
            Stmt::AugAssign(assign) => self.scope.bind_target(&assign.target),
            Stmt::For(stmt) => self.scope.bind_target(&stmt.target),
            Stmt::With(with) => {
                with.items.iter().filter_map(|item| item.optional_vars.as_deref()).for_each(|target| {
                    self.scope.bind_target(target);
                });
            }
            Stmt::TypeAlias(alias) => self.scope.bind_target(&alias.name),
            Stmt::Global(global) => {
                self.declared.extend(global.names.iter().map(Identifier::as_str));
            }
            Stmt::Nonlocal(nonlocal) => {
                self.declared.extend(nonlocal.names.iter().map(Identifier::as_str));
            }
            _ => {}
        }
        walk_stmt(self, statement);
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        if !self.words.walrus {
            return;
        }
        match expression {
            Expr::Lambda(_) => return,
            Expr::Named(named) => self.scope.bind_target(&named.target),
            _ => {}
        }
        walk_expr(self, expression);
    }

    fn visit_except_handler(&mut self, handler: &'a ExceptHandler) {
        let ExceptHandler::ExceptHandler(clause) = handler;
        if let Some(name) = &clause.name {
            self.scope.bind(name.as_str(), Binding::Opaque);
        }
        walk_except_handler(self, handler);
    }

    fn visit_pattern(&mut self, pattern: &'a Pattern) {
        let name = match pattern {
            Pattern::MatchAs(capture) => capture.name.as_ref(),
            Pattern::MatchStar(star) => star.name.as_ref(),
            Pattern::MatchMapping(mapping) => mapping.rest.as_ref(),
            _ => None,
        };
        if let Some(name) = name {
            self.scope.bind(name.as_str(), Binding::Opaque);
        }
        walk_pattern(self, pattern);
    }
}

/// Makes opaque the names that functions declare `global`.
struct GlobalNames<'s, 'a> {
    scope: &'s mut Scope<'a>,
}

impl<'a> Visitor<'a> for GlobalNames<'_, 'a> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        if let Stmt::Global(global) = statement {
            global.names.iter().for_each(|name| self.scope.bind(name.as_str(), Binding::Opaque));
        }
        walk_stmt(self, statement);
    }

    fn visit_expr(&mut self, _: &'a Expr) {}
}

/// The scopes around a point of the walk, outermost first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scopes<'s, 'a> {
    scopes: &'s [Scope<'a>],
}

impl<'s, 'a> Scopes<'s, 'a> {
    pub(super) fn new(scopes: &'s [Scope<'a>]) -> Self {
        Scopes { scopes }
    }

    /// The module's scope alone: where module-level assignments are evaluated.
    pub(super) fn module(self) -> Self {
        Scopes { scopes: self.scopes.get(..1).unwrap_or_default() }
    }

    /// What a name means here; `None` if nothing in the module binds it, so that it is a builtin.
    pub(super) fn lookup(self, name: &str) -> Option<Binding<'a>> {
        let innermost = self.scopes.len().saturating_sub(1);
        let visible = self.scopes.iter().enumerate().rev();
        visible
            .filter(|(at, scope)| scope.kind != ScopeKind::Class || *at == innermost)
            .find_map(|(_, scope)| scope.get(name))
    }

    /// The dotted path that a name or attribute stands for: `_sys.platform` is `sys.platform` after
    /// `import sys as _sys`, and `__name__` is itself.
    pub(super) fn path(self, expression: &Expr) -> Option<String> {
        let mut attributes = Vec::new();
        let mut scopes = self;
        let mut current = expression;
        // Assignments may refer to each other in a circle; ordinary aliases are one step long.
        for _ in 0..16 {
            match current {
                Expr::Attribute(attribute) => {
                    attributes.push(attribute.attr.as_str());
                    current = &attribute.value;
                }
                Expr::Name(name) => match scopes.lookup(name.id.as_str()) {
                    // `__name__`, `__debug__`, `__import__`. Another name that nothing binds is from a star import.
                    None if name.id.starts_with("__") => {
                        return Some(joined(name.id.as_str(), None, &attributes));
                    }
                    None => return None,
                    Some(Binding::Import { module, attribute }) => {
                        return Some(joined(module, attribute, &attributes));
                    }
                    Some(Binding::Value(value)) => {
                        scopes = scopes.module();
                        current = value;
                    }
                    Some(Binding::Opaque) => return None,
                },
                _ => return None,
            }
        }
        None
    }
}

fn joined(root: &str, attribute: Option<&str>, reversed: &[&str]) -> String {
    let mut path = root.to_owned();
    for part in attribute.into_iter().chain(reversed.iter().rev().copied()) {
        path.push('.');
        path.push_str(part);
    }
    path
}
