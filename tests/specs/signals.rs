//! Signals in the course of a start and of imports do what they do under `python`.

use std::time::Duration;

use libtest_mimic::Trial;
use snapfreeze_tests::execution::{Running, TIME_LIMIT, plain_command};
use snapfreeze_tests::{Fixtures, Interpreter, Slot, assert_same, execute};

use crate::traces::{of_frozen, of_python};

const PROGRAM: &str = "signals/program.py";

/// Moments at which a start is interrupted, this long after each other: together longer than the start takes.
const MOMENTS: u32 = 40;
const BETWEEN: Duration = Duration::from_micros(1000);

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    fixtures.each().iter().flat_map(|slot| of_slot(fixtures, slot)).collect()
}

/// The trials with one interpreter.
pub fn of_slot(fixtures: &Fixtures, slot: &Slot) -> Vec<Trial> {
    let mut trials = Vec::new();
    for (name, signal) in [("SIGINT", libc::SIGINT), ("SIGTERM", libc::SIGTERM)] {
        let name = format!("signals::{name} ends it at any moment of its start");
        trials.push(fixtures.trial(name, slot).runs(move |fixtures, interpreter| {
            ends_it_at_any_moment(signal, fixtures, interpreter);
        }));
    }
    for case in ["handled_while_importing", "segmentation_fault", "segmentation_fault_in_c", "mask"] {
        trials.push(fixtures.trial(format!("signals::{case}"), slot).runs(move |fixtures, interpreter| {
            same(case, fixtures, interpreter);
        }));
    }
    trials
}

/// How `python` ends, too, where KeyboardInterrupt comes while an import statement writes the message that a name cannot be
/// imported, as `ssl` has it: the message is missing then (`import_from` of Python/ceval.c, `PyErr_SetImportError`).
const NO_MESSAGE: &str = "TypeError: expected a message argument\n";

/// Before Python has a handler, and after: SIGINT ends a program that does not catch KeyboardInterrupt by the signal.
fn ends_it_at_any_moment(signal: i32, fixtures: &Fixtures, interpreter: &Interpreter) {
    let frozen = fixtures.frozen(PROGRAM, interpreter);
    for moment in 0..MOMENTS {
        let running = Running::start(plain_command(&frozen).arg("waits"));
        std::thread::sleep(BETWEEN * moment);
        running.signal(signal);
        let outcome = running.end(TIME_LIMIT).unwrap_or_else(|outcome| panic!("{moment}: {outcome:?}"));
        // KeyboardInterrupt is lost where it comes in a callback, as that of a module's lock; python says so.
        if signal == libc::SIGINT && outcome.code == Some(0) {
            assert!(outcome.err().starts_with("Exception ignored"), "{moment}: {outcome:?}");
            continue;
        }
        // An interpreter that is interrupted while it initialises says so and fails, as python does.
        let is_fatal = signal == libc::SIGINT
            && outcome.code.is_some_and(|code| code != 0)
            && (outcome.err().contains("KeyboardInterrupt") || outcome.err().ends_with(NO_MESSAGE))
            && outcome.out().is_empty();
        assert!(outcome.signal == Some(signal) || is_fatal, "{moment}: {outcome:?}");
    }
    // Not only the time before the first line has been met.
    let mut running = Running::start(plain_command(&frozen).arg("waits"));
    running.wait_for_output();
    running.signal(signal);
    let outcome = running.end(TIME_LIMIT).unwrap_or_else(|outcome| panic!("{outcome:?}"));
    assert_eq!((outcome.signal, outcome.out().as_str()), (Some(signal), "ready\n"), "{outcome:?}");
}

fn same(case: &str, fixtures: &Fixtures, interpreter: &Interpreter) {
    let frozen = fixtures.frozen(PROGRAM, interpreter);
    let expected = execute(fixtures.python(PROGRAM, interpreter).arg(case));
    let outcome = execute(plain_command(&frozen).arg(case));
    assert!(expected.code == Some(0) || expected.signal == Some(libc::SIGSEGV), "{expected:?}");
    assert!(!expected.out().contains("False"), "{expected:?}");
    let expected = of_python(expected, fixtures, PROGRAM, interpreter);
    assert_same(&of_frozen(outcome, &frozen), &expected);
}
