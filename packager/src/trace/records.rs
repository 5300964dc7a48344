//! What the recorder has written, read: one record a line, as `python/trace_run.py` says.
//!
//! The program's processes write into the file, so anything may be in it: a line that is no record is passed over.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// What the program did in traced runs.
#[derive(Debug, Clone, Default)]
pub struct Traced {
    /// The modules that it imported, each once, in the order of the first imports.
    pub modules: Vec<TracedModule>,
    /// Files that it read and did not write; those of modules are not among them.
    pub files: BTreeSet<PathBuf>,
    /// What the user should know.
    pub warnings: Vec<String>,
    names: BTreeSet<String>,
    /// Files of modules, and what was written.
    no_data: BTreeSet<PathBuf>,
}

/// A module that was imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TracedModule {
    /// Its name.
    pub name: String,
    /// Its file, if it has one: that of a source or extension module; of a package its `__init__`.
    pub file: Option<PathBuf>,
    /// Whose code imported it, if any Python code did.
    pub importer: Option<Importer>,
}

/// The place of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Importer {
    /// The importing module's `__name__`.
    pub name: String,
    /// Its file.
    pub file: PathBuf,
    /// The line.
    pub line: u32,
}

impl Traced {
    /// Adds the records of one run. `counts` tells by kind and text of what a process runs whether it is part of the
    /// program. Returns whether any process was.
    pub fn add(&mut self, records: &[u8], counts: impl Fn(&str, &str) -> bool) -> bool {
        // The number of an ended process may be given to another one: its later start decides from there on.
        let mut processes: BTreeMap<&[u8], bool> = BTreeMap::new();
        let mut any = false;
        for line in records.split(|byte| *byte == b'\n') {
            let fields: Vec<&[u8]> = line.split(|byte| *byte == 0).collect();
            let [kind, process, rest @ ..] = fields.as_slice() else { continue };
            if let (b"start", [kind, what]) = (*kind, rest) {
                let is_part = counts(&String::from_utf8_lossy(kind), &String::from_utf8_lossy(what));
                any |= is_part;
                processes.insert(process, is_part);
                continue;
            }
            if processes.get(process) != Some(&true) {
                continue;
            }
            match (*kind, rest) {
                (b"module", [name, file, importer, importer_file, line]) => {
                    self.add_module(name, file, importer_of(importer, importer_file, line));
                }
                (b"read", [path]) if !self.no_data.contains(&path_of(path)) => {
                    self.files.insert(path_of(path));
                }
                (b"write", [path]) => {
                    self.files.remove(&path_of(path));
                    self.no_data.insert(path_of(path));
                }
                _ => {}
            }
        }
        any
    }

    fn add_module(&mut self, name: &[u8], file: &[u8], importer: Option<Importer>) {
        let Ok(name) = std::str::from_utf8(name) else { return };
        let file = (!file.is_empty()).then(|| path_of(file));
        if let Some(file) = &file {
            self.files.remove(file);
            self.no_data.insert(file.clone());
        }
        if self.names.insert(name.to_owned()) {
            self.modules.push(TracedModule { name: name.to_owned(), file, importer });
        }
    }
}

fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(bytes))
}

fn importer_of(name: &[u8], file: &[u8], line: &[u8]) -> Option<Importer> {
    let (name, line) = (std::str::from_utf8(name).ok()?, std::str::from_utf8(line).ok()?);
    let importer = Importer { name: name.to_owned(), file: path_of(file), line: line.parse().ok()? };
    (!name.is_empty()).then_some(importer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(records: &[&str]) -> Traced {
        let mut traced = Traced::default();
        let records = records.join("\n").replace('|', "\0");
        assert!(traced.add(records.as_bytes(), |kind, what| (kind, what) == ("file", "app.py")));
        traced
    }

    #[test]
    fn modules_of_the_programs_processes_count_once_in_their_order() {
        let traced = read(&[
            "start|1|file|app.py",
            "module|1|b|/b.py|__main__|/app.py|3",
            "start|2|module|pip",
            "module|2|pip|/pip/__init__.py|__main__|/x.py|1",
            "module|3|unknown|/x.py|||0",
            "module|1|a||b|/b.py|7",
            "module|1|b|/other.py|||0",
            "module|1|cut off",
            "start|1|file|other.py",
            "module|1|later|/later.py|||0",
        ]);
        let importer =
            |name: &str, file: &str, line| Some(Importer { name: name.into(), file: file.into(), line });
        let b = TracedModule {
            name: "b".into(),
            file: Some("/b.py".into()),
            importer: importer("__main__", "/app.py", 3),
        };
        let a = TracedModule { name: "a".into(), file: None, importer: importer("b", "/b.py", 7) };
        assert_eq!(traced.modules, [b, a]);
    }

    #[test]
    fn files_that_the_program_writes_are_not_its_data() {
        let traced = read(&[
            "start|1|file|app.py",
            "read|1|/p/data",
            "read|1|/p/module.py",
            "module|1|p.module|/p/module.py|||0",
            "read|1|/p/cache",
            "write|1|/p/cache",
            "write|1|/p/log",
            "read|1|/p/log",
        ]);
        assert_eq!(traced.files, BTreeSet::from([PathBuf::from("/p/data")]));
    }
}
