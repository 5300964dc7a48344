//! The walk over the syntax tree: every statement and expression that the target could execute, once.
//!
//! Reading a body answers whether control can leave it at its end; what follows a `raise`, a `return` or a
//! test that is known to end in one is dead and not read. Three things change on the way down and are restored
//! on the way up: the scopes, the kind of an import met here, and nothing else.

use std::collections::HashSet;

use ruff_python_ast::visitor::Visitor;
use ruff_python_ast::{
    CmpOp, ExceptHandler, Expr, Stmt, StmtAssert, StmtFor, StmtFunctionDef, StmtIf, StmtImport,
    StmtImportFrom, StmtMatch, StmtTry, StmtWhile, StmtWith,
};
use ruff_text_size::{Ranged, TextSize};

use super::conditions::Conditions;
use super::scope::{Scope, ScopeKind, Scopes, Words};
use super::{EdgeKind, ImportEdge, Lines, ModuleImports, ModuleName, OnAttributes, Request, Target};

/// Reads a module's body.
pub(super) fn read(
    body: &[Stmt],
    text: &str,
    lines: &Lines,
    module: &ModuleName<'_>,
    target: &Target,
) -> ModuleImports {
    let words = Words::of(text);
    let scopes = vec![Scope::of_body(ScopeKind::Module, body, words)];
    let kind = EdgeKind::default();
    let found = ModuleImports::default();
    let mut reader = Reader {
        scopes,
        kind,
        found,
        words,
        lines,
        module,
        target,
        skips_names: false,
        collection: 0,
        collections: 0,
        looks_up_unknown: false,
        runs_specs: false,
        runs_files: false,
        getattr_parameter: None,
        asked: Vec::new(),
        attributes: HashSet::new(),
        opens_libraries: false,
        library_strings: Vec::new(),
    };
    reader.read_body(body);
    // To find a module by an unknown name, and load what is found, is to import it.
    reader.found.imports_dynamically |= reader.looks_up_unknown && reader.runs_specs;
    reader.finish_libraries();
    reader.finish_names();
    reader.finish_attributes();
    super::exports::finish(&mut reader.found);
    reader.found
}

/// The state of the walk.
pub(super) struct Reader<'a, 'c> {
    pub(super) scopes: Vec<Scope<'a>>,
    pub(super) kind: EdgeKind,
    pub(super) found: ModuleImports,
    pub(super) words: Words,
    lines: &'c Lines,
    pub(super) module: &'c ModuleName<'c>,
    target: &'c Target,
    /// Whether strings met here name no modules.
    pub(super) skips_names: bool,
    /// The innermost list, tuple, set or dictionary, by number; 0 for none.
    pub(super) collection: u32,
    /// How many there were.
    pub(super) collections: u32,
    /// Whether it looks for modules whose names are not known here.
    pub(super) looks_up_unknown: bool,
    /// Whether it loads what it has found.
    pub(super) runs_specs: bool,
    /// Whether it runs files.
    pub(super) runs_files: bool,
    /// Inside the module's `__getattr__`: its parameter.
    pub(super) getattr_parameter: Option<&'a str>,
    /// The attributes that are asked for here; none where it does not matter.
    pub(super) asked: Vec<String>,
    /// Names of attributes that are used.
    pub(super) attributes: HashSet<&'a str>,
    /// Whether it opens libraries whose names are not known there.
    pub(super) opens_libraries: bool,
    /// Strings in the form of a library's file name.
    pub(super) library_strings: Vec<(String, TextSize)>,
}

