//! Attributes of modules: which ones a module uses, and which it imports when somebody asks it for them.
//!
//! `def __getattr__(name): if name == "testing": import numpy.testing` (PEP 562) imports for who uses `numpy.testing`,
//! and for nobody else. What is used is known by the attribute's name alone, whatever object it is of.

use ruff_python_ast::{CmpOp, Expr, StmtFunctionDef};

use super::visit::Reader;

impl<'a> Reader<'a, '_> {
    /// The name of the parameter, if a function is the module's `__getattr__`.
    pub(super) fn parameter_of_getattr(&self, function: &'a StmtFunctionDef) -> Option<&'a str> {
        let is_getattr = self.is_module_level() && function.name.as_str() == "__getattr__";
        let first = function.parameters.iter().next().filter(|_| is_getattr)?;
        Some(first.name().as_str())
    }

    /// The attributes that a test in the module's `__getattr__` asks for: `name == "a"`, `name in ("a", "b")`. None if
    /// it is no such test.
    pub(super) fn asked_attributes(&self, test: &'a Expr) -> Vec<String> {
        let asked = |expression: &Expr| {
            let name = expression.as_name_expr().map(|name| name.id.as_str());
            name.is_some() && name == self.getattr_parameter
        };
        let Expr::Compare(test) = test else { return Vec::new() };
        let (left, [right]) = (&*test.left, &*test.comparators) else { return Vec::new() };
        let literals: &[Expr] = match *test.ops {
            [CmpOp::Eq] if asked(left) => std::slice::from_ref(right),
            [CmpOp::Eq] if asked(right) => std::slice::from_ref(left),
            [CmpOp::In] if asked(left) => match right {
                Expr::Tuple(tuple) => &tuple.elts,
                Expr::List(list) => &list.elts,
                Expr::Set(set) => &set.elts,
                _ => &[],
            },
            _ => &[],
        };
        let names = literals.iter().map(|literal| Some(literal.as_string_literal_expr()?.value.to_string()));
        names.collect::<Option<_>>().unwrap_or_default()
    }

    /// An attribute of something is used. What is done for who asks for an attribute is no use of it.
    pub(super) fn note_attribute(&mut self, name: &'a str) {
        if self.asked.is_empty() {
            self.attributes.insert(name);
        }
    }

    /// At the end of the module.
    pub(super) fn finish_attributes(&mut self) {
        let mut names: Vec<String> = self.attributes.iter().map(|&name| name.to_owned()).collect();
        names.sort_unstable();
        self.found.attributes = names;
    }
}
