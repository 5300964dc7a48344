//! A program with 20,000 modules is built and finds each. What they cost a start, the benchmark `floor` measures.

use libtest_mimic::Trial;
use snapfreeze_tests::execution::{plain_command, python_command};
use snapfreeze_tests::many_modules::{MANY, OPTION, write};
use snapfreeze_tests::{Fixtures, Interpreter, assert_same, execute};

const PROGRAM: &str = "many_modules/program.py";

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    let name = "many_modules::a program with 20,000 modules is built and finds each";
    vec![fixtures.trial(name, &fixtures.preferred()).runs(finds_each)]
}

fn finds_each(fixtures: &Fixtures, interpreter: &Interpreter) {
    let folder = fixtures.folder("many");
    write(&folder);
    let program = fixtures.spec(PROGRAM);
    let arguments = [program.as_os_str(), OPTION.as_ref(), "--paths".as_ref(), folder.as_os_str()];
    let frozen = fixtures.freeze(arguments, interpreter);
    let hello = execute(&mut plain_command(&frozen)).succeeded("the program");
    assert_eq!(hello.out(), "hello\n");
    // The first, the last, and some between.
    let modules = MANY / 100;
    let names: Vec<String> = (0..MANY)
        .step_by(997)
        .chain([MANY - 1])
        .map(|number| format!("many.part{:02}.module{:03}", number / modules, number % modules))
        .collect();
    let mut python = python_command(&interpreter.python);
    let expected = execute(python.arg(&program).args(&names).env("PYTHONPATH", &folder)).succeeded("python");
    assert!(expected.out().contains(&format!("\n{}\n", MANY + 100)), "{expected:?}");
    assert_same(&execute(plain_command(&frozen).args(&names)), &expected);
}
