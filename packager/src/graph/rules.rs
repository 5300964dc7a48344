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
pub struct Entry {
    when: String,
    /// The modules; `.*` at the end stands for all modules below a package.
    pub brings: Vec<String>,
    /// How it imports them.
    pub reason: String,
}

/// What a module of a distribution imports when it is used.
pub fn brought_by(module: &str) -> Option<&'static Entry> {
    static TABLE: OnceLock<BTreeMap<String, Entry>> = OnceLock::new();
    let table = TABLE.get_or_init(|| {
        let table: Table = toml::from_str(TEXT).unwrap_or_default();
        table.imports.into_iter().map(|entry| (entry.when.clone(), entry)).collect()
    });
    table.get(module)
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
        assert_eq!(brought_by("babel.localedata").unwrap().brings.len(), 3);
        assert!(brought_by("babel").is_none());
    }
}
