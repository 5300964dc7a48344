//! The virtual environment that the command itself is installed in, as pip does.
//!
//! Who calls `.../bin/snapfreeze` of an environment that is not activated means that environment. Installers of tools
//! make environments too, which hold the tool and nothing to freeze, and put the command, or its directory, on PATH:
//! theirs are passed by.

use std::path::{Path, PathBuf};

/// What uv and pipx leave at the top of an environment that they make for a tool.
const TOOL_MARKS: &[&str] = &["uv-receipt.toml", "pipx_metadata.json"];

/// Beginnings of directories' names in which uv's cache has the environments of `uvx`.
const UV_CACHES: &[&str] = &["archive-v", "environments-v"];

/// What is at the top of a cache (<https://bford.info/cachedir/>).
const CACHE_MARK: &str = "CACHEDIR.TAG";

/// The environment of a command.
#[derive(Debug, PartialEq, Eq)]
pub enum OwnEnvironment {
    /// One that somebody has made to work in: its top directory.
    Working(PathBuf),
    /// One that is there for the command only.
    Tool(PathBuf),
}

impl OwnEnvironment {
    /// Looks where a command is: `command` is its path, with links resolved.
    pub fn of(command: &Path) -> Option<Self> {
        let bin = command.parent().filter(|bin| bin.ends_with("bin"))?;
        let top = bin.parent()?.to_owned();
        if !top.join("pyvenv.cfg").is_file() {
            return None;
        }
        let is_tool = TOOL_MARKS.iter().any(|mark| top.join(mark).exists()) || is_cached(&top);
        Some(if is_tool { Self::Tool(top) } else { Self::Working(top) })
    }

    /// The interpreter to freeze for, if nothing else is asked for.
    pub fn python(&self) -> Option<PathBuf> {
        match self {
            Self::Working(top) => Some(top.join("bin/python")),
            Self::Tool(_) => None,
        }
    }

    /// Whether an interpreter that was found is there for the command only.
    pub fn hides(&self, python: &Path) -> bool {
        matches!(self, Self::Tool(top) if python.starts_with(top))
    }
}

/// Whether an environment is one of those that `uvx` keeps in uv's cache: `CACHE/archive-v0/HASH`.
fn is_cached(top: &Path) -> bool {
    let Some(shelf) = top.parent() else { return false };
    let name = shelf.file_name().unwrap_or_default().to_string_lossy();
    let is_tagged = || shelf.parent().is_some_and(|cache| cache.join(CACHE_MARK).exists());
    UV_CACHES.iter().any(|start| name.starts_with(start)) && is_tagged()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(top: &Path) -> Option<OwnEnvironment> {
        std::fs::create_dir_all(top.join("bin")).unwrap();
        std::fs::write(top.join("pyvenv.cfg"), "home = /usr/bin\n").unwrap();
        OwnEnvironment::of(&top.join("bin/snapfreeze"))
    }

    #[test]
    fn an_environment_that_somebody_made_is_meant() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().join("my env");
        let found = environment(&top).unwrap();
        assert_eq!(found.python(), Some(top.join("bin/python")));
        assert!(!found.hides(&top.join("bin/python3")));
    }

    #[test]
    fn environments_of_tools_are_passed_by() {
        let folder = tempfile::tempdir().unwrap();
        for mark in TOOL_MARKS {
            let top = folder.path().join(mark);
            std::fs::create_dir_all(&top).unwrap();
            std::fs::write(top.join(mark), "").unwrap();
            let found = environment(&top).unwrap();
            assert_eq!(found.python(), None, "{mark}");
            assert!(found.hides(&top.join("bin/python3")));
            assert!(!found.hides(&folder.path().join("bin/python3")));
        }
    }

    #[test]
    fn what_uvx_has_in_its_cache_is_a_tools() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().join("archive-v0/Hash");
        assert!(matches!(environment(&top), Some(OwnEnvironment::Working(_))));
        std::fs::write(folder.path().join(CACHE_MARK), "").unwrap();
        assert!(matches!(environment(&top), Some(OwnEnvironment::Tool(_))));
    }

    #[test]
    fn a_command_outside_of_environments_has_none() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(OwnEnvironment::of(&folder.path().join("bin/snapfreeze")), None);
        assert_eq!(OwnEnvironment::of(Path::new("/")), None);
        assert_eq!(OwnEnvironment::of(Path::new("snapfreeze")), None);
    }
}
