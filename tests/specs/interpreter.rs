//! An executable that was built with `--interpreter` does with python's command lines what python does; any other
//! executable takes them for its program's.

use std::path::Path;
use std::process::Command;

use libtest_mimic::Trial;
use snapfreeze_tests::execution::{Outcome, TIME_LIMIT, execute_within, plain_command};
use snapfreeze_tests::{Fixtures, Interpreter, execute};

/// Command lines that begin with an option of python's.
const LINES: &[&[&str]] = &[
    &["-V"],
    &["--version"],
    &["-VV"],
    &["-h"],
    &["-c", FACTS, "a", "-b"],
    &["-Ic", FACTS],
    &["-I", "-c", FACTS],
    &["-E", "-s", "-c", FACTS],
    &["-S", "-c", FACTS],
    &["-OO", "-B", "-q", "-c", FACTS],
    &["-bb", "-W", "error::DeprecationWarning", "-Wignore", "-c", FACTS],
    &["-Xdev", "-c", FACTS],
    &["-X", "utf8=1", "-X", "tracemalloc=3", "-c", FACTS],
    &["-X", "faulthandler", "-u", "-c", FACTS],
    &["-I", "facts.py", "1"],
    &["-u", "facts.py", "1"],
    &["-m", "facts", "-x"],
    &["-m", "json.tool", "--compact"],
    &["-", "x"],
    &["-B", "-"],
    &["-c"],
    &["-m"],
    &["-X"],
    &["-I", "there_is_no_such_file.py"],
    &["-m", "there_is_no_such_module"],
    &["-c", "import sys; sys.exit(5)"],
    &["-c", "1 / 0"],
    &["-c", "("],
    &["-W", "error", "-c", "import warnings; warnings.warn('x')"],
    &["-i", "-c", "print(3)"],
    &["-X", "frozen_modules=off", "-c", FACTS],
    &["-I", "directory", "x"],
];

const FACTS: &str = "import facts";

/// Other command lines, which are python's where the environment says so.
const OTHERS: &[&[&str]] =
    &[&[], &["facts.py", "a"], &["-Z"], &["--", "facts.py"], &["there_is_no_such_file.py"]];

/// What comes on stdin. `json.tool` reads it, too.
const INPUT: &[u8] = b"[1, 2]\n";

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    let each = fixtures.each().iter();
    each.flat_map(|slot| {
        let trial = |name: &str| fixtures.trial(format!("interpreter::{name}"), slot);
        [
            trial("argv: a command line with an option first is python's").runs(by_argument),
            trial("env: any command line is python's under the variable only").runs(by_environment),
            trial("without the option there is none").runs(never),
            trial("PYTHON* variables are python's alone").runs(environment),
        ]
    })
    .collect()
}

fn freeze(option: &str, fixtures: &Fixtures, interpreter: &Interpreter) -> std::path::PathBuf {
    let program = fixtures.spec("interpreter/program.py");
    fixtures.freeze([program.as_os_str(), option.as_ref()], interpreter)
}

/// Runs a command line beside the specs, with the program's own path taken out of what it says.
fn run(program: &Path, fixtures: &Fixtures, arguments: &[&str], adapt: impl Fn(&mut Command)) -> Outcome {
    let mut command = plain_command(program);
    command.args(arguments).current_dir(fixtures.spec("interpreter"));
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    adapt(&mut command);
    let mut outcome = execute_within(&mut command, TIME_LIMIT, INPUT);
    let name = program.to_string_lossy();
    outcome.stdout = outcome.out().replace(&*name, "PYTHON").into_bytes();
    outcome.stderr = outcome.err().replace(&*name, "PYTHON").into_bytes();
    outcome
}

#[track_caller]
fn assert_python(
    frozen: &Path,
    lines: &[&[&str]],
    fixtures: &Fixtures,
    interpreter: &Interpreter,
    adapt: impl Fn(&mut Command),
) {
    for arguments in lines {
        let expected = run(&interpreter.python, fixtures, arguments, &adapt);
        let outcome = run(frozen, fixtures, arguments, &adapt);
        assert!(outcome == expected, "{arguments:?}\n=== frozen: {outcome:?}\n=== python: {expected:?}");
    }
}

fn assert_program(frozen: &Path, arguments: &[&str]) {
    let outcome = execute(plain_command(frozen).env("PYTHONOPTIMIZE", "2").args(arguments));
    let quoted: Vec<String> = arguments.iter().map(|argument| format!("{argument:?}")).collect();
    let expected = format!("program [{}] True 0\n", quoted.join(", "));
    assert_eq!((outcome.out().replace('\'', "\""), outcome.code), (expected, Some(0)), "{outcome:?}");
}

fn by_argument(fixtures: &Fixtures, interpreter: &Interpreter) {
    let frozen = freeze("--interpreter=argv", fixtures, interpreter);
    assert_python(&frozen, LINES, fixtures, interpreter, |_| {});
    for arguments in [&[][..], &["facts.py"], &["-Z"], &["--"], &["--unknown"], &["x", "-c", "1"]] {
        assert_program(&frozen, arguments);
    }
}

fn by_environment(fixtures: &Fixtures, interpreter: &Interpreter) {
    let frozen = freeze("--interpreter=env", fixtures, interpreter);
    let adapt = |command: &mut Command| {
        command.env("SNAPFREEZE_INTERPRETER", "1");
    };
    assert_python(&frozen, LINES, fixtures, interpreter, adapt);
    assert_python(&frozen, OTHERS, fixtures, interpreter, adapt);
    assert_program(&frozen, &["-c", "1"]);
    let outcome = execute(plain_command(&frozen).env("SNAPFREEZE_INTERPRETER", "0").args(["-c", "1"]));
    assert!(outcome.out().starts_with("program"), "{outcome:?}");
}

fn never(fixtures: &Fixtures, interpreter: &Interpreter) {
    let frozen = fixtures.frozen("interpreter/program.py", interpreter);
    for arguments in [&["-c", "1"][..], &["-m", "json.tool"], &["-V"], &["-"], &["-I", "facts.py"]] {
        assert_program(&frozen, arguments);
        let mut command = plain_command(&frozen);
        let outcome = execute(command.env("SNAPFREEZE_INTERPRETER", "1").args(arguments));
        assert!(outcome.out().starts_with("program"), "{outcome:?}");
    }
}

fn environment(fixtures: &Fixtures, interpreter: &Interpreter) {
    let frozen = freeze("--interpreter=argv", fixtures, interpreter);
    let elsewhere = fixtures.folder("path");
    std::fs::write(elsewhere.join("from_elsewhere.py"), "print(__name__)").unwrap();
    let import = "try: import from_elsewhere\nexcept ImportError as error: print(error)";
    let lines: &[&[&str]] = &[
        &["-c", FACTS],
        &["-I", "-c", FACTS],
        &["-c", import],
        &["-E", "-c", import],
        &["-c", "import os; print([os.environ[name] for name in sorted(os.environ) if name[:4] == 'PYTH'])"],
        &["-c", "print(hash('x'))"],
    ];
    assert_python(&frozen, lines, fixtures, interpreter, |command| {
        command.env("PYTHONPATH", format!("{}:sub:", elsewhere.display()));
        command.env("PYTHONWARNINGS", "error").env("PYTHONOPTIMIZE", "1").env("PYTHONHASHSEED", "3");
        command.env("PYTHONIOENCODING", "latin-1:replace").env("PYTHONUNBUFFERED", "1");
    });
    assert_python(&frozen, &[&["-c", "pass"]], fixtures, interpreter, |command| {
        command.env("PYTHONHASHSEED", "nonsense");
    });
}
