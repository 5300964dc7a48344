//! The table of imports that no rule finds: `rules.toml`.
//!
//! It is part of this program. What cannot be read in it is left out, and a test reads all of it.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

const TEXT: &str = include_str!("../../rules.toml");

/// The table as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(default, rename = "import")]
    imports: Vec<Entry>,
}

/// What a module imports when it is used.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    when: String,
    brings: Vec<String>,
    #[cfg_attr(not(test), expect(dead_code, reason = "for readers of the table"))]
    reason: String,
}

/// What a module of a distribution imports when it is used; `.*` at the end stands for all modules below a package.
pub fn brought_by(module: &str) -> &'static [String] {
    static TABLE: OnceLock<BTreeMap<String, Vec<String>>> = OnceLock::new();
    let table = TABLE.get_or_init(|| {
        let table: Table = toml::from_str(TEXT).unwrap_or_default();
        table.imports.into_iter().map(|entry| (entry.when, entry.brings)).collect()
    });
    table.get(module).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_complete_sorted_and_reasoned() {
        let table: Table = toml::from_str(TEXT).unwrap();
        assert!(table.imports.windows(2).all(|pair| pair[0].when < pair[1].when));
        for entry in &table.imports {
            assert!(!entry.brings.is_empty() && entry.reason.len() > 20, "{}", entry.when);
            assert!(entry.brings.iter().all(|name| !name.trim_end_matches(".*").contains('*')));
        }
        assert_eq!(brought_by("babel.localedata").len(), 3);
        assert!(brought_by("babel").is_empty());
    }
}
