//! `run`: its arguments.

use std::ffi::OsString;

use clap::Args;

use super::program::ProgramArguments;
use super::progress::watched;
use super::voice::Voice;
use crate::error::Error;
use crate::ops;
use crate::request::BuildRequest;

/// Arguments of `run`.
#[derive(Debug, Args)]
#[command(after_help = "\
What the program prints and its exit code are its own; notes and warnings of the build are on stderr.

Examples:
  snapfreeze run app.py                    build into the cache, then run
  snapfreeze run app.py -- --port 8000     with arguments
  snapfreeze run -q -m http.server         without notes and warnings")]
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
    let build = |request: &BuildRequest| {
        let mut request = request.clone();
        // The line of the progress is gone before the program begins.
        let report = watched(voice, |progress| {
            request.progress = progress;
            ops::build::build(&request)
        })?;
        voice.tell(&report);
        Ok(())
    };
    match ops::run::run(request, &arguments.arguments, build)? {}
}
