//! Environment markers: `python_version < "3.9" and sys_platform == "linux"`.
//!
//! Source: the dependency specifiers specification, with the variables' old names, and `in` for the sets that lock files
//! know (`"dev" in dependency_groups`, PEP 751). Two sides are compared as versions (PEP 440) if the variable is a
//! version and the literal one with an operator for versions, else as strings.

use std::collections::BTreeSet;
use std::str::FromStr;

use pep440_rs::{Version, VersionSpecifier};

use super::normalized;
use crate::probe::PythonFacts;

/// How deeply parentheses may be nested.
const MOST_NESTED: usize = 50;

/// What markers are evaluated for.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    python_version: String,
    python_full_version: String,
    os_name: String,
    sys_platform: String,
    platform_machine: String,
    platform_system: String,
    implementation: String,
}

impl Environment {
    /// That of an interpreter.
    pub fn of(facts: &PythonFacts) -> Self {
        Self {
            python_version: facts.minor_version(),
            python_full_version: facts.version.clone(),
            os_name: facts.os_name.clone(),
            sys_platform: facts.platform.clone(),
            platform_machine: facts.machine.clone(),
            platform_system: facts.system.clone(),
            implementation: facts.implementation.clone(),
        }
    }

    /// That of CPython 3.11.7 on Linux.
    #[cfg(test)]
    pub fn for_tests() -> Self {
        Self {
            python_version: "3.11".into(),
            python_full_version: "3.11.7".into(),
            os_name: "posix".into(),
            sys_platform: "linux".into(),
            platform_machine: "x86_64".into(),
            platform_system: "Linux".into(),
            implementation: "cpython".into(),
        }
    }

    /// A variable's value. Nothing for those that differ between two machines of one platform: kernel versions.
    fn value(&self, variable: &str, extra: &str) -> Option<String> {
        Some(match variable {
            "python_version" => self.python_version.clone(),
            "python_full_version" | "implementation_version" => self.python_full_version.clone(),
            "os_name" | "os.name" => self.os_name.clone(),
            "sys_platform" | "sys.platform" => self.sys_platform.clone(),
            "platform_machine" | "platform.machine" => self.platform_machine.clone(),
            "platform_system" => self.platform_system.clone(),
            "implementation_name" => self.implementation.clone(),
            "platform_python_implementation" | "platform.python_implementation" | "python_implementation" => {
                match self.implementation.as_str() {
                    "cpython" => "CPython".into(),
                    "pypy" => "PyPy".into(),
                    other => other.into(),
                }
            }
            "extra" => extra.to_owned(),
            _ => return None,
        })
    }
}

/// A condition on the environment.
#[derive(Debug, Clone, PartialEq)]
pub enum Marker {
    /// All of them hold.
    All(Vec<Marker>),
    /// At least one of them holds.
    Any(Vec<Marker>),
    /// A comparison.
    Compare {
        /// What stands left.
        left: Operand,
        /// `<`, `==`, `in`, `not in` …
        operator: String,
        /// What stands right.
        right: Operand,
    },
}

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    /// A variable's name.
    Variable(String),
    /// A string.
    Literal(String),
}

impl Marker {
    /// Reads one. Nothing, if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let tokens = tokens(text)?;
        let mut parser = Parser { tokens: &tokens, depth: 0 };
        let marker = parser.any()?;
        parser.tokens.is_empty().then_some(marker)
    }

    /// The names of extras that it compares with, normalised.
    pub fn extras(&self) -> BTreeSet<String> {
        match self {
            Self::All(markers) | Self::Any(markers) => markers.iter().flat_map(Self::extras).collect(),
            Self::Compare { left, right, .. } => match (left, right) {
                (Operand::Variable(name), Operand::Literal(extra))
                | (Operand::Literal(extra), Operand::Variable(name))
                    if name == "extra" =>
                {
                    BTreeSet::from([normalized(extra)])
                }
                _ => BTreeSet::new(),
            },
        }
    }

    /// Whether it holds, for this extra; the empty one is none. What is unknown holds: too much is included rather than
    /// too little.
    pub fn holds(&self, environment: &Environment, extra: &str) -> bool {
        match self {
            Self::All(markers) => markers.iter().all(|marker| marker.holds(environment, extra)),
            Self::Any(markers) => markers.iter().any(|marker| marker.holds(environment, extra)),
            Self::Compare { left, operator, right } => {
                compare(environment, extra, left, operator, right).unwrap_or(true)
            }
        }
    }
}

fn compare(
    environment: &Environment,
    extra: &str,
    left: &Operand,
    operator: &str,
    right: &Operand,
) -> Option<bool> {
    let is = |operand: &Operand, names: &[&str]| matches!(operand, Operand::Variable(name) if names.contains(&name.as_str()));
    // Sets of lock files: no extra and no group is asked for.
    if is(right, &["extras", "dependency_groups"]) {
        return Some(operator == "not in");
    }
    let value = |operand: &Operand| match operand {
        Operand::Variable(name) => environment.value(name, extra),
        Operand::Literal(text) => Some(text.clone()),
    };
    let (mut left_value, mut right_value) = (value(left)?, value(right)?);
    if is(left, &["extra"]) || is(right, &["extra"]) {
        (left_value, right_value) = (normalized(&left_value), normalized(&right_value));
    }
    let versions = ["python_version", "python_full_version", "implementation_version"];
    let by_version = if is(left, &versions) {
        as_versions(&left_value, operator, &right_value)
    } else if is(right, &versions) {
        as_versions(&right_value, mirrored(operator), &left_value)
    } else {
        None
    };
    by_version.or_else(|| {
        Some(match operator {
            "==" | "===" => left_value == right_value,
            "!=" => left_value != right_value,
            "<" => left_value < right_value,
            "<=" => left_value <= right_value,
            ">" => left_value > right_value,
            ">=" => left_value >= right_value,
            "in" => right_value.contains(&left_value),
            "not in" => !right_value.contains(&left_value),
            _ => return None,
        })
    })
}

