//! The values that tests are evaluated with, and Python's operations on them.
//!
//! Every operation gives `None` where the result is unknown or Python would raise.

use std::cmp::Ordering;

use ruff_python_ast::Operator;

/// The longest string that is computed with, in bytes: names and platforms are far shorter.
const MAX_STRING: usize = 4096;

/// A Python value, as far as tests need it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    None,
    Bool(bool),
    Int(i128),
    Str(String),
    /// Items may be unknown, their number is not.
    Tuple(Vec<Option<Value>>),
}

impl Value {
    pub(super) fn string(string: &str) -> Option<Value> {
        (string.len() <= MAX_STRING).then(|| Value::Str(string.to_owned()))
    }

    pub(super) fn truth(&self) -> bool {
        match self {
            Value::None => false,
            Value::Bool(value) => *value,
            Value::Int(value) => *value != 0,
            Value::Str(value) => !value.is_empty(),
            Value::Tuple(items) => !items.is_empty(),
        }
    }

    pub(super) fn integer(&self) -> Option<i128> {
        match self {
            Value::Int(value) => Some(*value),
            Value::Bool(value) => Some(i128::from(*value)),
            _ => None,
        }
    }

    pub(super) fn equals(&self, other: &Value) -> Option<bool> {
        if let (Some(left), Some(right)) = (self.integer(), other.integer()) {
            return Some(left == right);
        }
        match (self, other) {
            (Value::Tuple(left), Value::Tuple(right)) if left.len() == right.len() => {
                let pairs = left.iter().zip(right).map(|pair| match pair {
                    (Some(left), Some(right)) => left.equals(right),
                    _ => None,
                });
                all(pairs)
            }
            _ => Some(self == other),
        }
    }

    pub(super) fn order(&self, other: &Value) -> Option<Ordering> {
        if let (Some(left), Some(right)) = (self.integer(), other.integer()) {
            return Some(left.cmp(&right));
        }
        match (self, other) {
            (Value::Str(left), Value::Str(right)) => Some(left.cmp(right)),
            (Value::Tuple(left), Value::Tuple(right)) => {
                for pair in left.iter().zip(right) {
                    let (Some(left), Some(right)) = pair else { return None };
                    match left.order(right)? {
                        Ordering::Equal => {}
                        decided => return Some(decided),
                    }
                }
                Some(left.len().cmp(&right.len()))
            }
            _ => None,
        }
    }
}

/// Three-valued conjunction.
pub(super) fn all(truths: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut result = Some(true);
    for truth in truths {
        match truth {
            Some(true) => {}
            Some(false) => return Some(false),
            None => result = None,
        }
    }
    result
}

/// Three-valued disjunction.
pub(super) fn any(truths: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    all(truths.map(|truth| truth.map(|truth| !truth))).map(|none| !none)
}

/// An index as Python reads it, negative ones from the end, and never past either end.
pub(super) fn clamped(index: i128, length: usize) -> Option<usize> {
    let length = i128::try_from(length).ok()?;
    let from_start = if index < 0 { index.checked_add(length)? } else { index };
    usize::try_from(from_start.clamp(0, length)).ok()
}

/// `str.startswith` and `str.endswith` take one affix or a tuple of them.
pub(super) fn affixes(affix: Value, has: impl Fn(&str) -> bool) -> Option<bool> {
    match affix {
        Value::Str(affix) => Some(has(&affix)),
        Value::Tuple(items) => any(items.iter().map(|item| match item {
            Some(Value::Str(affix)) => Some(has(affix)),
            _ => None,
        })),
        _ => None,
    }
}

pub(super) fn arithmetic(left: Value, op: Operator, right: Value) -> Option<Value> {
    if let (Value::Str(left), Operator::Add, Value::Str(right)) = (&left, op, &right) {
        return Value::string(&format!("{left}{right}"));
    }
    let (left, right) = (left.integer()?, right.integer()?);
    let result = match op {
        Operator::Add => left.checked_add(right),
        Operator::Sub => left.checked_sub(right),
        Operator::Mult => left.checked_mul(right),
        Operator::Pow => left.checked_pow(u32::try_from(right).ok()?),
        // `checked_shl` checks the distance only: bits may be lost.
        Operator::LShift => {
            left.checked_mul(1_i128.checked_shl(u32::try_from(right).ok().filter(|&by| by < 127)?)?)
        }
        _ => None,
    };
    result.map(Value::Int)
}
