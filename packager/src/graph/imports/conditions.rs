//! Three-valued evaluation of tests: true or false on the target, or unknown.
//!
//! Values are those that platform and version tests are written with: booleans, integers, strings, tuples.
//! Of `sys.version_info` only the first two items are known, so tuples may have unknown items; a comparison is
//! known if the known ones decide it. Everything else, and every error that Python would raise, is unknown.
//!
//! Module constants are followed to their only assignment, but plain flags are not: `DEBUG = False` is there to
//! be set from outside, and `_false = 0` followed by `if _false: import xml.sax.expatreader` is how the standard
//! library tells freezers of an import that they cannot see.

use std::cell::Cell;
use std::cmp::Ordering;

use ruff_python_ast::{BoolOp, CmpOp, Expr, ExprAttribute, ExprCall, Number, Pattern, Singleton};
use ruff_python_ast::{ExprSubscript, UnaryOp};

use super::scope::{Binding, Scopes};
use super::values::{Value, affixes, all, any, arithmetic, clamped};
use super::{ModuleName, Target};

/// How many nodes one evaluation looks at: assignments may form circles, or double at each step.
const MAX_STEPS: u32 = 300;
/// How many items a tuple may have to be evaluated.
const MAX_ITEMS: usize = 64;

/// What is left of an evaluation's steps.
struct Steps(Cell<u32>);

impl Steps {
    fn new() -> Self {
        Steps(Cell::new(MAX_STEPS))
    }

    fn take(&self) -> Option<()> {
        self.0.set(self.0.get().checked_sub(1)?);
        Some(())
    }
}

/// What expressions are evaluated in.
#[derive(Clone, Copy)]
pub(super) struct Conditions<'s, 'a> {
    pub(super) scopes: Scopes<'s, 'a>,
    pub(super) module: &'s ModuleName<'s>,
    pub(super) target: &'s Target,
}

