//! Hooks written for PyInstaller: those of a directory that the user names, and those that are installed.
//!
//! `hooks/program` uses its packages in ways that only `hooks/hooks` knows of; `hooks/api` has a hook that calls all that
//! PyInstaller's manual documents and fails where an answer is wrong; `hooks/collection` needs a real collection.

use std::path::Path;

use libtest_mimic::Trial;
use serde_json::{Value, json};
use snapfreeze_tests::execution::plain_command;
use snapfreeze_tests::{Fixtures, Interpreter, Outcome, execute};

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    let preferred = fixtures.preferred();
    let one = |name: &str, body: fn(&Fixtures, &Interpreter)| {
        fixtures.trial(format!("hooks::{name}"), &preferred).runs(body)
    };
    let each = fixtures.each().iter();
    let mut trials: Vec<Trial> = each
        .map(|slot| fixtures.trial("hooks::every documented function answers", slot).runs(interface))
        .collect();
    trials.extend([
        one("what a hook says is done", named_directory),
        one("why names the hook", why),
        one("a build with hooks is reproducible", reproducible),
        one("installed hooks count when the user says so, after those of directories", installed),
        one("a collection from PyPI brings what its hooks name", collection),
        one("a hook that breaks is a warning and nothing more", broken),
        one("a directory that is not there is an error", no_directory),
    ]);
    trials
}

/// Builds a program of `hooks/`. Returns the executable's place and what the build said.
fn build(fixtures: &Fixtures, main: &Path, arguments: &[&str], python: &Interpreter) -> (Outcome, Outcome) {
    let output = fixtures.folder("hooks").join("program");
    let mut command = fixtures.snapfreeze();
    command.current_dir(fixtures.spec("hooks")).arg("build").arg(main).args(arguments);
    command.arg("--python").arg(&python.python).arg("-o").arg(&output);
    let built = execute(&mut command).succeeded("the build");
    (built, execute(&mut plain_command(&output)).succeeded("the program"))
}

fn found(program: &Outcome) -> Value {
    serde_json::from_slice(&program.stdout).unwrap()
}

/// What the program finds without any hook.
fn without_hooks() -> Value {
    json!({
        "absolute": "ModuleNotFoundError",
        "from its package": "ModuleNotFoundError",
        "by call": "ModuleNotFoundError",
        "deleted by call": "ModuleNotFoundError",
        "data": ["FileNotFoundError", "FileNotFoundError", "FileNotFoundError"],
        "directory": "FileNotFoundError",
        "binary": "FileNotFoundError",
        "metadata": "PackageNotFoundError",
        "sources": ["OSError", "OSError", "OSError"],
        "excluded": ["tabnanny", "only here"],
        "used by another": "tabnanny",
        "removed": "rlcompleter",
        "appended": "No module named 'spread.appended'",
        "displaced": "here",
        "failing": "ModuleNotFoundError",
        "runtime": "made",
        "installed": "ModuleNotFoundError",
    })
}

/// [`without_hooks`] with some values in place of others.
fn with(changes: Value) -> Value {
    let mut all = without_hooks();
    for (name, value) in changes.as_object().unwrap() {
        all[name] = value.clone();
    }
    all
}

/// What the hooks of the directory `hooks/hooks` change.
fn with_directory() -> Value {
    with(json!({
        "absolute": "absolute",
        "from its package": "relative",
        "by call": "by call",
        "data": ["one", "two", "top"],
        "directory": "three",
        "binary": true,
        "metadata": "1.2",
        "sources": [true, "OSError", "OSError"],
        // Another package imports tabnanny, too.
        "excluded": "No module named 'this_is_only_here'",
        "removed": "No module named 'rlcompleter'",
        "appended": "appended",
        "displaced": "away",
    }))
}

fn named_directory(fixtures: &Fixtures, python: &Interpreter) {
    let main = fixtures.spec("hooks/program/main.py");
    let (built, program) = build(fixtures, &main, &[], python);
    assert_eq!(found(&program), without_hooks());
    assert!(built.err().contains("there is no module silent_made: "), "{built:?}");

    let (built, program) = build(fixtures, &main, &["--additional-hooks-dir", "hooks"], python);
    assert_eq!(found(&program), with_directory());
    let (said, failed) =
        ("warning: the hook hook-quiet.py says: ", fixtures.spec("hooks/hooks/hook-silent.py"));
    let expected = [
        format!("{said}a word from quiet"),
        format!("{said}datas has 'extra/none*', which matches no file"),
        format!(
            "warning: the hook {} is without effect: ModuleNotFoundError: PyInstaller.utils.hooks.nothing is not in \
             the part of PyInstaller that hooks find here",
            failed.display()
        ),
        "warning: there is no module there_is_none, which the hook hook-quiet.py asks for".to_owned(),
    ];
    assert_eq!(built.err().lines().collect::<Vec<_>>(), expected);
}

