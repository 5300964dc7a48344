//! The hook files of a build, by the modules they are for.
//!
//! Directories are asked in the order of their rank: the user's, those that installed packages name, the contributed
//! collection. Of two hooks for one module the first counts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::run::{HookError, ask};
use crate::probe::PythonFacts;
use crate::request::HookOptions;

/// When a hook runs, and which function of it. The names are those of the directories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HookKind {
    /// When its module has joined the graph: its variables, and `hook`.
    Hook,
    /// When its module is asked for, though nothing may be found: `pre_safe_import_module`.
    PreSafeImportModule,
    /// Before its module is looked for: `pre_find_module_path`.
    PreFindModulePath,
}

/// A hook file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct HookFile {
    /// When it runs.
    pub kind: HookKind,
    /// The module that it is for.
    pub module: String,
    /// The file.
    pub path: PathBuf,
}

impl HookFile {
    /// The file's name: what the user is told.
    pub fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }
}

/// All hook files.
#[derive(Debug, Default)]
pub struct HookFiles {
    /// By kind and module.
    files: BTreeMap<(HookKind, String), PathBuf>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

impl HookFiles {
    /// Finds those that the options name.
    ///
    /// # Errors
    /// When a directory that the user names cannot be read, or the interpreter does not answer.
    pub fn find(options: &HookOptions, facts: &PythonFacts, path: &[PathBuf]) -> Result<Self, HookError> {
        let mut all = Self::default();
        for directory in &options.directories {
            let directory = std::path::absolute(directory).unwrap_or_else(|_| directory.clone());
            all.add(&directory).map_err(|source| HookError::Directory { path: directory, source })?;
        }
        if options.installed {
            #[derive(Deserialize)]
            struct Installed {
                directories: Vec<PathBuf>,
                warnings: Vec<String>,
            }
            let installed: Installed = ask(facts, path, None)?;
            all.warnings = installed.warnings;
            for directory in installed.directories {
                if let Err(error) = all.add(&directory) {
                    all.warnings.push(format!("cannot read the hooks in {}: {error}", directory.display()));
                }
            }
        }
        Ok(all)
    }

    /// Adds the hooks of a directory and of the two below it that have a meaning.
    fn add(&mut self, directory: &Path) -> std::io::Result<()> {
        self.add_kind(HookKind::Hook, directory)?;
        for (kind, name) in [
            (HookKind::PreSafeImportModule, "pre_safe_import_module"),
            (HookKind::PreFindModulePath, "pre_find_module_path"),
        ] {
            let directory = directory.join(name);
            if directory.is_dir() {
                self.add_kind(kind, &directory)?;
            }
        }
        Ok(())
    }

    fn add_kind(&mut self, kind: HookKind, directory: &Path) -> std::io::Result<()> {
        for entry in std::fs::read_dir(directory)? {
            let entry = entry?;
            let name = entry.file_name();
            let module = name
                .to_str()
                .and_then(|name| name.strip_prefix("hook-")?.strip_suffix(".py"))
                .filter(|module| !module.is_empty());
            if let Some(module) = module {
                self.files.entry((kind, module.to_owned())).or_insert_with(|| entry.path());
            }
        }
        Ok(())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Takes the hooks out that a condition takes, in the order of kinds and modules: each runs once.
    pub fn take(&mut self, is_taken: impl Fn(HookKind, &str) -> bool) -> Vec<HookFile> {
        let taken = self.files.extract_if(.., |(kind, module), _| is_taken(*kind, module));
        taken.map(|((kind, module), path)| HookFile { kind, module, path }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_hook_of_a_module_counts_and_runs_once() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        };
        for name in [
            "a/hook-x.py",
            "a/hook-.py",
            "a/hook-y.txt",
            "a/other.py",
            "b/hook-x.py",
            "b/hook-y.z.py",
            "b/pre_safe_import_module/hook-x.py",
        ] {
            write(name);
        }
        let mut files = HookFiles::default();
        files.add(&folder.path().join("a")).unwrap();
        files.add(&folder.path().join("b")).unwrap();
        let taken = files.take(|_, module| module == "x");
        let taken: Vec<_> =
            taken.iter().map(|file| (file.kind, file.path.strip_prefix(folder.path()).unwrap())).collect();
        let expected = [
            (HookKind::Hook, Path::new("a/hook-x.py")),
            (HookKind::PreSafeImportModule, Path::new("b/pre_safe_import_module/hook-x.py")),
        ];
        assert_eq!(taken, expected);
        assert_eq!(files.take(|_, module| module == "x"), []);
        assert_eq!(files.take(|_, _| true).len(), 1);
        assert!(files.is_empty());
        assert!(files.add(&folder.path().join("none")).is_err());
    }
}
