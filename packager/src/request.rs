//! What a build is asked to do, resolved: the command line's options with all defaults filled in.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::ValueEnum;
use serde::Serialize;
use snapfreeze_runtime::archive::InterpreterMode;

use crate::cache::Cache;
use crate::collect::data::DataOptions;
use crate::entry::Entry;
use crate::graph::build::Root;
use crate::graph::options::GraphOptions;
use crate::graph::shared::Shared;
use crate::progress::Progress;
use crate::trace::TraceArguments;

/// A build, fully specified.
#[derive(Debug, Clone)]
pub struct BuildRequest {
    /// The program.
    pub entry: Entry,
    /// The interpreter, if the user names one.
    pub python: Option<PathBuf>,
    /// Where the executable goes.
    pub output: PathBuf,
    /// Optimisation level of the bytecode, 0 to 2.
    pub optimize: u8,
    /// Threads and processes at a time.
    pub jobs: usize,
    /// The build cache.
    pub cache: Cache,
    /// Modules to include beside what the program imports.
    pub roots: Vec<Root>,
    /// Modules that are left out, with all below them, whatever imports them.
    pub excluded: Vec<String>,
    /// Which optional imports between distributions are followed though nothing declares them.
    pub follow_optional: FollowOptional,
    /// Directories in which modules are looked for after the program's own, before the interpreter's path.
    pub paths: Vec<PathBuf>,
    /// Python files that run before the program, in this order.
    pub runtime_hooks: Vec<PathBuf>,
    /// Which hooks written for PyInstaller are used.
    pub hooks: HookOptions,
    /// The program's arguments in the runs to learn from.
    pub traces: Vec<TraceArguments>,
    /// Whether the files of modules hold their source.
    pub include_source: bool,
    /// What options say of data.
    pub data: DataOptions,
    /// Whether the file that carries CPython is fused with the stub.
    pub fuse: bool,
    /// Whether native files lose what only debuggers and linkers read.
    pub strip: bool,
    /// Whether the output is a directory with the executable and, beside it, the tree of files.
    pub onedir: bool,
    /// Whether the garbage collector runs as ever while modules are imported.
    pub collects_during_imports: bool,
    /// When the executable is also the interpreter.
    pub interpreter: InterpreterOption,
    /// How hard its contents are compressed.
    pub compress: CompressOption,
    /// Where the build tells how far it is.
    pub progress: Progress,
    /// What other programs of the same build know of files.
    pub shared: Option<Shared>,
}

/// Which hooks written for PyInstaller are used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HookOptions {
    /// Directories that the user names: `--additional-hooks-dir`.
    pub directories: Vec<PathBuf>,
    /// Whether those that are installed count: `--pyinstaller-hooks`.
    pub installed: bool,
}

/// Which optional imports from one distribution into another are followed though nothing declares them:
/// `--follow-optional`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FollowOptional {
    /// All of them.
    pub all: bool,
    /// Those into these: names of distributions or of top-level modules, as the user wrote them.
    pub packages: BTreeSet<String>,
}

/// When an executable is also the interpreter: serves `python`'s own command line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum InterpreterOption {
    /// Never.
    #[default]
    #[value(skip)]
    None,
    /// When its command line begins with one of python's options
    Argv,
    /// When SNAPFREEZE_INTERPRETER=1 is in its environment
    Env,
}

/// What is more important: that the executable starts soon, or that it is small.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum CompressOption {
    /// Starts soonest, and is larger
    Fast,
    /// Nearly as small as can be, without much of a wait
    #[default]
    Balanced,
    /// As small as can be: takes long to build
    Small,
}

impl CompressOption {
    /// As the command line has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Balanced => "balanced",
            Self::Small => "small",
        }
    }
}

impl From<InterpreterOption> for InterpreterMode {
    fn from(option: InterpreterOption) -> Self {
        match option {
            InterpreterOption::None => Self::None,
            InterpreterOption::Argv => Self::Arguments,
            InterpreterOption::Env => Self::Environment,
        }
    }
}

impl BuildRequest {
    /// What options say of the graph.
    pub fn graph_options(&self) -> GraphOptions<'_> {
        let Self { excluded, paths, runtime_hooks, hooks, .. } = self;
        let hooks = Some(hooks).filter(|hooks| hooks.installed || !hooks.directories.is_empty());
        let follow_optional = Some(&self.follow_optional);
        let shared = self.shared.as_ref();
        GraphOptions { excluded, paths, runtime_hooks, hooks, follow_optional, shared }
    }

    /// A build with defaults: `dist/NAME`, level 0, all cores, the user's cache.
    pub fn new(entry: Entry) -> Self {
        let output = PathBuf::from("dist").join(entry.name());
        let cache = Cache::of_user(environment);
        Self {
            entry,
            python: None,
            output,
            optimize: 0,
            jobs: available_jobs(),
            cache,
            roots: Vec::new(),
            excluded: Vec::new(),
            follow_optional: FollowOptional::default(),
            paths: Vec::new(),
            runtime_hooks: Vec::new(),
            hooks: HookOptions::default(),
            traces: Vec::new(),
            include_source: false,
            data: DataOptions::default(),
            fuse: true,
            strip: true,
            onedir: false,
            collects_during_imports: false,
            interpreter: InterpreterOption::None,
            compress: CompressOption::Balanced,
            progress: Progress::default(),
            shared: None,
        }
    }
}

/// As many jobs as the process has cores.
pub fn available_jobs() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// A variable of the process's environment.
pub fn environment(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}
