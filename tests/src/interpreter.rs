//! The interpreters of this machine: one a minor version, and those with libpython inside.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
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

/// The variable that names more interpreters, separated as in PATH.
pub const MORE_INTERPRETERS: &str = "SNAPFREEZE_TEST_PYTHONS";

/// The variable that says which versions are tested, where not all are: `3.9,3.13`.
pub const VERSIONS: &str = "SNAPFREEZE_TEST_VERSIONS";

/// An interpreter's place, mostly a minor version's: the interpreter, or why there is none to test with.
#[derive(Debug, Clone)]
pub struct Slot {
    /// `3.11`; of one with libpython inside `3.11.2 static` or `3.13.5 static PIE`.
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
    let asked = std::env::var(VERSIONS).ok().filter(|asked| !asked.trim().is_empty());
    let is_asked = |minor: &str| {
        asked.as_ref().is_none_or(|asked| asked.split(',').any(|version| version.trim() == minor))
    };
    let slot = |minor: u8| {
        let minor = format!("3.{minor}");
        if !is_asked(&minor) {
            return Slot { minor, found: Err(format!("not in {VERSIONS}")) };
        }
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

/// How an interpreter says whether libpython is inside of it: then no file of that name is mapped.
const IS_STATIC: &str = "print('libpython' not in open('/proc/self/maps').read(), end='')";

/// Slots for the interpreters with libpython inside: linked at fixed addresses as Debian's, and position-independent.
/// They are looked for as the others are, in Debian's place as well, and in [`MORE_INTERPRETERS`].
pub fn static_slots(cache: &Cache) -> Vec<Slot> {
    let more = std::env::var_os(MORE_INTERPRETERS).unwrap_or_default();
    let more = std::env::split_paths(&more).filter(|python| python.is_file());
    let system = std::iter::once(PathBuf::from("/usr/bin/python3")).filter(|python| python.is_file());
    let mut found: BTreeMap<(bool, PathBuf), Slot> = BTreeMap::new();
    for python in programs().into_iter().chain(system).chain(more) {
        let mut ask = Command::new(&python);
        let answer = ask.args(["-I", "-c", IS_STATIC]).stdin(Stdio::null()).stderr(Stdio::null()).output();
        if !answer.is_ok_and(|answer| answer.stdout == b"True") {
            continue;
        }
        let Some((answer, place)) = examine(&python, cache).and_then(|answer| {
            let place = answer.interpreter.python.canonicalize().ok()?;
            Some((answer, place))
        }) else {
            continue;
        };
        let Some(is_pie) = is_position_independent(&place) else { continue };
        let kind = if is_pie { "static PIE" } else { "static" };
        let minor = format!("{} {kind}", answer.interpreter.version);
        found.insert((is_pie, place), Slot { minor, found: Ok(answer.interpreter) });
    }
    for (is_pie, minor) in [(false, "static"), (true, "static PIE")] {
        if !found.keys().any(|(other, _)| *other == is_pie) {
            let missing = Slot { minor: minor.to_owned(), found: Err("no such interpreter".to_owned()) };
            found.insert((is_pie, PathBuf::new()), missing);
        }
    }
    found.into_values().collect()
}

/// Whether an ELF executable may be loaded at any address: its type is ET_DYN, not ET_EXEC (gABI, "ELF Header").
pub fn is_position_independent(executable: &Path) -> Option<bool> {
    let mut header = [0; 18];
    File::open(executable).and_then(|mut file| file.read_exact(&mut header)).ok()?;
    match (&header[..4], u16::from_le_bytes([header[16], header[17]])) {
        (b"\x7fELF", 2) => Some(false),
        (b"\x7fELF", 3) => Some(true),
        _ => None,
    }
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
