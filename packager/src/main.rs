//! The `snapfreeze` command.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    snapfreeze::cli::main()
}
