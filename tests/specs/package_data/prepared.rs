//! The program of `package_data/`, made ready for an interpreter and frozen in several forms, each once a run.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use snapfreeze_tests::execution::{plain_command, python_command};
use snapfreeze_tests::fixtures::copy_folder;
use snapfreeze_tests::{Fixtures, Interpreter, Outcome, Slot, execute};

/// How the program is frozen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// One file with sources in it.
    Sources,
    /// One file without them.
    Plain,
    /// A directory.
    Directory,
    /// One file, with the installed package put on disk.
    Materialized,
}

impl Form {
    /// The options of `build` for it.
    fn options(self) -> &'static [&'static str] {
        match self {
            Self::Sources => &["--include-source"],
            Self::Plain => &[],
            Self::Directory => &["--onedir", "--include-source"],
            Self::Materialized => &["--materialize", "samples", "--include-source"],
        }
    }
}

/// The program's folder after `prepare.py`, with the interpreter of its environment.
#[derive(Debug)]
pub struct Prepared {
    /// Where it is.
    pub folder: PathBuf,
    python: Interpreter,
    frozen: Mutex<BTreeMap<Form, Arc<OnceLock<PathBuf>>>>,
}

/// Whether a C compiler is there that links statically, too.
///
/// # Errors
/// What is missing.
pub fn compiler() -> Result<(), String> {
    let mut command = Command::new("cc");
    command.args(["-static", "-x", "c", "-", "-o", "/dev/null"]).stdin(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|_| "no C compiler")?;
    if let Some(mut input) = child.stdin.take() {
        let _ = std::io::Write::write_all(&mut input, b"int main(void) { return 0; }");
    }
    let succeeded = child.wait().is_ok_and(|status| status.success());
    if succeeded { Ok(()) } else { Err("no C compiler that links statically".into()) }
}

/// Whether an interpreter's C headers are there.
pub fn headers(slot: &Slot) -> Result<(), String> {
    let interpreter = slot.found.as_ref().map_err(Clone::clone)?;
    let prefix = interpreter.stdlib.parent().and_then(Path::parent).unwrap_or(Path::new("/"));
    let header = prefix.join(format!("include/python{}/Python.h", slot.minor));
    if header.is_file() { Ok(()) } else { Err("no C headers of it".into()) }
}

/// Whether extension modules can be made for an interpreter.
pub fn may_compile(interpreter: &Interpreter) -> bool {
    let slot = Slot { minor: interpreter.minor.clone(), found: Ok(interpreter.clone()) };
    compiler().and_then(|()| headers(&slot)).is_ok()
}

/// The prepared program of an interpreter, once a run.
pub fn prepared(fixtures: &Fixtures, interpreter: &Interpreter) -> Arc<Prepared> {
    static PLACES: Mutex<BTreeMap<PathBuf, Arc<OnceLock<Arc<Prepared>>>>> = Mutex::new(BTreeMap::new());
    let place = Arc::clone(
        PLACES.lock().unwrap_or_else(PoisonError::into_inner).entry(interpreter.python.clone()).or_default(),
    );
    Arc::clone(place.get_or_init(|| Arc::new(prepare(fixtures, interpreter))))
}

fn prepare(fixtures: &Fixtures, interpreter: &Interpreter) -> Prepared {
    let python = fixtures.environment("package_data", interpreter);
    let folder = fixtures.folder("package_data");
    copy_folder(&fixtures.spec("package_data"), &folder);
    let mut command = python_command(&python.python);
    command.arg(folder.join("prepare.py")).arg(&folder);
    if may_compile(interpreter) {
        command.arg("--native");
        let preferred = fixtures.preferred().found;
        if preferred.is_ok_and(|preferred| preferred.python == interpreter.python) {
            command.arg("--cffi");
        }
    }
    execute(&mut command).succeeded("prepare.py");
    Prepared { folder, python, frozen: Mutex::default() }
}

impl Prepared {
    fn program(&self) -> PathBuf {
        self.folder.join("project/program.py")
    }

    fn installed(&self) -> PathBuf {
        self.folder.join("project/installed")
    }

    /// The executable, frozen once a run.
    pub fn frozen(&self, fixtures: &Fixtures, form: Form) -> PathBuf {
        let place =
            Arc::clone(self.frozen.lock().unwrap_or_else(PoisonError::into_inner).entry(form).or_default());
        let freeze = || {
            let program = self.program();
            let arguments = form.options().iter().map(OsStr::new).chain([program.as_os_str()]);
            let output = fixtures.freeze_with(arguments, &self.python, |command| {
                command.env("PYTHONPATH", self.installed());
            });
            if form == Form::Directory { output.join("program") } else { output }
        };
        place.get_or_init(freeze).clone()
    }

    /// The interpreter with the program.
    pub fn by_python(&self, arguments: &[&str]) -> Command {
        let mut command = python_command(&self.python.python);
        command.env("PYTHONPATH", self.installed()).env("REAL", self.folder.join("real"));
        command.arg(self.program()).args(arguments);
        command
    }

    /// An executable with its arguments.
    pub fn by_frozen(&self, executable: &Path, arguments: &[&str]) -> Command {
        let mut command = plain_command(executable);
        command.env("REAL", self.folder.join("real")).args(arguments);
        command
    }

    /// What the interpreter printed, with its directories under one name.
    pub fn of_python(&self, outcome: Outcome) -> Outcome {
        let environment = self.python.python.parent().and_then(Path::parent).unwrap_or(Path::new("/"));
        let packages = environment.join(format!("lib/python{}/site-packages", self.python.minor));
        let names = [
            (self.installed(), "ROOT"),
            (self.folder.join("project"), "ROOT"),
            (self.folder.join("real"), "REAL"),
            (packages, "ROOT"),
            (self.python.stdlib.clone(), "ROOT"),
        ];
        named(outcome, &names)
    }

    /// What the executable printed, with its directories under the same names.
    pub fn of_frozen(&self, outcome: Outcome, root: &Path) -> Outcome {
        named(outcome, &[(root.to_owned(), "ROOT"), (self.folder.join("real"), "REAL")])
    }
}

/// An outcome with directories under other names.
pub fn named(outcome: Outcome, names: &[(PathBuf, &str)]) -> Outcome {
    let text = |bytes: &[u8]| {
        let mut text = String::from_utf8_lossy(bytes).into_owned();
        for (path, name) in names {
            text = text.replace(&*path.to_string_lossy(), name);
        }
        text.into_bytes()
    };
    Outcome { stdout: text(&outcome.stdout), stderr: text(&outcome.stderr), ..outcome }
}
