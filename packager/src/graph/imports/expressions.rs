//! The walk over expressions: calls, strings and attributes are noted where they stand, and what is evaluated later, or
//! under a test, is read as such.

use ruff_python_ast::visitor::{Visitor, walk_expr};
use ruff_python_ast::{BoolOp, Comprehension, Expr, ExprBoolOp, ExprCall, ExprIf, ExprLambda};

use super::scope::Scope;
use super::visit::Reader;

/// From how many scopes on lambdas and comprehensions bind in the scope around them: lookups stay short, and
/// a name bound once too often is merely unknown.
const MAX_SCOPES: usize = 256;

impl<'a> Reader<'a, '_> {
    fn read_lambda(&mut self, lambda: &'a ExprLambda) {
        lambda.parameters.iter().for_each(|parameters| self.visit_parameters(parameters));
        let bind = |scope: &mut Scope<'a>| {
            lambda.parameters.iter().for_each(|parameters| scope.bind_parameters(parameters));
        };
        self.in_expression_scope(bind, |reader| {
            reader.deferred(|reader| reader.visit_expr(&lambda.body));
        });
    }

    fn in_expression_scope(&mut self, bind: impl Fn(&mut Scope<'a>), read: impl FnOnce(&mut Self)) {
        if self.scopes.len() < MAX_SCOPES {
            let mut scope = Scope::of_expression();
            bind(&mut scope);
            self.scopes.push(scope);
            read(self);
            self.scopes.pop();
        } else {
            self.scopes.iter_mut().rev().take(1).for_each(bind);
            read(self);
        }
    }

    /// The elements of a comprehension are not evaluated if one of its conditions is known to fail.
    fn read_comprehension(&mut self, generators: &'a [Comprehension], elements: [Option<&'a Expr>; 2]) {
        let bind = |scope: &mut Scope<'a>| {
            generators.iter().for_each(|generator| scope.bind_target(&generator.target));
        };
        self.in_expression_scope(bind, |reader| {
            for generator in generators {
                reader.visit_expr(&generator.iter);
                reader.visit_expr(&generator.target);
                for test in &generator.ifs {
                    if reader.read_test(test) == Some(false) {
                        return;
                    }
                }
            }
            elements.into_iter().flatten().for_each(|element| reader.visit_expr(element));
        });
    }

    fn read_conditional(&mut self, conditional: &'a ExprIf) {
        let known = self.read_test(&conditional.test);
        if known != Some(false) {
            self.visit_expr(&conditional.body);
        }
        if known != Some(true) {
            self.visit_expr(&conditional.orelse);
        }
    }

    fn read_operands(&mut self, operation: &'a ExprBoolOp) {
        let decides = operation.op == BoolOp::Or;
        for operand in &operation.values {
            if self.read_test(operand) == Some(decides) {
                return;
            }
        }
    }
}

impl<'a> Visitor<'a> for Reader<'a, '_> {
    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Call(call) => {
                if makes_string(call) {
                    self.note_computed(expression);
                }
                return self.read_call(call);
            }
            Expr::Lambda(lambda) => return self.read_lambda(lambda),
            Expr::Compare(_) => return self.without_names(|reader| walk_expr(reader, expression)),
            Expr::If(conditional) => return self.read_conditional(conditional),
            Expr::BoolOp(operation) => return self.read_operands(operation),
            Expr::ListComp(list) => {
                return self.read_comprehension(&list.generators, [Some(&list.elt), None]);
            }
            Expr::SetComp(set) => return self.read_comprehension(&set.generators, [Some(&set.elt), None]),
            Expr::Generator(items) => {
                return self.read_comprehension(&items.generators, [Some(&items.elt), None]);
            }
            Expr::DictComp(dict) => {
                return self.read_comprehension(&dict.generators, [dict.key.as_deref(), Some(&dict.value)]);
            }
            Expr::Name(name) => return self.note_name(name),
            Expr::Attribute(attribute) => {
                self.note_attribute(&attribute.attr);
                self.note_moved(attribute);
            }
            Expr::StringLiteral(literal) => return self.note_string(literal),
            Expr::BytesLiteral(_) | Expr::NumberLiteral(_) => return,
            Expr::FString(_) | Expr::BinOp(_) => self.note_computed(expression),
            Expr::List(_) | Expr::Tuple(_) | Expr::Set(_) | Expr::Dict(_) => {
                return self.in_collection(|reader| walk_expr(reader, expression));
            }
            _ => {}
        }
        walk_expr(self, expression);
    }

    fn visit_annotation(&mut self, annotation: &'a Expr) {
        self.without_names(|reader| reader.visit_expr(annotation));
    }
}

/// `"…".format(…)` and `"…".join(…)`.
fn makes_string(call: &ExprCall) -> bool {
    call.func.as_attribute_expr().is_some_and(|method| matches!(method.attr.as_str(), "format" | "join"))
}
