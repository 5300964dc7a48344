//! The installed distributions: what each has, and what it requires.
//!
//! Read from the metadata in the directories of `sys.path` when it is first asked for. A module belongs to the
//! distribution whose RECORD lists it; below a regular package, to the package's, unless another lists it. So in a
//! namespace package (`google.…`) each part belongs to the distribution that brought it. Where there is no RECORD (old
//! eggs, packages of the system) `top_level.txt` or the distribution's name says which top-level modules it has; that
//! counts in `site-packages` only. What no distribution has is the program's own code.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::requirements::{Environment, Requirement, normalized};

/// Numbers of distributions; one module may be listed by several.
pub type Owners = BTreeSet<usize>;

/// The installed distributions.
#[derive(Debug, Default)]
pub struct Distributions {
    all: Vec<Distribution>,
    by_name: BTreeMap<String, usize>,
    /// Modules by dotted name, the first directory's first.
    modules: BTreeMap<String, Listed>,
    /// Names that are above modules and no module's.
    namespaces: HashSet<String>,
}

/// Who lists a module.
#[derive(Debug)]
struct Listed {
    owners: Owners,
    /// Whether it is a regular package: what is below it is theirs, too.
    is_package: bool,
    directory: usize,
}

/// An installed distribution.
#[derive(Debug)]
pub struct Distribution {
    /// Its name as it spells it.
    pub name: String,
    /// What it requires, with all extras and markers.
    pub requires: Vec<Requirement>,
    /// Where its sources are, if it is installed from there to be edited.
    pub editable: Option<PathBuf>,
    /// The names of the modules that it lists, and whether they are regular packages.
    modules: Vec<(String, bool)>,
    /// Normalised names of what it requires on the target with any of its extras, and with none.
    mentioned: [BTreeSet<String>; 2],
}

impl Distributions {
    /// Reads those of these directories. What cannot be read says nothing. Of two with one name the first counts, as for
    /// `importlib.metadata`.
    pub fn read(path: &[PathBuf], environment: &Environment) -> Self {
        let places: Vec<(usize, PathBuf)> = path
            .iter()
            .enumerate()
            .flat_map(|(number, directory)| {
                places_in(directory).into_iter().map(move |place| (number, place))
            })
            .collect();
        let read =
            |(number, place): (usize, PathBuf)| Some((number, Distribution::read(&place, environment)?));
        let read: Vec<_> = places.into_par_iter().filter_map(read).collect();
        let mut all = Self::default();
        for (directory, mut distribution) in read {
            let modules = std::mem::take(&mut distribution.modules);
            let number = *all.by_name.entry(normalized(&distribution.name)).or_insert(all.all.len());
            if number == all.all.len() {
                all.all.push(distribution);
            }
            for (name, is_package) in modules {
                let listed = all.modules.entry(name);
                let listed =
                    listed.or_insert_with(|| Listed { owners: Owners::new(), is_package, directory });
                if listed.directory == directory {
                    listed.owners.insert(number);
                    listed.is_package |= is_package;
                }
            }
        }
        for name in all.modules.keys() {
            let above = name.rmatch_indices('.').map(|(at, _)| &name[..at]);
            for package in above.take_while(|package| !all.modules.contains_key(*package)) {
                if !all.namespaces.insert(package.to_owned()) {
                    break;
                }
            }
        }
        all
    }

    /// Whether a module is a distribution's, or a namespace package that distributions share.
    pub fn lists(&self, name: &str) -> bool {
        self.is_namespace(name) || !self.owners(name).is_empty()
    }

    /// Whether a name is only above modules of distributions, and no module's itself.
    pub fn is_namespace(&self, name: &str) -> bool {
        self.namespaces.contains(name)
    }

