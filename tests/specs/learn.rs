//! A build learns from runs of the program: what they import and open is in the executable, in the order of the run.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use snapfreeze::collect::files::{Reason, TreePath};
use snapfreeze::entry::Entry;
use snapfreeze::graph::Rule;
use snapfreeze::ops::prepare::{Prepared, prepare};
use snapfreeze::request::BuildRequest;
use snapfreeze_tests::execution::{Running, TIME_LIMIT, plain_command, python_command};
use snapfreeze_tests::fixtures::copy_folder;
use snapfreeze_tests::{Fixtures, Interpreter, Outcome, assert_same, execute};

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    let preferred = fixtures.preferred();
    let mut trials = Vec::new();
    for slot in fixtures.each() {
        let mut each = |name: &str, body: fn(&Fixtures, &Interpreter)| {
            trials.push(fixtures.trial(format!("learn::{name}"), slot).runs(body));
        };
        each("what two traced runs import and read is in the executable", two_runs);
        each("children of multiprocessing are traced", children);
        each("every form of program is traced as python runs it", forms);
    }
    let mut plain = |name: &str, body: fn(&Fixtures, &Interpreter)| {
        trials.push(fixtures.trial(format!("learn::{name}"), &preferred).runs(body));
    };
    plain("a run that ends badly is a warning, and counts until then", bad_ends);
    plain("an interrupt from the keyboard ends the run, not the build", interrupt);
    plain("other programs of sys.executable count where the executable is python", other_programs);
    plain("a module from a directory outside of the path is named, not included", elsewhere);
    plain("a module's second name is no module", second_name);
    plain("the observed order is the order of the archive", order);
    plain("a program that starts anew in its own place is traced on", starts_anew);
    plain("metadata that a run reads are there", metadata);
    plain("a project's options name runs, too", configured);
    plain("a module that only a run shows has the line that imported it", reasons);
    plain("arguments with an open quotation mark are refused", open_quotation);
    trials
}

/// A copy of the program in a place of its own.
fn program(fixtures: &Fixtures) -> PathBuf {
    let folder = fixtures.folder("learn");
    copy_folder(&fixtures.spec("learn"), &folder);
    folder.join("program/main.py")
}

/// The build's command, with traces.
fn command(fixtures: &Fixtures, program: &Path, python: &Interpreter, traces: &[&str]) -> (Command, PathBuf) {
    let output = fixtures.folder("frozen").join("program");
    let mut command = fixtures.snapfreeze();
    command.arg("build").arg(program).arg("--python").arg(&python.python).arg("-o").arg(&output);
    command.args(traces.iter().flat_map(|trace| ["--trace", trace]));
    (command, output)
}

/// Builds with traces; returns what the build said, and the executable.
#[track_caller]
fn learn(fixtures: &Fixtures, program: &Path, python: &Interpreter, traces: &[&str]) -> (Outcome, PathBuf) {
    let (mut command, output) = command(fixtures, program, python, traces);
    (execute(&mut command).succeeded("the build"), output)
}

fn frozen(executable: &Path, arguments: &[&str]) -> Outcome {
    execute(plain_command(executable).args(arguments))
}

fn two_runs(fixtures: &Fixtures, interpreter: &Interpreter) {
    let program = program(fixtures);
    let traces = ["-- icircle rtests/note.txt", "'rsizes.pyi' ifigures.line"];
    let arguments = ["icircle", "rtests/note.txt", "rsizes.pyi", "ifigures.line"];
    let expected = execute(python_command(&interpreter.python).arg(&program).args(arguments));
    let (_, without) = learn(fixtures, &program, interpreter, &[]);
    let (said, executable) = learn(fixtures, &program, interpreter, &traces);
    // What the program prints is not mixed with the report.
    let is_row = |line: &str| line.get(8..10) == Some("  ");
    assert!(said.out().starts_with("built ") && said.out().lines().all(is_row), "{said:?}");
    assert!(said.err().contains("circle\na note\n") && said.err().contains("SIZE: int\nline\n"), "{said:?}");
    assert!(!said.err().contains("warning"), "{said:?}");
    std::fs::remove_dir_all(program.parent().unwrap()).unwrap();
    assert_same(&frozen(&executable, &arguments), &expected.succeeded("python"));
    for argument in arguments {
        assert_eq!(frozen(&without, &[argument]).code, Some(1), "{argument} is found without a trace");
    }
    assert!(frozen(&executable, &["isquare"]).err().contains("No module named 'square'"));
}

fn children(fixtures: &Fixtures, interpreter: &Interpreter) {
    let program = program(fixtures);
    let arguments = ["scircle", "fsquare"];
    let expected = execute(python_command(&interpreter.python).arg(&program).args(arguments));
    let (_, executable) = learn(fixtures, &program, interpreter, &["-- scircle fsquare"]);
    std::fs::remove_dir_all(program.parent().unwrap()).unwrap();
    assert_eq!(expected.out(), "circle\nsquare\n");
    assert_same(&frozen(&executable, &arguments), &expected);
}

