//! What the commands print: each file `cli/FOLDER/CASE.trycmd` is a trial, a list of commands with what they say. So is the
//! guide's tour, in an environment with the packages that it shows.
//!
//! The folder `CASE.in`, or `in` for all cases of a folder that have none of their own, is what the commands find
//! in the current directory: a copy, so they may write there. They see nothing of the machine but an interpreter, in an
//! environment without packages; what differs between machines is taken out of the output by [`Redactions`].
//! `TRYCMD=overwrite` writes what the commands print now into the files.
//!
//! This program starts itself: first it finds an interpreter and makes a clean environment, in which it then runs the
//! trials, and in these it stands for each command, whose output it redacts.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a trial fails by panicking")]

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use libtest_mimic::{Arguments, Completion, Trial};
use serde::{Deserialize, Serialize};
use snapfreeze_tests::Fixtures;
use snapfreeze_tests::environment::pip_command;
use snapfreeze_tests::execution::execute;
use snapfreeze_tests::fixtures::copy_folder;
use snapfreeze_tests::redaction::Redactions;
use snapfreeze_tests::{Interpreter, wheel};

/// The file with the [`Scene`]: where it is set, the environment is clean.
const SCENE: &str = "SNAPFREEZE_TEST_SCENE";
/// Set where this program stands for another one, whose name it has.
const STANDS_IN: &str = "SNAPFREEZE_TEST_STANDS_IN";
/// Set where `snapfreeze` is the one on PATH.
const INSTALLED: &str = "SNAPFREEZE_TEST_INSTALLED";
/// How long a command may take. Generous: the machine may be busy.
const LIMIT: Duration = Duration::from_secs(120);

/// What the trials are run with.
#[derive(Serialize, Deserialize)]
struct Scene {
    /// The command under test.
    command: PathBuf,
    /// A folder for copies of the cases.
    folder: PathBuf,
    /// Why there is nothing to test with.
    lacks: Option<String>,
    /// What the tour is taken with, or why it cannot be.
    tour: Result<Tour, String>,
    redactions: Redactions,
}

/// What a new user begins with.
#[derive(Clone, Serialize, Deserialize)]
struct Tour {
    /// A virtual environment with what the project requires, and without the command.
    environment: PathBuf,
    /// What brings the command.
    wheel: PathBuf,
}

fn main() -> ExitCode {
    let Some(scene) = std::env::var_os(SCENE) else { return set_the_scene() };
    let scene: Scene = serde_json::from_slice(&std::fs::read(scene).unwrap()).unwrap();
    if std::env::var_os(STANDS_IN).is_some() { stand_in(&scene) } else { run_trials(&scene) }
}

