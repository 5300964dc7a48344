//! Which interpreter a program is frozen for.
//!
//! `--python` decides alone. Otherwise `$VIRTUAL_ENV`, the virtual environment that the command is installed in, `.venv`
//! beside the entry or above it in its project, `python3` are tried in this order, and then what else is on the
//! machine; the first that is supported and has a libpython is taken. The ones passed over are told, so that a wrong
//! choice is seen.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::own_environment::OwnEnvironment;
use super::{ProbeError, PythonFacts, SUPPORTED, libpython, probe};
use crate::cache::Cache;
use crate::entry::Entry;

/// The interpreter that was chosen.
#[derive(Debug, Clone)]
pub struct Chosen {
    /// Its facts.
    pub facts: PythonFacts,
    /// The file that carries CPython: its libpython, or the interpreter itself.
    pub base: PathBuf,
    /// Its libpython, where there is one: a shared object that can be loaded from memory.
    pub libpython: Option<PathBuf>,
    /// Why others that come first were passed over.
    pub passed_over: Vec<String>,
}

/// Chooses the interpreter. `command` is the path of the running command, if it is known.
///
/// # Errors
/// When `python` is given and cannot be used; when no interpreter can be.
pub fn choose(
    python: Option<&Path>,
    entry: &Entry,
    command: Option<&Path>,
    environment: impl Fn(&str) -> Option<OsString>,
    cache: &Cache,
) -> Result<Chosen, ProbeError> {
    let candidates = match python {
        Some(python) => {
            check_version(python)?;
            by_name(python, &environment)
        }
        None => candidates(entry, command, &environment),
    };
    let mut passed_over = Vec::new();
    let mut telling: Option<ProbeError> = None;
    for candidate in candidates {
        match usable(&candidate, cache) {
            Ok((facts, base, libpython)) => return Ok(Chosen { facts, base, libpython, passed_over }),
            Err(error) => {
                passed_over.push(error.to_string());
                if telling.as_ref().is_none_or(|known| weight(&error) > weight(known)) {
                    telling = Some(error);
                }
            }
        }
    }
    Err(telling.unwrap_or(ProbeError::NoInterpreter))
}

/// How much an error says about what to do: a missing libpython more than a wrong version, that more than silence.
fn weight(error: &ProbeError) -> u8 {
    match error {
        ProbeError::NoLibpython { .. } => 2,
        ProbeError::Unsupported { .. } => 1,
        _ => 0,
    }
}

fn usable(python: &Path, cache: &Cache) -> Result<(PythonFacts, PathBuf, Option<PathBuf>), ProbeError> {
    let facts = probe(python, cache)?;
    let libpython = libpython::find(&facts);
    let base =
        libpython::carrier(&facts).or_else(|| libpython.clone()).ok_or_else(|| ProbeError::NoLibpython {
            python: python.to_owned(),
            version: facts.version.clone(),
            minor_version: facts.minor_version(),
        })?;
    Ok((facts, base, libpython))
}

/// A version that no interpreter has to be asked about.
fn check_version(python: &Path) -> Result<(), ProbeError> {
    let mut parts = python.to_str().unwrap_or_default().split('.').map(str::parse::<u8>);
    match (parts.next(), parts.next()) {
        (Some(Ok(major)), Some(Ok(minor))) if major != 3 || !SUPPORTED.contains(&minor) => {
            let found = "not a version that can be frozen".to_owned();
            Err(ProbeError::Unsupported { python: python.to_owned(), found })
        }
        _ => Ok(()),
    }
}

