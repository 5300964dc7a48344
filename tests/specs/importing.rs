//! What a program can see of an import as it happens is what it sees under `python`: which attributes modules have, what
//! becomes of imports that fail, who waits for whom, what the garbage collector does.

use libtest_mimic::Trial;
use snapfreeze_tests::execution::plain_command;
use snapfreeze_tests::{Fixtures, Interpreter, assert_same, execute};

use crate::traces::{cases, of_frozen, of_python};

const PROGRAM: &str = "importing/importing.py";

/// Functions of the program that are not cases.
const PARTS: &[&str] = &["halted", "locks"];

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    let mut trials = Vec::new();
    for slot in fixtures.each() {
        for case in cases(fixtures, PROGRAM) {
            if PARTS.contains(&case.as_str()) {
                continue;
            }
            trials.push(
                fixtures
                    .trial(format!("importing::{case}"), slot)
                    .runs(move |fixtures, python| same(fixtures, python, &case)),
            );
        }
    }
    trials
}

#[track_caller]
fn same(fixtures: &Fixtures, python: &Interpreter, case: &str) {
    let frozen = fixtures.frozen(PROGRAM, python);
    let of_program = execute(plain_command(&frozen).arg(case));
    let of_interpreter = execute(fixtures.python(PROGRAM, python).arg(case));
    assert_same(&of_frozen(of_program, &frozen), &of_python(of_interpreter, fixtures, PROGRAM, python));
}
