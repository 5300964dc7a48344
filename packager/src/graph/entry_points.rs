//! Entry points: modules that distributions offer under a group's name, to whoever asks for the group.
//!
//! Read from `entry_points.txt` of the `*.dist-info` and `*.egg-info` directories of `sys.path` when it is first asked
//! for. The format is that of the entry points specification: sections in brackets, `name = module:attribute [extras]`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Groups that are for installers: nobody asks for them to import what they name.
const SCRIPTS: [&str; 2] = ["console_scripts", "gui_scripts"];

/// Modules by group.
#[derive(Debug, Default)]
pub struct EntryPoints(BTreeMap<String, BTreeSet<String>>);

impl EntryPoints {
    /// Reads those of the distributions in these directories. What cannot be read offers nothing.
    pub fn read(path: &[PathBuf]) -> Self {
        let mut all = Self::default();
        let directories = path.iter().filter_map(|directory| std::fs::read_dir(directory).ok());
        for entry in directories.flatten().flatten() {
            let folder = entry.path();
            let suffix = folder.extension().and_then(|suffix| suffix.to_str());
            if matches!(suffix, Some("dist-info" | "egg-info"))
                && let Ok(text) = std::fs::read_to_string(folder.join("entry_points.txt"))
            {
                all.add(&text);
            }
        }
        all
    }

    fn add(&mut self, text: &str) {
        let mut group = None;
        for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])) {
            if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                group = Some(name.trim()).filter(|name| !SCRIPTS.contains(name));
            } else if let (Some(group), Some((_, value))) = (group, line.split_once('=')) {
                let module = value.split([':', '[']).next().unwrap_or_default().trim();
                if !module.is_empty() {
                    self.0.entry(group.to_owned()).or_default().insert(module.to_owned());
                }
            }
        }
    }

    /// The modules of a group.
    pub fn of_group(&self, group: &str) -> impl Iterator<Item = &str> {
        self.0.get(group).into_iter().flatten().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_modules_of_groups_and_leaves_scripts_out() {
        let mut all = EntryPoints::default();
        all.add("# comment\n[console_scripts]\na = script:main\n\n[x.themes]\nb = pkg.b\nc=pkg.c:C.d [extra]\nodd\n");
        all.add("[x.themes]\nb = other.b\n");
        assert_eq!(all.of_group("x.themes").collect::<Vec<_>>(), ["other.b", "pkg.b", "pkg.c"]);
        assert_eq!(all.of_group("console_scripts").count(), 0);
    }
}
