//! Graphs of small programs, built with every CPython at hand.

use super::*;
use crate::compile::workers::tests::{interpreters, python};
use crate::probe::probe;

/// A folder with these files and their contents.
pub fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (file, content) in files {
        let path = folder.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    folder
}

/// The graph of `main.py` in a folder; `more` is put on the interpreter's path, in the folder.
pub fn graph_of(interpreter: &Path, folder: &Path, more: &[&str]) -> Option<ModuleGraph> {
    graph_with(interpreter, folder, more, GraphOptions::default())
}

/// The same, with options.
pub fn graph_with(
    interpreter: &Path,
    folder: &Path,
    more: &[&str],
    options: GraphOptions,
) -> Option<ModuleGraph> {
    let cache = Cache::none();
    let mut facts = probe(interpreter, &cache).ok()?;
    facts.path.splice(0..0, more.iter().map(|entry| folder.join(entry)));
    let entry = Entry::Script(folder.join("main.py"));
    let request = GraphRequest {
        entry: &entry,
        facts: &facts,
        optimize: 0,
        jobs: 2,
        cache: &cache,
        roots: &[],
        is_interpreter: false,
        options,
        traced: &[],
        progress: &Progress::default(),
    };
    Some(build(&request).unwrap().0)
}

fn origin(graph: &ModuleGraph, name: &str) -> Option<Origin> {
    graph.modules.get(name).map(|module| module.origin)
}

#[test]
fn modules_of_the_program_do_not_take_the_place_of_what_the_start_has_imported() {
    let names = ["codecs", "io", "site", "stat", "queue"];
    let imports = format!("import {}\n", names.join(", "));
    let mut files = vec![("main.py", imports.as_str())];
    let own = names.map(|name| format!("{name}.py"));
    files.extend(own.iter().map(|file| (file.as_str(), "")));
    let folder = tree(&files);
    for interpreter in interpreters() {
        let Some(graph) = graph_of(&interpreter, folder.path(), &[]) else { continue };
        let origins = names.map(|name| origin(&graph, name));
        let (stdlib, own) = (Some(Origin::Stdlib), Some(Origin::Own));
        assert_eq!(origins, [stdlib, stdlib, stdlib, stdlib, own], "{}", interpreter.display());
    }
}

#[test]
fn main_is_there_whoever_runs_as_it() {
    let folder = tree(&[("main.py", "import helper\n"), ("helper.py", "import __main__\n")]);
    let Some(interpreter) = interpreters().into_iter().next() else { return };
    let cache = Cache::none();
    let Ok(mut facts) = probe(&interpreter, &cache) else { return };
    facts.path.insert(0, folder.path().to_owned());
    let entry = Entry::from_module("main").unwrap();
    let request = GraphRequest {
        entry: &entry,
        facts: &facts,
        optimize: 0,
        jobs: 2,
        cache: &cache,
        roots: &[],
        is_interpreter: false,
        options: GraphOptions::default(),
        traced: &[],
        progress: &Progress::default(),
    };
    let (graph, main) = build(&request).unwrap();
    assert_eq!(main, "main");
    assert!(!graph.missing.contains_key(MAIN), "{:?}", graph.missing);
}

#[test]
fn submodules_named_after_from_are_found_in_an_archive() {
    let folder = tree(&[
        ("main.py", "from pkg import sub, attribute\nimport pkg.relative\n"),
        ("lib/pkg/__init__.py", "attribute = 1\n"),
        ("lib/pkg/sub.py", ""),
        ("lib/pkg/relative.py", "from . import other\n"),
        ("lib/pkg/other.py", ""),
    ]);
    let pack = "import shutil, sys; shutil.make_archive(sys.argv[1], 'zip', sys.argv[2])";
    for interpreter in interpreters() {
        python(&interpreter, pack, &[&folder.path().join("lib"), &folder.path().join("lib")]);
        let Some(graph) = graph_of(&interpreter, folder.path(), &["lib.zip"]) else { continue };
        for name in ["pkg", "pkg.sub", "pkg.relative", "pkg.other"] {
            assert!(graph.modules.contains_key(name), "{name}, {}", interpreter.display());
        }
        let own: Vec<_> = graph.missing.keys().filter(|name| name.starts_with("pkg")).collect();
        assert_eq!(own, Vec::<&String>::new());
    }
}

#[test]
fn extend_path_spreads_nested_packages_too() {
    let extend = "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n";
    let folder = tree(&[
        ("main.py", "from ns.inner import one, two, three\n"),
        ("a/ns/__init__.py", extend),
        ("a/ns/inner/__init__.py", extend),
        ("a/ns/inner/one.py", ""),
        ("b/ns/__init__.py", extend),
        ("b/ns/inner/__init__.py", extend),
        ("b/ns/inner/two.py", ""),
        ("c/ns/inner/three.py", ""),
    ]);
    let Some(interpreter) = interpreters().into_iter().next() else { return };
    let Some(graph) = graph_of(&interpreter, folder.path(), &["a", "b", "c"]) else { return };
    for name in ["ns.inner.one", "ns.inner.two", "ns.inner.three"] {
        assert!(graph.modules.contains_key(name), "{name}");
    }
}