fn as_versions(value: &str, operator: &str, literal: &str) -> Option<bool> {
    let version = Version::from_str(value).ok()?;
    // `python_version in "2.7, 3.4"`: one of a list, not a part of the text.
    if matches!(operator, "in" | "not in") {
        let mut listed = literal.split([',', ' ', '|']).filter(|part| !part.is_empty());
        let is_in = listed.any(|part| Version::from_str(part).is_ok_and(|part| part == version));
        return Some(is_in == (operator == "in"));
    }
    let specifier = VersionSpecifier::from_str(&format!("{operator}{literal}")).ok()?;
    Some(specifier.contains(&version))
}

/// The operator that compares the other way round.
fn mirrored(operator: &str) -> &str {
    match operator {
        "<" => ">",
        "<=" => ">=",
        ">" => "<",
        ">=" => "<=",
        other => other,
    }
}

#[derive(Debug, PartialEq)]
enum Token<'t> {
    Word(&'t str),
    Literal(&'t str),
    Operator(&'t str),
    Open,
    Close,
}

fn tokens(text: &str) -> Option<Vec<Token<'_>>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '(' | ')' => {
                tokens.push(if first == '(' { Token::Open } else { Token::Close });
                1
            }
            '"' | '\'' => {
                let end = rest[1..].find(first)?;
                tokens.push(Token::Literal(&rest[1..=end]));
                end + 2
            }
            '<' | '>' | '=' | '!' | '~' => {
                let length = rest.find(|c| !"<>=!~".contains(c)).unwrap_or(rest.len());
                tokens.push(Token::Operator(&rest[..length]));
                length
            }
            c if c.is_ascii_alphabetic() => {
                let is_in_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
                let length = rest.find(|c| !is_in_word(c)).unwrap_or(rest.len());
                tokens.push(Token::Word(&rest[..length]));
                length
            }
            _ => return None,
        };
        rest = rest[length..].trim_start();
    }
    Some(tokens)
}

struct Parser<'p, 't> {
    tokens: &'p [Token<'t>],
    depth: usize,
}

impl Parser<'_, '_> {
    fn takes(&mut self, word: &str) -> bool {
        match self.tokens.split_first() {
            Some((Token::Word(first), rest)) if *first == word => {
                self.tokens = rest;
                true
            }
            _ => false,
        }
    }

    fn any(&mut self) -> Option<Marker> {
        let mut markers = vec![self.all()?];
        while self.takes("or") {
            markers.push(self.all()?);
        }
        Some(Marker::Any(markers))
    }

    fn all(&mut self) -> Option<Marker> {
        let mut markers = vec![self.term()?];
        while self.takes("and") {
            markers.push(self.term()?);
        }
        Some(Marker::All(markers))
    }

    fn term(&mut self) -> Option<Marker> {
        if let Some((Token::Open, rest)) = self.tokens.split_first() {
            self.tokens = rest;
            self.depth += 1;
            if self.depth > MOST_NESTED {
                return None;
            }
            let marker = self.any()?;
            self.depth -= 1;
            let Some((Token::Close, rest)) = self.tokens.split_first() else { return None };
            self.tokens = rest;
            return Some(marker);
        }
        let left = self.operand()?;
        let operator = if self.takes("in") {
            "in".to_owned()
        } else if self.takes("not") {
            self.takes("in").then(|| "not in".to_owned())?
        } else {
            let Some((Token::Operator(operator), rest)) = self.tokens.split_first() else { return None };
            self.tokens = rest;
            (*operator).to_owned()
        };
        Some(Marker::Compare { left, operator, right: self.operand()? })
    }

    fn operand(&mut self) -> Option<Operand> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        match first {
            Token::Word(name) => Some(Operand::Variable((*name).to_owned())),
            Token::Literal(text) => Some(Operand::Literal((*text).to_owned())),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_are_evaluated_for_the_target() {
        for (marker, expected) in [
            ("python_version < '3.9'", false),
            ("python_version >= \"3.9\"", true),
            ("'3.9' <= python_version", true),
            ("python_version == '3.11.*'", true),
            ("python_full_version >= '3.11.8'", false),
            ("python_version in '2.7, 3.1'", false),
            ("python_version not in '3.10 3.11'", false),
            ("sys_platform == 'win32' or (os_name == 'posix' and platform_system != 'Darwin')", true),
            ("sys.platform == 'linux2'", false),
            ("'linux' in sys_platform", true),
            ("platform_machine == 'aarch64' or platform_machine == 'AMD64'", false),
            ("platform_python_implementation != \"PyPy\" and implementation_name == 'cpython'", true),
            ("extra == 'x'", false),
            ("'dev' in dependency_groups", false),
            ("platform_release >= '5'", true),
        ] {
            let parsed = Marker::parse(marker).unwrap_or_else(|| panic!("{marker}"));
            assert_eq!(parsed.holds(&Environment::for_tests(), ""), expected, "{marker}");
        }
    }

    #[test]
    fn what_is_no_marker_is_refused() {
        let nested = "(".repeat(100_000);
        for text in [
            "",
            "x",
            "x ==",
            "== 'y'",
            "'a",
            "a == 'b' c",
            "(a == 'b'",
            "a not 'b'",
            "\u{e4} == 'b'",
            &nested,
        ] {
            assert_eq!(Marker::parse(text), None, "{}", text.chars().take(20).collect::<String>());
        }
    }
}
