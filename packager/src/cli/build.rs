//! `build`: its arguments, and what it prints.

use std::path::{Component, Path, PathBuf};

use clap::Args;

use super::program::ProgramArguments;
use super::progress::watched;
use super::pyinstaller::PyInstallerArguments;
use super::summary::Summary;
use super::voice::{Voice, print};
use crate::error::Error;
use crate::graph::LeftEdge;
use crate::ops;
use crate::report::NotFollowed;

/// Arguments of `build`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  snapfreeze build                              all programs of the project
  snapfreeze build app.py                       dist/app
  snapfreeze build app.py -o bin/tool           another place
  snapfreeze build -m http.server               as `python -m http.server`
  snapfreeze build package.cli:main             as a console script
  snapfreeze build app.py --add-data 'a/*:a'    files beside the program, too
  snapfreeze build app.py --compress small      a smaller file

Options may stand in [tool.snapfreeze] of pyproject.toml, under the same names.")]
pub struct BuildArguments {
    #[command(flatten)]
    pub program: ProgramArguments,

    /// Where the executable goes [default: dist/NAME]
    #[arg(short, long, value_name = "FILE", help_heading = None::<&'static str>)]
    pub output: Option<PathBuf>,

    /// The executable's name, in the directory that executables go to [default: that of the program]
    #[arg(short, long, value_name = "NAME", value_parser = parse_name, conflicts_with = "output", help_heading = None::<&'static str>)]
    pub name: Option<String>,

    /// The directory that executables go to, each under its own name [default: dist]
    #[arg(long, alias = "distpath", value_name = "DIR", help_heading = None::<&'static str>)]
    pub output_dir: Option<PathBuf>,

    /// Make a directory with the executable and, beside it, all its files as real ones
    #[arg(short = 'D', long, help_heading = None::<&'static str>)]
    onedir: bool,

    /// The other programs of the project that are built together with this one.
    #[arg(skip)]
    pub others: Vec<BuildArguments>,
    /// One file, as ever: it takes back `onedir` of pyproject.toml, or an earlier --onedir.
    #[arg(short = 'F', long, hide = true, overrides_with = "onedir")]
    onefile: bool,

    #[command(flatten)]
    pyinstaller: PyInstallerArguments,
}

/// Builds; what was built is said on stdout.
///
/// # Errors
/// When the build fails.
pub fn build(mut arguments: BuildArguments, voice: Voice) -> Result<(), Error> {
    arguments.pyinstaller.answer(voice)?;
    let others = std::mem::take(&mut arguments.others);
    std::iter::once(arguments).chain(others).try_for_each(|arguments| build_one(arguments, voice))
}

fn build_one(arguments: BuildArguments, voice: Voice) -> Result<(), Error> {
    if let Some(path) = &arguments.program.configuration {
        voice.detail(format_args!("options from {}", path.display()));
    }
    let mut request = arguments.program.into_request()?;
    if let Some(name) = arguments.name {
        request.output.set_file_name(name);
    }
    request.output = match (arguments.output, arguments.output_dir, request.output.file_name()) {
        (Some(output), ..) => output,
        (None, Some(directory), Some(name)) => directory.join(name),
        (None, ..) => request.output,
    };
    request.onedir = arguments.onedir;
    let report = watched(voice, |progress| {
        request.progress = progress;
        ops::build::build(&request)
    })?;
    voice.tell(&report);
    if !voice.quiet {
        print(Summary(&report));
    }
    if voice.verbose {
        for missing in &report.plan.missing {
            let (name, from, line) = (&missing.name, &missing.from, missing.line);
            voice.detail(format_args!("not found: {name} (imported by {from}, line {line})"));
        }
        for (distribution, not_followed) in &report.left_out {
            for NotFollowed { name, edge: LeftEdge { from, line, .. } } in not_followed {
                let option = format_args!("--follow-optional {distribution}");
                voice.detail(format_args!("left out: {name} (optional in {from}, line {line}; {option})"));
            }
        }
    }
    Ok(())
}

fn parse_name(text: &str) -> Result<String, String> {
    let mut parts = Path::new(text).components();
    match (parts.next(), parts.next()) {
        (Some(Component::Normal(name)), None) if name == text => Ok(text.to_owned()),
        _ => Err("the name of a file is expected, without a directory".into()),
    }
}