/// What `--python` can mean: a path, a virtual environment, the name of a program, or a version. A version is looked
/// for on PATH, where a version manager's stand-in may be that does not lead anywhere, and then among what is installed.
fn by_name(python: &Path, environment: &impl Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    if python.components().count() > 1 || python.exists() {
        let in_environment = python.join("bin/python");
        return vec![if in_environment.exists() { in_environment } else { python.to_owned() }];
    }
    let name = python.to_string_lossy();
    let parts: Vec<&str> = name.split('.').collect();
    let is_number =
        |part: &&str| !part.is_empty() && part.chars().all(|character| character.is_ascii_digit());
    if parts.len() < 2 || !parts.iter().all(is_number) {
        let found: Vec<PathBuf> = on_path(&name, environment).collect();
        return if found.is_empty() { vec![python.to_owned()] } else { found };
    }
    let program = format!("python{}.{}", parts[0], parts[1]);
    // A full version is told from others of its minor version by the directory's name: 3.11.7, cpython-3.11.7-linux….
    let is_it = |path: &PathBuf| {
        let version = path.ancestors().nth(2).and_then(Path::file_name).map(OsStr::to_string_lossy);
        let named = version.is_some_and(|version| version.split('-').any(|part| part == name));
        path.ends_with(&program) && (parts.len() == 2 || named)
    };
    let on_path = on_path(&program, environment).filter(|_| parts.len() == 2);
    let found: Vec<PathBuf> = on_path.chain(installed(environment).into_iter().filter(is_it)).collect();
    if found.is_empty() { vec![PathBuf::from(program)] } else { found }
}

/// Interpreters in the order in which they are tried.
fn candidates(
    entry: &Entry,
    command: Option<&Path>,
    environment: &impl Fn(&str) -> Option<OsString>,
) -> Vec<PathBuf> {
    let own = command.and_then(OwnEnvironment::of);
    let mut all = Vec::new();
    if let Some(active) = environment("VIRTUAL_ENV").filter(|value| !value.is_empty()) {
        all.push(PathBuf::from(active).join("bin/python"));
    }
    all.extend(own.as_ref().and_then(OwnEnvironment::python));
    all.extend(entry.project_directories().iter().map(|directory| directory.join(".venv/bin/python")));
    all.retain(|python| python.exists());
    // uvx puts the tool's own environment first on PATH.
    let is_free = |python: &PathBuf| own.as_ref().is_none_or(|own| !own.hides(python));
    all.extend(on_path("python3", environment).filter(is_free));
    for minor in SUPPORTED.rev() {
        all.extend(on_path(&format!("python3.{minor}"), environment).filter(is_free));
    }
    all.extend(installed(environment));
    let mut seen = std::collections::BTreeSet::new();
    all.retain(|python| seen.insert(python.clone()));
    all
}

fn on_path(program: &str, environment: &impl Fn(&str) -> Option<OsString>) -> std::vec::IntoIter<PathBuf> {
    let path = environment("PATH").unwrap_or_default();
    let directories = std::env::split_paths(&path).filter(|directory| directory.is_absolute());
    let programs = directories.map(|directory| directory.join(program)).filter(|python| python.is_file());
    programs.collect::<Vec<_>>().into_iter()
}

/// What pyenv and uv have installed, newest first.
pub fn installed(environment: &impl Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let absolute = |name: &str| environment(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = absolute("HOME");
    let pyenv = absolute("PYENV_ROOT")
        .or_else(|| Some(home.as_ref()?.join(".pyenv")))
        .map(|root| root.join("versions"));
    let data = absolute("XDG_DATA_HOME").or_else(|| Some(home.as_ref()?.join(".local/share")));
    let uv = absolute("UV_PYTHON_INSTALL_DIR").or_else(|| Some(data?.join("uv/python")));
    let mut found = Vec::new();
    for root in [pyenv, uv].into_iter().flatten() {
        let mut versions: Vec<PathBuf> =
            std::fs::read_dir(root).into_iter().flatten().flatten().map(|version| version.path()).collect();
        versions.sort();
        for version in versions.into_iter().rev() {
            let named = SUPPORTED.rev().map(|minor| version.join(format!("bin/python3.{minor}")));
            found.extend(named.filter(|python| python.is_file()));
        }
    }
    found
}
