//! `why`: its arguments, and what it prints.

use std::ffi::OsString;

use clap::builder::Resettable;
use clap::{Args, Id};

use super::program::ProgramArguments;
use super::progress::watched;
use super::voice::{Voice, print};
use crate::error::Error;
use crate::ops::why::{executable_at, of_executable, of_program};
use crate::why::answer::Question;

/// Arguments of `why`. The program may be an executable that was built; then options do not count.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  snapfreeze why dist/app numpy            the shortest chain of imports that leads to it
  snapfreeze why app.py yaml -v            the same before a build, with all imports that were not followed
  snapfreeze why dist/app libssl.so.3      who needs a library
  snapfreeze why dist/app app/logo.png     where a data file comes from")]
#[command(mut_arg("entry", |entry| entry
    .index(1)
    .value_name("ENTRY_OR_EXE")
    .help("The program, or an executable that was built of it")
    .conflicts_with(Resettable::<Id>::Reset)))]
pub struct WhyArguments {
    #[command(flatten)]
    pub program: ProgramArguments,

    /// A module, a data file (its path in the program), or a library
    #[arg(value_name = "NAME", index = 2, help_heading = None::<&'static str>)]
    pub name: Option<OsString>,
}

impl WhyArguments {
    /// Of two positional arguments the first may be missing: with `-m`, or where the project names the program.
    pub fn settle(&mut self) {
        if self.name.is_none() {
            self.name = self.program.entry.take().map(Into::into);
        }
    }
}

/// Answers on stdout; with `--verbose`, all imports that were not followed are part of the answer.
///
/// # Errors
/// When there is no answer.
pub fn why(arguments: WhyArguments, voice: Voice) -> Result<(), Error> {
    let name = arguments.name.unwrap_or_default();
    let question = Question { name: &name.to_string_lossy(), all: voice.verbose };
    let executable = arguments.program.entry.as_deref().and_then(executable_at);
    let answer = match executable {
        Some(executable) => of_executable(&executable, &question)?,
        None => {
            let mut request = arguments.program.into_request()?;
            watched(voice, |progress| {
                request.progress = progress;
                of_program(&request, &question)
            })?
        }
    };
    print(answer);
    Ok(())
}
