//! Modules are found however they are imported and wherever they are installed.

use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::Trial;
use snapfreeze_tests::environment::pip_command;
use snapfreeze_tests::execution::{plain_command, python_command};
use snapfreeze_tests::fixtures::copy_folder;
use snapfreeze_tests::{Fixtures, Interpreter, assert_same, execute};

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    let every_kind = fixtures
        .each()
        .iter()
        .map(|slot| fixtures.trial("imports::every kind of import finds its module", slot).runs(every_kind));
    let preferred = fixtures.preferred();
    let by_pth = fixtures.trial("imports::portions through a .pth file are found", &preferred).runs(by_pth);
    let editable = fixtures
        .trial("imports::editable installations are found, by path and by hook", &preferred)
        .runs(editable);
    let dynamic = fixtures
        .trial("imports::what is imported by tables, finders and names of libraries is found", &preferred)
        .runs(dynamic);
    every_kind.chain([by_pth, editable, dynamic]).collect()
}

/// A copy of the programs in a place of their own, with the module that has no source compiled.
fn project(fixtures: &Fixtures, interpreter: &Interpreter) -> PathBuf {
    const COMPILE: &str =
        "import py_compile, sys; py_compile.compile(sys.argv[1], sys.argv[1] + 'c', doraise=True)";
    let folder = fixtures.folder("imports");
    copy_folder(&fixtures.spec("imports"), &folder);
    let source = folder.join("project/only_bytecode.py");
    execute(python_command(&interpreter.python).args(["-c", COMPILE]).arg(&source)).succeeded("py_compile");
    std::fs::remove_file(source).unwrap();
    folder
}

fn every_kind(fixtures: &Fixtures, interpreter: &Interpreter) {
    let folder = project(fixtures, interpreter);
    let portions = ["one", "two", "more"].map(|name| folder.join("portions").join(name));
    let path = std::env::join_paths(portions).unwrap();
    let program = folder.join("project/main.py");
    let expected = execute(python_command(&interpreter.python).arg(&program).env("PYTHONPATH", &path));
    let frozen = fixtures.freeze_with([&program], interpreter, |command| {
        command.env("PYTHONPATH", &path);
    });
    // The sources gone, nothing can be found but what is in the executable.
    std::fs::remove_dir_all(&folder).unwrap();
    assert_same(&execute(&mut plain_command(frozen)), &expected.succeeded("python"));
}

/// A virtual environment of this trial alone, with the directories that a .pth file of it names.
fn environment(folder: &Path, options: &[&str], paths: &[PathBuf], interpreter: &Interpreter) -> Interpreter {
    let place = folder.join("environment");
    execute(python_command(&interpreter.python).args(["-m", "venv"]).args(options).arg(&place))
        .succeeded("venv");
    let lines: Vec<String> = paths.iter().map(|path| format!("{}\n", path.display())).collect();
    let packages = place.join(format!("lib/python{}/site-packages", interpreter.minor));
    std::fs::write(packages.join("portions.pth"), lines.concat()).unwrap();
    interpreter.in_environment(&place)
}

fn by_pth(fixtures: &Fixtures, interpreter: &Interpreter) {
    let folder = project(fixtures, interpreter);
    let portions = ["one", "two", "more"].map(|name| folder.join("portions").join(name));
    let python = environment(&folder, &["--without-pip"], &portions, interpreter);
    same_after_removal(&folder, &folder.join("project/main.py"), &python, fixtures);
}

fn editable(fixtures: &Fixtures, interpreter: &Interpreter) {
    let folder = project(fixtures, interpreter);
    let portions = ["one", "two"].map(|name| folder.join("portions").join(name));
    // The build backend comes from an environment that is kept; nothing is downloaded for this trial.
    let backend = fixtures.environment("editable", interpreter);
    let python = environment(&folder, &["--without-pip"], &portions, interpreter);
    let packages = |python: &Interpreter| {
        let prefix = python.python.parent().and_then(Path::parent).unwrap().to_owned();
        prefix.join(format!("lib/python{}/site-packages", interpreter.minor))
    };
    let mut pip: Command = pip_command(&backend.python);
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "--target",
    ]);
    pip.arg(packages(&python));
    for project in ["by_path", "by_hook"] {
        pip.arg("--editable").arg(folder.join("editable").join(project));
    }
    execute(&mut pip).succeeded("pip");
    same_after_removal(&folder, &folder.join("editable/program/main.py"), &python, fixtures);
}

fn dynamic(fixtures: &Fixtures, interpreter: &Interpreter) {
    let python = fixtures.environment("dynamic", interpreter);
    let folder = fixtures.folder("dynamic");
    copy_folder(&fixtures.spec("imports/dynamic"), &folder);
    let program = folder.join("main.py");
    let expected = execute(python_command(&python.python).arg(&program)).succeeded("python");
    let frozen = fixtures.freeze([&program], &python);
    std::fs::remove_dir_all(&folder).unwrap();
    let output = execute(&mut plain_command(frozen)).succeeded("the program");
    assert_eq!(output.stdout, expected.stdout);
    // The library that it opens by name is its own.
    assert_eq!((&*output.stderr, &*expected.stderr), (&b"memory\n"[..], &b"disk\n"[..]));
}

/// The frozen program prints what `python` printed, though all that it was made of is gone.
fn same_after_removal(folder: &Path, program: &Path, python: &Interpreter, fixtures: &Fixtures) {
    let expected = execute(python_command(&python.python).arg(program)).succeeded("python");
    let frozen = fixtures.freeze([program], python);
    std::fs::remove_dir_all(folder).unwrap();
    assert_same(&execute(&mut plain_command(frozen)), &expected);
}
