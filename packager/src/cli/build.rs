//! `build`: its arguments, and what it prints.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;

use super::program::ProgramArguments;
use super::voice::{say, tell};
use crate::error::Error;
use crate::graph::LeftEdge;
use crate::ops;
use crate::report::NotFollowed;

/// Arguments of `build`.
#[derive(Debug, Args)]
pub struct BuildArguments {
    #[command(flatten)]
    pub program: ProgramArguments,

    /// Where the executable goes [default: dist/NAME]
    #[arg(short, long, value_name = "FILE", help_heading = None::<&'static str>)]
    output: Option<PathBuf>,

    /// Make a directory with the executable and, beside it, all its files as real ones
    #[arg(long, help_heading = None::<&'static str>)]
    onedir: bool,

    /// Print only errors
    #[arg(short, long, help_heading = None::<&'static str>)]
    quiet: bool,

    /// Also print which imports were not found, and how long each phase took
    #[arg(short, long, conflicts_with = "quiet", help_heading = None::<&'static str>)]
    verbose: bool,
}

/// Builds; what was built is said on stdout.
///
/// # Errors
/// When the build fails.
pub fn build(arguments: BuildArguments) -> Result<(), Error> {
    if let Some(path) = arguments.program.configuration.as_ref().filter(|_| arguments.verbose) {
        say(format_args!("options from {}", path.display()));
    }
    let mut request = arguments.program.into_request()?;
    if let Some(output) = arguments.output {
        request.output = output;
    }
    request.onedir = arguments.onedir;
    let report = ops::build::build(&request)?;
    if !arguments.quiet {
        tell(&report);
        // The executable is there: a closed or full standard output takes nothing away from that.
        let _ = writeln!(io::stdout(), "{report}");
    }
    if arguments.verbose {
        for missing in &report.plan.missing {
            let (name, from, line) = (&missing.name, &missing.from, missing.line);
            say(format_args!("not found: {name} (imported by {from}, line {line})"));
        }
        for (distribution, not_followed) in &report.left_out {
            for NotFollowed { name, edge: LeftEdge { from, line, .. } } in not_followed {
                let option = format_args!("--follow-optional {distribution}");
                say(format_args!("left out: {name} (optional in {from}, line {line}; {option})"));
            }
        }
        say(format_args!("phases: {}", report.phases));
    }
    Ok(())
}
