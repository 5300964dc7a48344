//! The tree of files in an executable: what of the packages, distributions and options is in it, and as what.

use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use libtest_mimic::Trial;
use snapfreeze::fuse::archive::find;
use snapfreeze_runtime::archive::{Archive, Extent, Node, NodeContent};
use snapfreeze_tests::execution::python_command;
use snapfreeze_tests::{Fixtures, Interpreter, execute};

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    let preferred = fixtures.preferred();
    let one = |name: &str, body: fn(&Fixtures, &Interpreter)| {
        fixtures.trial(format!("data_files::{name}"), &preferred).runs(body)
    };
    let mut trials: Vec<Trial> = fixtures
        .each()
        .iter()
        .map(|slot| {
            fixtures.trial("data_files::the bytecode in the tree is valid to python", slot).runs(bytecode)
        })
        .collect();
    trials.extend([
        one("a package's data are taken and what is for its developers is not", package),
        one(
            "the data of a program in a directory are taken, without what tools keep there",
            program_directory,
        ),
        one("a package that runs its own files has their source", own_sources),
        one("a Python file that a module beside it names is data", named_sources),
        one("a distribution's metadata are taken, less what varies", distribution),
        one("options add files, directories and patterns", additions),
        one("options that name nothing are errors", errors),
        one("shared objects among the data are libraries", shared_objects),
        one("collect-all takes modules, data and metadata of what is not imported", collect_all),
        one("a directory build has the same tree and replaces only its own kind", directory),
    ]);
    trials
}

/// A node of the tree, read.
#[derive(Debug, Clone, PartialEq, Eq)]
struct File {
    what: What,
    mode: u16,
    mtime: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    Directory,
    Content(Extent, Vec<u8>),
    Link(String),
}

/// The tree of an executable, by path.
fn tree(executable: &Path) -> BTreeMap<String, File> {
    let bytes = std::fs::read(executable).unwrap();
    let archive = archive(&bytes);
    let mut tree = BTreeMap::new();
    add(&archive, &archive.root().unwrap(), "", &mut tree);
    tree
}

fn archive(bytes: &[u8]) -> Archive<'_> {
    let (_, place) = find(bytes).unwrap();
    Archive::open(&bytes[place.offset as usize..]).unwrap()
}

fn add(archive: &Archive, node: &Node, path: &str, tree: &mut BTreeMap<String, File>) {
    let what = match &node.content {
        NodeContent::Directory(children) => {
            for child in children.clone() {
                let child = archive.node(child).unwrap();
                let name = String::from_utf8_lossy(child.name);
                let below = if path.is_empty() { name.into_owned() } else { format!("{path}/{name}") };
                add(archive, &child, &below, tree);
            }
            What::Directory
        }
        NodeContent::File(extent) => What::Content(*extent, archive.read(*extent).unwrap()),
        NodeContent::Symlink(target) => What::Link(String::from_utf8_lossy(target).into_owned()),
    };
    tree.insert(path.to_owned(), File { what, mode: node.mode, mtime: node.mtime });
}

impl File {
    fn content(&self) -> &[u8] {
        match &self.what {
            What::Content(_, content) => content,
            other => panic!("no file: {other:?}"),
        }
    }
}

/// What is below a directory, less bytecode.
fn below<'a>(tree: &'a BTreeMap<String, File>, directory: &str) -> Vec<&'a str> {
    let prefix = format!("{directory}/");
    let inside = tree.keys().filter_map(|path| path.strip_prefix(&prefix));
    inside.filter(|path| !path.contains("__pycache__")).collect()
}

