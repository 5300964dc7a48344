//! `diff`: its arguments, and what it prints.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::voice::{print, print_json};
use crate::error::Error;
use crate::inspect::diff::difference;
use crate::inspect::of_executable_with_checksums;
use crate::inspect::show_diff::show;

/// Arguments of `diff`.
#[derive(Debug, Args)]
#[command(after_help = "\
A thing has changed when its content has. Sizes are shares of the files; + is new, - is gone, ~ has changed.

Examples:
  snapfreeze diff app-1.0 app-1.1              what the new version brings
  snapfreeze diff old new --exit-code --quiet  only whether they differ: 1 if so")]
pub struct DiffArguments {
    /// An executable that snapfreeze has built, or the directory that --onedir has made
    #[arg(value_name = "A")]
    before: PathBuf,

    /// Another one
    #[arg(value_name = "B")]
    after: PathBuf,

    /// Show all changes
    #[arg(long)]
    all: bool,

    /// Print one JSON document
    #[arg(long, conflicts_with = "all")]
    json: bool,

    /// End with 1 when the two differ; after an error with 2
    #[arg(long)]
    exit_code: bool,
}

impl DiffArguments {
    /// The exit code after an error. Under `--exit-code` 1 says that the two differ.
    pub fn failure(&self) -> ExitCode {
        if self.exit_code { ExitCode::from(2) } else { ExitCode::FAILURE }
    }
}

/// Prints what changed. What it returns is the exit code.
///
/// # Errors
/// When one of the two cannot be read, is damaged, or is something else.
pub fn diff(arguments: &DiffArguments, quiet: bool) -> Result<ExitCode, Error> {
    let before = of_executable_with_checksums(&arguments.before)?;
    let difference = difference(&before, &of_executable_with_checksums(&arguments.after)?);
    if arguments.json {
        print_json(&difference)?;
    } else if !quiet {
        print(show(&difference, arguments.all));
    }
    let differ = arguments.exit_code && !difference.is_same;
    Ok(if differ { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
