//! What is found or made once for all trials of a run.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use snapfreeze::cache::Cache;
use tempfile::TempDir;

use crate::environment::Environments;
use crate::execution::{execute, plain_command, python_command};
use crate::interpreter::{Interpreter, Slot, slots, static_slots};

/// The variable by which everything is tested in its other form: all executables are built with `--no-fuse`.
pub const NO_FUSE: &str = "SNAPFREEZE_TEST_NO_FUSE";

/// Things made once, by name: who asks first makes it, the others wait.
type Once<T> = Mutex<HashMap<OsString, Arc<OnceLock<T>>>>;

/// Interpreters, environments, and the command under test. Clones share everything.
#[derive(Debug, Clone)]
pub struct Fixtures(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    command: PathBuf,
    cache: PathBuf,
    slots: Vec<Slot>,
    statics: OnceLock<Vec<Slot>>,
    facts: PathBuf,
    environments: Environments,
    run: TempDir,
    frozen: Once<PathBuf>,
    folders: AtomicUsize,
    turns: RwLock<()>,
}

impl Fixtures {
    /// Looks at the machine. `command` is the command under test; everything is made under `folder`.
    ///
    /// # Panics
    /// When nothing can be made there.
    pub fn find(command: &Path, folder: &Path) -> Self {
        Self::find_with_cache(command, folder, None)
    }

