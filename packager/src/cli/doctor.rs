//! `doctor`: its arguments, and what it prints.

use std::path::PathBuf;

use clap::Args;

use super::voice::{ERROR, GOOD, NOTE, Voice, WARNING, print, print_json};
use crate::error::Error;
use crate::ops::doctor::{State, examine};
use crate::request::environment;

/// Arguments of `doctor`.
#[derive(Debug, Args)]
#[command(after_help = "\
Each line is ok, warn (a build works, but not as it might) or fail, with a hint how to mend it. The exit code is 1 where
something fails.

Examples:
  snapfreeze doctor                        as for a build in this directory
  snapfreeze doctor --python 3.12 -q       only what is not well with that interpreter")]
pub struct DoctorArguments {
    /// The interpreter to look at, as for build [default: the one that a build here would take]
    #[arg(long, value_name = "PYTHON")]
    python: Option<PathBuf>,

    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Says on stdout what a build would find; with `--quiet` only what is not well.
///
/// # Errors
/// When a build would fail.
pub fn doctor(arguments: DoctorArguments, voice: Voice) -> Result<(), Error> {
    let found = examine(arguments.python.as_deref(), environment);
    if arguments.json {
        print_json(&found)?;
    } else {
        for check in found.checks.iter().filter(|check| !voice.quiet || check.state != State::Ok) {
            let (style, word) = match check.state {
                State::Ok => (GOOD, "ok"),
                State::Warn => (WARNING, "warn"),
                State::Fail => (ERROR, "fail"),
            };
            print(format_args!("{style}{word:<4}{style:#}  {:<12}  {}\n", check.name, check.message));
            if let Some(hint) = &check.hint {
                print(format_args!("{:<18}  {NOTE}hint{NOTE:#}: {hint}\n", ""));
            }
        }
    }
    match found.failed() {
        0 => Ok(()),
        failed => Err(Error::Doctor(failed)),
    }
}
