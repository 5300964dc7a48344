//! What a build tells about its result.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::collect::files::Reason;
use crate::graph::{LeaveReason, LeftEdge, ModuleGraph};
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
    /// Distributions that are installed and were left out as optional.
    pub left_out: BTreeMap<String, Vec<NotFollowed>>,
}

/// An import that was not followed, for it is optional and nothing declares the distribution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotFollowed {
    /// The module that it asks for.
    pub name: String,
    /// Who asks.
    pub edge: LeftEdge,
}

/// How many distributions the report names at most.
const MOST_NAMES: usize = 10;

/// What was left out as optional, by distribution.
pub fn left_out(graph: &ModuleGraph) -> BTreeMap<String, Vec<NotFollowed>> {
    let mut by_distribution: BTreeMap<String, Vec<NotFollowed>> = BTreeMap::new();
    for (name, left) in &graph.left_out {
        if let LeaveReason::Optional { distribution } = &left.reason {
            let edges = left.edges.iter().map(|edge| NotFollowed { name: name.clone(), edge: edge.clone() });
            by_distribution.entry(distribution.clone()).or_default().extend(edges);
        }
    }
    by_distribution
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
        )?;
        if self.left_out.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = self.left_out.keys().take(MOST_NAMES).map(String::as_str).collect();
        write!(formatter, "\nleft out: {}", names.join(", "))?;
        if let Some(more @ 1..) = self.left_out.len().checked_sub(MOST_NAMES) {
            write!(formatter, " and {more} more")?;
        }
        formatter.write_str(" (optional; --follow-optional NAME brings one in)")
    }
}

/// A size in bytes, for people: decimal megabytes.
struct Megabytes(u64);

impl fmt::Display for Megabytes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:.1} MB", self.0 as f64 / 1e6)
    }
}
