//! What the command says when it cannot do what is asked: one clear message, what to do about it, no output left.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use libtest_mimic::Trial;
use snapfreeze_tests::execution::plain_command;
use snapfreeze_tests::jail::Jail;
use snapfreeze_tests::{Fixtures, Interpreter, Outcome, execute};

/// Arguments of `snapfreeze build`, and what the message has in it. `PYTHON` is the interpreter.
type Case = (&'static str, &'static [&'static str], &'static [&'static str]);

const CASES: &[Case] = &[
    ("no such file", &["none.py"], &["there is no file or directory none.py"]),
    ("a directory without a main", &["nomain"], &["nomain has no __main__.py", "hint: name the script"]),
    ("a special file", &["/dev/null"], &["/dev/null is neither a file nor a directory"]),
    (
        "no such module",
        &["-m", "no.such", "--python", "PYTHON"],
        &["no module no.such", "hint: install it there"],
    ),
    ("a name that is none", &["-m", "no such"], &["not the name of a Python module"]),
    (
        "a syntax error",
        &["wrong.py", "--python", "PYTHON"],
        &["wrong.py:2: syntax error: invalid syntax\n    def f(:\n          ^\n"],
    ),
    (
        "a syntax error in a module of the program",
        &["imports_wrong.py", "--python", "PYTHON"],
        &["unclosed.py:1: syntax error: '(' was never closed\n    a = (1,\n        ^\n"],
    ),
    (
        "a syntax error after letters of two bytes",
        &["letters.py", "--python", "PYTHON"],
        // Where the caret is depends on the version: before 3.13 CPython counts bytes here.
        &["letters.py:1: syntax error: invalid syntax\n    é = 'é'; x = = 2\n", "   ^\n"],
    ),
    (
        "bytes that are no text",
        &["bytes.py", "--python", "PYTHON"],
        &["bytes.py:1: syntax error", "byte 0xff"],
    ),
    (
        "an unknown encoding",
        &["coding.py", "--python", "PYTHON"],
        &["coding.py", "unknown encoding: nothing"],
    ),
    ("a null byte", &["null.py", "--python", "PYTHON"], &["null.py", "null bytes"]),
    (
        "no such interpreter",
        &["good.py", "--python", "./none"],
        &["cannot run the interpreter ./none", "hint: "],
    ),
    ("an interpreter that is a script", &["good.py", "--python", "./good.py"], &["./good.py", "hint: "]),
    ("an interpreter that is a directory", &["good.py", "--python", "./nomain"], &["./nomain", "hint: "]),
    ("an interpreter that fails", &["good.py", "--python", "./fails"], &["./fails", "went wrong", "hint: "]),
    ("an interpreter that talks nonsense", &["good.py", "--python", "./babbles"], &["./babbles", "hint: "]),
    (
        "an interpreter like Python 2",
        &["good.py", "--python", "./two"],
        &["./two", "Unknown option: -I", "hint: "],
    ),
];

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    let slot = fixtures.preferred();
    let trial = |name: String| fixtures.trial(format!("errors::{name}"), &slot);
    let mut trials = Vec::new();
    for (name, arguments, words) in CASES {
        trials.push(
            trial((*name).to_owned()).runs(|fixtures, python| refused(fixtures, python, arguments, words)),
        );
    }
    for minor in ["2.7", "3.6", "3.7", "3.8", "3.14", "3.15"] {
        let found = on_the_machine(minor);
        let needs = found.as_ref().map(|_| ()).ok_or_else(|| format!("no Python {minor}"));
        trials.push(trial(format!("Python {minor}")).needs(needs).runs(move |fixtures, _| {
            unsupported(fixtures, &found.unwrap(), minor);
        }));
    }
    let jail = Jail::find();
    let needs = jail.as_ref().map(|_| ()).map_err(Clone::clone);
    trials.extend([
        trial("no interpreter at all".into()).runs(no_interpreter),
        trial("an unreadable file".into()).needs(is_no_root()).runs(unreadable),
        trial("the disk is full".into()).needs(needs).runs(disk_full),
        trial("a cache that cannot be written".into()).runs(no_cache),
    ]);
    trials
}

/// A folder with programs that are wrong in one way each.
fn folder(fixtures: &Fixtures) -> PathBuf {
    let folder = fixtures.folder("errors");
    let files: &[(&str, &[u8])] = &[
        ("good.py", b"print(1)\n"),
        ("wrong.py", b"x = 1\ndef f(:\n    pass\n"),
        ("imports_wrong.py", b"import unclosed\n"),
        ("unclosed.py", b"a = (1,\n"),
        ("letters.py", "é = 'é'; x = = 2\n".as_bytes()),
        ("bytes.py", b"\xff\xfe\n"),
        ("coding.py", b"# coding: nothing\n"),
        ("null.py", b"x = '\0'\n"),
        ("fails", b"#!/bin/sh\necho it went wrong >&2\nexit 3\n"),
        ("babbles", b"#!/bin/sh\necho nonsense\n"),
        ("two", b"#!/bin/sh\necho 'Unknown option: -I' >&2\nexit 2\n"),
    ];
    for (name, content) in files {
        std::fs::write(folder.join(name), content).unwrap();
    }
    for name in ["fails", "babbles", "two"] {
        std::fs::set_permissions(folder.join(name), Permissions::from_mode(0o755)).unwrap();
    }
    std::fs::create_dir(folder.join("nomain")).unwrap();
    folder
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// A message and a code of its own, and neither a panic nor a traceback of our helpers.
#[track_caller]
fn complains(outcome: &Outcome, words: &[&str]) {
    let message = outcome.err();
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert!(message.starts_with("error: ") && outcome.stdout.is_empty(), "{outcome:?}");
    assert_eq!(
        message.matches("error: ").count() - message.matches("syntax error: ").count(),
        1,
        "{outcome:?}"
    );
    assert!(!message.contains("panicked") && !message.contains("Traceback"), "{outcome:?}");
    for word in words {
        assert!(message.contains(word), "no {word:?}: {outcome:?}");
    }
}

fn refused(fixtures: &Fixtures, python: &Interpreter, arguments: &[&str], words: &[&str]) {
    let folder = folder(fixtures);
    let before = names(&folder);
    let mut command = fixtures.snapfreeze();
    command.arg("build").current_dir(&folder).args(["-o", "made/program"]);
    for argument in arguments {
        if *argument == "PYTHON" {
            command.arg(&python.python)
        } else {
            command.arg(argument)
        };
    }
    complains(&execute(&mut command), words);
    assert_eq!(names(&folder), before);
}

/// An interpreter of a version that cannot be frozen, where one is on this machine.
fn on_the_machine(minor: &str) -> Option<PathBuf> {
    let pyenv = std::env::var_os("PYENV_ROOT")
        .map(PathBuf::from)
        .or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(".pyenv")));
    let in_pyenv = pyenv.and_then(|root| {
        let versions = std::fs::read_dir(root.join("versions")).ok()?;
        let prefix = format!("{minor}.");
        let mut versions = versions.filter_map(|entry| Some(entry.ok()?.path()));
        let found = versions
            .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&prefix)));
        found.map(|path| path.join("bin/python"))
    });
    in_pyenv.filter(|python| python.exists())
}

