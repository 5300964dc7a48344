//! What has a size, and whose it is. All parts of an executable add up to its size.

use std::collections::HashMap;

use super::super::data::{Distribution, DistributionKind, Page};
use crate::graph::Origin;
use crate::inspect::Contents;
use crate::inspect::model::{Library, Licence, ModuleKind};

/// Kinds of parts, in words.
const KINDS: &[&str] = &[
    "bytecode",
    "extension module",
    "native library",
    "data",
    "metadata",
    "CPython and the runtime",
    "index",
];
const BYTECODE: usize = 0;
const EXTENSION: usize = 1;
const LIBRARY: usize = 2;
const DATA: usize = 3;
const METADATA: usize = 4;
const BASE: usize = 5;
const INDEX: usize = 6;

/// The part that is CPython and the runtime, where they are one.
const FUSED: &str = "CPython and the runtime";

/// What licences CPython and snapfreeze have, as SPDX names them.
const CPYTHON: &str = "PSF-2.0";
const OWN: &str = "PSF-2.0 AND (MIT OR Apache-2.0)";

/// The longest name of a licence, in bytes; what is longer is its text.
const LONGEST_NAME: usize = 60;

/// Numbers of what owns parts and is no distribution.
#[derive(Debug, Clone, Copy)]
struct Others {
    program: usize,
    stdlib: usize,
    executable: usize,
    system: usize,
    other: usize,
}

/// The place of a library among the parts: its file, or its name where it has none.
pub fn path_of_library(library: &Library) -> &str {
    if library.is_fused {
        FUSED
    } else if library.file.is_empty() {
        &library.name
    } else {
        &library.file
    }
}

/// Fills in distributions and parts.
pub fn sizes(contents: &Contents, page: &mut Page) {
    page.kinds = KINDS.to_vec();
    page.distributions = contents
        .distributions
        .iter()
        .map(|distribution| Distribution {
            name: distribution.name.clone(),
            version: distribution.version.clone(),
            kind: DistributionKind::Distribution,
            licence: licence(&distribution.licence),
            files: Vec::new(),
        })
        .collect();
    let numbers: HashMap<&str, usize> = contents
        .distributions
        .iter()
        .enumerate()
        .map(|(number, distribution)| (distribution.name.as_str(), number))
        .collect();
    let others = add_others(contents, page);
    let owner = |name: Option<&String>, otherwise: usize| {
        name.and_then(|name| numbers.get(name.as_str())).copied().unwrap_or(otherwise)
    };

    for module in contents.modules.iter().filter(|module| !module.file.is_empty()) {
        let kind = match module.kind {
            ModuleKind::Code => BYTECODE,
            ModuleKind::Extension => EXTENSION,
            ModuleKind::Namespace | ModuleKind::Builtin => continue,
        };
        let otherwise = match module.origin {
            Some(Origin::Own) => others.program,
            // An executable of another version may not say: most of what is nobody's is the standard library's.
            Some(Origin::Stdlib) | None => others.stdlib,
            Some(Origin::Installed) => others.other,
        };
        let whose = owner(module.distribution.as_ref(), otherwise);
        add(page, (&module.file, whose, kind), module.stored, module.size.saturating_add(module.source));
    }
    for library in contents.libraries.iter().filter(|library| !library.is_fused) {
        let whose = owner(library.distribution.as_ref(), others.system);
        add(page, (path_of_library(library), whose, LIBRARY), library.stored, library.size);
    }
    for file in &contents.files {
        let is_metadata = file.reason == "distribution" || file.path.contains(".dist-info/");
        let kind = if is_metadata { METADATA } else { DATA };
        let otherwise =
            if file.reason == "option" || file.reason == "package" { others.program } else { others.other };
        add(page, (&file.path, owner(file.distribution.as_ref(), otherwise), kind), file.stored, file.size);
    }
    let sizes = &contents.sizes;
    let is_fused = contents.program.is_fused;
    let own = [
        (if is_fused { FUSED } else { "the runtime" }, BASE, sizes.base),
        ("padding", INDEX, sizes.alignment),
        ("index", INDEX, sizes.index),
        ("reasons", INDEX, sizes.reasons),
        ("other", INDEX, sizes.other),
    ];
    for (name, kind, size) in own.into_iter().filter(|(.., size)| *size > 0) {
        add(page, (name, others.executable, kind), Some(size), size);
    }
}

fn add(page: &mut Page, (path, owner, kind): (&str, usize, usize), stored: Option<u64>, unpacked: u64) {
    page.parts.path.push(path.to_owned());
    page.parts.distribution.push(owner);
    page.parts.kind.push(kind);
    page.parts.stored.push(stored.unwrap_or_default());
    page.parts.unpacked.push(unpacked);
}

/// What is no distribution comes behind them.
fn add_others(contents: &Contents, page: &mut Page) -> Others {
    let mut add = |name: &str, version: &str, kind, licence: &str| {
        page.distributions.push(Distribution {
            name: name.to_owned(),
            version: version.to_owned(),
            kind,
            licence: licence.to_owned(),
            files: Vec::new(),
        });
        page.distributions.len() - 1
    };
    let python = contents.target.python.as_str();
    Others {
        program: add("the program", "", DistributionKind::Program, ""),
        stdlib: add("standard library", python, DistributionKind::Stdlib, CPYTHON),
        executable: add("CPython and the runtime", python, DistributionKind::Executable, OWN),
        system: add("native libraries", "", DistributionKind::Other, ""),
        other: add("other files", "", DistributionKind::Other, ""),
    }
}

/// What a distribution says of its licence, in a line: the expression where there is one, else a name, else the classifiers.
/// Of a whole text, which older metadata have in the name's place, the beginning.
fn licence(licence: &Licence) -> String {
    let text = licence.text.as_deref().unwrap_or_default();
    let is_name = |text: &&str| {
        text.len() <= LONGEST_NAME
            && text.contains(char::is_alphanumeric)
            && !text.to_ascii_lowercase().starts_with("copyright")
    };
    let name = Some(text).filter(is_name).map(str::to_owned);
    let last = |text: &String| text.rsplit(" :: ").next().unwrap_or(text).to_owned();
    let classifiers: Vec<String> = licence.classifiers.iter().map(last).collect();
    let classified = Some(classifiers.join(", ")).filter(|text| !text.is_empty());
    let beginning = || text.chars().take(LONGEST_NAME).collect();
    licence.expression.clone().or(name).or(classified).unwrap_or_else(beginning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_licence_is_a_name_rather_than_a_text() {
        let of = |expression: &str, text: &str, classifiers: &[&str]| {
            let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            let classifiers = classifiers.iter().map(|text| (*text).to_owned()).collect();
            let licence =
                Licence { expression: some(expression), text: some(text), classifiers, ..Licence::default() };
            super::licence(&licence)
        };
        let mit = ["OSI Approved :: MIT License"];
        assert_eq!(of("MIT OR Apache-2.0", "see LICENSE", &mit), "MIT OR Apache-2.0");
        assert_eq!(of("", "BSD-3-Clause", &mit), "BSD-3-Clause");
        assert_eq!(of("", "=====", &mit), "MIT License");
        assert_eq!(of("", "Copyright (c) 2015, somebody", &mit), "MIT License");
        assert_eq!(of("", &"word ".repeat(99), &[]).len(), LONGEST_NAME);
        assert_eq!(of("", "", &[]), "");
    }
}
