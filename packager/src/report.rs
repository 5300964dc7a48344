//! What a build tells about its result.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::collect::files::Reason;
use crate::ops::prepare::Phases;
use crate::plan::{Plan, PlannedContent};

/// The result of a build.
#[derive(Debug, Clone)]
pub struct Report {
    /// The executable.
    pub output: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// How long the build took.
    pub took: Duration,
    /// How long each of its phases took.
    pub phases: Phases,
    /// What is in it.
    pub plan: Plan,
    /// What the user should know.
    pub warnings: Vec<String>,
    /// What was done differently than might be expected.
    pub notes: Vec<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_extension = |content: &PlannedContent| matches!(content, PlannedContent::Extension { .. });
        let extensions = self.plan.modules.iter().filter(|module| is_extension(&module.content)).count();
        let files = self.plan.files.iter().filter(|file| file.reason != Reason::Module).count();
        write!(
            formatter,
            "{}: {}, CPython {}, {} modules, {extensions} extension modules, {} libraries, {files} data files, {:.2} s",
            self.output.display(),
            Megabytes(self.size),
            self.plan.target.version,
            self.plan.modules.len() - extensions,
            self.plan.libraries.len(),
            self.took.as_secs_f64(),
        )
    }
}

/// A size in bytes, for people: decimal megabytes.
struct Megabytes(u64);

impl fmt::Display for Megabytes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:.1} MB", self.0 as f64 / 1e6)
    }
}
