//! multiprocessing, joblib and loky do what they do under `python`, in each start method; and nothing but their own
//! command lines makes the executable a helper process.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use snapfreeze_tests::execution::{plain_command, python_command};
use snapfreeze_tests::{Fixtures, Interpreter, assert_same, execute};

use crate::workloads;

const METHODS: [&str; 3] = ["fork", "spawn", "forkserver"];

/// What starts multiprocessing's resource tracker.
const TRACKER: &str = "from multiprocessing.resource_tracker import main;main(5)";

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    let mut trials = Vec::new();
    for slot in fixtures.each() {
        for method in METHODS {
            let name = format!("multiprocessing::pools, queues, managers and all else work with {method}");
            trials.push(fixtures.trial(name, slot).runs(move |fixtures, interpreter| {
                has_all_features(method, fixtures, interpreter);
            }));
        }
        let trial = |name: &str| fixtures.trial(format!("multiprocessing::{name}"), slot);
        trials.extend([
            trial("children find the main module of a package, a module and a function").runs(finds_main),
            trial("what only looks like a helper's command line is the program's").runs(leaves_arguments),
            trial("sys.executable starts the program again").runs(restarts),
            trial("a killed program's shared memory is taken away").runs(tracks_resources),
        ]);
    }
    trials.push(
        fixtures
            .trial("multiprocessing::joblib and loky have their workers", &fixtures.preferred())
            .runs(has_loky_workers),
    );
    trials
}

fn has_all_features(method: &str, fixtures: &Fixtures, interpreter: &Interpreter) {
    let program = "multiprocessing/features.py";
    let expected = execute(fixtures.python(program, interpreter).args([method, "a", "-b"]));
    let expected = expected.succeeded("python");
    let frozen = fixtures.frozen(program, interpreter);
    let outcome = execute(plain_command(frozen).args([method, "a", "-b"])).succeeded("frozen");
    assert_eq!(outcome.out(), expected.out());
    assert!(outcome.err().ends_with("ValueError: uncaught\n"), "{outcome:?}");
}

fn finds_main(fixtures: &Fixtures, interpreter: &Interpreter) {
    let folder = fixtures.spec("multiprocessing");
    let adapt = |command: &mut Command| {
        command.current_dir(&folder);
    };
    for (freeze, python) in [
        (&["package"][..], &["-m", "package"][..]),
        (&["-m", "package.work"], &["-m", "package.work"]),
        (&["package.work:run"], &["console_script.py"]),
    ] {
        let expected =
            execute(python_command(&interpreter.python).args(python).arg("x").current_dir(&folder));
        let frozen = fixtures.freeze_with(freeze, interpreter, adapt);
        let outcome = execute(plain_command(frozen).arg("x"));
        assert_same(&outcome, &expected.succeeded("python"));
    }
}

/// The texts are multiprocessing's but for a detail. None may run, or start a helper.
fn leaves_arguments(fixtures: &Fixtures, interpreter: &Interpreter) {
    let frozen = fixtures.frozen("multiprocessing/restarts.py", interpreter);
    let print = "from multiprocessing.resource_tracker import main;main(print(1))";
    let more = "from multiprocessing.resource_tracker import main;main(5);print(1)";
    let module = "from multiprocessing.a.b import main;main(5)";
    for arguments in [
        &["-c", print][..],
        &["-c", more],
        &["-c", module],
        &["-c", "print(1)"],
        &["-c"],
        &["x", "-c", TRACKER],
        &["--", "-c", TRACKER],
        &["-m", "json.tool"],
        &["-m", "loky.backend.popen_loky_posix", "--process-name", "x", "--pipe", "5"],
        &["--multiprocessing-fork"],
        &["--multiprocessing-fork", "x"],
        &["-I", "-V"],
    ] {
        let outcome = execute(plain_command(&frozen).args(arguments)).succeeded("frozen");
        let quoted: Vec<String> = arguments.iter().map(|argument| format!("'{argument}'")).collect();
        assert_eq!(outcome.out(), format!("MainProcess [{}]\n", quoted.join(", ")));
    }
    // A program without multiprocessing starts no helpers: all its arguments are its own.
    let frozen = fixtures.frozen(&workloads::source("hello"), interpreter);
    let expected = execute(&mut plain_command(&frozen)).succeeded("hello");
    assert_same(&execute(plain_command(&frozen).args(["-c", TRACKER])), &expected);
}

fn restarts(fixtures: &Fixtures, interpreter: &Interpreter) {
    let frozen = fixtures.frozen("multiprocessing/restarts.py", interpreter);
    let outcome = execute(plain_command(frozen).args(["again", "-c", "print(1)"])).succeeded("frozen");
    assert_eq!(outcome.out(), "MainProcess ['again', '-c', 'print(1)']\nMainProcess ['-c', 'print(1)']\n");
}

fn tracks_resources(fixtures: &Fixtures, interpreter: &Interpreter) {
    let frozen = fixtures.frozen("multiprocessing/killed.py", interpreter);
    let outcome = execute(&mut plain_command(frozen));
    assert_eq!(outcome.signal, Some(libc::SIGKILL), "{outcome:?}");
    let memory = Path::new("/dev/shm").join(outcome.out().trim());
    let started = Instant::now();
    while memory.exists() {
        assert!(started.elapsed() < Duration::from_secs(30), "{} is still there", memory.display());
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn has_loky_workers(fixtures: &Fixtures, interpreter: &Interpreter) {
    let python = fixtures.environment("loky", interpreter);
    let program = "multiprocessing/loky_work.py";
    let expected = execute(fixtures.python(program, &python).args(["a", "-b"])).succeeded("python");
    let frozen = fixtures.frozen(program, &python);
    let outcome = execute(plain_command(frozen).args(["a", "-b"])).succeeded("frozen");
    assert_eq!(outcome.out(), expected.out());
}
