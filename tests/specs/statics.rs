//! Interpreters with libpython inside: Debian's at fixed addresses, a position-independent one where the machine has it
//! (`SNAPFREEZE_TEST_PYTHONS` names more). A program frozen for one carries the interpreter's own code.

use libtest_mimic::Trial;
use snapfreeze_tests::execution::plain_command;
use snapfreeze_tests::interpreter::is_position_independent;
use snapfreeze_tests::jail::{Jail, fill_root};
use snapfreeze_tests::{Fixtures, Interpreter, Slot, assert_same, execute};

use crate::workloads::{PLAIN, source};
use crate::{collector, forks, images, native, signals};

/// Moments at which a start forks.
const MOMENTS: usize = 50;

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    fixtures.statics().iter().flat_map(|slot| of_slot(fixtures, slot)).collect()
}

fn of_slot(fixtures: &Fixtures, slot: &Slot) -> Vec<Trial> {
    let trial = |name: &str| fixtures.trial(format!("statics::{name}"), slot);
    let jail = Jail::find();
    let may_jail = jail.as_ref().map(drop).map_err(Clone::clone);
    let mut trials = vec![
        trial("the interpreter's own code runs, with no libpython").runs(carries_no_libpython),
        trial("stdlib runs in a root with glibc alone")
            .needs(may_jail)
            .runs(move |fixtures, interpreter| needs_nothing(&jail.unwrap(), fixtures, interpreter)),
        trial("numpy in a virtual environment").needs(has_venv(slot)).runs(numpy),
    ];
    for workload in PLAIN {
        let name = format!("{workload} prints what python prints");
        trials.push(trial(&name).runs(move |fixtures, interpreter| same(workload, fixtures, interpreter)));
    }
    for more in [collector::of_slot, images::of_slot, native::of_slot, signals::of_slot] {
        trials.extend(more(fixtures, slot));
    }
    trials.extend(forks::of_slot(fixtures, slot, MOMENTS));
    trials
}

fn has_venv(slot: &Slot) -> Result<(), String> {
    let Ok(interpreter) = &slot.found else { return Ok(()) };
    if interpreter.minor == "3.9" {
        return Err("no such numpy".to_owned());
    }
    let mut python = plain_command(&interpreter.python);
    let outcome = execute(python.args(["-I", "-c", "import ensurepip, venv"]));
    if outcome.code == Some(0) { Ok(()) } else { Err("no venv".to_owned()) }
}

fn same(workload: &str, fixtures: &Fixtures, interpreter: &Interpreter) {
    let expected = execute(&mut fixtures.python(&source(workload), interpreter)).succeeded("python");
    let frozen = fixtures.frozen(&source(workload), interpreter);
    assert_same(&execute(&mut plain_command(frozen)), &expected);
}

fn carries_no_libpython(fixtures: &Fixtures, interpreter: &Interpreter) {
    let program = fixtures.folder("maps").join("maps.py");
    std::fs::write(&program, "print('libpython' in open('/proc/self/maps').read())\n").unwrap();
    let frozen = fixtures.freeze([&program], interpreter);
    assert_eq!(execute(&mut plain_command(&frozen)).succeeded("the program").out(), "False\n");
    let python = interpreter.python.canonicalize().unwrap();
    assert_eq!(is_position_independent(&frozen), is_position_independent(&python));
}

fn needs_nothing(jail: &Jail, fixtures: &Fixtures, interpreter: &Interpreter) {
    let mut python = fixtures.python(&source("stdlib"), interpreter);
    let expected = execute(python.env_clear().env("PYTHONDONTWRITEBYTECODE", "1")).succeeded("python");
    let root = fixtures.folder("root");
    fill_root(&root, &fixtures.frozen(&source("stdlib"), interpreter));
    assert_same(&execute(&mut jail.command(&root, "/program")), &expected);
}

fn numpy(fixtures: &Fixtures, interpreter: &Interpreter) {
    let python = fixtures.environment("numpy", interpreter);
    same("np", fixtures, &python);
}
