//! Packages that read data beside themselves and import by computed names: frozen without any option, programs that use
//! them print what they print under `python`, and write to no other file.

use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::Trial;
use snapfreeze_tests::execution::plain_command;
use snapfreeze_tests::{Fixtures, Interpreter, assert_same, execute};

use crate::files::{strace, traced};
use crate::workloads::{DRAWING, python_for, source};

/// What is shown, and the program that shows it.
const PROGRAMS: &[(&str, &str)] = &[
    ("certifi and requests", "ecosystem/fetch.py"),
    ("tzdata, zoneinfo and pytz", "ecosystem/zones.py"),
    ("jsonschema", "ecosystem/schemas.py"),
    ("babel", "ecosystem/locales.py"),
    ("pycountry and phonenumbers", "ecosystem/countries.py"),
    ("matplotlib", "ecosystem/plots.py"),
    ("Jinja2", "ecosystem/render.py"),
    ("Flask", "ecosystem/flask_site/main.py"),
    ("Django", "ecosystem/django_site/main.py"),
    ("Sphinx", "ecosystem/build_docs.py"),
];

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    let preferred = fixtures.preferred();
    let strace = strace();
    let may_trace = || strace.as_ref().map(|_| ()).map_err(Clone::clone);
    let mut trials = Vec::new();
    let pandas = ("pandas and matplotlib".to_owned(), source(DRAWING));
    let others = PROGRAMS.iter().map(|(name, program)| ((*name).to_owned(), (*program).to_owned()));
    for (name, program) in others.chain([pandas]) {
        let (of_prints, of_files, strace) = (program.clone(), program, strace.clone());
        let prints = format!("ecosystem::{name}: prints what python prints");
        trials.push(fixtures.trial(prints, &preferred).runs(move |fixtures, interpreter| {
            prints_what_python_prints(&of_prints, fixtures, interpreter);
        }));
        let writes = format!("ecosystem::{name}: writes to no file to which python does not");
        trials.push(fixtures.trial(writes, &preferred).needs(may_trace()).runs(
            move |fixtures, interpreter| writes_as_python(&strace.unwrap(), &of_files, fixtures, interpreter),
        ));
    }
    trials
}

/// The Python that a program runs with.
fn python_of(program: &str, fixtures: &Fixtures, interpreter: &Interpreter) -> Interpreter {
    if program == source(DRAWING) {
        python_for(DRAWING, fixtures, interpreter)
    } else {
        fixtures.environment("ecosystem", interpreter)
    }
}

/// A folder in which a program works; it is emptied for each run, so that all paths are the same.
struct Place(PathBuf);

impl Place {
    fn new(fixtures: &Fixtures) -> Self {
        Self(fixtures.folder("place"))
    }

    /// Lets a command work here: its directory, its home, and the folder that it is given.
    fn given(&self, mut command: Command) -> Command {
        std::fs::remove_dir_all(&self.0).unwrap();
        std::fs::create_dir_all(self.0.join("home")).unwrap();
        command.env("HOME", self.0.join("home")).current_dir(&self.0).arg(self.0.join("output"));
        command
    }

    /// The picture that [`DRAWING`] leaves.
    fn picture(&self) -> Option<Vec<u8>> {
        std::fs::read(self.0.join("plot.png")).ok()
    }
}

fn prints_what_python_prints(program: &str, fixtures: &Fixtures, interpreter: &Interpreter) {
    let python = python_of(program, fixtures, interpreter);
    let place = Place::new(fixtures);
    let expected = execute(&mut place.given(fixtures.python(program, &python))).succeeded("python");
    let picture = place.picture();
    assert_eq!(picture.is_some(), program == source(DRAWING));
    assert!(!expected.stdout.is_empty(), "{program} prints nothing");
    let frozen = fixtures.frozen(program, &python);
    assert_same(&execute(&mut place.given(plain_command(frozen))), &expected);
    assert!(place.picture() == picture, "the pictures differ");
}

fn writes_as_python(strace: &Path, program: &str, fixtures: &Fixtures, interpreter: &Interpreter) {
    let python = python_of(program, fixtures, interpreter);
    let place = Place::new(fixtures);
    let by_python = traced(strace, &place.given(fixtures.python(program, &python)), fixtures);
    let frozen = fixtures.frozen(program, &python);
    let by_frozen = traced(strace, &place.given(plain_command(frozen)), fixtures);
    let more: Vec<_> = by_frozen.difference(&by_python).collect();
    assert!(more.is_empty(), "only when frozen: {more:?}\npython: {by_python:?}");
    assert_eq!(by_frozen.contains(&place.0.join("plot.png")), program == source(DRAWING));
}
