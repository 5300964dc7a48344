//! Programs of growing size freeze without any option and print what `python` prints.

use libtest_mimic::Trial;
use snapfreeze_tests::execution::plain_command;
use snapfreeze_tests::{Fixtures, Interpreter, assert_same, execute};

/// The programs that use the standard library only.
pub const PLAIN: &[&str] = &["hello", "stdlib"];
/// The programs that need an environment.
pub const INSTALLED: &[&str] = &["cli", "np", "web"];
/// The one of these that writes a file.
pub const DRAWING: &str = "pd";

/// The Python that a workload runs with: the environment where it needs one.
pub fn python_for(workload: &str, fixtures: &Fixtures, interpreter: &Interpreter) -> Interpreter {
    if PLAIN.contains(&workload) {
        interpreter.clone()
    } else {
        fixtures.environment("workloads", interpreter)
    }
}

/// A workload's source.
pub fn source(workload: &str) -> String {
    format!("workloads/{workload}.py")
}

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    let trial = |workload: &'static str, slot| {
        fixtures
            .trial(format!("workloads::{workload} prints what python prints"), slot)
            .runs(move |fixtures, interpreter| prints_what_python_prints(workload, fixtures, interpreter))
    };
    let preferred = fixtures.preferred();
    let plain = PLAIN.iter().flat_map(|workload| fixtures.each().iter().map(|slot| trial(workload, slot)));
    plain.chain(INSTALLED.iter().map(|workload| trial(workload, &preferred))).collect()
}

fn prints_what_python_prints(workload: &str, fixtures: &Fixtures, interpreter: &Interpreter) {
    let python = python_for(workload, fixtures, interpreter);
    let expected = execute(&mut fixtures.python(&source(workload), &python)).succeeded("python");
    assert!(!expected.stdout.is_empty(), "{workload} prints nothing");
    let frozen = fixtures.frozen(&source(workload), &python);
    assert_same(&execute(&mut plain_command(frozen)), &expected);
}
