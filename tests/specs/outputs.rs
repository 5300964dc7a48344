//! Nothing but a complete executable ever has the output's name: not when two builds meet, nor when one fails or is
//! interrupted.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use libtest_mimic::Trial;
use snapfreeze_tests::execution::{Running, TIME_LIMIT, plain_command};
use snapfreeze_tests::jail::Jail;
use snapfreeze_tests::{Fixtures, Interpreter, assert_same, execute};

use crate::workloads::source;

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    let preferred = fixtures.preferred();
    let mut trials = Vec::new();
    let mut plain = |name: &str, body: fn(&Fixtures, &Interpreter)| {
        trials.push(fixtures.trial(format!("outputs::{name}"), &preferred).runs(body));
    };
    plain("two builds of one program at once both succeed", two_builds_at_once);
    plain("a running program can be built anew", running_program);
    plain("an output that is a directory is refused", output_is_a_directory);
    plain("an output below a file is refused", output_below_a_file);
    for (name, signal) in [("SIGINT", libc::SIGINT), ("SIGTERM", libc::SIGTERM), ("SIGKILL", libc::SIGKILL)] {
        let name = format!("outputs::a build that {name} interrupts leaves the output as it was");
        trials.push(fixtures.trial(name, &preferred).runs(move |fixtures, interpreter| {
            interrupted(signal, fixtures, interpreter);
        }));
    }
    let jail = Jail::find();
    // Root may write to a directory whatever its mode; then it has to be mounted read-only.
    let is_root =
        std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    let needs = if is_root { jail.as_ref().map(|_| ()).map_err(Clone::clone) } else { Ok(()) };
    let name = "outputs::a directory that cannot be written to is named and left as it was";
    trials.push(fixtures.trial(name, &preferred).needs(needs).runs(move |fixtures, interpreter| {
        read_only_directory(jail.ok().filter(|_| is_root).as_ref(), fixtures, interpreter);
    }));
    trials
}

fn build(fixtures: &Fixtures, program: &Path, python: &Interpreter, output: &Path) -> Command {
    let mut command = fixtures.snapfreeze();
    command.arg("build").arg(program).arg("--python").arg(&python.python).arg("-o").arg(output);
    command
}

fn names(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| PathBuf::from(entry.unwrap().file_name())).collect()
}

fn two_builds_at_once(fixtures: &Fixtures, interpreter: &Interpreter) {
    let (output, cache) = (fixtures.folder("output").join("program"), fixtures.folder("cache"));
    let program = fixtures.spec(&source("hello"));
    let start = || {
        let mut command = build(fixtures, &program, interpreter, &output);
        Running::start(command.env("SNAPFREEZE_CACHE_DIR", &cache))
    };
    for running in [start(), start()] {
        running
            .end(TIME_LIMIT)
            .unwrap_or_else(|outcome| panic!("too slow: {outcome:?}"))
            .succeeded("a build");
    }
    assert_eq!(execute(&mut plain_command(&output)).out(), "hello\n");
    assert_eq!(names(output.parent().unwrap()), [Path::new("program")]);
}

fn running_program(fixtures: &Fixtures, interpreter: &Interpreter) {
    let folder = fixtures.folder("output");
    let (program, output) = (folder.join("waits.py"), folder.join("waits"));
    std::fs::write(&program, "print('ready', flush=True)\ninput()\nimport json\nprint(json.dumps([1]))\n")
        .unwrap();
    execute(&mut build(fixtures, &program, interpreter, &output)).succeeded("the first build");
    let running = Running::start(&mut plain_command(&output));
    std::fs::write(&program, "print('second')\n").unwrap();
    execute(&mut build(fixtures, &program, interpreter, &output)).succeeded("the second build");
    let outcome = running.end(TIME_LIMIT).unwrap_or_else(|outcome| panic!("too slow: {outcome:?}"));
    assert!(outcome.out().starts_with("ready\n") && outcome.err().contains("EOFError"), "{outcome:?}");
    assert_eq!(execute(&mut plain_command(&output)).out(), "second\n");
}

fn output_is_a_directory(fixtures: &Fixtures, interpreter: &Interpreter) {
    let output = fixtures.folder("output");
    let outcome = execute(&mut build(fixtures, &fixtures.spec(&source("hello")), interpreter, &output));
    assert_ne!(outcome.code, Some(0));
    let error = outcome.err();
    assert!(error.contains("is a directory") && error.contains("hint: "), "{error}");
    assert!(names(&output).is_empty());
}

fn output_below_a_file(fixtures: &Fixtures, interpreter: &Interpreter) {
    let file = fixtures.folder("output").join("file");
    std::fs::write(&file, "text").unwrap();
    let outcome =
        execute(&mut build(fixtures, &fixtures.spec(&source("hello")), interpreter, &file.join("below")));
    assert_ne!(outcome.code, Some(0));
    let error = outcome.err();
    assert!(error.starts_with("error: ") && error.contains(file.to_str().unwrap()), "{error}");
    assert_eq!(std::fs::read(&file).unwrap(), b"text");
}

fn interrupted(signal: i32, fixtures: &Fixtures, interpreter: &Interpreter) {
    let python = fixtures.environment("workloads", interpreter);
    let folder = fixtures.folder("output");
    let (fresh, existing) = (folder.join("fresh"), folder.join("existing"));
    let before = b"#!/bin/sh\necho what was there before\n";
    // From the first moments of a build to its last; of each output none may be broken.
    let delays = [50, 250, 800, 1600, 2800].map(Duration::from_millis);
    for (delay, output) in delays.into_iter().flat_map(|delay| [(delay, &fresh), (delay, &existing)]) {
        std::fs::write(&existing, before).unwrap();
        // A cache of its own: what the builds before had finished would shorten this one.
        let mut command = build(fixtures, &fixtures.spec(&source("np")), &python, output);
        let running = Running::start(command.env("SNAPFREEZE_CACHE_DIR", fixtures.folder("cache")));
        std::thread::sleep(delay);
        running.signal(signal);
        let outcome = running.end(TIME_LIMIT).unwrap_or_else(|outcome| panic!("too slow: {outcome:?}"));
        let is_complete = outcome.code == Some(0);
        assert!(is_complete || outcome.signal == Some(signal) || outcome.code > Some(0), "{outcome:?}");
        if output.exists() && !(output == &existing && std::fs::read(output).unwrap() == before) {
            // The build was faster than the signal, or had given its output the name already.
            execute(&mut plain_command(output)).succeeded("what has the output's name");
        }
        let _ = std::fs::remove_file(&fresh);
    }
    // What was interrupted does not disturb what comes after.
    let executable = fixtures.frozen(&source("np"), &python);
    let expected = execute(&mut fixtures.python(&source("np"), &python));
    assert_same(&execute(&mut plain_command(executable)), &expected);
}

fn read_only_directory(jail: Option<&Jail>, fixtures: &Fixtures, interpreter: &Interpreter) {
    let folder = fixtures.folder("output");
    let output = folder.join("program");
    let command = build(fixtures, &fixtures.spec(&source("hello")), interpreter, &output);
    std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o555)).unwrap();
    let outcome = execute(&mut match jail {
        Some(jail) => jail.read_only(&folder, &command),
        None => command,
    });
    std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o755)).unwrap();
    assert_ne!(outcome.code, Some(0));
    let error = outcome.err();
    assert!(error.contains(&format!("cannot write {}", output.display())), "{error}");
    assert!(error.contains("hint: name an output elsewhere with -o"), "{error}");
    assert!(names(&folder).is_empty());
}
