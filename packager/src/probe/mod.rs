//! Facts about the target interpreter, asked of it.
//!
//! One short subprocess runs `python/probe.py` with `-I` and prints JSON. The answer is cached under the
//! interpreter's path, the file behind it (time and size), `pyvenv.cfg`, and what can change `sys.path`; its
//! site-packages directories are looked at again each time, because an installation may make one or add a `.pth` file.

pub mod interpreters;
pub mod libpython;
mod own_environment;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::cache::{Cache, Key, Shelf};
use crate::subprocess::output_within;

const PROBE: &str = include_str!("../../python/probe.py");

/// Oldest and newest minor version of CPython 3 that can be frozen.
pub const SUPPORTED: std::ops::RangeInclusive<u8> = 9..=13;

/// How long an interpreter may take to answer: a cold start from a network disk takes seconds.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// How much of a stranger's answer an error repeats, in characters.
const LONGEST_ANSWER: usize = 200;

/// What an interpreter says of itself. Field by field as `python/probe.py` prints it.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct PythonFacts {
    /// `sys.executable`.
    pub executable: PathBuf,
    /// `sys._base_executable`: outside of a virtual environment.
    pub base_executable: PathBuf,
    /// `sys.implementation.name`.
    pub implementation: String,
    /// `3.11.7`.
    pub version: String,
    /// Major, minor, micro.
    pub version_info: (u8, u8, u8),
    /// `sys.hexversion`.
    pub hexversion: u32,
    /// `cpython-311`.
    pub cache_tag: String,
    /// `importlib.util.MAGIC_NUMBER`.
    pub magic: [u8; 4],
    /// `sys.abiflags`.
    pub abi_flags: String,
    /// Suffixes of extension modules, in the order in which they are tried.
    pub suffixes: Vec<String>,
    /// `sys.path` as the program would see it, less its own directory.
    pub path: Vec<PathBuf>,
    /// Directories that `site` would put on `sys.path` if they were there.
    pub site_candidates: Vec<PathBuf>,
    /// The standard library's directory.
    pub stdlib: PathBuf,
    /// The directory of its extension modules.
    pub dynload: PathBuf,
    /// `sys.builtin_module_names`.
    pub builtins: Vec<String>,
    /// Modules that are imported frozen (3.11+).
    pub frozen: Vec<String>,
    /// Whether only CPython's own finders are on `sys.meta_path`.
    pub standard_finders: bool,
    /// Source of a function `site_builtins(root)`, which makes the builtins of `site` (`exit`, `help` and their like) for a
    /// standard library in the directory `root`.
    pub site_builtins: String,
    /// `sys.prefix` and its relatives.
    pub prefixes: Vec<PathBuf>,
    /// The configuration variables that lead to libpython.
    pub sysconfig: BTreeMap<String, String>,
    /// `sys.platform`.
    pub platform: String,
    /// `os.name`.
    pub os_name: String,
    /// `platform.system()`.
    pub system: String,
    /// `platform.machine()`.
    pub machine: String,
    /// The C library: `glibc`, or empty.
    pub libc: String,
    /// `sys.maxsize > 2**32`.
    pub is_64bit: bool,
    /// Built with `Py_DEBUG`.
    pub debug_build: bool,
}

/// Why an interpreter cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// It cannot be started.
    #[error("cannot run the interpreter {python}: {source}")]
    Start {
        /// The interpreter.
        python: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It started, but did not answer.
    #[error("{python} does not answer as a Python 3 interpreter does: {answer}")]
    Answer {
        /// The interpreter.
        python: PathBuf,
        /// Its last words.
        answer: String,
    },
    /// Not one that can be frozen.
    #[error("{python} is {found}; snapfreeze freezes CPython 3.{min} to 3.{max}", min = SUPPORTED.start(), max = SUPPORTED.end())]
    Unsupported {
        /// The interpreter.
        python: PathBuf,
        /// What it is.
        found: String,
    },
    /// No libpython for it.
    #[error("{python} (CPython {version}) needs a libpython{minor_version}.so.1.0, which is not found")]
    NoLibpython {
        /// The interpreter.
        python: PathBuf,
        /// Its version.
        version: String,
        /// `3.11`.
        minor_version: String,
    },
    /// No interpreter at all.
    #[error("no Python interpreter was found")]
    NoInterpreter,
}

