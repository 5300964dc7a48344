//! Code objects out of the archive are as CPython makes them: attributes, identities, memory, and what is done with them.

use std::fmt::Write;

use libtest_mimic::Trial;
use snapfreeze_tests::execution::plain_command;
use snapfreeze_tests::fixtures::copy_folder;
use snapfreeze_tests::{Fixtures, Interpreter, assert_same, execute};

use crate::traces::{cases, of_frozen, of_python};

const PROGRAM: &str = "code_objects/program.py";

/// Modules with the syntax of a version 3.x and later ones.
const NEWER: [(u32, &str); 3] = [(10, "matching.py"), (11, "groups.py"), (12, "parameters.py")];

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    let each = fixtures.each().iter();
    each.map(|slot| fixtures.trial("code_objects::they are as CPython makes them", slot).runs(every_case))
        .collect()
}

fn every_case(fixtures: &Fixtures, interpreter: &Interpreter) {
    let folder = fixtures.folder("code objects");
    copy_folder(&fixtures.spec("code_objects"), &folder);
    std::fs::write(folder.join("large.py"), large()).unwrap();
    let minor: u32 = interpreter.minor.strip_prefix("3.").unwrap().parse().unwrap();
    for (_, newer) in NEWER.iter().filter(|(first, _)| minor < *first) {
        std::fs::remove_file(folder.join(newer)).unwrap();
    }
    let program = folder.join("program.py");
    let name = program.to_str().unwrap();
    let frozen = fixtures.freeze([name], interpreter);
    // What `python` runs comes out of marshal data, too: a set of constants has the order of one that was read.
    let compile = ["-m", "compileall", "-q", "."];
    execute(plain_command(&interpreter.python).args(compile).current_dir(&folder)).succeeded("compileall");
    for case in cases(fixtures, PROGRAM).iter().filter(|case| *case != "_never") {
        let expected = execute(fixtures.python(name, interpreter).arg(case)).succeeded(case);
        let outcome = execute(plain_command(&frozen).arg(case));
        println!("{case}");
        assert_same(&of_frozen(outcome, &frozen), &of_python(expected, fixtures, name, interpreter));
    }
}

/// A module with what is too long to be written down: a documentation string, many variables, tuples and functions within
/// each other, both fewer and more of them than are read without CPython.
fn large() -> String {
    let mut source = format!("\"\"\"{}\"\"\"\n", "documentation ".repeat(5000));
    writeln!(source, "DEEP = {}1{}", "(".repeat(150), ",)".repeat(150)).unwrap();
    source.push_str("def variables():\n");
    for number in 0..300 {
        writeln!(source, "    v{number} = {number} + len('v{number}')").unwrap();
    }
    let names: Vec<String> = (0..300).map(|number| format!("v{number}")).collect();
    writeln!(source, "    return [{}]", names.join(", ")).unwrap();
    writeln!(source, "nested = {}0", "lambda: ".repeat(80)).unwrap();
    writeln!(source, "def constants():\n    return {:?}", (0..400).map(|it| it * 1000).collect::<Vec<_>>())
        .unwrap();
    source
}
