//! What a start is expected to want, in order: the executable decompresses it ahead of the imports.
//!
//! In: the modules that a start is expected to import, in that order, and where they lie. Out: each block of their code
//! at the place of its first module, each extension at its own, behind the libraries that it needs. What lies on the real
//! disk when it is loaded is not in the list. A wrong guess costs the executable some time of another core, nothing more.

use std::collections::BTreeSet;

use snapfreeze_runtime::archive::writer::AheadRecord;

use super::Extents;
use crate::collect::files::FileContent;
use crate::plan::{Plan, PlannedContent, PlannedModule};

/// The list, without anything twice.
pub(super) fn wanted(plan: &Plan, eager: &[&PlannedModule], extents: &Extents) -> Vec<AheadRecord> {
    let (modules, libraries) = on_disk(plan);
    let mut list = List::default();
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
            list.add_code(extents, &module.name);
        }
    }
    list.records
}

#[derive(Default)]
struct List {
    records: Vec<AheadRecord>,
    seen: BTreeSet<AheadRecord>,
}

impl List {
    fn add(&mut self, record: AheadRecord) {
        if self.seen.insert(record.clone()) {
            self.records.push(record);
        }
    }

    fn add_code(&mut self, extents: &Extents, name: &str) {
        if let Some(extent) = extents.get(name).filter(|extent| extent.length > 0) {
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
