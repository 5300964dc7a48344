//! Every form of entry runs as `python` runs it, and every option of the command does what it says.

use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::Trial;
use snapfreeze_tests::execution::{TIME_LIMIT, plain_command, python_command};
use snapfreeze_tests::fixtures::copy_folder;
use snapfreeze_tests::{Fixtures, Interpreter, Outcome, assert_same, execute, execute_within};

/// A form of entry.
struct Form {
    name: &'static str,
    /// The words that name it to `snapfreeze build`.
    entry: &'static [&'static str],
    /// The words by which `python` runs the same.
    python: &'static [&'static str],
}

const FORMS: &[Form] = &[
    Form { name: "a script without a suffix", entry: &["script"], python: &["script"] },
    Form { name: "a script by a path with dots", entry: &["pkg/../script"], python: &["script"] },
    Form { name: "a script whose name is not ASCII", entry: &["größe.py"], python: &["größe.py"] },
    Form { name: "a package directory", entry: &["pkg"], python: &["-m", "pkg"] },
    Form { name: "a package directory with a slash", entry: &["./pkg/"], python: &["-m", "pkg"] },
    Form { name: "a directory that is no package", entry: &["tree"], python: &["tree"] },
    Form { name: "a module", entry: &["-m", "pkg.tool"], python: &["-m", "pkg.tool"] },
    Form { name: "a package by its name", entry: &["-m", "pkg"], python: &["-m", "pkg"] },
    Form { name: "a package inside of a package", entry: &["-m", "pkg.sub"], python: &["-m", "pkg.sub"] },
    Form {
        name: "a module of the standard library",
        entry: &["-m", "calendar"],
        python: &["-m", "calendar"],
    },
    Form {
        name: "a function",
        entry: &["pkg.tool:main"],
        python: &["-c", "import sys; from pkg.tool import main; sys.exit(main())"],
    },
    Form {
        name: "a function below another name",
        entry: &["pkg.tool:Commands.inner"],
        python: &["-c", "import sys; from pkg.tool import Commands; sys.exit(Commands.inner())"],
    },
    Form {
        name: "a function that returns a text",
        entry: &["pkg.tool:text"],
        python: &["-c", "import sys; from pkg.tool import text; sys.exit(text())"],
    },
    Form {
        name: "a function that returns nothing",
        entry: &["pkg.tool:nothing"],
        python: &["-c", "import sys; from pkg.tool import nothing; sys.exit(nothing())"],
    },
];

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    let preferred = fixtures.preferred();
    let mut trials = Vec::new();
    for form in FORMS {
        let name = format!("entries::{} runs as under python", form.name);
        trials.push(fixtures.trial(name, &preferred).runs(|fixtures, interpreter| {
            let project = project(fixtures, "project");
            runs_as_under_python(form, &project, fixtures, interpreter);
        }));
    }
    for (level, flags) in [("0", &[][..]), ("1", &["-O"]), ("2", &["-OO"])] {
        for slot in fixtures.each() {
            let name = format!("entries::--optimize {level} takes away what python takes away");
            trials.push(fixtures.trial(name, slot).runs(move |fixtures, interpreter| {
                optimizes(level, flags, fixtures, interpreter);
            }));
        }
    }
    let mut plain = |name: &str, body: fn(&Fixtures, &Interpreter)| {
        trials.push(fixtures.trial(format!("entries::{name}"), &preferred).runs(body));
    };
    plain("a project's path may hold spaces and other scripts", any_path);
    plain("the default output is dist and the entry's name", default_output);
    plain("an environment beside the entry is found", environment_beside_the_entry);
    plain("run passes arguments, input and the exit code", run_passes_everything);
    plain("run prints nothing of its own to stdout", run_is_silent);
    plain("--quiet prints nothing", quiet);
    plain("--jobs changes nothing", jobs);
    trials
}

/// A copy of the project in a place of its own.
fn project(fixtures: &Fixtures, name: &str) -> PathBuf {
    let folder = fixtures.folder("project").join(name);
    copy_folder(&fixtures.spec("entries"), &folder);
    folder
}

/// The arguments with which each form is run.
const ARGUMENTS: [&str; 3] = ["--first", "zwei größer", ""];

fn runs_as_under_python(form: &Form, project: &Path, fixtures: &Fixtures, interpreter: &Interpreter) {
    // A month of this calendar is today's without arguments: the module's arguments are a year and a month.
    let arguments: &[&str] = if form.entry.contains(&"calendar") { &["2024", "2"] } else { &ARGUMENTS };
    let mut command = python_command(&interpreter.python);
    let expected = execute(command.args(form.python).args(arguments).current_dir(project));
    let frozen = fixtures.freeze_with(form.entry, interpreter, |command| {
        command.current_dir(project);
    });
    assert!(!expected.err().contains("Traceback"), "{expected:?}");
    assert_same(&execute(plain_command(frozen).args(arguments).current_dir("/")), &expected);
}

