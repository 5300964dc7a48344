//! What distributions can use but do not need is in the program only if something declares it.

use std::path::{Path, PathBuf};

use libtest_mimic::Trial;
use snapfreeze_tests::execution::{plain_command, python_command};
use snapfreeze_tests::fixtures::copy_folder;
use snapfreeze_tests::{Fixtures, Interpreter, Outcome, assert_same, execute};

/// What click, rich and httpx can use, and others use with them.
const OPTIONAL: [&str; 4] = ["IPython", "numpy", "matplotlib", "PIL"];

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    let preferred = fixtures.preferred();
    let one = |name: &str, body: fn(&Fixtures, &Interpreter)| {
        fixtures.trial(format!("optional::{name}"), &preferred).runs(body)
    };
    vec![
        one("click, rich and httpx bring nothing that is only installed beside them", left_out),
        one("all that is left out is brought by an option", all_followed),
        one("a declared distribution that is never imported serves the one that can use it", declared),
    ]
}

/// The programs, in a folder of their own.
fn project(fixtures: &Fixtures) -> PathBuf {
    let folder = fixtures.folder("optional");
    copy_folder(&fixtures.spec("optional"), &folder);
    folder
}

/// Builds a program of the folder. What the build prints, and the executable.
fn build(
    fixtures: &Fixtures,
    python: &Interpreter,
    folder: &Path,
    program: &str,
    options: &[&str],
) -> (String, PathBuf) {
    let output = folder.join("frozen");
    let mut command = fixtures.snapfreeze();
    command.arg("build").arg(folder.join(program)).args(options).arg("--python").arg(&python.python);
    let built = execute(command.arg("-o").arg(&output)).succeeded("build");
    (String::from_utf8(built.stdout).unwrap(), output)
}

fn left_out(fixtures: &Fixtures, interpreter: &Interpreter) {
    let python = fixtures.environment("optional", interpreter);
    let folder = project(fixtures);
    let program = folder.join("tables.py");
    let expected = execute(python_command(&python.python).arg(&program).args(OPTIONAL)).succeeded("python");
    assert_eq!(count(&expected, "True"), OPTIONAL.len(), "they are installed");
    let (report, frozen) = build(fixtures, &python, &folder, "tables.py", &[]);
    let told = "left out  ipython, pillow (optional; --follow-optional NAME brings one in)";
    assert!(report.lines().any(|line| line == told), "{report}");
    let outcome = execute(plain_command(&frozen).args(OPTIONAL)).succeeded("frozen");
    assert_eq!((count(&outcome, "True"), count(&outcome, "False")), (0, OPTIONAL.len()));
    // Without these the program does what it does in python.
    let expected = execute(python_command(&python.python).arg(&program)).succeeded("python");
    assert_same(&execute(&mut plain_command(&frozen)), &expected);
}

fn count(outcome: &Outcome, word: &str) -> usize {
    String::from_utf8_lossy(&outcome.stdout).matches(word).count()
}

fn all_followed(fixtures: &Fixtures, interpreter: &Interpreter) {
    let python = fixtures.environment("optional", interpreter);
    let folder = project(fixtures);
    let (report, frozen) = build(fixtures, &python, &folder, "tables.py", &["--follow-optional", "all"]);
    assert!(!report.contains("left out"), "{report}");
    let expected = execute(python_command(&python.python).arg(folder.join("tables.py")).args(OPTIONAL));
    assert_same(&execute(plain_command(&frozen).args(OPTIONAL)), &expected.succeeded("python"));
}

fn declared(fixtures: &Fixtures, interpreter: &Interpreter) {
    const WRITE: &str = "import openpyxl, sys; book = openpyxl.Workbook(); book.active.append(['a', 'b']); \
         book.active.append([1, 2]); book.save(sys.argv[1])";
    let python = fixtures.environment("optional", interpreter);
    let folder = project(fixtures);
    let sheet = folder.join("sheet.xlsx");
    execute(python_command(&python.python).args(["-c", WRITE]).arg(&sheet)).succeeded("openpyxl");
    let expected = execute(python_command(&python.python).arg(folder.join("sheet.py")).arg(&sheet));
    let expected = expected.succeeded("python");

    let (report, frozen) = build(fixtures, &python, &folder, "sheet.py", &[]);
    assert!(report.contains("openpyxl"), "{report}");
    let outcome = execute(plain_command(&frozen).arg(&sheet));
    assert_eq!(outcome.code, Some(1));
    assert!(outcome.err().contains("openpyxl"), "{}", outcome.err());

    let (_, frozen) = build(fixtures, &python, &folder, "sheet.py", &["--follow-optional", "openpyxl"]);
    assert_same(&execute(plain_command(&frozen).arg(&sheet)), &expected);

    for (file, text) in [
        ("requirements.txt", "pandas\nopenpyxl>=3\n"),
        ("pyproject.toml", "[project]\nname = 'x'\nversion = '1'\ndependencies = ['pandas[excel]']\n"),
    ] {
        std::fs::write(folder.join(file), text).unwrap();
        let (_, frozen) = build(fixtures, &python, &folder, "sheet.py", &[]);
        assert_same(&execute(plain_command(&frozen).arg(&sheet)), &expected);
        std::fs::remove_file(folder.join(file)).unwrap();
    }
    let program = std::fs::read_to_string(folder.join("sheet.py")).unwrap();
    let program = format!("# /// script\n# dependencies = ['pandas', 'openpyxl']\n# ///\n{program}");
    std::fs::write(folder.join("sheet.py"), program).unwrap();
    let (_, frozen) = build(fixtures, &python, &folder, "sheet.py", &[]);
    assert_same(&execute(plain_command(&frozen).arg(&sheet)), &expected);
}
