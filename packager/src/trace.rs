//! Learning from runs of the program: what it imported, which files it opened.
//!
//! In: the program, the target interpreter, the arguments of each run (`--trace`). Out: a [`Traced`]. The interpreter runs
//! the program as `python` would, with a recorder (`python/trace_run.py`) in PYTHONPATH; the graph, the data and the
//! predicted order use what it has recorded.
//!
//! The program has the terminal: its input is ours, and its output goes to our stderr, for stdout is the report's. An
//! interrupt from the keyboard is the program's, as the usual way to end a server; the build goes on. However a run
//! ends, what was recorded until then counts.

mod records;

use std::ffi::{OsStr, OsString};
use std::fs::{File, Permissions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use signal_hook::consts::SIGINT;
use signal_hook::flag::{register, register_conditional_default};

use crate::entry::Entry;
use crate::interrupt;
use crate::probe::PythonFacts;
pub use records::{Importer, Traced, TracedModule};

/// How much later than the program this process may take an interrupt.
const MOST_DELAY: Duration = Duration::from_secs(1);

const RECORDER: &str = include_str!("../python/trace_run.py");

/// The program's arguments in a traced run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceArguments {
    /// The arguments, split.
    pub arguments: Vec<OsString>,
    /// As the user wrote them.
    pub text: OsString,
}

/// Arguments with a quotation mark that is never closed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a quotation mark or backslash is left open")]
pub struct OpenQuotation;

