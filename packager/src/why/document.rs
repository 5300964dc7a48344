//! The reasons as one JSON document: what is written into an executable (`docs/format.md`, "The reasons").
//!
//! Edges are columns of numbers, which compress well: the reasons of a program with 1,600 modules take less than a
//! tenth of its index. Reading takes every number for hostile.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use super::{Asker, BuiltOptions, NotFollowed, ReasonedEdge, ReasonedLibrary, ReasonedModule, Reasons};
use crate::graph::{Given, LeaveReason, Origin, Rule};

/// Version of the document; a reader reads exactly its own.
pub const VERSION: u32 = 1;

/// What a module's file has for the module's name, with slashes.
const STEM: &str = "*";

/// Why a document cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// It is no such document.
    #[error("the reasons cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    /// It has another version.
    #[error("the reasons have version {found}, this snapfreeze reads {VERSION}")]
    Version {
        /// The version.
        found: u32,
    },
    /// Its parts do not fit together.
    #[error("the reasons are damaged: {0}")]
    Damaged(&'static str),
}

/// The version alone, which is read first.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

#[derive(Serialize, Deserialize)]
struct Document {
    version: u32,
    entry: String,
    modules: Vec<String>,
    files: Vec<String>,
    rules: Vec<Rule>,
    texts: Vec<String>,
    edges: Edges,
    given: BTreeMap<String, BTreeSet<Given>>,
    left_out: BTreeMap<String, LeftOut>,
    missing: BTreeMap<String, (String, u32)>,
    data: BTreeMap<String, Vec<String>>,
    metadata: BTreeMap<String, String>,
    libraries: Vec<Library>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    origins: Option<BTreeMap<String, Origin>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    options: Option<BuiltOptions>,
}

#[derive(Default, Serialize, Deserialize)]
struct Edges {
    count: Vec<u32>,
    to: Vec<u32>,
    rule: Vec<u32>,
    line: Vec<u32>,
    text: Vec<u32>,
}

#[derive(Serialize, Deserialize)]
struct LeftOut {
    reason: LeaveReason,
    edges: Vec<(String, u32, u32)>,
}

#[derive(Serialize, Deserialize)]
struct Library {
    name: String,
    file: String,
    needs: Vec<u32>,
    users: Vec<u32>,
}

impl Serialize for Reasons {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Document::of(self).serialize(serializer)
    }
}

impl Reasons {
    /// The document. The same reasons give the same bytes.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn to_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }

    /// Reads a document.
    ///
    /// # Errors
    /// When it is none, of another version, or its numbers lead out of it.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DocumentError> {
        let Versioned { version } = serde_json::from_slice(bytes)?;
        if version != VERSION {
            return Err(DocumentError::Version { found: version });
        }
        serde_json::from_slice::<Document>(bytes)?.into_reasons()
    }
}

/// Numbers given to values in the order in which they come.
struct Table<T>(BTreeMap<T, u32>, Vec<T>);

impl<T: Ord + Clone> Table<T> {
    fn new() -> Self {
        Self(BTreeMap::new(), Vec::new())
    }

    fn number(&mut self, value: &T) -> u32 {
        let Self(numbers, values) = self;
        *numbers.entry(value.clone()).or_insert_with(|| {
            values.push(value.clone());
            values.len() as u32 - 1
        })
    }
}

impl Document {
    fn of(reasons: &Reasons) -> Self {
        let (mut rules, mut texts) = (Table::new(), Table::new());
        let mut edges = Edges::default();
        for module in &reasons.modules {
            edges.count.push(module.edges.len() as u32);
            for edge in &module.edges {
                edges.to.push(edge.to as u32);
                edges.rule.push(rules.number(&edge.rule));
                edges.line.push(edge.line);
                edges.text.push(edge.text.as_ref().map_or(0, |text| texts.number(text) + 1));
            }
        }
        let left_out = reasons.left_out.iter().map(|(name, left)| {
            let edge = |asker: &Asker| {
                let rule = rules.number(&asker.rule.unwrap_or(Rule::Import));
                (asker.from.clone(), rule, asker.line)
            };
            let edges = left.askers.iter().map(edge).collect();
            (name.clone(), LeftOut { reason: left.reason.clone(), edges })
        });
        let left_out = left_out.collect();
        let mut data: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (path, reason) in &reasons.files {
            data.entry(reason.clone()).or_default().push(path.clone());
        }
        let numbers = |list: &[usize]| list.iter().map(|number| *number as u32).collect();
        let libraries = reasons.libraries.iter().map(|library| Library {
            name: library.name.clone(),
            file: library.file.clone(),
            needs: numbers(&library.needs),
            users: numbers(&library.users),
        });
        let given = reasons.modules.iter().filter(|module| !module.given.is_empty());
        let missing = reasons.missing.iter();
        Self {
            version: VERSION,
            entry: reasons.entry.clone(),
            modules: reasons.modules.iter().map(|module| module.name.clone()).collect(),
            files: reasons.modules.iter().map(|module| shortened(&module.name, &module.file)).collect(),
            rules: rules.1,
            texts: texts.1.iter().map(ToString::to_string).collect(),
            edges,
            given: given.map(|module| (module.name.clone(), module.given.clone())).collect(),
            left_out,
            missing: missing.map(|(name, asker)| (name.clone(), (asker.from.clone(), asker.line))).collect(),
            data,
            metadata: reasons.metadata.clone(),
            libraries: libraries.collect(),
            origins: reasons.origins.clone(),
            options: reasons.options.clone(),
        }
    }

