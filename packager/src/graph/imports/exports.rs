//! What `__all__` lists.
//!
//! `from m import *` imports the submodules that `__all__` names, so a name too many is harmless and one too
//! few is not: assignments add to what was read before, removals are ignored, and what is not a literal is
//! noted as missing.

use std::collections::HashSet;

use ruff_python_ast::{Expr, ExprAttribute, ExprCall, Operator};

use super::ModuleImports;
use super::scope::Binding;
use super::visit::Reader;

/// How many sums and names one value of `__all__` is followed through.
const MAX_STEPS: u32 = 200;
/// How many names are kept: a list that is added to itself must not fill the memory.
const MAX_NAMES: usize = 100_000;

impl<'a> Reader<'a, '_> {
    /// `__all__ = value` and `__all__ += value`.
    pub(super) fn note_exports(&mut self, value: &'a Expr) {
        if self.found.exports.as_ref().is_some_and(|names| names.len() >= MAX_NAMES) {
            self.found.exports_are_partial = true;
            return;
        }
        let mut names = Vec::new();
        let mut steps = MAX_STEPS;
        let complete = self.literal_names(value, &mut names, &mut steps);
        self.found.exports_are_partial |= !complete;
        if complete || !names.is_empty() {
            self.found.exports.get_or_insert_default().append(&mut names);
        }
    }

    /// `__all__.extend(value)` and `__all__.append(name)`.
    pub(super) fn note_exports_method(&mut self, method: &'a ExprAttribute, call: &'a ExprCall) {
        let is_exports = method.value.as_name_expr().is_some_and(|name| name.id == "__all__");
        if !is_exports || !self.is_module_level() {
            return;
        }
        match (method.attr.as_str(), &*call.arguments.args) {
            ("extend", [value]) => self.note_exports(value),
            ("append", [name]) | ("insert", [_, name]) => match self.conditions().string(name) {
                Some(name) => self.found.exports.get_or_insert_default().push(name),
                None => self.found.exports_are_partial = true,
            },
            _ => {}
        }
    }

    /// Adds the names that a value is known to contain; whether those are all.
    fn literal_names(&self, value: &'a Expr, names: &mut Vec<String>, steps: &mut u32) -> bool {
        let Some(left) = steps.checked_sub(1) else { return false };
        *steps = left;
        match value {
            Expr::List(list) => self.element_names(&list.elts, names, steps),
            Expr::Tuple(tuple) => self.element_names(&tuple.elts, names, steps),
            Expr::Set(set) => self.element_names(&set.elts, names, steps),
            Expr::BinOp(sum) if sum.op == Operator::Add => {
                let left = self.literal_names(&sum.left, names, steps);
                self.literal_names(&sum.right, names, steps) && left
            }
            // The names it had before are there already.
            Expr::Name(name) if name.id == "__all__" => true,
            Expr::Name(name) => match self.scopes().lookup(name.id.as_str()) {
                Some(Binding::Value(value)) => self.literal_names(value, names, steps),
                _ => false,
            },
            Expr::Call(call) => match (&*call.func, &*call.arguments.args) {
                (Expr::Name(name), [value])
                    if matches!(name.id.as_str(), "list" | "tuple" | "sorted" | "set") =>
                {
                    self.literal_names(value, names, steps)
                }
                _ => false,
            },
            _ => false,
        }
    }

    fn element_names(&self, elements: &'a [Expr], names: &mut Vec<String>, steps: &mut u32) -> bool {
        let mut complete = true;
        for element in elements {
            if names.len() >= MAX_NAMES {
                return false;
            }
            match element {
                Expr::Starred(starred) => complete &= self.literal_names(&starred.value, names, steps),
                Expr::StringLiteral(literal) => names.push(literal.value.to_str().to_owned()),
                _ => match self.conditions().string(element) {
                    Some(name) => names.push(name),
                    None => complete = false,
                },
            }
        }
        complete
    }
}

/// Keeps the first mention of each name.
pub(super) fn finish(found: &mut ModuleImports) {
    if let Some(exports) = &mut found.exports {
        keep_first(exports);
    }
    keep_first(&mut found.aliases);
}

fn keep_first(names: &mut Vec<String>) {
    let mut seen = HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
}
