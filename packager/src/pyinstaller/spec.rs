//! Reading a specification: a `.spec` file is a program in Python, so the target interpreter runs it, with classes that
//! write down what they are given (`packager/python/hooks/PyInstaller/_spec.py`). PyInstaller is not needed.
//!
//! In: the file. Out: a [`Specification`]: what each of its executables is made of, with absolute paths.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::pyproject::WriteError;
use crate::hooks::{HookError, run_specification};
use crate::probe::PythonFacts;

/// What a specification says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Specification {
    /// Its executables, in its order.
    pub programs: Vec<SpecifiedProgram>,
    /// What concerns none of them alone and is not carried over.
    pub notes: Vec<String>,
}

/// An executable of a specification. Paths are absolute, names of directories in the program relative to its root.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct SpecifiedProgram {
    /// Its name.
    pub name: String,
    /// The script that it runs.
    pub script: Option<PathBuf>,
    /// Whether it is a directory.
    pub onedir: bool,
    /// The level of optimisation, 0 to 2.
    pub optimize: u8,
    /// Whether sources of modules are wanted.
    pub with_source: bool,
    /// Where modules are looked for, too.
    pub paths: Vec<PathBuf>,
    /// Modules that no import shows.
    pub hidden_imports: Vec<String>,
    /// Modules that are left out.
    pub excluded: Vec<String>,
    /// What runs before it.
    pub runtime_hooks: Vec<PathBuf>,
    /// Directories of hooks.
    pub hook_directories: Vec<PathBuf>,
    /// Files, directories or patterns, and where they go.
    pub datas: Vec<(PathBuf, String)>,
    /// The same for shared libraries.
    pub binaries: Vec<(PathBuf, String)>,
    /// Options that take a package, with the package: what calls of `collect_…` and `copy_metadata` stand for.
    pub wishes: Vec<(String, String)>,
    /// Settings of the executable that are not the usual ones, by their names in the specification.
    pub settings: Vec<(String, String)>,
    /// Options of the interpreter.
    pub options: Vec<String>,
    /// What else is not carried over.
    pub notes: Vec<String>,
}

/// Why there is nothing to import.
#[derive(Debug, thiserror::Error)]
pub enum SpecError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It ends with an exception.
    #[error("{path}{}: {message}", line.map(|line| format!(":{line}")).unwrap_or_default(), path = path.display())]
    Failed {
        /// The file.
        path: PathBuf,
        /// The line, from 1, where that is known.
        line: Option<u32>,
        /// The exception.
        message: String,
    },
    /// It has no program.
    #[error("{path} specifies no program: it has neither Analysis nor EXE", path = path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The interpreter does not answer.
    #[error(transparent)]
    Interpreter(#[from] HookError),
    /// The options cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl SpecError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Read { .. } => Some("name a .spec file that is there and readable".into()),
            Self::Interpreter(_) => Some("name another interpreter with --python".into()),
            Self::Failed { .. } => Some(
                "it is run as a program, in the interpreter that --python names; arguments for it follow `--`".into(),
            ),
            Self::Empty { .. } => Some("name a .spec file that PyInstaller would build".into()),
            Self::Write(error) => Some(error.hint().to_owned()),
        }
    }
}

/// What the interpreter answers: one of the two.
#[derive(Deserialize)]
#[serde(untagged)]
enum Answer {
    Said(Specification),
    Failed { error: Failure },
}

#[derive(Deserialize)]
struct Failure {
    line: Option<u32>,
    message: String,
}

/// Runs a specification. `arguments` are in its `sys.argv`.
///
/// # Errors
/// When it cannot be read, fails, or specifies nothing.
pub fn read(path: &Path, arguments: &[String], facts: &PythonFacts) -> Result<Specification, SpecError> {
    let unreadable = |source| SpecError::Read { path: path.to_owned(), source };
    std::fs::File::open(path).and_then(|file| file.metadata()).map_err(unreadable).and_then(|metadata| {
        let kind = std::io::ErrorKind::IsADirectory;
        if metadata.is_dir() { Err(unreadable(kind.into())) } else { Ok(()) }
    })?;
    let absolute = std::path::absolute(path).map_err(unreadable)?;
    let failed = |line, message| SpecError::Failed { path: path.to_owned(), line, message };
    match run_specification(facts, &absolute, arguments)? {
        Ok(Answer::Said(specification)) if specification.programs.is_empty() => {
            Err(SpecError::Empty { path: path.to_owned() })
        }
        Ok(Answer::Said(specification)) => Ok(specification),
        Ok(Answer::Failed { error }) => Err(failed(error.line, error.message)),
        Err(reason) => Err(failed(None, reason)),
    }
}
