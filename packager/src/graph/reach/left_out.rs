//! What still waits when nothing new turns up: it is left out, with who asks for it.

use std::collections::BTreeMap;

use super::{Waiting, WaitingName};
use crate::graph::build::Builder;
use crate::graph::distributions::Owners;
use crate::graph::follow::rule_of;
use crate::graph::imports::Request;
use crate::graph::{LeaveReason, LeftEdge, LeftOut};

impl Builder<'_> {
    /// What still waits is left out.
    pub(in crate::graph) fn note_left_out(&mut self) {
        let mut asked: BTreeMap<String, (Owners, Vec<LeftEdge>)> = BTreeMap::new();
        for (from, waiting) in &self.reach.imports {
            for Waiting { edge, owners, .. } in waiting {
                let left = LeftEdge { from: from.clone(), line: edge.line, rule: rule_of(edge) };
                let to = self.missing_name(&edge.request);
                asked.entry(to).or_insert_with(|| (owners.clone(), Vec::new())).1.push(left);
            }
        }
        for (from, names) in &self.reach.named {
            for (to, WaitingName { owners, rule, line }) in names {
                let left = LeftEdge { from: from.clone(), line: *line, rule: *rule };
                asked.entry(to.clone()).or_insert_with(|| (owners.clone(), Vec::new())).1.push(left);
            }
        }
        let all = self.distributions();
        for (name, (owners, mut edges)) in asked {
            let first = owners.first().and_then(|number| all.get(*number));
            let Some(distribution) = first.map(|distribution| distribution.name.clone()) else { continue };
            edges.sort();
            edges.dedup();
            let left = LeftOut { reason: LeaveReason::Optional { distribution }, edges };
            // What an option excludes is left out for that.
            self.graph.left_out.entry(name).or_insert(left);
        }
    }

    /// The module that an import asks for; of `from namespace import a` it is `namespace.a`.
    fn missing_name(&self, request: &Request) -> String {
        match request {
            Request::From { module, names } if self.distributions().is_namespace(module) => {
                names.first().map_or_else(|| module.clone(), |name| format!("{module}.{name}"))
            }
            _ => request.module().to_owned(),
        }
    }
}
