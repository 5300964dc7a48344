//! Imports that happen when a name is first asked for, and names that are handed to functions which import.
//!
//! `find_spec("a.b")` finds a module: either to load it (`module_from_spec`, `LazyLoader`) or to learn whether it is
//! there; both are imports that may fail. A function with "import" in its name that is given a literal imports it, or
//! some other does so later: `import_optional_dependency("openpyxl")`, `LazyImport("a.b")`. A module with a `__getattr__`
//! of its own, or which replaces itself in `sys.modules`, has a table of what it imports.

use ruff_python_ast::visitor::Visitor;
use ruff_python_ast::{Expr, ExprAttribute, ExprCall};
use ruff_text_size::Ranged;

use super::Request;
use super::visit::{Reader, absolute};

impl<'a> Reader<'a, '_> {
    /// `find_spec(name, package=None)`, `find_loader(name)`, `get_loader(name)`.
    pub(super) fn note_lookup(&mut self, call: &'a ExprCall, keyword: &str) {
        let argument = |position, keyword| call.arguments.find_argument_value(keyword, position);
        let package = argument(1, "package").and_then(|package| self.conditions().string(package));
        let name = argument(0, keyword).and_then(|name| self.conditions().string(name));
        let module = name.and_then(|name| {
            let relative = name.trim_start_matches('.');
            match u32::try_from(name.len() - relative.len()).ok()? {
                0 => Some(name),
                level => absolute(relative, level, package.as_deref()?),
            }
        });
        match module.filter(|module| !module.is_empty()) {
            Some(module) => self.add_optional(module, call),
            None => self.looks_up_unknown = true,
        }
    }

    /// A call of a function that is known by its name only.
    pub(super) fn note_helper(&mut self, function: &str, call: &'a ExprCall) {
        match function {
            "module_from_spec" | "load_module" => self.runs_specs = true,
            "exec_module" => {
                self.runs_specs = true;
                self.runs_files = true;
            }
            "run_path"
            | "exec"
            | "execfile"
            | "spec_from_file_location"
            | "SourceFileLoader"
            | "load_source" => self.runs_files = true,
            "getattr" | "hasattr" => {
                let name = call.arguments.args.get(1).and_then(Expr::as_string_literal_expr);
                name.into_iter().for_each(|name| self.note_attribute(name.value.to_str()));
            }
            _ if imports_what_it_is_given(function) => {
                let arguments = call.arguments.args.iter();
                let keywords = call.arguments.keywords.iter().map(|keyword| &keyword.value);
                let names = arguments.chain(keywords).filter_map(Expr::as_string_literal_expr);
                for name in names {
                    let name = name.value.to_str();
                    if is_module_name(name) {
                        self.add_optional(name.to_owned(), call);
                    }
                }
            }
            _ => {}
        }
    }

    /// Reads the arguments of a call that describes what another module resolves when it is asked: six's
    /// `MovedAttribute("getcwd", "os", "os", "getcwdu", "getcwd")`. Who asks imports.
    pub(super) fn reads_moved(&mut self, call: &'a ExprCall) -> bool {
        let function = call.func.as_name_expr().map(|name| name.id.as_str());
        let is_moved = matches!(function, Some("MovedModule" | "MovedAttribute"));
        if is_moved {
            self.without_names(|reader| reader.visit_arguments(&call.arguments));
        }
        is_moved
    }

    /// `six.moves.urllib`, where six was imported as itself.
    pub(super) fn note_moved(&mut self, attribute: &'a ExprAttribute) {
        let of = attribute.value.as_attribute_expr().filter(|of| of.attr.as_str() == "moves");
        let module = of.and_then(|_| self.scopes().path(&attribute.value));
        if let Some(module) = module.filter(|module| module.ends_with("six.moves")) {
            let names = vec![attribute.attr.to_string()];
            let outer = std::mem::replace(&mut self.kind.optional, true);
            self.add(Request::From { module, names }, attribute.start(), false);
            self.kind.optional = outer;
        }
    }

    /// An import that may fail and happens when something is first used.
    fn add_optional(&mut self, module: String, call: &'a ExprCall) {
        let outer = self.kind;
        (self.kind.optional, self.kind.deferred) = (true, true);
        self.add(Request::Dynamic(module), call.start(), true);
        self.kind = outer;
    }
}

/// Whether a function of this name imports what it is given: `import_string`, `optional_import`, `LazyLoader`.
fn imports_what_it_is_given(function: &str) -> bool {
    let lower = function.to_ascii_lowercase();
    let is_known = matches!(function, "import_module" | "__import__");
    let is_lazy = lower.contains("lazy") && (lower.contains("load") || lower.contains("module"));
    !is_known && (is_lazy || lower.contains("import") && !lower.contains("important"))
}

/// Whether a string is a single word or a dotted name. What it names beside a module, the graph sees.
fn is_module_name(name: &str) -> bool {
    let is_part = |part: &str| {
        part.chars().next().is_some_and(|first| first == '_' || first.is_alphabetic())
            && part.chars().all(|c| c == '_' || c.is_alphanumeric())
    };
    (2..=100).contains(&name.len()) && name.split('.').all(is_part)
}
