//! Options in the environment: `SNAPFREEZE_` and the key in capitals, `SNAPFREEZE_PYTHON`, `SNAPFREEZE_OUTPUT_DIR`.
//!
//! They come after the file and before the command line. A list is written as words for a shell, so that its elements may
//! have spaces; an empty variable is as if it were not set. Paths are relative to the current directory, as on the command
//! line.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use clap::{Arg, ArgAction, Command};

use super::options::{check, options};
use super::{ConfigError, SetTo, Setting};

/// Options without a variable: `output` is one program's, and an executable reads SNAPFREEZE_INTERPRETER itself.
const WITHOUT: [&str; 2] = ["interpreter", "output"];

/// Options that are no keys, and have a variable: the machine's, not the project's.
const MORE: [&str; 1] = ["jobs"];

/// The name of an option's variable, if it has one.
pub fn variable(option: &str) -> Option<String> {
    (!WITHOUT.contains(&option)).then(|| format!("SNAPFREEZE_{}", option.to_uppercase().replace('-', "_")))
}

/// The options that the environment sets. `command` has them all.
///
/// # Errors
/// When a variable has a value that its option does not take.
pub(crate) fn settings(
    command: &Command,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Result<Vec<Setting>, ConfigError> {
    let mut settings = Vec::new();
    let more = command.get_arguments().filter_map(|option| Some((option.get_long()?, option)));
    let more = more.filter(|(name, _)| MORE.contains(name));
    for (name, option) in options(command).chain(more) {
        let Some(variable) = variable(name) else { continue };
        let Some(value) = environment(&variable).filter(|value| !value.is_empty()) else { continue };
        let set = set_to(command, name, option, &value);
        let set = set.map_err(|(value, reason)| ConfigError::Variable { variable, value, reason })?;
        settings.extend(set.into_iter().map(|value| Setting { name: name.to_owned(), value }));
    }
    Ok(settings)
}

/// What a variable sets its option to, or the value that is wrong and why.
fn set_to(
    command: &Command,
    name: &str,
    option: &Arg,
    value: &OsStr,
) -> Result<Vec<SetTo>, (String, String)> {
    let text = value.to_string_lossy();
    let checked = |value: OsString| match check(command, name, &value) {
        Ok(()) => Ok(SetTo::Value(value)),
        Err(reason) => Err((value.to_string_lossy().into_owned(), reason)),
    };
    match option.get_action() {
        ArgAction::SetTrue => match text.to_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Ok(vec![SetTo::Switch(true)]),
            "0" | "false" | "no" | "off" => Ok(vec![SetTo::Switch(false)]),
            _ => Err((text.into_owned(), "true or false is expected".into())),
        },
        ArgAction::Append => match shlex::bytes::split(value.as_bytes()) {
            Some(words) => words.into_iter().map(|word| checked(OsString::from_vec(word))).collect(),
            None => Err((text.into_owned(), "a quotation mark is not closed".into())),
        },
        _ => Ok(vec![checked(value.to_owned())?]),
    }
}
