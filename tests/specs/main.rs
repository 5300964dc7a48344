//! Runs every spec: one file of `specs/` a behaviour, one trial a behaviour and interpreter.
//!
//! Takes the arguments that cargo's own test binaries take. At the end one line names what was skipped and why.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a trial fails by panicking")]

use std::path::Path;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use snapfreeze_tests::Fixtures;

mod entries;
mod examples;
mod figures;
mod files;
mod imports;
mod isolation;
mod outputs;
mod reproducible;
mod stdlib;
mod workloads;

/// A behaviour's trials.
type Behaviour = fn(&Fixtures) -> Vec<Trial>;

const BEHAVIOURS: &[Behaviour] = &[
    entries::trials,
    examples::trials,
    figures::trials,
    files::trials,
    imports::trials,
    isolation::trials,
    outputs::trials,
    reproducible::trials,
    stdlib::trials,
    workloads::trials,
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let command = Path::new(env!("CARGO_BIN_EXE_snapfreeze-under-test"));
    let fixtures = Fixtures::find(command, Path::new(env!("CARGO_TARGET_TMPDIR")));
    let trials: Vec<Trial> = BEHAVIOURS.iter().flat_map(|behaviour| behaviour(&fixtures)).collect();
    let skipped: Vec<String> = trials
        .iter()
        .filter(|trial| trial.has_ignored_flag() && !arguments.is_filtered_out(trial))
        .map(|trial| trial.name().to_owned())
        .collect();
    let is_list = arguments.list;
    let conclusion = libtest_mimic::run(&arguments, trials);
    if !is_list && !skipped.is_empty() {
        println!("skipped: {}", skipped.join("; "));
    }
    conclusion.exit_code()
}
