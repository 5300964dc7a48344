//! What changed between two executables: what came, what went, what grew.
//!
//! In: two inventories with checksums of contents. Out: [`Difference`], which `diff --json` prints as it is. A thing has
//! changed when its content has; its share of the file alone depends on what it is compressed with.

use std::collections::BTreeMap;

use serde::Serialize;

use super::model::{Contents, SCHEMA, Sizes};

/// What changed between two programs.
#[derive(Debug, Clone, Serialize)]
pub struct Difference {
    /// Version of the document: that of [`Contents`].
    pub schema: u32,
    /// The name of the first.
    pub before: String,
    /// The name of the second.
    pub after: String,
    /// Whether the two are the same to the byte of their archives and their own code.
    pub is_same: bool,
    /// The sizes of both.
    pub sizes: Pair<Sizes>,
    /// Facts that differ: target, options, what is needed of the system.
    pub facts: Vec<FactChange>,
    /// Distributions that came or went, have another version, or other contents.
    pub distributions: Vec<Change>,
    /// Modules that came, went or changed.
    pub modules: Vec<Change>,
    /// Libraries.
    pub libraries: Vec<Change>,
    /// Other files.
    pub files: Vec<Change>,
}

/// Something of both.
#[derive(Debug, Clone, Serialize)]
pub struct Pair<T> {
    /// Of the first.
    pub before: T,
    /// Of the second.
    pub after: T,
}

/// A fact that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FactChange {
    /// What it is: `python`, `compress`, `glibc`.
    pub name: &'static str,
    /// Of the first; empty where it has none.
    pub before: String,
    /// Of the second.
    pub after: String,
}

/// Something that came, went or changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Its name, or the path of a file.
    pub name: String,
    /// In the first; none where it came.
    pub before: Option<Amount>,
    /// In the second; none where it went.
    pub after: Option<Amount>,
}

/// How much something takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Amount {
    /// A distribution's version.
    pub version: Option<String>,
    /// Size unpacked, in bytes.
    pub size: u64,
    /// The share of the file, in bytes.
    pub stored: u64,
}

impl Change {
    /// By how much it grew, in bytes of the file.
    pub fn growth(&self) -> i64 {
        let stored = |amount: &Option<Amount>| amount.as_ref().map_or(0, |amount| amount.stored as i64);
        stored(&self.after) - stored(&self.before)
    }
}

/// Something by its name, with what it consists of.
type Known = BTreeMap<String, (Amount, Option<String>)>;

/// What changed between two programs.
pub fn difference(before: &Contents, after: &Contents) -> Difference {
    let changes = |list: fn(&Contents) -> Known| changes(list(before), list(after));
    let (modules, libraries, files) = (changes(modules), changes(libraries), changes(files));
    let is_same = before.program.checksum == after.program.checksum
        && before.program.base_checksum == after.program.base_checksum
        && modules.is_empty()
        && libraries.is_empty()
        && files.is_empty();
    Difference {
        schema: SCHEMA,
        before: before.program.name.clone(),
        after: after.program.name.clone(),
        is_same,
        sizes: Pair { before: before.sizes.clone(), after: after.sizes.clone() },
        facts: facts(before, after),
        distributions: distributions(before, after, [&modules, &libraries, &files]),
        modules,
        libraries,
        files,
    }
}

fn amount(size: u64, stored: Option<u64>) -> Amount {
    Amount { version: None, size, stored: stored.unwrap_or(0) }
}

fn modules(contents: &Contents) -> Known {
    let all = contents.modules.iter().map(|module| {
        let size = module.size.saturating_add(module.source);
        (module.name.clone(), (amount(size, module.stored), module.blake3.clone()))
    });
    all.collect()
}

fn libraries(contents: &Contents) -> Known {
    let all = contents.libraries.iter().filter(|library| !library.is_fused).map(|library| {
        (library.name.clone(), (amount(library.size, library.stored), library.blake3.clone()))
    });
    all.collect()
}

