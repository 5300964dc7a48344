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
use crate::ops::why::WhyError;
use crate::probe::ProbeError;
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
    Inspect(#[from] InspectError),
    #[error(transparent)]
    Extract(#[from] ExtractError),
    #[error("cannot write {path}: {source}", path = path.display())]
    Document { path: std::path::PathBuf, source: std::io::Error },
    #[error("cannot write the document: {0}")]
    Json(serde_json::Error),
    #[error(transparent)]
    Cache(#[from] TidyError),
    #[error(transparent)]
    Man(#[from] ManError),
    #[error("a build would fail here: {0} of the checks did")]
    Doctor(usize),
    #[error("cannot run {program}: {source}", program = program.display())]
    Run { program: std::path::PathBuf, source: std::io::Error },
    #[error("there is no place for the executable: {0}")]
    NoPlace(std::io::Error),
}

impl Error {
    /// What to do about it, apart from the message.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Config(error) => error.hint(),
            Self::Entry(error) => error.hint(),
            Self::Probe(error) => error.hint(),
            Self::Fuse(ProgramError::OnlyFused(_)) => {
                Some("leave out --no-fuse, or name another interpreter with --python".into())
            }
            Self::Fuse(ProgramError::Fuse { .. }) => Some("name another interpreter with --python".into()),
            Self::Graph(GraphError::NoModule { .. }) => {
                Some("install it there, or name another interpreter with --python".into())
            }
            Self::Graph(GraphError::Excluded { .. } | GraphError::ExcludedStart { .. }) => {
                Some("exclude less: a module below it, or nothing".into())
            }
            Self::Graph(GraphError::NoMain { .. }) => {
                Some("name a function to run: `module:function`".into())
            }
            Self::Data(DataError::NoDistribution { .. }) => {
                Some("install it there, or name another interpreter with --python".into())
            }
            Self::Data(DataError::NoPackage { .. }) => Some("include it with --hidden-import".into()),
            Self::Collect(error) => Some(error.hint().to_owned()),
            Self::Attach(error) => hint_for_output(error),
            Self::Why(error) => error.hint(),
            Self::Inspect(error) => error.hint(),
            Self::Extract(error) => error.hint(),
            Self::Document { .. } => Some("name an output elsewhere with -o".into()),
            Self::Cache(error) => error.hint(),
            Self::NoPlace(_) => Some("set SNAPFREEZE_CACHE_DIR to a directory that can be written to".into()),
            _ => None,
        }
    }
}

fn hint_for_output(error: &AttachError) -> Option<String> {
    let io = match error {
        AttachError::IsDirectory(_)
        | AttachError::IsSpecial(_)
        | AttachError::IsInput(_)
        | AttachError::IsOther(_) => {
            return Some("name another output with -o".into());
        }
        AttachError::Directory { source, .. } | AttachError::Write { source, .. } => source,
        AttachError::Archive(ArchiveWriteError::Compress(source)) => source,
        _ => return None,
    };
    match io.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            Some("the disk is full: free some space, or name an output elsewhere with -o".into())
        }
        std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
            Some("name an output elsewhere with -o".into())
        }
        _ => None,
    }
}