    /// [`Fixtures::find`], with a build cache that is kept rather than one of this run.
    ///
    /// # Panics
    /// When nothing can be made there.
    pub fn find_with_cache(command: &Path, folder: &Path, cache: Option<&Path>) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        let facts = folder.join("facts");
        let slots = slots(&Cache::at(&facts));
        let run = tempfile::Builder::new().prefix("run-").tempdir_in(folder).unwrap();
        Self(Arc::new(Shared {
            command: command.to_owned(),
            cache: cache.map_or_else(|| run.path().join("cache"), Path::to_owned),
            slots,
            statics: OnceLock::new(),
            facts,
            environments: Environments::new(&folder.join("environments")),
            run,
            frozen: Once::default(),
            folders: AtomicUsize::new(0),
            turns: RwLock::new(()),
        }))
    }

    /// A slot for each minor version that can be frozen, oldest first.
    pub fn each(&self) -> &[Slot] {
        &self.0.slots
    }

    /// A slot for each interpreter with libpython inside. Without fusion such a one cannot be frozen.
    pub fn statics(&self) -> &[Slot] {
        self.0.statics.get_or_init(|| {
            let mut slots = static_slots(&Cache::at(&self.0.facts));
            for slot in &mut slots {
                slot.found = slot.found.clone().and_then(|found| self.needs_fusion().map(|()| found));
            }
            slots
        })
    }

    /// CPython 3.11, for which the requirements are pinned; where it is missing, the newest that is there.
    pub fn preferred(&self) -> Slot {
        let slots = &self.0.slots;
        let usual = slots.iter().find(|slot| slot.minor == "3.11");
        let is_found = |slot: &&Slot| slot.found.is_ok();
        let best = usual.filter(is_found).or_else(|| slots.iter().rev().find(is_found)).or(usual);
        best.cloned().unwrap_or_else(|| Slot { minor: "3.11".into(), found: Err("not supported".into()) })
    }

    /// A virtual environment with `requirements/NAME.txt`.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn environment(&self, name: &str, interpreter: &Interpreter) -> Interpreter {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("requirements").join(format!("{name}.txt"));
        self.environment_of(name, &file, interpreter)
    }

    /// A virtual environment with a requirements file of another place.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn environment_of(&self, name: &str, requirements: &Path, interpreter: &Interpreter) -> Interpreter {
        interpreter.in_environment(&self.0.environments.get(name, requirements, interpreter))
    }

    /// The folder of such an environment, for who can go on without.
    ///
    /// # Errors
    /// Why it cannot be made.
    pub fn try_environment(
        &self,
        name: &str,
        requirements: &Path,
        interpreter: &Interpreter,
    ) -> Result<PathBuf, String> {
        self.0.environments.try_get(name, requirements, interpreter)
    }

    /// A file or folder of `specs/`.
    pub fn spec(&self, path: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("specs").join(path)
    }

    /// A new empty folder of this run.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn folder(&self, name: &str) -> PathBuf {
        let number = self.0.folders.fetch_add(1, Ordering::Relaxed);
        let folder = self.0.run.path().join(format!("{number:03}-{name}"));
        std::fs::create_dir(&folder).unwrap();
        folder
    }

    /// The program that is tested.
    pub fn command_path(&self) -> &Path {
        &self.0.command
    }

    /// The command under test, with the build cache of this run, or that which is kept.
    pub fn snapfreeze(&self) -> Command {
        let mut command = plain_command(&self.0.command);
        command.env("SNAPFREEZE_CACHE_DIR", &self.0.cache);
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        if !self.fuses() {
            command.env(NO_FUSE, "1");
        }
        command
    }

    /// Whether executables are built as users build them: fused, where nothing forbids it.
    pub fn fuses(&self) -> bool {
        std::env::var_os(NO_FUSE).is_none_or(|value| value.is_empty())
    }

    /// What trials of the fused form need.
    ///
    /// # Errors
    /// When this run tests the other one.
    pub fn needs_fusion(&self) -> Result<(), String> {
        if self.fuses() { Ok(()) } else { Err("not fused".to_owned()) }
    }

    /// Freezes with `snapfreeze build ARGUMENTS --python … -o …` and returns the executable.
    ///
    /// # Panics
    /// When the build fails.
    #[track_caller]
    pub fn freeze<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
        python: &Interpreter,
    ) -> PathBuf {
        self.freeze_with(arguments, python, |_| {})
    }

    /// [`Fixtures::freeze`] with more to say about the command.
    ///
    /// # Panics
    /// When the build fails.
    #[track_caller]
    pub fn freeze_with<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
        python: &Interpreter,
        adapt: impl FnOnce(&mut Command),
    ) -> PathBuf {
        let output = self.folder("frozen").join("program");
        let mut command = self.snapfreeze();
        command.arg("build").args(arguments).arg("--python").arg(&python.python).arg("-o").arg(&output);
        adapt(&mut command);
        let outcome = execute(&mut command);
        assert!(outcome.code == Some(0), "{command:?} failed: {outcome:?}");
        output
    }

    /// A program of `specs/`, frozen without any option, once a run and interpreter.
    ///
    /// # Panics
    /// When the build fails.
    pub fn frozen(&self, program: &str, python: &Interpreter) -> PathBuf {
        let mut key = OsString::from(program);
        key.push(&python.python);
        let place =
            Arc::clone(self.0.frozen.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default());
        place.get_or_init(|| self.freeze([self.spec(program)], python)).clone()
    }

    /// The interpreter with a program of `specs/`.
    pub fn python(&self, program: &str, python: &Interpreter) -> Command {
        let mut command = python_command(&python.python);
        command.arg(self.spec(program));
        command
    }

    /// Read by trials that run beside others, written by those that run alone.
    pub(crate) fn turns(&self) -> &RwLock<()> {
        &self.0.turns
    }
}

/// Copies a folder with all under it. Bytecode caches are left out.
///
/// # Panics
/// When something cannot be read or written.
pub fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap_or_else(|error| panic!("{}: {error}", from.display())) {
        let (entry, kind) = entry.and_then(|entry| entry.file_type().map(|kind| (entry, kind))).unwrap();
        let target = to.join(entry.file_name());
        if kind.is_dir() {
            if entry.file_name() != "__pycache__" {
                copy_folder(&entry.path(), &target);
            }
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(std::fs::read_link(entry.path()).unwrap(), target).unwrap();
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
