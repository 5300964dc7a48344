//! Which imports are alternatives of each other: `try: import a`, `except ImportError: import b`.

use std::collections::BTreeMap;

use crate::graph::imports::ImportEdge;

/// How many lines there are at most from one import of a `try` to the next: else they stand in different ones.
const MOST_LINES: u32 = 2;

/// By the number of an edge, the modules of the alternatives that a handler imports without a `try` of its own; of such an
/// alternative, what is tried before it. Edges are in source order.
pub(super) fn alternatives(edges: &[ImportEdge]) -> BTreeMap<usize, Vec<String>> {
    let mut all: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    let is_tried = |edge: &ImportEdge| edge.kind.optional && !edge.kind.fallback;
    for (number, edge) in edges.iter().enumerate() {
        if !edge.kind.fallback || edge.kind.optional {
            continue;
        }
        let before = edges[..number].iter().enumerate().rev().skip_while(|(_, edge)| edge.kind.fallback);
        let mut next = None;
        for (at, tried) in before.take_while(|(_, tried)| is_tried(tried)) {
            if next.is_some_and(|next: u32| next.saturating_sub(tried.line) > MOST_LINES) {
                break;
            }
            next = Some(tried.line);
            all.entry(at).or_default().push(edge.request.module().to_owned());
            all.entry(number).or_default().push(tried.request.module().to_owned());
        }
    }
    all
}
