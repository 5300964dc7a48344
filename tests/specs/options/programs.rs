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
