//! `sbom`: its arguments, and what it prints.

use std::io;
use std::path::{Path, PathBuf};

use clap::builder::Resettable;
use clap::{Args, Id};

use super::program::ProgramArguments;
use super::progress::watched;
use super::voice::{Voice, json, print};
use crate::draft;
use crate::error::Error;
use crate::ops::sbom::{of_executable, of_program};
use crate::ops::why::executable_at;

/// Arguments of `sbom`. The program may be an executable that was built; then options do not count.
#[derive(Debug, Args)]
#[command(mut_arg("entry", |entry| entry
    .value_name("ENTRY_OR_EXE")
    .help("The program, or an executable that was built of it")
    .conflicts_with(Resettable::<Id>::Reset)),
    after_help = "\
The document is CycloneDX 1.6, as JSON. The same program gives the same document: the time is in it only where
SOURCE_DATE_EPOCH gives one.

Examples:
  snapfreeze sbom dist/app -o app.cdx.json   of an executable, whatever it was built on
  snapfreeze sbom app.py                     of a program, without building it")]
pub struct SbomArguments {
    #[command(flatten)]
    pub program: ProgramArguments,

    /// Write the document into a file [default: print it]
    #[arg(short, long, value_name = "FILE", help_heading = None::<&'static str>)]
    output: Option<PathBuf>,
}

/// Prints the bill of materials, or writes it.
///
/// # Errors
/// When the executable cannot be read, a phase fails, or the file cannot be written.
pub fn sbom(arguments: SbomArguments, voice: Voice) -> Result<(), Error> {
    if let (Some(entry), Some(output)) = (&arguments.program.entry, &arguments.output)
        && entry.canonicalize().is_ok_and(|entry| output.canonicalize().is_ok_and(|output| output == entry))
    {
        let source = io::Error::other("it is the program");
        return Err(Error::Document { path: output.clone(), source });
    }
    let executable = arguments.program.entry.as_deref().and_then(executable_at);
    let bom = match executable {
        Some(executable) => of_executable(&executable)?,
        None => {
            let mut request = arguments.program.into_request()?;
            watched(voice, |progress| {
                request.progress = progress;
                of_program(&request)
            })?
        }
    };
    let text = json(&bom)?;
    match arguments.output {
        Some(path) => write_file(&path, &text)?,
        None => print(text),
    }
    Ok(())
}

/// Writes a file, all of it or nothing: what was there is replaced when it is complete.
///
/// # Errors
/// When it cannot be written.
fn write_file(path: &Path, text: &str) -> Result<(), Error> {
    let failed = |source| Error::Document { path: path.to_owned(), source };
    if path.metadata().is_ok_and(|there| !there.is_file()) {
        return Err(failed(io::Error::other("it is not a regular file")));
    }
    draft::replace(path, text.as_bytes()).map_err(failed)
}
