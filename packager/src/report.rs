//! What a build tells about its result.

pub mod document;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::graph::{LeaveReason, LeftEdge, ModuleGraph};
use crate::inspect::portability::Portability;
use crate::ops::prepare::Phases;
use crate::plan::Plan;

/// The result of a build.
#[derive(Debug, Clone)]
pub struct Report {
    /// The executable.
    pub output: PathBuf,
    /// The interpreter that it was built for.
    pub python: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// How long the build took.
    pub took: Duration,
    /// How long each of its stages took.
    pub phases: Phases,
    /// What is in it.
    pub plan: Plan,
    /// What it asks of the system that it runs on.
    pub portability: Portability,
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
