//! `doctor`: what a build would find on this machine, tried and not guessed.
//!
//! Each check is one line: what was found, whether that is well, and what to do where it is not. Checks that need an
//! interpreter are missing where there is none.

use std::ffi::OsString;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use rustix::fs::{MemfdFlags, memfd_create};
use serde::Serialize;

use crate::attach::STUB;
use crate::cache::Cache;
use crate::collect::certificates::{CertificatePaths, asked};
use crate::collect::library_search;
use crate::entry::Entry;
use crate::error::Error;
use crate::fuse::program::program;
use crate::inspect::native::NativeNeeds;
use crate::probe::interpreters::{Chosen, choose};

/// Where systems keep their certificates; the runtime looks there, too.
const CERTIFICATES: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/certs",
    "/etc/pki/tls/certs",
];

/// Distributions that need an option, and which. Each was tried: `tests/corpus` has what fails without it.
const DIFFICULT: [(&str, &str); 1] =
    [("virtualenv", "it gives a script of its own to other interpreters: --materialize python_discovery")];

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// As it should be.
    Ok,
    /// A build works, but not as it might.
    Warn,
    /// A build, or what it builds, fails.
    Fail,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Its name, which does not change.
    pub name: &'static str,
    /// How it ended.
    pub state: State,
    /// What was found.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// All that was looked at, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    /// The checks.
    pub checks: Vec<Check>,
}

impl Diagnosis {
    /// How many checks failed.
    pub fn failed(&self) -> usize {
        self.checks.iter().filter(|check| check.state == State::Fail).count()
    }

    fn add(&mut self, name: &'static str, state: State, message: impl Into<String>, hint: Option<String>) {
        self.checks.push(Check { name, state, message: message.into(), hint });
    }

    fn ok(&mut self, name: &'static str, message: impl Into<String>) {
        self.add(name, State::Ok, message, None);
    }

    fn warn(&mut self, name: &'static str, message: impl Into<String>, hint: &str) {
        self.add(name, State::Warn, message, Some(hint.to_owned()));
    }

    fn fail(&mut self, name: &'static str, message: impl Into<String>, hint: Option<String>) {
        self.add(name, State::Fail, message, hint);
    }
}

/// Looks at this machine as a build for a program in the current directory would; `python` is what `--python` names.
pub fn examine(python: Option<&Path>, environment: impl Fn(&str) -> Option<OsString>) -> Diagnosis {
    let mut found = Diagnosis::default();
    stub(&mut found);
    system(&mut found);
    let cache = Cache::of_user(&environment);
    cache_of(&mut found, &cache, &environment);
    temporary(&mut found);
    // As for a script in the current directory.
    let entry = Entry::Script(PathBuf::from("program.py"));
    let command = std::env::current_exe().ok();
    match choose(python, &entry, command.as_deref(), &environment, &cache) {
        Ok(chosen) => {
            interpreter(&mut found, &chosen);
            fusion(&mut found, &chosen, &environment, &cache);
            certificates(&mut found, &chosen);
            packages(&mut found, &chosen);
        }
        Err(error) => {
            let hint = error.hint();
            found.fail("interpreter", error.to_string(), hint);
        }
    }
    found
}

fn stub(found: &mut Diagnosis) {
    let hash = blake3::hash(STUB).to_hex();
    let (size, hash) = (STUB.len(), &hash[..16]);
    let needs = NativeNeeds::read(&mut Cursor::new(STUB));
    if snapfreeze_runtime::archive::slot::find(STUB).is_none() {
        let hint = "install snapfreeze again: this file of it is damaged";
        return found.fail(
            "stub",
            format!("{size} bytes, {hash}: it has no slot for an archive"),
            Some(hint.into()),
        );
    }
    let glibc = needs.ok().and_then(|needs| needs.glibc);
    let glibc = glibc.map(|version| format!(", asks for glibc {version}")).unwrap_or_default();
    found.ok("stub", format!("{size} bytes, {hash}{glibc}"));
}

/// What the start of an executable needs, here.
fn system(found: &mut Diagnosis) {
    if Path::new("/proc/self/fd").is_dir() {
        found.ok("proc", "/proc is mounted");
    } else {
        let hint = "mount it: executables load libraries through /proc/self/fd".to_owned();
        found.fail("proc", "/proc is not mounted", Some(hint));
    }
    match memfd_create("snapfreeze", MemfdFlags::CLOEXEC) {
        Ok(_) => found.ok("memfd", "memfd_create works"),
        Err(error) => {
            let hint = "a seccomp filter refuses it: executables load libraries from memory files".to_owned();
            found.fail("memfd", format!("memfd_create is refused: {error}"), Some(hint));
        }
    }
    found.ok("tools", "no other program is needed: no compiler, no strip, no patchelf");
}

fn cache_of(found: &mut Diagnosis, cache: &Cache, environment: &impl Fn(&str) -> Option<OsString>) {
    let hint = "builds take longer without: set SNAPFREEZE_CACHE_DIR to a directory that can be written to";
    let Some(root) = cache.root() else {
        let message = match Cache::place(environment) {
            Some(place) => format!("{} cannot be made", place.display()),
            None => "there is none".to_owned(),
        };
        return found.warn("cache", message, hint);
    };
    let place = root.display();
    if let Err(error) = tempfile::tempfile_in(root) {
        return found.warn("cache", format!("{place} cannot be written to: {error}"), hint);
    }
    let size = cache.contents().map_or(0, |contents| contents.total.bytes);
    found.ok("cache", format!("{place}, {:.1} MB", size as f64 / 1e6));
}

