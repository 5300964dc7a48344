//! Virtual environments with pinned requirements, kept from one run to the next.
//!
//! An environment's name holds a hash of its requirements and its interpreter. It is made under another name and
//! renamed when it is complete; the scripts in its `bin` name the first place, so that it is used by `bin/python -m`.
//! A lock file keeps a second run of the tests from making it at the same time, a lock in memory a second trial.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use snapfreeze::cache::Key;

use crate::execution::execute_within;
use crate::interpreter::Interpreter;

/// How long pip may take: it downloads a hundred megabytes where its cache is empty.
const INSTALL_LIMIT: Duration = Duration::from_secs(600);

/// An environment's folder once somebody has asked for it, or why it cannot be made.
type Place = OnceLock<Result<PathBuf, String>>;

/// The environments of a folder.
#[derive(Debug)]
pub struct Environments {
    folder: PathBuf,
    made: Mutex<HashMap<String, Arc<Place>>>,
}

impl Environments {
    /// The environments in `folder`.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), made: Mutex::default() }
    }

    /// The environment's folder, made if it is not there.
    ///
    /// # Panics
    /// When it cannot be made: in the trial that asks first and in all others.
    pub fn get(&self, name: &str, requirements: &Path, interpreter: &Interpreter) -> PathBuf {
        let made = self.try_get(name, requirements, interpreter);
        made.unwrap_or_else(|error| panic!("the environment {name} cannot be made: {error}"))
    }

    /// [`Environments::get`] for who can go on without.
    ///
    /// # Errors
    /// Why it cannot be made.
    ///
    /// # Panics
    /// When the requirements cannot be read.
    pub fn try_get(
        &self,
        name: &str,
        requirements: &Path,
        interpreter: &Interpreter,
    ) -> Result<PathBuf, String> {
        let text =
            std::fs::read(requirements).unwrap_or_else(|error| panic!("{}: {error}", requirements.display()));
        let python = interpreter.python.as_os_str().as_encoded_bytes();
        let key = Key::of([text.as_slice(), python, interpreter.version.as_bytes()]).short();
        let name = format!("{name}-{}-{key}", interpreter.minor);
        let place = Arc::clone(
            self.made.lock().unwrap_or_else(PoisonError::into_inner).entry(name.clone()).or_default(),
        );
        place.get_or_init(|| self.make(&name, requirements, interpreter)).clone()
    }

    fn make(&self, name: &str, requirements: &Path, interpreter: &Interpreter) -> Result<PathBuf, String> {
        let place = self.folder.join(name);
        let io = |error: std::io::Error| error.to_string();
        std::fs::create_dir_all(&self.folder).map_err(io)?;
        let lock = File::create(self.folder.join(format!("{name}.lock"))).map_err(io)?;
        lock.lock().map_err(io)?;
        if place.is_dir() {
            return Ok(place);
        }
        let unfinished =
            tempfile::Builder::new().prefix("unfinished-").tempdir_in(&self.folder).map_err(io)?;
        let folder = unfinished.path().join("environment");
        run(pip_command(&interpreter.python).args(["-m", "venv"]).arg(&folder))?;
        let mut pip = pip_command(&folder.join("bin/python"));
        pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--requirement"]);
        run(pip.arg(requirements))?;
        std::fs::rename(&folder, &place).map_err(io)?;
        Ok(place)
    }
}

/// Python for pip: the user's settings stay (proxies, indexes, caches), Python's own are taken away.
pub fn pip_command(python: &Path) -> Command {
    let mut command = Command::new(python);
    for name in
        ["PYTHONPATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV", "PIP_TARGET", "PIP_USER"]
    {
        command.env_remove(name);
    }
    command.env("PIP_DISABLE_PIP_VERSION_CHECK", "1");
    command
}

fn run(command: &mut Command) -> Result<(), String> {
    let outcome = execute_within(command, INSTALL_LIMIT, b"");
    if outcome.code == Some(0) { Ok(()) } else { Err(format!("{command:?}: {outcome:?}")) }
}
