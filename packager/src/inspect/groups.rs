//! What takes how much: distributions, their packages, the modules and files in those, as a tree.
//!
//! In: [`Contents`]. Out: one [`Item`] for each distribution, for the program's own code, the standard library and the
//! rest, the largest first, each with what is in it. The sizes of all add up to the file's.

use std::collections::BTreeMap;

use super::model::{Contents, Module, ModuleKind};
use crate::graph::Origin;

/// Something in a program, and what is in that.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Item {
    /// What it is called: `numpy 2.0.1`, `numpy.linalg`, `numpy/_core/lib/`.
    pub label: String,
    /// Its size unpacked, with all that is in it.
    pub size: u64,
    /// The share of the file that it takes, with all that is in it; 0 where nothing is built.
    pub stored: u64,
    /// What is in it, the largest first.
    pub items: Vec<Item>,
}

/// A tree under construction, by parts of names.
#[derive(Debug, Default)]
struct Branch {
    size: u64,
    stored: u64,
    below: BTreeMap<String, Branch>,
}

impl Branch {
    fn add(&mut self, labels: impl IntoIterator<Item = String>, size: u64, stored: u64) {
        let mut at = self;
        at.count(size, stored);
        for label in labels {
            at = at.below.entry(label).or_default();
            at.count(size, stored);
        }
    }

    fn count(&mut self, size: u64, stored: u64) {
        self.size = self.size.saturating_add(size);
        self.stored = self.stored.saturating_add(stored);
    }

    fn into_item(self, label: String) -> Item {
        let mut items: Vec<Item> =
            self.below.into_iter().map(|(label, branch)| branch.into_item(label)).collect();
        items.sort_by(|one, other| {
            (other.stored, other.size).cmp(&(one.stored, one.size)).then_with(|| one.label.cmp(&other.label))
        });
        // A module alone in its package is the package.
        if let [only] = items.as_mut_slice()
            && (only.size, only.stored) == (self.size, self.stored)
            && !only.items.is_empty()
        {
            items = std::mem::take(&mut only.items);
        }
        Item { label, size: self.size, stored: self.stored, items }
    }
}

/// The parts of a program, the largest first.
pub fn groups(contents: &Contents) -> Vec<Item> {
    let mut groups: BTreeMap<String, Branch> = BTreeMap::new();
    let versions: BTreeMap<&str, &str> = contents
        .distributions
        .iter()
        .map(|distribution| (distribution.name.as_str(), distribution.version.as_str()))
        .collect();
    let titled = |name: &str| match versions.get(name) {
        Some(version) if !version.is_empty() => format!("{name} {version}"),
        _ => name.to_owned(),
    };
    let mut add = |group: String, labels: Vec<String>, size: u64, stored: Option<u64>| {
        groups.entry(group).or_default().add(labels, size, stored.unwrap_or(0));
    };
    let base = if contents.program.is_fused {
        format!("CPython {} and the runtime", contents.target.python)
    } else {
        "the runtime".into()
    };
    add(base, Vec::new(), contents.sizes.base, Some(contents.sizes.base));
    for module in contents.modules.iter().filter(|module| module.kind != ModuleKind::Namespace) {
        let size = module.size.saturating_add(module.source);
        if module.kind == ModuleKind::Builtin && size == 0 {
            continue;
        }
        add(group_of(module, &titled), dotted(&module.name), size, module.stored);
    }
    for library in contents.libraries.iter().filter(|library| !library.is_fused) {
        let group = library.distribution.as_deref().map_or_else(|| "native libraries".into(), titled);
        let label = if library.file.is_empty() { &library.name } else { &library.file };
        add(group, vec![label.clone()], library.size, library.stored);
    }
    for file in &contents.files {
        let group = file.distribution.as_deref().map_or_else(|| "other files".into(), titled);
        add(group, directories(&file.path), file.size, file.stored);
    }
    let sizes = &contents.sizes;
    let rest =
        sizes.alignment.saturating_add(sizes.index).saturating_add(sizes.reasons).saturating_add(sizes.other);
    if rest > 0 {
        let parts = [("index", sizes.index), ("reasons, for snapfreeze why", sizes.reasons)];
        for (label, size) in parts.into_iter().chain([("other", sizes.alignment.saturating_add(sizes.other))])
        {
            add("the archive's own".into(), vec![label.to_owned()], size, Some(size));
        }
    }
    let all = groups.into_iter().map(|(label, branch)| branch.into_item(label));
    let mut all: Vec<Item> = all.collect();
    all.sort_by(|one, other| {
        (other.stored, other.size).cmp(&(one.stored, one.size)).then_with(|| one.label.cmp(&other.label))
    });
    all
}

fn group_of(module: &Module, titled: &dyn Fn(&str) -> String) -> String {
    match (&module.distribution, module.origin) {
        (Some(name), _) => titled(name),
        (None, Some(Origin::Own)) => "the program".into(),
        (None, Some(Origin::Installed)) => "installed, of no distribution".into(),
        (None, Some(Origin::Stdlib) | None) => "standard library".into(),
    }
}

/// `a`, `a.b`, `a.b.c` of `a.b.c`.
fn dotted(name: &str) -> Vec<String> {
    name.match_indices('.')
        .map(|(end, _)| end)
        .chain([name.len()])
        .map(|end| name[..end].to_owned())
        .collect()
}

/// `a/`, `a/b/`, `a/b/c` of `a/b/c`.
fn directories(path: &str) -> Vec<String> {
    let ends = path.match_indices('/').map(|(end, _)| end + 1).chain([path.len()]);
    ends.map(|end| path[..end].to_owned()).collect()
}