#[test]
fn packages_are_not_imported_to_look_for_submodules_that_their_directories_lack() {
    let side_effect = "open(__file__ + '.imported', 'w').close()\nimport pkg.nothing\n";
    let folder = tree(&[("main.py", "import pkg\n"), ("pkg/__init__.py", side_effect)]);
    let Some(interpreter) = interpreters().into_iter().next() else { return };
    let cache = Cache::none();
    let Ok(mut facts) = probe(&interpreter, &cache) else { return };
    facts.standard_finders = false;
    let entry = Entry::Script(folder.path().join("main.py"));
    let request = GraphRequest {
        entry: &entry,
        facts: &facts,
        optimize: 0,
        jobs: 2,
        cache: &cache,
        roots: &[],
        is_interpreter: false,
        options: GraphOptions::default(),
        traced: &[],
        progress: &Progress::default(),
    };
    let (graph, _) = build(&request).unwrap();
    assert!(graph.missing.contains_key("pkg.nothing"));
    assert_eq!(std::fs::read_dir(folder.path().join("pkg")).unwrap().count(), 1);
}

#[test]
fn a_name_of_a_thousand_parts_is_no_module() {
    let name = vec!["a"; 1_000].join(".");
    let folder = tree(&[("main.py", &format!("__import__({name:?})\n")), ("a/__init__.py", "")]);
    for interpreter in interpreters() {
        let Some(graph) = graph_of(&interpreter, folder.path(), &[]) else { continue };
        assert!(!graph.modules.contains_key("a.a"));
        assert!(graph.missing.contains_key(&name));
    }
}

#[test]
fn standard_modules_bring_what_their_functions_import_only_where_they_are_used() {
    let folder = tree(&[("main.py", "")]);
    let using =
        tree(&[("main.py", "import importlib, pickle, helper\n"), ("helper.py", "def f(): breakpoint()\n")]);
    for interpreter in interpreters() {
        let Some(graph) = graph_of(&interpreter, folder.path(), &[]) else { continue };
        let has = |graph: &ModuleGraph, name: &str| graph.modules.contains_key(name);
        assert!(["doctest", "pdb", "pydoc", "importlib.metadata"].iter().all(|name| !has(&graph, name)));
        let Some(graph) = graph_of(&interpreter, using.path(), &[]) else { continue };
        assert!(
            ["pdb", "importlib.metadata"].iter().all(|name| has(&graph, name)),
            "{}",
            interpreter.display()
        );
        // `pickle._test` is what pickle.py does as a script.
        assert!(!has(&graph, "doctest"), "{}", interpreter.display());
    }
}

#[test]
fn what_a_standard_module_does_as_a_script_comes_only_with_a_script() {
    let importing = tree(&[("main.py", "import pickle, difflib\n")]);
    let Some(interpreter) = interpreters().into_iter().next() else { return };
    let Some(graph) = graph_of(&interpreter, importing.path(), &[]) else { return };
    assert!(graph.modules.contains_key("difflib") && !graph.modules.contains_key("doctest"));
}

#[test]
fn one_try_says_nothing_of_the_alternative_of_another() {
    // subprocess of 3.9 and 3.10: `grp` is found, `msvcrt` is not, so `_posixsubprocess` is imported.
    let folder = tree(&[("main.py", "import subprocess\n")]);
    for interpreter in interpreters() {
        let Some(graph) = graph_of(&interpreter, folder.path(), &[]) else { continue };
        assert!(graph.modules.contains_key("_posixsubprocess"), "{}", interpreter.display());
    }
}

#[test]
fn modules_that_an_attached_stub_imports_are_found() {
    let attach =
        "import lazy_loader\n__getattr__, __dir__, _ = lazy_loader.attach_stub(__name__, __file__)\n";
    let folder = tree(&[
        ("main.py", "import lazy, plain\n"),
        ("lazy/__init__.py", attach),
        ("lazy/__init__.pyi", "from . import part\nfrom .other import name\n"),
        ("lazy/part.py", ""),
        ("lazy/other.py", "name = 1\n"),
        ("plain/__init__.py", ""),
        ("plain/__init__.pyi", "from . import part\n"),
        ("plain/part.py", ""),
    ]);
    let Some(interpreter) = interpreters().into_iter().next() else { return };
    let Some(graph) = graph_of(&interpreter, folder.path(), &[]) else { return };
    assert!(["lazy.part", "lazy.other"].iter().all(|name| graph.modules.contains_key(*name)));
    assert!(!graph.modules.contains_key("plain.part"));
    assert!(graph.modules["lazy"].edges.iter().all(|edge| edge.to != "lazy.other" || !edge.rule.is_eager()));
}
