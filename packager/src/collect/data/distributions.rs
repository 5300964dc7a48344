//! The distributions that included modules belong to: what an installer wrote down of them.
//!
//! In: the directories of `sys.path` and the modules of the graph. Out: each installed distribution with the modules'
//! files it owns, and the list of all files that installers put into the packages. A module belongs to the distribution
//! whose RECORD lists it; where none does (editable installs, system packages), to the one that says so in
//! `top_level.txt`, or whose `.pth` file or finder leads to it, or that has its name.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use super::DataError;
use super::mentions::normalized;
use super::walk::{file_node, read_error};
use crate::collect::files::{FileContent, READABLE, Reason, TreeFile, TreePath};

/// Files of a distribution's metadata that tell how and where it was installed: they differ between equal
/// installations.
const VARYING: [&str; 4] = ["direct_url.json", "INSTALLER", "REQUESTED", "uv_cache.json"];

/// An installed distribution.
#[derive(Debug)]
pub struct Distribution {
    /// Its name, normalised.
    pub name: String,
    /// Its `.dist-info` or `.egg-info`, a directory or a file.
    pub place: PathBuf,
    /// The files it installed, relative to the directory it is in; empty where there is no RECORD.
    files: Vec<Vec<u8>>,
    /// The text of its RECORD.
    record: Option<Vec<u8>>,
}

/// A module's file on this machine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ModuleFile {
    /// First part of its name.
    pub top: String,
    /// The file; of a namespace package there is none.
    pub path: PathBuf,
}

/// What installers put where.
#[derive(Debug, Default)]
pub struct Listed {
    /// Files, relative to the directory of `sys.path` they are in.
    pub files: HashSet<Vec<u8>>,
    directories: HashSet<Vec<u8>>,
}

impl Listed {
    /// Whether a directory holds files that an installer put there.
    pub fn covers(&self, directory: &TreePath) -> bool {
        self.directories.contains(directory.as_bytes())
    }

    fn add(&mut self, file: &[u8]) {
        let mut end = file.len();
        while let Some(slash) = file[..end].iter().rposition(|byte| *byte == b'/') {
            end = slash;
            if !self.directories.insert(file[..end].to_vec()) {
                break;
            }
        }
        self.files.insert(file.to_vec());
    }
}

/// Distributions and what they own.
#[derive(Debug, Default)]
pub struct Distributions {
    all: Vec<Distribution>,
    /// By directory of `sys.path`: what was installed of the tops that the program uses.
    pub listed: BTreeMap<PathBuf, Listed>,
    /// Numbers of those that own a module of the program.
    owning: BTreeSet<usize>,
}

impl Distributions {
    /// Reads the metadata in directories of `sys.path`. Of two distributions with one name the first counts, as for
    /// `importlib.metadata`.
    pub fn read(sites: &[PathBuf], modules: &BTreeSet<ModuleFile>) -> Self {
        let places: Vec<PathBuf> = sites.iter().flat_map(|site| places_in(site)).collect();
        let read: Vec<Distribution> = places.into_par_iter().map(Distribution::read).collect();
        let mut names = BTreeSet::new();
        let all: Vec<Distribution> =
            read.into_iter().filter(|distribution| names.insert(distribution.name.clone())).collect();

        let mut distributions = Self { all, listed: BTreeMap::new(), owning: BTreeSet::new() };
        let tops: HashSet<&[u8]> = modules.iter().map(|module| module.top.as_bytes()).collect();
        let mut owned: HashSet<&Path> = HashSet::new();
        let files: HashSet<&Path> = modules.iter().map(|module| module.path.as_path()).collect();
        for (number, distribution) in distributions.all.iter().enumerate() {
            let Some(site) = distribution.place.parent() else { continue };
            let listed = distributions.listed.entry(site.to_owned()).or_default();
            for file in &distribution.files {
                let top = file.split(|byte| matches!(byte, b'/' | b'.')).next().unwrap_or_default();
                if !tops.contains(top) {
                    continue;
                }
                listed.add(file);
                if let Some(path) = files.get(site.join(OsStr::from_bytes(file)).as_path()) {
                    owned.insert(path);
                    distributions.owning.insert(number);
                }
            }
        }
        let ownerless: Vec<&ModuleFile> =
            modules.iter().filter(|module| !owned.contains(module.path.as_path())).collect();
        if !ownerless.is_empty() {
            for (number, distribution) in distributions.all.iter().enumerate() {
                if distribution.leads_to_any(&ownerless) {
                    distributions.owning.insert(number);
                }
            }
        }
        distributions
    }

