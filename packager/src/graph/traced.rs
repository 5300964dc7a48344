//! Modules that traced runs have imported: what no rule found joins the graph.
//!
//! Only a module that the program's own search finds where the run found it counts: one of a temporary directory, or of a
//! directory that the program itself puts on `sys.path`, is not where the executable looks.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::build::{Builder, GraphError, MAIN};
use super::{Given, ModuleKind, Origin, Rule};
use crate::trace::TracedModule;

/// The entry's name in children that multiprocessing has spawned.
const MAIN_OF_CHILDREN: &str = "__mp_main__";

impl Builder<'_> {
    /// Adds the modules that were imported in traced runs and are not there yet. Returns whether there were any.
    pub(super) fn follow_traced(&mut self) -> Result<bool, GraphError> {
        let traced = self.request.traced;
        let before = self.graph.modules.len();
        let mut unknown = BTreeSet::new();
        for module in traced {
            if !self.graph.modules.contains_key(&module.name) && !self.follow_one(module) {
                unknown.insert(module.name.clone());
            }
        }
        unknown.retain(|name| !self.specs.contains_key(name) && self.only_interpreter_knows(name));
        if !unknown.is_empty() {
            self.ask(&unknown.iter().cloned().collect::<Vec<_>>())?;
            let is_asked = |module: &&TracedModule| unknown.contains(&module.name);
            for module in traced.iter().filter(is_asked) {
                self.follow_one(module);
            }
        }
        Ok(self.graph.modules.len() > before)
    }

    /// Adds a module, if it is where the run found it.
    fn follow_one(&mut self, module: &TracedModule) -> bool {
        if !self.is_in_place(module) || !self.ensure(&module.name) {
            return false;
        }
        match self.importer(module) {
            Some((from, line)) => {
                self.link(&from, &module.name, Rule::Traced, line, false);
            }
            None => {
                self.give(&module.name, Given::Traced);
                self.note_use_outside(&module.name);
            }
        }
        true
    }

    /// Whether the search would find the module where it was found.
    fn is_in_place(&self, module: &TracedModule) -> bool {
        let Some(file) = &module.file else { return true };
        if let Some(Some(spec)) = self.specs.get(&module.name) {
            return spec.file.as_deref().is_none_or(|known| is_same(known, file));
        }
        let Some(directory) = directory_of(&module.name, file) else { return false };
        let directories = match module.name.rsplit_once('.') {
            None => &self.path,
            // A parent is imported before, so it is there if it is to be found at all.
            Some((parent, _)) => match self.graph.modules.get(parent) {
                Some(parent) => &parent.directories,
                None => return false,
            },
        };
        directories.iter().any(|known| is_same(known, directory))
    }

    /// The module of the graph whose code imported another, and the line.
    fn importer(&self, module: &TracedModule) -> Option<(String, u32)> {
        let importer = module.importer.as_ref()?;
        let is_main = importer.name == MAIN || importer.name == MAIN_OF_CHILDREN;
        let name = if is_main { &self.main } else { &importer.name };
        let is_it = match &self.graph.modules.get(name)?.kind {
            ModuleKind::Source { path: Some(path), .. }
            | ModuleKind::Bytecode(path)
            | ModuleKind::Extension(path) => is_same(path, &importer.file),
            // The call of an entry point: a text without a file.
            ModuleKind::Source { path: None, .. } => is_main && importer.file == Path::new("<string>"),
            ModuleKind::Builtin | ModuleKind::Namespace => false,
        };
        is_it.then(|| (name.clone(), importer.line))
    }

    /// Names the directories that the program itself has put on `sys.path`, so that they can be named to the build.
    pub(super) fn warn_of_traced_elsewhere(&mut self) {
        let mut elsewhere: BTreeMap<PathBuf, &str> = BTreeMap::new();
        for module in self.request.traced {
            let (name, Some(file)) = (&module.name, &module.file) else { continue };
            if name.contains('.') || self.graph.modules.contains_key(name) || self.is_in_place(module) {
                continue;
            }
            // What the program made for itself is gone by now.
            if self.origin(file) == Origin::Own
                && file.is_file()
                && let Some(directory) = directory_of(name, file)
            {
                elsewhere.entry(directory.to_owned()).or_insert(name);
            }
        }
        self.graph.warnings.extend(elsewhere.into_iter().map(|(directory, name)| {
            let directory = directory.display();
            format!(
                "{name} was imported in a traced run from {directory}, which the program puts on sys.path itself; \
                 --paths {directory} has it included"
            )
        }));
    }
}

/// The directory in which a module was found: that of its file, or of its package's directory.
fn directory_of<'a>(name: &str, file: &'a Path) -> Option<&'a Path> {
    let stem = file.file_name()?.to_str()?.split('.').next()?;
    let directory = file.parent()?;
    let last = name.rsplit('.').next().unwrap_or(name);
    if stem == "__init__" && last != "__init__" { directory.parent() } else { Some(directory) }
}

fn is_same(one: &Path, other: &Path) -> bool {
    one == other || one.canonicalize().is_ok_and(|one| other.canonicalize().is_ok_and(|other| one == other))
}