impl ProbeError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Start { .. } | Self::Answer { .. } => "name an interpreter with --python: a path, a name on PATH, a version or a virtual environment".into(),
            Self::Unsupported { .. } => "name another interpreter with --python".into(),
            Self::NoLibpython { minor_version, .. } => format!(
                "install the package libpython{minor_version} (Debian, Ubuntu) or python3-libs (Fedora), or a Python \
                 built with --enable-shared, or name another interpreter with --python"
            ),
            Self::NoInterpreter => {
                "install Python 3 with its shared library, or name one with --python".into()
            }
        })
    }
}

impl PythonFacts {
    /// The target as `minor_version` names it: `3.11`.
    pub fn minor_version(&self) -> String {
        format!("{}.{}", self.version_info.0, self.version_info.1)
    }

    /// The name of its libpython, whether or not there is a file of that name.
    pub fn libpython_name(&self) -> String {
        format!("libpython{}{}.so.1.0", self.minor_version(), self.abi_flags)
    }

    /// A hash part that stands for this interpreter's bytecode and imports.
    pub fn identity(&self) -> Vec<u8> {
        let mut identity = self.executable.as_os_str().as_encoded_bytes().to_vec();
        identity.extend(self.hexversion.to_le_bytes());
        identity.extend(self.magic);
        identity.extend(self.abi_flags.as_bytes());
        identity
    }

    fn supported(self, python: &Path) -> Result<Self, ProbeError> {
        let (major, minor, _) = self.version_info;
        let mut found = match self.implementation.as_str() {
            "cpython" => format!("CPython {}", self.version),
            other => format!("{other} {}", self.version),
        };
        if self.abi_flags.contains('t') {
            found.push_str(", free-threaded");
        } else if self.debug_build {
            found.push_str(", a debug build");
        } else if self.implementation == "cpython" && major == 3 && SUPPORTED.contains(&minor) {
            return Ok(self);
        }
        Err(ProbeError::Unsupported { python: python.to_owned(), found })
    }
}

/// Asks an interpreter for its facts, or the cache.
///
/// # Errors
/// When it cannot be run, does not answer, or is not one that can be frozen.
pub fn probe(python: &Path, cache: &Cache) -> Result<PythonFacts, ProbeError> {
    let key = cache_key(python);
    if let Some(facts) = key.as_ref().and_then(|key| cached(cache, key)) {
        return facts.supported(python);
    }
    let facts = ask(python)?;
    if let Some(key) = key {
        let entry = CachedFacts { site: site_state(&facts), facts: facts.clone() };
        if let Ok(text) = serde_json::to_vec(&entry) {
            cache.put(Shelf::Facts, &key, &text);
        }
    }
    facts.supported(python)
}

/// Facts with the state of what they depend on beyond the key.
#[derive(Serialize, Deserialize)]
struct CachedFacts {
    facts: PythonFacts,
    site: Vec<(PathBuf, Option<u128>)>,
}

fn cached(cache: &Cache, key: &Key) -> Option<PythonFacts> {
    let entry: CachedFacts = serde_json::from_slice(&cache.get(Shelf::Facts, key)?).ok()?;
    (site_state(&entry.facts) == entry.site).then_some(entry.facts)
}

/// The directories of `sys.path` outside of the standard library, those that could become some, and the `.pth` files
/// in them, and when each last changed.
fn site_state(facts: &PythonFacts) -> Vec<(PathBuf, Option<u128>)> {
    let outside = facts.path.iter().filter(|entry| **entry != facts.stdlib && **entry != facts.dynload);
    let directories: Vec<&PathBuf> = outside.chain(&facts.site_candidates).collect();
    let files = directories.iter().flat_map(|directory| std::fs::read_dir(directory).into_iter().flatten());
    let mut all: Vec<PathBuf> = files.flatten().map(|file| file.path()).collect();
    all.retain(|file| file.extension().is_some_and(|suffix| suffix == "pth"));
    all.sort();
    all.extend(directories.into_iter().cloned());
    all.into_iter().map(|path| (path.clone(), modified(&path))).collect()
}

fn modified(path: &Path) -> Option<u128> {
    let time = std::fs::metadata(path).ok()?.modified().ok()?;
    Some(time.duration_since(UNIX_EPOCH).ok()?.as_nanos())
}