    /// Those that own modules, those with these names, and those with entry points in these groups.
    pub fn wanted(&self, names: &BTreeSet<String>, groups: &BTreeSet<String>) -> Vec<&Distribution> {
        let is_wanted = |(number, distribution): &(usize, &Distribution)| {
            self.owning.contains(number)
                || names.contains(&distribution.name)
                || (!groups.is_empty() && distribution.has_entry_points(groups))
        };
        self.all.iter().enumerate().filter(is_wanted).map(|(_, distribution)| distribution).collect()
    }

    /// Those whose description is among these files.
    pub fn described_by(&self, files: &BTreeSet<PathBuf>) -> BTreeSet<String> {
        let is_read = |distribution: &&Distribution| {
            ["METADATA", "PKG-INFO"].iter().any(|name| files.contains(&distribution.place.join(name)))
        };
        self.all.iter().filter(is_read).map(|distribution| distribution.name.clone()).collect()
    }

    /// The files that the program's distributions installed outside of the directory they are in: that directory, and
    /// the file relative to it.
    pub fn outside_of_packages(&self) -> impl Iterator<Item = (&Path, &[u8])> {
        let owning = self.owning.iter().filter_map(|number| self.all.get(*number));
        owning.filter_map(|distribution| Some((distribution.place.parent()?, &distribution.files))).flat_map(
            |(site, files)| {
                let outside = files.iter().filter(|file| file.starts_with(b"../"));
                outside.map(move |file| (site, file.as_slice()))
            },
        )
    }

    /// Whether there is one of a normalised name.
    pub fn has(&self, name: &str) -> bool {
        self.all.iter().any(|distribution| distribution.name == name)
    }

    /// Those that own the modules of a package, for `--collect-all`.
    pub fn of_top(&self, modules: &[&ModuleFile]) -> BTreeSet<String> {
        let owns = |distribution: &&Distribution| {
            let Some(site) = distribution.place.parent() else { return false };
            let in_record = modules.iter().any(|module| {
                let file = module.path.strip_prefix(site).map(|file| file.as_os_str().as_bytes().to_vec());
                file.is_ok_and(|file| distribution.files.contains(&file))
            });
            in_record || distribution.leads_to_any(modules)
        };
        self.all.iter().filter(owns).map(|distribution| distribution.name.clone()).collect()
    }
}

/// Metadata in a directory, sorted.
fn places_in(site: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(site).into_iter().flatten().flatten();
    let is_metadata =
        |path: &PathBuf| path.extension().is_some_and(|suffix| suffix == "dist-info" || suffix == "egg-info");
    let mut places: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_metadata).collect();
    places.sort();
    places
}

impl Distribution {
    fn read(place: PathBuf) -> Self {
        let stem = place.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let name = normalized(stem.split('-').next().unwrap_or_default());
        let record = std::fs::read(place.join("RECORD")).ok();
        let files = record.as_deref().map(recorded_files).unwrap_or_default();
        Self { name, place, files, record }
    }

    /// Whether it is the one that modules without an owner come from.
    fn leads_to_any(&self, modules: &[&ModuleFile]) -> bool {
        let Some(site) = self.place.parent() else { return false };
        let text = |name: &str| std::fs::read_to_string(self.place.join(name)).unwrap_or_default();
        let has_code =
            self.files.iter().any(|file| file.ends_with(b".py") && !file.starts_with(b"__editable__"));
        let tops = text("top_level.txt");
        let has_top = |module: &&&ModuleFile| {
            // A distribution with code here does not own a module of the same name elsewhere.
            let is_here = module.path.starts_with(site);
            let is_named = tops.lines().any(|line| line.trim() == module.top)
                || (tops.is_empty() && normalized(&module.top) == self.name);
            is_named && !has_code && (is_here || self.record.is_some())
        };
        if modules.iter().any(|module| has_top(&module)) {
            return true;
        }
        self.files.iter().any(|file| {
            let path = site.join(OsStr::from_bytes(file));
            if file.ends_with(b".pth") {
                let lines = std::fs::read_to_string(path).unwrap_or_default();
                let mut directories = lines.lines().filter(|line| line.starts_with('/'));
                return directories
                    .any(|line| modules.iter().any(|module| module.path.starts_with(line.trim())));
            }
            if file.starts_with(b"__editable__") {
                let finder = std::fs::read_to_string(path).unwrap_or_default();
                return modules.iter().any(|module| finder.contains(&format!("'{}':", module.top)));
            }
            false
        })
    }

