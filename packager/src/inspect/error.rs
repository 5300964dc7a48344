//! Why nothing can be said of an executable.

use std::io;
use std::path::PathBuf;

use snapfreeze_runtime::archive::ArchiveError;

use crate::why::document::DocumentError;

/// Why nothing can be said of an executable.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// It, or a file beside it, cannot be read.
    #[error("cannot read {path}: {source}", path = path.display())]
    Read {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is something else.
    #[error("{path} was not built by snapfreeze: it seems to be {seems}", path = path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it seems to be, with an article.
        seems: String,
    },
    /// Its archive is gone, or was never there.
    #[error("{path}: {what}", path = path.display())]
    NoArchive {
        /// The executable.
        path: PathBuf,
        /// What is there instead.
        what: &'static str,
    },
    /// It is damaged, or of another version.
    #[error("{path}: {source}", path = path.display())]
    Archive {
        /// The executable.
        path: PathBuf,
        /// What is wrong with it.
        source: ArchiveError,
    },
    /// The document in it that says why everything is there cannot be read.
    #[error("{path}: {source}", path = path.display())]
    Document {
        /// The executable.
        path: PathBuf,
        /// What is wrong with it.
        source: DocumentError,
    },
}

impl InspectError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Read { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => None,
            Self::Read { .. } => Some("name an executable, or the directory that --onedir made".into()),
            Self::Foreign { .. } => Some("name an executable that `snapfreeze build` made".into()),
            Self::Archive { source: ArchiveError::Version { .. }, .. } => {
                Some("use the snapfreeze that built it".into())
            }
            Self::Archive { .. } | Self::NoArchive { .. } | Self::Document { .. } => {
                Some("copy it anew from where it was built, or build it again".into())
            }
        }
    }
}
