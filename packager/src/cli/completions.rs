//! `completions` and `man`: what shells and `man` want to know of the command line, written from its definition.

use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, Command, CommandFactory};
use clap_complete::Shell;

use super::Cli;
use super::voice::{Voice, print};
use crate::draft;
use crate::error::Error;

/// Arguments of `completions`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  snapfreeze completions bash > ~/.local/share/bash-completion/completions/snapfreeze
  snapfreeze completions zsh > \"${fpath[1]}/_snapfreeze\"
  snapfreeze completions fish > ~/.config/fish/completions/snapfreeze.fish")]
pub struct CompletionsArguments {
    /// The shell: bash, zsh, fish, elvish or powershell
    #[arg(value_name = "SHELL", value_enum, hide_possible_values = true)]
    shell: Shell,
}

/// Arguments of `man`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  snapfreeze man | man -l -                        read the first page
  snapfreeze man --output ~/.local/share/man/man1  all pages, for `man snapfreeze-build`")]
pub struct ManArguments {
    /// Write a page for each command into this directory, instead of the first page to stdout
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
}

/// Why there are no manual pages.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {path}: {source}", path = path.display())]
pub struct ManError {
    path: PathBuf,
    source: io::Error,
}

/// Prints a script for a shell.
///
/// # Errors
/// None.
pub fn completions(arguments: CompletionsArguments) -> Result<(), Error> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "snapfreeze", &mut script);
    print(String::from_utf8_lossy(&script));
    Ok(())
}

/// Prints the manual page, or writes all.
///
/// # Errors
/// When a page cannot be written; those before it stay.
pub fn man(arguments: ManArguments, voice: Voice) -> Result<(), Error> {
    let mut command = Cli::command();
    command.build();
    let Some(directory) = arguments.output else {
        let page = page(&command).map_err(|source| ManError { path: "standard output".into(), source })?;
        print(String::from_utf8_lossy(&page));
        return Ok(());
    };
    std::fs::create_dir_all(&directory).map_err(|source| ManError { path: directory.clone(), source })?;
    let mut written = 0;
    write_pages(&command, &directory, &mut written)?;
    voice.note(format_args!("{written} pages in {}", directory.display()));
    Ok(())
}

/// The pages of a command and of all below it: `snapfreeze-cache-prune.1`.
fn write_pages(command: &Command, directory: &Path, written: &mut usize) -> Result<(), ManError> {
    let name = command.get_display_name().unwrap_or(command.get_name());
    let path = directory.join(format!("{name}.1"));
    let write = || {
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        draft::beside(&path, &page(command)?, Some(permissions))?.persist(&path)?;
        Ok(())
    };
    write().map_err(|source| ManError { path: path.clone(), source })?;
    *written += 1;
    let below = command.get_subcommands().filter(|below| below.get_name() != "help" && !below.is_hide_set());
    below.into_iter().try_for_each(|below| write_pages(below, directory, written))
}

fn page(command: &Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    Ok(page)
}
