//! The bill of materials of a program: CycloneDX 1.6 as JSON (ECMA-424).
//!
//! In: an inventory. Out: one document: the application, a component for each distribution, CPython, the runtime and each
//! native library, and which needs which. It depends on the inventory alone: the serial number follows from the rest, and
//! there is a time only where SOURCE_DATE_EPOCH gives one.

mod document;
mod licences;

use std::collections::{BTreeMap, BTreeSet};

pub use document::Bom;
use document::{
    Component, Dependency, ExternalReference, Hash, Metadata, SCHEMA_ADDRESS, SPEC_VERSION, Tools, property,
};
use licences::{Licensed, licences};

use super::model::{Contents, Distribution, Library, ModuleKind};
use crate::graph::Origin;

/// References of components that every program has.
const APPLICATION: &str = "application";
const CPYTHON: &str = "cpython";
const RUNTIME: &str = "snapfreeze-runtime";

/// What the document says beside the inventory.
#[derive(Debug, Clone, Default)]
pub struct Circumstances {
    /// SHA-256-sized BLAKE3 checksum of the executable's file, in hexadecimal digits.
    pub checksum: Option<String>,
    /// Seconds since 1970, from SOURCE_DATE_EPOCH.
    pub time: Option<i64>,
}

/// The bill of materials of a program.
///
/// # Errors
/// When there is no memory for it.
pub fn bom(contents: &Contents, circumstances: &Circumstances) -> Result<Bom, serde_json::Error> {
    let mut components = vec![cpython(contents), runtime(contents)];
    components.extend(contents.distributions.iter().map(distribution));
    let libraries = contents.libraries.iter().filter(|library| !library.is_fused);
    components.extend(libraries.map(library));
    components.sort_by(|one, other| one.reference.cmp(&other.reference));
    components.dedup_by(|one, other| one.reference == other.reference);
    let mut bom = Bom {
        schema: SCHEMA_ADDRESS,
        format: "CycloneDX",
        spec_version: SPEC_VERSION,
        serial_number: String::new(),
        version: 1,
        metadata: Metadata {
            timestamp: circumstances.time.and_then(timestamp),
            tools: Tools {
                components: vec![Component {
                    version: Some(env!("CARGO_PKG_VERSION").into()),
                    ..Component::new("application", "snapfreeze", "tool:snapfreeze")
                }],
            },
            component: application(contents, circumstances),
        },
        dependencies: dependencies(contents, &components),
        components,
    };
    bom.serial_number = serial_number(&serde_json::to_vec(&bom)?);
    Ok(bom)
}

