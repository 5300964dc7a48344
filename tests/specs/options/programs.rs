//! A project's programs: which there are, which are built, where they go, and whose options count.

use std::path::{Path, PathBuf};

use libtest_mimic::Trial;
use snapfreeze_tests::execution::plain_command;
use snapfreeze_tests::{Fixtures, Interpreter, Outcome, execute};

use super::folder;

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    let preferred = fixtures.preferred();
    let one = |name: &str, body: fn(&Fixtures, &Interpreter)| {
        fixtures.trial(format!("options::programs::{name}"), &preferred).runs(body)
    };
    vec![
        one("a build without arguments builds the project's scripts, installed or not", scripts),
        one("each program has its own options, and those of all", bins),
        one("a program that the project does not name has the options of all and no output", others),
        one("what names no program of the project is refused", refused),
        one("programs that are built together are those that are built alone, byte for byte", together),
        one("where one program fails none is written, and the message names it", one_fails),
        one("the command line comes after the environment, and that after the file", order),
        one("a dry run tells what the build would make, and writes none of it", dry_run),
    ]
}

const SCRIPTS: &str = "\
[project]
name = 'shop'
version = '1'

[project.scripts]
serve = 'shop.server:main'

[project.gui-scripts]
'shop admin' = 'shop.admin:run'
";

fn project(fixtures: &Fixtures, pyproject: &str) -> PathBuf {
    folder(
        fixtures,
        &[
            ("pyproject.toml", pyproject),
            ("src/shop/__init__.py", ""),
            (
                "src/shop/server.py",
                "from . import price\ndef main():\n    print('serve', price.OF_ALL, __debug__)\n",
            ),
            (
                "src/shop/admin.py",
                "from . import price\ndef run():\n    print('admin', price.OF_ALL, __debug__)\n",
            ),
            ("src/shop/price.py", "OF_ALL = 7\n"),
            // A directory of a program's name, and a file.
            ("serve/note.txt", ""),
            (
                "tool.py",
                "import os, sys\nprint('tool', __debug__, os.path.exists(sys._MEIPASS + '/note.txt'))\n",
            ),
            ("sub dir/note.txt", ""),
            // A module of this name here is not the project's.
            ("sub dir/shop.py", "raise SystemExit('the wrong one')\n"),
        ],
    )
}

fn build(fixtures: &Fixtures, python: &Interpreter, directory: &Path, arguments: &[&str]) -> Outcome {
    let mut command = fixtures.snapfreeze();
    execute(command.arg("build").args(arguments).arg("--python").arg(&python.python).current_dir(directory))
}

#[track_caller]
fn run(executable: PathBuf) -> String {
    execute(&mut plain_command(executable)).succeeded("program").out()
}

/// Names of what is in a directory, sorted.
fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into()).collect();
    names.sort();
    names
}

fn scripts(fixtures: &Fixtures, python: &Interpreter) {
    let folder = project(fixtures, SCRIPTS);
    build(fixtures, python, &folder.join("sub dir"), &[]).succeeded("build");
    assert_eq!(names(&folder.join("dist")), ["serve", "shop admin"]);
    assert_eq!(run(folder.join("dist/serve")), "serve 7 True\n");
    assert_eq!(run(folder.join("dist/shop admin")), "admin 7 True\n");
    assert_eq!(names(&folder.join("sub dir")), ["note.txt", "shop.py"]);

    // Some of them, by name; the directory of the same name is none.
    std::fs::remove_dir_all(folder.join("dist")).unwrap();
    build(fixtures, python, &folder, &["serve", "--output-dir", "out"]).succeeded("build");
    build(fixtures, python, &folder, &["--bin", "shop admin", "-o", "x/admin"]).succeeded("build");
    assert_eq!(
        (names(&folder.join("out")), names(&folder.join("x"))),
        (vec!["serve".into()], vec!["admin".into()])
    );
    assert_eq!(names(&folder.join("dist")), [""; 0]);
    let mut command = fixtures.snapfreeze();
    command.args(["run", "serve", "--python"]).arg(&python.python).current_dir(&folder);
    assert_eq!(execute(&mut command).succeeded("run").out(), "serve 7 True\n");
}

