//! The answer to `snapfreeze why`: for a module, a file, a library, or what is not there.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::chain::{Node, Step, Ways};
use super::words::{Line, Plain, columns, name, of_asker, of_step};
use super::{ReasonedLibrary, Reasons};
use crate::graph::requirements::normalized;
use crate::graph::{Given, LeaveReason};

/// How many imports that were not followed are shown, unless all are asked for.
const MOST_ASKERS: usize = 10;

/// How many similar names are shown.
const MOST_SIMILAR: usize = 3;

/// How alike names must be to be shown (Jaro-Winkler, 0 to 1).
const ALIKE: f64 = 0.85;

/// A name that is nothing of the program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("nothing in the program asks for {}, nor is it a file or library of it", Plain(name))]
pub struct UnknownName {
    /// The name.
    pub name: String,
    /// Names that are like it.
    pub similar: Vec<String>,
}

/// The question.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// A module, a file in the tree, a library.
    pub name: &'a str,
    /// Whether all imports that were not followed are shown.
    pub all: bool,
}

/// Answers, in lines.
///
/// # Errors
/// When the name is unknown.
pub fn answer(reasons: &Reasons, question: &Question) -> Result<String, UnknownName> {
    let name = question.name;
    let ways = Ways::of(reasons);
    let answer = Answer { reasons, ways: &ways, all: question.all };
    // `./data.txt` is what a shell completes, `app/_internal/data.txt` what a traceback shows.
    let found = answer.for_name(name).or_else(|| answer.for_name(name.strip_prefix("./")?));
    let found = found.or_else(|| answer.for_name(name.split_once("_internal/")?.1));
    found.ok_or_else(|| UnknownName { name: name.to_owned(), similar: similar(reasons, name) })
}

/// Modules and libraries to which no way leads: none, unless a rule does not say what it does.
pub fn unexplained(reasons: &Reasons) -> Vec<&str> {
    let ways = Ways::of(reasons);
    let is_data = |library: &ReasonedLibrary| reasons.files.contains_key(&library.file);
    let libraries = reasons.libraries.iter().enumerate().filter(|(_, library)| !is_data(library));
    let modules = (0..reasons.modules.len()).map(Node::Module);
    let nodes = modules.chain(libraries.map(|(number, _)| Node::Library(number)));
    nodes.filter(|node| ways.to(reasons, *node).is_empty()).map(|node| name(reasons, node)).collect()
}

struct Answer<'a> {
    reasons: &'a Reasons,
    ways: &'a Ways<'a>,
    all: bool,
}

