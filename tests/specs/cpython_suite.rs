//! A sample of CPython's own tests, in the frozen executable as in python. `cpython_suite.py` runs all of them.

use std::path::Path;
use std::time::Duration;

use libtest_mimic::Trial;
use snapfreeze_tests::execution::plain_command;
use snapfreeze_tests::fixtures::NO_FUSE;
use snapfreeze_tests::{Fixtures, Interpreter, Slot, execute_within};

/// Versions whose tests are run.
const VERSIONS: [&str; 2] = ["3.10", "3.13"];

/// Test files that take about a second each.
const SAMPLE: &str = "test_pkgutil,test_glob,test_linecache";

/// Freezing all of the tests takes most of it.
const LIMIT: Duration = Duration::from_mins(10);

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    let slots = fixtures.each().iter().filter(|slot| VERSIONS.contains(&slot.minor.as_str()));
    slots
        .map(|slot| {
            let trial = fixtures.trial("cpython_suite::CPython's own tests pass as in python", slot);
            trial.needs(has_tests(slot)).runs(passes_a_sample)
        })
        .collect()
}

/// Distributions of Linux often leave the `test` package out.
fn has_tests(slot: &Slot) -> Result<(), String> {
    match &slot.found {
        Ok(python) if !python.stdlib.join("test/regrtest.py").is_file() => Err("no test package".to_owned()),
        _ => Ok(()),
    }
}

fn passes_a_sample(fixtures: &Fixtures, interpreter: &Interpreter) {
    let folder = fixtures.folder("suite");
    let mut command = plain_command(&interpreter.python);
    command.env("SNAPFREEZE_CACHE_DIR", folder.join("cache"));
    if !fixtures.fuses() {
        command.env(NO_FUSE, "1");
    }
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("cpython_suite.py"));
    command.arg("--python").arg(&interpreter.python).arg("--snapfreeze").arg(fixtures.command_path());
    command.arg("--target").arg(&folder).args(["--files", SAMPLE]);
    let outcome = execute_within(&mut command, LIMIT, b"").succeeded("cpython_suite.py");
    let out = outcome.out();
    let passed = out.lines().last().and_then(|line| line.strip_suffix(" passed, 0 failed"));
    let passed = passed.and_then(|number| number.parse::<u32>().ok());
    assert!(passed.is_some_and(|passed| passed > 50), "{outcome:?}");
}
