//! Libraries that programs open by name while they run: `ctypes.CDLL("libfoo.so.1")`, `find_library("foo")`.
//!
//! In come the names and the search; out go the files, as the loader of this machine would find them for who calls
//! dlopen(3), and `ldconfig` for who calls `find_library`. What is not found is the program's own concern: most names
//! are one of several that are tried.
//!
//! What must hold: glibc's libraries and those that belong to a driver of the target's kernel are never taken.

use std::path::{Path, PathBuf};

use super::elf::{ElfFacts, ElfKind};
use super::search::LibrarySearch;
use super::system;
use crate::graph::imports::LibraryName;

/// A library that was found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Opened {
    /// The file name by which the program asks for it, or finds it.
    pub name: String,
    /// The real file.
    pub path: PathBuf,
}

/// Beginnings of the names of libraries that speak to a driver: they come with it, in its version.
const DRIVERS: [&str; 13] = [
    "libcuda.so",
    "libcudadebugger",
    "libnvidia-",
    "libnvcuvid",
    "libGL.so",
    "libGLX",
    "libGLdispatch",
    "libEGL",
    "libOpenCL",
    "libvulkan",
    "libdrm",
    "libva.so",
    "libamdhip64",
];

/// Finds a library by the name under which a program opens it. None if it is not here, or the target's own.
pub fn find(name: &LibraryName, search: &LibrarySearch) -> Option<Opened> {
    let directories = search.for_programs();
    let found = match name {
        // A path means one file of the target.
        LibraryName::File(name) if name.contains('/') => None,
        LibraryName::File(name) => {
            let path = directories
                .iter()
                .map(|directory| directory.join(name))
                .find(|path| is_library(path, search));
            path.map(|path| (name.clone(), path))
        }
        LibraryName::Linker(name) => directories.iter().find_map(|directory| newest(directory, name, search)),
    };
    let (name, path) = found?;
    let is_of_target = system::is_provided(&name) || DRIVERS.iter().any(|driver| name.starts_with(driver));
    let path = path.canonicalize().ok().filter(|_| !is_of_target)?;
    Some(Opened { name, path })
}

/// The library of a directory that the linker's name stands for, by its SONAME. Of several, the newest.
fn newest(directory: &Path, name: &str, search: &LibrarySearch) -> Option<(String, PathBuf)> {
    let start = format!("lib{name}.so");
    let entries = std::fs::read_dir(directory).ok()?.flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let candidates = names.filter(|file| file.strip_prefix(&start).is_some_and(is_version));
    let found = candidates.filter_map(|file| {
        let path = directory.join(&file);
        if !is_library(&path, search) {
            return None;
        }
        let soname = ElfFacts::read(&path).ok()?.soname;
        Some((version(&file), soname.filter(|soname| directory.join(soname).is_file()).unwrap_or(file), path))
    });
    found.max().map(|(_, name, path)| (name, path))
}

/// What follows `.so` in a file's name.
fn is_version(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with('.') && rest.chars().all(|c| c == '.' || c.is_ascii_digit())
}

fn version(file: &str) -> Vec<u64> {
    let (_, rest) = file.rsplit_once(".so").unwrap_or_default();
    rest.split('.').filter_map(|part| part.parse().ok()).collect()
}

fn is_library(path: &Path, search: &LibrarySearch) -> bool {
    path.is_file()
        && ElfFacts::read(path).is_ok_and(|facts| {
            facts.kind == ElfKind::SharedObject
                && search.machine.is_none_or(|machine| machine == facts.machine)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str) -> LibraryName {
        LibraryName::File(name.to_owned())
    }

    #[test]
    fn libraries_of_this_machine_are_found_by_both_kinds_of_names() {
        let search = LibrarySearch::of_host();
        let Some(by_file) = find(&file("libz.so.1"), &search) else {
            eprintln!("skipped: this machine has no libz.so.1");
            return;
        };
        assert_eq!(by_file.name, "libz.so.1");
        let by_linker = find(&LibraryName::Linker("z".to_owned()), &search);
        assert_eq!(by_linker, Some(by_file));
    }

    #[test]
    fn what_belongs_to_the_target_or_is_not_there_is_left() {
        let search = LibrarySearch::of_host();
        for name in ["libc.so.6", "libm.so.6", "/lib/x86_64-linux-gnu/libz.so.1", "libsurely-not-there.so.1"]
        {
            assert_eq!(find(&file(name), &search), None, "{name}");
        }
        assert_eq!(find(&LibraryName::Linker("c".to_owned()), &search), None);
    }

    #[test]
    fn drivers_stay_where_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let real = find(&file("libz.so.1"), &LibrarySearch::of_host());
        let Some(real) = real else {
            eprintln!("skipped: this machine has no libz.so.1");
            return;
        };
        let search = LibrarySearch::isolated().with_directories(&[folder.path().to_owned()]);
        for name in ["libcuda.so.1", "libfoo-2.so.9", "libfoo-2.so.10"] {
            std::fs::copy(&real.path, folder.path().join(name)).unwrap();
        }
        assert_eq!(find(&file("libcuda.so.1"), &search), None);
        let newest = find(&LibraryName::Linker("foo-2".to_owned()), &search).unwrap();
        assert_eq!(newest.name, "libfoo-2.so.10");
    }
}