fn bins(fixtures: &Fixtures, python: &Interpreter) {
    let table = "
[tool.snapfreeze]
optimize = 1
output-dir = 'out'
add-data = ['sub dir/note.txt:.']

[[tool.snapfreeze.bin]]
name = 'serve'

[[tool.snapfreeze.bin]]
entry = 'tool.py'
name = 'outil'
optimize = 0

[[tool.snapfreeze.bin]]
name = 'whole'
module = 'shop.admin'
onedir = true
output = 'elsewhere'
";
    let folder = project(fixtures, &format!("{SCRIPTS}{table}"));
    build(fixtures, python, &folder, &[]).succeeded("build");
    assert_eq!(names(&folder.join("out")), ["outil", "serve"]);
    assert_eq!(run(folder.join("out/serve")), "serve 7 False\n");
    assert_eq!(run(folder.join("out/outil")), "tool True True\n");
    assert_eq!(names(&folder.join("elsewhere")), ["_internal", "elsewhere"]);
    // An entry that is a program's is that program.
    build(fixtures, python, &folder.join("sub dir"), &["../tool.py", "--output-dir", "."]).succeeded("build");
    assert_eq!(run(folder.join("sub dir/outil")), "tool True True\n");
}

fn others(fixtures: &Fixtures, python: &Interpreter) {
    let table = "[tool.snapfreeze]\noptimize = 1\nentry = 'src/shop/server.py'\noutput = 'out/named'\n";
    let folder = project(fixtures, table);
    build(fixtures, python, &folder, &["tool.py"]).succeeded("build");
    assert_eq!((names(&folder.join("dist")), names(&folder.join("out"))), (vec!["tool".into()], vec![]));
    assert_eq!(run(folder.join("dist/tool")), "tool False False\n");
}

/// From nothing: with neither a cache nor anything else that an earlier build has left.
fn together(fixtures: &Fixtures, python: &Interpreter) {
    let table = "
[[tool.snapfreeze.bin]]
name = 'serve'

[[tool.snapfreeze.bin]]
name = 'shop admin'
exclude-module = ['argparse']

[[tool.snapfreeze.bin]]
entry = 'json_tool.py'
optimize = 2
";
    let folder = project(fixtures, &format!("{SCRIPTS}{table}"));
    std::fs::write(folder.join("json_tool.py"), "import json, ssl, sqlite3\nimport src.shop.price\n")
        .unwrap();
    let built = |arguments: &[&str]| {
        let mut command = fixtures.snapfreeze();
        command.env("SNAPFREEZE_CACHE_DIR", "").arg("build").args(arguments).arg("--python");
        execute(command.arg(&python.python).current_dir(&folder)).succeeded("build");
    };
    built(&["--output-dir=together"]);
    for name in ["serve", "shop admin", "json_tool"] {
        built(&["--bin", name, "--output-dir=alone"]);
        let [together, alone] =
            ["together", "alone"].map(|place| std::fs::read(folder.join(place).join(name)).unwrap());
        assert!(together == alone, "{name}");
    }
}

fn one_fails(fixtures: &Fixtures, python: &Interpreter) {
    let folder = project(fixtures, SCRIPTS);
    std::fs::write(folder.join("src/shop/admin.py"), "def run(:\n").unwrap();
    let outcome = build(fixtures, python, &folder, &[]);
    assert_eq!((outcome.code, outcome.out().as_str()), (Some(1), ""), "{outcome:?}");
    assert!(outcome.err().starts_with("error: shop admin: "), "{outcome:?}");
    assert!(outcome.err().contains("admin.py:1: syntax error"), "{outcome:?}");
    assert_eq!(names(&folder.join("dist")), [""; 0]);
}