impl Answer<'_> {
    fn for_name(&self, name: &str) -> Option<String> {
        let found = self.for_module(name).or_else(|| self.for_file(name)).or_else(|| self.for_library(name));
        let found = found.or_else(|| self.for_left_out(name)).or_else(|| self.for_missing(name));
        found.or_else(|| self.for_distribution(name))
    }

    fn for_module(&self, name: &str) -> Option<String> {
        let number = self.reasons.module(name)?;
        Some(format!("{} is in the program:\n{}", Plain(name), self.way(Node::Module(number))))
    }

    /// A module's file, a library's, or a file that is data.
    fn for_file(&self, path: &str) -> Option<String> {
        let reasons = self.reasons;
        let shown = Plain(path);
        let modules = &reasons.modules;
        if let Some(number) = modules.iter().position(|module| module.file == path && !path.is_empty()) {
            let name = Plain(&modules[number].name);
            let way = self.way(Node::Module(number));
            return Some(format!("{shown} is in the program: the module {name}\n{way}"));
        }
        if let Some(reason) = reasons.files.get(path) {
            let (what, owner) = self.of_data(path, reason);
            let way = owner.map(|owner| self.way(Node::Module(owner))).unwrap_or_default();
            return Some(format!("{shown} is in the program: {what}\n{way}"));
        }
        None
    }

    /// What a data file is, and the module whose way tells why it is there.
    fn of_data(&self, path: &str, reason: &str) -> (String, Option<usize>) {
        let reasons = self.reasons;
        let package = path.match_indices('/').rev().find_map(|(end, _)| {
            let number = reasons.module(&path[..end].replace('/', "."))?;
            Some((reasons.modules.get(number)?.name.as_str(), number))
        });
        let owner = path.split('/').next().and_then(|directory| reasons.metadata.get(directory));
        match (reason, owner, package) {
            ("distribution", Some(owner), _) => {
                (format!("metadata of the distribution that has {}", Plain(owner)), reasons.module(owner))
            }
            ("distribution", None, _) => {
                ("metadata of a distribution that is asked for by its name".into(), None)
            }
            ("package", _, Some((package, number))) => {
                (format!("data of the package {}", Plain(package)), Some(number))
            }
            ("package", _, None) => ("data beside the program".into(), None),
            ("option", ..) => ("an option adds it".into(), None),
            ("hook", ..) => ("a hook adds it".into(), None),
            (other, _, package) => (format!("{}", Plain(other)), package.map(|(_, number)| number)),
        }
    }

    fn for_library(&self, name: &str) -> Option<String> {
        let libraries = &self.reasons.libraries;
        let by = |is_it: &dyn Fn(&str, &str) -> bool| {
            libraries.iter().position(|library| is_it(&library.name, &library.file))
        };
        let last = |path: &str| path.rsplit('/').next() == Some(name);
        let number = by(&|own, file| own == name || !file.is_empty() && file == name)
            .or_else(|| by(&|own, file| last(own) || last(file)))?;
        let file = &libraries[number].file;
        let way = self.way(Node::Library(number));
        if !way.is_empty() {
            let place = if file.is_empty() { String::new() } else { format!(", {}", Plain(file)) };
            return Some(format!("{} is in the program: a library{place}\n{way}", Plain(name)));
        }
        // Nothing needs it: it is data that the program may open.
        let reason = self.reasons.files.get(file).map_or("package", String::as_str);
        let (what, owner) = self.of_data(file, reason);
        let way = owner.map(|owner| self.way(Node::Module(owner))).unwrap_or_default();
        Some(format!("{} is in the program: a library, {what}\n{way}", Plain(name)))
    }

    /// What was left out: this name, one above it, or some below it.
    fn for_left_out(&self, name: &str) -> Option<String> {
        let left_out = &self.reasons.left_out;
        let names = concerning(left_out.keys(), name);
        let reasons: BTreeSet<&LeaveReason> = names.iter().map(|name| &left_out[*name].reason).collect();
        let mut text = String::new();
        for reason in reasons {
            let (what, how) = of_reason(reason);
            let _ = writeln!(text, "{} is not in the program: {what}", Plain(name));
            let of_reason = names.iter().filter(|name| left_out[**name].reason == *reason);
            let askers = of_reason.flat_map(|name| {
                left_out[*name].askers.iter().map(|asker| of_asker(self.reasons, asker, name))
            });
            text += &self.some_of(in_order(askers));
            let _ = writeln!(text, "{how}");
        }
        (!text.is_empty()).then_some(text)
    }

    /// A distribution that was left out, by the name that the report of a build gives it.
    fn for_distribution(&self, name: &str) -> Option<String> {
        let name = normalized(name);
        let is_it = |reason: &LeaveReason| match reason {
            LeaveReason::Optional { distribution } => normalized(distribution) == name,
            LeaveReason::Excluded { .. } | LeaveReason::Hook { .. } => false,
        };
        let tops = self.reasons.left_out.iter().filter(|(_, left)| is_it(&left.reason));
        let tops: BTreeSet<&str> =
            tops.map(|(module, _)| module.split('.').next().unwrap_or(module)).collect();
        let text: String = tops.into_iter().filter_map(|top| self.for_left_out(top)).collect();
        (!text.is_empty()).then_some(text)
    }

    fn for_missing(&self, name: &str) -> Option<String> {
        let missing = &self.reasons.missing;
        let names = concerning(missing.keys(), name);
        if names.is_empty() {
            return None;
        }
        let lines = names.into_iter().map(|name| of_asker(self.reasons, &missing[name], name));
        let text = format!("{} is not in the program: it was not found when it was built\n", Plain(name));
        Some(text + &self.some_of(in_order(lines)))
    }

    /// The first lines, with the number of the others.
    fn some_of(&self, mut lines: Vec<Line>) -> String {
        let count = lines.len();
        if !self.all {
            lines.truncate(MOST_ASKERS);
        }
        let mut text = columns(&lines);
        if lines.len() < count {
            let _ = writeln!(text, "  and {} more (-v)", count - lines.len());
        }
        text
    }

    /// The way to a node, line by line.
    fn way(&self, node: Node) -> String {
        let way = self.ways.to(self.reasons, node);
        // That the way starts at the program need not be said, unless there is no more to say.
        let is_entry = |step: &Step| matches!(step, Step::Given(Given::Entry));
        let skipped = usize::from(way.len() > 1 && is_entry(&way[0].0));
        let lines: Vec<Line> =
            way.iter().skip(skipped).map(|(step, to)| of_step(self.reasons, step, *to)).collect();
        columns(&lines)
    }
}

