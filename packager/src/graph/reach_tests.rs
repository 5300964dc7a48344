//! Which imports between made-up distributions are followed.

use super::*;
use crate::compile::workers::tests::interpreters;
use crate::graph::build::tests::{graph_with, tree};
use crate::graph::options::GraphOptions;
use crate::graph::{LeaveReason, LeftEdge, ModuleGraph};
use crate::request::FollowOptional;

/// An installed distribution: its name, its metadata after that, and its files.
type Installed<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);

/// The graph of a program in the environment of these distributions.
fn graph(program: &[(&str, &str)], installed: &[Installed], options: GraphOptions) -> Option<ModuleGraph> {
    let mut files: Vec<(String, String)> =
        program.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())).collect();
    for (name, metadata, modules) in installed {
        let folder = format!("site-packages/{name}-1.dist-info");
        files.push((format!("{folder}/METADATA"), format!("Name: {name}\n{metadata}")));
        let record: Vec<String> = modules.iter().map(|(file, _)| format!("{file},,\n")).collect();
        files.push((format!("{folder}/RECORD"), record.concat()));
        files.extend(modules.iter().map(|(file, text)| {
            let place =
                if file.ends_with("entry_points.txt") { folder.clone() } else { "site-packages".into() };
            (format!("{place}/{file}"), (*text).to_owned())
        }));
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(file, text)| (file.as_str(), text.as_str())).collect();
    let folder = tree(&files);
    let interpreter = interpreters().into_iter().next()?;
    graph_with(&interpreter, folder.path(), &["site-packages"], options)
}

/// Those of the modules with these names that are in the graph, then those that were left out.
fn found(program: &[(&str, &str)], installed: &[Installed], options: GraphOptions) -> Option<String> {
    let graph = graph(program, installed, options)?;
    let is_ours =
        |name: &&String| installed.iter().any(|(other, ..)| top_of(name) == other.replace('-', "_"));
    let names =
        |names: Vec<&String>| names.into_iter().filter(is_ours).cloned().collect::<Vec<_>>().join(" ");
    let modules = names(graph.modules.keys().collect());
    let left_out = names(graph.left_out.keys().collect());
    Some(if left_out.is_empty() { modules } else { format!("{modules} - {left_out}") })
}

fn plainly(program: &[(&str, &str)], installed: &[Installed]) -> Option<String> {
    found(program, installed, GraphOptions::default())
}

const IN_TRY: &str = "try:\n    import extra\nexcept ImportError:\n    extra = None\n";
const IN_FUNCTION: &str = "def f():\n    from extra import x\n";
const IMPORTING: [(&str, &str); 1] = [("main.py", "import lib\n")];
const EXTRA: Installed = ("extra", "", &[("extra/__init__.py", "x = 1\n")]);

#[test]
fn optional_imports_are_followed_where_they_are_declared() {
    for text in [IN_TRY, IN_FUNCTION, "import importlib\ndef f(): importlib.import_module('extra')\n"] {
        let lib = |metadata: &'static str| -> [Installed<'static>; 2] {
            [("lib", metadata, Box::leak(Box::new([("lib/__init__.py", text)]))), EXTRA]
        };
        let Some(undeclared) = plainly(&IMPORTING, &lib("")) else { return };
        assert_eq!(undeclared, "lib - extra", "{text}");
        let declared = |metadata| plainly(&IMPORTING, &lib(metadata)).unwrap();
        assert_eq!(declared("Requires-Dist: Extra>=1\n"), "extra lib");
        assert_eq!(declared("Requires-Dist: extra; python_version >= '3'\n"), "extra lib");
        assert_eq!(declared("Requires-Dist: extra; sys_platform == 'win32'\n"), "lib - extra");
        assert_eq!(declared("Requires-Dist: extra; extra == 'more'\n"), "lib - extra");
        let project = |file, declares| {
            plainly(&[IMPORTING[0], (file, declares)], &lib("Requires-Dist: extra; extra == 'more'\n"))
                .unwrap()
        };
        assert_eq!(project("requirements.txt", "extra\n"), "extra lib");
        assert_eq!(project("requirements.txt", "lib[more]\n"), "extra lib");
        assert_eq!(project("requirements.txt", "lib[other]\n"), "lib - extra");
        assert_eq!(project("pyproject.toml", "[project]\ndependencies = ['extra']\n"), "extra lib");
    }
}