#[cfg(test)]
mod tests {
    use super::super::ModuleGraph;
    use super::super::build::tests::tree;
    use super::super::build::{GraphRequest, build};
    use super::super::options::GraphOptions;
    use super::*;
    use crate::cache::Cache;
    use crate::compile::workers::tests::interpreters;
    use crate::entry::Entry;
    use crate::probe::probe;
    use crate::progress::Progress;
    use crate::trace::Importer;

    /// The graph of `main.py` beside distributions, with modules that runs have imported.
    fn graph(folder: &Path, traced: &[TracedModule], excluded: &[String]) -> Option<ModuleGraph> {
        let cache = Cache::none();
        let mut facts = probe(interpreters().first()?, &cache).ok()?;
        facts.path.insert(0, folder.join("site-packages"));
        let request = GraphRequest {
            entry: &Entry::Script(folder.join("main.py")),
            facts: &facts,
            optimize: 0,
            jobs: 2,
            cache: &cache,
            roots: &[],
            is_interpreter: false,
            options: GraphOptions { excluded, ..GraphOptions::default() },
            traced,
            progress: &Progress::default(),
        };
        Some(build(&request).unwrap().0)
    }

    fn traced(name: &str, file: PathBuf, importer: Option<Importer>) -> TracedModule {
        TracedModule { name: name.into(), file: Some(file), importer }
    }

    #[test]
    fn an_optional_import_that_a_run_has_made_is_part_of_the_program() {
        let folder = tree(&[
            ("main.py", "import lib\n"),
            ("site-packages/lib-1.dist-info/METADATA", "Name: lib\n"),
            ("site-packages/lib-1.dist-info/RECORD", "lib.py,,\n"),
            ("site-packages/lib.py", "def f():\n    try: import extra\n    except ImportError: pass\n"),
            ("site-packages/extra-1.dist-info/METADATA", "Name: extra\n"),
            ("site-packages/extra-1.dist-info/RECORD", "extra.py,,\n"),
            ("site-packages/extra.py", ""),
        ]);
        let site = folder.path().join("site-packages");
        let from = Importer { name: "lib".into(), file: site.join("lib.py"), line: 2 };
        let extra = traced("extra", site.join("extra.py"), Some(from));
        let Some(plain) = graph(folder.path(), &[], &[]) else { return };
        assert!(!plain.modules.contains_key("extra") && plain.left_out.contains_key("extra"));
        let with = graph(folder.path(), std::slice::from_ref(&extra), &[]).unwrap();
        assert!(with.left_out.is_empty() && !with.given.contains_key("extra"));
        let edge = with.modules["lib"].edges.iter().find(|edge| edge.to == "extra").unwrap();
        assert_eq!((edge.rule, edge.line), (Rule::Traced, 2));
        let without = graph(folder.path(), &[extra], &["extra".into()]).unwrap();
        assert!(!without.modules.contains_key("extra"));
    }

    #[test]
    fn a_module_counts_where_the_search_finds_it_and_is_given_if_no_code_of_the_program_imports_it() {
        let folder = tree(&[
            ("main.py", ""),
            ("one.py", ""),
            ("two/__init__.py", ""),
            ("two/three.py", ""),
            ("elsewhere/four.py", ""),
            ("elsewhere/one.py", ""),
        ]);
        let at = |file: &str| folder.path().join(file);
        let stranger = Importer { name: "one".into(), file: at("elsewhere/one.py"), line: 1 };
        let runs = [
            traced("one", at("one.py"), None),
            traced("two", at("two/__init__.py"), Some(stranger)),
            traced("two.three", at("two/three.py"), None),
            traced("four", at("elsewhere/four.py"), None),
            traced("five", at("gone/five.py"), None),
        ];
        let Some(found) = graph(folder.path(), &runs, &[]) else { return };
        for name in ["one", "two", "two.three"] {
            assert_eq!(found.given.get(name), Some(&BTreeSet::from([Given::Traced])), "{name}");
        }
        assert!(!found.modules.contains_key("four") && !found.modules.contains_key("five"));
        assert_eq!(found.warnings.len(), 1, "{:?}", found.warnings);
        assert!(found.warnings[0].starts_with("four was imported in a traced run from "));

        let wrong = [traced("one", at("elsewhere/one.py"), None)];
        let found = graph(folder.path(), &wrong, &[]).unwrap();
        assert!(!found.modules.contains_key("one"));
    }

    #[test]
    fn a_module_was_found_in_the_directory_of_its_file_or_package() {
        let of = |name: &str, file: &'static str| directory_of(name, Path::new(file));
        assert_eq!(of("a", "/x/a.py"), Some(Path::new("/x")));
        assert_eq!(of("p", "/x/p/__init__.py"), Some(Path::new("/x")));
        assert_eq!(of("p.q", "/x/p/q/__init__.cpython-311-x86_64-linux-gnu.so"), Some(Path::new("/x/p")));
        assert_eq!(of("p.__init__", "/x/p/__init__.py"), Some(Path::new("/x/p")));
    }
}
