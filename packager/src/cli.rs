//! The command line: its types, and what is printed. [`contents`] are the options that say what goes into the
//! executable, [`configured`] adds those of the project; [`why`] is a command of its own.

mod configured;
mod contents;
mod why;

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use contents::{ContentArguments, ModuleArguments};
use why::WhyArguments;

use crate::entry::Entry;
use crate::error::Error;
use crate::graph::LeftEdge;
use crate::ops;
use crate::report::{NotFollowed, Report};
use crate::request::{BuildRequest, CompressOption, InterpreterOption};
use crate::trace::TraceArguments;

/// Turn a Python program into one native executable that starts at once and needs no Python.
#[derive(Debug, Parser)]
#[command(name = "snapfreeze", version, arg_required_else_help = true, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build an executable
    Build(BuildArguments),
    /// Build an executable into the cache and run it
    Run(RunArguments),
    /// Tell why a module, data file or library is in a program, or why it is not
    Why(WhyArguments),
}

#[derive(Debug, Args)]
struct BuildArguments {
    #[command(flatten)]
    program: ProgramArguments,

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

#[derive(Debug, Args)]
struct RunArguments {
    #[command(flatten)]
    program: ProgramArguments,

    /// Arguments for the program
    #[arg(last = true, value_name = "ARGS", help_heading = None::<&'static str>)]
    arguments: Vec<OsString>,
}

#[derive(Debug, Args)]
struct ProgramArguments {
    /// The program: a script, a directory with __main__.py, or module:function
    #[arg(value_name = "ENTRY", conflicts_with = "module")]
    entry: Option<PathBuf>,

    /// The program is a module, as for `python -m`
    #[arg(short, long, value_name = "MODULE")]
    module: Option<String>,

    /// The interpreter to freeze for: a path, a name on PATH, a version, or a virtual environment
    /// [default: $VIRTUAL_ENV, .venv beside the entry, python3]
    #[arg(long, value_name = "PYTHON")]
    python: Option<PathBuf>,

    /// Optimisation level of the bytecode, as python's -O and -OO
    #[arg(long, value_name = "LEVEL", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=2))]
    optimize: u8,

    /// Let the executable be python as well: argv, when its command line begins with an option of python's; env,
    /// under SNAPFREEZE_INTERPRETER=1
    #[arg(long, value_name = "WHEN", value_enum, hide_possible_values = true)]
    interpreter: Option<InterpreterOption>,

    /// What counts more, a quick start or a small file
    #[arg(long, value_name = "HOW", value_enum, default_value_t, hide_possible_values = true)]
    compress: CompressOption,

    /// Load CPython from memory at each start instead of making it part of the executable
    #[arg(long)]
    no_fuse: bool,

    /// Take native files with their symbol tables and debug information
    #[arg(long)]
    no_strip: bool,

    /// Let the garbage collector run as ever while modules are imported, which takes longer
    #[arg(long)]
    gc_during_imports: bool,

    /// Threads and processes to use at a time [default: all cores]
    #[arg(short, long, value_name = "N", value_parser = parse_jobs)]
    jobs: Option<usize>,

    /// Run the program with these arguments, in one text as for a shell, and include what it imports and reads
    #[arg(long, value_name = "-- ARGS", allow_hyphen_values = true, value_parser = parse_trace())]
    trace: Vec<TraceArguments>,

    /// Take the project's options from this file [default: the nearest pyproject.toml]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Take no options from pyproject.toml
    #[arg(long, conflicts_with = "config")]
    no_config: bool,

    /// The file that options of the project were taken from.
    #[arg(skip)]
    configuration: Option<PathBuf>,

    #[command(flatten)]
    modules: ModuleArguments,

    #[command(flatten)]
    contents: ContentArguments,
}

fn parse_trace() -> impl TypedValueParser<Value = TraceArguments> {
    OsStringValueParser::new().try_map(|text| TraceArguments::parse(&text))
}

fn parse_jobs(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(jobs) if (1..=1024).contains(&jobs) => Ok(jobs),
        _ => Err("a number from 1 to 1024 is expected".into()),
    }
}

impl ProgramArguments {
    fn into_request(self) -> Result<BuildRequest, Error> {
        let entry = match (&self.entry, &self.module) {
            (_, Some(module)) => Entry::from_module(module)?,
            (Some(entry), None) => Entry::from_argument(entry)?,
            (None, None) => Entry::from_argument("".as_ref())?,
        };
        let mut request = BuildRequest::new(entry);
        request.python = self.python;
        request.optimize = self.optimize;
        request.interpreter = self.interpreter.unwrap_or_default();
        request.compress = self.compress;
        request.fuse = !self.no_fuse;
        request.strip = !self.no_strip;
        request.collects_during_imports = self.gc_during_imports;
        request.jobs = self.jobs.unwrap_or(request.jobs);
        request.traces = self.trace;
        self.modules.apply(&mut request);
        self.contents.apply(&mut request);
        Ok(request)
    }
}

/// Runs the command line of this process. What it returns is the exit code.
pub fn main() -> ExitCode {
    run_line(&std::env::args_os().collect::<Vec<OsString>>())
}

/// Runs a command line, the command's own name first. What it returns is the exit code.
pub fn run_line(arguments: &[OsString]) -> ExitCode {
    let result = configured::parse(arguments).map_err(Error::from).and_then(|cli| match cli.command {
        Command::Build(arguments) => build(arguments),
        Command::Run(arguments) => run(arguments),
        Command::Why(arguments) => why::why(arguments),
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(format_args!("error: {error}"));
            if let Some(hint) = error.hint() {
                say(format_args!("hint: {hint}"));
            }
            ExitCode::FAILURE
        }
    }
}

fn build(arguments: BuildArguments) -> Result<(), Error> {
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
        let _ = writeln!(std::io::stdout(), "{report}");
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

fn run(arguments: RunArguments) -> Result<(), Error> {
    let request = arguments.program.into_request()?;
    match ops::run::run(request, &arguments.arguments, tell)? {}
}

/// Notes and warnings go to stderr: `run` leaves stdout to the program.
fn tell(report: &Report) {
    for note in &report.notes {
        say(format_args!("note: {note}"));
    }
    for warning in &report.warnings {
        say(format_args!("warning: {warning}"));
    }
}

/// A line on stderr. Where it cannot be written, nobody reads it: `eprintln!` would panic.
fn say(line: std::fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