/// Of all names those that are this one or below it; if there are none, those above it.
fn concerning<'a>(all: impl Iterator<Item = &'a String> + Clone, name: &str) -> Vec<&'a String> {
    let is_below = |other: &str, above: &str| {
        other.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let below: Vec<&String> = all.clone().filter(|other| is_below(other, name)).collect();
    if below.is_empty() { all.filter(|other| is_below(name, other)).collect() } else { below }
}

/// Lines by file, then by number: line 42 comes before line 1480. None twice.
fn in_order(lines: impl Iterator<Item = Line>) -> Vec<Line> {
    let keyed = lines.map(|(who, does)| {
        let (file, line) = who.rsplit_once(':').unwrap_or((&who, ""));
        ((file.to_owned(), line.parse::<u32>().unwrap_or_default(), does.clone()), (who, does))
    });
    keyed.collect::<BTreeMap<_, _>>().into_values().collect()
}

/// Why something was left out, and what brings it in.
fn of_reason(reason: &LeaveReason) -> (String, String) {
    match reason {
        LeaveReason::Optional { distribution } => (
            "it was left out as optional, these imports were not followed".into(),
            format!("--follow-optional {} brings it in", Plain(distribution)),
        ),
        LeaveReason::Excluded { name } => (
            "it was excluded, these imports were not followed".into(),
            format!("--exclude-module {} keeps it out", Plain(name)),
        ),
        LeaveReason::Hook { name } => (
            format!("a hook excludes {}, these imports were not followed", Plain(name)),
            format!("--hidden-import {} brings it in", Plain(name)),
        ),
    }
}

/// Names of the program that are like one that is not there.
fn similar(reasons: &Reasons, name: &str) -> Vec<String> {
    let modules = reasons.modules.iter().map(|module| module.name.as_str());
    let libraries = reasons.libraries.iter().map(|library| library.name.as_str());
    let others = reasons.left_out.keys().chain(reasons.files.keys()).chain(reasons.missing.keys());
    let all: BTreeSet<&str> = modules.chain(libraries).chain(others.map(String::as_str)).collect();
    let tail = |text: &str| text.rsplit(['/', '.']).next().map(str::to_owned);
    let rated = all.into_iter().filter_map(|other| {
        // What ends like it may be meant by it: `data.json` for `pkg/data.json`.
        let is_end = other.strip_suffix(name).is_some_and(|rest| rest.ends_with(['/', '.']));
        let likeness = if is_end { 1.0 } else { strsim::jaro_winkler(other, name) };
        (likeness >= ALIKE).then_some((likeness, tail(other) != tail(name), other))
    });
    let mut rated: Vec<(f64, bool, &str)> = rated.collect();
    rated.sort_by(|first, second| {
        second.0.total_cmp(&first.0).then(first.1.cmp(&second.1)).then(first.2.cmp(second.2))
    });
    rated.into_iter().take(MOST_SIMILAR).map(|(_, _, other)| other.to_owned()).collect()
}
