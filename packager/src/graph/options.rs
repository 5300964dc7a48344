//! What options say of the graph: what is left out, where else modules are looked for, what runs before the program.
//!
//! An excluded name and all below it never join: [`Builder::ensure`] asks here. Who imports one is noted, so that it can
//! be said. A runtime hook is a module of the program with a name of ours, which nobody imports.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::build::{Builder, GraphError, MAIN};
use super::shared::Shared;
use super::{Given, LeaveReason, LeftEdge, LeftOut, Module, ModuleKind, Origin, Rule, roots};
use crate::request::{FollowOptional, HookOptions};

/// Begins the names of runtime hooks' modules; a number of four digits follows. The runtime knows them by it.
pub const RUNTIME_HOOK: &str = "_snapfreeze_runtime_hook_";

/// Directory of the tree with the files of runtime hooks.
const DIRECTORY: &str = "_snapfreeze_runtime_hooks";

/// Codecs without which no start of CPython gets to the program.
const CODECS: [&str; 3] = ["encodings.aliases", "encodings.latin_1", "encodings.utf_8"];

/// A module that the user asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// Dotted name.
    pub name: String,
    /// Whether all modules below it are wanted, too.
    pub with_submodules: bool,
    /// Who asks.
    pub given: Given,
}

impl Root {
    /// The same, with all modules below it.
    pub fn with_submodules(self) -> Self {
        Self { with_submodules: true, ..self }
    }
}

/// What options say of the graph.
#[derive(Debug, Clone, Copy, Default)]
pub struct GraphOptions<'a> {
    /// Modules that are left out, with all below them.
    pub excluded: &'a [String],
    /// Directories in which modules are looked for after the program's own.
    pub paths: &'a [PathBuf],
    /// Python files that run before the program, in this order.
    pub runtime_hooks: &'a [PathBuf],
    /// Hooks written for PyInstaller, if any are wanted.
    pub hooks: Option<&'a HookOptions>,
    /// Which optional imports are followed though nothing declares them.
    pub follow_optional: Option<&'a FollowOptional>,
    /// What other programs of the same build know of files.
    pub shared: Option<&'a Shared>,
}

impl GraphOptions<'_> {
    /// The excluded name that stands for a module: its own, or that of a package above.
    pub fn excluding(&self, name: &str) -> Option<&str> {
        let is_at_or_above = |excluded: &&String| {
            name.strip_prefix(excluded.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.excluded.iter().find(is_at_or_above).map(String::as_str)
    }

    /// The directories of `--paths`, and the ZIP files, absolute.
    ///
    /// # Errors
    /// When one is not there, or is another file.
    pub fn directories(&self) -> Result<Vec<PathBuf>, GraphError> {
        let absolute = |path: &PathBuf| {
            let found = std::path::absolute(path).ok().filter(|path| path.is_dir() || is_zip(path));
            found.ok_or_else(|| GraphError::NoDirectory { path: path.clone() })
        };
        self.paths.iter().map(absolute).collect()
    }
}

/// Whether a file may be a ZIP file with modules. One may begin as a script does.
fn is_zip(path: &Path) -> bool {
    let mut start = [0; 2];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && matches!(&start, b"PK" | b"#!")
}

impl Builder<'_> {
    /// Refuses options that exclude what every start needs, and says which exclude what cannot be left out.
    pub(super) fn check_excluded(&mut self) -> Result<(), GraphError> {
        let options = self.request.options;
        for needed in roots::IMPORTED_BY_START.iter().chain(&CODECS).chain(&[MAIN]) {
            if let Some(excluded) = options.excluding(needed) {
                let (excluded, needed) = (excluded.to_owned(), (*needed).to_owned());
                return Err(GraphError::ExcludedStart { excluded, needed });
            }
        }
        let facts = self.request.facts;
        for excluded in options.excluded {
            if facts.builtins.iter().chain(&facts.frozen).any(|built_in| built_in == excluded) {
                let warning = format!("{excluded} is part of the interpreter itself and cannot be excluded");
                self.graph.warnings.push(warning);
            }
        }
        Ok(())
    }

    /// Whether a name is excluded by an option.
    pub(super) fn is_excluded(&self, name: &str) -> bool {
        self.request.options.excluding(name).is_some()
    }

    /// Notes that a module is not followed because it is excluded. Returns whether it is.
    pub(super) fn note_excluded(&mut self, from: &str, to: &str, rule: Rule, line: u32) -> bool {
        let Some(excluded) = self.request.options.excluding(to) else { return false };
        let reason = LeaveReason::Excluded { name: excluded.to_owned() };
        let left = self.graph.left_out.entry(to.to_owned());
        let edges = &mut left.or_insert(LeftOut { reason, edges: Vec::new() }).edges;
        let edge = LeftEdge { from: from.to_owned(), line, rule };
        if let Err(at) = edges.binary_search(&edge) {
            edges.insert(at, edge);
        }
        true
    }

    /// Adds the files that run before the program.
    pub(super) fn add_runtime_hooks(&mut self) -> Result<(), GraphError> {
        let mut names: Vec<String> = Vec::new();
        for (number, path) in self.request.options.runtime_hooks.iter().enumerate() {
            let text =
                std::fs::read(path).map_err(|source| GraphError::Read { path: path.clone(), source })?;
            let own = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            // Two hooks may have one name.
            let file = if names.contains(&own) {
                format!("{DIRECTORY}_{number}/{own}")
            } else {
                format!("{DIRECTORY}/{own}")
            };
            let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            self.add_runtime_hook(&format!("{RUNTIME_HOOK}{number:04}"), &path, text, file);
            names.push(own);
        }
        Ok(())
    }

    fn add_runtime_hook(&mut self, name: &str, path: &Path, text: Vec<u8>, file: String) {
        let kind = ModuleKind::Source { path: Some(path.to_owned()), text: text.into() };
        let (origin, is_package) = (Origin::Own, false);
        self.add(name, Module { kind, origin, file, is_package, directories: vec![], edges: vec![] });
        let shown = path.file_name().unwrap_or_default().to_string_lossy();
        self.give(name, Given::Option(format!("--runtime-hook {shown}")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_excludes_itself_and_what_is_below() {
        let excluded = ["a.b".to_owned(), "c".to_owned()];
        let options = GraphOptions { excluded: &excluded, ..GraphOptions::default() };
        for name in ["a.b", "a.b.c", "a.b.c.d"] {
            assert_eq!(options.excluding(name), Some("a.b"), "{name}");
        }
        assert_eq!(options.excluding("c.d"), Some("c"));
        for name in ["a", "a.bc", "a.c", "b", "cd", "x.a.b"] {
            assert_eq!(options.excluding(name), None, "{name}");
        }
    }
}