#[test]
fn the_programs_own_imports_count_wherever_they_stand() {
    let lib: [Installed; 2] = [("lib", "", &[("lib/__init__.py", IN_TRY)]), EXTRA];
    for own in [
        "def f():\n    import extra\n",
        "try: import extra\nexcept ImportError: pass\n",
        "import helper\n",
        "engine = 'extra'\n",
        "x = f'sql+extra://{y}'\n",
    ] {
        let program = format!("import lib\n{own}");
        let program = [("main.py", program.as_str()), ("helper.py", "def f(): import extra\n")];
        let Some(found) = plainly(&program, &lib) else { return };
        assert_eq!(found, "extra lib", "{own}");
    }
    // What no RECORD lists is the program's own, wherever it lies.
    let program = [("main.py", "import lib, stray\n"), ("site-packages/stray.py", IN_FUNCTION)];
    assert_eq!(plainly(&program, &lib).unwrap(), "extra lib");
}

#[test]
fn other_imports_between_distributions_are_followed_though_nothing_declares_them() {
    let raises = "try:\n    import extra\nexcept ImportError as error:\n    raise RuntimeError('install extra') from error\n";
    for text in ["import extra\n", "class C:\n    from extra import x\n", "if x:\n    import extra\n", raises]
    {
        let lib: [Installed; 2] = [("lib", "", &[("lib/__init__.py", text)]), EXTRA];
        let Some(found) = plainly(&IMPORTING, &lib) else { return };
        assert_eq!(found, "extra lib", "{text}");
    }
}

#[test]
fn what_a_function_needs_with_an_extra_only_is_left_out() {
    let modules = [
        ("lib/__init__.py", "def plot():\n    from . import plotting\n"),
        ("lib/plotting.py", "import extra\n"),
    ];
    let lib = |metadata: &'static str| [("lib", metadata, &modules[..]), EXTRA];
    let Some(undeclared) = plainly(&IMPORTING, &lib("")) else { return };
    assert_eq!(undeclared, "extra lib lib.plotting");
    let metadata = "Provides-Extra: plot\nRequires-Dist: extra; extra == 'plot'\n";
    assert_eq!(plainly(&IMPORTING, &lib(metadata)).unwrap(), "lib lib.plotting - extra");
    let setuptools: Installed = ("setuptools", "", &[("setuptools/__init__.py", "")]);
    let builds = [modules[0], ("lib/plotting.py", "import setuptools\n")];
    let furnished = plainly(&IMPORTING, &[("lib", "", &builds), setuptools]);
    assert_eq!(furnished.unwrap(), "lib lib.plotting - setuptools");
    let eager = [("main.py", "import lib.plotting\n")];
    assert_eq!(plainly(&eager, &lib(metadata)).unwrap(), "extra lib lib.plotting");
}

#[test]
fn of_two_alternatives_one_is_followed() {
    let tried = |name: &str| format!("try:\n    import {name}\nexcept ImportError:\n    import extra\n");
    for (name, expected) in
        [("json", "lib - extra"), ("not_there", "extra lib"), ("third", "lib third - extra")]
    {
        let text = tried(name);
        let modules = [("lib/__init__.py", text.as_str())];
        let third: Installed = ("third", "", &[("third.py", "")]);
        let Some(found) = plainly(&IMPORTING, &[("lib", "", &modules), EXTRA, third]) else { return };
        assert_eq!(found, expected, "{name}");
    }
    // The alternative is not installed: what was tried is needed. What another `try` does is nothing to it.
    let text = "try:\n    import third\nexcept ImportError:\n    third = None\n\n\ntry:\n    import extra\nexcept ImportError:\n    import not_there\n";
    let third: Installed = ("third", "", &[("third.py", "")]);
    let found = plainly(&IMPORTING, &[("lib", "", &[("lib/__init__.py", text)]), EXTRA, third]);
    assert_eq!(found.unwrap(), "extra lib - third");
}

#[test]
fn options_follow_one_or_all() {
    let text = format!("{IN_TRY}def f():\n    import third.part\n");
    let modules = [("lib/__init__.py", text.as_str())];
    let third: Installed = ("third-party", "", &[("third/__init__.py", ""), ("third/part.py", "")]);
    let installed = [("lib", "", &modules[..]), EXTRA, third];
    let with = |all: bool, packages: &[&str]| {
        let packages = packages.iter().map(|package| (*package).to_owned()).collect();
        let follow = FollowOptional { all, packages };
        let options = GraphOptions { follow_optional: Some(&follow), ..GraphOptions::default() };
        let graph = graph(&IMPORTING, &installed, options)?;
        let names = ["extra", "third.part"].into_iter().filter(|name| graph.modules.contains_key(*name));
        Some((names.collect::<Vec<_>>().join(" "), graph))
    };
    let Some((none, graph)) = with(false, &[]) else { return };
    assert_eq!(none, "");
    let left = &graph.left_out["third.part"];
    assert_eq!(left.reason, LeaveReason::Optional { distribution: "third-party".into() });
    assert_eq!(left.edges, [LeftEdge { from: "lib".into(), line: 6, rule: Rule::Deferred }]);
    for (package, expected) in [("extra", "extra"), ("Third_Party", "third.part"), ("third", "third.part")] {
        assert_eq!(with(false, &[package]).unwrap().0, expected, "{package}");
    }
    let (all, graph) = with(true, &[]).unwrap();
    assert_eq!((all.as_str(), graph.left_out.len()), ("extra third.part", 0));
    let (_, graph) = with(false, &["unheard"]).unwrap();
    assert!(graph.warnings.iter().any(|warning| warning.contains("unheard")), "{:?}", graph.warnings);
}

