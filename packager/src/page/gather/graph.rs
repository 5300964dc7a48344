//! The graph of the page: modules and libraries, imports, the ways to everything, what was left out.

use std::collections::{BTreeMap, HashMap};

use super::super::data::{Asker, LeftOut, Library, Native, Page, RuleWords};
use crate::graph::{LeaveReason, Rule};
use crate::inspect::Contents;
use crate::inspect::model::ModuleKind;
use crate::inspect::native::NativeNeeds;
use crate::why::steps::{LastStep, last_steps};
use crate::why::words::of_asker;
use crate::why::{self, Reasons};

/// How many who ask for what was left out are named; of the others there is the number.
const MOST_ASKERS: usize = 100;

/// All rules, the strongest first, in words.
const RULES: &[(Rule, &str)] = &[
    (Rule::Import, "import"),
    (Rule::Call, "import by a call"),
    (Rule::Optional, "import in a try"),
    (Rule::Deferred, "import in a function"),
    (Rule::Observed, "seen when it was loaded"),
    (Rule::Implicit, "when it is used"),
    (Rule::Traced, "seen in a traced run"),
    (Rule::Hook, "by a hook"),
    (Rule::Stub, "import in a type stub"),
    (Rule::String, "named in a string"),
    (Rule::Template, "named by a pattern"),
    (Rule::Below, "looked into"),
    (Rule::EntryPoint, "by an entry point"),
    (Rule::Native, "in a string of its file"),
];

/// What stands for the rule by which a native file needs a library.
const NEEDS: RuleWords = RuleWords { label: "needs it", is_weak: false };

/// Fills in the graph. The parts must be there.
pub fn graph(contents: &Contents, reasons: &Reasons, page: &mut Page) {
    let parts: HashMap<&str, i64> =
        page.parts.path.iter().enumerate().map(|(number, path)| (path.as_str(), number as i64)).collect();
    let part_of = |file: &str| parts.get(file).copied().unwrap_or(-1);
    let numbers: HashMap<&str, usize> =
        contents.modules.iter().enumerate().map(|(number, module)| (module.name.as_str(), number)).collect();

    for module in &contents.modules {
        let part = if module.kind == ModuleKind::Namespace { -1 } else { part_of(&module.file) };
        let distribution = page.parts.distribution.get(usize::try_from(part).unwrap_or(usize::MAX));
        page.modules.name.push(module.name.clone());
        page.modules.file.push(module.file.clone());
        page.modules.distribution.push(distribution.map_or(-1, |number| *number as i64));
        page.modules.part.push(part);
        let edges =
            module.imports.iter().filter_map(|import| Some((numbers.get(import.module.as_str())?, import)));
        let before = page.edges.to.len();
        for (to, import) in edges {
            page.edges.to.push(*to);
            page.edges.rule.push(RULES.iter().position(|(rule, _)| *rule == import.rule).unwrap_or_default());
            page.edges.line.push(import.line);
        }
        page.edges.count.push(page.edges.to.len() - before);
    }
    page.rules = RULES
        .iter()
        .map(|(rule, label)| RuleWords { label, is_weak: !rule.is_eager() })
        .chain([NEEDS])
        .collect();
    page.entry = number_of(&numbers, &contents.program.entry);

    let library_numbers: HashMap<&str, usize> = contents
        .libraries
        .iter()
        .enumerate()
        .map(|(number, library)| (library.name.as_str(), number))
        .collect();
    page.libraries = contents
        .libraries
        .iter()
        .map(|library| Library {
            name: library.name.clone(),
            file: library.file.clone(),
            part: part_of(super::sizes::path_of_library(library)),
            glibc: glibc_of(library.native.as_ref()),
            needs: library
                .needs
                .iter()
                .filter_map(|name| library_numbers.get(name.as_str()).copied())
                .collect(),
            users: library.users.iter().filter_map(|name| numbers.get(name.as_str()).copied()).collect(),
        })
        .collect();
    page.native = native(contents);
    ways(contents, reasons, (&numbers, &library_numbers), page);
    left_out(reasons, &numbers, page);
}

fn number_of(numbers: &HashMap<&str, usize>, name: &str) -> i64 {
    numbers.get(name).map_or(-1, |number| *number as i64)
}

