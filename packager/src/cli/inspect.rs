//! `inspect`: its arguments, and what it prints.

use std::path::PathBuf;

use clap::Args;

use super::voice::{Voice, print, print_json};
use crate::error::Error;
use crate::inspect::Executable;
use crate::inspect::extract::{Extracted, extract};
use crate::inspect::of_executable;
use crate::inspect::show::{View, show};
use crate::inspect::size::Size;
use crate::why::words::Plain;

/// Arguments of `inspect`.
#[derive(Debug, Args)]
#[command(after_help = "\
Sizes are in decimal units. What shares a compressed block has its part of it, so that all lines add up to the file.

Examples:
  snapfreeze inspect dist/app                 what is in it, the largest first
  snapfreeze inspect dist/app --all           everything
  snapfreeze inspect dist/app --json          the same, for programs
  snapfreeze inspect dist/app --extract files what the program sees, as files")]
pub struct InspectArguments {
    /// An executable that snapfreeze has built, for any platform, or the directory that --onedir has made
    #[arg(value_name = "EXE")]
    executable: PathBuf,

    /// Show all of each level, and all levels
    #[arg(long)]
    all: bool,

    /// How many levels to show: 1 distributions, 2 the packages in them, and so on [default: 2]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    depth: Option<u16>,

    /// Print one JSON document
    #[arg(long, conflicts_with_all = ["all", "depth"])]
    json: bool,

    /// Write the files into a new directory, as the program sees them: data, libraries, bytecode, and sources where those
    /// are included
    #[arg(long, value_name = "DIR", conflicts_with_all = ["all", "depth", "json"])]
    extract: Option<PathBuf>,

    /// Extract into a directory with other files, and replace those of the same names
    #[arg(long, requires = "extract")]
    force: bool,
}

/// Prints what is in an executable, or extracts it.
///
/// # Errors
/// When it cannot be read, is damaged, or is something else; when it cannot be extracted.
pub fn inspect(arguments: InspectArguments, voice: Voice) -> Result<(), Error> {
    if let Some(to) = &arguments.extract {
        let Extracted { files, size } =
            extract(&Executable::open(&arguments.executable)?, to, arguments.force)?;
        if !voice.quiet {
            print(format_args!("{}: {files} files, {}\n", to.display(), Size(size)));
        }
        return Ok(());
    }
    let contents = of_executable(&arguments.executable)?;
    if arguments.json {
        print_json(&contents)?;
    } else {
        let deepest = if arguments.all { usize::MAX } else { 2 };
        let depth = arguments.depth.map_or(deepest, usize::from);
        for warning in &contents.warnings {
            voice.warning(Plain(warning));
        }
        print(show(&contents, View { all: arguments.all, depth }));
    }
    Ok(())
}
