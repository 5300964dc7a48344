//! The options that all commands have that look at a program: which one it is, and how it is to be built.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser};

use super::contents::{ContentArguments, ModuleArguments};
use crate::entry::Entry;
use crate::error::Error;
use crate::request::{BuildRequest, CompressOption, InterpreterOption};
use crate::trace::TraceArguments;

/// A program and how it is to be built.
#[derive(Debug, Args)]
pub struct ProgramArguments {
    /// The program: a script, a directory with __main__.py, module:function, or the name of one of the project's
    /// programs [default: the project's programs]
    #[arg(value_name = "ENTRY", conflicts_with_all = ["module", "bin"])]
    pub entry: Option<PathBuf>,

    /// The program is a module, as for `python -m`
    #[arg(short, long, value_name = "MODULE")]
    pub module: Option<String>,

    /// A program of the project by its name: one of [[tool.snapfreeze.bin]] or [project.scripts]
    #[arg(long, value_name = "NAME", conflicts_with = "module")]
    pub bin: Vec<String>,

    /// The interpreter to freeze for: a path, a name on PATH, a version, or a virtual environment
    /// [default: $VIRTUAL_ENV, snapfreeze's own environment, .venv beside the entry, python3]
    #[arg(long, value_name = "PYTHON")]
    python: Option<PathBuf>,

    /// Optimisation level of the bytecode, as python's -O and -OO
    #[arg(long, value_name = "LEVEL", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=2))]
    optimize: u8,

    /// Let the executable be python as well: argv, when its command line begins with an option of python's; env,
    /// under SNAPFREEZE_INTERPRETER=1
    #[arg(long, value_name = "WHEN", value_enum, hide_possible_values = true)]
    interpreter: Option<InterpreterOption>,

    /// What counts more, a quick start or a small file
    #[arg(long, value_name = "HOW", value_enum, default_value_t, hide_possible_values = true)]
    compress: CompressOption,

    /// Load CPython from memory at each start instead of making it part of the executable
    #[arg(long)]
    no_fuse: bool,

    /// Take native files with their symbol tables and debug information
    #[arg(long)]
    no_strip: bool,

    /// Let the garbage collector run as ever while modules are imported, which takes longer
    #[arg(long)]
    gc_during_imports: bool,

    /// Threads and processes to use at a time [default: all cores]
    #[arg(short, long, value_name = "N", value_parser = parse_jobs)]
    jobs: Option<usize>,

    /// Run the program with these arguments, in one text as for a shell, and include what it imports and reads
    #[arg(long, value_name = "-- ARGS", allow_hyphen_values = true, value_parser = parse_trace())]
    trace: Vec<TraceArguments>,

    /// Take the project's options from this file [default: the nearest pyproject.toml]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Take no options from pyproject.toml
    #[arg(long, conflicts_with_all = ["config", "bin"])]
    pub no_config: bool,

    /// The file that options of the project were taken from.
    #[arg(skip)]
    pub configuration: Option<PathBuf>,

    /// The program, where it is one of the project's.
    #[arg(skip)]
    pub project: Option<OfProject>,

    #[command(flatten)]
    modules: ModuleArguments,

    #[command(flatten)]
    contents: ContentArguments,
}

/// A program of the project.
#[derive(Debug, Clone)]
pub struct OfProject {
    /// What it runs.
    pub entry: Entry,
    /// Its name, and that of its file.
    pub name: String,
    /// The project's directory: programs go to `dist` in it.
    pub directory: PathBuf,
}

fn parse_trace() -> impl TypedValueParser<Value = TraceArguments> {
    OsStringValueParser::new().try_map(|text| TraceArguments::parse(&text))
}

fn parse_jobs(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(jobs) if (1..=1024).contains(&jobs) => Ok(jobs),
        _ => Err("a number from 1 to 1024 is expected".into()),
    }
}

impl ProgramArguments {
    /// The build that they ask for.
    ///
    /// # Errors
    /// When the entry is none.
    pub fn into_request(self) -> Result<BuildRequest, Error> {
        let mut request = match (self.project, &self.entry, &self.module) {
            (Some(OfProject { entry, name, directory }), ..) => {
                let mut request = BuildRequest::new(entry);
                // Told as it would be written here, where that is short.
                let is_here = std::env::current_dir().is_ok_and(|here| here == directory);
                let place = if is_here { PathBuf::from("dist") } else { directory.join("dist") };
                request.output = place.join(name);
                request
            }
            (None, _, Some(module)) => BuildRequest::new(Entry::from_module(module)?),
            (None, Some(entry), None) => BuildRequest::new(Entry::from_argument(entry)?),
            (None, None, None) => BuildRequest::new(Entry::from_argument("".as_ref())?),
        };
        request.python = self.python;
        request.optimize = self.optimize;
        request.interpreter = self.interpreter.unwrap_or_default();
        request.compress = self.compress;
        request.fuse = !self.no_fuse;
        request.strip = !self.no_strip;
        request.collects_during_imports = self.gc_during_imports;
        request.jobs = self.jobs.unwrap_or(request.jobs);
        request.traces = self.trace;
        self.modules.apply(&mut request);
        self.contents.apply(&mut request);
        Ok(request)
    }
}
