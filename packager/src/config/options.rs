//! The options that may be keys, and their values.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, Command};

use super::{SetTo, Setting};

/// Options of the command line that say how it is used, not what is built.
pub(super) const NOT_OF_A_PROJECT: [&str; 11] =
    ["bin", "color", "config", "dry-run", "help", "jobs", "json", "no-config", "quiet", "verbose", "version"];

/// Keys of a program's table that are no options: what it runs, and its name.
pub(super) const OF_A_PROGRAM: [&str; 3] = ["entry", "module", "name"];

/// Options whose values are paths, with how these are written.
pub(crate) const PATHS: [(&str, Form); 7] = [
    ("add-binary", Form::Path),
    ("add-data", Form::Path),
    ("additional-hooks-dir", Form::Path),
    ("output", Form::Path),
    ("output-dir", Form::Path),
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

/// The options that may be keys. What the help does not show is none: it is there for who comes from elsewhere.
pub(crate) fn options(command: &Command) -> impl Iterator<Item = (&str, &Arg)> {
    let shown = command.get_arguments().filter(|option| !option.is_hide_set());
    let named = shown.filter_map(|option| Some((option.get_long()?, option)));
    named.filter(|(name, _)| !NOT_OF_A_PROJECT.contains(name) && !OF_A_PROGRAM.contains(name))
}

/// The option of this name.
pub(super) fn option_named<'a>(command: &'a Command, name: &str) -> Option<&'a Arg> {
    options(command).find(|(long, _)| *long == name).map(|(_, option)| option)
}

/// The key that is most like a wrong one.
pub(super) fn nearest(command: &Command, more: &[&'static str], name: &str) -> Option<String> {
    let known = options(command).map(|(long, _)| long).chain(OF_A_PROGRAM).chain(more.iter().copied());
    nearest_of(known, name).map(str::to_owned)
}

/// Of known names the one that is most like a wrong one, if any is.
pub(super) fn nearest_of<'a>(known: impl Iterator<Item = &'a str>, name: &str) -> Option<&'a str> {
    let distances = known.map(|known| (strsim::damerau_levenshtein(known, name), known));
    let (distance, nearest) = distances.min()?;
    (distance <= nearest.len().max(name.len()) / 2).then_some(nearest)
}

/// Settings as arguments of a command, for the options that it has. Lists become longer; of anything else the last counts.
pub(crate) fn arguments(command: &Command, settings: &[Setting]) -> Vec<OsString> {
    let mut arguments = Vec::new();
    for (at, setting) in settings.iter().enumerate() {
        let is_it = |option: &&Arg| option.get_long() == Some(setting.name.as_str());
        let Some(option) = command.get_arguments().find(is_it) else { continue };
        let is_list = matches!(option.get_action(), ArgAction::Append);
        if !is_list && settings[at + 1..].iter().any(|later| later.name == setting.name) {
            continue;
        }
        let mut argument = OsString::from(format!("--{}", setting.name));
        match &setting.value {
            SetTo::Switch(false) => continue,
            SetTo::Switch(true) => {}
            SetTo::Value(value) => {
                argument.push("=");
                argument.push(value);
            }
        }
        arguments.push(argument);
    }
    arguments
}

/// A value whose paths are below a directory.
pub(super) fn absolute(name: &str, text: &str, directory: &Path) -> OsString {
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
            paths.map(PathBuf::into_os_string).collect::<Vec<_>>().join(OsStr::new(":"))
        }
        None => text.into(),
    }
}

/// Whether an option takes a value; if not, why.
pub(super) fn check(command: &Command, name: &str, value: &OsStr) -> Result<(), String> {
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