    fn into_reasons(mut self) -> Result<Reasons, DocumentError> {
        let count = self.modules.len();
        if self.files.len() != count || self.edges.count.len() != count {
            return Err(DocumentError::Damaged("not as many files or edges as modules"));
        }
        if !self.modules.is_sorted_by(|first, second| first < second) {
            return Err(DocumentError::Damaged("the modules are not sorted"));
        }
        let lists = [&self.edges.rule, &self.edges.line, &self.edges.text];
        let total = self.edges.count.iter().try_fold(0usize, |sum, count| sum.checked_add(*count as usize));
        if lists.iter().any(|list| list.len() != self.edges.to.len()) || total != Some(self.edges.to.len()) {
            return Err(DocumentError::Damaged("the lists of edges have different lengths"));
        }
        let texts: Vec<Arc<str>> = self.texts.iter().map(|text| text.as_str().into()).collect();
        let rule = |number: u32| {
            self.rules.get(number as usize).copied().ok_or(DocumentError::Damaged("a rule that is not there"))
        };
        let mut modules = Vec::with_capacity(count);
        let mut at = 0;
        for ((name, file), edge_count) in self.modules.iter().zip(&self.files).zip(&self.edges.count) {
            let end = at + *edge_count as usize;
            let edges = (at..end).map(|at| {
                let to = self.edges.to[at] as usize;
                let text = match self.edges.text[at].checked_sub(1) {
                    None => None,
                    Some(number) => Some(
                        texts
                            .get(number as usize)
                            .cloned()
                            .ok_or(DocumentError::Damaged("a text that is not there"))?,
                    ),
                };
                if to >= count {
                    return Err(DocumentError::Damaged("an edge that leads nowhere"));
                }
                Ok(ReasonedEdge { to, rule: rule(self.edges.rule[at])?, line: self.edges.line[at], text })
            });
            let edges = edges.collect::<Result<_, _>>()?;
            let given = self.given.remove(name).unwrap_or_default();
            modules.push(ReasonedModule { name: name.clone(), file: lengthened(name, file), given, edges });
            at = end;
        }
        let left_out = self.left_out.into_iter().map(|(name, left)| {
            let asker = |(from, number, line)| Ok(Asker { from, line, rule: Some(rule(number)?) });
            let askers = left.edges.into_iter().map(asker).collect::<Result<_, DocumentError>>()?;
            Ok((name, NotFollowed { reason: left.reason, askers }))
        });
        let left_out = left_out.collect::<Result<_, DocumentError>>()?;
        let library_count = self.libraries.len();
        let numbers = |list: Vec<u32>, most: usize| {
            let numbers = list.into_iter().map(|number| number as usize);
            let numbers: Vec<usize> = numbers.collect();
            if numbers.iter().all(|number| *number < most) {
                Ok(numbers)
            } else {
                Err(DocumentError::Damaged("a library's number leads nowhere"))
            }
        };
        let libraries = self.libraries.into_iter().map(|library| {
            let (needs, users) = (numbers(library.needs, library_count)?, numbers(library.users, count)?);
            Ok(ReasonedLibrary { name: library.name, file: library.file, needs, users })
        });
        let libraries = libraries.collect::<Result<_, DocumentError>>()?;
        let files = self
            .data
            .into_iter()
            .flat_map(|(reason, paths)| paths.into_iter().map(move |path| (path, reason.clone())));
        let asker = |(from, line)| Asker { from, line, rule: None };
        Ok(Reasons {
            entry: self.entry,
            modules,
            left_out,
            missing: self.missing.into_iter().map(|(name, place)| (name, asker(place))).collect(),
            files: files.collect(),
            metadata: self.metadata,
            libraries,
            origins: self.origins,
            options: self.options,
        })
    }
}

/// `pkg/mod.py` of `pkg.mod` as `*.py`.
fn shortened(name: &str, file: &str) -> String {
    match file.strip_prefix(name.replace('.', "/").as_str()) {
        Some(rest) => format!("{STEM}{rest}"),
        None => file.to_owned(),
    }
}

fn lengthened(name: &str, file: &str) -> String {
    match file.strip_prefix(STEM) {
        Some(rest) => format!("{}{rest}", name.replace('.', "/")),
        None => file.to_owned(),
    }
}

#[cfg(test)]
#[path = "document_tests.rs"]
mod tests;