impl<'a> Reader<'a, '_> {
    pub(super) fn scopes(&self) -> Scopes<'_, 'a> {
        Scopes::new(&self.scopes)
    }

    pub(super) fn conditions(&self) -> Conditions<'_, 'a> {
        Conditions { scopes: self.scopes(), module: self.module, target: self.target }
    }

    /// Whether statements here are the module's own, not those of a class or function.
    pub(super) fn is_module_level(&self) -> bool {
        self.scopes.len() == 1
    }

    pub(super) fn add(&mut self, request: Request, at: TextSize, dynamic: bool) {
        let line = self.line(at);
        let edge = ImportEdge { request, kind: EdgeKind { dynamic, ..self.kind }, line };
        if self.asked.is_empty() {
            self.found.edges.push(edge);
        } else {
            self.found.on_attributes.push(OnAttributes { names: self.asked.clone(), edge });
        }
    }

    pub(super) fn line(&self, at: TextSize) -> u32 {
        self.lines.line(at.to_usize())
    }

    /// Reads statements up to the first that control does not pass; whether there is one.
    fn read_body(&mut self, body: &'a [Stmt]) -> bool {
        body.iter().any(|statement| self.read_statement(statement))
    }

    /// Reads a statement; whether control never passes it.
    fn read_statement(&mut self, statement: &'a Stmt) -> bool {
        match statement {
            Stmt::Import(import) => self.read_import(import),
            Stmt::ImportFrom(import) => self.read_import_from(import),
            Stmt::FunctionDef(function) => self.read_function(function),
            Stmt::ClassDef(class) => {
                class.decorator_list.iter().for_each(|decorator| self.visit_decorator(decorator));
                class.type_params.iter().for_each(|params| self.visit_type_params(params));
                class.arguments.iter().for_each(|arguments| self.visit_arguments(arguments));
                self.scopes.push(Scope::of_body(ScopeKind::Class, &class.body, self.words));
                self.read_body(&class.body);
                self.scopes.pop();
            }
            Stmt::If(branches) => return self.read_if(branches),
            Stmt::While(repeat) => self.read_while(repeat),
            Stmt::For(repeat) => self.read_for(repeat),
            Stmt::With(with) => return self.read_with(with),
            Stmt::Try(attempt) => return self.read_try(attempt),
            Stmt::Match(choice) => return self.read_match(choice),
            Stmt::Assert(assertion) => return self.read_assert(assertion),
            Stmt::TypeAlias(alias) => self.deferred(|reader| {
                alias.type_params.iter().for_each(|params| reader.visit_type_params(params));
                reader.visit_expr(&alias.value);
            }),
            Stmt::Raise(raise) => {
                let raised = raise.exc.iter().chain(&raise.cause);
                self.without_names(|reader| raised.for_each(|expression| reader.visit_expr(expression)));
                return true;
            }
            Stmt::Return(leave) => {
                leave.value.iter().for_each(|value| self.visit_expr(value));
                return true;
            }
            Stmt::Break(_) | Stmt::Continue(_) => return true,
            // A docstring, mostly; no value of it goes anywhere.
            Stmt::Expr(statement) if statement.value.is_string_literal_expr() => {}
            _ => {
                self.note_assignment(statement);
                ruff_python_ast::visitor::walk_stmt(self, statement);
            }
        }
        false
    }

    fn read_import(&mut self, import: &'a StmtImport) {
        let outer = self.kind;
        self.kind.deferred |= import.is_lazy;
        for alias in &import.names {
            self.add(Request::Module(alias.name.to_string()), import.start(), false);
        }
        self.kind = outer;
    }

    fn read_import_from(&mut self, import: &'a StmtImportFrom) {
        let name = import.module.as_ref().map_or("", |module| module.as_str());
        let Some(module) = absolute(name, import.level, self.module.package) else { return };
        let outer = self.kind;
        self.kind.deferred |= import.is_lazy;
        import.names.iter().for_each(|alias| self.note_attribute(&alias.name));
        let names: Vec<String> = import.names.iter().map(|alias| alias.name.to_string()).collect();
        let request = if names.iter().any(|name| name == "*") {
            Request::Star { module }
        } else {
            Request::From { module, names }
        };
        self.add(request, import.start(), false);
        self.kind = outer;
    }

    /// Decorators, defaults and annotations are evaluated here, the body when it is called.
    fn read_function(&mut self, function: &'a StmtFunctionDef) {
        function.decorator_list.iter().for_each(|decorator| self.visit_decorator(decorator));
        function.type_params.iter().for_each(|params| self.visit_type_params(params));
        self.visit_parameters(&function.parameters);
        function.returns.iter().for_each(|returns| self.visit_annotation(returns));
        let mut scope = Scope::of_body(ScopeKind::Function, &function.body, self.words);
        scope.bind_parameters(&function.parameters);
        let as_script = self.is_module_level() && runs_as_script(&function.name);
        self.found.resolves_lazily |= self.is_module_level() && function.name.as_str() == "__getattr__";
        let outer = self.getattr_parameter;
        self.getattr_parameter = self.parameter_of_getattr(function).or(outer);
        self.scopes.push(scope);
        self.deferred(|reader| {
            reader.kind.as_script |= as_script;
            reader.kind.as_script_only |= as_script && function.name.starts_with('_');
            reader.read_body(&function.body);
        });
        self.scopes.pop();
        self.getattr_parameter = outer;
    }

    /// Reads what is executed later: no `try` around it catches anything then.
    pub(super) fn deferred(&mut self, read: impl FnOnce(&mut Self)) {
        let outer = self.kind;
        self.kind = EdgeKind { deferred: true, optional: false, ..outer };
        read(self);
        self.kind = outer;
    }

    fn read_if(&mut self, branches: &'a StmtIf) -> bool {
        let first = std::iter::once((Some(&*branches.test), &branches.body));
        let others = branches.elif_else_clauses.iter().map(|clause| (clause.test.as_ref(), &clause.body));
        let mut ends = true;
        for (test, body) in first.chain(others) {
            let known = test.map_or(Some(true), |test| self.read_test(test));
            if known != Some(false) {
                let outer = (self.kind, self.asked.clone());
                self.kind.optional |= test.is_some_and(|test| self.asks_what_is_loaded(test));
                if let Some(asked) =
                    test.map(|test| self.asked_attributes(test)).filter(|asked| !asked.is_empty())
                {
                    self.asked = asked;
                }
                ends &= self.read_body(body);
                (self.kind, self.asked) = outer;
            }
            if known == Some(true) {
                return ends;
            }
        }
        false
    }

    /// Whether a test asks for a module that somebody else may have imported: `"setuptools" in sys.modules`.
    fn asks_what_is_loaded(&self, test: &Expr) -> bool {
        let Expr::Compare(test) = test else { return false };
        let [right] = &*test.comparators else { return false };
        *test.ops == [CmpOp::In] && test.left.is_string_literal_expr() && self.is_sys_modules(right)
    }

    /// Reads a test's own expressions; whether it succeeds.
    pub(super) fn read_test(&mut self, test: &'a Expr) -> Option<bool> {
        self.visit_expr(test);
        self.conditions().truth(test)
    }

    fn read_while(&mut self, repeat: &'a StmtWhile) {
        let known = self.read_test(&repeat.test);
        if known != Some(false) {
            self.read_body(&repeat.body);
        }
        if known != Some(true) {
            self.read_body(&repeat.orelse);
        }
    }

    fn read_for(&mut self, repeat: &'a StmtFor) {
        self.visit_expr(&repeat.iter);
        self.visit_expr(&repeat.target);
        self.read_body(&repeat.body);
        self.read_body(&repeat.orelse);
    }

    /// A context manager may swallow what is raised in it, so control may pass in spite of a `raise`.
    fn read_with(&mut self, with: &'a StmtWith) -> bool {
        with.items.iter().for_each(|item| self.visit_with_item(item));
        let outer = self.kind;
        self.kind.optional |= with.items.iter().any(|item| suppresses_import_error(&item.context_expr));
        self.read_body(&with.body);
        self.kind = outer;
        false
    }

    fn read_try(&mut self, attempt: &'a StmtTry) -> bool {
        let clauses = attempt.handlers.iter().map(|ExceptHandler::ExceptHandler(clause)| clause);
        let mut catching =
            clauses.clone().filter(|clause| clause.type_.as_deref().is_none_or(catches_import_error));
        let first = catching.next();
        let guarded = first.is_some();
        let outer = self.kind;
        // A handler that raises says only in other words that the module is needed.
        self.kind.optional |=
            first.is_some_and(|clause| !clause.body.last().is_some_and(Stmt::is_raise_stmt));
        let mut ends = self.read_body(&attempt.body);
        if !ends {
            ends = self.read_body(&attempt.orelse);
        }
        self.kind = EdgeKind { fallback: outer.fallback || guarded, ..outer };
        for clause in clauses {
            clause.type_.iter().for_each(|exceptions| self.visit_expr(exceptions));
            ends &= self.read_body(&clause.body);
        }
        self.kind = outer;
        self.read_body(&attempt.finalbody) || ends
    }

    fn read_match(&mut self, choice: &'a StmtMatch) -> bool {
        self.visit_expr(&choice.subject);
        let mut ends = true;
        for case in &choice.cases {
            self.visit_pattern(&case.pattern);
            let taken = self.conditions().matches(&choice.subject, &case.pattern);
            if taken == Some(false) {
                continue;
            }
            let guard = case.guard.as_deref().map_or(Some(true), |guard| self.read_test(guard));
            if guard != Some(false) {
                ends &= self.read_body(&case.body);
            }
            if taken == Some(true) && guard == Some(true) {
                return ends;
            }
        }
        false
    }

    fn read_assert(&mut self, assertion: &'a StmtAssert) -> bool {
        if self.target.optimize > 0 {
            return false;
        }
        let known = self.read_test(&assertion.test);
        if known != Some(true) {
            assertion.msg.iter().for_each(|message| self.visit_expr(message));
        }
        known == Some(false)
    }
}