/// A folder with these files.
fn project(fixtures: &Fixtures, files: &[(&str, &str)]) -> PathBuf {
    let folder = fixtures.folder("data");
    for (name, text) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

fn package(fixtures: &Fixtures, interpreter: &Interpreter) {
    let folder = project(
        fixtures,
        &[
            ("main.py", "import pkg.sub\n"),
            ("beside.txt", "not a package's\n"),
            ("outside.txt", "from outside\n"),
            ("pkg/__init__.py", ""),
            ("pkg/unused.py", "x = 1\n"),
            ("pkg/sub/__init__.py", "import importlib.metadata\n"),
            ("pkg/sub/text.txt", "text\n"),
            ("pkg/data/x.json", "{}\n"),
            ("pkg/data/equal.json", "{}\n"),
            ("pkg/data/template.py", "import {{ name }}\n"),
            ("pkg/data/with space é.txt", "é\n"),
            ("pkg/other/__init__.py", ""),
            ("pkg/other/info.txt", "info\n"),
            ("pkg/tests/__init__.py", ""),
            ("pkg/tests/data.txt", "for tests\n"),
            ("pkg/fast.c", "int x;\n"),
            ("pkg/fast.pyx", "x\n"),
            ("pkg/__init__.pyi", "x: int\n"),
            ("pkg/.git/config", "x\n"),
            ("pkg/notes.txt~", "x\n"),
            ("pkg/run.sh", "#!/bin/sh\n"),
            ("pkg/empty.txt", ""),
        ],
    );
    let at = |name: &str| folder.join(name);
    std::fs::set_permissions(at("pkg/run.sh"), std::fs::Permissions::from_mode(0o770)).unwrap();
    symlink("data/x.json", at("pkg/link.json")).unwrap();
    symlink("../outside.txt", at("pkg/outside.txt")).unwrap();
    symlink("fast.c", at("pkg/to_fast.txt")).unwrap();
    symlink("nowhere", at("pkg/dangling")).unwrap();
    symlink("..", at("pkg/data/above")).unwrap();
    std::fs::create_dir(at("pkg/hollow")).unwrap();
    let times = |name: &str, seconds: u64| {
        let file = std::fs::File::options().write(true).open(at(name)).unwrap();
        file.set_modified(UNIX_EPOCH + Duration::from_millis(seconds * 1000 + 700)).unwrap();
    };
    times("pkg/data/x.json", 1_600_000_000);
    times("pkg/sub/text.txt", 1_800_000_000);

    let frozen = fixtures.freeze_with([at("main.py")], interpreter, |command| {
        command.env("SOURCE_DATE_EPOCH", "1700000000");
    });
    let tree = tree(&frozen);
    let expected = [
        "__init__.py",
        "data",
        "data/above",
        "data/equal.json",
        "data/template.py",
        "data/with space é.txt",
        "data/x.json",
        "empty.txt",
        "hollow",
        "link.json",
        "other",
        "other/info.txt",
        "outside.txt",
        "run.sh",
        "sub",
        "sub/__init__.py",
        "sub/text.txt",
        "to_fast.txt",
    ];
    assert_eq!(below(&tree, "pkg"), expected);
    assert!(!tree.contains_key("beside.txt"));
    let file = |name: &str| &tree[&format!("pkg/{name}")];
    assert_eq!(file("data/x.json").what, file("data/equal.json").what, "equal contents are one");
    assert_eq!(file("data/x.json").mtime, 1_600_000_000);
    assert_eq!(file("sub/text.txt").mtime, 1_700_000_000, "SOURCE_DATE_EPOCH is the latest time");
    assert_eq!((file("run.sh").mode, file("data/x.json").mode), (0o755, 0o644));
    assert_eq!(file("link.json").what, What::Link("data/x.json".into()));
    assert_eq!(file("data/above").what, What::Link("..".into()));
    assert_eq!(file("outside.txt").content(), b"from outside\n");
    assert_eq!(file("to_fast.txt").content(), b"int x;\n", "what the link leads to is not taken");
    assert_eq!(file("hollow").what, What::Directory);
    assert_eq!(file("__init__.py").content(), b"", "sources are not asked for");
    assert!(file("empty.txt").content().is_empty());
}

fn program_directory(fixtures: &Fixtures, interpreter: &Interpreter) {
    let folder = project(
        fixtures,
        &[
            (
                "app/__main__.py",
                "import pkg\ntry:\n    import build, parts.one\nexcept ImportError:\n    pass\n",
            ),
            ("app/settings.ini", "x\n"),
            ("app/assets/a.css", "a\n"),
            ("app/pkg/__init__.py", ""),
            ("app/pkg/b.txt", "b\n"),
            ("app/unused/__init__.py", ""),
            ("app/unused/c.txt", "c\n"),
            ("app/parts/one.py", ""),
            ("app/parts/d.txt", "d\n"),
            ("app/.venv/pyvenv.cfg", ""),
            ("app/.venv/lib/e.txt", "e\n"),
            ("app/env/pyvenv.cfg", ""),
            ("app/env/lib/f.txt", "f\n"),
            ("app/node_modules/g.txt", "g\n"),
            ("app/dist/h.txt", "h\n"),
        ],
    );
    let app = folder.join("app");
    let build = || {
        let mut command = fixtures.snapfreeze();
        command.args(["build", "."]).arg("--python").arg(&interpreter.python).current_dir(&app);
        execute(&mut command).succeeded("the build");
        tree(&app.join("dist/app"))
    };
    let found = build();
    let own: Vec<&str> =
        ["settings.ini", "assets/a.css", "pkg/b.txt", "parts/d.txt", "__main__.py"].into_iter().collect();
    for path in own {
        assert!(found.contains_key(path), "{path}");
    }
    for path in ["unused", ".venv", "env", "node_modules", "dist"] {
        assert!(!found.contains_key(path), "{path}");
    }
    assert_eq!(build(), found, "an earlier output is no part of it");
}

fn own_sources(fixtures: &Fixtures, interpreter: &Interpreter) {
    let folder = project(
        fixtures,
        &[
            ("main.py", "import runner, other\nprint('main')\n"),
            (
                "runner/__init__.py",
                "import os\nfrom . import part\nexec(open(os.path.dirname(__file__) + '/' + 'settings.py').read())\n",
            ),
            ("runner/settings.py", "value = 1\n"),
            ("runner/part.py", "part = 1\n"),
            ("other/__init__.py", "from . import part\nname = __file__ + 'missing.py'; open\n"),
            ("other/part.py", "part = 2\n"),
        ],
    );
    let found = tree(&fixtures.freeze([folder.join("main.py")], interpreter));
    assert_eq!(found["runner/settings.py"].content(), b"value = 1\n");
    assert_eq!(found["runner/part.py"].content(), b"part = 1\n");
    assert_eq!(found["other/part.py"].content(), b"");
    assert_eq!(found["main.py"].content(), b"");

    let main = folder.join("main.py");
    let arguments = [Path::new("--include-source"), &main];
    let found = tree(&fixtures.freeze(arguments, interpreter));
    assert_eq!(found["other/part.py"].content(), b"part = 2\n");
    assert_eq!(found["main.py"].content(), b"import runner, other\nprint('main')\n");
    assert!(
        found["os.py"].content().starts_with(b"r\"\"\"OS routines"),
        "frozen modules have their source too"
    );
}

/// They are given to another Python, or read by another module.
fn named_sources(fixtures: &Fixtures, interpreter: &Interpreter) {
    let folder = project(
        fixtures,
        &[
            ("main.py", "import asking, naming\n"),
            ("asking/__init__.py", "from . import part, script\nplace = __file__ + '/../' + 'script.py'\n"),
            ("asking/script.py", "script = 1\n"),
            ("asking/part.py", "part = 1\n"),
            ("asking/other.py", "other = 1\n"),
            ("naming/__init__.py", "from . import part\nnames = ['part.py', 'template.py', 'main.py']\n"),
            ("naming/template.py", "template = 1\n"),
            ("naming/part.py", "part = 2\n"),
        ],
    );
    let found = tree(&fixtures.freeze([folder.join("main.py")], interpreter));
    assert_eq!(found["asking/script.py"].content(), b"script = 1\n");
    assert_eq!(found["naming/template.py"].content(), b"template = 1\n");
    assert!(!found.contains_key("asking/other.py"), "nobody names it");
    for module in ["asking/part.py", "naming/part.py", "main.py"] {
        assert_eq!(found[module].content(), b"", "{module}");
    }
}

/// CPython imports a module from the file in `__pycache__` that the tree has.
fn bytecode(fixtures: &Fixtures, interpreter: &Interpreter) {
    let folder = project(fixtures, &[("main.py", "import single\n"), ("single.py", "value = 'compiled'\n")]);
    let main = folder.join("main.py");
    for (option, suffix) in [("--optimize=0", ""), ("--optimize=2", ".opt-2")] {
        let tree = tree(&fixtures.freeze([Path::new(option), &main], interpreter));
        let tag = format!("cpython-{}", interpreter.minor.replace('.', ""));
        let cached = &tree[&format!("__pycache__/single.{tag}{suffix}.pyc")];
        let place = fixtures.folder("bytecode");
        std::fs::write(place.join("single.pyc"), cached.content()).unwrap();
        let mut python = python_command(&interpreter.python);
        python.args(["-c", "import single; print(single.value, single.__spec__.origin[-10:])"]);
        let outcome = execute(python.current_dir(&place)).succeeded("python");
        assert_eq!(outcome.stdout, b"compiled single.pyc\n");
        assert!(!tree.keys().any(|path| path.contains("__pycache__/main.")), "a script is never cached");
    }
}

fn distribution(fixtures: &Fixtures, interpreter: &Interpreter) {
    let record = "../../../bin/dist-tool,sha256=x,200\n\
        dist/__init__.py,,\ndist/__pycache__/__init__.cpython-311.pyc,,\ndist/listed.txt,,\n\
        the_dist-1.0.dist-info/INSTALLER,sha256=x,4\nthe_dist-1.0.dist-info/METADATA,,\n\
        the_dist-1.0.dist-info/RECORD,,\nthe_dist-1.0.dist-info/direct_url.json,sha256=x,4\n";
    let folder = project(
        fixtures,
        &[
            (
                "main.py",
                "import dist, broken\nfrom importlib import metadata\nmetadata.version('by-name')\nmetadata.entry_points(group='app.plugins')\n",
            ),
            ("site/dist/__init__.py", ""),
            ("site/dist/listed.txt", "listed\n"),
            ("site-packages/broken.py", "this is no python\n"),
            ("site/dist/left_behind.txt", "by a run\n"),
            ("site/the_dist-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: the-dist\nVersion: 1.0\n"),
            ("site/the_dist-1.0.dist-info/RECORD", record),
            ("site/the_dist-1.0.dist-info/INSTALLER", "pip\n"),
            ("site/the_dist-1.0.dist-info/REQUESTED", ""),
            ("site/the_dist-1.0.dist-info/direct_url.json", "{}"),
            ("site/the_dist-1.0.dist-info/licenses/LICENSE", "free\n"),
            ("site/by_name-2.dist-info/METADATA", "Name: by-name\nVersion: 2\n"),
            ("site/plugin-3.dist-info/METADATA", "Name: plugin\nVersion: 3\n"),
            ("site/plugin-3.dist-info/entry_points.txt", "[app.plugins]\nx = plugin:x\n"),
            ("site/unrelated-4.dist-info/METADATA", "Name: unrelated\nVersion: 4\n"),
        ],
    );
    let frozen = fixtures.freeze_with([folder.join("main.py")], interpreter, |command| {
        let directories = ["site", "site-packages"].map(|name| folder.join(name));
        command.env("PYTHONPATH", std::env::join_paths(directories).unwrap());
    });
    let tree = tree(&frozen);
    assert_eq!(tree["broken.py"].content(), b"this is no python\n", "what is no code is data");
    assert_eq!(below(&tree, "dist"), ["__init__.py", "listed.txt"]);
    assert_eq!(
        below(&tree, "the_dist-1.0.dist-info"),
        ["METADATA", "RECORD", "licenses", "licenses/LICENSE"]
    );
    let expected = "../../../bin/dist-tool,,\ndist/__init__.py,,\ndist/listed.txt,,\n\
        the_dist-1.0.dist-info/METADATA,,\nthe_dist-1.0.dist-info/RECORD,,\n";
    assert_eq!(tree["the_dist-1.0.dist-info/RECORD"].content(), expected.as_bytes());
    assert!(tree.contains_key("by_name-2.dist-info/METADATA"), "asked for by name");
    assert!(tree.contains_key("plugin-3.dist-info/entry_points.txt"), "asked for by a group");
    assert!(!tree.contains_key("unrelated-4.dist-info"));
    assert!(
        tree.iter().all(|(path, file)| file.mtime == 0 || path.is_empty()),
        "installations have no times"
    );
}

fn additions(fixtures: &Fixtures, interpreter: &Interpreter) {
    let folder = project(
        fixtures,
        &[
            ("main.py", "import pkg.part\n"),
            ("pkg/__init__.py", ""),
            ("pkg/part.py", ""),
            ("conf/a.ini", "a\n"),
            ("conf/b.ini", "b\n"),
            ("conf/c.txt", "c\n"),
            ("assets/deep/er/x.bin", "x\n"),
            ("assets/.hidden", "h\n"),
            ("assets/code.py", "y = 1\n"),
            ("pkg_source/part.py", "the source\n"),
        ],
    );
    std::fs::create_dir(folder.join("assets/empty")).unwrap();
    let frozen = fixtures.freeze_with(["main.py"], interpreter, |command| {
        command.current_dir(&folder);
        for addition in ["conf/*.ini:conf", "assets:static/all", "conf/c.txt:.", "pkg_source/part.py:pkg"] {
            command.args(["--add-data", addition]);
        }
        command.args(["--materialize", "pkg"]);
    });
    let found = tree(&frozen);
    assert_eq!(below(&found, "conf"), ["a.ini", "b.ini"]);
    let assets = [".hidden", "code.py", "deep", "deep/er", "deep/er/x.bin", "empty"];
    assert_eq!(below(&found, "static/all"), assets);
    assert_eq!(found["c.txt"].content(), b"c\n");
    assert_eq!(
        found["pkg/part.py"].content(),
        b"the source\n",
        "a module's file that would be empty gives way"
    );
    let bytes = std::fs::read(&frozen).unwrap();
    let archive = archive(&bytes);
    let child = |name: &[u8]| archive.find_child(&archive.root().unwrap(), name).unwrap().unwrap();
    assert!(child(b"pkg").materialize && !child(b"conf").materialize);
}

fn errors(fixtures: &Fixtures, interpreter: &Interpreter) {
    let folder = project(fixtures, &[("main.py", ""), ("one/a.txt", "1"), ("two/a.txt", "2")]);
    let cases: [(&[&str], &str); 9] = [
        (&["--add-data", "one/a.txt:.", "--add-data", "two:."], "two/a.txt as a.txt"),
        (&["--add-data", "one/a.txt:.", "--add-data", "two/a.txt:a.txt"], "two/a.txt as a.txt"),
        (&["--add-data", "none/*.txt:x"], "there is no file none/*.txt, which an option adds"),
        (&["--add-binary", "none.so:x"], "there is no file none.so, which an option adds"),
        (&["--add-data", "main.py"], "SRC:DEST is expected"),
        (&["--add-data", "main.py:../x"], "DEST is a directory below the program's root"),
        (&["--add-data", "main.py:/x"], "DEST is a directory below the program's root"),
        (&["--materialize", "nothing"], "--materialize nothing: the program has no such module"),
        (&["--hidden-import", "nothing_there"], "there is no module nothing_there"),
    ];
    for (options, message) in cases {
        let mut command = fixtures.snapfreeze();
        command.args(["build", "main.py", "-o", "out", "--python"]).arg(&interpreter.python).args(options);
        let outcome = execute(command.current_dir(&folder));
        let errors = String::from_utf8_lossy(&outcome.stderr).into_owned();
        assert!(outcome.code != Some(0) && errors.contains(message), "{options:?}: {errors}");
        assert!(!folder.join("out").exists());
    }
}

fn shared_objects(fixtures: &Fixtures, interpreter: &Interpreter) {
    let folder = project(fixtures, &[("main.py", "import pkg\n"), ("pkg/__init__.py", "")]);
    // A shared object that is no extension module: the interpreter's own, with everything it needs.
    let source =
        std::fs::read_dir(interpreter.stdlib.join("lib-dynload")).unwrap().map(|entry| entry.unwrap().path());
    let source = source.into_iter().find(|path| path.to_string_lossy().contains("_bz2.")).unwrap();
    std::fs::create_dir(folder.join("pkg/lib")).unwrap();
    for name in ["pkg/lib/libdata.so.1", "libadded.so"] {
        std::fs::copy(&source, folder.join(name)).unwrap();
    }
    symlink("libdata.so.1", folder.join("pkg/lib/libdata.so")).unwrap();
    // These are extension modules that nothing imports.
    std::fs::copy(&source, folder.join("pkg/lib/_bz2.so")).unwrap();
    std::fs::copy(&source, folder.join("pkg").join(source.file_name().unwrap())).unwrap();
    let frozen = fixtures.freeze_with([folder.join("main.py")], interpreter, |command| {
        command.arg("--add-binary").arg(format!("{}:native", folder.join("libadded.so").display()));
    });
    let bytes = std::fs::read(&frozen).unwrap();
    let archive = archive(&bytes);
    let numbers = 0..archive.library_count() as u32;
    let libraries: BTreeMap<&str, _> = numbers
        .map(|number| archive.library(number).unwrap())
        .map(|library| (library.name, library))
        .collect();
    let found = tree(&frozen);
    assert_eq!(below(&found, "pkg"), ["__init__.py", "lib", "lib/libdata.so", "lib/libdata.so.1"]);
    assert_eq!(found["pkg/lib/libdata.so"].what, What::Link("libdata.so.1".into()));
    for (name, path) in [("libdata.so.1", "pkg/lib/libdata.so.1"), ("libadded.so", "native/libadded.so")] {
        let What::Content(extent, _) = found[path].what.clone() else { panic!("{path} is no file") };
        assert_eq!(extent, libraries[name].content, "{path} is not stored twice");
        let is_needed = libraries.contains_key("libbz2.so.1.0");
        assert_eq!(libraries[name].needs.iter().next().is_some(), is_needed, "what it needs comes with it");
        assert!(!found.contains_key(name), "{name} is where it was");
    }
}

fn collect_all(fixtures: &Fixtures, interpreter: &Interpreter) {
    let folder = project(
        fixtures,
        &[
            ("main.py", "print('x')\n"),
            ("site/whole/__init__.py", ""),
            ("site/whole/part.py", ""),
            ("site/whole/sub/__init__.py", ""),
            ("site/whole/sub/leaf.py", ""),
            ("site/whole/tests/__init__.py", ""),
            ("site/whole/tests/data.txt", "t\n"),
            ("site/whole/whole.h", "int x;\n"),
            ("site/whole-1.dist-info/METADATA", "Name: whole\nVersion: 1\n"),
            (
                "site/whole-1.dist-info/RECORD",
                "whole/__init__.py,,\nwhole/part.py,,\nwhole/tests/data.txt,,\n",
            ),
        ],
    );
    let main = folder.join("main.py");
    let build = |option: &str| {
        let arguments = [Path::new(option), Path::new("whole"), &main];
        tree(&fixtures.freeze_with(arguments, interpreter, |command| {
            command.env("PYTHONPATH", folder.join("site"));
        }))
    };
    let all = build("--collect-all");
    let code =
        ["__init__.py", "part.py", "sub", "sub/__init__.py", "sub/leaf.py", "tests", "tests/__init__.py"];
    let data = ["tests/data.txt", "whole.h"];
    assert_eq!(below(&all, "whole"), [code.as_slice(), &data].concat());
    assert!(all.contains_key("whole-1.dist-info/METADATA"));
    assert_eq!(below(&build("--collect-submodules"), "whole"), [code.as_slice(), &data[..1]].concat());
    assert_eq!(below(&build("--collect-data"), "whole"), ["__init__.py", "tests", data[0], data[1]]);
    assert_eq!(below(&build("--hidden-import"), "whole"), ["__init__.py"]);
}

fn directory(fixtures: &Fixtures, interpreter: &Interpreter) {
    let folder = project(
        fixtures,
        &[("main.py", "import pkg\nprint('ran')\n"), ("pkg/__init__.py", ""), ("pkg/data.txt", "data\n")],
    );
    let main = folder.join("main.py");
    let output = folder.join("dist/app");
    let build = || {
        let mut command = fixtures.snapfreeze();
        command.arg("build").arg("--onedir").arg(&main).arg("-o").arg(&output);
        execute(command.arg("--python").arg(&interpreter.python))
    };
    build().succeeded("the build");
    let single = tree(&fixtures.freeze([&main], interpreter));
    for (path, file) in &single {
        let place = output.join("_internal").join(path);
        match &file.what {
            What::Directory => assert!(place.is_dir(), "{path}"),
            What::Content(_, content) => assert!(std::fs::read(&place).unwrap() == *content, "{path}"),
            What::Link(target) => assert_eq!(std::fs::read_link(&place).unwrap(), Path::new(target)),
        }
    }
    assert_eq!(tree(&output.join("app")).len(), 1, "the files are not in the executable as well");
    let outcome = execute(&mut std::process::Command::new(output.join("app"))).succeeded("the program");
    assert_eq!(outcome.stdout, b"ran\n");

    std::fs::remove_file(folder.join("pkg/data.txt")).unwrap();
    build().succeeded("the second build");
    assert!(!output.join("_internal/pkg/data.txt").exists(), "the old directory is replaced");
    assert_eq!(std::fs::read_dir(folder.join("dist")).unwrap().count(), 1, "nothing else is left");

    std::fs::write(output.join("notes.txt"), "mine").unwrap();
    let refused = build();
    assert!(String::from_utf8_lossy(&refused.stderr).contains("is no earlier build"), "{refused:?}");
    assert!(output.join("notes.txt").exists() && output.join("app").exists());
}