/// Runs this program again, with an interpreter and without the rest of the machine.
fn set_the_scene() -> ExitCode {
    let command = Path::new(env!("CARGO_BIN_EXE_snapfreeze-under-test"));
    let fixtures = Fixtures::find(command, Path::new(env!("CARGO_TARGET_TMPDIR")));
    let slot = fixtures.preferred();
    let folder = fixtures.folder("cli").canonicalize().unwrap();
    // What is above belongs to no project.
    std::fs::create_dir(folder.join(".git")).unwrap();
    let (home, environment) = (folder.join("home"), folder.join("environment"));
    std::fs::create_dir(&home).unwrap();
    let mut redactions = Redactions::default();
    redactions.add(home.to_str().unwrap(), "[HOME]");
    redactions.add(environment.to_str().unwrap(), "[ENVIRONMENT]");
    redactions.add(folder.to_str().unwrap(), "[FOLDER]");
    if let Ok(interpreter) = &slot.found {
        let mut make = pip_command(&interpreter.python);
        execute(make.args(["-m", "venv", "--without-pip"]).arg(&environment)).succeeded("venv");
        redactions.add(interpreter.stdlib.to_str().unwrap(), "[STDLIB]");
        redactions.add(&interpreter.version, "[VERSION]");
    }
    let tour = slot.found.as_ref().map_err(Clone::clone);
    let tour = tour.and_then(|interpreter| prepare_tour(&fixtures, interpreter, &folder));
    let lacks = slot.found.err().map(|reason| format!("{}: {reason}", slot.minor));
    let scene = Scene { command: command.to_owned(), folder: folder.clone(), lacks, tour, redactions };
    let file = folder.join("scene.json");
    std::fs::write(&file, serde_json::to_vec(&scene).unwrap()).unwrap();
    let mut path = environment.join("bin").into_os_string();
    path.push(":/usr/local/bin:/usr/bin:/bin");
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args(std::env::args_os().skip(1)).env_clear();
    again.env(SCENE, file).env("HOME", home).env("PATH", path).env("VIRTUAL_ENV", environment);
    again.env("LC_ALL", "C.UTF-8").env("NO_COLOR", "1").env("COLUMNS", "100");
    again.env("PYTHONDONTWRITEBYTECODE", "1").env("SNAPFREEZE_CACHE_DIR", folder.join("cache"));
    if let Some(mode) = std::env::var_os("TRYCMD") {
        again.env("TRYCMD", mode);
    }
    let status = again.status().unwrap();
    if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Makes the wheel, and an environment that differs from a new one by the packages that the project requires.
fn prepare_tour(fixtures: &Fixtures, interpreter: &Interpreter, folder: &Path) -> Result<Tour, String> {
    fixtures.needs_fusion()?;
    let requirements = Path::new(env!("CARGO_MANIFEST_DIR")).join("requirements/tour.txt");
    let required = fixtures.try_environment("tour", &requirements, interpreter)?;
    let maturin = wheel::maturin(fixtures, interpreter)?;
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let built = wheel::wheel(&maturin, target, &folder.join("wheel"));
    let environment = folder.join("tour-environment");
    let mut make = pip_command(&interpreter.python);
    execute(make.args(["-m", "venv"]).arg(&environment)).succeeded("venv");
    let packages = format!("lib/python{}/site-packages", interpreter.minor);
    for entry in entries(&required.join(&packages)) {
        let target = environment.join(&packages).join(name(&entry));
        if !target.exists() && entry.is_dir() {
            copy_folder(&entry, &target);
        }
    }
    Ok(Tour { environment, wheel: built })
}

/// Runs all cases, from copies.
fn run_trials(scene: &Scene) -> ExitCode {
    let arguments = Arguments::from_args();
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("cli");
    let mut trials = Vec::new();
    for group in entries(&cases).into_iter().filter(|path| path.is_dir()) {
        let is_case = |path: &PathBuf| path.extension() == Some(OsStr::new("trycmd"));
        for case in entries(&group).into_iter().filter(is_case) {
            let name = format!("cli::{}::{}", name(&group), name(&case.with_extension("")));
            let (lacks, folder) = (scene.lacks.clone(), scene.folder.join(name.replace("::", "-")));
            let title = lacks.as_ref().map_or_else(|| name.clone(), |reason| format!("{name} [{reason}]"));
            let is_ignored = lacks.is_some();
            let trial = Trial::ignorable_test(title, move || {
                if let Some(reason) = lacks {
                    return Ok(Completion::ignored_with(reason));
                }
                run_case(&case, &folder, None);
                Ok(Completion::Completed)
            });
            trials.push(trial.with_ignored_flag(is_ignored));
        }
    }
    trials.push(tour(scene));
    assert!(!trials.is_empty(), "there are no cases in {}", cases.display());
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The tour of the guide, with the project that it shows. Its first command installs the wheel; the others are those
/// that this has installed.
fn tour(scene: &Scene) -> Trial {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let case = root.parent().unwrap().join("docs/guide/tour.md");
    let (tour, folder) = (scene.tour.clone(), scene.folder.join("tour"));
    let reason = tour.as_ref().err().map(|reason| reason.lines().next().unwrap_or_default().to_owned());
    let title = reason.as_ref().map_or("cli::tour".into(), |reason| format!("cli::tour [{reason}]"));
    let is_ignored = reason.is_some();
    let project = scene.folder.join("tour-project");
    let trial = Trial::ignorable_test(title, move || match tour {
        Ok(tour) => {
            std::fs::create_dir(&project).unwrap();
            copy_folder(&root.join("cli/tour.in"), &project);
            let wheel = std::fs::read_to_string(&case).unwrap();
            let wheel = wheel
                .split_whitespace()
                .find_map(|word| word.strip_prefix("./").filter(|word| word.ends_with(".whl")))
                .unwrap();
            std::fs::copy(&tour.wheel, project.join(wheel)).unwrap();
            run_case(&case, &folder, Some((&project, &tour.environment)));
            Ok(Completion::Completed)
        }
        Err(reason) => Ok(Completion::ignored_with(reason)),
    });
    trial.with_ignored_flag(is_ignored)
}

/// Runs a case in a folder of its own; it fails by panicking. `special` is what it finds there, and its environment,
/// where these are not the usual ones.
fn run_case(case: &Path, folder: &Path, special: Option<(&Path, &Path)>) {
    let before = std::fs::read_to_string(case).unwrap();
    let programs = programs(&before);
    assert!(!programs.is_empty(), "{} runs nothing", case.display());
    std::fs::create_dir(folder).unwrap();
    // The name is kept, for it is what a failure is told by.
    let copy = folder.join(case.file_name().unwrap());
    std::fs::write(&copy, &before).unwrap();
    let usual = [case.with_extension("in"), case.with_file_name("in")];
    let found = special.map(|(inside, _)| inside.to_owned());
    let found = found.or_else(|| usual.into_iter().find(|path| path.is_dir()));
    let inside = copy.with_extension("in");
    std::fs::create_dir(&inside).unwrap();
    if let Some(found) = found {
        copy_folder(&found, &inside);
    }
    let trial = trycmd::TestCases::new();
    trial.case(&copy).timeout(LIMIT).env(STANDS_IN, "1");
    if let Some((_, environment)) = special {
        let programs = environment.join("bin").into_os_string().into_string().unwrap();
        trial.env("VIRTUAL_ENV", environment.to_str().unwrap());
        trial.env("PATH", format!("{programs}:/usr/local/bin:/usr/bin:/bin"));
        trial.env(INSTALLED, "1").env("PIP_DISABLE_PIP_VERSION_CHECK", "1");
    }
    for (number, program) in programs.iter().enumerate() {
        // By its name it knows what it stands for.
        let place = folder.join(format!("{number}"));
        std::fs::create_dir(&place).unwrap();
        let link = place.join(program.replace('/', "%"));
        symlink(std::env::current_exe().unwrap(), &link).unwrap();
        trial.register_bin(program, link);
    }
    let outcome = std::panic::catch_unwind(|| trial.run());
    let after = std::fs::read_to_string(&copy).unwrap();
    if after != before {
        std::fs::write(case, after).unwrap();
    }
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}

/// The first words of all commands of a case.
fn programs(text: &str) -> BTreeSet<String> {
    let commands = text.lines().filter_map(|line| line.strip_prefix("$ "));
    let words = commands.filter_map(|line| line.split_whitespace().find(|word| !word.contains('=')));
    words.map(str::to_owned).collect()
}

/// Does what another program does, and prints what it prints, redacted: both streams in one, in order.
fn stand_in(scene: &Scene) -> ExitCode {
    let mut arguments = std::env::args_os();
    let own = PathBuf::from(arguments.next().unwrap());
    let name = name(&own).replace('%', "/");
    let program = match name.as_str() {
        "snapfreeze" if std::env::var_os(INSTALLED).is_none() => scene.command.clone().into_os_string(),
        _ => OsString::from(&name),
    };
    let (mut output, input) = std::io::pipe().unwrap();
    let mut command = Command::new(&program);
    // Under its own name, which it has in the usage that it prints.
    command.arg0(if name == "snapfreeze" { OsStr::new("snapfreeze") } else { &program });
    command.args(arguments).env_remove(SCENE).env_remove(STANDS_IN).env_remove(INSTALLED);
    command.stdout(input.try_clone().unwrap()).stderr(input);
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    // The command holds the other end of the pipe: without it the pipe ends with the program.
    drop(command);
    let mut text = Vec::new();
    output.read_to_end(&mut text).unwrap();
    let mut redactions = scene.redactions.clone();
    redactions.add(std::env::current_dir().unwrap().to_str().unwrap(), "[CWD]");
    let text = redactions.apply(&String::from_utf8_lossy(&text));
    std::io::stdout().write_all(text.as_bytes()).unwrap();
    let code = child.wait().unwrap().code().and_then(|code| u8::try_from(code).ok());
    ExitCode::from(code.unwrap_or_else(|| panic!("a signal ended {}", program.display())))
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
