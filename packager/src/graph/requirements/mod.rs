//! Requirements as metadata and project files write them: `name[extra]>=1; python_version < "3.9"`.
//!
//! Source: the dependency specifiers specification (PEP 508), with the parentheses around versions that older metadata
//! has. Versions are not compared: what is installed is what there is. What cannot be understood of a requirement is
//! taken for no condition: it counts.

mod marker;

use std::collections::BTreeSet;

pub use marker::{Environment, Marker};

/// A requirement: a distribution, perhaps only where a marker holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Requirement {
    /// The distribution's name, normalised.
    pub name: String,
    /// Its extras that are wanted, normalised.
    pub extras: Vec<String>,
    /// Where it is required; everywhere if there is none.
    pub marker: Option<Marker>,
}

impl Requirement {
    /// Reads one. Nothing, if it does not start with a distribution's name.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let length = text.find(|c: char| !is_in_name(c)).unwrap_or(text.len());
        let (name, rest) = text.split_at(length);
        if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return None;
        }
        let mut rest = rest.trim_start();
        let mut extras = Vec::new();
        if let Some((list, after)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            extras = list.split(',').map(normalized).filter(|extra| !extra.is_empty()).collect();
            rest = after.trim_start();
        }
        // In a URL a semicolon only ends it after a blank.
        let marker = if rest.starts_with('@') {
            rest.split_once(" ;").map(|(_, marker)| marker)
        } else {
            rest.split_once(';').map(|(_, marker)| marker)
        };
        Some(Self { name: normalized(name), extras, marker: marker.and_then(Marker::parse) })
    }

    /// Names of extras that its marker speaks of.
    pub fn extras_in_marker(&self) -> BTreeSet<String> {
        self.marker.as_ref().map(Marker::extras).unwrap_or_default()
    }

    /// Whether it is required in an environment, of a distribution of which these extras are wanted.
    pub fn holds(&self, environment: &Environment, extras: &[&str]) -> bool {
        let Some(marker) = &self.marker else { return true };
        // As in `packaging`: with each extra alone, and with none.
        marker.holds(environment, "") || extras.iter().any(|extra| marker.holds(environment, extra))
    }
}

fn is_in_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

/// A distribution's or an extra's name as they are compared (PEP 503, PEP 685).
pub fn normalized(name: &str) -> String {
    let parts: Vec<&str> = name.trim().split(['-', '_', '.']).filter(|part| !part.is_empty()).collect();
    parts.join("-").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requirement(text: &str) -> Requirement {
        Requirement::parse(text).unwrap()
    }

    #[test]
    fn names_and_extras_are_read_in_every_spelling() {
        for (text, name, extras) in [
            ("requests", "requests", &[][..]),
            ("Ruamel.YAML_clib>=0.1", "ruamel-yaml-clib", &[]),
            ("uvicorn [Standard, x_y] (>=0.2,<1)", "uvicorn", &["standard", "x-y"]),
            ("name@https://example.org/a;b.whl", "name", &[]),
            ("name [a] @ file:///x ; python_version > '3'", "name", &["a"]),
            ("broken[", "broken", &[]),
            ("x~=1.0;", "x", &[]),
        ] {
            let read = requirement(text);
            assert_eq!(
                (read.name.as_str(), read.extras.as_slice()),
                (name, &extras.iter().map(ToString::to_string).collect::<Vec<_>>()[..]),
                "{text}"
            );
        }
        for text in ["", " ", "-r other.txt", "./path", "@x", "\u{e4}"] {
            assert_eq!(Requirement::parse(text), None, "{text}");
        }
    }

    #[test]
    fn extras_switch_requirements_on() {
        let environment = Environment::for_tests();
        let required = requirement("openpyxl>=3.1; extra == 'excel' and python_version >= '3.9'");
        assert!(!required.holds(&environment, &[]));
        assert!(!required.holds(&environment, &["all"]));
        assert!(required.holds(&environment, &["all", "excel"]));
        let either = requirement("x; python_version < '3' or extra == 'My_Extra'");
        assert!(either.holds(&environment, &["my-extra"]) && !either.holds(&environment, &[]));
        assert!(requirement("x; extra != 'a'").holds(&environment, &[]));
        assert!(requirement("x; nonsense === ").holds(&environment, &[]));
    }
}
