//! The same program gives the same bytes: in another directory, with another number of jobs, with and without a
//! cache and bytecode files, from another environment with the same packages. And no path of all these is in it.

use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::Trial;
use snapfreeze::fuse::archive::find;
use snapfreeze_runtime::archive::{Archive, ModuleKind, NodeContent};
use snapfreeze_tests::fixtures::copy_folder;
use snapfreeze_tests::{Fixtures, Interpreter, execute};

use crate::workloads;

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    let preferred = fixtures.preferred();
    let directory = |workload: &'static str, slot| {
        fixtures
            .trial(
                format!("reproducible::{workload} is the same from another directory, without cache"),
                slot,
            )
            .runs(move |fixtures, interpreter| from_another_directory(workload, fixtures, interpreter))
    };
    let environment = |workload: &'static str| {
        fixtures
            .trial(
                format!(
                    "reproducible::{workload} is the same from another environment, without bytecode files"
                ),
                &preferred,
            )
            .runs(move |fixtures, interpreter| from_another_environment(workload, fixtures, interpreter))
    };
    let paths = |workload: &'static str| {
        fixtures
            .trial(
                format!("reproducible::{workload} holds no path of project, environment or cache"),
                &preferred,
            )
            .runs(move |fixtures, interpreter| holds_no_path(workload, fixtures, interpreter))
    };
    let mut trials: Vec<Trial> = fixtures.each().iter().map(|slot| directory("stdlib", slot)).collect();
    trials.push(directory("cli", &preferred));
    trials.extend(["cli", "np", "web"].map(environment));
    trials.extend(["stdlib", "cli", "np"].map(paths));
    trials
}

fn from_another_directory(workload: &str, fixtures: &Fixtures, interpreter: &Interpreter) {
    let python = workloads::python_for(workload, fixtures, interpreter);
    let first = fixtures.frozen(&workloads::source(workload), &python);
    let elsewhere = fixtures.folder("elsewhere").join(format!("{workload}.py"));
    std::fs::copy(fixtures.spec(&workloads::source(workload)), &elsewhere).unwrap();
    let second = fixtures.freeze_with([&elsewhere], &python, |command| {
        command.env("SNAPFREEZE_CACHE_DIR", "").args(["--jobs", "7"]);
    });
    assert_equal_files(&first, &second);
}

fn from_another_environment(workload: &str, fixtures: &Fixtures, interpreter: &Interpreter) {
    let python = workloads::python_for(workload, fixtures, interpreter);
    let first = fixtures.frozen(&workloads::source(workload), &python);
    let other = copied_environment(fixtures, &python);
    let second = fixtures.freeze_with([fixtures.spec(&workloads::source(workload))], &other, |command| {
        command.env("SNAPFREEZE_CACHE_DIR", "").args(["--jobs", "1"]);
    });
    assert_equal_files(&first, &second);
}

/// An environment of its own with the same packages, less their bytecode files.
fn copied_environment(fixtures: &Fixtures, python: &Interpreter) -> Interpreter {
    let folder = fixtures.folder("environment");
    let made = execute(Command::new(&python.python).args(["-m", "venv", "--without-pip"]).arg(&folder));
    made.succeeded("python -m venv");
    let packages = format!("lib/python{}/site-packages", python.minor);
    let source = python.python.parent().and_then(Path::parent).unwrap();
    copy_folder(&source.join(&packages), &folder.join(&packages));
    python.in_environment(&folder)
}

fn assert_equal_files(first: &Path, second: &Path) {
    let (first, second) = (std::fs::read(first).unwrap(), std::fs::read(second).unwrap());
    let differs = first.iter().zip(&second).position(|(one, other)| one != other);
    assert!(
        differs.is_none() && first.len() == second.len(),
        "the executables differ from byte {differs:?} on"
    );
}

fn holds_no_path(workload: &str, fixtures: &Fixtures, interpreter: &Interpreter) {
    let python = workloads::python_for(workload, fixtures, interpreter);
    let executable = std::fs::read(fixtures.frozen(&workloads::source(workload), &python)).unwrap();
    let mut forbidden: Vec<PathBuf> = vec![fixtures.spec("workloads"), fixtures.folder("cache")];
    forbidden.push(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned());
    if python.python != interpreter.python {
        forbidden.push(python.python.parent().and_then(Path::parent).unwrap().to_owned());
    }
    let mut contents = contents(&executable);
    contents.push(("the executable itself".into(), executable));
    for (name, content) in &contents {
        for path in &forbidden {
            let path = path.to_str().unwrap().as_bytes();
            assert!(!content.windows(path.len()).any(|window| window == path), "{name} holds {forbidden:?}");
        }
    }
    assert!(contents.len() > 150, "only {} contents looked at", contents.len());
}

/// All contents of an executable's archive, decompressed.
fn contents(executable: &[u8]) -> Vec<(String, Vec<u8>)> {
    let (_, place) = find(executable).unwrap();
    let archive = Archive::open(&executable[place.offset as usize..]).unwrap();
    let modules = (0..archive.module_count()).map(|number| archive.module(number).unwrap());
    let modules = modules.filter(|module| module.kind != ModuleKind::Namespace);
    let mut contents: Vec<(String, Vec<u8>)> =
        modules.map(|module| (module.name.to_owned(), archive.read(module.content).unwrap())).collect();
    for number in 0..archive.library_count() {
        let library = archive.library(number as u32).unwrap();
        contents.push((library.name.to_owned(), archive.read(library.content).unwrap()));
    }
    for number in 0..archive.node_count() as u32 {
        let node = archive.node(number).unwrap();
        if let NodeContent::File(content) = node.content {
            let name = String::from_utf8_lossy(node.name).into_owned();
            contents.push((format!("the file {name}"), archive.read(content).unwrap()));
        }
    }
    contents
}