fn forms(fixtures: &Fixtures, interpreter: &Interpreter) {
    let folder = program(fixtures).parent().and_then(Path::parent).unwrap().join("forms");
    let packaged = "package.found";
    let directory = folder.join("directory");
    let directory = directory.to_str().unwrap();
    for (entry, python, name) in [
        (vec!["script.py"], vec!["script.py"], "found"),
        (vec!["directory"], vec![directory], "found"),
        (vec!["package"], vec!["-m", "package"], packaged),
        (vec!["-m", "package"], vec!["-m", "package"], packaged),
        (vec!["-m", "script"], vec!["-m", "script"], "found"),
        (vec!["show:main"], vec!["-c", "import show; show.main()"], "found"),
    ] {
        let arguments = [name, "a b", "-x"];
        let mut plain = python_command(&interpreter.python);
        plain.arg("-O").args(&python).args(arguments).current_dir(&folder);
        let expected = execute(&mut plain).succeeded("python").out();
        let output = fixtures.folder("frozen").join("program");
        let mut build = fixtures.snapfreeze();
        build.arg("build").args(&entry).args(["--optimize", "1"]).arg("--python").arg(&interpreter.python);
        build.arg("-o").arg(&output).arg(format!("--trace=-- {name} 'a b' -x")).current_dir(&folder);
        let said = execute(&mut build).succeeded("the build");
        // Without a directory named, `python -c` has the working directory as an empty entry of sys.path.
        assert!(said.err().contains(&expected), "{entry:?}: {expected}\n{said:?}");
        let outcome = frozen(&output, &arguments);
        assert!(
            outcome.out().starts_with(&format!("{arguments:?}").replace('"', "'")),
            "{entry:?} {outcome:?}"
        );
    }
    // A package is found beside itself from any working directory.
    let (said, executable) =
        learn(fixtures, &folder.join("package"), interpreter, &[&format!("-- {packaged} /relative")]);
    assert!(said.err().contains(folder.to_str().unwrap()), "{said:?}");
    frozen(&executable, &[packaged]).succeeded("the package");
}

fn bad_ends(fixtures: &Fixtures, interpreter: &Interpreter) {
    let program = program(fixtures);
    let traces = ["-- icircle x3", "-- isquare _4", "-- ifigures.line k"];
    let (said, executable) = learn(fixtures, &program, interpreter, &traces);
    for (trace, end) in
        traces.iter().zip(["ended with exit code 3", "ended with exit code 4", "was ended by signal 9"])
    {
        let warning = format!("warning: the traced run `{trace}` {end}; what it did before is included\n");
        assert!(said.err().contains(&warning), "{warning}{said:?}");
    }
    let outcome = frozen(&executable, &["icircle", "isquare", "ifigures.line"]);
    assert_eq!(outcome.succeeded("the program").out(), "circle\nsquare\nline\n");
}

fn interrupt(fixtures: &Fixtures, interpreter: &Interpreter) {
    let program = program(fixtures);
    let ready = program.with_file_name("ready");
    let trace = format!("-- icircle 'w{}'", ready.display());
    let (mut command, executable) = command(fixtures, &program, interpreter, &[&trace]);
    let running = Running::start(&mut command);
    let started = Instant::now();
    while !ready.exists() {
        assert!(started.elapsed() < TIME_LIMIT, "the traced program does not start");
        std::thread::sleep(Duration::from_millis(10));
    }
    // To all of the terminal's foreground, as the terminal does.
    let text = format!("import os; os.kill(-{}, 2)", running.child.id());
    execute(python_command(&interpreter.python).args(["-c", &text])).succeeded("kill");
    let said = running.end(TIME_LIMIT).unwrap_or_else(|outcome| panic!("too slow: {outcome:?}"));
    let said = said.succeeded("the build");
    assert!(said.err().contains("KeyboardInterrupt") && !said.err().contains("warning"), "{said:?}");
    assert_eq!(frozen(&executable, &["icircle"]).succeeded("the program").out(), "circle\n");
}

fn other_programs(fixtures: &Fixtures, interpreter: &Interpreter) {
    let program = program(fixtures);
    let has_square = |options: &[&str]| {
        let (mut build, executable) = command(fixtures, &program, interpreter, &["-- psquare"]);
        let said = execute(build.args(options)).succeeded("the build");
        assert!(!said.err().contains("warning"), "{said:?}");
        frozen(&executable, &["isquare"]).code == Some(0)
    };
    assert!(!has_square(&[]));
    assert!(has_square(&["--interpreter", "env"]));
}

fn elsewhere(fixtures: &Fixtures, interpreter: &Interpreter) {
    let program = program(fixtures);
    let directory = program.with_file_name("elsewhere");
    let (said, executable) = learn(fixtures, &program, interpreter, &["-- +elsewhere iblot"]);
    let directory = directory.display();
    let warning = format!(
        "warning: blot was imported in a traced run from {directory}, which the program puts on sys.path itself; \
         --paths {directory} has it included\n"
    );
    assert!(said.err().contains(&warning), "{said:?}");
    assert_eq!(frozen(&executable, &["iblot"]).code, Some(1));
}

