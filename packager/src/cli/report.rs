//! `report`: its arguments, and what it says of the page that it writes.

use std::path::{Path, PathBuf};

use clap::builder::Resettable;
use clap::{Args, Id};

use super::program::ProgramArguments;
use super::voice::{Voice, print};
use crate::error::Error;
use crate::inspect::size::Size;
use crate::ops::report::{self, ReportError};
use crate::ops::why::executable_at;

/// Arguments of `report`. The program may be an executable that was built; then options do not count.
#[derive(Debug, Args)]
#[command(mut_arg("entry", |entry| entry
    .index(1)
    .value_name("ENTRY_OR_EXE")
    .help("The program, or an executable that was built of it")
    .conflicts_with(Resettable::<Id>::Reset)))]
pub struct ReportArguments {
    #[command(flatten)]
    pub program: ProgramArguments,

    /// Where the page goes; `-` is stdout [default: NAME-report.html]
    #[arg(short, long = "output", value_name = "FILE", help_heading = None::<&'static str>)]
    output: Option<PathBuf>,

    /// Open the page in the browser
    #[arg(long, help_heading = None::<&'static str>)]
    open: bool,
}

/// Writes the page.
///
/// # Errors
/// When the program cannot be looked at, or the page cannot be written.
pub fn report(arguments: ReportArguments, voice: Voice) -> Result<(), Error> {
    let to_stdout = arguments.output.as_deref() == Some(Path::new("-"));
    if to_stdout && arguments.open {
        return Err(ReportError::NothingToOpen.into());
    }
    let executable = arguments.program.entry.as_deref().and_then(executable_at);
    let input = executable.clone().or_else(|| arguments.program.entry.clone());
    let request = match &executable {
        Some(_) => None,
        None => Some(arguments.program.into_request()?),
    };
    let name = match (&executable, &request) {
        (Some(executable), _) => executable.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        (None, Some(request)) => report::name_of(request),
        (None, None) => String::new(),
    };
    let output = arguments.output.unwrap_or_else(|| PathBuf::from(format!("{name}-report.html")));
    if !to_stdout {
        report::check_output(&output, input.as_deref())?;
    }
    let page = match (&executable, &request) {
        (None, Some(request)) => report::of_program(request)?,
        (Some(executable), _) => report::of_executable(executable)?,
        (None, None) => return Ok(()),
    };
    if to_stdout {
        print(page);
        return Ok(());
    }
    report::write(&output, &page)?;
    if !voice.quiet {
        print(format_args!("{}: {}\n", output.display(), Size(page.len() as u64)));
    }
    if arguments.open
        && let Err(error) = report::open(&output)
    {
        voice.warning(format_args!("cannot open {} with xdg-open: {error}", output.display()));
    }
    Ok(())
}
