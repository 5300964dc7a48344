//! PyInstaller's options on the command line of `build`: they are understood, not shown by `--help`, and no keys of
//! pyproject.toml. What each does is in [`crate::pyinstaller::options`].

use std::ffi::OsString;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, value_parser};

use super::voice::Voice;
use crate::pyinstaller::options::{ForeignOption, OPTIONS, UnservedOption};

/// Those that were given, with their values; a flag's is empty.
#[derive(Debug, Default)]
pub struct PyInstallerArguments(Vec<(&'static ForeignOption, String)>);

impl PyInstallerArguments {
    /// Says why they have no effect.
    ///
    /// # Errors
    /// When one cannot be served.
    pub fn answer(&self, voice: Voice) -> Result<(), UnservedOption> {
        for (option, value) in &self.0 {
            if let Some(note) = option.answer(value)? {
                voice.note(note);
            }
        }
        Ok(())
    }
}

/// The name under which clap keeps it. A test of clap's own says when an option of ours has it, too.
fn id(option: &ForeignOption) -> &'static str {
    option.names.first().copied().unwrap_or_default()
}

fn argument(option: &'static ForeignOption) -> Arg {
    let aliases = option.names.iter().skip(1);
    let argument = Arg::new(id(option)).long(id(option)).aliases(aliases).hide(true);
    let argument = match option.short {
        Some(short) => argument.short(short),
        None => argument,
    };
    if option.takes_value {
        argument.action(ArgAction::Append).value_name("VALUE").value_parser(value_parser!(OsString))
    } else {
        argument.action(ArgAction::Count)
    }
}

impl Args for PyInstallerArguments {
    fn augment_args(command: Command) -> Command {
        command.args(OPTIONS.iter().map(argument))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for PyInstallerArguments {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut given = Vec::new();
        for option in OPTIONS {
            let id = id(option);
            if option.takes_value {
                let values = matches.get_many::<OsString>(id).into_iter().flatten();
                given.extend(values.map(|value| (option, value.to_string_lossy().into_owned())));
            } else if matches.get_count(id) > 0 {
                given.push((option, String::new()));
            }
        }
        Ok(Self(given))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn no_two_options_have_one_name() {
        Cli::command().debug_assert();
    }

    #[test]
    fn they_are_options_of_build_that_the_help_hides() {
        let command = Cli::command();
        let build = command.find_subcommand("build").unwrap();
        for option in OPTIONS {
            let known = build.get_arguments().find(|known| known.get_long() == option.names.first().copied());
            assert!(known.unwrap().is_hide_set(), "{option:?}");
        }
    }
}
