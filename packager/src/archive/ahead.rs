//! What a start is expected to want, in order: the executable decompresses it ahead of the imports.
//!
//! In: the modules that a start is expected to import, in that order, and where they lie. Out: each block of their code
//! at the place of its first module, each extension at its own, behind the libraries that it needs; behind a file those of
//! its blocks that can wait until they are executed. What lies on the real
//! disk when it is loaded is not in the list. A wrong guess costs the executable some time of another core, nothing more.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use snapfreeze_runtime::archive::Extent;
use snapfreeze_runtime::archive::writer::AheadRecord;

use super::Extents;
use crate::collect::files::FileContent;
use crate::plan::{Plan, PlannedContent, PlannedModule};

/// The list, without anything twice. `contents` are those of the plan's libraries, `on_demand` the blocks that can wait, by
/// the first one of their file.
pub(super) fn wanted(
    plan: &Plan,
    eager: &[&PlannedModule],
    extents: &Extents,
    contents: &[Extent],
    on_demand: &BTreeMap<u32, Range<u32>>,
) -> Vec<AheadRecord> {
    let (modules, libraries) = on_disk(plan);
    let mut list = List { records: Vec::new(), seen: BTreeSet::new(), extents, contents, on_demand };
    let library = |number: usize| {
        let record = u32::try_from(number).ok().map(AheadRecord::Library);
        record.filter(|_| !libraries.contains(&number))
    };
    // libpython is wanted first of all, where it is not in the program itself.
    if let Some(libpython) = super::libpython(plan)
        && let Some(planned) = plan.libraries.get(libpython as usize)
    {
        planned.needs.iter().copied().filter_map(library).for_each(|one| list.add(one));
        list.add(AheadRecord::Library(libpython));
    }
    for module in eager {
        if let PlannedContent::Extension { needs, .. } = &module.content {
            needs.iter().copied().filter_map(library).for_each(|one| list.add(one));
            if !modules.contains(module.name.as_str()) {
                list.add(AheadRecord::Extension(module.name.clone()));
            }
        } else {
            list.add_code(&module.name);
        }
    }
    list.records
}

struct List<'a> {
    records: Vec<AheadRecord>,
    seen: BTreeSet<AheadRecord>,
    extents: &'a Extents,
    contents: &'a [Extent],
    on_demand: &'a BTreeMap<u32, Range<u32>>,
}

impl List<'_> {
    fn add(&mut self, record: AheadRecord) {
        if !self.seen.insert(record.clone()) {
            return;
        }
        let file = match &record {
            AheadRecord::Library(number) => self.contents.get(*number as usize),
            AheadRecord::Extension(name) => self.extents.get(name),
            _ => None,
        };
        let blocks = file.and_then(|content| self.on_demand.get(&content.block)).cloned();
        self.records.push(record);
        self.records.extend(blocks.unwrap_or_default().map(AheadRecord::OnDemand));
    }

    fn add_code(&mut self, name: &str) {
        if let Some(extent) = self.extents.get(name).filter(|extent| extent.length > 0) {
            self.add(AheadRecord::Block(extent.block));
        }
    }
}

/// Extension modules, by name, and libraries, by number, that are loaded from the real disk.
fn on_disk(plan: &Plan) -> (BTreeSet<&str>, BTreeSet<usize>) {
    let (mut modules, mut libraries) = (BTreeSet::new(), BTreeSet::new());
    for file in plan.files.iter().filter(|file| file.materialize || plan.target.beside) {
        match &file.content {
            FileContent::Extension(module) => {
                modules.insert(module.as_str());
            }
            FileContent::Library(number) => {
                libraries.insert(*number);
            }
            _ => {}
        }
    }
    (modules, libraries)
}
