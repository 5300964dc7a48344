//! Coming from PyInstaller: its options, and specifications as it writes them.
//!
//! PyInstaller is installed for that, in an environment of its own; nothing is built with it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use libtest_mimic::Trial;
use snapfreeze_tests::execution::{plain_command, python_command};
use snapfreeze_tests::fixtures::copy_folder;
use snapfreeze_tests::{Fixtures, Interpreter, Outcome, execute};

/// What is said on PyInstaller's command line for the program in `moving/project`.
const OPTIONS: &[&str] = &[
    "app.py",
    "--name=tool",
    "--add-data=assets:assets",
    "--paths=source",
    "--hidden-import=plugin",
    "--collect-all=packaging",
    "--copy-metadata=packaging",
    "--runtime-hook=first.py",
    "--exclude-module=tkinter",
    "--upx-exclude=libfoo.so",
    "--windowed",
];

/// What the program prints when it has all of that.
const EXPECTED: &str = "words of a file\nthe plugin\npackaging.licenses\n25.0\nthe hook ran first\n";

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    let slot = fixtures.preferred();
    let one = |name: &str, body: fn(&Fixtures, &Interpreter)| {
        fixtures.trial(format!("moving::{name}"), &slot).runs(body)
    };
    vec![
        one("every option of PyInstaller is known, and on the page", every_option),
        one("PyInstaller's command line builds the program", command_line),
        one("a specification that PyInstaller writes builds the program", |fixtures, python| {
            specification(fixtures, python, "--onefile", "dist/tool");
        }),
        one("a specification of a directory builds the program", |fixtures, python| {
            specification(fixtures, python, "--onedir", "dist/tool/tool");
        }),
    ]
}

fn environment(fixtures: &Fixtures, python: &Interpreter) -> Interpreter {
    fixtures.environment("pyinstaller", python)
}

/// A copy of the program's folder, which is a project of its own.
fn project(fixtures: &Fixtures) -> PathBuf {
    let folder = fixtures.folder("moving");
    copy_folder(&fixtures.spec("moving/project"), &folder);
    std::fs::create_dir(folder.join(".git")).unwrap();
    folder
}

fn snapfreeze(fixtures: &Fixtures, folder: &Path, arguments: &[&str], python: &Interpreter) -> Outcome {
    let mut command = fixtures.snapfreeze();
    command.args(arguments).arg("--python").arg(&python.python).current_dir(folder);
    execute(&mut command)
}

/// The options that `--help` describes: their lines begin with two spaces and a dash.
fn described(help: &str) -> BTreeSet<String> {
    let lines = help.lines().filter(|line| line.starts_with("  -")).map(str::trim_start);
    // What an option does stands behind two spaces, if not on the next line.
    let names = lines.filter_map(|line| line.split("  ").next());
    let words = names.flat_map(|names| names.split([' ', ',']));
    let is_option = |word: &&str| word.starts_with('-') && word.len() > 1;
    words.filter(is_option).map(str::to_owned).collect()
}

fn every_option(fixtures: &Fixtures, python: &Interpreter) {
    let python = environment(fixtures, python);
    let help = execute(python_command(&python.python).args(["-m", "PyInstaller", "--help"]));
    let options = described(&help.succeeded("PyInstaller --help").out());
    assert!(options.len() > 60, "{options:?}");
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/moving-from-pyinstaller.md");
    let page = std::fs::read_to_string(page).unwrap();
    let folder = project(fixtures);
    // An option of the command itself, not of `build`.
    for option in options.iter().filter(|option| *option != "--version") {
        assert!(page.contains(&format!("`{option}`")), "{option} is not on the page");
        // The entry is not there: of an option that is known, that is what a build complains about, or a missing value.
        let mut command = fixtures.snapfreeze();
        let said = execute(command.args(["build", "none.py", option]).current_dir(&folder)).err();
        assert!(!said.contains("unexpected argument"), "{option}: {said}");
    }
}

fn command_line(fixtures: &Fixtures, python: &Interpreter) {
    let (folder, python) = (project(fixtures), environment(fixtures, python));
    let arguments: Vec<&str> =
        ["build"].into_iter().chain(OPTIONS.iter().copied()).chain(["-F", "-y", "--distpath=made"]).collect();
    let built = snapfreeze(fixtures, &folder, &arguments, &python).succeeded("the build");
    assert!(built.err().contains("note: --windowed has no effect: "), "{built:?}");
    let outcome = execute(&mut plain_command(folder.join("made/tool"))).succeeded("the program");
    assert_eq!(outcome.out(), EXPECTED);
}

fn specification(fixtures: &Fixtures, python: &Interpreter, kind: &str, made: &str) {
    let (folder, python) = (project(fixtures), environment(fixtures, python));
    let mut makespec = python_command(&python.python);
    makespec.args(["-m", "PyInstaller.utils.cliutils.makespec"]).args(OPTIONS).arg(kind);
    execute(makespec.current_dir(&folder)).succeeded("pyi-makespec");
    let imported = snapfreeze(fixtures, &folder, &["import", "tool.spec"], &python).succeeded("the import");
    assert!(imported.err().contains("note: not carried over: console = False"), "{imported:?}");
    let table = std::fs::read_to_string(folder.join("pyproject.toml")).unwrap();
    for line in ["entry = \"app.py\"", "collect-all = [\"packaging\"]", "add-data = [\"assets:assets\"]"] {
        assert!(table.contains(line), "no {line}: {table}");
    }
    assert!(!table.contains(python.python.parent().unwrap().to_str().unwrap()), "{table}");
    snapfreeze(fixtures, &folder, &["build"], &python).succeeded("the build");
    let outcome = execute(&mut plain_command(folder.join(made))).succeeded("the program");
    assert_eq!(outcome.out(), EXPECTED);
    // What is there is not written over.
    let again = snapfreeze(fixtures, &folder, &["import", "tool.spec"], &python);
    assert_eq!(again.code, Some(1), "{again:?}");
    assert_eq!(std::fs::read_to_string(folder.join("pyproject.toml")).unwrap(), table);
}
