//! Why a project's options cannot be used, and what to do about it.

use std::path::PathBuf;

use super::options::{NOT_OF_A_PROJECT, nearest_of};

/// Why a project's options or programs cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file has nothing of ours, and the user names it.
    #[error("{path} has no table [tool.snapfreeze]", path = path.display())]
    NoTable {
        /// The file.
        path: PathBuf,
    },
    /// Something in it is wrong.
    #[error("{path}:{line}: {problem}", path = path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What.
        problem: Problem,
    },
    /// A variable of the environment has a value that its option does not take.
    #[error("{variable} cannot be {value:?}: {reason}")]
    Variable {
        /// The variable.
        variable: String,
        /// The value, or an element of it.
        value: String,
        /// Why not.
        reason: String,
    },
    /// The project has no program of this name.
    #[error("{path} has no program {name}", path = path.display())]
    NoProgram {
        /// The file.
        path: PathBuf,
        /// The name.
        name: String,
        /// The programs that it has.
        known: Vec<String>,
    },
    /// There is no project whose program could be meant.
    #[error("there is no pyproject.toml here or above that has a program {name}")]
    NoProject {
        /// The name.
        name: String,
    },
    /// One program is needed, and the project has several.
    #[error("{path} has {count} programs: {names}", path = path.display(), count = names.len(), names = names.join(", "))]
    Several {
        /// The file.
        path: PathBuf,
        /// Their names.
        names: Vec<String>,
        /// The command that takes one.
        command: &'static str,
    },
    /// One file is named for several programs.
    #[error("{option} names one file, and there are {count} programs: {names}", count = names.len(), names = names.join(", "))]
    OneOutput {
        /// The option that names it.
        option: &'static str,
        /// Their names.
        names: Vec<String>,
    },
}

/// What is wrong in a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// No TOML.
    #[error("{0}")]
    Syntax(String),
    /// No such option.
    #[error("{table} has no key {key}")]
    Unknown {
        /// The table.
        table: &'static str,
        /// The key.
        key: String,
        /// The known one that is most like it.
        nearest: Option<String>,
    },
    /// A value of another type.
    #[error("{key} is {expected}, not {found}")]
    Type {
        /// The key.
        key: String,
        /// What is expected.
        expected: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// An element of another type.
    #[error("{key} is an array of strings: {found} is none")]
    Element {
        /// The key.
        key: String,
        /// What is there.
        found: &'static str,
    },
    /// The program is both a path and a module.
    #[error("{table} has both entry and module: a program is one of them")]
    TwoPrograms {
        /// The table.
        table: &'static str,
    },
    /// The table names a program, and so do tables in it.
    #[error("[tool.snapfreeze] has both {key} and [[tool.snapfreeze.bin]]")]
    ProgramBesideBins {
        /// `entry`, `module` or `name`.
        key: &'static str,
    },
    /// A program that runs nothing.
    #[error("the program {0} has neither entry nor module, and is none of [project.scripts]")]
    RunsNothing(String),
    /// A program without a name that could be taken from what it runs.
    #[error("this program has neither name, entry nor module")]
    Nameless,
    /// Two programs of one name.
    #[error("there are two programs named {0}")]
    SameName(String),
    /// A name that no file can have.
    #[error("{0:?} cannot be the name of a program: it is the name of its file")]
    NotAFileName(String),
    /// A script that is no `module:function`.
    #[error("the script {name} is {value:?}: module:function is expected")]
    Script {
        /// Its name.
        name: String,
        /// What it is.
        value: String,
    },
    /// One output for no program, or for several.
    #[error("output is the file of one program, and there {}", match .0 { 0 => "is none here".to_owned(), count => format!("are {count}") })]
    OutputOfMany(usize),
    /// A table for later.
    #[error("[tool.snapfreeze.target] is reserved: options for each target are not supported yet")]
    Reserved,
    /// A value that the option does not take.
    #[error("{key} cannot be {value:?}: {reason}")]
    Value {
        /// The key.
        key: String,
        /// The value.
        value: String,
        /// Why not.
        reason: String,
    },
}

impl ConfigError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Wrong { problem, .. } => problem.hint(),
            Self::NoProgram { name, known, .. } => {
                Some(match nearest_of(known.iter().map(String::as_str), name) {
                    Some(nearest) => format!("there is {nearest}"),
                    None if known.is_empty() => {
                        "name it in [project.scripts], or in a table [[tool.snapfreeze.bin]]".into()
                    }
                    None => {
                        format!("there {} {}", if known.len() == 1 { "is" } else { "are" }, known.join(", "))
                    }
                })
            }
            Self::NoProject { .. } => {
                Some("call it in the project's directory, or name the program's file".into())
            }
            Self::Several { names, command, .. } => {
                Some(format!("name one: `snapfreeze {command} --bin {}`", names.first()?))
            }
            Self::OneOutput { names, .. } => Some(format!(
                "name a directory with --output-dir, or one program: `--bin {}`",
                names.first()?
            )),
            Self::Read { .. } | Self::NoTable { .. } => {
                Some("name another file with --config, or take no options from any with --no-config".into())
            }
            Self::Variable { variable, .. } => {
                Some(format!("give {variable} another value, or take it out of the environment"))
            }
        }
    }
}

impl Problem {
    fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Unknown { key, .. } if NOT_OF_A_PROJECT.contains(&key.as_str()) => {
                return Some(format!("--{key} is for the command line: it says nothing of the project"));
            }
            Self::Unknown { nearest: Some(nearest), .. } => {
                return Some(format!("the nearest one is {nearest}"));
            }
            Self::Unknown { .. } => "`snapfreeze build --help` lists the options; keys have the same names",
            Self::ProgramBesideBins { .. } => "give this program a table [[tool.snapfreeze.bin]] of its own",
            Self::RunsNothing(_) => {
                "say `entry = \"FILE.py\"`, `entry = \"module:function\"` or `module = \"MODULE\"`"
            }
            Self::SameName(_) => "give one of them another `name`",
            Self::Script { .. } => "name the function as well: `package.module:function`",
            Self::OutputOfMany(0) => {
                "name the program with `entry`, or say `output-dir`, which holds for every program"
            }
            Self::OutputOfMany(_) => {
                "say `output-dir`, or put it into the program's own [[tool.snapfreeze.bin]]"
            }
            Self::Syntax(_) => "the file is TOML, as described at https://toml.io",
            _ => "`snapfreeze build --help` says what each option takes; keys have the same names",
        };
        Some(text.to_owned())
    }
}
