//! `[tool.snapfreeze]`: where it is found, what its paths are relative to, and how it goes together with the command line.

use std::path::Path;

use libtest_mimic::Trial;
use snapfreeze_tests::execution::plain_command;
use snapfreeze_tests::{Fixtures, Interpreter, Outcome, execute};

use super::{folder, frozen};

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    let preferred = fixtures.preferred();
    let one = |name: &str, body: fn(&Fixtures, &Interpreter)| {
        fixtures.trial(format!("options::{name}"), &preferred).runs(body)
    };
    vec![
        one("a project's options are those of the nearest pyproject.toml, relative to it", nearest),
        one("the command line adds to lists and overrides the rest", together),
        one("a project may name its program, interpreter and output", whole),
        one("run takes the options of the project, too", running),
    ]
}

/// Says which of the modules are there, whether files are, and which optimisation there is.
const PROGRAM: &str = "\
import importlib, os, sys
def has(name):
    try:
        importlib.import_module(name)
        return True
    except ImportError:
        return False
print(has('eno'[::-1]), has('owt'[::-1]), os.path.exists(os.path.join(sys._MEIPASS, 'data/x.txt')), __debug__)
";

fn project(fixtures: &Fixtures, table: &str) -> std::path::PathBuf {
    let table = format!("[project]\nname = 'thing'\n\n{table}");
    folder(
        fixtures,
        &[
            ("pyproject.toml", table.as_str()),
            ("src/app/main.py", PROGRAM),
            ("lib/one.py", ""),
            ("lib/two.py", ""),
            ("files/x.txt", "x"),
            ("elsewhere/note.txt", ""),
        ],
    )
}

const TABLE: &str = "\
[tool.snapfreeze]
paths = ['lib']
hidden-import = ['one']
add-data = ['files/*.txt:data']
optimize = 1
include-source = false
";

/// As [`frozen`], from a directory of the project that is not its root.
#[track_caller]
fn from_elsewhere(fixtures: &Fixtures, python: &Interpreter, folder: &Path, arguments: &[&str]) -> Outcome {
    let arguments = [&["../src/app/main.py"], arguments].concat();
    frozen(fixtures, python, &folder.join("elsewhere"), &arguments).succeeded("program")
}

fn nearest(fixtures: &Fixtures, python: &Interpreter) {
    let folder = project(fixtures, TABLE);
    let of = |arguments: &[&str]| from_elsewhere(fixtures, python, &folder, arguments).out();
    assert_eq!(of(&[]), "True False True False\n");
    let told = super::build(fixtures, python, &folder.join("elsewhere"), &["../src/app/main.py", "-v"]);
    let place = folder.join("pyproject.toml");
    assert!(told.err().starts_with(&format!("options from {}\n", place.display())), "{told:?}");
    assert_eq!(of(&["--no-config"]), "False False False True\n");
    let other = "[tool.snapfreeze]\npaths = ['../lib']\nhidden-import = ['two']\n";
    std::fs::write(folder.join("elsewhere/other.toml"), other).unwrap();
    assert_eq!(of(&["--config", "other.toml"]), "False True False True\n");
    // A nearer file counts, even without a table.
    std::fs::write(folder.join("src/pyproject.toml"), "[project]\nname = 'nearer'\n").unwrap();
    assert_eq!(of(&[]), "False False False True\n");
}

fn together(fixtures: &Fixtures, python: &Interpreter) {
    let folder = project(fixtures, TABLE);
    let of = |arguments: &[&str]| from_elsewhere(fixtures, python, &folder, arguments).out();
    assert_eq!(of(&["--hidden-import", "two", "--optimize", "0"]), "True True True True\n");
    assert_eq!(of(&["--exclude-module=two"]), "True False True False\n");
}

fn whole(fixtures: &Fixtures, python: &Interpreter) {
    let interpreter = python.python.display();
    let more =
        format!("entry = 'src/app/main.py'\noutput = 'out/named'\nonedir = true\npython = '{interpreter}'\n");
    let folder = project(fixtures, &format!("{TABLE}{more}"));
    let mut command = fixtures.snapfreeze();
    let built = execute(command.arg("build").current_dir(folder.join("elsewhere"))).succeeded("build");
    assert_eq!(built.err(), "");
    let outcome = execute(&mut plain_command(folder.join("out/named/named")));
    assert_eq!(outcome.succeeded("program").out(), "True False True False\n");

    let folder =
        project(fixtures, &format!("[tool.snapfreeze]\nmodule = 'app.main'\npython = '{interpreter}'\n"));
    let mut command = fixtures.snapfreeze();
    execute(command.arg("build").current_dir(folder.join("elsewhere"))).succeeded("build");
    let outcome = execute(&mut plain_command(folder.join("dist/main")));
    assert_eq!(outcome.succeeded("program").out(), "False False False True\n");
}

fn running(fixtures: &Fixtures, python: &Interpreter) {
    let table = format!("{TABLE}onedir = true\noutput = 'out'\nentry = 'src/app/main.py'\n");
    let folder = project(fixtures, &table);
    let mut command = fixtures.snapfreeze();
    command.args(["run", "--optimize=0", "--python"]).arg(&python.python).args(["--", "x"]);
    let outcome = execute(command.current_dir(&folder)).succeeded("run");
    assert_eq!((outcome.out().as_str(), outcome.err().as_str()), ("True False True True\n", ""));
    assert!(!folder.join("out").exists(), "what only build knows says nothing to run");
}
