//! A project's own options: the table `[tool.snapfreeze]` of its pyproject.toml.
//!
//! In: the file and the command line's definition. Out: a [`Configuration`]: options as if they were written on the
//! command line, which is read after them. Keys are the options' names, so that there is one list of them and one reader
//! of their values. What must hold: nothing in the table is passed over. Paths are relative to the file's directory.

use std::ffi::OsString;
use std::ops::Range;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, Command};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Options of the command line that say how it is used, not what is built.
const NOT_OF_A_PROJECT: [&str; 8] =
    ["color", "config", "help", "jobs", "no-config", "quiet", "verbose", "version"];

/// Options whose values are paths, with how these are written.
pub(crate) const PATHS: [(&str, Form); 6] = [
    ("add-binary", Form::Path),
    ("add-data", Form::Path),
    ("additional-hooks-dir", Form::Path),
    ("output", Form::Path),
    ("paths", Form::List),
    ("runtime-hook", Form::Path),
];

/// Keys whose values are a path where there is such a file, and something else otherwise.
pub(crate) const PERHAPS_PATHS: [&str; 2] = ["entry", "python"];

/// How a value begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// With a path.
    Path,
    /// With paths, colons between.
    List,
}

/// Why a project's options cannot be used.
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
    /// The file has no table of ours, and the user names it.
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
}

/// What is wrong in a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// No TOML.
    #[error("{0}")]
    Syntax(String),
    /// No such option.
    #[error("[tool.snapfreeze] has no key {key}")]
    Unknown {
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
    #[error("[tool.snapfreeze] has both entry and module: a program is one of them")]
    TwoPrograms,
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
            Self::Wrong { problem: Problem::Unknown { key, .. }, .. }
                if NOT_OF_A_PROJECT.contains(&key.as_str()) =>
            {
                Some(format!("--{key} is for the command line: it says nothing of the project"))
            }
            Self::Wrong { problem: Problem::Unknown { nearest: Some(nearest), .. }, .. } => {
                Some(format!("the nearest one is {nearest}"))
            }
            Self::Wrong { problem: Problem::Unknown { .. }, .. } => {
                Some("`snapfreeze build --help` lists the options; keys have the same names".into())
            }
            _ => None,
        }
    }
}

/// The options of a project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Configuration {
    /// The file.
    pub path: PathBuf,
    /// The program: what would be the positional argument.
    pub entry: Option<PathBuf>,
    /// The program as a module.
    pub module: Option<String>,
    /// All other options: name without dashes, value; a flag has none.
    options: Vec<(String, Option<OsString>)>,
}