fn order(fixtures: &Fixtures, python: &Interpreter) {
    let program = "\
import importlib, os, sys
def has(name):
    try:
        return bool(importlib.import_module(name[::-1]))
    except ImportError:
        return False
print([has(name) for name in ('a_elif', 'a_vne', 'a_galf')], sys.flags.optimize, os.path.isdir(sys._MEIPASS))
";
    let table = "[tool.snapfreeze]\nhidden-import = ['file_a']\noptimize = 1\noutput-dir = 'of-file'\n";
    let files = [
        ("pyproject.toml", table),
        ("main.py", program),
        ("file_a.py", ""),
        ("env_a.py", ""),
        ("flag_a.py", ""),
    ];
    let folder = folder(fixtures, &files);
    let built = |variables: &[(&str, &str)], arguments: &[&str]| {
        let mut command = fixtures.snapfreeze();
        command.args(["build", "main.py", "--python"]).arg(&python.python).args(arguments);
        execute(command.envs(variables.iter().copied()).current_dir(&folder))
    };
    built(&[], &[]).succeeded("build");
    assert_eq!(run(folder.join("of-file/main")), "[True, False, False] 1 True\n");
    let variables = [
        ("SNAPFREEZE_HIDDEN_IMPORT", "env_a"),
        ("SNAPFREEZE_OPTIMIZE", "2"),
        ("SNAPFREEZE_OUTPUT_DIR", "of-environment"),
    ];
    built(&variables, &[]).succeeded("build");
    assert_eq!(run(folder.join("of-environment/main")), "[True, True, False] 2 True\n");
    let flags = ["--hidden-import=flag_a", "--optimize=0", "--output-dir=of-line"];
    built(&variables, &flags).succeeded("build");
    assert_eq!(run(folder.join("of-line/main")), "[True, True, True] 0 True\n");
    built(&variables, &["--no-config"]).succeeded("build");
    assert_eq!(run(folder.join("of-environment/main")), "[False, True, False] 2 True\n");
    let refused = built(&[("SNAPFREEZE_COMPRESS", "more")], &[]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.err().starts_with("error: SNAPFREEZE_COMPRESS cannot be \"more\": "), "{refused:?}");
}

fn dry_run(fixtures: &Fixtures, python: &Interpreter) {
    let folder = project(fixtures, SCRIPTS);
    let before = names(&folder);
    let document = |arguments: &[&str]| -> serde_json::Value {
        let outcome = build(fixtures, python, &folder, arguments).succeeded("build");
        assert_eq!(outcome.err(), "");
        serde_json::from_slice(&outcome.stdout).unwrap()
    };
    let told = build(fixtures, python, &folder, &["--dry-run"]).succeeded("build").out();
    for (name, place) in [("serve", "dist/serve"), ("shop admin", "dist/shop admin")] {
        assert!(told.contains(&format!("would build {place}\n")), "{name}: {told}");
    }
    let planned = document(&["--dry-run", "--json"]);
    assert_eq!(names(&folder), before);
    let built = document(&["--json"]);
    assert_eq!(names(&folder.join("dist")), ["serve", "shop admin"]);
    assert_eq!((&planned["dry_run"], &built["dry_run"]), (&true.into(), &false.into()));
    for (number, name) in ["serve", "shop admin"].into_iter().enumerate() {
        let (planned, built) = (&planned["programs"][number], &built["programs"][number]);
        for same in
            ["name", "output", "python", "platform", "glibc", "modules", "extensions", "libraries", "files"]
        {
            assert_eq!(planned[same], built[same], "{same}");
            assert!(!built[same].is_null(), "{same}");
        }
        assert_eq!(built["name"], name);
        let file = std::fs::metadata(folder.join("dist").join(name)).unwrap();
        assert_eq!((planned["size"].as_u64(), built["size"].as_u64()), (None, Some(file.len())));
    }
}

fn refused(fixtures: &Fixtures, python: &Interpreter) {
    let folder = project(fixtures, SCRIPTS);
    let place = folder.join("pyproject.toml");
    let refused = |arguments: &[&str], message: &str, hint: &str| {
        let outcome = build(fixtures, python, &folder, arguments);
        assert_eq!(outcome.code, Some(1), "{outcome:?}");
        let expected =
            format!("error: {message}\nhint: {hint}\n").replace("FILE", &place.display().to_string());
        assert_eq!(outcome.err(), expected);
        assert_eq!(names(&folder.join("dist")), [""; 0]);
    };
    refused(&["--bin=sevre"], "FILE has no program sevre", "there is serve");
    let several = "--output names one file, and there are 2 programs: serve, shop admin";
    refused(&["-o", "x"], several, "name a directory with --output-dir, or one program: `--bin serve`");
    let mut command = fixtures.snapfreeze();
    let outcome = execute(command.args(["why", "json"]).current_dir(&folder));
    let expected = format!("error: {} has 2 programs: serve, shop admin\n", place.display());
    assert!(outcome.code == Some(1) && outcome.err().starts_with(&expected), "{outcome:?}");
    std::fs::remove_file(&place).unwrap();
    std::fs::create_dir(folder.join(".git")).unwrap();
    refused(
        &["--bin=serve"],
        "there is no pyproject.toml here or above that has a program serve",
        "call it in the project's directory, or name the program's file",
    );
}