fn optimizes(level: &str, flags: &[&str], fixtures: &Fixtures, interpreter: &Interpreter) {
    let script = fixtures.spec("entries/levels.py");
    let mut command = python_command(&interpreter.python);
    let expected = execute(command.args(flags).arg(&script)).succeeded("python");
    let options = [script.as_os_str(), "--optimize".as_ref(), level.as_ref()];
    let frozen = fixtures.freeze(options, interpreter);
    assert_same(&execute(&mut plain_command(frozen)), &expected);
}

fn any_path(fixtures: &Fixtures, interpreter: &Interpreter) {
    let project = project(fixtures, "ein Projekt, größer als 大 — it's \"the\" $one");
    for form in FORMS.iter().filter(|form| ["größe.py", "pkg"].contains(&form.entry[0])) {
        runs_as_under_python(form, &project, fixtures, interpreter);
    }
    let expected = execute(python_command(&interpreter.python).arg(project.join("script")).current_dir("/"));
    let frozen = fixtures.freeze([project.join("script")], interpreter);
    assert_same(&execute(&mut plain_command(frozen)), &expected);
}

fn default_output(fixtures: &Fixtures, interpreter: &Interpreter) {
    let project = project(fixtures, "project");
    let outputs = [
        (&["script"][..], "script"),
        (&["größe.py"], "größe"),
        (&["pkg"], "pkg"),
        (&["-m", "pkg.tool"], "tool"),
        (&["pkg.tool:main"], "pkg"),
    ];
    for (entry, name) in outputs {
        let mut command = fixtures.snapfreeze();
        command.arg("build").args(entry).arg("--python").arg(&interpreter.python).current_dir(&project);
        let outcome = execute(&mut command).succeeded("the build");
        let output = format!("dist/{name}");
        assert!(project.join(&output).is_file(), "{output} is not there");
        assert!(outcome.out().starts_with(&format!("built     {output} (")), "{outcome:?}");
        std::fs::remove_dir_all(project.join("dist")).unwrap();
    }
}

fn environment_beside_the_entry(fixtures: &Fixtures, interpreter: &Interpreter) {
    let project = fixtures.folder("project");
    let mut venv = python_command(&interpreter.python);
    execute(venv.args(["-m", "venv", "--without-pip"]).arg(project.join(".venv"))).succeeded("venv");
    let packages = project.join(format!(".venv/lib/python{}/site-packages", interpreter.minor));
    std::fs::write(packages.join("only_here.py"), "NAME = 'only in this environment'\n").unwrap();
    std::fs::write(project.join("app.py"), "import only_here\nprint(only_here.NAME)\n").unwrap();
    let mut command = fixtures.snapfreeze();
    execute(command.args(["build", "app.py"]).current_dir(&project)).succeeded("the build");
    let outcome = execute(&mut plain_command(project.join("dist/app"))).succeeded("the program");
    assert_eq!(outcome.out(), "only in this environment\n");
}

/// `snapfreeze run` of the program that tells its arguments.
fn run(fixtures: &Fixtures, interpreter: &Interpreter) -> Outcome {
    let mut command = fixtures.snapfreeze();
    command.arg("run").arg(fixtures.spec("entries/arguments.py")).arg("--python").arg(&interpreter.python);
    execute_within(command.arg("--").args(ARGUMENTS), TIME_LIMIT, b"the input")
}

fn run_passes_everything(fixtures: &Fixtures, interpreter: &Interpreter) {
    let mut python = fixtures.python("entries/arguments.py", interpreter);
    let expected = execute_within(python.args(ARGUMENTS), TIME_LIMIT, b"the input");
    assert_eq!(expected.code, Some(42));
    for _ in 0..2 {
        assert_same(&run(fixtures, interpreter), &expected);
    }
}

fn run_is_silent(fixtures: &Fixtures, interpreter: &Interpreter) {
    let outcome = run(fixtures, interpreter);
    assert_eq!(outcome.out(), "['--first', 'zwei größer', ''] the input\n");
}

/// `snapfreeze build` of the smallest program with an option, and the executable.
fn build_with(options: &[&str], fixtures: &Fixtures, interpreter: &Interpreter) -> (Outcome, PathBuf) {
    let output = fixtures.folder("built").join("hello");
    let mut command: Command = fixtures.snapfreeze();
    command.arg("build").arg(fixtures.spec("workloads/hello.py")).args(options);
    command.arg("--python").arg(&interpreter.python).arg("-o").arg(&output);
    (execute(&mut command).succeeded("the build"), output)
}

fn quiet(fixtures: &Fixtures, interpreter: &Interpreter) {
    let (outcome, _) = build_with(&["--quiet"], fixtures, interpreter);
    assert!(outcome.stdout.is_empty() && outcome.stderr.is_empty(), "{outcome:?}");
}

fn jobs(fixtures: &Fixtures, interpreter: &Interpreter) {
    let built = ["1", "2", "7"].map(|jobs| build_with(&["--jobs", jobs], fixtures, interpreter).1);
    let [one, two, seven] = built.map(|output| std::fs::read(output).unwrap());
    assert!(one == two && two == seven, "the number of jobs changes the output");
}
