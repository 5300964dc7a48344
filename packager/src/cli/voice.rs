//! How commands speak to people: errors, warnings, notes and details on stderr, in one voice, and the options that say
//! how much of it there is and in which colours.
//!
//! Colours are for the words alone (`error`, `warning`), so that a message can be copied as it is. Whether there are any
//! is for `anstream` to decide: `--color`, then NO_COLOR, CLICOLOR_FORCE, TERM=dumb and what the stream is.

use std::ffi::OsString;
use std::fmt;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use anstream::ColorChoice;
use anstyle::{AnsiColor, Style};
use clap::builder::Styles;
use clap::{Args, ValueEnum};

use crate::error::Error;
use crate::report::Report;

/// An error's word.
pub const ERROR: Style = AnsiColor::Red.on_default().bold();
/// A warning's word.
pub const WARNING: Style = AnsiColor::Yellow.on_default().bold();
/// The words of notes and hints.
pub const NOTE: Style = AnsiColor::Cyan.on_default().bold();
/// What is good, and headings.
pub const GOOD: Style = AnsiColor::Green.on_default().bold();
/// What is less important than what is beside it.
pub const DIM: Style = Style::new().dimmed();

/// Colours of `--help` and of wrong command lines.
pub const STYLES: Styles = Styles::styled()
    .header(GOOD)
    .usage(GOOD)
    .literal(NOTE)
    .placeholder(AnsiColor::Cyan.on_default())
    .error(ERROR)
    .valid(GOOD)
    .invalid(WARNING);

/// How a command speaks: the options that all commands have.
#[derive(Debug, Clone, Copy, Default, Args)]
#[command(next_help_heading = "Global options")]
pub struct Voice {
    /// Print only errors, and what was asked for
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Say more: how long each stage took, what was not found or not followed
    #[arg(short, long, global = true)]
    pub verbose: bool,

    /// When to use colours: auto (on a terminal; NO_COLOR and CLICOLOR_FORCE count), always or never
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        value_enum,
        default_value_t,
        hide_possible_values = true
    )]
    pub color: ColorOption,
}

/// When there are colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorOption {
    /// On a terminal, unless the environment says otherwise
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl ColorOption {
    /// Makes it what all output of this process heeds.
    pub fn apply(self) {
        let choice = match self {
            Self::Auto => ColorChoice::Auto,
            Self::Always => ColorChoice::Always,
            Self::Never => ColorChoice::Never,
        };
        choice.write_global();
    }

    /// What a command line says, without reading the rest of it: it counts for errors in the rest, too.
    pub fn of_line(arguments: &[OsString]) -> Self {
        let arguments = arguments.iter().skip(1).take_while(|argument| *argument != "--");
        let mut found = Self::Auto;
        let mut is_next = false;
        for argument in arguments {
            let text = argument.to_string_lossy();
            let value = if is_next { Some(&*text) } else { text.strip_prefix("--color=") };
            is_next = text == "--color";
            if let Some(known) = value.and_then(|value| Self::from_str(value, false).ok()) {
                found = known;
            }
        }
        found
    }
}

impl Voice {
    /// A note: something was done differently than might be expected.
    pub fn note(self, message: impl fmt::Display) {
        if !self.quiet {
            word(NOTE, "note", message);
        }
    }

    /// A warning: the result may not be what is wanted. What to do about it may follow, on a line that begins with `hint: `.
    pub fn warning(self, message: impl fmt::Display) {
        if !self.quiet {
            let text = message.to_string();
            let (message, hint) =
                text.split_once("\nhint: ").map_or((&*text, None), |(message, hint)| (message, Some(hint)));
            word(WARNING, "warning", message);
            if let Some(hint) = hint {
                word(NOTE, "hint", hint);
            }
        }
    }

    /// What only `--verbose` tells.
    pub fn detail(self, message: impl fmt::Display) {
        if self.verbose && !self.quiet {
            say(format_args!("{message}"));
        }
    }

    /// Notes and warnings of a build. They go to stderr: `run` leaves stdout to the program.
    pub fn tell(self, report: &Report) {
        for note in &report.notes {
            self.note(note);
        }
        for warning in &report.warnings {
            self.warning(warning);
        }
    }
}

/// An error, with what to do about it. No option silences it.
pub fn complain(error: &Error) {
    word(ERROR, "error", error);
    if let Some(hint) = error.hint() {
        word(NOTE, "hint", hint);
    }
}

/// A line on stderr that begins with a word in colour.
fn word(style: Style, word: &str, message: impl fmt::Display) {
    say(format_args!("{style}{word}{style:#}: {message}"));
}

/// A line on stderr. Where it cannot be written, nobody reads it: `eprintln!` would panic.
pub fn say(line: fmt::Arguments<'_>) {
    let _ = writeln!(anstream::stderr(), "{line}");
}

/// The first error of stdout.
static LOST: Mutex<Option<io::Error>> = Mutex::new(None);

/// Text on stdout, as it is but for its colours. A reader that has seen enough closes the pipe: that is no error. Any other
/// is kept until the command has done its work: see [`lost`].
pub fn print(text: impl fmt::Display) {
    let mut out = anstream::AutoStream::auto(io::stdout());
    match write!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            LOST.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        }
        _ => {}
    }
}

/// Why not all that was printed has reached stdout: a disk is full, say.
pub fn lost() -> Option<io::Error> {
    LOST.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// Prints one JSON document.
///
/// # Errors
/// When there is no memory for it.
pub fn print_json(document: &impl serde::Serialize) -> Result<(), Error> {
    print(json(document)?);
    Ok(())
}

/// A JSON document as text that ends with its line.
///
/// # Errors
/// When there is no memory for it.
pub fn json(document: &impl serde::Serialize) -> Result<String, Error> {
    let mut text = serde_json::to_string_pretty(document).map_err(Error::Json)?;
    text.push('\n');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_known_before_the_rest_of_the_line_is_read() {
        let of = |line: &str| ColorOption::of_line(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        assert_eq!(of("snapfreeze build x.py"), ColorOption::Auto);
        assert_eq!(of("snapfreeze --color never build x.py"), ColorOption::Never);
        assert_eq!(of("snapfreeze build --color=always --nonsense"), ColorOption::Always);
        assert_eq!(of("snapfreeze run x.py -- --color=never"), ColorOption::Auto);
        assert_eq!(of("snapfreeze --color"), ColorOption::Auto);
        assert_eq!(of("snapfreeze --color pink build"), ColorOption::Auto);
    }
}
