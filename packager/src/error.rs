//! Why a command failed: the errors of all phases, with what to do about them.

use crate::archive::ArchiveWriteError;
use crate::attach::AttachError;
use crate::cache::tidy::TidyError;
use crate::cli::ManError;
use crate::collect::data::DataError;
use crate::collect::native::NativeError;
use crate::compile::CompileError;
use crate::config::ConfigError;
use crate::entry::EntryError;
use crate::fuse::program::ProgramError;
use crate::graph::build::GraphError;
use crate::inspect::InspectError;
use crate::inspect::extract::ExtractError;
use crate::ops::init::InitError;
use crate::ops::report::ReportError;
use crate::ops::why::WhyError;
use crate::probe::ProbeError;
use crate::pyinstaller::options::UnservedOption;
use crate::pyinstaller::spec::SpecError;
use crate::trace::TraceError;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "one variant a phase, named after it")]
pub enum Error {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Entry(#[from] EntryError),
    #[error(transparent)]
    Probe(#[from] ProbeError),
    #[error(transparent)]
    Fuse(#[from] ProgramError),
    #[error(transparent)]
    Trace(#[from] TraceError),
    #[error(transparent)]
    Graph(#[from] GraphError),
    #[error(transparent)]
    Collect(#[from] NativeError),
    #[error(transparent)]
    Data(#[from] DataError),
    #[error(transparent)]
    Compile(#[from] CompileError),
    #[error(transparent)]
    Attach(#[from] AttachError),
    #[error(transparent)]
    Why(#[from] WhyError),
    #[error(transparent)]
    Report(#[from] ReportError),
    #[error(transparent)]
    Inspect(#[from] InspectError),
    #[error(transparent)]
    Extract(#[from] ExtractError),
    #[error("cannot write {path}: {source}", path = path.display())]
    Document { path: std::path::PathBuf, source: std::io::Error },
    #[error("cannot write all of the output: {0}")]
    Stdout(std::io::Error),
    #[error("cannot write the document: {0}")]
    Json(serde_json::Error),
    #[error(transparent)]
    Cache(#[from] TidyError),
    #[error(transparent)]
    Man(#[from] ManError),
    #[error("a build would fail here: {0} of the checks did")]
    Doctor(usize),
    #[error(transparent)]
    Unserved(#[from] UnservedOption),
    #[error(transparent)]
    Spec(#[from] SpecError),
    #[error(transparent)]
    Init(#[from] InitError),
    #[error("cannot run {program}: {source}", program = program.display())]
    Run { program: std::path::PathBuf, source: std::io::Error },
    #[error("{name}: {source}")]
    Program { name: String, source: Box<Error> },
    #[error("{} would be the file of two programs", .0.display())]
    SamePlace(std::path::PathBuf),
    #[error("there is no place for the executable: {0}")]
    NoPlace(std::io::Error),
}

impl Error {
    /// What to do about it, apart from the message. Only a syntax error has none: it shows the place.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Config(error) => return error.hint(),
            Self::Init(error) => return error.hint(),
            Self::Program { source, .. } => return source.hint(),
            Self::SamePlace(_) => "give one of them another `output` or `name`",
            Self::Entry(error) => return error.hint(),
            Self::Probe(error) => return error.hint(),
            Self::Spec(error) => return error.hint(),
            Self::Why(error) => return error.hint(),
            Self::Report(error) => return error.hint(),
            Self::Inspect(error) => return error.hint(),
            Self::Extract(error) => return error.hint(),
            Self::Cache(error) => return error.hint(),
            Self::Document { .. } => "name an output elsewhere with -o",
            Self::Stdout(_) => "the output is incomplete: write it to a place that has room",
            Self::Man(_) => "name a directory that can be written to",
            Self::Doctor(_) => "mend what `snapfreeze doctor` marks, from the top",
            Self::Json(_) => ANEW,
            Self::Graph(error) => return Some(error.hint()),
            Self::Attach(error) => return Some(hint_for_output(error).to_owned()),
            Self::Collect(error) => error.hint(),
            Self::Unserved(error) => error.hint,
            Self::Fuse(ProgramError::OnlyFused(_)) => {
                "leave out --no-fuse, or name another interpreter with --python"
            }
            Self::Fuse(ProgramError::Stub(_)) => ANEW,
            Self::Fuse(ProgramError::Fuse { .. } | ProgramError::Read { .. }) => OTHER_PYTHON,
            Self::Trace(TraceError::Record(_)) => "set TMPDIR to a directory that can be written to",
            Self::Trace(TraceError::Start { .. }) => OTHER_PYTHON,
            Self::Data(error) => error.hint(),
            Self::Compile(CompileError::Syntax { .. }) => return None,
            Self::Compile(CompileError::Failed { .. }) => "see whether python can import it",
            Self::Compile(CompileError::Workers(_) | CompileError::Marshal { .. }) => OTHER_PYTHON,
            Self::Run { .. } => {
                "build it with `snapfreeze build`, and start it from a place that allows execution"
            }
            Self::NoPlace(_) => "set SNAPFREEZE_CACHE_DIR to a directory that can be written to",
        };
        Some(text.to_owned())
    }
}

/// For what may be a fault of the interpreter.
const OTHER_PYTHON: &str = "name another interpreter with --python";

/// For what is a fault of this program's file.
const ANEW: &str = "install snapfreeze anew";

fn hint_for_output(error: &AttachError) -> &'static str {
    let io = match error {
        AttachError::IsDirectory(_)
        | AttachError::IsSpecial(_)
        | AttachError::IsInput(_)
        | AttachError::IsOther(_) => return "name another output with -o",
        AttachError::NoSlot => return ANEW,
        AttachError::Archive(ArchiveWriteError::Read { .. }) => {
            return "the file was there when the build began: build again";
        }
        AttachError::Directory { source, .. }
        | AttachError::Write { source, .. }
        | AttachError::Archive(ArchiveWriteError::Compress(source)) => source,
        AttachError::Archive(_) => return "leave out what is largest with --exclude-module",
    };
    match io.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            "the disk is full: free some space, or name an output elsewhere with -o"
        }
        _ => "name an output elsewhere with -o",
    }
}