fn temporary(found: &mut Diagnosis) {
    let place = std::env::temp_dir();
    match tempfile::tempfile_in(&place) {
        Ok(_) => found.ok("temporary", format!("{} can be written to", place.display())),
        Err(error) => {
            let hint = "name another place with TMPDIR: observing extension modules needs one";
            found.warn("temporary", format!("{} cannot be written to: {error}", place.display()), hint);
        }
    }
}

fn interpreter(found: &mut Diagnosis, chosen: &Chosen) {
    for reason in &chosen.passed_over {
        found.warn("passed over", reason.clone(), "name the interpreter to use with --python");
    }
    let facts = &chosen.facts;
    found.ok("interpreter", format!("{} (CPython {})", facts.executable.display(), facts.version));
    let base = chosen.base.display();
    found.ok(
        "libpython",
        match &chosen.libpython {
            Some(libpython) if *libpython == chosen.base => format!("shared: {base}"),
            _ => format!("inside of the interpreter: {base}"),
        },
    );
    let environment = facts.executable.parent().and_then(Path::parent);
    let environment = environment.filter(|prefix| prefix.join("pyvenv.cfg").is_file());
    found.ok(
        "environment",
        match environment {
            Some(prefix) => format!("virtual, {}", prefix.display()),
            None => "the interpreter's own, not virtual".to_owned(),
        },
    );
}

/// Whether CPython can be a part of executables: it is fused and started, or was before.
fn fusion(
    found: &mut Diagnosis,
    chosen: &Chosen,
    environment: &impl Fn(&str) -> Option<OsString>,
    cache: &Cache,
) {
    let path = environment("LD_LIBRARY_PATH");
    let search = library_search(&chosen.base, &chosen.facts, path.as_deref()).map_err(Error::from);
    match search.and_then(|search| Ok(program(chosen, &search, true, cache)?)) {
        Ok(program) => match program.note {
            None => found.ok("fusion", "CPython is a part of the executables, and starts"),
            Some(note) => {
                found.warn("fusion", note, "starts take a few milliseconds longer; nothing else differs");
            }
        },
        Err(error) => {
            let hint = error.hint();
            found.fail("fusion", error.to_string(), hint);
        }
    }
}

fn certificates(found: &mut Diagnosis, chosen: &Chosen) {
    let Some(CertificatePaths(file, directory)) = asked(&chosen.facts) else {
        let hint = "programs that use ssl fail: name an interpreter that was built with OpenSSL";
        return found.warn("certificates", "this interpreter has no ssl module", hint);
    };
    let own = [file, directory];
    let own = own.iter().find(|path| Path::new(path).exists());
    match (own, CERTIFICATES.iter().find(|path| Path::new(path).exists())) {
        (Some(path), _) => found.ok("certificates", path.clone()),
        (None, Some(path)) => found.ok("certificates", format!("the system's, {path}")),
        (None, None) => {
            let hint = "install the package ca-certificates, or let programs bring certifi";
            found.warn("certificates", "this system has none: https fails", hint);
        }
    }
}

/// What is installed and known to need an option.
fn packages(found: &mut Diagnosis, chosen: &Chosen) {
    let metadata = |directory: &PathBuf| {
        let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| {
            let name = entry.file_name().to_string_lossy().to_lowercase();
            let name = name.strip_suffix(".dist-info")?.to_owned();
            Some(name.split('-').next().unwrap_or_default().replace('_', "-"))
        });
        names.collect::<Vec<_>>()
    };
    let installed: Vec<String> = chosen.facts.path.iter().flat_map(metadata).collect();
    let mut is_any = false;
    for (name, hint) in DIFFICULT.iter().filter(|(name, _)| installed.iter().any(|other| other == name)) {
        found.warn("packages", format!("{name} needs an option where a program uses it"), hint);
        is_any = true;
    }
    if !is_any {
        let count = installed.len();
        found.ok("packages", format!("{count} distributions, none of them known to need an option"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interpreter_that_is_none_fails_and_tells_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("cache");
        let environment = |name: &str| (name == "SNAPFREEZE_CACHE_DIR").then(|| place.clone().into());
        let found = examine(Some(Path::new("/nonexistent/python")), environment);
        let of = |name: &str| found.checks.iter().find(|check| check.name == name).unwrap();
        assert_eq!((found.failed(), of("interpreter").state), (1, State::Fail));
        assert!(of("interpreter").hint.is_some() && of("stub").state == State::Ok);
        assert!(of("cache").message.contains(place.to_str().unwrap()));
        assert!(found.checks.iter().all(|check| check.name != "fusion"));
    }

    #[test]
    fn a_cache_that_cannot_be_is_a_warning() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let below = file.path().join("below");
        for place in [Some(below), None] {
            let environment =
                |name: &str| place.clone().filter(|_| name == "SNAPFREEZE_CACHE_DIR").map(Into::into);
            let found = examine(Some(Path::new("/nonexistent/python")), environment);
            let cache = found.checks.iter().find(|check| check.name == "cache").unwrap();
            assert!(cache.state == State::Warn && cache.hint.is_some(), "{cache:?}");
        }
    }
}
