//! What an executable asks of the system that it runs on: the newest that any of its native files asks for.

use std::fs::File;

use serde::Serialize;

use super::native::{NativeNeeds, Version};
use crate::plan::{Plan, PlannedContent};

/// The runtime loads libraries from memory files: `memfd_create` is there since Linux 3.17.
const KERNEL: &str = "3.17";

/// What an executable asks of the system that it runs on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Portability {
    /// The oldest glibc, and which file asks for it.
    pub glibc: Option<GlibcNeed>,
    /// The oldest glibc that the executable starts on: what CPython and snapfreeze's own part ask for. Modules that need
    /// a newer one fail there when they are imported.
    pub glibc_to_start: Option<Version>,
    /// The oldest kernel that is known to be needed.
    pub kernel: Option<Version>,
    /// The instructions that files say they need beyond the machine's first, and which file does.
    pub instructions: Option<InstructionNeed>,
}

/// The oldest glibc that will do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GlibcNeed {
    /// Its version.
    pub version: Version,
    /// The file that asks for it, in the tree or by its library's name; of several the first. Empty for the executable
    /// itself.
    pub file: String,
    /// A symbol that the file asks for in this version.
    pub symbol: Option<String>,
    /// How many other files ask for the same version.
    pub others: usize,
}

/// Instructions that not every machine has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InstructionNeed {
    /// `x86-64-v2`, `x86-64-v3` or `x86-64-v4`.
    pub level: &'static str,
    /// The file that says so; of several the first.
    pub file: String,
}

/// What all native files together ask for. The first is the executable itself, with an empty name.
pub fn portability<'a>(files: impl IntoIterator<Item = (&'a str, &'a NativeNeeds)>) -> Portability {
    let mut all = Portability { kernel: Version::parse(KERNEL), ..Portability::default() };
    for (file, needs) in files {
        all.kernel = all.kernel.take().max(needs.kernel.clone());
        if file.is_empty() {
            all.glibc_to_start = all.glibc_to_start.take().max(needs.glibc.clone());
        }
        let known = all.instructions.as_ref().map(|need| need.level);
        if let Some(level) = needs.instructions.filter(|level| Some(*level) > known) {
            all.instructions = Some(InstructionNeed { level, file: file.to_owned() });
        }
        let Some(version) = &needs.glibc else { continue };
        match &mut all.glibc {
            Some(known) if known.version > *version => {}
            Some(known) if known.version == *version => known.others += 1,
            glibc => {
                let (version, symbol) = (version.clone(), needs.glibc_symbol.clone());
                *glibc = Some(GlibcNeed { version, file: file.to_owned(), symbol, others: 0 });
            }
        }
    }
    all
}

/// What the executable of a plan will ask for; `program` is the executable without its archive. Files that cannot be read
/// are passed over: the build itself reports them.
pub fn of_plan(plan: &Plan, program: &[u8]) -> Portability {
    let own = NativeNeeds::read(&mut std::io::Cursor::new(program)).unwrap_or_default();
    let read = |path| NativeNeeds::read(&mut File::open(path).ok()?).ok();
    let modules = plan.modules.iter().filter_map(|module| match &module.content {
        PlannedContent::Extension { path, .. } => Some((module.file.as_str(), read(path)?)),
        _ => None,
    });
    // A fused library is read as a part of the program.
    let libraries = plan.libraries.iter().filter(|library| !library.is_fused);
    let libraries = libraries.filter_map(|library| Some((library.name.as_str(), read(&library.path)?)));
    let all: Vec<(&str, NativeNeeds)> = std::iter::once(("", own)).chain(libraries).chain(modules).collect();
    portability(all.iter().map(|(file, needs)| (*file, needs)))
}

/// The oldest glibc that the executable of a plan will run on. See [`of_plan`].
pub fn oldest_glibc(plan: &Plan, program: &[u8]) -> Option<GlibcNeed> {
    of_plan(plan, program).glibc
}

impl GlibcNeed {
    /// The file that asks for it, in words.
    pub fn asker(&self) -> &str {
        if self.file.is_empty() { "the executable itself" } else { &self.file }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_counts_and_the_first_that_asks_for_it_is_named() {
        let needs = |glibc: &str, instructions| NativeNeeds {
            glibc: Version::parse(glibc),
            instructions,
            ..NativeNeeds::default()
        };
        let [own, old, new, newer] = [
            needs("2.14", None),
            needs("2.4", Some("x86-64-v3")),
            needs("2.34", Some("x86-64-v2")),
            needs("2.34", None),
        ];
        let all = portability([("", &own), ("old.so", &old), ("a.so", &new), ("b.so", &newer)]);
        let glibc = all.glibc.unwrap();
        assert_eq!(
            (glibc.version.to_string().as_str(), glibc.file.as_str(), glibc.others),
            ("2.34", "a.so", 1)
        );
        assert_eq!(all.glibc_to_start, Version::parse("2.14"));
        let instructions = all.instructions.unwrap();
        assert_eq!((instructions.level, instructions.file.as_str()), ("x86-64-v3", "old.so"));
        assert_eq!(portability([]).glibc, None);
    }
}
