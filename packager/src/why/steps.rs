//! The ways to everything at once, for who draws them: the last step of each, in the words of `snapfreeze why`.

use super::Reasons;
use super::chain::{Node, Ways};
use super::words::of_step;

/// The last step of the way that leads to a module or library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastStep {
    /// What the way led to before; none where this is its first step. A module has its own number, a library the count of
    /// modules added to it.
    pub from: Option<usize>,
    /// Who.
    pub who: String,
    /// What it does.
    pub does: String,
}

/// For each module, then for each library, the last step of the way to it; none where no way leads there.
pub fn last_steps(reasons: &Reasons) -> Vec<Option<LastStep>> {
    let ways = Ways::of(reasons);
    let modules = reasons.modules.len();
    let number = |node: Node| match node {
        Node::Module(number) => number,
        Node::Library(number) => modules + number,
    };
    let nodes = (0..modules).map(Node::Module).chain((0..reasons.libraries.len()).map(Node::Library));
    nodes
        .map(|node| {
            let way = ways.to(reasons, node);
            let (step, to) = way.last()?;
            let (who, does) = of_step(reasons, step, *to);
            let from = way.iter().rev().nth(1).map(|(_, before)| number(*before));
            Some(LastStep { from, who, does })
        })
        .collect()
}
