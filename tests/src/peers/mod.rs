//! The comparison with other tools: one program frozen by each, all of them started in turns.
//!
//! In order: [`machine`] describes where it is measured; [`tools`] are what is compared and [`workloads`] the programs;
//! [`builds`] makes an executable by each tool, or takes a kept one; [`starts`] runs them, interleaved, by
//! [`process`], and [`written`] looks at what they write; [`record`] is what was found, as it is kept; [`page`] writes it
//! for people, with the aims of [`limits`] and a [`picture`].
//!
//! A tool that fails is a row that says so. Nothing here judges: a number is printed as it was measured.

pub mod builds;
pub mod limits;
pub mod machine;
pub mod page;
pub mod picture;
pub mod process;
pub mod record;
pub mod starts;
pub mod tools;
pub mod workloads;
pub mod written;

use std::path::PathBuf;

/// Why a comparison cannot be made. What fails of one tool alone is part of the record instead.
#[derive(Debug, thiserror::Error)]
pub enum PeersError {
    /// A file or folder.
    #[error("{path}: {error}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// A program that everything else is measured against.
    #[error("{what}: {error}")]
    Run {
        /// What was to be done.
        what: String,
        /// How it ended.
        error: process::RunError,
    },
    /// The environment of the programs or of a tool.
    #[error("the environment of {tool} cannot be made: {error}")]
    Environment {
        /// Whose.
        tool: &'static str,
        /// What pip says.
        error: String,
    },
    /// A record of another version of this program.
    #[error("{path}: {error}")]
    Record {
        /// Where.
        path: PathBuf,
        /// What is wrong with it.
        error: serde_json::Error,
    },
    /// Records that do not belong together.
    #[error("{0} cannot be merged: it was measured elsewhere, on {1}")]
    OtherMachine(PathBuf, String),
}

/// The error of a file or folder.
pub(crate) fn file_error(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> PeersError {
    let path = path.into();
    move |error| PeersError::File { path, error }
}