fn unsupported(fixtures: &Fixtures, python: &Path, minor: &str) {
    let folder = folder(fixtures);
    let mut command = fixtures.snapfreeze();
    command.args(["build", "good.py", "--python"]).arg(python).args(["-o", "program"]).current_dir(&folder);
    let words: &[&str] = if minor == "2.7" {
        &["Python 3 interpreter", "hint: "]
    } else {
        &["3.9 to 3.13", "hint: name another"]
    };
    let outcome = execute(&mut command);
    complains(&outcome, words);
    assert!(outcome.err().contains(minor), "{outcome:?}");
    assert!(!folder.join("program").exists());
}

fn no_interpreter(fixtures: &Fixtures, _python: &Interpreter) {
    let folder = folder(fixtures);
    let mut command = fixtures.snapfreeze();
    command
        .args(["build", "good.py"])
        .current_dir(&folder)
        .env("PATH", "/nonexistent")
        .env("HOME", "/nonexistent");
    complains(&execute(&mut command), &["no Python interpreter was found", "hint: install Python 3"]);
    assert!(!folder.join("dist").exists());
}

fn is_no_root() -> Result<(), String> {
    // SAFETY: geteuid has no conditions.
    if unsafe { libc::geteuid() } == 0 { Err("root reads everything".into()) } else { Ok(()) }
}

fn unreadable(fixtures: &Fixtures, python: &Interpreter) {
    let folder = folder(fixtures);
    std::fs::set_permissions(folder.join("good.py"), Permissions::from_mode(0o000)).unwrap();
    let mut command = fixtures.snapfreeze();
    command.args(["build", "good.py", "--python"]).arg(&python.python).current_dir(&folder);
    complains(&execute(&mut command), &["cannot read", "good.py", "Permission denied"]);
}

/// On a file system of one megabyte, in a mount namespace of its own.
fn disk_full(fixtures: &Fixtures, python: &Interpreter) {
    let folder = folder(fixtures);
    let script = r#"mount -t tmpfs -o size=1m none nomain && { "$@"; code=$?; ls -A nomain; exit $code; }"#;
    let mut inner = fixtures.snapfreeze();
    inner.args(["build", "good.py", "-o", "nomain/program", "--python"]).arg(&python.python);
    let root = is_no_root().is_err();
    let mut command = plain_command("unshare");
    command.args(if root { &["--mount"][..] } else { &["--map-root-user", "--mount"] });
    command.args(["sh", "-c", script, "sh"]).arg(inner.get_program()).args(inner.get_args());
    command.current_dir(&folder);
    for (name, value) in inner.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    complains(&execute(&mut command), &["cannot write nomain/program", "hint: the disk is full"]);
}

/// The cache only saves time: without it a build works all the same.
fn no_cache(fixtures: &Fixtures, python: &Interpreter) {
    let folder = folder(fixtures);
    let mut command = fixtures.snapfreeze();
    command.env("SNAPFREEZE_CACHE_DIR", "/dev/null/none").current_dir(&folder);
    command.args(["build", "good.py", "-o", "program", "--python"]).arg(&python.python);
    execute(&mut command).succeeded("build");
    assert_eq!(execute(&mut plain_command(folder.join("program"))).out(), "1\n");
}