    fn has_entry_points(&self, groups: &BTreeSet<String>) -> bool {
        let text = std::fs::read_to_string(self.place.join("entry_points.txt")).unwrap_or_default();
        let sections = text.lines().filter_map(|line| line.trim().strip_prefix('[')?.strip_suffix(']'));
        sections.into_iter().any(|section| groups.contains(section.trim()))
    }

    /// Its metadata as files of the tree.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn metadata(&self) -> Result<Vec<TreeFile>, DataError> {
        let mut files = Vec::new();
        let path = TreePath::new(self.place.file_name().unwrap_or_default().as_bytes());
        add_metadata(&self.place, &path, &mut files)?;
        if let Some(record) = &self.record {
            let path = path.join(b"RECORD");
            for file in &mut files {
                if file.path == path {
                    file.content = FileContent::Bytes(Arc::from(lasting_record(record)));
                    file.mode = READABLE;
                }
            }
        }
        Ok(files)
    }
}

fn add_metadata(place: &Path, path: &TreePath, files: &mut Vec<TreeFile>) -> Result<(), DataError> {
    let metadata = place.metadata().map_err(|source| read_error(place, source))?;
    if metadata.is_file() {
        files.push(file_node(place, path.clone(), &metadata, false, Reason::Distribution));
    } else if metadata.is_dir() {
        for entry in std::fs::read_dir(place).map_err(|source| read_error(place, source))? {
            let name = entry.map_err(|source| read_error(place, source))?.file_name();
            if !VARYING.iter().any(|varying| name == *varying) && name != "__pycache__" {
                add_metadata(&place.join(&name), &path.join(name.as_bytes()), files)?;
            }
        }
    }
    Ok(())
}

/// The lines of a RECORD (PyPA, "Recording installed projects"): path, and the rest with its comma.
fn record_lines(record: &[u8]) -> impl Iterator<Item = (Vec<u8>, &[u8])> {
    let lines = record.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    lines.map(|line| {
        if line[0] != b'"' {
            let end = line.iter().position(|byte| *byte == b',').unwrap_or(line.len());
            return (line[..end].to_vec(), &line[end..]);
        }
        let (mut path, mut at) = (Vec::new(), 1);
        while let Some(byte) = line.get(at) {
            match (byte, line.get(at + 1)) {
                (b'"', Some(b'"')) => at += 1,
                (b'"', _) => {
                    at += 1;
                    break;
                }
                _ => {}
            }
            path.push(*byte);
            at += 1;
        }
        (path, line.get(at..).unwrap_or_default())
    })
}

fn recorded_files(record: &[u8]) -> Vec<Vec<u8>> {
    record_lines(record).map(|(path, _)| path).collect()
}