impl<'a> Conditions<'_, 'a> {
    /// Whether a test succeeds on the target.
    pub(super) fn truth(&self, test: &'a Expr) -> Option<bool> {
        self.truth_within(test, &Steps::new())
    }

    /// The string that an expression is known to be.
    pub(super) fn string(&self, expression: &'a Expr) -> Option<String> {
        match self.value(expression, &Steps::new())? {
            Value::Str(string) => Some(string),
            _ => None,
        }
    }

    /// The integer that an expression is known to be.
    pub(super) fn integer(&self, expression: &'a Expr) -> Option<i128> {
        self.value(expression, &Steps::new())?.integer()
    }

    /// Whether a `case` takes the subject; guards are the caller's.
    pub(super) fn matches(&self, subject: &'a Expr, pattern: &'a Pattern) -> Option<bool> {
        match pattern {
            Pattern::MatchAs(capture) => match &capture.pattern {
                Some(pattern) => self.matches(subject, pattern),
                None => Some(true),
            },
            Pattern::MatchOr(or) => any(or.patterns.iter().map(|pattern| self.matches(subject, pattern))),
            Pattern::MatchValue(literal) => {
                let subject = self.value(subject, &Steps::new())?;
                subject.equals(&self.value(&literal.value, &Steps::new())?)
            }
            Pattern::MatchSingleton(singleton) => {
                let literal = match singleton.value {
                    Singleton::None => Value::None,
                    Singleton::True => Value::Bool(true),
                    Singleton::False => Value::Bool(false),
                };
                Some(self.value(subject, &Steps::new())? == literal)
            }
            _ => None,
        }
    }

    fn truth_within(&self, test: &'a Expr, steps: &Steps) -> Option<bool> {
        steps.take()?;
        match test {
            Expr::BoolOp(operation) => {
                let mut truths = operation.values.iter().map(|value| self.truth_within(value, steps));
                match operation.op {
                    BoolOp::And => all(&mut truths),
                    BoolOp::Or => any(&mut truths),
                }
            }
            Expr::UnaryOp(operation) if operation.op == UnaryOp::Not => {
                self.truth_within(&operation.operand, steps).map(|truth| !truth)
            }
            Expr::Named(named) => self.truth_within(&named.value, steps),
            Expr::Name(name) => match self.scopes.lookup(name.id.as_str()) {
                Some(Binding::Value(value)) if !is_type_checking(name.id.as_str()) => {
                    let module = self.constant(value)?;
                    module.truth_within(value, steps)
                }
                _ => self.value(test, steps).map(|value| value.truth()),
            },
            _ => self.value(test, steps).map(|value| value.truth()),
        }
    }

    /// Where the value of a module constant is evaluated, if it may be relied upon.
    fn constant(&self, value: &Expr) -> Option<Self> {
        let is_flag =
            matches!(value, Expr::BooleanLiteral(_) | Expr::NumberLiteral(_) | Expr::NoneLiteral(_));
        if is_flag { None } else { Some(Conditions { scopes: self.scopes.module(), ..*self }) }
    }

    fn value(&self, expression: &'a Expr, steps: &Steps) -> Option<Value> {
        steps.take()?;
        match expression {
            Expr::BooleanLiteral(literal) => Some(Value::Bool(literal.value)),
            Expr::NoneLiteral(_) => Some(Value::None),
            Expr::NumberLiteral(literal) => match &literal.value {
                Number::Int(int) => int.as_i64().map(|int| Value::Int(i128::from(int))),
                _ => None,
            },
            Expr::StringLiteral(literal) => Value::string(literal.value.to_str()),
            Expr::Tuple(tuple) if is_plain(&tuple.elts) => {
                Some(Value::Tuple(tuple.elts.iter().map(|element| self.value(element, steps)).collect()))
            }
            Expr::Name(name) => match self.scopes.lookup(name.id.as_str()) {
                Some(Binding::Value(value)) if !is_type_checking(name.id.as_str()) => {
                    self.constant(value)?.value(value, steps)
                }
                _ => self.fact(expression),
            },
            Expr::Attribute(attribute) => self.attribute(expression, attribute),
            Expr::Subscript(subscript) => self.subscript(subscript, steps),
            Expr::Call(call) => self.call(call, steps),
            Expr::Compare(compare) => {
                let lefts = std::iter::once(&*compare.left).chain(&compare.comparators);
                let pairs = lefts.zip(&compare.ops).zip(&compare.comparators);
                all(pairs.map(|((left, op), right)| self.compare(left, *op, right, steps))).map(Value::Bool)
            }
            Expr::UnaryOp(operation) => match operation.op {
                UnaryOp::Not => self.truth_within(expression, steps).map(Value::Bool),
                UnaryOp::USub => self.value(&operation.operand, steps)?.integer().map(|int| Value::Int(-int)),
                UnaryOp::UAdd | UnaryOp::Invert => None,
            },
            Expr::BinOp(operation) => {
                let left = self.value(&operation.left, steps)?;
                arithmetic(left, operation.op, self.value(&operation.right, steps)?)
            }
            Expr::BoolOp(operation) => {
                let mut result = None;
                for value in &operation.values {
                    let value = self.value(value, steps)?;
                    if value.truth() == (operation.op == BoolOp::Or) {
                        return Some(value);
                    }
                    result = Some(value);
                }
                result
            }
            Expr::If(conditional) => {
                let taken = if self.truth_within(&conditional.test, steps)? {
                    &conditional.body
                } else {
                    &conditional.orelse
                };
                self.value(taken, steps)
            }
            Expr::Named(named) => self.value(&named.value, steps),
            _ => None,
        }
    }

    fn attribute(&self, expression: &Expr, attribute: &ExprAttribute) -> Option<Value> {
        if is_type_checking(attribute.attr.as_str()) {
            Some(Value::Bool(false))
        } else {
            self.fact(expression)
        }
    }

    /// What the target, or the module's own name, says.
    fn fact(&self, expression: &Expr) -> Option<Value> {
        if let Expr::Name(name) = expression
            && is_type_checking(name.id.as_str())
        {
            return Some(Value::Bool(false));
        }
        let string = |string: &str| Some(Value::Str(string.to_owned()));
        let minor = Value::Int(i128::from(self.target.minor));
        match self.scopes.path(expression)?.as_str() {
            "sys.platform" => string(&self.target.sys_platform),
            "sys.implementation.name" => string(&self.target.implementation),
            "os.name" => string(&self.target.os_name),
            "sys.version_info" => {
                Some(Value::Tuple(vec![Some(Value::Int(3)), Some(minor), None, None, None]))
            }
            "sys.version_info.major" => Some(Value::Int(3)),
            "sys.version_info.minor" => Some(minor),
            "sys.maxsize" => Some(Value::Int(if self.target.maxsize_64bit {
                i128::from(i64::MAX)
            } else {
                i128::from(i32::MAX)
            })),
            "typing.TYPE_CHECKING" | "typing_extensions.TYPE_CHECKING" => Some(Value::Bool(false)),
            "__debug__" => Some(Value::Bool(self.target.optimize == 0)),
            "__name__" | "__spec__.name" if self.module.is_main => {
                expression.is_name_expr().then(|| Value::Str("__main__".to_owned()))
            }
            "__name__" | "__spec__.name" => string(self.module.name),
            "__package__" | "__spec__.parent" => string(self.module.package),
            _ => None,
        }
    }

    fn subscript(&self, subscript: &'a ExprSubscript, steps: &Steps) -> Option<Value> {
        let value = self.value(&subscript.value, steps)?;
        let bound = |expression: &'a Expr| self.value(expression, steps)?.integer();
        let range = |length: usize| match &*subscript.slice {
            Expr::Slice(slice) if slice.step.is_none() => {
                let lower = slice.lower.as_deref().map_or(Some(0), bound)?;
                let upper = slice.upper.as_deref().map_or(i128::try_from(length).ok(), bound)?;
                let (lower, upper) = (clamped(lower, length)?, clamped(upper, length)?);
                Some((lower, upper.max(lower)))
            }
            Expr::Slice(_) => None,
            index => {
                let index = bound(index)?;
                let at = clamped(index, length)?;
                (i128::try_from(length).is_ok_and(|length| (-length..length).contains(&index)))
                    .then_some((at, at + 1))
            }
        };
        match value {
            Value::Tuple(items) => {
                let (lower, upper) = range(items.len())?;
                let part = items.get(lower..upper)?;
                if subscript.slice.is_slice_expr() {
                    Some(Value::Tuple(part.to_vec()))
                } else {
                    part.first()?.clone()
                }
            }
            Value::Str(string) if string.is_ascii() => {
                let (lower, upper) = range(string.len())?;
                string.get(lower..upper).map(|part| Value::Str(part.to_owned()))
            }
            _ => None,
        }
    }

    fn call(&self, call: &'a ExprCall, steps: &Steps) -> Option<Value> {
        if let Expr::Attribute(method) = &*call.func
            && let Some(Value::Str(string)) = self.value(&method.value, steps)
        {
            return match (method.attr.as_str(), &*call.arguments.args) {
                ("lower", []) => Some(Value::Str(string.to_lowercase())),
                ("upper", []) => Some(Value::Str(string.to_uppercase())),
                ("startswith", [affix]) => {
                    affixes(self.value(affix, steps)?, |affix| string.starts_with(affix)).map(Value::Bool)
                }
                ("endswith", [affix]) => {
                    affixes(self.value(affix, steps)?, |affix| string.ends_with(affix)).map(Value::Bool)
                }
                _ => None,
            };
        }
        if !call.arguments.is_empty() {
            return None;
        }
        match (self.scopes.path(&call.func)?.as_str(), self.target.implementation.as_str()) {
            ("platform.system", _) => Some(Value::Str(self.target.platform_system.clone())),
            ("platform.python_implementation", "cpython") => Some(Value::Str("CPython".to_owned())),
            ("platform.python_implementation", "pypy") => Some(Value::Str("PyPy".to_owned())),
            _ => None,
        }
    }

    fn compare(&self, left: &'a Expr, op: CmpOp, right: &'a Expr, steps: &Steps) -> Option<bool> {
        let left = self.value(left, steps)?;
        if matches!(op, CmpOp::In | CmpOp::NotIn) {
            return self.contains(right, &left, steps).map(|found| found == (op == CmpOp::In));
        }
        let right = self.value(right, steps)?;
        match op {
            CmpOp::Eq => left.equals(&right),
            CmpOp::NotEq => left.equals(&right).map(|equal| !equal),
            CmpOp::Lt => left.order(&right).map(Ordering::is_lt),
            CmpOp::LtE => left.order(&right).map(Ordering::is_le),
            CmpOp::Gt => left.order(&right).map(Ordering::is_gt),
            CmpOp::GtE => left.order(&right).map(Ordering::is_ge),
            CmpOp::Is | CmpOp::IsNot => match (&left, &right) {
                (Value::None | Value::Bool(_), _) | (_, Value::None | Value::Bool(_)) => {
                    Some((left == right) == (op == CmpOp::Is))
                }
                _ => None,
            },
            CmpOp::In | CmpOp::NotIn => None,
        }
    }

    fn contains(&self, container: &'a Expr, item: &Value, steps: &Steps) -> Option<bool> {
        let elements = match container {
            Expr::List(list) if is_plain(&list.elts) => {
                list.elts.iter().map(|element| self.value(element, steps)).collect()
            }
            Expr::Set(set) if is_plain(&set.elts) => {
                set.elts.iter().map(|element| self.value(element, steps)).collect()
            }
            _ => match self.value(container, steps)? {
                Value::Tuple(items) => items,
                Value::Str(string) => {
                    return if let Value::Str(part) = item {
                        Some(string.contains(part.as_str()))
                    } else {
                        None
                    };
                }
                _ => return None,
            },
        };
        any(elements.iter().map(|element| element.as_ref()?.equals(item)))
    }
}

/// The name by which type checkers are spoken to, wherever a module has it from.
fn is_type_checking(name: &str) -> bool {
    name == "TYPE_CHECKING"
}

/// Whether the number of items is what is written, and small.
fn is_plain(elements: &[Expr]) -> bool {
    elements.len() <= MAX_ITEMS && !elements.iter().any(Expr::is_starred_expr)
}
