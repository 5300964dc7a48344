//! An executable that was built with `--interpreter` does with python's command lines what python does; any other
//! executable takes them for its program's.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use libtest_mimic::Trial;
use snapfreeze_tests::execution::{Outcome, TIME_LIMIT, execute_within, plain_command};
use snapfreeze_tests::jail::program;
use snapfreeze_tests::{Fixtures, Interpreter, execute};
use tempfile::TempDir;

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
    let mut trials: Vec<Trial> = each
        .flat_map(|slot| {
            let trial = |name: &str| fixtures.trial(format!("interpreter::{name}"), slot);
            [
                trial("argv: a command line with an option first is python's").runs(by_argument),
                trial("env: any command line is python's under the variable only").runs(by_environment),
                trial("without the option there is none").runs(never),
                trial("PYTHON* variables are python's alone").runs(environment),
            ]
        })
        .collect();
    let name = "interpreter::a set-user-ID program is no interpreter, whatever its caller says";
    let privileged = fixtures.trial(name, &fixtures.preferred()).needs(can_set_user());
    trials.push(privileged.runs(with_rights_of_another));
    let name =
        "interpreter::a set-user-ID program starts no helper process, and writes to no cache of its caller's";
    let privileged = fixtures.trial(name, &fixtures.preferred()).needs(can_set_user());
    trials.push(privileged.runs(helpers_with_rights_of_another));
    trials
}

fn freeze(option: &str, fixtures: &Fixtures, interpreter: &Interpreter) -> PathBuf {
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

/// Both ways in are shut where the caller would have the rights of the executable's owner.
fn with_rights_of_another(fixtures: &Fixtures, interpreter: &Interpreter) {
    let run = |program: &Path, arguments: &[&str]| {
        let mut command = as_nobody(program);
        execute(command.env("SNAPFREEZE_INTERPRETER", "1").args(arguments))
    };
    for option in ["--interpreter=argv", "--interpreter=env"] {
        let frozen = freeze(option, fixtures, interpreter);
        let line = ["-c", "print('python')"];
        let folder = reachable_folder();
        // What is tested is the bit: without it the copy is the interpreter, for nobody as for everyone.
        let ordinary = copy(&frozen, &folder.path().join("ordinary"), 0o755);
        assert_eq!(run(&ordinary, &line).out(), "python\n", "{option}");
        let privileged = copy(&frozen, &folder.path().join("privileged"), 0o4755);
        for arguments in [&line[..], &["-m", "json.tool"], &["-V"], &["-"]] {
            let outcome = run(&privileged, arguments);
            assert!(
                outcome.code == Some(0) && outcome.out().starts_with("program ["),
                "{option} {outcome:?}"
            );
        }
    }
}

/// A helper runs what is in its pipe; the cache is where the caller's environment says.
fn helpers_with_rights_of_another(fixtures: &Fixtures, interpreter: &Interpreter) {
    let program = fixtures.spec("interpreter/helpers.py");
    let frozen = fixtures.freeze([program.as_os_str()], interpreter);
    let kept = fixtures.freeze([program.as_os_str(), "--materialize=json".as_ref()], interpreter);
    let folder = reachable_folder();
    let refused = |frozen: &Path, name: &str, arguments: &[&str], message: &str| {
        let ordinary = copy(frozen, &folder.path().join(format!("ordinary-{name}")), 0o755);
        let privileged = copy(frozen, &folder.path().join(name), 0o4755);
        let run = |program: &Path| {
            let mut command = as_nobody(program);
            command.env("XDG_CACHE_HOME", folder.path()).args(arguments);
            execute_within(&mut command, TIME_LIMIT, b"")
        };
        let others = run(&ordinary);
        assert!(!others.err().contains(message), "{others:?}");
        let outcome = run(&privileged);
        assert!(outcome.code == Some(126) && outcome.err().contains(message), "{outcome:?}");
        assert_eq!(outcome.out(), "");
    };
    let helper = "no helper process of multiprocessing is started";
    refused(&frozen, "spawned", &["--multiprocessing-fork", "tracker_fd=0", "pipe_handle=0"], helper);
    let tracker = "from multiprocessing.resource_tracker import main;main(0)";
    refused(&frozen, "tracker", &["-c", tracker], helper);
    refused(&kept, "kept", &[], "this program keeps files in the user's cache, and was started by");
    // The program itself runs as ever.
    let outcome = execute(&mut as_nobody(&folder.path().join("spawned")));
    assert_eq!((outcome.code, outcome.out()), (Some(0), "program 0\n".to_owned()), "{outcome:?}");
}

/// Whether this user may make executables that run with his rights, here.
fn can_set_user() -> Result<(), String> {
    // SAFETY: geteuid has no conditions.
    if unsafe { libc::geteuid() } != 0 {
        return Err("not root".into());
    }
    let id = program("id").ok_or("no id")?;
    program("setpriv").ok_or("no setpriv")?;
    let folder = reachable_folder();
    let privileged = copy(&id, &folder.path().join("id"), 0o4755);
    let answer = as_nobody(&privileged).arg("-u").stderr(Stdio::null()).output();
    match answer {
        Ok(answer) if answer.stdout == b"0\n" => Ok(()),
        _ => Err("set-user-ID bits have no effect here".into()),
    }
}

/// A folder that other users can look into, unlike that of this run.
fn reachable_folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
    folder
}

fn copy(from: &Path, to: &Path, mode: u32) -> PathBuf {
    std::fs::copy(from, to).unwrap();
    std::fs::set_permissions(to, PermissionsExt::from_mode(mode)).unwrap();
    to.to_owned()
}

fn as_nobody(program: &Path) -> Command {
    let mut command = plain_command("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]).arg(program);
    command
}