/// A UUID of version 8 (RFC 9562) that follows from the document.
fn serial_number(document: &[u8]) -> String {
    let hash = blake3::hash(document);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.as_bytes()[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
    format!("urn:uuid:{}", parts.join("-"))
}

/// A time as RFC 3339 has it; none before the year 0 or after 9999.
fn timestamp(seconds: i64) -> Option<String> {
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Years from March on have their leap day at the end; 719,468 days are from the first of March of the year 0 to 1970.
    let days = days.checked_add(719_468)?;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = era * 400 + year_of_era + next;
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    (0..=9_999)
        .contains(&year)
        .then(|| format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"))
}

fn application(contents: &Contents, circumstances: &Circumstances) -> Component {
    let (target, options, portability) = (&contents.target, &contents.options, &contents.portability);
    let mut properties = vec![
        property("entry", &contents.program.entry),
        property("optimize", options.optimize),
        property("platform", &target.platform),
    ];
    properties.extend(portability.glibc.as_ref().map(|glibc| property("glibc", &glibc.version)));
    properties.extend(portability.kernel.as_ref().map(|kernel| property("kernel", kernel)));
    properties.extend(contents.program.checksum.as_ref().map(|sum| property("archive-checksum", sum)));
    Component {
        hashes: hashes(circumstances.checksum.as_ref()),
        properties,
        ..Component::new("application", &contents.program.name, APPLICATION)
    }
}

fn hashes(blake3: Option<&String>) -> Vec<Hash> {
    blake3.map(|content| Hash { alg: "BLAKE3", content: content.clone() }).into_iter().collect()
}

fn cpython(contents: &Contents) -> Component {
    let version = &contents.target.python;
    // Of 3.14.0rc1 the CPE has 3.14.0 and, as its update, rc1.
    let end = version.find(|one: char| !one.is_ascii_digit() && one != '.').unwrap_or(version.len());
    let (release, update) = version.split_at(end);
    let is_word = update.chars().all(|one| one.is_ascii_alphanumeric());
    let update = if update.is_empty() || !is_word { "*" } else { update };
    let kind = if contents.program.is_fused { "executable" } else { "library" };
    Component {
        version: Some(version.clone()),
        cpe: Some(format!("cpe:2.3:a:python:python:{release}:{update}:*:*:*:*:*:*")),
        purl: Some(format!("pkg:generic/cpython@{}", encoded(version))),
        licenses: vec![Licensed::id("Python-2.0")],
        properties: vec![property("part-of", kind)],
        ..Component::new("platform", "CPython", CPYTHON)
    }
}

/// The stub. Of an executable its version is not known, of a program that is not built it is this packager's.
fn runtime(contents: &Contents) -> Component {
    let version = (!contents.program.is_built).then(|| env!("CARGO_PKG_VERSION").to_owned());
    let sum = contents.program.base_checksum.as_ref();
    Component {
        version,
        licenses: vec![Licensed::Expression { expression: "MIT OR Apache-2.0".into() }],
        properties: sum.map(|sum| property("base-checksum", sum)).into_iter().collect(),
        ..Component::new("framework", "snapfreeze-runtime", RUNTIME)
    }
}

fn distribution(distribution: &Distribution) -> Component {
    let version = Some(distribution.version.clone()).filter(|version| !version.is_empty());
    let mut properties = vec![property("metadata", &distribution.metadata)];
    properties.extend(distribution.licence.files.iter().map(|file| property("licence-file", file)));
    properties.push(property("size", distribution.size));
    properties.extend(distribution.stored.map(|stored| property("stored", stored)));
    Component {
        purl: Some(purl(distribution)),
        version,
        description: distribution.summary.clone(),
        licenses: licences(&distribution.licence),
        external_references: references(distribution),
        properties,
        ..Component::new("library", &distribution.name, &reference(&distribution.name))
    }
}

/// A package URL: the name is normalised (PEP 503), as the type `pypi` asks for.
fn purl(distribution: &Distribution) -> String {
    let name = encoded(&normalized(&distribution.name));
    match distribution.version.as_str() {
        "" => format!("pkg:pypi/{name}"),
        version => format!("pkg:pypi/{name}@{}", encoded(version)),
    }
}

fn normalized(name: &str) -> String {
    let parts = name.split(['-', '_', '.']).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("-").to_lowercase()
}

/// Text as a package URL has it.
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'~' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

fn reference(distribution: &str) -> String {
    format!("distribution:{}", normalized(distribution))
}

fn library_reference(library: &Library) -> String {
    format!("library:{}", if library.file.is_empty() { &library.name } else { &library.file })
}

fn library(library: &Library) -> Component {
    let bundled = library.distribution.as_deref().unwrap_or("the system that it was built on");
    let mut properties = vec![property("bundled-by", bundled)];
    if !library.file.is_empty() {
        properties.push(property("file", &library.file));
    }
    properties.push(property("size", library.size));
    Component {
        hashes: hashes(library.blake3.as_ref()),
        properties,
        ..Component::new("library", &library.name, &library_reference(library))
    }
}

/// Addresses that are addresses: a document with others would not be valid.
fn references(distribution: &Distribution) -> Vec<ExternalReference> {
    let allowed = |one: char| one.is_ascii_graphic() && !"<>\"{}|\\^`".contains(one);
    let is_address = |url: &str| {
        (url.starts_with("https://") || url.starts_with("http://"))
            && url.chars().all(allowed)
            && !url.contains(['[', ']'])
            && url
                .split('%')
                .skip(1)
                .all(|rest| rest.len() >= 2 && rest.bytes().take(2).all(|byte| byte.is_ascii_hexdigit()))
    };
    let mut references: Vec<ExternalReference> = Vec::new();
    for (label, url) in distribution.urls.iter().filter(|(_, url)| is_address(url)) {
        let label = label.to_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| label.contains(word));
        let kind = if has(&["home"]) {
            "website"
        } else if has(&["source", "repository", "code", "github"]) {
            "vcs"
        } else if has(&["issue", "bug", "tracker"]) {
            "issue-tracker"
        } else if has(&["doc"]) {
            "documentation"
        } else if has(&["change", "release", "history", "what's new"]) {
            "release-notes"
        } else {
            "other"
        };
        let reference = ExternalReference { kind, url: url.clone() };
        if !references.contains(&reference) {
            references.push(reference);
        }
    }
    references
}

/// Which component needs which: by imports between their modules, by what native files are linked to, and by what
/// distributions require of those that are there.
fn dependencies(contents: &Contents, components: &[Component]) -> Vec<Dependency> {
    let mut needs: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for component in components {
        needs.entry(component.reference.clone()).or_default();
    }
    let mut add = |from: &str, to: String| {
        if from != to {
            needs.entry(from.to_owned()).or_default().insert(to);
        }
    };
    for always in [CPYTHON, RUNTIME] {
        add(APPLICATION, always.to_owned());
    }
    let owner = |module: &super::model::Module| match (&module.distribution, module.origin) {
        (Some(name), _) => reference(name),
        (None, Some(Origin::Stdlib)) => CPYTHON.to_owned(),
        (None, _) if module.kind == ModuleKind::Builtin => CPYTHON.to_owned(),
        (None, _) => APPLICATION.to_owned(),
    };
    let owners: BTreeMap<&str, String> =
        contents.modules.iter().map(|module| (module.name.as_str(), owner(module))).collect();
    let libraries: BTreeMap<&str, String> = contents
        .libraries
        .iter()
        .map(|library| (library.name.as_str(), library_reference(library)))
        .collect();
    let fused =
        contents.libraries.iter().find(|library| library.is_fused).map(|library| library.name.as_str());
    let of_library =
        |name: &str| if Some(name) == fused { Some(CPYTHON.into()) } else { libraries.get(name).cloned() };
    for module in &contents.modules {
        let Some(from) = owners.get(module.name.as_str()) else { continue };
        for import in &module.imports {
            // The standard library leads only to itself.
            match owners.get(import.module.as_str()) {
                Some(to) if from != CPYTHON && to != APPLICATION => add(from, to.clone()),
                _ => {}
            }
        }
        for to in module.needs.iter().filter_map(|name| of_library(name)) {
            add(from, to);
        }
    }
    for library in &contents.libraries {
        let Some(from) = of_library(&library.name) else { continue };
        for to in library.needs.iter().filter_map(|name| of_library(name)) {
            add(&from, to);
        }
        if let Some(distribution) = &library.distribution {
            add(&reference(distribution), from);
        }
    }
    let present: BTreeSet<String> =
        contents.distributions.iter().map(|distribution| reference(&distribution.name)).collect();
    for distribution in &contents.distributions {
        // One with a marker may be meant for another system or an extra; imports show those that count.
        for required in distribution.requires.iter().filter(|required| !required.contains(';')) {
            let end = required.find(|one: char| !one.is_ascii_alphanumeric() && !"-_.".contains(one));
            let to = reference(&required[..end.unwrap_or(required.len())]);
            if present.contains(&to) {
                add(&reference(&distribution.name), to);
            }
        }
    }
    // What nothing leads to belongs to the application all the same.
    let reached: BTreeSet<String> = needs.values().flatten().cloned().collect();
    let unreached: Vec<String> = needs.keys().filter(|name| !reached.contains(*name)).cloned().collect();
    let application = needs.entry(APPLICATION.to_owned()).or_default();
    application.extend(unreached.into_iter().filter(|name| name != APPLICATION));
    needs
        .into_iter()
        .map(|(reference, needs)| Dependency { reference, depends_on: needs.into_iter().collect() })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        let cases = [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
        ];
        for (seconds, text) in cases {
            assert_eq!(timestamp(seconds).as_deref(), Some(text));
        }
        assert_eq!(
            [timestamp(253_402_300_800), timestamp(i64::MIN), timestamp(i64::MAX)],
            [None, None, None]
        );
    }

    #[test]
    fn names_are_as_package_addresses_have_them() {
        assert_eq!(normalized("Foo.._Bar"), "foo-bar");
        assert_eq!(encoded("1.0+local~1"), "1.0%2Blocal~1");
        let number = serial_number(b"x");
        assert_eq!((number.len(), &number[..9], &number[23..24]), (45, "urn:uuid:", "8"));
        assert_eq!(number, serial_number(b"x"));
    }
}