#[test]
fn parts_of_a_namespace_package_belong_to_their_distributions() {
    let cloud: [Installed; 3] = [
        (
            "lib",
            "Requires-Dist: ns-one\n",
            &[("ns/lib/__init__.py", "def f():\n    from ns import one, two\n")],
        ),
        ("ns-one", "", &[("ns/one/__init__.py", "")]),
        ("ns-two", "", &[("ns/two/__init__.py", "")]),
    ];
    let Some(graph) = graph(&[("main.py", "import ns.lib\n")], &cloud, GraphOptions::default()) else {
        return;
    };
    assert!(graph.modules.contains_key("ns.one") && !graph.modules.contains_key("ns.two"));
    assert_eq!(graph.left_out.keys().collect::<Vec<_>>(), ["ns.two"]);
}

#[test]
fn strings_lead_to_other_distributions_where_these_are_declared() {
    let table =
        "import importlib\nNAMES = ['extra.backend', 'lib.one']\ndef f(x): importlib.import_module(x)\n";
    let modules = [("lib/__init__.py", table), ("lib/one.py", "")];
    let extra: Installed = ("extra", "", &[("extra/__init__.py", ""), ("extra/backend.py", "")]);
    let metadata = "Requires-Dist: extra; extra == 'more'\n";
    let installed = [("lib", metadata, &modules[..]), extra];
    let Some(undeclared) = plainly(&IMPORTING, &installed) else { return };
    assert_eq!(undeclared, "lib lib.one - extra.backend");
    let program = [IMPORTING[0], ("requirements.txt", "lib[more]\n")];
    assert_eq!(plainly(&program, &installed).unwrap(), "extra extra.backend lib lib.one");
    // Found out only later that it is part of the program.
    let program = [("main.py", "import lib, late\n"), ("late.py", "def f():\n    import extra\n")];
    assert_eq!(plainly(&program, &installed).unwrap(), "extra extra.backend lib lib.one");
}

#[test]
fn plugins_join_unless_their_distribution_was_left_out() {
    let asks = "from importlib.metadata import entry_points\nentry_points(group='lib.plugins')\n";
    let tries = format!("{asks}try:\n    import extra\nexcept ImportError:\n    pass\n");
    let plugin: Installed = (
        "extra",
        "Requires-Dist: lib\n",
        &[
            ("extra/__init__.py", ""),
            ("extra/plugin.py", ""),
            ("entry_points.txt", "[lib.plugins]\nx = extra.plugin\n"),
        ],
    );
    for (text, expected) in [(asks, "extra extra.plugin lib"), (tries.as_str(), "lib - extra extra.plugin")] {
        let modules = [("lib/__init__.py", text)];
        let Some(found) = plainly(&IMPORTING, &[("lib", "", &modules), plugin]) else { return };
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn a_project_that_is_installed_to_be_edited_declares_in_its_metadata() {
    let lib: [Installed; 2] = [("lib", "", &[("lib/__init__.py", IN_TRY)]), EXTRA];
    let program = [
        ("main.py", "import app\n"),
        ("app/__init__.py", "import lib\n"),
        ("site-packages/app-1.dist-info/METADATA", "Name: app\nRequires-Dist: extra\n"),
    ];
    let Some(undeclared) = plainly(&program, &lib) else { return };
    assert_eq!(undeclared, "lib - extra");
    let folder = "site-packages/app-1.dist-info/direct_url.json";
    let url = r#"{"dir_info": {"editable": true}, "url": "file:///"}"#;
    let edited = [
        &program[..],
        &[(folder, url), ("site-packages/app-1.dist-info/RECORD", "__editable__.app.pth,,\n")],
    ]
    .concat();
    assert_eq!(plainly(&edited, &lib).unwrap(), "extra lib");
}