/// A RECORD without what differs between equal installations: bytecode, notes of the installer, and the hashes of what
/// names the environment's place (scripts, path files).
fn lasting_record(record: &[u8]) -> Vec<u8> {
    let mut lasting = Vec::with_capacity(record.len());
    for (path, rest) in record_lines(record) {
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        let is_metadata = path.windows(11).any(|part| part == b".dist-info/");
        if name.ends_with(b".pyc")
            || (is_metadata && VARYING.iter().any(|varying| name == varying.as_bytes()))
        {
            continue;
        }
        let names_place =
            path.starts_with(b"../") || path.ends_with(b".pth") || path.starts_with(b"__editable__");
        if path.iter().any(|byte| matches!(byte, b',' | b'"')) {
            lasting.push(b'"');
            for byte in &path {
                lasting.extend(std::iter::repeat_n(*byte, if *byte == b'"' { 2 } else { 1 }));
            }
            lasting.push(b'"');
        } else {
            lasting.extend(&path);
        }
        lasting.extend(if names_place { b",," } else { rest });
        lasting.push(b'\n');
    }
    lasting
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &[u8] = b"../../../bin/tool,sha256=abc,200\r\n\
        pkg-1.dist-info/INSTALLER,sha256=x,4\n\
        pkg-1.dist-info/RECORD,,\n\
        pkg-1.dist-info/direct_url.json,sha256=x,4\n\
        pkg.pth,sha256=x,4\n\
        pkg/INSTALLER,sha256=x,4\n\
        pkg/__init__.py,sha256=x,4\n\
        pkg/__pycache__/__init__.cpython-311.pyc,,\n\
        \"pkg/a,b \"\"c\"\".txt\",sha256=x,4\n";

    #[test]
    fn a_record_keeps_what_is_the_same_everywhere() {
        let lasting = String::from_utf8(lasting_record(RECORD)).unwrap();
        let expected = "../../../bin/tool,,\npkg-1.dist-info/RECORD,,\npkg.pth,,\npkg/INSTALLER,sha256=x,4\n\
            pkg/__init__.py,sha256=x,4\n\"pkg/a,b \"\"c\"\".txt\",sha256=x,4\n";
        assert_eq!(lasting, expected);
        let files = recorded_files(RECORD);
        assert_eq!(files.last().map(Vec::as_slice), Some(b"pkg/a,b \"c\".txt".as_slice()));
    }

    #[test]
    fn modules_find_their_distribution() {
        let folder = tempfile::tempdir().unwrap();
        let site = folder.path().join("site");
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write(
            "site/Re_Corded-1.dist-info/RECORD",
            "recorded/__init__.py,,\nrecorded/data.txt,,\nother/x.py,,\n",
        );
        write("site/legacy-1.egg-info/top_level.txt", "old\nolder\n");
        write("site/named.egg-info", "Name: named\n");
        write("site/by_path-1.dist-info/RECORD", "by_path.pth,,\nby_path-1.dist-info/RECORD,,\n");
        write("site/by_path.pth", &format!("{}\n", folder.path().join("src").display()));
        write("site/unused-1.dist-info/RECORD", "unused/__init__.py,,\n");
        write("site/unused-1.dist-info/entry_points.txt", "[console_scripts]\nx = y\n[app.plugins]\nz = w\n");
        let module = |top: &str, path: &str| ModuleFile { top: top.into(), path: folder.path().join(path) };
        let owners = |modules: &[ModuleFile], names: &[&str], groups: &[&str]| -> Vec<String> {
            let modules: BTreeSet<ModuleFile> = modules.iter().cloned().collect();
            let found = Distributions::read(std::slice::from_ref(&site), &modules);
            let set = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
            found.wanted(&set(names), &set(groups)).iter().map(|found| found.name.clone()).collect()
        };
        assert_eq!(owners(&[module("recorded", "site/recorded/__init__.py")], &[], &[]), ["re_corded"]);
        assert_eq!(owners(&[module("older", "site/older.py")], &[], &[]), ["legacy"]);
        assert_eq!(owners(&[module("named", "site/named/__init__.py")], &[], &[]), ["named"]);
        assert_eq!(owners(&[module("what", "src/what/__init__.py")], &[], &[]), ["by_path"]);
        assert!(owners(&[module("elsewhere", "app/elsewhere.py")], &[], &[]).is_empty());
        assert_eq!(owners(&[], &["unused"], &[]), ["unused"]);
        assert_eq!(owners(&[], &[], &["app.plugins"]), ["unused"]);

        let modules = BTreeSet::from([module("recorded", "site/recorded/__init__.py")]);
        let found = Distributions::read(std::slice::from_ref(&site), &modules);
        let listed = &found.listed[&site];
        assert!(listed.covers(&"recorded".into()) && listed.files.contains(b"recorded/data.txt".as_slice()));
        assert!(!listed.covers(&"other".into()), "the program does not use it");
    }
}
