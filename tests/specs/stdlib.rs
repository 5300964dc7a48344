//! The standard library is there: every module can be imported, and what C code imports when it is used is found.

use std::fmt::Write;

use libtest_mimic::Trial;
use snapfreeze_tests::execution::{plain_command, python_command};
use snapfreeze_tests::{Fixtures, Interpreter, assert_same, execute};

/// Prints the names of the modules that the interpreter's standard library has.
const NAMES: &str = "import os, sys; print(*sorted(sys.stdlib_module_names if sys.version_info >= (3, 10) else \
                     {name.partition('.')[0] for name in os.listdir(os.path.dirname(os.__file__)) \
                     if name.endswith('.py') and name[:-3].isidentifier()} | set(sys.builtin_module_names)))";

/// Modules that do something when they are imported.
const EFFECTIVE: [&str; 4] = ["antigravity", "this", "__main__", "turtledemo"];

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    let each = fixtures.each().iter();
    each.flat_map(|slot| {
        [
            fixtures.trial("stdlib::every module imports as in python", slot).runs(imports_every_module),
            fixtures.trial("stdlib::what C code imports is there", slot).runs(finds_what_c_code_imports),
        ]
    })
    .collect()
}

fn imports_every_module(fixtures: &Fixtures, interpreter: &Interpreter) {
    let names = execute(python_command(&interpreter.python).args(["-c", NAMES])).succeeded("python -c").out();
    let mut source = String::from("import warnings\nwarnings.simplefilter('ignore')\n");
    let names: Vec<&str> = names.split_whitespace().filter(|name| !EFFECTIVE.contains(name)).collect();
    assert!(names.len() > 150, "only {} modules", names.len());
    for name in names {
        let failed = format!("except BaseException as error:\n    print('{name}', type(error), error)");
        write!(source, "try:\n    import {name}\n{failed}\nelse:\n    print('{name}')\n").unwrap();
    }
    let program = fixtures.folder("every module").join("every module.py");
    std::fs::write(&program, source).unwrap();
    let expected = execute(python_command(&interpreter.python).arg(&program)).succeeded("python");
    assert_same(&execute(&mut plain_command(fixtures.freeze([&program], interpreter))), &expected);
}

fn finds_what_c_code_imports(fixtures: &Fixtures, interpreter: &Interpreter) {
    let expected = execute(&mut fixtures.python("stdlib/uses.py", interpreter)).succeeded("python");
    let frozen = fixtures.frozen("stdlib/uses.py", interpreter);
    assert_same(&execute(&mut plain_command(frozen)), &expected);
}