    /// Who has a module: the distributions that list it, or else the nearest regular package above it. Empty for what
    /// is nobody's, and for namespace packages.
    pub fn owners(&self, module: &str) -> Owners {
        if let Some(listed) = self.modules.get(module) {
            return listed.owners.clone();
        }
        let above = module.rmatch_indices('.').map(|(at, _)| &module[..at]);
        let listed = above.filter_map(|package| self.modules.get(package)).find(|listed| listed.is_package);
        listed.map(|listed| listed.owners.clone()).unwrap_or_default()
    }

    /// The number of a distribution, by any spelling of its name.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.by_name.get(&normalized(name)).copied()
    }

    /// A distribution by its number.
    pub fn get(&self, number: usize) -> Option<&Distribution> {
        self.all.get(number)
    }

    /// All of them, with their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &Distribution)> {
        self.all.iter().enumerate()
    }

    /// Whether the distribution of one module has another one too, or requires one that has it, if only with an extra.
    /// A module of no distribution may need anything.
    pub fn requires(&self, from: &str, to: &str) -> bool {
        let (from, to) = (self.owners(from), self.owners(to));
        from.is_empty() || !from.is_disjoint(&to) || self.mentions(&from, &to, false)
    }

    /// Whether the distribution of one module requires that of another without an extra.
    pub fn requires_always(&self, from: &str, to: &str) -> bool {
        self.mentions(&self.owners(from), &self.owners(to), true)
    }

    /// Whether one of these requires one of those, with any of its extras or without.
    pub fn mentions(&self, from: &Owners, to: &Owners, always: bool) -> bool {
        let wanted = |number: &usize| self.get(*number).map(|distribution| normalized(&distribution.name));
        let wanted: BTreeSet<String> = to.iter().filter_map(wanted).collect();
        let mentioned = from.iter().filter_map(|number| self.get(*number));
        mentioned.map(|from| &from.mentioned[usize::from(always)]).any(|names| !names.is_disjoint(&wanted))
    }
}

impl Distribution {
    fn read(place: &Path, environment: &Environment) -> Option<Self> {
        let read = |name: &str| -> Option<String> {
            let file = if place.is_dir() { place.join(name) } else { place.to_owned() };
            Some(String::from_utf8_lossy(&std::fs::read(file).ok()?).into_owned())
        };
        let is_dist_info = place.extension() == Some(OsStr::new("dist-info"));
        let metadata = read(if is_dist_info { "METADATA" } else { "PKG-INFO" })?;
        // Headers end at the first empty line; what follows is a description. A line of blanks continues a header.
        let headers = || metadata.lines().take_while(|line| !line.is_empty());
        let name = headers().find_map(|line| line.strip_prefix("Name:"))?.trim().to_owned();
        let mut requires: Vec<Requirement> = headers()
            .filter_map(|line| line.strip_prefix("Requires-Dist:"))
            .filter_map(Requirement::parse)
            .collect();
        if requires.is_empty() && !is_dist_info && place.is_dir() {
            requires = egg_requirements(&read("requires.txt").unwrap_or_default());
        }
        let in_directory = |name: &str| if place.is_dir() { read(name) } else { None };
        let modules = match in_directory("RECORD").filter(|record| !record.trim().is_empty()) {
            Some(record) => record.lines().flat_map(listed_modules).collect(),
            None => top_level(place, &name, &in_directory("top_level.txt").unwrap_or_default()),
        };
        let extras: BTreeSet<String> = headers()
            .filter_map(|line| line.strip_prefix("Provides-Extra:"))
            .map(normalized)
            .chain(requires.iter().flat_map(Requirement::extras_in_marker))
            .collect();
        let extras: Vec<&str> = extras.iter().map(String::as_str).collect();
        let mentioned = [extras.as_slice(), &[]].map(|extras| {
            let holding = requires.iter().filter(|requirement| requirement.holds(environment, extras));
            holding.map(|requirement| requirement.name.clone()).collect()
        });
        let editable = in_directory("direct_url.json").and_then(|text| editable_directory(&text));
        Some(Self { name, requires, editable, modules, mentioned })
    }
}

