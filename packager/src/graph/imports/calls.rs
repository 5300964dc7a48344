//! Imports that are calls, and what modules do to `sys.modules` and to their `__path__`.
//!
//! A call is known by what its function's name is bound to, so `from importlib import import_module as load`
//! is understood and a module's own `import_module` is left alone. Its arguments are known if they evaluate to
//! strings: literals, sums of them, `__name__`, `__package__`, module constants.

use ruff_python_ast::visitor::Visitor;
use ruff_python_ast::{Expr, ExprCall, ExprContext, ExprName, Stmt};
use ruff_text_size::{Ranged, TextSize};

use super::Request;
use super::names::names_no_modules;
use super::scope::Binding;
use super::visit::{Reader, absolute};

impl<'a> Reader<'a, '_> {
    pub(super) fn read_call(&mut self, call: &'a ExprCall) {
        match &*call.func {
            Expr::Name(name) => {
                // Only an import, or a module-level alias of one, can make a plain name one of these.
                let id = name.id.as_str();
                let may_be_import = match self.scopes().lookup(id) {
                    None => matches!(id, "__import__"),
                    Some(binding) => !matches!(binding, Binding::Opaque),
                };
                if may_be_import && let Some(path) = self.scopes().path(&call.func) {
                    self.note_function(&path, call);
                }
                self.note_helper(id, call);
                self.note_name_called(name);
            }
            Expr::Attribute(attribute) => {
                match attribute.attr.as_str() {
                    "import_module" | "__import__" | "iter_modules" | "walk_packages" | "resolve_name"
                    | "run_module" | "get_data" | "files" | "path" | "open_text" | "open_binary"
                    | "read_text" | "read_binary" | "contents" | "is_resource" | "find_spec"
                    | "find_loader" | "get_loader" | "find_module" | "load" | "CDLL" | "PyDLL"
                    | "find_library" => {
                        if let Some(path) = self.scopes().path(&call.func) {
                            self.note_function(&path, call);
                        } else if is_imported_in_place(&attribute.value) {
                            self.note_function(&format!("pkgutil.{}", attribute.attr), call);
                        }
                    }
                    // Methods of ctypes' loader and cffi's FFI, whatever these are called.
                    "LoadLibrary" | "dlopen" => self.note_opening(&attribute.attr, call),
                    "setdefault" if self.is_sys_modules(&attribute.value) => {
                        call.arguments.args.iter().take(1).for_each(|key| self.note_alias(key));
                    }
                    "append" | "extend" | "insert" | "remove" | "clear" | "pop"
                        if is_path(&attribute.value) =>
                    {
                        self.found.changes_path = true;
                    }
                    _ => {}
                }
                self.note_attribute(&attribute.attr);
                self.note_helper(&attribute.attr, call);
                self.note_exports_method(attribute, call);
                self.visit_expr(&attribute.value);
            }
            function => self.visit_expr(function),
        }
        if self.reads_moved(call) {
            return;
        }
        if names_no_modules(call) {
            self.without_names(|reader| reader.visit_arguments(&call.arguments));
        } else {
            self.visit_arguments(&call.arguments);
        }
    }

    fn note_function(&mut self, path: &str, call: &'a ExprCall) {
        match path {
            "importlib.import_module" => self.note_import_module(call),
            "__import__" | "builtins.__import__" | "importlib.__import__" => self.note_dunder_import(call),
            "pkgutil.iter_modules" | "pkgutil.walk_packages" => self.note_iteration(call),
            "pkgutil.resolve_name" => self.note_named_by(call, "name"),
            "runpy.run_module" => self.note_named_by(call, "mod_name"),
            "importlib.util.find_spec" | "imp.find_module" => self.note_lookup(call, "name"),
            "importlib.find_loader" | "lazy_loader.load" => self.note_lookup(call, "name"),
            "pkgutil.find_loader" => self.note_lookup(call, "fullname"),
            "pkgutil.get_loader" => self.note_lookup(call, "module_or_name"),
            "ctypes.CDLL" | "ctypes.PyDLL" => self.note_opening("CDLL", call),
            "ctypes.util.find_library" => self.note_opening("find_library", call),
            "pkgutil.get_data" => self.note_package_read(call),
            _ if path.starts_with("importlib.resources.") => self.note_package_read(call),
            _ => {}
        }
    }

    /// `import_module(name, package=None)`.
    fn note_import_module(&mut self, call: &'a ExprCall) {
        let argument = |position, keyword| call.arguments.find_argument_value(keyword, position);
        let known = |argument| self.conditions().string(argument);
        let package = argument(1, "package").and_then(known);
        let module = argument(0, "name").and_then(known).and_then(|name| {
            let relative = name.trim_start_matches('.');
            match u32::try_from(name.len() - relative.len()).ok()? {
                0 => Some(name),
                level => absolute(relative, level, package.as_deref()?),
            }
        });
        if module.is_none()
            && let Some(name) = argument(0, "name")
            && self.note_imported_template(name, 0, package.as_deref())
        {
            return;
        }
        self.add_dynamic(module, &[], call.start());
    }

    /// A function whose first argument is the name of a module, perhaps with an attribute after a colon.
    fn note_named_by(&mut self, call: &'a ExprCall, keyword: &str) {
        let name = call.arguments.find_argument_value(keyword, 0);
        let name = name.and_then(|name| self.conditions().string(name));
        let module = name.map(|name| name.split(':').next().unwrap_or_default().to_owned());
        self.add_dynamic(module, &[], call.start());
    }

    /// A function whose first argument is the package of which a file is read. It is imported for that.
    fn note_package_read(&mut self, call: &'a ExprCall) {
        let package = call.arguments.args.first().and_then(|package| self.conditions().string(package));
        if let Some(package) = package.filter(|package| !package.is_empty()) {
            self.add(Request::Dynamic(package), call.start(), true);
        }
    }

    /// `__import__(name, globals=None, locals=None, fromlist=(), level=0)`.
    fn note_dunder_import(&mut self, call: &'a ExprCall) {
        let argument = |position, keyword| call.arguments.find_argument_value(keyword, position);
        let level = match argument(4, "level") {
            None => Some(0),
            // Python 2 had -1, and code for both still passes it.
            Some(level) => {
                self.conditions().integer(level).and_then(|level| u32::try_from(level.max(0)).ok())
            }
        };
        let module = argument(0, "name")
            .and_then(|name| self.conditions().string(name))
            .zip(level)
            .and_then(|(name, level)| absolute(&name, level, self.module.package));
        if module.is_none()
            && let Some((name, level)) = argument(0, "name").zip(level)
            && self.note_imported_template(name, level, Some(self.module.package))
        {
            return;
        }
        let names: &[Expr] = match argument(3, "fromlist") {
            Some(Expr::List(list)) => &list.elts,
            Some(Expr::Tuple(tuple)) => &tuple.elts,
            _ => &[],
        };
        self.add_dynamic(module, names, call.start());
    }

    fn add_dynamic(&mut self, module: Option<String>, names: &'a [Expr], at: TextSize) {
        let Some(module) = module.filter(|module| !module.is_empty()) else {
            self.found.imports_dynamically = true;
            return;
        };
        let names: Vec<String> = names
            .iter()
            .filter_map(|name| self.conditions().string(name))
            .filter(|name| !name.is_empty() && name != "*")
            .collect();
        self.add(Request::Dynamic(module.clone()), at, true);
        if !names.is_empty() {
            self.add(Request::From { module, names }, at, true);
        }
    }

    /// A name that is read: `help` needs `site`, and `__import__` handed on is called by someone.
    pub(super) fn note_name(&mut self, name: &'a ExprName) {
        if name.ctx == ExprContext::Load
            && name.id == "__import__"
            && self.scopes().lookup("__import__").is_none()
        {
            self.found.imports_dynamically = true;
        }
        self.note_name_called(name);
    }

    fn note_name_called(&mut self, name: &'a ExprName) {
        if name.ctx != ExprContext::Load || self.scopes().lookup(&name.id).is_some() {
            return;
        }
        match name.id.as_str() {
            "help" => self.found.calls_help = true,
            "breakpoint" => self.found.calls_breakpoint = true,
            _ => {}
        }
    }

    /// What an assignment does to `__all__`, `__path__` and `sys.modules`.
    pub(super) fn note_assignment(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::Assign(assign) => {
                assign.targets.iter().for_each(|target| self.note_target(target, Some(&assign.value)));
            }
            Stmt::AnnAssign(assign) if assign.value.is_some() => {
                self.note_target(&assign.target, assign.value.as_deref());
            }
            Stmt::AugAssign(assign) => self.note_target(&assign.target, Some(&assign.value)),
            Stmt::Delete(delete) => {
                self.found.changes_path |= delete.targets.iter().any(is_part_of_path);
            }
            _ => {}
        }
    }

    fn note_target(&mut self, target: &'a Expr, value: Option<&'a Expr>) {
        if is_path(target) {
            self.found.changes_path |= !value.is_some_and(is_extend_path);
        } else if is_part_of_path(target) {
            self.found.changes_path = true;
        }
        match target {
            Expr::Name(name) if name.id == "__getattr__" && self.is_module_level() => {
                self.found.resolves_lazily = true;
            }
            Expr::Name(name) if name.id == "__all__" && self.is_module_level() => {
                value.into_iter().for_each(|value| self.note_exports(value));
            }
            Expr::Subscript(subscript) if self.is_sys_modules(&subscript.value) => {
                self.note_alias(&subscript.slice);
            }
            Expr::Tuple(tuple) => tuple.elts.iter().for_each(|element| self.note_target(element, None)),
            _ => {}
        }
    }

    fn note_alias(&mut self, key: &'a Expr) {
        let Some(alias) = self.conditions().string(key) else { return };
        let is_own = alias == self.module.name || (self.module.is_main && alias == "__main__");
        if is_own {
            self.found.resolves_lazily = true;
        } else {
            self.found.aliases.push(alias);
        }
    }

    pub(super) fn is_sys_modules(&self, expression: &Expr) -> bool {
        self.scopes().path(expression).is_some_and(|path| path == "sys.modules")
    }
}

fn is_path(expression: &Expr) -> bool {
    expression.as_name_expr().is_some_and(|name| name.id == "__path__")
}

fn is_part_of_path(expression: &Expr) -> bool {
    expression.as_subscript_expr().is_some_and(|subscript| is_path(&subscript.value)) || is_path(expression)
}

/// Whether a value is made by a function called `extend_path`, however it is spelt.
fn is_extend_path(value: &Expr) -> bool {
    let Expr::Call(call) = value else { return false };
    match &*call.func {
        Expr::Name(name) => name.id == "extend_path",
        Expr::Attribute(attribute) => attribute.attr.as_str() == "extend_path",
        _ => false,
    }
}

/// `__import__("pkgutil")`, as in `__import__("pkgutil").iter_modules(__path__)`.
fn is_imported_in_place(expression: &Expr) -> bool {
    let Expr::Call(call) = expression else { return false };
    let is_import = call.func.as_name_expr().is_some_and(|name| name.id == "__import__");
    let name = call.arguments.args.first().and_then(Expr::as_string_literal_expr);
    is_import && name.is_some_and(|name| name.value.to_str() == "pkgutil")
}
