//! A frozen program writes to no file to which the same program under `python` does not write.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::Trial;
use snapfreeze_tests::execution::plain_command;
use snapfreeze_tests::strace::written_paths;
use snapfreeze_tests::{Fixtures, Interpreter, execute, jail};

use crate::workloads::{INSTALLED, PLAIN, python_for, source};

/// Writes one file, so that a trace that sees nothing is found out.
const WRITER: &str = "files/writer.py";

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    let preferred = fixtures.preferred();
    let strace = strace();
    let may_trace = || strace.as_ref().map(|_| ()).map_err(Clone::clone);
    let mut trials = Vec::new();
    for workload in PLAIN.iter().chain(INSTALLED).copied() {
        let name = format!("files::{workload} writes to none");
        let strace = strace.clone();
        trials.push(fixtures.trial(name, &preferred).needs(may_trace()).runs(
            move |fixtures, interpreter| {
                writes_to_none(&strace.unwrap(), workload, fixtures, interpreter);
            },
        ));
    }
    let name = "files::a program writes to those of its own and to no other";
    let strace = strace.clone();
    trials.push(fixtures.trial(name, &preferred).needs(may_trace()).runs(move |fixtures, interpreter| {
        writes_to_those_of_its_own(&strace.unwrap(), fixtures, interpreter);
    }));
    trials
}

/// strace, if it may trace here.
pub fn strace() -> Result<PathBuf, String> {
    let strace = jail::program("strace").ok_or("no strace")?;
    let mut attempt = Command::new(&strace);
    attempt.args(["-f", "-y", "-o", "/dev/null", "true"]);
    let may = attempt.output().is_ok_and(|output| output.status.success());
    if may { Ok(strace) } else { Err("strace may not trace here".into()) }
}

fn writes_to_none(strace: &Path, workload: &str, fixtures: &Fixtures, interpreter: &Interpreter) {
    let python = python_for(workload, fixtures, interpreter);
    let by_python = traced(strace, &fixtures.python(&source(workload), &python), fixtures);
    let frozen = fixtures.frozen(&source(workload), &python);
    let by_frozen = traced(strace, &plain_command(frozen), fixtures);
    assert!(by_frozen.is_subset(&by_python), "frozen: {by_frozen:?}\npython: {by_python:?}");
    assert_eq!(by_frozen, BTreeSet::new());
}

fn writes_to_those_of_its_own(strace: &Path, fixtures: &Fixtures, interpreter: &Interpreter) {
    let target = fixtures.folder("written");
    let with_target = |mut command: Command| {
        command.arg(&target);
        let written = traced(strace, &command, fixtures);
        std::fs::remove_dir_all(target.join("folder")).unwrap();
        written
    };
    let by_python = with_target(fixtures.python(WRITER, interpreter));
    let by_frozen = with_target(plain_command(fixtures.frozen(WRITER, interpreter)));
    assert_eq!(by_frozen, by_python);
    let names = ["folder", "folder/made", "folder/moved"].map(|name| target.join(name));
    assert_eq!(by_python, BTreeSet::from(names));
}

/// What a command writes to, it and its children. It runs in its own directory, else in a new one.
pub fn traced(strace: &Path, command: &Command, fixtures: &Fixtures) -> BTreeSet<PathBuf> {
    let folder = fixtures.folder("trace");
    let trace = folder.join("trace.txt");
    let mut traced = Command::new(strace);
    // Of written bytes none: strace prints paths in full all the same.
    traced.args(["-f", "-y", "-s", "0", "-e", "trace=file,desc", "-o"]).arg(&trace);
    let directory = command.get_current_dir().unwrap_or(&folder);
    traced.arg(command.get_program()).args(command.get_args()).env_clear().current_dir(directory);
    for (name, value) in command.get_envs() {
        traced.envs(value.map(|value| (name, value)));
    }
    execute(&mut traced).succeeded("the traced program");
    let text = String::from_utf8_lossy(&std::fs::read(&trace).unwrap()).into_owned();
    written_paths(&text, directory).unwrap_or_else(|error| panic!("{error}"))
}
