//! Running hooks in the target interpreter: one subprocess for all that are due.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{HookFile, HookKind};
use crate::probe::{PythonFacts, last_line};
use crate::subprocess::output_within;

const RUN_HOOKS: &str = include_str!("../../python/hooks/run_hooks.py");

/// The package that hooks import, as modules and their sources.
const STAND_IN: [(&str, &str); 21] = [
    ("PyInstaller", include_str!("../../python/hooks/PyInstaller/__init__.py")),
    ("PyInstaller._api", include_str!("../../python/hooks/PyInstaller/_api.py")),
    ("PyInstaller._spec", include_str!("../../python/hooks/PyInstaller/_spec.py")),
    ("PyInstaller.building", include_str!("../../python/hooks/PyInstaller/building/__init__.py")),
    ("PyInstaller.building.api", include_str!("../../python/hooks/PyInstaller/building/api.py")),
    (
        "PyInstaller.building.build_main",
        include_str!("../../python/hooks/PyInstaller/building/build_main.py"),
    ),
    (
        "PyInstaller.building.datastruct",
        include_str!("../../python/hooks/PyInstaller/building/datastruct.py"),
    ),
    ("PyInstaller.building.osx", include_str!("../../python/hooks/PyInstaller/building/osx.py")),
    ("PyInstaller.building.splash", include_str!("../../python/hooks/PyInstaller/building/splash.py")),
    ("PyInstaller.config", include_str!("../../python/hooks/PyInstaller/config.py")),
    ("PyInstaller.compat", include_str!("../../python/hooks/PyInstaller/compat.py")),
    ("PyInstaller.isolated", include_str!("../../python/hooks/PyInstaller/isolated.py")),
    ("PyInstaller.log", include_str!("../../python/hooks/PyInstaller/log.py")),
    ("PyInstaller.utils", include_str!("../../python/hooks/PyInstaller/utils/__init__.py")),
    ("PyInstaller.utils.hooks", include_str!("../../python/hooks/PyInstaller/utils/hooks/__init__.py")),
    ("PyInstaller.utils.hooks._files", include_str!("../../python/hooks/PyInstaller/utils/hooks/_files.py")),
    (
        "PyInstaller.utils.hooks._metadata",
        include_str!("../../python/hooks/PyInstaller/utils/hooks/_metadata.py"),
    ),
    (
        "PyInstaller.utils.hooks._modules",
        include_str!("../../python/hooks/PyInstaller/utils/hooks/_modules.py"),
    ),
    (
        "PyInstaller.utils.hooks._requirements",
        include_str!("../../python/hooks/PyInstaller/utils/hooks/_requirements.py"),
    ),
    (
        "PyInstaller.utils.hooks._versions",
        include_str!("../../python/hooks/PyInstaller/utils/hooks/_versions.py"),
    ),
    ("PyInstaller.utils.hooks.conda", include_str!("../../python/hooks/PyInstaller/utils/hooks/conda.py")),
];

/// How long all hooks of a round may take. Each has a limit of its own in the runner.
const TIME_LIMIT: Duration = Duration::from_secs(1800);

/// Why there are no answers of hooks.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// A directory of hooks cannot be read.
    #[error("cannot read the hooks in {path}: {source}", path = path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The interpreter does not answer.
    #[error("the interpreter {python} does not run the hooks: {answer}", python = python.display())]
    NoAnswer {
        /// The interpreter.
        python: PathBuf,
        /// What it said.
        answer: String,
    },
}

/// What a hook may know of its module.
#[derive(Debug, Clone, Default, Serialize)]
pub struct HookedModule {
    /// Its file; a package's directory; `-` for a namespace package.
    #[serde(rename = "module_file")]
    pub file: Option<PathBuf>,
    /// Its source.
    #[serde(rename = "module_source")]
    pub source: Option<PathBuf>,
    /// A package's directories.
    #[serde(rename = "module_path")]
    pub directories: Vec<PathBuf>,
    /// Whether it is a package.
    pub is_package: bool,
    /// Where it is looked for.
    pub search_path: Vec<PathBuf>,
}