fn reproducible(fixtures: &Fixtures, python: &Interpreter) {
    let main = fixtures.spec("hooks/program/main.py");
    let hooks = fixtures.spec("hooks/hooks");
    let build = || {
        let arguments = [main.as_os_str(), "--additional-hooks-dir".as_ref(), hooks.as_os_str()];
        std::fs::read(fixtures.freeze(arguments, python)).unwrap()
    };
    assert!(build() == build(), "the executables differ");
}

fn why(fixtures: &Fixtures, python: &Interpreter) {
    let (main, hooks) = (fixtures.spec("hooks/program/main.py"), fixtures.spec("hooks/hooks"));
    let arguments = [main.as_os_str(), "--additional-hooks-dir".as_ref(), hooks.as_os_str()];
    let executable = fixtures.freeze(arguments, python);
    let ask = |name: &str| execute(fixtures.snapfreeze().arg("why").arg(&executable).arg(name)).out();
    let expected = "hidden_absolute is in the program:\n  main.py:12         imports quiet\n  quiet/__init__.py  needs \
                    hidden_absolute, by a hook: hook-quiet.py\n";
    assert_eq!(ask("hidden_absolute"), expected);
    assert_eq!(ask("share/one.txt"), "share/one.txt is in the program: a hook adds it\n");
    let expected = "this_is_only_here is not in the program: a hook excludes this_is_only_here, these imports were not \
                    followed\n  quiet/__init__.py:9  imports this_is_only_here, in a function\n\
                    --hidden-import this_is_only_here brings it in\n";
    assert_eq!(ask("this_is_only_here"), expected);
}

fn installed(fixtures: &Fixtures, python: &Interpreter) {
    let main = fixtures.spec("hooks/program/main.py");
    let (built, program) = build(fixtures, &main, &["--pyinstaller-hooks"], python);
    assert_eq!(found(&program), with(json!({ "installed": "installed" })));
    let broken = "the directories of hooks that broken_hooks:get_hook_dirs names are not known: \
                  ModuleNotFoundError: No module named 'broken_hooks'";
    assert!(built.err().contains(broken), "{built:?}");

    // Both have a hook for one package.
    let both = ["--pyinstaller-hooks", "--additional-hooks-dir", "hooks"];
    let (_, program) = build(fixtures, &main, &both, python);
    assert_eq!(found(&program), with_directory());
}

fn interface(fixtures: &Fixtures, python: &Interpreter) {
    let main = fixtures.spec("hooks/api/main.py");
    let (built, program) = build(fixtures, &main, &["--additional-hooks-dir", "api/hooks"], python);
    assert_eq!(program.out(), "checked\n");
    assert_eq!(built.err(), "warning: the hook hook-checked.py says: all is as it should be\n");
}

fn collection(fixtures: &Fixtures, python: &Interpreter) {
    let python = fixtures.environment("hooks", python);
    let main = fixtures.spec("hooks/collection/main.py");
    let (_, program) = build(fixtures, &main, &[], &python);
    assert_eq!(program.out(), "No module named 'uvicorn.__main__'\n");
    let (built, program) = build(fixtures, &main, &["--pyinstaller-hooks"], &python);
    assert_eq!(program.out(), "Server uvicorn.__main__\n");
    assert!(!built.err().contains("hook"), "{built:?}");
}

fn broken(fixtures: &Fixtures, python: &Interpreter) {
    let main = fixtures.spec("hooks/program/main.py");
    let (built, program) = build(fixtures, &main, &["--additional-hooks-dir", "broken"], python);
    assert_eq!(found(&program), without_hooks());
    let failed = |module: &str, reason: &str| {
        let file = fixtures.spec("hooks/broken").join(format!("hook-{module}.py"));
        format!("warning: the hook {} is without effect: {reason}", file.display())
    };
    let mut expected = [
        failed("displaced", "SyntaxError: "),
        failed("other", "SystemExit: that is enough"),
        failed("quiet", "its process was ended by SIGABRT"),
        failed("shown", "TypeError: hiddenimports has 1, which is no string"),
        failed(
            "silent",
            "ValueError: datas has the destination '../share', which is not below the program's root",
        ),
        failed("spread", "it ended its process"),
        "warning: program/".to_owned(),
        "hint: ".to_owned(),
    ];
    expected.sort();
    let error = built.err();
    let mut said: Vec<&str> = error.lines().collect();
    said.sort_unstable();
    assert_eq!(said.len(), expected.len(), "{said:#?}");
    for (said, expected) in said.iter().zip(&expected) {
        assert!(said.starts_with(expected), "{said}\n{expected}");
    }
}

fn no_directory(fixtures: &Fixtures, python: &Interpreter) {
    let mut command = fixtures.snapfreeze();
    command.arg("build").arg(fixtures.spec("hooks/api/main.py")).args(["--additional-hooks-dir", "/nowhere"]);
    let outcome = execute(command.arg("--python").arg(&python.python).args(["-o", "/nowhere/out"]));
    assert_eq!(outcome.code, Some(1));
    let expected = "error: cannot read the hooks in /nowhere: No such file or directory (os error 2)";
    assert_eq!(outcome.err().lines().next(), Some(expected));
}