/// The absolute name of `from` or a relative name; `None` beyond the top-level package.
pub(super) fn absolute(name: &str, level: u32, package: &str) -> Option<String> {
    if level == 0 {
        return Some(name.to_owned());
    }
    let mut base = package;
    for _ in 1..level {
        base = base.rsplit_once('.')?.0;
    }
    match (base, name) {
        ("", _) => None,
        (base, "") => Some(base.to_owned()),
        (base, name) => Some(format!("{base}.{name}")),
    }
}

/// Whether an `except` clause's expression, or an argument of `suppress`, names an exception that a missing
/// module raises.
fn catches_import_error(exceptions: &Expr) -> bool {
    let name = match exceptions {
        Expr::Tuple(tuple) => return tuple.elts.iter().any(catches_import_error),
        Expr::Name(name) => name.id.as_str(),
        Expr::Attribute(attribute) => attribute.attr.as_str(),
        _ => return false,
    };
    matches!(name, "ImportError" | "ModuleNotFoundError" | "Exception" | "BaseException")
}

fn suppresses_import_error(manager: &Expr) -> bool {
    let Expr::Call(call) = manager else { return false };
    let name = match &*call.func {
        Expr::Name(name) => name.id.as_str(),
        Expr::Attribute(attribute) => attribute.attr.as_str(),
        _ => return false,
    };
    name == "suppress" && call.arguments.args.iter().any(catches_import_error)
}

/// Whether a module-level function of this name is by convention what the module does when it is run as a script.
fn runs_as_script(name: &str) -> bool {
    matches!(name, "main" | "_main" | "test") || name.starts_with("_test")
}