/// What one hook says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Contribution {
    /// Modules to include: absolute names.
    pub imports: Vec<String>,
    /// Modules that are not in the program for the hook's module or one below it.
    pub excluded: Vec<String>,
    /// Modules that the hook's module does not import, whatever its source says.
    pub removed: Vec<String>,
    /// Data files: sources, which are there, and directories of the tree.
    pub datas: Vec<(PathBuf, String)>,
    /// Shared libraries, likewise.
    pub binaries: Vec<(PathBuf, String)>,
    /// Whether modules' files hold their source, by module.
    pub with_source: std::collections::BTreeMap<String, bool>,
    /// Whether a hidden import that is not found is worth a warning.
    pub warns: bool,
    /// Modules that make themselves when the program runs.
    pub runtime: Vec<String>,
    /// Modules and other names that they have when the program runs.
    pub aliases: Vec<(String, String)>,
    /// More directories in which the package's submodules are.
    pub package_paths: Vec<PathBuf>,
    /// The directories in which the module is looked for, if they are not the usual ones.
    pub search_dirs: Option<Vec<PathBuf>>,
    /// What it has to say to the user.
    pub messages: Vec<String>,
}

/// What a hook says, or the last line of its traceback.
pub type Answer = Result<Contribution, String>;

/// [`Answer`] as the runner writes it.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum WrittenAnswer<T = Contribution> {
    Value(Box<T>),
    Failed(String),
}

#[derive(Serialize)]
struct SpecificationTask<'a> {
    path: &'a Path,
    arguments: &'a [String],
}

#[derive(Serialize)]
pub(super) struct Task<'a> {
    kind: HookKind,
    module: &'a str,
    file: &'a Path,
    #[serde(flatten)]
    facts: &'a HookedModule,
}

/// Runs hooks. Of one that fails there is the last line of the traceback.
///
/// `path` is the program's `sys.path`.
///
/// # Errors
/// When the interpreter fails to answer at all.
pub fn run(
    facts: &PythonFacts,
    path: &[PathBuf],
    hooks: &[(HookFile, HookedModule)],
) -> Result<Vec<Answer>, HookError> {
    let tasks: Vec<Task> = hooks
        .iter()
        .map(|(hook, facts)| Task { kind: hook.kind, module: &hook.module, file: &hook.path, facts })
        .collect();
    let answers: Vec<WrittenAnswer> = ask(facts, path, Some(&tasks))?;
    let answers = answers.into_iter().map(|answer| match answer {
        WrittenAnswer::Value(contribution) => Ok(*contribution),
        WrittenAnswer::Failed(reason) => Err(reason),
    });
    Ok(answers.collect())
}

/// Runs a specification, and returns what it says as the runner writes it.
///
/// # Errors
/// When the interpreter fails to answer.
pub fn run_specification<T: DeserializeOwned>(
    facts: &PythonFacts,
    path: &Path,
    arguments: &[String],
) -> Result<Result<T, String>, HookError> {
    let answer: WrittenAnswer<T> = ask_with(facts, &[], None, Some(SpecificationTask { path, arguments }))?;
    Ok(match answer {
        WrittenAnswer::Value(said) => Ok(*said),
        WrittenAnswer::Failed(reason) => Err(reason),
    })
}

/// Gives the runner its task; without one it names the directories of installed hooks.
pub(super) fn ask<T: DeserializeOwned>(
    facts: &PythonFacts,
    path: &[PathBuf],
    hooks: Option<&[Task]>,
) -> Result<T, HookError> {
    ask_with(facts, path, hooks, None)
}

fn ask_with<T: DeserializeOwned>(
    facts: &PythonFacts,
    path: &[PathBuf],
    hooks: Option<&[Task]>,
    spec: Option<SpecificationTask>,
) -> Result<T, HookError> {
    #[derive(Serialize)]
    struct Request<'a> {
        path: &'a [PathBuf],
        modules: std::collections::BTreeMap<&'a str, &'a str>,
        hooks: Option<&'a [Task<'a>]>,
        spec: Option<SpecificationTask<'a>>,
    }
    let failed = |answer: String| HookError::NoAnswer {
        python: facts.executable.clone(),
        answer: answer.trim().to_owned(),
    };
    let request = Request { path, modules: STAND_IN.into_iter().collect(), hooks, spec };
    let request = serde_json::to_vec(&request).map_err(|error| failed(error.to_string()))?;
    let mut command = Command::new(&facts.executable);
    command.args(["-I", "-B", "-X", "utf8", "-c", RUN_HOOKS]);
    let output =
        output_within(&mut command, &request, TIME_LIMIT).map_err(|error| failed(error.to_string()))?;
    serde_json::from_slice(last_line(&output.stdout)).map_err(|error| {
        let stderr = String::from_utf8_lossy(last_line(&output.stderr)).into_owned();
        failed(format!("it ended with {} ({error}) {stderr}", output.status))
    })
}
