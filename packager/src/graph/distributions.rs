//! What installed distributions say that they require.
//!
//! Read from the `*.dist-info` directories of `sys.path` when it is first asked for: names, top-level modules
//! (`top_level.txt`, else RECORD) and `Requires-Dist`. Extras and markers are not evaluated: what is installed and
//! mentioned may be used.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The installed distributions.
#[derive(Debug, Default)]
pub struct Distributions {
    /// Top-level modules to the distributions that have a part of them.
    holders: BTreeMap<String, BTreeSet<String>>,
    /// Distributions to those that they require; names normalised (PEP 503).
    requirements: BTreeMap<String, BTreeSet<String>>,
    /// Those of them that are no extras.
    firm: BTreeMap<String, BTreeSet<String>>,
}

impl Distributions {
    /// Reads those of these directories. What cannot be read says nothing.
    pub fn read(path: &[PathBuf]) -> Self {
        let mut all = Self::default();
        let directories = path.iter().filter_map(|directory| std::fs::read_dir(directory).ok());
        for entry in directories.flatten().flatten() {
            if entry.path().extension().is_some_and(|suffix| suffix == "dist-info") {
                all.add(&entry.path());
            }
        }
        all
    }

    fn add(&mut self, folder: &Path) {
        let read = |name: &str| {
            let bytes = std::fs::read(folder.join(name)).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let metadata = read("METADATA");
        // Headers end at the first empty line; what follows is a description.
        let headers = || metadata.lines().take_while(|line| !line.trim().is_empty());
        let Some(name) = headers().find_map(|line| line.strip_prefix("Name:")).map(normalised) else {
            return;
        };
        let required = || headers().filter_map(|line| line.strip_prefix("Requires-Dist:"));
        let firm = required().filter(|requirement| !requirement.contains("extra ="));
        self.firm.entry(name.clone()).or_default().extend(firm.map(normalised));
        self.requirements.entry(name.clone()).or_default().extend(required().map(normalised));
        let listed = read("top_level.txt");
        let mut tops: BTreeSet<&str> = listed.lines().map(str::trim).filter(|top| !top.is_empty()).collect();
        let record = if tops.is_empty() { read("RECORD") } else { String::new() };
        tops.extend(record.lines().filter_map(top_of_file));
        for top in tops {
            self.holders.entry(top.to_owned()).or_default().insert(name.clone());
        }
    }

    /// Whether the distribution of one top-level module has another one too, or requires one that has it. A module of
    /// no known distribution may need anything.
    pub fn requires(&self, from: &str, to: &str) -> bool {
        let Some(holders) = self.holders.get(from) else { return true };
        let is_shared = self.holders.get(to).is_some_and(|others| !others.is_disjoint(holders));
        is_shared || self.is_in(&self.requirements, from, to)
    }

    /// Whether the distribution of one top-level module requires that of another without an extra.
    pub fn requires_always(&self, from: &str, to: &str) -> bool {
        self.is_in(&self.firm, from, to)
    }

    fn is_in(&self, requirements: &BTreeMap<String, BTreeSet<String>>, from: &str, to: &str) -> bool {
        let (Some(holders), Some(wanted)) = (self.holders.get(from), self.holders.get(to)) else {
            return false;
        };
        let required = |holder: &String| requirements.get(holder);
        holders.iter().filter_map(required).any(|required| !required.is_disjoint(wanted))
    }
}

/// The top-level module to which a file in RECORD belongs.
fn top_of_file(line: &str) -> Option<&str> {
    let file = line.split(',').next()?;
    let top = match file.split_once('/') {
        Some((directory, _)) => directory,
        None => file.split_once('.')?.0,
    };
    let is_name = !top.is_empty() && top.chars().all(|c| c == '_' || c.is_alphanumeric());
    is_name.then_some(top)
}

/// The distribution's name at the start of a requirement, as PEP 503 compares them.
fn normalised(requirement: &str) -> String {
    let is_in_name = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let name: String = requirement.trim().chars().take_while(is_in_name).collect();
    let parts: Vec<&str> = name.split(['-', '_', '.']).filter(|part| !part.is_empty()).collect();
    parts.join("-").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_requirements_under_any_spelling_and_with_any_condition() {
        let folder = tempfile::tempdir().unwrap();
        let write = |file: &str, text: &str| {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        let metadata =
            "Name: My.Tool\nRequires-Dist: Other_Thing[x]>=1; extra == 'y'\n\nRequires-Dist: third\n";
        write("My.Tool-1.dist-info/METADATA", metadata);
        write("My.Tool-1.dist-info/RECORD", "tool/__init__.py,,\n../../bin/tool,,\nsingle.py,,\n");
        write("other_thing-1.dist-info/METADATA", "Name: other-thing\n");
        write("other_thing-1.dist-info/top_level.txt", "other\n");
        write("third-1.dist-info/METADATA", "Name: third\n");
        write("third-1.dist-info/top_level.txt", "third\n");
        let all = Distributions::read(&[folder.path().to_owned()]);
        assert!(all.requires("tool", "other") && all.requires("single", "other"));
        assert!(all.requires("tool", "single"));
        assert!(!all.requires("tool", "third") && !all.requires_always("tool", "other"));
        assert!(!all.requires("other", "tool"));
        assert!(all.requires("unknown", "tool") && !all.requires_always("unknown", "tool"));
        write("firm-1.dist-info/METADATA", "Name: firm\nRequires-Dist: third (>1) ; python_version > '3'\n");
        write("firm-1.dist-info/top_level.txt", "firm\n");
        assert!(Distributions::read(&[folder.path().to_owned()]).requires_always("firm", "third"));
    }
}