fn files(contents: &Contents) -> Known {
    let all = contents.files.iter().map(|file| {
        let content = file.link.clone().or_else(|| file.blake3.clone());
        (file.path.clone(), (amount(file.size, file.stored), content))
    });
    all.collect()
}

/// What is in one of the two only, or not the same in both.
fn changes(mut before: Known, after: Known) -> Vec<Change> {
    let mut changes = Vec::new();
    for (name, (now, content)) in after {
        match before.remove(&name) {
            Some((then, old)) if then.size == now.size && old == content => {}
            then => changes.push(Change { name, before: then.map(|(then, _)| then), after: Some(now) }),
        }
    }
    let gone = before.into_iter();
    changes.extend(gone.map(|(name, (then, _))| Change { name, before: Some(then), after: None }));
    changes.sort_by(|one, other| one.name.cmp(&other.name));
    changes
}

/// Distributions that are not the same: by version, or because something of them has changed.
fn distributions(before: &Contents, after: &Contents, changed: [&Vec<Change>; 3]) -> Vec<Change> {
    let known = |contents: &Contents| {
        let of = contents.distributions.iter().map(|distribution| {
            let mut amount = amount(distribution.size, distribution.stored);
            amount.version = Some(distribution.version.clone());
            (distribution.name.clone(), amount)
        });
        of.collect::<BTreeMap<String, Amount>>()
    };
    let mut touched = std::collections::BTreeSet::new();
    for contents in [before, after] {
        let modules = contents.modules.iter().map(|module| (0, &module.name, &module.distribution));
        let libraries = contents.libraries.iter().map(|library| (1, &library.name, &library.distribution));
        let files = contents.files.iter().map(|file| (2, &file.path, &file.distribution));
        for (list, name, distribution) in modules.chain(libraries).chain(files) {
            let list: &Vec<Change> = changed[list];
            if list.binary_search_by(|change| change.name.cmp(name)).is_ok() {
                touched.extend(distribution.as_deref());
            }
        }
    }
    let (mut before, after) = (known(before), known(after));
    let mut changes = Vec::new();
    for (name, now) in after {
        let then = before.remove(&name);
        let is_same_version = then.as_ref().is_some_and(|then| then.version == now.version);
        if !is_same_version || touched.contains(name.as_str()) {
            changes.push(Change { name, before: then, after: Some(now) });
        }
    }
    changes.extend(before.into_iter().map(|(name, then)| Change { name, before: Some(then), after: None }));
    changes.sort_by(|one, other| one.name.cmp(&other.name));
    changes
}

fn facts(before: &Contents, after: &Contents) -> Vec<FactChange> {
    let text = |value: Option<&dyn ToString>| value.map(ToString::to_string).unwrap_or_default();
    let flag = |value: bool| if value { "yes" } else { "no" }.to_owned();
    let known = |contents: &Contents| {
        let Contents { program, target, options, portability, .. } = contents;
        let maybe = |value: Option<bool>| value.map(flag).unwrap_or_default();
        [
            ("entry", program.entry.clone()),
            ("format", program.format.to_string()),
            ("python", format!("{}{}", target.python, target.abi_flags)),
            ("platform", target.platform.clone()),
            ("fused", flag(program.is_fused)),
            ("onedir", flag(program.is_directory)),
            ("optimize", options.optimize.to_string()),
            ("interpreter", options.interpreter.to_owned()),
            ("compress", options.compress.clone().unwrap_or_default()),
            ("include-source", maybe(options.include_source)),
            ("strip", maybe(options.strip)),
            ("gc-during-imports", flag(options.gc_during_imports)),
            ("glibc", text(portability.glibc.as_ref().map(|glibc| &glibc.version as &dyn ToString))),
            ("kernel", text(portability.kernel.as_ref().map(|kernel| kernel as &dyn ToString))),
            (
                "instructions",
                text(portability.instructions.as_ref().map(|need| &need.level as &dyn ToString)),
            ),
        ]
    };
    let pairs = known(before).into_iter().zip(known(after));
    let differing = pairs.filter(|((_, then), (_, now))| then != now);
    differing.map(|((name, before), (_, after))| FactChange { name, before, after }).collect()
}
