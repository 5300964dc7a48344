//! How long builds take, with the limits that they must keep. No other trial runs meanwhile.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use snapfreeze_tests::execution::python_command;
use snapfreeze_tests::fixtures::copy_folder;
use snapfreeze_tests::{Fixtures, Interpreter, execute};

use crate::workloads::source;

/// A second build of the smallest program.
const WARM_LIMIT: Duration = Duration::from_millis(500);
/// The first build of the largest program, with nothing compiled before.
const CLEAN_LIMIT: Duration = Duration::from_secs(25);

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    let preferred = fixtures.preferred();
    let warm = fixtures.trial("figures::hello is built again in less than 0.5 s", &preferred).alone();
    let clean = fixtures
        .trial("figures::pandas and matplotlib are built from nothing in less than 25 s", &preferred)
        .alone();
    vec![warm.runs(hello_again), clean.runs(pandas_from_nothing)]
}

/// Builds and says how long it took, from outside of the command.
fn timed_build(program: &str, python: &Path, cache: &Path, fixtures: &Fixtures) -> Duration {
    let output = fixtures.folder("built").join("program");
    let mut command = fixtures.snapfreeze();
    command
        .arg("build")
        .arg(fixtures.spec(&source(program)))
        .arg("--python")
        .arg(python)
        .arg("-o")
        .arg(&output);
    let started = Instant::now();
    let outcome = execute(command.env("SNAPFREEZE_CACHE_DIR", cache));
    let took = started.elapsed();
    outcome.succeeded("the build");
    took
}

fn hello_again(fixtures: &Fixtures, interpreter: &Interpreter) {
    let cache = fixtures.folder("cache");
    let build = || timed_build("hello", &interpreter.python, &cache, fixtures);
    let first = build();
    let again: Vec<Duration> = (0..5).map(|_| build()).collect();
    let best = again.iter().min().copied().unwrap_or(first);
    println!("figure: hello is built in {first:.2?}, again in {best:.3?} (best of 5: {again:.3?})");
    assert!(best < WARM_LIMIT, "{best:?} is not below {WARM_LIMIT:?}");
}

fn pandas_from_nothing(fixtures: &Fixtures, interpreter: &Interpreter) {
    let environment = fixtures.environment("workloads", interpreter);
    let folder = fixtures.folder("clean");
    let (python, note) = without_bytecode(&environment, interpreter, &folder);
    let took = timed_build("pd", &python, &folder.join("cache"), fixtures);
    println!("figure: pandas and matplotlib are built from nothing in {took:.2?}{note}");
    assert!(took < CLEAN_LIMIT, "{took:?} is not below {CLEAN_LIMIT:?}");
}

/// A copy of an environment with no `__pycache__` in it, nor in the interpreter under it where that can be copied.
/// Copies only: nothing is installed or downloaded.
fn without_bytecode(
    environment: &Interpreter,
    interpreter: &Interpreter,
    folder: &Path,
) -> (PathBuf, &'static str) {
    let stdlib = format!("lib/python{}", interpreter.minor);
    let prefix = interpreter.stdlib.parent().and_then(Path::parent).unwrap();
    // A system's interpreter shares its prefix with everything else, and cannot be taken out of it.
    let can_be_copied = !prefix.starts_with("/usr") || prefix.starts_with("/usr/local/");
    let (base, note) = if can_be_copied && prefix.join(&stdlib) == interpreter.stdlib {
        (copied_interpreter(prefix, &stdlib, interpreter, folder), "")
    } else {
        (interpreter.python.clone(), " (with the bytecode files of the system's standard library)")
    };
    let place = folder.join("environment");
    let mut venv = python_command(&base);
    execute(venv.args(["-m", "venv", "--without-pip"]).arg(&place)).succeeded("venv");
    let packages =
        environment.python.parent().and_then(Path::parent).unwrap().join(&stdlib).join("site-packages");
    copy_folder(&packages, &place.join(&stdlib).join("site-packages"));
    assert!(!holds_bytecode(folder), "there is a __pycache__ in {}", folder.display());
    (place.join("bin/python"), note)
}

/// A copy of what a program needs of an interpreter: its binary, its library, its standard library.
fn copied_interpreter(prefix: &Path, stdlib: &str, interpreter: &Interpreter, folder: &Path) -> PathBuf {
    let copy = folder.join("interpreter");
    let binary = format!("bin/python{}", interpreter.minor);
    for place in ["bin", "lib"] {
        std::fs::create_dir_all(copy.join(place)).unwrap();
    }
    std::fs::copy(prefix.join(&binary), copy.join(&binary)).unwrap();
    for entry in std::fs::read_dir(prefix.join("lib")).unwrap().map(|entry| entry.unwrap()) {
        let name = entry.file_name();
        if name.to_string_lossy().starts_with("libpython") && entry.path().is_file() {
            std::fs::copy(entry.path(), copy.join("lib").join(name)).unwrap();
        }
    }
    std::fs::create_dir_all(copy.join(stdlib)).unwrap();
    for entry in std::fs::read_dir(prefix.join(stdlib)).unwrap().map(|entry| entry.unwrap()) {
        let (name, target) = (entry.file_name(), copy.join(stdlib).join(entry.file_name()));
        let unneeded = ["__pycache__", "site-packages", "test", "idlelib", "lib2to3"];
        if !entry.path().is_dir() {
            std::fs::copy(entry.path(), target).unwrap();
        } else if !unneeded.iter().any(|unneeded| name == *unneeded) {
            copy_folder(&entry.path(), &target);
        }
    }
    copy.join(binary)
}

fn holds_bytecode(folder: &Path) -> bool {
    let mut entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries.any(|entry| {
        let is_folder = entry.file_type().unwrap().is_dir();
        is_folder && (entry.file_name() == "__pycache__" || holds_bytecode(&entry.path()))
    })
}
