//! What a frozen program sees of itself and of the import system is what it sees under `python`.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

use libtest_mimic::Trial;
use snapfreeze_tests::execution::plain_command;
use snapfreeze_tests::{Fixtures, Interpreter, assert_same, execute};

use crate::traces::{cases, of_frozen, of_python};

const PROGRAM: &str = "semantics/semantics.py";

/// Cases that are not compared: frozen programs differ there, or have what `python` has not.
const OWN: &[&str] =
    &["finder_interface", "sys_attributes", "no_source", "license_text", "reloads_do_not_leak"];

/// Locales, as the whole environment.
const LOCALES: &[&[(&str, &str)]] = &[
    &[],
    &[("LANG", "C")],
    &[("LC_ALL", "C")],
    &[("LC_ALL", "POSIX")],
    &[("LANG", "C.UTF-8")],
    &[("LC_CTYPE", "C.UTF-8")],
    &[("LANG", "no_such.locale")],
    &[("LANG", "en_US.ISO-8859-1"), ("LC_MESSAGES", "C")],
];

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    let mut trials = Vec::new();
    for slot in fixtures.each() {
        for case in cases(fixtures, PROGRAM) {
            if OWN.contains(&case.as_str()) {
                continue;
            }
            trials.push(fixtures.trial(format!("semantics::{case}"), slot).runs(move |fixtures, python| {
                same(fixtures, python, &[&case], |command| command);
            }));
        }
        trials.push(fixtures.trial("semantics::locales", slot).runs(locales));
        trials.push(fixtures.trial("semantics::any bytes as arguments", slot).runs(arguments));
        trials.push(fixtures.trial("semantics::any name as argv[0]", slot).runs(first_argument));
        trials.push(fixtures.trial("semantics::sys says where it is", slot).runs(sys_attributes));
        trials.push(fixtures.trial("semantics::the finder's interface", slot).runs(finder_interface));
        trials.push(fixtures.trial("semantics::no source, no license file", slot).runs(no_source));
        trials.push(fixtures.trial("semantics::importing does not leak", slot).runs(no_leak));
    }
    trials
}

/// Runs the program both ways and compares.
#[track_caller]
fn same<S: AsRef<OsStr>>(
    fixtures: &Fixtures,
    python: &Interpreter,
    arguments: &[S],
    adapt: impl Fn(&mut Command) -> &mut Command,
) {
    let frozen = fixtures.frozen(PROGRAM, python);
    let of_program = execute(adapt(plain_command(&frozen).args(arguments)));
    let of_interpreter = execute(adapt(fixtures.python(PROGRAM, python).args(arguments)));
    assert_same(&of_frozen(of_program, &frozen), &of_python(of_interpreter, fixtures, PROGRAM, python));
}

/// What the frozen program prints in a case of its own.
#[track_caller]
fn own(fixtures: &Fixtures, python: &Interpreter, case: &str) -> String {
    let frozen = fixtures.frozen(PROGRAM, python);
    let outcome = execute(plain_command(&frozen).arg(case)).succeeded(case);
    assert!(outcome.stderr.is_empty(), "{outcome:?}");
    of_frozen(outcome, &frozen).out()
}

fn locales(fixtures: &Fixtures, python: &Interpreter) {
    for locale in LOCALES {
        for case in ["encodings", "environment", "prints_text"] {
            same(fixtures, python, &[case], |command| command.env_clear().envs(locale.iter().copied()));
        }
        let bytes = [OsStr::from_bytes(b"arguments"), OsStr::from_bytes(b"\xff\xe9 \xc3\xa9")];
        same(fixtures, python, &bytes, |command| {
            command.env_clear().envs(locale.iter().copied()).env("NAME", OsStr::from_bytes(b"\xfe"))
        });
    }
}

fn arguments(fixtures: &Fixtures, python: &Interpreter) {
    let long = OsString::from("x".repeat(120_000));
    let many = vec![OsString::from("y"); 50_000];
    let strange: Vec<OsString> =
        [&b""[..], b"-c", b"-m", b"--", b"-h", b"-V", b"\xff\xfe", b"\xf0\x9f\x90\x8d", b"a\nb", b"-X", b"-"]
            .map(|bytes| OsStr::from_bytes(bytes).to_owned())
            .into();
    for rest in [vec![long], many, strange] {
        let all: Vec<OsString> = std::iter::once("arguments".into()).chain(rest).collect();
        same(fixtures, python, &all, |command| command);
    }
    let environment = [&b"\xff"[..], b"a=b", b"\xc3\xa9", b""];
    for value in environment {
        same(fixtures, python, &["environment"], |command| command.env("VALUE", OsStr::from_bytes(value)));
    }
}

/// The kernel makes an empty argument vector one of an empty string (Linux 5.18).
fn first_argument(fixtures: &Fixtures, python: &Interpreter) {
    let frozen = fixtures.frozen(PROGRAM, python);
    for name in [&b""[..], b"other", b"/no/such/file", b"\xff", b"./x/../y"] {
        let outcome =
            execute(plain_command(&frozen).arg0(OsStr::from_bytes(name)).arg("first_argument_by_name"));
        let expected = format!("{:?} True\n", name.escape_ascii().to_string().replace("\\xff", "\\udcff"));
        assert_eq!(outcome.succeeded("the program").out(), expected.replace('"', "'").replace("\\\\", "\\"));
    }
}

fn sys_attributes(fixtures: &Fixtures, python: &Interpreter) {
    let expected = "\
        True True True\n\
        [True, True, True, True]\n\
        True True True\n\
        True True\n\
        True Importer\n";
    assert_eq!(own(fixtures, python, "sys_attributes"), expected);
}

fn finder_interface(fixtures: &Fixtures, python: &Interpreter) {
    let expected = "\
        parts.leaf\n\
        parts.leaf\n\
        parts.leaf\n\
        None\n\
        () {} TypeError\n\
        (1, 2, 3, 4) {} TypeError\n\
        (3,) {} TypeError\n\
        ('nothing',) {} returned\n\
        ('parts',) {'no': 1} TypeError\n\
        TypeError TypeError\n\
        TypeError returned\n\
        True\n\
        <_snapfreeze.Importer object AttributeError\n";
    assert_eq!(own(fixtures, python, "finder_interface"), expected);
}

fn no_source(fixtures: &Fixtures, python: &Interpreter) {
    // From 3.13 on, linecache takes an empty file, which a module's is without its source, for an empty line.
    let expected = match python.minor.as_str() {
        "3.9" | "3.10" | "3.11" | "3.12" => "('OSError', 'could not get source code')\n[] None\n",
        _ => "('OSError', 'lineno is out of bounds')\n['\\n'] None\n",
    };
    assert_eq!(own(fixtures, python, "no_source"), expected);
    assert_eq!(own(fixtures, python, "license_text"), "See https://www.python.org/psf/license/\n");
}

fn no_leak(fixtures: &Fixtures, python: &Interpreter) {
    assert_eq!(own(fixtures, python, "reloads_do_not_leak"), "steady\n");
}
