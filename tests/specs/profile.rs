//! `SNAPFREEZE_PROFILE`: what it tells, and that it changes nothing else.

use libtest_mimic::Trial;
use snapfreeze_tests::execution::plain_command;
use snapfreeze_tests::{Fixtures, Interpreter, Outcome, execute};

const PROGRAM: &str = "importing/importing.py";

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    let one = |name: &str, run: fn(&Fixtures, &Interpreter)| {
        fixtures.trial(format!("profile::{name}"), &fixtures.preferred()).runs(run)
    };
    vec![
        one("where the start went is told on stderr", tells),
        one("the modules that take longest come first", sorted),
        one("nothing is told without being asked", silent),
    ]
}

fn run(fixtures: &Fixtures, python: &Interpreter, value: Option<&str>) -> Outcome {
    let mut command = plain_command(fixtures.frozen(PROGRAM, python));
    command.arg("side_effects").envs(value.map(|value| ("SNAPFREEZE_PROFILE", value)));
    execute(&mut command).succeeded("the program")
}

/// A line without its numbers: `#` for each, one space for many.
fn shape(line: &str) -> String {
    let words = line.split_whitespace().map(|word| {
        let number = word.trim_end_matches([')', ',']);
        if number.parse::<f64>().is_ok() { word.replace(number, "#") } else { word.to_owned() }
    });
    words.collect::<Vec<_>>().join(" ")
}

fn tells(fixtures: &Fixtures, python: &Interpreter) {
    let told = run(fixtures, python, Some("1"));
    assert_eq!(told.out(), run(fixtures, python, None).out());
    let shapes: Vec<String> = told.err().lines().map(shape).collect();
    let expected = [
        "program: where the start went, in ms (process #)",
        "# archive opened",
        "# CPython loaded",
        "# CPython initialised",
        "# program prepared",
        "# program run and ended",
        "# of these, importing # modules",
        "# of these, decompressing # blocks of code or waiting for that, # MB",
        "# of these, decompressing # native files or waiting for that, # MB",
        "ahead of that, other threads had decompressed # MB",
        "own with all module",
    ];
    assert_eq!(shapes[..expected.len()], expected, "{told:?}");
    assert!(
        shapes[expected.len()..].iter().all(|line| line.starts_with("# # ") || line == "# # others"),
        "{told:?}"
    );
}

fn sorted(fixtures: &Fixtures, python: &Interpreter) {
    let told = run(fixtures, python, Some("all")).err();
    let rows: Vec<Vec<&str>> = told
        .lines()
        .skip_while(|line| !line.ends_with("module"))
        .skip(1)
        .map(|line| line.split_whitespace().collect())
        .collect();
    let time = |row: &[&str], column: usize| row[column].parse::<f64>().unwrap();
    assert!(rows.is_sorted_by(|one, other| time(one, 0) >= time(other, 0)), "{told}");
    let row = |name: &str| rows.iter().find(|row| row[2] == name).unwrap_or_else(|| panic!("{name}: {told}"));
    assert!(time(row("pieces.eager"), 1) >= time(row("pieces.eager.child"), 1), "{told}");
    let few = run(fixtures, python, Some("1")).err();
    let two = run(fixtures, python, Some("2")).err();
    assert!(two.lines().count() < few.lines().count() && two.contains(" others\n"), "{few}{two}");
}

fn silent(fixtures: &Fixtures, python: &Interpreter) {
    for value in [None, Some(""), Some("0")] {
        assert_eq!(run(fixtures, python, value).err(), "", "{value:?}");
    }
}
