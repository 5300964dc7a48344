//! The interpreters of this machine, one a minor version.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use snapfreeze::cache::Cache;
use snapfreeze::probe::{PythonFacts, SUPPORTED, interpreters, libpython, probe};

/// An interpreter, or the one of a virtual environment.
#[derive(Debug, Clone)]
pub struct Interpreter {
    /// The program.
    pub python: PathBuf,
    /// `3.11`.
    pub minor: String,
    /// `3.11.7`.
    pub version: String,
    /// The directory of its standard library.
    pub stdlib: PathBuf,
}

/// A minor version's place: its interpreter, or why there is none to test with.
#[derive(Debug, Clone)]
pub struct Slot {
    /// `3.11`.
    pub minor: String,
    /// The interpreter.
    pub found: Result<Interpreter, String>,
}

impl Interpreter {
    fn of(facts: &PythonFacts) -> Self {
        Self {
            python: facts.executable.clone(),
            minor: facts.minor_version(),
            version: facts.version.clone(),
            stdlib: facts.stdlib.clone(),
        }
    }

    /// The same Python under another program, that of a virtual environment.
    pub fn in_environment(&self, folder: &Path) -> Self {
        Self { python: folder.join("bin/python"), ..self.clone() }
    }
}

/// A slot for each version that can be frozen, oldest first.
///
/// Of several interpreters of one version the first that can make virtual environments is taken, in the order of
/// PATH, pyenv, uv.
pub fn slots(cache: &Cache) -> Vec<Slot> {
    let programs: Vec<PathBuf> = programs().into_iter().collect();
    // Started side by side: pyenv's shims alone take a tenth of a second each.
    let answers: Vec<_> = std::thread::scope(|scope| {
        let running: Vec<_> =
            programs.iter().map(|python| scope.spawn(move || examine(python, cache))).collect();
        running.into_iter().filter_map(|answer| answer.join().ok().flatten()).collect()
    });
    let slot = |minor: u8| {
        let minor = format!("3.{minor}");
        let own = || answers.iter().filter(|answer| answer.interpreter.minor == minor);
        let best = own().find(|answer| answer.has_libpython && answer.has_venv);
        let found = match best.or_else(|| own().find(|answer| answer.has_libpython)) {
            Some(answer) => Ok(answer.interpreter.clone()),
            None if own().next().is_some() => Err("no libpython".to_owned()),
            None => Err("no such interpreter".to_owned()),
        };
        Slot { minor, found }
    };
    SUPPORTED.map(slot).collect()
}

struct Answer {
    interpreter: Interpreter,
    has_libpython: bool,
    has_venv: bool,
}

fn examine(python: &Path, cache: &Cache) -> Option<Answer> {
    let facts = probe(python, cache).ok()?;
    let mut command = Command::new(&facts.executable);
    command.args(["-I", "-c", "import ensurepip, venv"]).stdin(Stdio::null()).stderr(Stdio::null());
    let has_venv = command.status().is_ok_and(|status| status.success());
    Some(Answer {
        interpreter: Interpreter::of(&facts),
        has_libpython: libpython::find(&facts).is_some(),
        has_venv,
    })
}

fn programs() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let directories: Vec<PathBuf> =
        std::env::split_paths(&path).filter(|entry| entry.is_absolute()).collect();
    let names =
        std::iter::once("python3".to_owned()).chain(SUPPORTED.map(|minor| format!("python3.{minor}")));
    let on_path =
        names.flat_map(|name| directories.iter().map(move |entry| entry.join(&name)).collect::<Vec<_>>());
    let installed = interpreters::installed(&|name: &str| std::env::var_os(name));
    let mut seen = BTreeSet::new();
    let all = on_path.filter(|python| python.is_file()).chain(installed);
    all.filter(|python| {
        seen.insert(python.canonicalize().unwrap_or_else(|_| python.clone()).join(name(python)))
    })
    .collect()
}

/// The name stays part of what tells programs apart: all of pyenv's shims are one script, which reads its name.
fn name(python: &Path) -> PathBuf {
    python.file_name().map(PathBuf::from).unwrap_or_default()
}
