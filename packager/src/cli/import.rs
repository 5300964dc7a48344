//! `import`: its arguments, and what it prints.

use std::path::{Path, PathBuf};

use clap::Args;

use super::voice::{Voice, print};
use crate::error::Error;
use crate::ops::import::{ImportRequest, Imported, import as import_specification};
use crate::shown::shown;

/// Arguments of `import`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  snapfreeze import app.spec --dry-run   print the table
  snapfreeze import app.spec             write it into the project's pyproject.toml
  snapfreeze build                       build what it describes")]
pub struct ImportArguments {
    /// The specification: a .spec file
    #[arg(value_name = "SPEC")]
    specification: PathBuf,

    /// The file that gets the table, `-` for standard output [default: the nearest pyproject.toml, or a new one beside
    /// the specification]
    ///
    /// What is in the file stays as it is; a file that has a table [tool.snapfreeze] is not changed.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Print the table, and write nothing
    #[arg(long)]
    dry_run: bool,

    /// The interpreter that runs the specification: a path, a name on PATH, a version, or a virtual environment
    /// [default: as for `build`]
    #[arg(long, value_name = "PYTHON")]
    python: Option<PathBuf>,

    /// Arguments for the specification, in its sys.argv
    #[arg(last = true, value_name = "ARGS")]
    arguments: Vec<String>,
}

/// Writes the project's options; says on stdout where they are, or, in a dry run, what they are.
///
/// # Errors
/// When there is nothing to import, or it cannot be written.
pub fn import(arguments: ImportArguments, voice: Voice) -> Result<(), Error> {
    let ImportArguments { specification, output, dry_run, python, arguments } = arguments;
    let is_printed = output.as_deref() == Some(Path::new("-"));
    let output = output.filter(|_| !is_printed);
    let is_dry = dry_run || is_printed;
    let request = ImportRequest { specification, arguments, python, output, is_dry };
    let Imported { table, output } = import_specification(&request)?;
    for note in &table.notes {
        voice.note(format_args!("not carried over: {note}"));
    }
    if is_dry {
        print(&table.text);
    } else if !voice.quiet {
        let names = table.names.join(", ");
        print(format_args!("{}: options for {names}; `snapfreeze build` builds it\n", shown(&output)));
    }
    Ok(())
}
