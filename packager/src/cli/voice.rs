//! What commands say to people: errors, warnings and notes, all on stderr.

use std::fmt;
use std::io::{self, Write};

use crate::error::Error;
use crate::report::Report;

/// An error, with what to do about it.
pub fn complain(error: &Error) {
    say(format_args!("error: {error}"));
    if let Some(hint) = error.hint() {
        say(format_args!("hint: {hint}"));
    }
}

/// Notes and warnings go to stderr: `run` leaves stdout to the program.
pub fn tell(report: &Report) {
    for note in &report.notes {
        say(format_args!("note: {note}"));
    }
    for warning in &report.warnings {
        say(format_args!("warning: {warning}"));
    }
}

/// A line on stderr. Where it cannot be written, nobody reads it: `eprintln!` would panic.
pub fn say(line: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "{line}");
}
