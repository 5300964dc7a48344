//! `run`: its arguments.

use std::ffi::OsString;

use clap::Args;

use super::program::ProgramArguments;
use super::voice::Voice;
use crate::error::Error;
use crate::ops;

/// Arguments of `run`.
#[derive(Debug, Args)]
pub struct RunArguments {
    #[command(flatten)]
    pub program: ProgramArguments,

    /// Arguments for the program
    #[arg(last = true, value_name = "ARGS", help_heading = None::<&'static str>)]
    arguments: Vec<OsString>,
}

/// Builds into the cache and becomes the program.
///
/// # Errors
/// When the build fails, or the executable cannot be executed.
pub fn run(arguments: RunArguments, voice: Voice) -> Result<(), Error> {
    let request = arguments.program.into_request()?;
    match ops::run::run(request, &arguments.arguments, |report| voice.tell(report))? {}
}