/// None for an interpreter behind a script (pyenv's shims), which may lead elsewhere tomorrow.
fn cache_key(python: &Path) -> Option<Key> {
    use std::io::Read;
    let mut start = [0; 4];
    std::fs::File::open(python).ok()?.read_exact(&mut start).ok()?;
    if start != *b"\x7fELF" {
        return None;
    }
    let size = std::fs::metadata(python).ok()?.len();
    let environment = python.parent().and_then(Path::parent).map(|prefix| prefix.join("pyvenv.cfg"));
    let times = format!("{size} {:?} {:?}", modified(python)?, environment.as_deref().and_then(modified));
    let variable = |name| std::env::var_os(name).map(OsString::into_encoded_bytes).unwrap_or_default();
    let (path, home) = (variable("PYTHONPATH"), variable("HOME"));
    let (no_user, user) = (variable("PYTHONNOUSERSITE"), variable("PYTHONUSERBASE"));
    let directory =
        std::env::current_dir().map(|path| path.into_os_string().into_encoded_bytes()).unwrap_or_default();
    let directory = if path.is_empty() { Vec::new() } else { directory };
    let python = std::path::absolute(python).ok()?;
    let parts = [PROBE.as_bytes(), python.as_os_str().as_encoded_bytes(), times.as_bytes()];
    Some(Key::of(parts.into_iter().chain([path.as_slice(), &no_user, &user, &home, &directory])))
}

fn ask(python: &Path) -> Result<PythonFacts, ProbeError> {
    let output = output_within(Command::new(python).args(["-I", "-B", "-c", PROBE]), b"", TIME_LIMIT)
        .map_err(|source| ProbeError::Start { python: python.to_owned(), source })?;
    serde_json::from_slice(last_line(&output.stdout)).map_err(|_| {
        let errors = String::from_utf8_lossy(&output.stderr);
        let mut lines = errors.lines().map(str::trim).filter(|line| !line.is_empty());
        // A traceback says it at its end, everything else at its start.
        let line = if errors.contains("Traceback") { lines.next_back() } else { lines.next() };
        let answer = line.unwrap_or("it prints nothing").chars().take(LONGEST_ANSWER).collect();
        ProbeError::Answer { python: python.to_owned(), answer }
    })
}

/// The last line of what an interpreter printed: `sitecustomize` and `.pth` files may have printed before it.
pub fn last_line(output: &[u8]) -> &[u8] {
    output.trim_ascii_end().rsplit(|byte| *byte == b'\n').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::workers::tests::interpreters;

    #[test]
    fn an_answer_is_found_behind_what_site_prints() {
        assert_eq!(last_line(b"hello\n\n{}\n"), b"{}");
        assert_eq!(last_line(b"[]"), b"[]");
        assert_eq!(last_line(b""), b"");
    }

    #[test]
    fn the_builtins_of_site_are_made_without_it_unless_they_are_others() {
        let ask = |python: &Path, before: &str| {
            let code = format!("{before}\n{PROBE}");
            let output = output_within(Command::new(python).args(["-I", "-B", "-c", &code]), b"", TIME_LIMIT);
            serde_json::from_slice::<PythonFacts>(last_line(&output.unwrap().stdout)).unwrap().site_builtins
        };
        let other = "import builtins, site\nsite.sethelper = lambda: setattr(builtins, 'help', len)";
        for python in interpreters() {
            let (own, unusual) = (ask(&python, ""), ask(&python, other));
            assert!(own.starts_with("def site_builtins(root):\n") && !own.contains("import site"), "{own}");
            assert!(own.contains("root + '/LICENSE'"), "{own}");
            assert!(
                unusual.contains("import site\n") && unusual.ends_with("site.sethelper()\n"),
                "{unusual}"
            );
        }
    }

    #[test]
    fn a_path_file_that_changes_and_a_directory_that_appears_are_noticed() {
        let found = interpreters().into_iter().find_map(|python| probe(&python, &Cache::none()).ok());
        let Some(mut facts) = found else { return };
        let folder = tempfile::tempdir().unwrap();
        let (path_file, later) = (folder.path().join("x.pth"), folder.path().join("later"));
        std::fs::write(&path_file, "").unwrap();
        facts.path = vec![folder.path().to_owned()];
        facts.site_candidates = vec![later.clone()];
        let mut states = vec![site_state(&facts)];
        assert_eq!(site_state(&facts), states[0]);
        let file = std::fs::File::options().write(true).open(&path_file).unwrap();
        file.set_modified(UNIX_EPOCH).unwrap();
        states.push(site_state(&facts));
        std::fs::create_dir(&later).unwrap();
        states.push(site_state(&facts));
        assert!(states[0] != states[1] && states[1] != states[2]);
    }
}
