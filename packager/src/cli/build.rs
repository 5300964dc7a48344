//! `build`: its arguments, and what it prints.

use std::path::{Component, Path, PathBuf};

use clap::Args;

use super::program::ProgramArguments;
use super::progress::watched;
use super::pyinstaller::PyInstallerArguments;
use super::summary::Summary;
use super::voice::{Voice, print, print_json};
use crate::error::Error;
use crate::graph::LeftEdge;
use crate::inspect::show::{View, show};
use crate::inspect::{of_executable, planned};
use crate::ops;
use crate::ops::prepare::Prepared;
use crate::report::document::{Built, Document};
use crate::report::{NotFollowed, Report};
use crate::request::BuildRequest;

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

    /// Say what would be built, of what and where, and write nothing but the build cache
    #[arg(long, help_heading = None::<&'static str>)]
    dry_run: bool,

    /// Print what was built, or with --dry-run would be, as one JSON document
    #[arg(long, help_heading = None::<&'static str>)]
    json: bool,

    /// The other programs of the project that are built together with this one.
    #[arg(skip)]
    pub others: Vec<BuildArguments>,
    /// One file, as ever: it takes back `onedir` of pyproject.toml, or an earlier --onedir.
    #[arg(short = 'F', long, hide = true, overrides_with = "onedir")]
    onefile: bool,

    #[command(flatten)]
    pyinstaller: PyInstallerArguments,
}

/// Builds, or says what would be built; what was built is said on stdout.
///
/// # Errors
/// When the build fails.
pub fn build(mut arguments: BuildArguments, voice: Voice) -> Result<(), Error> {
    arguments.pyinstaller.answer(voice)?;
    let others = std::mem::take(&mut arguments.others);
    if let Some(path) = &arguments.program.configuration {
        voice.detail(format_args!("options from {}", path.display()));
    }
    let (dry_run, json) = (arguments.dry_run, arguments.json);
    let requests = std::iter::once(arguments).chain(others).map(BuildArguments::into_request);
    let mut requests: Vec<BuildRequest> = requests.collect::<Result<_, Error>>()?;
    if dry_run {
        return plan(requests, json, voice);
    }
    let mut reports = Vec::new();
    let result = watched(voice, |progress| {
        requests.iter_mut().for_each(|request| request.progress = progress.clone());
        match requests.as_slice() {
            [request] => ops::build::build(request).map(|report| reports.push(report)),
            requests => ops::build::build_all(requests, |report| reports.push(report)),
        }
    });
    // What was built before one failed is there.
    reports.iter().for_each(|report| tell(report, voice, !json));
    result?;
    if json {
        let built =
            reports.iter().map(|report| Ok(Built::of_report(report, &of_executable(&report.output)?)));
        print_json(&Document::new(false, built.collect::<Result<_, Error>>()?))?;
    }
    Ok(())
}

/// Says what would be built.
fn plan(mut requests: Vec<BuildRequest>, json: bool, voice: Voice) -> Result<(), Error> {
    let planned = watched(voice, |progress| {
        requests.iter_mut().for_each(|request| request.progress = progress.clone());
        ops::build::plan_all(&requests)
    })?;
    let contents = |prepared: &Prepared, output: &Path| {
        planned::contents(&output.file_name().unwrap_or_default().to_string_lossy(), prepared)
    };
    let outputs: Vec<PathBuf> = requests.iter().map(ops::build::executable).collect();
    if json {
        let programs = planned.iter().zip(&outputs);
        let programs = programs
            .map(|(prepared, output)| Built::of_prepared(prepared, &contents(prepared, output), output));
        return print_json(&Document::new(true, programs.collect()));
    }
    for (number, (prepared, output)) in planned.iter().zip(&outputs).enumerate() {
        if number > 0 {
            print("\n");
        }
        let mut contents = contents(prepared, output);
        let Built { left_out, missing, warnings, notes, python, .. } =
            Built::of_prepared(prepared, &contents, output);
        notes.iter().for_each(|note| voice.note(note));
        warnings.iter().for_each(|warning| voice.warning(warning));
        // They are told already.
        contents.warnings.clear();
        print(format_args!("{:<12}{}\n", "would build", output.display()));
        print(show(&contents, View { all: true, depth: 1 }));
        print(format_args!("\n{:<12}{}\n", "interpreter", python.executable));
        if !left_out.is_empty() {
            let names: Vec<&str> = left_out.iter().map(|left| left.distribution.as_str()).collect();
            let way = "(optional; --follow-optional NAME brings one in)";
            print(format_args!("{:<12}{} {way}\n", "left out", names.join(", ")));
        }
        if !missing.is_empty() {
            print(format_args!("{:<12}{} imports, which --json lists\n", "not found", missing.len()));
        }
    }
    Ok(())
}

impl BuildArguments {
    fn into_request(self) -> Result<BuildRequest, Error> {
        let mut request = self.program.into_request()?;
        if let Some(name) = self.name {
            request.output.set_file_name(name);
        }
        request.output = match (self.output, self.output_dir, request.output.file_name()) {
            (Some(output), ..) => output,
            (None, Some(directory), Some(name)) => directory.join(name),
            (None, ..) => request.output,
        };
        request.onedir = self.onedir;
        Ok(request)
    }
}

fn tell(report: &Report, voice: Voice, with_summary: bool) {
    voice.tell(report);
    if with_summary && !voice.quiet {
        print(Summary(report));
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
}

fn parse_name(text: &str) -> Result<String, String> {
    let mut parts = Path::new(text).components();
    match (parts.next(), parts.next()) {
        (Some(Component::Normal(name)), None) if name == text => Ok(text.to_owned()),
        _ => Err("the name of a file is expected, without a directory".into()),
    }
}
