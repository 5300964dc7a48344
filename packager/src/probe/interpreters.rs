//! Which interpreter a program is frozen for.
//!
//! `--python` decides alone. Otherwise `$VIRTUAL_ENV`, `.venv` beside the entry, `python3` are tried in this
//! order, and then what else is on the machine; the first that is supported and has a libpython is taken. The
//! ones passed over are told, so that a wrong choice is seen.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::{ProbeError, PythonFacts, SUPPORTED, libpython, probe};
use crate::cache::Cache;
use crate::entry::Entry;

/// The interpreter that was chosen.
#[derive(Debug, Clone)]
pub struct Chosen {
    /// Its facts.
    pub facts: PythonFacts,
    /// Its libpython.
    pub libpython: PathBuf,
    /// Why others that come first were passed over.
    pub passed_over: Vec<String>,
}

/// Chooses the interpreter.
///
/// # Errors
/// When `python` is given and cannot be used; when no interpreter can be.
pub fn choose(
    python: Option<&Path>,
    entry: &Entry,
    environment: impl Fn(&str) -> Option<OsString>,
    cache: &Cache,
) -> Result<Chosen, ProbeError> {
    if let Some(python) = python {
        let (facts, libpython) = usable(&by_name(python, &environment), cache)?;
        return Ok(Chosen { facts, libpython, passed_over: Vec::new() });
    }
    let mut passed_over = Vec::new();
    let mut first_error = None;
    for candidate in candidates(entry, &environment) {
        match usable(&candidate, cache) {
            Ok((facts, libpython)) => return Ok(Chosen { facts, libpython, passed_over }),
            Err(error) => {
                passed_over.push(error.to_string());
                // "Has no libpython" says more about what to do than "is too old".
                let better = matches!(error, ProbeError::NoLibpython { .. });
                if first_error.is_none()
                    || better && !matches!(first_error, Some(ProbeError::NoLibpython { .. }))
                {
                    first_error = Some(error);
                }
            }
        }
    }
    Err(first_error.unwrap_or(ProbeError::NoInterpreter))
}

fn usable(python: &Path, cache: &Cache) -> Result<(PythonFacts, PathBuf), ProbeError> {
    let facts = probe(python, cache)?;
    let libpython = libpython::find(&facts).ok_or_else(|| ProbeError::NoLibpython {
        python: python.to_owned(),
        version: facts.version.clone(),
        minor_version: facts.minor_version(),
    })?;
    Ok((facts, libpython))
}

/// `--python`'s value: a path, the name of a program, or a version.
fn by_name(python: &Path, environment: &impl Fn(&str) -> Option<OsString>) -> PathBuf {
    if python.components().count() > 1 || python.exists() {
        if python.is_dir() && python.join("bin/python").exists() {
            return python.join("bin/python"); // a virtual environment
        }
        return python.to_owned();
    }
    let name = python.to_string_lossy();
    let is_version =
        name.starts_with('3') && name.chars().all(|character| character.is_ascii_digit() || character == '.');
    let program = if is_version { format!("python{name}") } else { name.into_owned() };
    let found = on_path(&program, environment).next();
    let elsewhere = || {
        installed(environment).into_iter().find(|path| is_version && path.ends_with(format!("bin/{program}")))
    };
    found.or_else(elsewhere).unwrap_or_else(|| python.to_owned())
}

/// Interpreters in the order in which they are tried.
fn candidates(entry: &Entry, environment: &impl Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let mut all = Vec::new();
    if let Some(active) = environment("VIRTUAL_ENV").filter(|value| !value.is_empty()) {
        all.push(PathBuf::from(active).join("bin/python"));
    }
    all.push(entry.project_directory().join(".venv/bin/python"));
    all.retain(|python| python.exists());
    all.extend(on_path("python3", environment));
    for minor in SUPPORTED.rev() {
        all.extend(on_path(&format!("python3.{minor}"), environment));
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
