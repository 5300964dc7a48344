//! `init`: its arguments, and what it prints.

use std::path::PathBuf;

use clap::Args;

use super::configured::building;
use super::voice::{Voice, print};
use crate::error::Error;
use crate::ops::init::propose;

/// Arguments of `init`.
#[derive(Debug, Args)]
#[command(after_help = "\
The table follows all that is in the file, which stays as it is. One that is there already is not touched.

Examples:
  snapfreeze init --dry-run    see what it would write
  snapfreeze init              write it
  snapfreeze build             build the project's programs")]
pub struct InitArguments {
    /// The project's directory, or one below it
    #[arg(value_name = "DIR", default_value = ".")]
    directory: PathBuf,

    /// Print the table and write nothing
    #[arg(long)]
    dry_run: bool,
}

/// Writes `[tool.snapfreeze]` into the project's pyproject.toml.
///
/// # Errors
/// When there is such a table, or the file cannot be read or written.
pub fn init(arguments: &InitArguments, voice: Voice) -> Result<(), Error> {
    let proposal = propose(&arguments.directory, &building())?;
    if arguments.dry_run {
        print(&proposal.table);
        return Ok(());
    }
    proposal.write()?;
    if !voice.quiet {
        let here = std::env::current_dir().unwrap_or_default();
        let path = proposal.path.strip_prefix(&here).unwrap_or(&proposal.path);
        let what = if proposal.is_there { "added [tool.snapfreeze] to" } else { "wrote" };
        print(format_args!("{what} {}\n", path.display()));
        match proposal.programs.as_slice() {
            [] => print("name the program in it: `entry`\n"),
            programs => print(format_args!("`snapfreeze build` builds {}\n", programs.join(", "))),
        }
    }
    Ok(())
}
