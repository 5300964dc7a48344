//! A frozen program ends as it does under `python`: exit code, signal, output, tracebacks.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use libtest_mimic::Trial;
use snapfreeze_tests::execution::{Running, TIME_LIMIT, execute_within, plain_command};
use snapfreeze_tests::{Fixtures, Interpreter, Outcome, Slot, assert_same};

use crate::traces::{cases, of_frozen, of_python};

const PROGRAM: &str = "exits/exits.py";

/// What is on stdin: a line, one that is not UTF-8, one that does not end.
const INPUT: &[u8] = b"one\n\xff two\nthree";

/// Shell redirections and limits around the program, which is `"$@"`.
const SURROUNDINGS: &[(&str, &str)] = &[
    ("stdout full, at the end", r#""$@" prints_much >/dev/full"#),
    ("stdout full, after an exception", r#""$@" exception >/dev/full"#),
    ("stderr full", r#""$@" exception 2>/dev/full"#),
    ("stderr full, with a last word", r#""$@" exit_text 2>/dev/full"#),
    ("stdin closed", r#""$@" standard_streams 9 9>&1 <&-"#),
    ("stdout closed", r#""$@" standard_streams 9 9>&1 >&-"#),
    ("stderr closed", r#""$@" standard_streams 9 9>&1 2>&-"#),
    ("all streams closed", r#""$@" standard_streams 9 9>&1 <&- >&- 2>&-"#),
    ("stdin closed and read", r#""$@" stdin_lines <&-"#),
    ("stdout closed and written", r#""$@" prints_much >&-"#),
    ("stdout closed by the reader", r#"{ "$@" stdout_to_a_closed_pipe; echo "code $?" >&2; } | head -n 1"#),
    (
        "SIGPIPE ignored before",
        r#"trap "" PIPE; { "$@" stdout_to_a_closed_pipe; echo "code $?" >&2; } | head -n 1"#,
    ),
    ("signals ignored before", r#"trap "" INT HUP TERM; "$@" signal_dispositions"#),
    ("signals as they are", r#""$@" signal_dispositions"#),
    ("a small stack", r#"ulimit -s 1024; "$@" recursion_error"#),
    ("no stack limit", r#"ulimit -s unlimited; "$@" falls_off"#),
    ("few descriptors", r#"ulimit -n 8; "$@" asyncio_exception"#),
    ("input at an end", r#"echo a | "$@" stdin_input"#),
    ("no file may grow", r#"ulimit -S -f 0; "$@" falls_off"#),
];

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    let mut trials = Vec::new();
    for slot in fixtures.each() {
        for case in cases(fixtures, PROGRAM) {
            trials.push(fixtures.trial(format!("exits::{case}"), slot).runs(move |fixtures, python| {
                same(fixtures, python, |program| {
                    let mut command = Command::new(program[0]);
                    command.args(&program[1..]).args([case.as_str(), "2"]);
                    command
                });
            }));
        }
        for (name, script) in SURROUNDINGS {
            trials.push(fixtures.trial(format!("exits::{name}"), slot).runs(move |fixtures, python| {
                same(fixtures, python, |program| {
                    let mut command = Command::new("sh");
                    command.args(["-c", script, "sh"]).args(program);
                    command
                });
            }));
        }
        trials.extend(of_slot(fixtures, slot));
    }
    trials
}

fn of_slot(fixtures: &Fixtures, slot: &Slot) -> Vec<Trial> {
    vec![
        fixtures.trial("exits::signals from outside end it", slot).runs(signals_from_outside),
        fixtures.trial("exits::on a terminal", slot).runs(on_a_terminal),
    ]
}

/// Runs the program both ways and compares. `command` gets the words that start the program.
#[track_caller]
fn same(fixtures: &Fixtures, python: &Interpreter, command: impl Fn(&[&OsStr]) -> Command) {
    let frozen = fixtures.frozen(PROGRAM, python);
    let script = fixtures.spec(PROGRAM);
    let run = |program: &[&OsStr]| {
        let wanted = command(program);
        let mut command = plain_command(wanted.get_program());
        command.args(wanted.get_args()).env("PYTHONDONTWRITEBYTECODE", "1");
        execute_within(&mut command, TIME_LIMIT, INPUT)
    };
    let of_interpreter = run(&[python.python.as_os_str(), script.as_os_str()]);
    let of_program = run(&[frozen.as_os_str()]);
    compare(of_program, &frozen, of_interpreter, fixtures, python);
}

#[track_caller]
fn compare(frozen: Outcome, executable: &Path, python: Outcome, fixtures: &Fixtures, with: &Interpreter) {
    assert_same(&of_frozen(frozen, executable), &of_python(python, fixtures, PROGRAM, with));
}

fn signals_from_outside(fixtures: &Fixtures, python: &Interpreter) {
    let frozen = fixtures.frozen(PROGRAM, python);
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGUSR1] {
        let run = |command: &mut Command| {
            let mut running = Running::start(command.arg("waits_for_a_signal"));
            running.wait_for_output();
            // From the output to the sleep in which the signal is to find it.
            std::thread::sleep(Duration::from_millis(200));
            running.signal(signal);
            running.end(TIME_LIMIT).unwrap()
        };
        let expected = run(&mut fixtures.python(PROGRAM, python));
        assert_eq!(expected.signal, Some(signal), "{expected:?}");
        compare(run(&mut plain_command(&frozen)), &frozen, expected, fixtures, python);
    }
}

/// Through a driver that makes a pseudoterminal and types.
fn on_a_terminal(fixtures: &Fixtures, python: &Interpreter) {
    let frozen = fixtures.frozen(PROGRAM, python);
    let script = fixtures.spec(PROGRAM);
    for (typed, case) in [
        ("a\nb\n\u{4}", "stdin_input"),
        ("one\ntwo\n\u{4}", "stdin_lines"),
        ("\u{3}", "waits_for_a_signal"),
        ("", "exception"),
        ("", "buffering"),
    ] {
        let run = |program: &[&OsStr]| {
            let mut command = plain_command(&python.python);
            command.arg(fixtures.spec("exits/terminal.py")).arg(typed).args(program).arg(case);
            execute_within(command.env("PYTHONDONTWRITEBYTECODE", "1"), TIME_LIMIT, b"")
                .succeeded("the driver")
        };
        let expected = run(&[python.python.as_os_str(), script.as_os_str()]);
        compare(run(&[frozen.as_os_str()]), &frozen, expected, fixtures, python);
    }
}