/// The metadata in a directory of `sys.path`, sorted.
fn places_in(directory: &Path) -> Vec<PathBuf> {
    let is_metadata = |place: &PathBuf| {
        place.extension().is_some_and(|suffix| suffix == "dist-info" || suffix == "egg-info")
    };
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut places: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_metadata).collect();
    // An egg has its metadata inside.
    places.extend(Some(directory.join("EGG-INFO")).filter(|place| place.is_dir()));
    places.sort();
    places
}

/// Whether a directory of `sys.path` has metadata of distributions.
pub fn has_metadata(directory: &Path) -> bool {
    !places_in(directory).is_empty()
}

/// Whether a path is where installers put things.
pub fn is_in_site(path: &Path) -> bool {
    let is_site = |part: std::path::Component| match part.as_os_str().to_str() {
        Some(name) => matches!(name, "site-packages" | "dist-packages") || name.ends_with(".egg"),
        None => false,
    };
    path.components().any(is_site)
}

/// The module that a line of RECORD lists, with whether it is a regular package.
fn listed_modules(line: &str) -> Option<(String, bool)> {
    // A name with a comma is in quotes, and no module's.
    let file = line.split(',').next()?;
    let (directory, name) = file.rsplit_once('/').unwrap_or(("", file));
    let (stem, suffix) = name.split_once('.')?;
    if !(matches!(suffix, "py" | "pyc" | "so") || suffix.ends_with(".so"))
        || directory.ends_with("__pycache__")
    {
        return None;
    }
    let parts = directory.split('/').filter(|part| !part.is_empty());
    let is_package = stem == "__init__";
    let parts: Vec<&str> = parts.chain((!is_package).then_some(stem)).collect();
    let is_name = |part: &&str| part.chars().all(|c| c == '_' || c.is_alphanumeric());
    (!parts.is_empty() && parts.iter().all(is_name)).then(|| (parts.join("."), is_package))
}

/// The top-level modules of a distribution without a RECORD.
fn top_level(place: &Path, name: &str, listed: &str) -> Vec<(String, bool)> {
    if !is_in_site(place) {
        return Vec::new();
    }
    let mut tops: Vec<String> = listed.lines().map(|line| line.trim().replace('/', ".")).collect();
    tops.retain(|top| !top.is_empty());
    if tops.is_empty() {
        tops.push(normalized(name).replace('-', "_"));
    }
    tops.into_iter().map(|top| (top, true)).collect()
}

/// The requirements in an egg's `requires.txt`: sections `[extra:marker]`, a line each.
fn egg_requirements(text: &str) -> Vec<Requirement> {
    let mut condition = String::new();
    let mut all = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(section) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            let (extra, marker) = section.split_once(':').unwrap_or((section, ""));
            let extra = if extra.is_empty() { String::new() } else { format!("extra == '{extra}'") };
            let parts = [extra, if marker.is_empty() { String::new() } else { format!("({marker})") }];
            let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
            condition = parts.join(" and ");
        } else {
            all.extend(Requirement::parse(&format!("{line} ; {condition}")));
        }
    }
    all
}

/// The directory of an editable installation, from `direct_url.json` (PEP 610).
fn editable_directory(text: &str) -> Option<PathBuf> {
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    let is_editable = value.get("dir_info")?.get("editable")?.as_bool()?;
    let url = value.get("url")?.as_str()?.strip_prefix("file://")?;
    is_editable.then(|| PathBuf::from(percent_decoded(url)))
}

fn percent_decoded(url: &str) -> std::ffi::OsString {
    use std::os::unix::ffi::OsStringExt;
    let mut bytes = Vec::new();
    let mut rest = url.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = (*first == b'%').then(|| after.get(..2)).flatten();
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    std::ffi::OsString::from_vec(bytes)
}

#[cfg(test)]
#[path = "distributions_tests.rs"]
mod tests;
