//! The shortest way from the program to a module or library.
//!
//! A search from the program, breadth first. A reason that is in no module is one step, as an import is. Of ways of one
//! length the one with the strongest weakest rule is taken, then the one whose last rule is stronger, then the first by name.

use std::collections::BTreeMap;

use super::Reasons;
use crate::graph::{Given, Rule};

/// A module or a library, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Node {
    /// A module.
    Module(usize),
    /// A library.
    Library(usize),
}

/// What leads to a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step<'a> {
    /// A reason that is in no module.
    Given(&'a Given),
    /// Python is what runs the program.
    Libpython,
    /// An edge: the importing module, and the edge's place there.
    Edge(usize, usize),
    /// A module that lies in the package.
    Parent(usize),
    /// Something needs the library.
    Needs(Node),
}

/// The best steps found.
#[derive(Debug)]
pub struct Ways<'a> {
    steps: BTreeMap<Node, Step<'a>>,
}

/// How good a step is, the least first: the weakest rule on the way, the step's own, the name of where it starts, its
/// place there.
type Rank<'a> = (u8, u8, &'a str, usize);

/// A package is imported with each of its modules: only an import itself says more.
const OF_PARENT: u8 = 1;

impl<'a> Ways<'a> {
    /// Searches the whole program.
    pub fn of(reasons: &'a Reasons) -> Self {
        let mut steps: BTreeMap<Node, Step<'a>> = BTreeMap::new();
        let mut weakest: BTreeMap<Node, u8> = BTreeMap::new();
        let mut next: BTreeMap<Node, (Rank<'a>, Step<'a>)> = BTreeMap::new();
        // What is given is one step from the program, as what the program imports; the program itself none.
        let given =
            reasons.modules.iter().enumerate().flat_map(|(number, module)| {
                module.given.iter().map(move |given| (Node::Module(number), given))
            });
        let (entry, others): (Vec<_>, Vec<_>) = given.partition(|(_, given)| **given == Given::Entry);
        for (node, given) in entry {
            propose(&mut next, node, (0, 0, "", 0), Step::Given(given));
        }
        let mut given = Some(others);
        loop {
            let level: Vec<(Node, u8)> = next
                .into_iter()
                .map(|(node, ((weak, ..), step))| {
                    steps.insert(node, step);
                    weakest.insert(node, weak);
                    (node, weak)
                })
                .collect();
            next = BTreeMap::new();
            for (node, weak) in &level {
                for (to, own, place, step) in leads(reasons, *node) {
                    if !steps.contains_key(&to) {
                        let rank = (own.max(*weak), own, name(reasons, *node), place);
                        propose(&mut next, to, rank, step);
                    }
                }
            }
            if let Some(given) = given.take() {
                for (node, given) in given {
                    if !steps.contains_key(&node) {
                        let rank = rank_of_given(given);
                        propose(&mut next, node, (rank, rank, "", 0), Step::Given(given));
                    }
                }
                if let Some(last) = reasons.libraries.len().checked_sub(1) {
                    propose(&mut next, Node::Library(last), (0, 0, "", 0), Step::Libpython);
                }
            }
            if next.is_empty() {
                return Self { steps };
            }
        }
    }

    /// The way to a node, from the program on: each step with the node that it leads to. Empty where there is none.
    pub fn to(&self, reasons: &Reasons, node: Node) -> Vec<(Step<'a>, Node)> {
        let mut way = Vec::new();
        let mut at = node;
        let most = reasons.modules.len() + reasons.libraries.len();
        while let Some(step) = self.steps.get(&at).filter(|_| way.len() <= most) {
            way.push((step.clone(), at));
            at = match step {
                Step::Given(_) | Step::Libpython => break,
                Step::Edge(from, _) | Step::Parent(from) => Node::Module(*from),
                Step::Needs(from) => *from,
            };
        }
        way.reverse();
        way
    }
}

fn propose<'a>(next: &mut BTreeMap<Node, (Rank<'a>, Step<'a>)>, node: Node, rank: Rank<'a>, step: Step<'a>) {
    match next.get(&node) {
        Some((known, _)) if *known <= rank => {}
        _ => drop(next.insert(node, (rank, step))),
    }
}

/// Where a node leads: the other node, how strong the rule is, the edge's place, the step.
fn leads<'a>(reasons: &'a Reasons, node: Node) -> Vec<(Node, u8, usize, Step<'a>)> {
    let mut leads = Vec::new();
    match node {
        Node::Module(number) => {
            let Some(module) = reasons.modules.get(number) else { return leads };
            for (place, edge) in module.edges.iter().enumerate() {
                let step = Step::Edge(number, place);
                leads.push((Node::Module(edge.to), rank_of(edge.rule), place, step));
            }
            let packages =
                module.name.match_indices('.').filter_map(|(end, _)| reasons.module(&module.name[..end]));
            leads.extend(packages.map(|package| (Node::Module(package), OF_PARENT, 0, Step::Parent(number))));
            let used =
                reasons.libraries.iter().enumerate().filter(|(_, library)| library.users.contains(&number));
            leads.extend(used.map(|(library, _)| (Node::Library(library), 0, 0, Step::Needs(node))));
        }
        Node::Library(number) => {
            let needs = reasons.libraries.get(number).map(|library| library.needs.as_slice());
            for needed in needs.unwrap_or_default() {
                leads.push((Node::Library(*needed), 0, 0, Step::Needs(node)));
            }
        }
    }
    leads
}

fn name(reasons: &Reasons, node: Node) -> &str {
    match node {
        Node::Module(number) => reasons.modules.get(number).map_or("", |module| module.name.as_str()),
        Node::Library(number) => reasons.libraries.get(number).map_or("", |library| library.name.as_str()),
    }
}

/// The rule's place among the rules, which stand in the order of their strength, with room between.
fn rank_of(rule: Rule) -> u8 {
    2 * rule as u8
}

/// What an option says is as strong as an import; the rest goes behind imports that run.
fn rank_of_given(given: &Given) -> u8 {
    match given {
        Given::Entry | Given::Option(_) => rank_of(Rule::Import),
        Given::Start | Given::Children | Given::Interpreter => rank_of(Rule::Implicit),
        Given::Traced => rank_of(Rule::Traced),
        Given::Hook(_) => rank_of(Rule::Hook),
    }
}