fn second_name(fixtures: &Fixtures, interpreter: &Interpreter) {
    let program = program(fixtures);
    let modules = prepared(&program, interpreter, &["-- afigures.line icircle"]).graph.modules;
    assert!(modules.contains_key("figures.line") && modules.contains_key("circle"));
    assert!(!modules.contains_key("line"));
}

fn order(fixtures: &Fixtures, interpreter: &Interpreter) {
    let program = program(fixtures);
    let places = |traces: &[&str]| {
        let plan = prepared(&program, interpreter, traces).plan;
        let place = |name: &str| plan.modules.iter().position(|module| module.name == name);
        let is_eager = |name: &str| plan.modules.iter().any(|module| module.name == name && module.eager);
        let names = ["__main__", "drawing", "square", "figures", "figures.line", "colorsys", "circle"];
        (names.map(place), names.map(is_eager))
    };
    let (places_of_one, eager) = places(&["-- isquare ifigures.line icircle"]);
    let [main, drawing, square, figures, line, colorsys, circle] = places_of_one.map(Option::unwrap);
    assert!(main < drawing && drawing < square && square < figures, "{places_of_one:?}");
    assert_eq!([line, circle, colorsys], [figures + 1, figures + 2, figures + 3]);
    assert_eq!(eager, [true; 7]);
    let (places_of_two, _) = places(&["-- icircle", "-- isquare"]);
    let [_, _, square, figures, _, colorsys, circle] = places_of_two;
    assert_eq!([square, colorsys], [circle.map(|at| at + 2), circle.map(|at| at + 1)]);
    assert_eq!(figures, None);
}

fn starts_anew(fixtures: &Fixtures, interpreter: &Interpreter) {
    let (said, executable) = learn(fixtures, &program(fixtures), interpreter, &["-- icircle eisquare"]);
    assert!(!said.err().contains("warning"), "{said:?}");
    assert_eq!(frozen(&executable, &["icircle", "isquare"]).out(), "circle\nsquare\n");
}

fn metadata(fixtures: &Fixtures, interpreter: &Interpreter) {
    let python = fixtures.environment("workloads", interpreter);
    let program = program(fixtures);
    let expected = execute(python_command(&python.python).arg(&program).args(["vclick"])).succeeded("python");
    let (_, without) = learn(fixtures, &program, &python, &[]);
    let (_, executable) = learn(fixtures, &program, &python, &["vclick"]);
    assert_same(&frozen(&executable, &["vclick"]), &expected);
    assert_eq!(frozen(&without, &["vclick"]).code, Some(1));
    assert_eq!(frozen(&executable, &["vrich"]).code, Some(1));
}

fn configured(fixtures: &Fixtures, interpreter: &Interpreter) {
    let program = program(fixtures);
    let text = "[tool.snapfreeze]\ntrace = [\"-- icircle\", \"isquare\"]\n";
    std::fs::write(program.with_file_name("pyproject.toml"), text).unwrap();
    let (_, executable) = learn(fixtures, &program, interpreter, &["ifigures.line"]);
    let outcome = frozen(&executable, &["icircle", "isquare", "ifigures.line"]);
    assert_eq!(outcome.succeeded("the program").out(), "circle\nsquare\nline\n");
}

fn reasons(fixtures: &Fixtures, interpreter: &Interpreter) {
    let program = program(fixtures);
    let Prepared { graph, plan, .. } = prepared(&program, interpreter, &["icircle scircle rsizes.pyi"]);
    let text = std::fs::read_to_string(&program).unwrap();
    let line = text.lines().position(|line| line.contains("import_module(name).NAME")).unwrap() + 1;
    let mut edges = graph.modules["__main__"].edges.iter().filter(|edge| edge.to == "circle");
    let edge = edges.next().unwrap();
    assert_eq!((edge.rule, edge.line as usize), (Rule::Traced, line));
    // What follows from it has the reasons that it would have otherwise.
    assert!(graph.modules["circle"].edges.iter().any(|edge| edge.rule == Rule::Import));
    let reason = |path: &str| {
        let mut files = plan.files.iter().filter(|file| file.path == TreePath::from(path));
        files.next().map(|file| file.reason)
    };
    assert_eq!(reason("drawing/sizes.pyi"), Some(Reason::Trace));
    assert_eq!(reason("drawing/tests/note.txt"), None);
}

fn open_quotation(fixtures: &Fixtures, interpreter: &Interpreter) {
    let (mut command, _) = command(fixtures, &program(fixtures), interpreter, &["-- it's"]);
    let said = execute(&mut command);
    assert_eq!(said.code, Some(2));
    assert!(said.err().contains("--trace") && said.err().contains("quotation mark"), "{said:?}");
}

/// Decides what would be in the executable, in this process.
fn prepared(program: &Path, interpreter: &Interpreter, traces: &[&str]) -> Prepared {
    let mut request = BuildRequest::new(Entry::Script(program.to_owned()));
    request.python = Some(interpreter.python.clone());
    let traces = traces.iter().map(|trace| snapfreeze::trace::TraceArguments::parse(trace.as_ref()).unwrap());
    request.traces = traces.collect();
    prepare(&request).unwrap()
}