/// Why the program could not be run.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// No place for the recorder, or the records cannot be read.
    #[error("cannot record a traced run: {0}")]
    Record(#[source] io::Error),
    /// The interpreter cannot be executed.
    #[error("cannot run {python} to trace the program: {source}", python = python.display())]
    Start {
        /// The interpreter.
        python: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A program to trace.
#[derive(Debug, Clone, Copy)]
pub struct TraceRequest<'a> {
    /// The program.
    pub entry: &'a Entry,
    /// The interpreter.
    pub facts: &'a PythonFacts,
    /// Directories in which modules are looked for after the program's own: `--paths`.
    pub paths: &'a [PathBuf],
    /// Optimisation level, 0 to 2.
    pub optimize: u8,
    /// Whether the executable is also the interpreter: then everything that the program runs with `sys.executable`
    /// counts, otherwise only itself and helpers of multiprocessing's and loky's.
    pub is_interpreter: bool,
}

impl TraceArguments {
    /// Splits a text as a shell would. A `--` before the arguments is left out.
    ///
    /// # Errors
    /// When a quotation mark is not closed.
    pub fn parse(text: &OsStr) -> Result<Self, OpenQuotation> {
        let arguments = shlex::bytes::split(text.as_bytes()).ok_or(OpenQuotation)?;
        let mut arguments: Vec<OsString> = arguments.into_iter().map(OsString::from_vec).collect();
        if arguments.first().is_some_and(|first| first == "--") {
            arguments.remove(0);
        }
        Ok(Self { arguments, text: text.to_owned() })
    }
}

/// Runs the program once for each list of arguments, one run after the other.
///
/// # Errors
/// When it cannot be run at all. How it ends is a warning of the result.
pub fn run(request: &TraceRequest, traces: &[TraceArguments]) -> Result<Traced, TraceError> {
    let mut traced = Traced::default();
    if traces.is_empty() {
        return Ok(traced);
    }
    let interrupts = Interrupts::of_process().map_err(TraceError::Record)?;
    interrupts.end_build.store(false, Ordering::SeqCst);
    interrupt::leave_to_program(true);
    let result =
        traces.iter().try_for_each(|arguments| run_once(request, arguments, &interrupts, &mut traced));
    interrupts.end_build.store(true, Ordering::SeqCst);
    interrupt::leave_to_program(false);
    result.map(|()| traced)
}

/// What SIGINT does to this process.
#[derive(Debug, Clone)]
struct Interrupts {
    /// Whether it does what it usually does. While a program runs, the signal is that program's alone.
    end_build: Arc<AtomicBool>,
    /// Set whenever there was one.
    seen: Arc<AtomicBool>,
}

impl Interrupts {
    fn of_process() -> io::Result<Self> {
        static OF_PROCESS: Mutex<Option<Interrupts>> = Mutex::new(None);
        let mut known = OF_PROCESS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(interrupts) = &*known {
            return Ok(interrupts.clone());
        }
        let interrupts = Self { end_build: Arc::new(AtomicBool::new(true)), seen: Arc::default() };
        // In this order: once one was seen, it is known what it does.
        if !interrupt::is_watched() {
            register_conditional_default(SIGINT, Arc::clone(&interrupts.end_build))?;
        }
        register(SIGINT, Arc::clone(&interrupts.seen))?;
        Ok(known.insert(interrupts).clone())
    }

    /// Waits until an interrupt that has ended the program has come to this process, too: a terminal sends it to both,
    /// and another thread than this one takes it, perhaps later. Where only the program was meant, none comes.
    fn settle(&self) {
        let started = Instant::now();
        while !self.seen.load(Ordering::SeqCst) && started.elapsed() < MOST_DELAY {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

fn run_once(
    request: &TraceRequest,
    arguments: &TraceArguments,
    interrupts: &Interrupts,
    traced: &mut Traced,
) -> Result<(), TraceError> {
    // What is in it is run: it is nobody else's, whatever the umask.
    let own = Permissions::from_mode(0o700);
    let folder = tempfile::Builder::new().prefix("snapfreeze-trace-").permissions(own).tempdir();
    let folder = folder.map_err(TraceError::Record)?;
    let _registered = interrupt::path(folder.path());
    let records = folder.path().join("records");
    std::fs::write(folder.path().join("sitecustomize.py"), RECORDER).map_err(TraceError::Record)?;
    File::create(&records).map_err(TraceError::Record)?;
    let program = Program::of(request.entry);
    let mut command = Command::new(&request.facts.executable);
    match request.optimize {
        0 => {}
        1 => drop(command.arg("-O")),
        _ => drop(command.arg("-OO")),
    }
    command.args(&program.command).args(&arguments.arguments);
    // A module of a project is looked for in the project's directory, wherever this process is.
    let own = request.entry.module().map(|_| request.entry.search_directory());
    let own = own.filter(|directory| std::env::current_dir().ok().as_ref() != Some(directory));
    let paths: Vec<PathBuf> = own.into_iter().chain(request.paths.iter().cloned()).collect();
    command.env("PYTHONPATH", with_folder(folder.path(), &paths, std::env::var_os("PYTHONPATH")));
    let stderr = io::stderr().as_fd().try_clone_to_owned().map_err(TraceError::Record)?;
    interrupts.seen.store(false, Ordering::SeqCst);
    let status = command.stdout(Stdio::from(stderr)).status();
    let status =
        status.map_err(|source| TraceError::Start { python: request.facts.executable.clone(), source })?;
    if status.signal() == Some(SIGINT) {
        interrupts.settle();
    }
    let name = format!("the traced run `{}`", arguments.text.to_string_lossy());
    let recorded = std::fs::read(&records).map_err(TraceError::Record)?;
    if !traced.add(&recorded, |kind, what| request.is_interpreter || program.is_run_by(kind, what)) {
        traced.warnings.push(format!("{name} has recorded nothing"));
    }
    traced.warnings.extend(ending(status).map(|end| format!("{name} {end}; what it did before is included")));
    Ok(())
}

/// How a run ended, if not well. An interrupt comes from who runs it.
fn ending(status: ExitStatus) -> Option<String> {
    match (status.code(), status.signal()) {
        (Some(0), _) | (_, Some(SIGINT)) => None,
        (Some(code), _) => Some(format!("ended with exit code {code}")),
        (None, signal) => Some(format!("was ended by signal {}", signal.unwrap_or_default())),
    }
}

/// A search path with a directory and those of options before it.
fn with_folder(folder: &Path, options: &[PathBuf], path: Option<OsString>) -> OsString {
    let mut all = folder.as_os_str().to_owned();
    for directory in options {
        all.push(":");
        all.push(std::path::absolute(directory).unwrap_or_else(|_| directory.clone()));
    }
    if let Some(path) = path.filter(|path| !path.is_empty()) {
        all.push(":");
        all.push(path);
    }
    all
}

/// How `python` runs an entry.
struct Program {
    /// The arguments that name it.
    command: Vec<OsString>,
    /// How the recorder names such a process: kind and what.
    starts: Vec<(&'static str, String)>,
}

impl Program {
    fn of(entry: &Entry) -> Self {
        let file =
            |path: &Path, starts: Vec<(&'static str, String)>| Self { command: vec![path.into()], starts };
        let text = |path: &Path| path.to_string_lossy().into_owned();
        match entry {
            Entry::Script(path) => file(path, vec![("file", text(path))]),
            Entry::Directory(path) => file(path, vec![("module", "__main__".into()), ("file", text(path))]),
            Entry::Module { module: name, .. } => {
                Self { command: vec!["-m".into(), name.into()], starts: vec![("module", name.clone())] }
            }
            Entry::Package(path) => {
                let package = path.file_name().unwrap_or_default().to_string_lossy();
                // As `python -m`, but from another directory than the working directory.
                let code = format!(
                    "__import__('sys').path[0] = __import__('sys').argv.pop(1)\n\
                     __import__('runpy')._run_module_as_main({package:?})\n"
                );
                let starts = vec![
                    ("command", code.clone()),
                    ("module", package.clone().into_owned()),
                    ("module", format!("{package}.__main__")),
                ];
                let above = entry.search_directory();
                Self { command: vec!["-c".into(), code.into(), above.into()], starts }
            }
            Entry::Function { module, function, .. } => {
                let root = function.split('.').next().unwrap_or(function);
                let name = entry.name();
                let code = format!(
                    "import sys\nsys.argv[0] = {name:?}\nfrom {module} import {root}\nsys.exit({function}())\n"
                );
                Self { command: vec!["-c".into(), code.clone().into()], starts: vec![("command", code)] }
            }
        }
    }

    /// Whether a process is the program or one of its helper processes, by what `python` was told to run.
    fn is_run_by(&self, kind: &str, what: &str) -> bool {
        let is_helper = kind != "file" && (what.contains("multiprocessing") || what.contains("loky"));
        let same = |text: &str| match kind {
            "file" => text == what || same_file(Path::new(text), Path::new(what)),
            // The recorder puts a command's lines into one.
            _ => text.replace('\n', " ").trim_end() == what.trim_end(),
        };
        is_helper || self.starts.iter().any(|(own, text)| *own == kind && same(text))
    }
}

fn same_file(one: &Path, other: &Path) -> bool {
    one.canonicalize().is_ok_and(|one| other.canonicalize().is_ok_and(|other| one == other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_split_as_by_a_shell() {
        let parse = |text: &str| TraceArguments::parse(OsStr::new(text)).map(|parsed| parsed.arguments);
        assert_eq!(parse("-- a 'b c' \"d\\\"e\""), Ok(vec!["a".into(), "b c".into(), "d\"e".into()]));
        assert_eq!(parse("--port 8000"), Ok(vec!["--port".into(), "8000".into()]));
        assert_eq!(parse("-- -- x"), Ok(vec!["--".into(), "x".into()]));
        assert_eq!(parse("--"), Ok(vec![]));
        assert_eq!(parse(""), Ok(vec![]));
        assert_eq!(parse("it's"), Err(OpenQuotation));
    }

    #[test]
    fn the_program_and_its_helpers_are_told_from_other_processes() {
        let program = Program::of(&Entry::from_module("tool").unwrap());
        assert!(program.is_run_by("module", "tool"));
        assert!(program.is_run_by("command", "from multiprocessing.spawn import spawn_main; spawn_main()"));
        assert!(program.is_run_by("module", "joblib.externals.loky.backend.popen_loky_posix"));
        assert!(!program.is_run_by("module", "pip"));
        assert!(!program.is_run_by("command", "tool"));
        assert!(!program.is_run_by("file", "/x/multiprocessing.py"));
    }
}
