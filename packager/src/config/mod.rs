//! A project's own options and programs: the table `[tool.snapfreeze]` of its pyproject.toml, and `[project.scripts]`.
//!
//! In: the file and the command line's definition. Out: a [`Configuration`]: options as if they were written on the
//! command line, which is read after them, and the project's programs. Keys are the options' names, so that there is one
//! list of them ([`options`]) and one reader of their values. What must hold: nothing in the table is passed over
//! ([`parse`]). Paths are relative to the file's directory. Programs that the table does not name are the scripts that an
//! installer would make ([`scripts`]). [`keys`] is the list of keys for people. The environment has options, too ([`environment`]): they come between
//! the file and the command line.

mod environment;
mod error;
mod keys;
mod options;
mod parse;
mod scripts;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Command;

use crate::entry::{Entry, EntryError};
pub(crate) use environment::settings as environment_settings;
pub use environment::variable;
pub use error::{ConfigError, Problem};
pub use keys::{Key, Kind, keys};
pub(crate) use options::arguments;
#[cfg(test)]
pub(crate) use options::{PATHS, PERHAPS_PATHS, options};

/// The options and programs of a project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Configuration {
    /// The file.
    pub path: PathBuf,
    /// Whether it has the table.
    pub has_table: bool,
    /// The project's programs: those of the table in its order, else the scripts by name.
    pub programs: Vec<Program>,
    /// Options that hold for every program, also for one that the project does not name.
    settings: Vec<Setting>,
    /// Why the scripts cannot be read, where they are the programs.
    broken_scripts: Option<(usize, Problem)>,
}

/// A program of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Its name, which is that of the executable.
    pub name: String,
    /// What it runs.
    pub runs: Runs,
    /// Its own options.
    settings: Vec<Setting>,
}

/// What a program runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Runs {
    /// `entry`: what would be the positional argument.
    Entry(PathBuf),
    /// `module`: what would follow `-m`.
    Module(String),
}

/// An option with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting {
    /// The option's name without dashes.
    pub name: String,
    /// What it is set to.
    pub value: SetTo,
}

/// What an option is set to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SetTo {
    /// A switch, on or off.
    Switch(bool),
    /// A value, or one element of a list.
    Value(OsString),
}

impl Configuration {
    /// Reads the project's options. `command` has them all.
    ///
    /// # Errors
    /// When the file cannot be read, is no TOML, or its table has an unknown key or a wrong value.
    pub fn read(path: &Path, command: &Command) -> Result<Self, ConfigError> {
        let read = std::fs::read_to_string(path);
        let text = read.map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        let directory = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let directory = directory.parent().unwrap_or(Path::new("/"));
        let parsed = parse::parse(&text, directory, command);
        let mut read = parsed.map_err(|(at, problem)| wrong(path, &text, at, problem))?;
        if let Some((at, _)) = &mut read.broken_scripts {
            *at = line_at(&text, *at);
        }
        Ok(Self { path: path.to_owned(), ..read })
    }

    /// The directory of the file, absolute.
    pub fn directory(&self) -> PathBuf {
        let path = std::path::absolute(&self.path).unwrap_or_else(|_| self.path.clone());
        path.parent().map(Path::to_owned).unwrap_or_default()
    }

    /// The project's programs, for who asks for all of them.
    ///
    /// # Errors
    /// When the scripts that are the programs cannot be read.
    pub fn all_programs(&self) -> Result<&[Program], ConfigError> {
        match &self.broken_scripts {
            Some((line, problem)) => {
                Err(ConfigError::Wrong { path: self.path.clone(), line: *line, problem: problem.clone() })
            }
            None => Ok(&self.programs),
        }
    }

    /// The program of this name.
    ///
    /// # Errors
    /// When there is none.
    pub fn program(&self, name: &str) -> Result<&Program, ConfigError> {
        let programs = self.all_programs()?;
        programs.iter().find(|program| program.name == name).ok_or_else(|| ConfigError::NoProgram {
            path: self.path.clone(),
            name: name.to_owned(),
            known: programs.iter().map(|program| program.name.clone()).collect(),
        })
    }

    /// What is set for all programs, and then what is for one.
    pub(crate) fn settings(&self, program: Option<&Program>) -> Vec<Setting> {
        let own = program.map(|program| program.settings.as_slice()).unwrap_or_default();
        self.settings.iter().chain(own).cloned().collect()
    }

    /// What a program of the project runs. A module is looked for in the directory that the project's sources are in.
    ///
    /// # Errors
    /// When there is no such program.
    pub fn entry(&self, program: &Program) -> Result<Entry, EntryError> {
        let entry = match &program.runs {
            Runs::Entry(path) => Entry::from_argument(path)?,
            Runs::Module(name) => Entry::from_module(name)?,
        };
        let directory = entry.module().map(|module| scripts::source_directory(&self.path, module));
        Ok(match directory {
            Some(directory) => entry.within(&directory),
            None => entry,
        })
    }
}

/// The line of `[tool.snapfreeze]`, or of what is below it, in the text of a file; none where it is not there.
///
/// # Errors
/// When the text is no TOML.
pub fn line_of_table(path: &Path, text: &str) -> Result<Option<usize>, ConfigError> {
    let at = parse::place_of_table(text).map_err(|(at, problem)| wrong(path, text, at, problem))?;
    Ok(at.map(|at| line_at(text, at)))
}

fn wrong(path: &Path, text: &str, at: usize, problem: Problem) -> ConfigError {
    ConfigError::Wrong { path: path.to_owned(), line: line_at(text, at), problem }
}

/// The line of a byte, from 1.
fn line_at(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

/// The pyproject.toml of the project that a directory belongs to: the nearest one, in it or above, but none outside of
/// a repository that the directory is in.
pub fn find(directory: &Path) -> Option<PathBuf> {
    for directory in directory.ancestors() {
        let file = directory.join("pyproject.toml");
        if file.is_file() {
            return Some(file);
        }
        if [".git", ".hg"].iter().any(|repository| directory.join(repository).exists()) {
            return None;
        }
    }
    None
}