impl Configuration {
    /// Reads a file. None if it has no table of ours. `command` is the command that builds.
    ///
    /// # Errors
    /// When it cannot be read, is no TOML, or has a key or value that `command` does not take.
    pub fn read(path: &Path, command: &Command) -> Result<Option<Self>, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        let directory = path.parent().unwrap_or(Path::new(""));
        let parsed = Self::parse(&text, directory, command);
        let parsed = parsed.map(|found| found.map(|found| Self { path: path.to_owned(), ..found }));
        parsed.map_err(|(at, problem)| {
            let line = text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1;
            ConfigError::Wrong { path: path.to_owned(), line, problem }
        })
    }

    /// As [`Configuration::read`]; errors are at this byte.
    fn parse(text: &str, directory: &Path, command: &Command) -> Result<Option<Self>, (usize, Problem)> {
        let document = DeTable::parse(text).map_err(|error| {
            (error.span().map_or(0, |span: Range<usize>| span.start), Problem::Syntax(error.message().into()))
        })?;
        let Some(tool) = document.get_ref().get("tool") else { return Ok(None) };
        let Some(table) = tool.get_ref().get("snapfreeze") else { return Ok(None) };
        let wrong_type = |key: &str, expected, value: &Spanned<DeValue>| {
            let found = described(value.get_ref());
            (value.span().start, Problem::Type { key: key.into(), expected, found })
        };
        let Some(entries) = table.get_ref().as_table() else {
            return Err(wrong_type("tool.snapfreeze", "a table", table));
        };
        let mut configuration = Self::default();
        for (key, value) in entries {
            let (name, at) = (key.get_ref().as_ref(), value.span().start);
            let string = |value: &Spanned<DeValue>, expected| match value.get_ref() {
                DeValue::String(text) => Ok(text.clone().into_owned()),
                _ => Err(wrong_type(name, expected, value)),
            };
            if name == "entry" {
                let text = string(value, "a string")?;
                configuration.entry = Some(absolute(name, &text, directory).into());
                continue;
            }
            let Some(option) = option_named(command, name) else {
                let unknown = Problem::Unknown { key: name.to_owned(), nearest: nearest(command, name) };
                return Err((key.span().start, unknown));
            };
            let mut values = Vec::new();
            match (option.get_action(), value.get_ref()) {
                (ArgAction::SetTrue, DeValue::Boolean(true)) => {
                    configuration.options.push((name.to_owned(), None));
                }
                (ArgAction::SetTrue, DeValue::Boolean(false)) => {}
                (ArgAction::SetTrue, _) => return Err(wrong_type(name, "true or false", value)),
                (ArgAction::Append, DeValue::Array(elements)) => {
                    for element in elements {
                        let DeValue::String(text) = element.get_ref() else {
                            let found = described(element.get_ref());
                            return Err((element.span().start, Problem::Element { key: name.into(), found }));
                        };
                        values.push((text.clone().into_owned(), element.span().start));
                    }
                }
                (ArgAction::Append, _) => return Err(wrong_type(name, "an array of strings", value)),
                (_, DeValue::Integer(number)) if name == "optimize" => {
                    values.push((number.as_str().to_owned(), at));
                }
                _ if name == "optimize" => return Err(wrong_type(name, "0, 1 or 2", value)),
                _ => values.push((string(value, "a string")?, at)),
            }
            for (text, at) in values {
                let value = absolute(name, &text, directory);
                check(command, name, &value).map_err(|reason| {
                    (at, Problem::Value { key: name.to_owned(), value: text.clone(), reason })
                })?;
                configuration.options.push((name.to_owned(), Some(value)));
            }
        }
        configuration.module = configuration.take_module();
        if configuration.entry.is_some() && configuration.module.is_some() {
            return Err((table.span().start, Problem::TwoPrograms));
        }
        Ok(Some(configuration))
    }

    fn take_module(&mut self) -> Option<String> {
        let at = self.options.iter().position(|(name, _)| name == "module")?;
        self.options.remove(at).1?.into_string().ok()
    }

    /// The options that a command has, as it takes them on its command line.
    pub fn arguments(&self, command: &Command) -> Vec<OsString> {
        let known = self.options.iter().filter(|(name, _)| option_named(command, name).is_some());
        let written = known.map(|(name, value)| {
            let mut argument = OsString::from(format!("--{name}"));
            if let Some(value) = value {
                argument.push("=");
                argument.push(value);
            }
            argument
        });
        written.collect()
    }
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

/// The options that may be keys.
pub(crate) fn options(command: &Command) -> impl Iterator<Item = (&str, &Arg)> {
    let named = command.get_arguments().filter_map(|option| Some((option.get_long()?, option)));
    named.filter(|(name, _)| !NOT_OF_A_PROJECT.contains(name))
}

fn option_named<'a>(command: &'a Command, name: &str) -> Option<&'a Arg> {
    options(command).find(|(long, _)| *long == name).map(|(_, option)| option)
}

fn nearest(command: &Command, name: &str) -> Option<String> {
    let known = options(command).map(|(long, _)| long).chain(["entry"]);
    let distances = known.map(|known| (strsim::damerau_levenshtein(known, name), known));
    let (distance, nearest) = distances.min()?;
    (distance <= nearest.len().max(name.len()) / 2).then(|| nearest.to_owned())
}

/// A value whose paths are below the file's directory.
fn absolute(name: &str, text: &str, directory: &Path) -> OsString {
    if PERHAPS_PATHS.contains(&name) {
        let path = directory.join(text);
        // A script that is not there is missed where it would be.
        return if path.exists() || name == "entry" && text.ends_with(".py") {
            path.into()
        } else {
            text.into()
        };
    }
    match PATHS.iter().find(|(option, _)| *option == name) {
        Some((_, Form::Path)) => directory.join(text).into(),
        Some((_, Form::List)) => {
            let paths = text.split(':').filter(|path| !path.is_empty()).map(|path| directory.join(path));
            paths.map(PathBuf::into_os_string).collect::<Vec<_>>().join(std::ffi::OsStr::new(":"))
        }
        None => text.into(),
    }
}

/// Whether an option takes a value; if not, why.
fn check(command: &Command, name: &str, value: &std::ffi::OsStr) -> Result<(), String> {
    let mut argument = OsString::from(format!("--{name}="));
    argument.push(value);
    let parsed = command.clone().try_get_matches_from([OsString::from(command.get_name()), argument]);
    let Err(error) = parsed else { return Ok(()) };
    Err(std::error::Error::source(&error)
        .map_or_else(|| without_prefix(&error.to_string()), ToString::to_string))
}

/// The first paragraph of a message, on one line.
fn without_prefix(message: &str) -> String {
    let message = message.strip_prefix("error: ").unwrap_or(message);
    let lines: Vec<&str> = message.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
    lines.join(" ")
}

fn described(value: &DeValue) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}
