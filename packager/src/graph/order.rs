//! The order in which a start is likely to import the modules.
//!
//! Modules that are wanted one after the other share blocks of the archive, so a start decompresses little more
//! than it needs. The order follows the import statements as Python would run them: what a module imports eagerly
//! comes right after it. What functions of these modules import follows, each with what it imports eagerly, then all the
//! rest in the order of names. Where the program was traced, the order of that run goes first.

use std::collections::BTreeSet;

use super::options::RUNTIME_HOOK;
use super::{Edge, ModuleGraph, Rule};

/// What CPython imports before the program's first line, in order.
const STARTUP: [&str; 6] =
    ["encodings", "encodings.aliases", "encodings.utf_8", "codecs", "io", "_sitebuiltins"];

/// All modules of the graph, likely first ones first. The second part of each pair says whether a start is expected
/// to import it.
///
/// `observed` are the modules that traced runs imported, in order.
pub fn predicted<'a>(
    graph: &ModuleGraph,
    entry: &str,
    observed: impl IntoIterator<Item = &'a str>,
) -> Vec<(String, bool)> {
    let mut walk =
        Walk { graph, seen: BTreeSet::new(), listed: BTreeSet::new(), order: Vec::new(), expects: true };
    for name in STARTUP {
        walk.visit(name);
    }
    let mut observed = observed.into_iter().peekable();
    if observed.peek().is_some() {
        walk.list(entry);
    }
    observed.for_each(|name| walk.list(name));
    for name in graph.modules.keys().filter(|name| name.starts_with(RUNTIME_HOOK)) {
        walk.visit(name);
    }
    walk.visit(entry);
    walk.visit_later();
    let Walk { listed, mut order, .. } = walk;
    order.extend(
        graph.modules.keys().filter(|name| !listed.contains(name.as_str())).map(|name| (name.clone(), false)),
    );
    order
}

struct Walk<'a> {
    graph: &'a ModuleGraph,
    /// Whose imports were followed.
    seen: BTreeSet<&'a str>,
    listed: BTreeSet<&'a str>,
    order: Vec<(String, bool)>,
    /// Whether a start is expected to import what is listed now.
    expects: bool,
}

/// What is left to do, on a stack of the walk's own: import chains may be long.
enum Step<'a> {
    Enter(&'a str),
    /// The rest of a module's eager edges.
    Edges(std::vec::IntoIter<&'a Edge>),
}

impl<'a> Walk<'a> {
    /// One module, without what it imports.
    fn list(&mut self, name: &str) {
        if let Some((name, _)) = self.graph.modules.get_key_value(name)
            && self.listed.insert(name)
        {
            self.order.push((name.clone(), self.expects));
        }
    }

    /// What functions of the expected modules import: likely to be wanted together, if it is.
    fn visit_later(&mut self) {
        self.expects = false;
        for at in 0..self.order.len() {
            let Some((name, _)) = self.order.get(at) else { break };
            let Some(module) = self.graph.modules.get(name) else { continue };
            for edge in in_order(&module.edges, |rule| rule == Rule::Deferred) {
                self.visit(&edge.to);
            }
        }
    }

    /// Depth first, as nested imports run.
    fn visit(&mut self, name: &'a str) {
        let mut stack = Vec::new();
        push_with_parents(name, &mut stack);
        while let Some(step) = stack.pop() {
            match step {
                Step::Enter(name) => {
                    if let Some(module) = self.graph.modules.get(name)
                        && self.seen.insert(name)
                    {
                        self.list(name);
                        stack.push(Step::Edges(in_order(&module.edges, Rule::is_eager)));
                    }
                }
                Step::Edges(mut edges) => {
                    if let Some(edge) = edges.next() {
                        stack.push(Step::Edges(edges));
                        push_with_parents(&edge.to, &mut stack);
                    }
                }
            }
        }
    }
}

/// The edges of some rules in the order of their lines. The graph has those first that it followed first: imports of other
/// distributions it follows once all is known that asks for them.
fn in_order(edges: &[Edge], is_wanted: impl Fn(Rule) -> bool) -> std::vec::IntoIter<&Edge> {
    let mut wanted: Vec<&Edge> = edges.iter().filter(|edge| is_wanted(edge.rule)).collect();
    wanted.sort_by_key(|edge| edge.line);
    wanted.into_iter()
}

/// Parents are imported before their submodules, so they go on top.
fn push_with_parents<'a>(name: &'a str, stack: &mut Vec<Step<'a>>) {
    stack.push(Step::Enter(name));
    stack.extend(name.rmatch_indices('.').map(|(at, _)| Step::Enter(&name[..at])));
}

#[cfg(test)]
mod tests {
    use super::super::{Module, ModuleKind, Origin};
    use super::*;

    #[test]
    fn follows_imports_depth_first_and_puts_the_rest_last() {
        let mut graph = ModuleGraph::default();
        for (name, edges) in [
            ("__main__", vec![("a.b", Rule::Import), ("z", Rule::Deferred), ("c", Rule::Import)]),
            ("a", vec![("d", Rule::Import)]),
            ("a.b", vec![("a", Rule::Import)]),
            ("b", vec![]),
            ("c", vec![]),
            ("d", vec![("a.b", Rule::Import)]),
            ("z", vec![]),
        ] {
            let edge = |(line, (to, rule)): (usize, (&str, Rule))| Edge {
                to: to.into(),
                rule,
                line: line as u32 + 1,
                text: None,
            };
            // The last line comes first.
            let mut edges: Vec<Edge> = edges.into_iter().enumerate().map(edge).collect();
            edges.reverse();
            let (kind, origin) = (ModuleKind::Builtin, Origin::Own);
            let module =
                Module { kind, origin, file: String::new(), is_package: false, directories: vec![], edges };
            graph.modules.insert(name.into(), module);
        }
        let order = predicted(&graph, "__main__", []);
        let names: Vec<&str> = order.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["__main__", "a", "d", "a.b", "c", "z", "b"]);
        assert_eq!(order.iter().filter(|(_, eager)| *eager).count(), 5);

        let order = predicted(&graph, "__main__", ["z", "unknown", "a", "c"]);
        let names: Vec<&str> = order.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["__main__", "z", "a", "c", "d", "a.b", "b"]);
        assert_eq!(order.iter().filter(|(_, eager)| *eager).count(), 6);
    }
}
