//! The command line: which commands there are. Each is a file of its own with its arguments and what it prints;
//! [`program`] and [`contents`] are the options that those share which look at a program, [`configured`] adds the
//! project's, [`voice`] is how all of them speak.

mod build;
mod cache;
mod completions;
pub(crate) mod configured;
mod contents;
mod diff;
mod doctor;
mod import;
mod init;
mod inspect;
mod program;
mod progress;
mod pyinstaller;
#[cfg(test)]
mod reference;
mod report;
mod run;
mod sbom;
mod summary;
mod voice;
mod why;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
pub use completions::ManError;
use program::ProgramArguments;
use voice::{ColorOption, Voice};

use crate::config::{self, Key};
use crate::error::Error;
use crate::interrupt;

/// What follows the list of commands.
const AFTER_HELP: &str = "\
Examples:
  snapfreeze build app.py        the executable dist/app
  snapfreeze run app.py -- ARGS  build into the cache, then run
  snapfreeze why dist/app numpy  what leads to it
  snapfreeze doctor              what a build here would find

Exit codes:
  0    done
  1    an error; doctor: a build would fail; diff --exit-code: the two differ
  2    the command line is wrong; diff --exit-code: an error
  130  interrupted (Ctrl-C): nothing is left half-written
  `run` ends as the program does.

`snapfreeze COMMAND --help` tells more, docs/guide everything.";

/// Turn a Python program into one native executable that starts at once and needs no Python.
#[derive(Debug, Parser)]
#[command(name = "snapfreeze", version, arg_required_else_help = true, max_term_width = 100, styles = voice::STYLES, after_help = AFTER_HELP)]
struct Cli {
    #[command(flatten)]
    voice: Voice,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build an executable
    Build(build::BuildArguments),
    /// Build an executable into the cache and run it
    Run(run::RunArguments),
    /// Tell why a module, data file or library is in a program, or why it is not
    Why(why::WhyArguments),
    /// Write a page about a program: sizes, imports, what was left out, licences
    Report(report::ReportArguments),
    /// Show what is in an executable and how much of it each part takes
    Inspect(inspect::InspectArguments),
    /// Show what changed between two executables
    Diff(diff::DiffArguments),
    /// Write the bill of materials of a program: CycloneDX
    Sbom(sbom::SbomArguments),
    /// Tell which interpreter a build would take, and what would fail
    Doctor(doctor::DoctorArguments),
    /// Tell where the build cache is and how large, or make it smaller
    Cache(cache::CacheArguments),
    /// Print a script that completes commands and options in a shell
    Completions(completions::CompletionsArguments),
    /// Print the manual page, or write all of them
    Man(completions::ManArguments),
    /// Write the options of a PyInstaller specification into pyproject.toml
    ///
    /// The specification is run as PyInstaller would run it, in the interpreter that the program is for, but nothing is
    /// built: what it gives to Analysis, EXE and COLLECT becomes [tool.snapfreeze], or [[tool.snapfreeze.bin]] where there
    /// are several executables. PyInstaller need not be installed. What has no counterpart is told, and written as a comment.
    Import(import::ImportArguments),
    /// Write [tool.snapfreeze] into the project's pyproject.toml, from what is there
    Init(init::InitArguments),
}

impl Command {
    /// The program that a command looks at; none where it looks at something else.
    fn program(&self) -> Option<&ProgramArguments> {
        match self {
            Self::Build(arguments) => Some(&arguments.program),
            Self::Run(arguments) => Some(&arguments.program),
            Self::Why(arguments) => Some(&arguments.program),
            Self::Report(arguments) => Some(&arguments.program),
            Self::Sbom(arguments) => Some(&arguments.program),
            Self::Inspect(_) | Self::Diff(_) | Self::Import(_) | Self::Init(_) => None,
            Self::Doctor(_) | Self::Cache(_) | Self::Completions(_) | Self::Man(_) => None,
        }
    }

    fn program_mut(&mut self) -> Option<&mut ProgramArguments> {
        match self {
            Self::Build(arguments) => Some(&mut arguments.program),
            Self::Run(arguments) => Some(&mut arguments.program),
            Self::Why(arguments) => Some(&mut arguments.program),
            Self::Report(arguments) => Some(&mut arguments.program),
            Self::Sbom(arguments) => Some(&mut arguments.program),
            Self::Inspect(_) | Self::Diff(_) | Self::Import(_) | Self::Init(_) => None,
            Self::Doctor(_) | Self::Cache(_) | Self::Completions(_) | Self::Man(_) => None,
        }
    }
}

/// The keys of `[tool.snapfreeze]`, in the order of their names.
pub fn keys() -> impl Iterator<Item = Key> {
    config::keys(&configured::building())
}

/// Runs the command line of this process. What it returns is the exit code.
pub fn main() -> ExitCode {
    run_line(&std::env::args_os().collect::<Vec<OsString>>())
}

/// Runs a command line, the command's own name first. What it returns is the exit code.
pub fn run_line(arguments: &[OsString]) -> ExitCode {
    ColorOption::of_line(arguments).apply();
    // Without, an interrupt ends the process all the same, if less tidily.
    let _ = interrupt::watch();
    let mut failure = ExitCode::FAILURE;
    let success = |()| ExitCode::SUCCESS;
    let result = configured::parse(arguments).and_then(|Cli { voice, command }| {
        voice.color.apply();
        match command {
            Command::Build(arguments) => build::build(arguments, voice).map(success),
            Command::Run(arguments) => run::run(arguments, voice).map(success),
            Command::Why(arguments) => why::why(arguments, voice).map(success),
            Command::Report(arguments) => report::report(arguments, voice).map(success),
            Command::Inspect(arguments) => inspect::inspect(arguments, voice).map(success),
            Command::Sbom(arguments) => sbom::sbom(arguments, voice).map(success),
            Command::Init(arguments) => init::init(&arguments, voice).map(success),
            Command::Diff(arguments) => {
                failure = arguments.failure();
                diff::diff(&arguments, voice.quiet)
            }
            Command::Doctor(arguments) => doctor::doctor(arguments, voice).map(success),
            Command::Cache(arguments) => cache::cache(arguments, voice).map(success),
            Command::Completions(arguments) => completions::completions(arguments).map(success),
            Command::Man(arguments) => completions::man(arguments, voice).map(success),
            Command::Import(arguments) => import::import(arguments, voice).map(success),
        }
    });
    let result = result.and_then(|code| voice::lost().map_or(Ok(code), |error| Err(Error::Stdout(error))));
    result.unwrap_or_else(|error| {
        interrupt::await_end();
        voice::complain(&error);
        failure
    })
}