fn glibc_of(needs: Option<&NativeNeeds>) -> String {
    needs.and_then(|needs| needs.glibc.as_ref()).map(ToString::to_string).unwrap_or_default()
}

/// Extension modules and libraries.
fn native(contents: &Contents) -> Vec<Native> {
    let modules =
        contents.modules.iter().enumerate().filter(|(_, module)| module.kind == ModuleKind::Extension);
    let extensions = modules.map(|(node, module)| Native {
        name: module.file.clone(),
        kind: "extension module",
        node: node as i64,
        glibc: glibc_of(module.native.as_ref()),
        size: module.size,
    });
    let libraries = contents.libraries.iter().enumerate().map(|(number, library)| Native {
        name: super::sizes::path_of_library(library).to_owned(),
        kind: if library.is_fused { "CPython, in the executable" } else { "library" },
        node: (contents.modules.len() + number) as i64,
        glibc: glibc_of(library.native.as_ref()),
        size: library.size,
    });
    extensions.chain(libraries).collect()
}

/// The last steps, in the page's numbering instead of the reasons' own.
fn ways(
    contents: &Contents,
    reasons: &Reasons,
    (modules, libraries): (&HashMap<&str, usize>, &HashMap<&str, usize>),
    page: &mut Page,
) {
    let count = contents.modules.len();
    let own_names = reasons.modules.iter().map(|module| modules.get(module.name.as_str()).copied());
    let own_libraries = reasons
        .libraries
        .iter()
        .map(|library| libraries.get(library.name.as_str()).map(|number| count + number));
    let nodes: Vec<Option<usize>> = own_names.chain(own_libraries).collect();
    let all = count + contents.libraries.len();
    page.ways.from = vec![-1; all];
    page.ways.who = vec![String::new(); all];
    page.ways.does = vec![String::new(); all];
    for (node, step) in nodes.iter().zip(last_steps(reasons)) {
        let (Some(node), Some(LastStep { from, who, does })) = (*node, step) else { continue };
        let from = from.and_then(|from| *nodes.get(from)?);
        page.ways.from[node] = from.map_or(-1, |from| from as i64);
        page.ways.who[node] = who;
        page.ways.does[node] = does;
    }
}

/// What was left out, by reason, and what was not found.
fn left_out(reasons: &Reasons, numbers: &HashMap<&str, usize>, page: &mut Page) {
    let asker = |name: &str, asker: &why::Asker| {
        let (who, does) = of_asker(reasons, asker, name);
        Asker { name: name.to_owned(), node: number_of(numbers, &asker.from), who, does }
    };
    let mut by_reason: BTreeMap<&LeaveReason, LeftOut> = BTreeMap::new();
    for (name, left) in &reasons.left_out {
        let entry = by_reason.entry(&left.reason).or_insert_with(|| words_of(&left.reason));
        entry.names.push(name.clone());
        let room = MOST_ASKERS.saturating_sub(entry.askers.len());
        entry.askers.extend(left.askers.iter().take(room).map(|from| asker(name, from)));
        entry.more += left.askers.len().saturating_sub(room);
    }
    page.left_out = by_reason.into_values().collect();
    // Those that most ask for come first: they are missed the most.
    page.left_out.sort_by_key(|left| std::cmp::Reverse(left.askers.len() + left.more));
    page.missing = reasons.missing.iter().map(|(name, from)| asker(name, from)).collect();
}

fn words_of(reason: &LeaveReason) -> LeftOut {
    let (title, reason, what, option, effect) = match reason {
        LeaveReason::Optional { distribution } => (
            distribution,
            "optional",
            "These imports are optional, and nothing that the program requires declares the distribution.",
            format!("--follow-optional {distribution}"),
            "brings it in",
        ),
        LeaveReason::Excluded { name } => {
            (name, "excluded", "It was excluded.", format!("--exclude-module {name}"), "keeps it out")
        }
        LeaveReason::Hook { name } => (
            name,
            "excluded by a hook",
            "A hook excludes it.",
            format!("--hidden-import {name}"),
            "brings it in",
        ),
    };
    LeftOut {
        title: title.clone(),
        reason,
        what,
        option,
        effect,
        names: Vec::new(),
        askers: Vec::new(),
        more: 0,
    }
}
