//! Runs every spec: one file of `specs/` a behaviour, one trial a behaviour and interpreter.
//!
//! Takes the arguments that cargo's own test binaries take. At the end one line says why trials were skipped,
//! and how many.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a trial fails by panicking")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use snapfreeze_tests::Fixtures;
use snapfreeze_tests::execution::hear_signals;

mod certificates;
mod code_objects;
mod collector;
mod corpus;
mod cpython_suite;
mod damage;
mod data_files;
mod ecosystem;
mod entries;
mod errors;
mod examples;
mod exits;
mod figures;
mod files;
mod forks;
mod fusion;
mod hooks;
mod images;
mod importing;
mod imports;
mod inspect;
mod interpreter;
mod isolation;
mod learn;
mod many_modules;
mod memory;
mod moving;
mod multiprocessing;
mod native;
mod on_demand;
mod optional;
mod options;
mod outputs;
mod package_data;
mod profile;
mod report;
mod reproducible;
mod sbom;
mod semantics;
mod signals;
mod statics;
mod stdlib;
mod traces;
mod virtual_files;
mod voice;
mod wheel;
mod why;
mod workloads;

/// A behaviour's trials.
type Behaviour = fn(&Fixtures) -> Vec<Trial>;

const BEHAVIOURS: &[Behaviour] = &[
    certificates::trials,
    code_objects::trials,
    collector::trials,
    corpus::trials,
    cpython_suite::trials,
    damage::trials,
    data_files::trials,
    ecosystem::trials,
    entries::trials,
    errors::trials,
    exits::trials,
    examples::trials,
    figures::trials,
    files::trials,
    forks::trials,
    fusion::trials,
    hooks::trials,
    images::trials,
    importing::trials,
    imports::trials,
    inspect::trials,
    interpreter::trials,
    isolation::trials,
    learn::trials,
    many_modules::trials,
    memory::trials,
    moving::trials,
    multiprocessing::trials,
    native::trials,
    on_demand::trials,
    optional::trials,
    options::trials,
    outputs::trials,
    package_data::trials,
    profile::trials,
    report::trials,
    reproducible::trials,
    sbom::trials,
    semantics::trials,
    signals::trials,
    statics::trials,
    stdlib::trials,
    virtual_files::trials,
    voice::trials,
    wheel::trials,
    why::trials,
    workloads::trials,
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    hear_signals();
    let command = Path::new(env!("CARGO_BIN_EXE_snapfreeze-under-test"));
    let fixtures = Fixtures::find(command, Path::new(env!("CARGO_TARGET_TMPDIR")));
    let trials: Vec<Trial> = BEHAVIOURS.iter().flat_map(|behaviour| behaviour(&fixtures)).collect();
    let mut skipped: BTreeMap<String, usize> = BTreeMap::new();
    for trial in trials.iter().filter(|trial| trial.has_ignored_flag() && !arguments.is_filtered_out(trial)) {
        *skipped.entry(reason(trial.name())).or_default() += 1;
    }
    let is_list = arguments.list;
    let conclusion = libtest_mimic::run(&arguments, trials);
    if !is_list && !skipped.is_empty() {
        let reasons = skipped.iter().map(|(reason, count)| format!("{reason} ({count})"));
        println!("skipped: {}", reasons.collect::<Vec<_>>().join("; "));
    }
    conclusion.exit_code()
}

/// Why a trial is skipped, from its name: `… [3.12: no such interpreter]`.
fn reason(name: &str) -> String {
    let bracket = name.rsplit_once('[').and_then(|(_, rest)| rest.strip_suffix(']'));
    bracket.unwrap_or(name).to_owned()
}
