//! The corpus: well-known projects, each with a program that uses it, frozen without any option.
//!
//! `corpus/README.md` says what the rows are. A row comes in, [`Figures`] or a [`Failure`] go out. For the frozen
//! program the row's environment is hidden under an empty folder, where this user may mount one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::execution::{Outcome, execute_within, plain_command, python_command};
use crate::fixtures::Fixtures;
use crate::interpreter::Interpreter;
use crate::jail::Jail;

/// How long a build may take, and a program: generous, for the machine may be busy.
const TIME_LIMIT: Duration = Duration::from_secs(300);

/// How many lines a program may have, but blank ones.
const LINES: RangeInclusive<usize> = 3..=15;

/// How many rows may say that they fail.
pub const KNOWN_FAILURES: usize = 3;

/// A project and a program that uses it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The project's name on PyPI.
    pub name: String,
    /// What pip installs, pinned.
    pub requirements: Vec<String>,
    /// The program's source.
    pub program: String,
    /// What it prints.
    pub expected: String,
    /// What the program is given.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// Files beside the program, by relative path.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// The minor version, `3.12`.
    #[serde(default = "usual_python")]
    pub python: String,
    /// Whether it runs in `cargo test` too.
    #[serde(default)]
    pub sample: bool,
    /// Why it cannot pass.
    pub fails: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Area {
    project: Vec<Row>,
}

fn usual_python() -> String {
    "3.11".into()
}

/// What was built for a row.
#[derive(Debug, Clone)]
pub struct Figures {
    /// The executable's size in bytes.
    pub size: u64,
    /// What the build says: `174 modules, 22 extension modules, …`.
    pub summary: String,
    /// How long the build took.
    pub build: Duration,
}

/// Where a row stopped.
#[derive(Debug)]
pub enum Failure {
    /// The environment could not be made.
    Environment(String),
    /// Python itself does not do what the row says: the row is wrong.
    Row(Outcome),
    /// `snapfreeze build` failed.
    Build(Outcome),
    /// The frozen program did something else.
    Frozen(Outcome),
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(error) => write!(formatter, "no environment: {error}"),
            Self::Row(outcome) => write!(formatter, "python does not print what is expected: {outcome:?}"),
            Self::Build(outcome) => write!(formatter, "the build failed: {outcome:?}"),
            Self::Frozen(outcome) => write!(formatter, "frozen, it does something else: {outcome:?}"),
        }
    }
}

/// All rows, in the order of files and of rows in them.
///
/// # Errors
/// When a file is not as `corpus/README.md` says, two rows have one name, a program is too short or too long, or too
/// many rows say that they fail.
pub fn rows() -> Result<Vec<Row>, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let entries = std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    let mut rows = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let area: Area = toml::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))?;
        rows.extend(area.project);
    }
    let mut names = BTreeSet::new();
    if let Some(twice) = rows.iter().find(|row| !names.insert(row.name.as_str())) {
        return Err(format!("two rows are named {}", twice.name));
    }
    for row in &rows {
        let lines = row.program.lines().filter(|line| !line.trim().is_empty()).count();
        if !LINES.contains(&lines) {
            let (least, most) = (LINES.start(), LINES.end());
            return Err(format!("{}: its program has {lines} lines; {least} to {most} are meant", row.name));
        }
    }
    let failing = rows.iter().filter(|row| row.fails.is_some()).count();
    if failing > KNOWN_FAILURES {
        return Err(format!("{failing} rows fail; at most {KNOWN_FAILURES} may"));
    }
    Ok(rows)
}

impl Row {
    /// Makes the environment, runs the program, freezes it, runs the executable.
    ///
    /// # Errors
    /// Where the row stopped.
    ///
    /// # Panics
    /// When the machine fails: files cannot be written, programs run for minutes.
    pub fn check(&self, fixtures: &Fixtures, interpreter: &Interpreter) -> Result<Figures, Failure> {
        let folder = fixtures.folder(&self.name);
        let environment = self.environment(fixtures, interpreter, &folder).map_err(Failure::Environment)?;
        let python = interpreter.in_environment(&environment).python;

        let sources = folder.join("sources");
        self.write_files(&sources);
        let program = sources.join("program.py");
        std::fs::write(&program, &self.program).unwrap();
        let expected = self.run(python_command(&python).arg(&program), &folder.join("python"), None);
        if expected.code != Some(0) || expected.out() != self.expected {
            return Err(Failure::Row(expected));
        }

        let executable = folder.join("frozen-program");
        let mut command = fixtures.snapfreeze();
        command.arg("build").arg(&program).arg("--python").arg(&python).arg("-o").arg(&executable);
        let started = Instant::now();
        let built = execute_within(command.current_dir("/"), TIME_LIMIT, b"");
        let build = started.elapsed();
        if built.code != Some(0) {
            return Err(Failure::Build(built));
        }

        let mut frozen = plain_command(&executable);
        let frozen = self.run(&mut frozen, &folder.join("frozen"), Some(&environment));
        if frozen.code != expected.code || frozen.stdout != expected.stdout {
            return Err(Failure::Frozen(frozen));
        }
        let size = std::fs::metadata(&executable).unwrap().len();
        std::fs::remove_dir_all(&folder).unwrap();
        Ok(Figures { size, summary: summary(&built), build })
    }

    /// Removes the row's environment.
    ///
    /// # Panics
    /// When it cannot be removed.
    pub fn remove(&self, fixtures: &Fixtures, interpreter: &Interpreter) {
        let folder = fixtures.folder(&self.name);
        if let Ok(environment) = self.environment(fixtures, interpreter, &folder) {
            std::fs::remove_dir_all(environment).unwrap();
        }
    }

    fn environment(
        &self,
        fixtures: &Fixtures,
        interpreter: &Interpreter,
        folder: &Path,
    ) -> Result<PathBuf, String> {
        let requirements = folder.join("requirements.txt");
        std::fs::write(&requirements, self.requirements.join("\n") + "\n").unwrap();
        fixtures.try_environment(&format!("corpus-{}", self.name), &requirements, interpreter)
    }

    fn write_files(&self, folder: &Path) {
        std::fs::create_dir_all(folder).unwrap();
        for (name, text) in &self.files {
            let file = folder.join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
    }

    /// Runs a command with the row's arguments, in a folder with the row's files, with a home of its own; `without`
    /// another folder, where this user may hide one.
    fn run(&self, command: &mut Command, folder: &Path, without: Option<&Path>) -> Outcome {
        let home = folder.with_extension("home");
        std::fs::create_dir_all(&home).unwrap();
        self.write_files(folder);
        command.args(&self.arguments).env("HOME", home).current_dir(folder);
        match (Jail::find(), without) {
            (Ok(jail), Some(hidden)) => execute_within(&mut jail.without(hidden, command), TIME_LIMIT, b""),
            _ => execute_within(command, TIME_LIMIT, b""),
        }
    }
}

/// What a build says of the result, without its name and size.
fn summary(built: &Outcome) -> String {
    let text = built.out() + &built.err();
    let contents = text.lines().find_map(|line| line.strip_prefix("contents"));
    contents.unwrap_or_default().trim().to_owned()
}
