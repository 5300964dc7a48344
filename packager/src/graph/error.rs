//! Why there is no graph.

use std::path::PathBuf;

use super::external::ExternalError;
use crate::hooks::HookError;

/// Why there is no graph.
#[derive(Debug, thiserror::Error)]
pub enum GraphError {
    /// The entry's file cannot be read.
    #[error("cannot read {path}: {source}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The entry's module is not there.
    #[error("there is no module {name} that {python} could import{}", asker(.option.as_deref()), python = python.display())]
    NoModule {
        /// The module.
        name: String,
        /// The option that asks for it, if it is not the entry: `--hidden-import a.b`.
        option: Option<String>,
        /// The interpreter.
        python: PathBuf,
        /// What to do about it.
        advice: String,
    },
    /// `-m package` without `__main__`.
    #[error("{name} is a package without a __main__ module, so it cannot be run")]
    NoMain {
        /// The package.
        name: String,
    },
    /// The entry is a native module.
    #[error("{name} is an extension module: it has no code that could be run as a program")]
    NotCode {
        /// The module.
        name: String,
    },
    /// A module is asked for and excluded.
    #[error("{name} is asked for, and excluded by --exclude-module {excluded}")]
    Excluded {
        /// The module.
        name: String,
        /// The name that is excluded.
        excluded: String,
    },
    /// A module is excluded that every program needs.
    #[error("--exclude-module {excluded}: no Python program starts without {needed}")]
    ExcludedStart {
        /// The name that is excluded.
        excluded: String,
        /// The module.
        needed: String,
    },
    /// A directory of modules is not there.
    #[error("there is no directory {path}, which --paths names", path = path.display())]
    NoDirectory {
        /// The directory.
        path: PathBuf,
    },
    /// The interpreter does not answer.
    #[error(transparent)]
    External(#[from] ExternalError),
    /// Hooks cannot be run.
    #[error(transparent)]
    Hooks(#[from] HookError),
    /// Threads cannot be had.
    #[error("cannot start threads: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
}

/// Which option asks for a module, in a message.
fn asker(option: Option<&str>) -> String {
    option.map(|option| format!(", which {option} asks for")).unwrap_or_default()
}

impl GraphError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        let text = match self {
            Self::NoModule { advice, .. } => return advice.clone(),
            Self::Read { .. } => "see that the file is there and readable",
            Self::NoMain { .. } => "name a function to run: `module:function`",
            Self::NotCode { .. } => "name a module in Python that imports it",
            Self::Excluded { .. } | Self::ExcludedStart { .. } => {
                "exclude less: a module below it, or nothing"
            }
            Self::NoDirectory { .. } => "name directories that are there, with colons between them",
            Self::Hooks(HookError::Directory { .. }) => "name a directory with files hook-MODULE.py",
            Self::External(_) | Self::Hooks(HookError::NoAnswer { .. }) => {
                "name another interpreter with --python"
            }
            Self::Threads(_) => "use fewer with --jobs",
        };
        text.to_owned()
    }
}
