//! Canonical marshal against installed interpreters: those of pyenv, where there are any.
//!
//! `marshal_check.py` is their side: it supplies installed and freshly compiled code objects, and compares what the
//! interpreter loads from the original and from the canonical bytes. Rust compares the canonical bytes.

use std::env;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use super::super::canonical;
use super::{FILENAME, find};

/// An installed interpreter.
struct Python {
    minor: u8,
    executable: PathBuf,
}

impl Python {
    fn find(minor: u8) -> Option<Self> {
        let versions = Path::new(&env::var_os("HOME")?).join(".pyenv/versions");
        let mut found: Vec<PathBuf> =
            versions.read_dir().ok()?.filter_map(|entry| Some(entry.ok()?.path())).collect();
        found.sort();
        let prefix = format!("3.{minor}.");
        let directory = found
            .iter()
            .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&prefix)))?;
        Some(Self { minor, executable: directory.join("bin/python3") })
    }

    /// Runs `marshal_check.py` and returns its records or lines.
    fn check(&self, hash_seed: u32, arguments: &[&str], input: Vec<u8>) -> Vec<u8> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/tests/marshal_check.py");
        let mut command = Command::new(&self.executable);
        command.arg("-sB").arg(script).args(arguments).env("PYTHONHASHSEED", hash_seed.to_string());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let writer = thread::spawn(move || stdin.write_all(&input));
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "3.{}: {arguments:?}", self.minor);
        writer.join().unwrap().unwrap();
        output.stdout
    }

    /// Number of installed bytecode files.
    fn count(&self) -> usize {
        String::from_utf8(self.check(0, &["count"], Vec::new())).unwrap().trim().parse().unwrap()
    }

    /// Code objects with their paths, as `marshal_check.py` dumps them.
    fn code(&self, hash_seed: u32, arguments: &[&str]) -> Vec<(String, Vec<u8>)> {
        let dumped = self.check(hash_seed, arguments, Vec::new());
        let mut records = records(&dumped);
        let mut code = Vec::new();
        while let (Some(path), Some(data)) = (records.next(), records.next()) {
            code.push((String::from_utf8_lossy(path).into_owned(), data.to_vec()));
        }
        code
    }
}

fn records(mut data: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (head, rest) = data.split_first_chunk()?;
        let (record, rest) = rest.split_at(u32::from_le_bytes(*head) as usize);
        data = rest;
        Some(record)
    })
}

type Modules = [(String, Vec<u8>)];

impl Python {
    fn canonical(&self, modules: &Modules) -> Vec<Vec<u8>> {
        let one = |(path, code): &(String, Vec<u8>)| match canonical(code, self.minor, FILENAME) {
            Ok(output) => output,
            Err(error) => panic!("{path}: {error}"),
        };
        modules.iter().map(one).collect()
    }

    /// Paths of modules whose canonical bytes differ between two sources of the same code.
    fn unequal(&self, some: &Modules, others: &Modules) -> Vec<String> {
        assert_eq!(some.len(), others.len());
        let pairs = self.canonical(some).into_iter().zip(self.canonical(others)).zip(some);
        pairs.filter(|((one, other), _)| one != other).map(|(_, (path, _))| path.clone()).collect()
    }

    /// What the interpreter finds to differ between the original code objects and what it loads from `canonical`.
    fn differences(&self, originals: &Modules, canonical: &[Vec<u8>]) -> Vec<String> {
        let mut input = Vec::new();
        for ((_, original), canonical) in originals.iter().zip(canonical) {
            for code in [original, canonical] {
                input.extend_from_slice(&u32::try_from(code.len()).unwrap().to_le_bytes());
                input.extend_from_slice(code);
            }
        }
        let reported = self.check(3, &["verify", FILENAME], input);
        String::from_utf8(reported).unwrap().lines().map(str::to_owned).collect()
    }

    /// Checks every `stride`-th installed module, from `offset` on, and returns their number.
    fn check_installed(&self, stride: usize, offset: usize) -> usize {
        let (stride, offset) = (stride.to_string(), offset.to_string());
        let installed = self.code(0, &["dump", "installed", &stride, &offset]);
        for hash_seed in [1, 2] {
            let fresh = self.code(hash_seed, &["dump", "fresh", &stride, &offset]);
            assert_eq!(self.unequal(&installed, &fresh), [""; 0], "3.{}, hash seed {hash_seed}", self.minor);
        }
        let outputs = self.canonical(&installed);
        assert_eq!(self.differences(&installed, &outputs), [""; 0], "3.{}", self.minor);
        installed.len()
    }

    /// Checks a source full of constants that are hard to get right.
    fn check_corners(&self) {
        let first = self.code(0, &["corners"]);
        for hash_seed in 0..20 {
            let again = self.code(hash_seed, &["corners"]);
            assert_eq!(self.unequal(&first, &again), [""; 0], "3.{}, hash seed {hash_seed}", self.minor);
        }
        let outputs = self.canonical(&first);
        assert_eq!(self.differences(&first, &outputs), [""; 0], "3.{}", self.minor);
        // The comparison itself finds a changed constant, here one byte of a string.
        let mut spoiled = outputs;
        let at = find(&spoiled[0], b"spoil me");
        spoiled[0][at] = b'S';
        assert_eq!(self.differences(&first, &spoiled).len(), 1);
    }
}

/// Modules of each interpreter that `cargo test` looks at.
const SAMPLE: usize = 150;

fn agrees_with_python(minor: u8) {
    let Some(python) = Python::find(minor) else {
        println!("skipped: no CPython 3.{minor} under ~/.pyenv/versions");
        return;
    };
    python.check_corners();
    let installed = python.count();
    let checked = python.check_installed((installed / SAMPLE).max(1), 0);
    println!("3.{minor}: {checked} of {installed} modules");
    assert!(checked > 0, "3.{minor}: no bytecode file of the standard library is up to date");
}

#[test]
fn agrees_with_python_3_8() {
    agrees_with_python(8);
}

#[test]
fn agrees_with_python_3_9() {
    agrees_with_python(9);
}

#[test]
fn agrees_with_python_3_10() {
    agrees_with_python(10);
}

#[test]
fn agrees_with_python_3_11() {
    agrees_with_python(11);
}

#[test]
fn agrees_with_python_3_12() {
    agrees_with_python(12);
}

#[test]
fn agrees_with_python_3_13() {
    agrees_with_python(13);
}

#[test]
#[ignore = "goes through all modules of all interpreters: minutes"]
fn agrees_with_python_on_every_installed_module() {
    for python in (8..=13).filter_map(Python::find) {
        // A thousand at a time, for the sake of memory.
        let stride = python.count() / 1000 + 1;
        let checked: usize = (0..stride).map(|offset| python.check_installed(stride, offset)).sum();
        println!("3.{}: {checked} modules", python.minor);
    }
}
