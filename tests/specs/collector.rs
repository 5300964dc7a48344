//! The garbage collector is as under `python`: its settings, what a program asks of it, and how much garbage there is at
//! most. While modules are imported it may come later, but not at will.

use std::ffi::OsString;
use std::process::Command;

use libtest_mimic::Trial;
use snapfreeze_tests::execution::{plain_command, python_command};
use snapfreeze_tests::{Fixtures, Interpreter, Slot, assert_same, execute};

use crate::images::carrier;
use crate::native::{has_compiler, has_headers, headers};

const PROGRAM: &str = "collector/program.py";
const ENDS: &str = "collector/ends.py";
const GRAPH: &str = "collector/graph.py";

/// Megabytes by which a program's peak of memory may be above python's. Three million lists that nobody takes away would
/// be several hundred.
const MORE: u64 = 64;

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    fixtures.each().iter().flat_map(|slot| of_slot(fixtures, slot)).collect()
}

/// The trials with one interpreter.
pub fn of_slot(fixtures: &Fixtures, slot: &Slot) -> Vec<Trial> {
    let trial = |name: &str| fixtures.trial(format!("collector::{name}"), slot);
    let mut trials = vec![
        trial("garbage of an import does not grow without bound").runs(garbage_of_an_import),
        trial("a program's own garbage is collected as often").runs(garbage_of_the_program),
        trial("it has next to never run when a program begins").runs(when_a_program_begins),
    ];
    trials.push(
        trial("with --gc-during-imports it comes as often while modules are imported").runs(not_put_off),
    );
    for (name, arguments) in [
        ("what is in cycles goes when a program ends", &[][..]),
        ("it goes where there are a million objects", &["many"]),
        ("it goes where the program has called gc.freeze()", &["freeze"]),
    ] {
        trials.push(trial(name).runs(move |fixtures, interpreter| {
            let expected = execute(fixtures.python(ENDS, interpreter).args(arguments)).succeeded("python");
            let gone = expected.out().lines().filter(|line| line.ends_with(" goes")).count();
            assert!(gone >= if arguments == ["freeze"] { 2 } else { 8 }, "{expected:?}");
            let frozen = fixtures.frozen(ENDS, interpreter);
            assert_same(&execute(plain_command(frozen).args(arguments)), &expected);
        }));
    }
    trials.push(trial("finalizers come in python's order").runs(order_of_finalizers));
    let visits = trial("the second of the last ones looks at each object once");
    trials.push(visits.needs(has_compiler("cc")).needs(has_headers(slot)).runs(what_is_looked_at));
    for case in ["settings", "collects", "fails"] {
        trials.push(trial(case).runs(move |fixtures, interpreter| {
            let expected = execute(fixtures.python(PROGRAM, interpreter).arg(case)).succeeded("python");
            let frozen = fixtures.frozen(PROGRAM, interpreter);
            assert_same(&execute(plain_command(frozen).arg(case)), &expected);
        }));
    }
    trials
}

/// Programs with an extension module in a package, whose objects C code may hold.
fn order_of_finalizers(fixtures: &Fixtures, interpreter: &Interpreter) {
    let folder = fixtures.folder("finalizers");
    let package = folder.join("held");
    std::fs::create_dir_all(&package).unwrap();
    std::fs::write(package.join("__init__.py"), "").unwrap();
    let mut compiled = std::fs::read_dir(interpreter.stdlib.join("lib-dynload")).unwrap();
    let is_wanted = |name: &OsString| name.to_str().unwrap().starts_with("_lsprof.");
    let name = compiled.find_map(|entry| Some(entry.unwrap().file_name()).filter(is_wanted)).unwrap();
    let module = interpreter.stdlib.join("lib-dynload").join(&name);
    std::fs::copy(module, package.join(name)).unwrap();
    let read = |program: &str| std::fs::read_to_string(fixtures.spec(program)).unwrap();
    for (name, source, cases) in [
        ("graph.py", read(GRAPH), &["60 1", "500 2", "500 3", "2000 4", "40000 5"][..]),
        ("ends.py", ["import held._lsprof\n", &read(ENDS)].concat(), &["", "held", "many held"][..]),
    ] {
        let program = folder.join(name);
        std::fs::write(&program, source).unwrap();
        let frozen = fixtures.freeze([program.to_str().unwrap()], interpreter);
        for case in cases {
            let arguments: Vec<&str> = case.split_whitespace().collect();
            let mut python = fixtures.python(program.to_str().unwrap(), interpreter);
            let expected = execute(python.args(&arguments)).succeeded("python");
            assert!(expected.out().lines().count() > 5, "{expected:?}");
            println!("{name} {case}");
            assert_same(&execute(plain_command(&frozen).args(&arguments)), &expected);
        }
    }
}

/// The second of the last collections is prepared where a fused base's `.symtab` has the function that it calls: one look at
/// each object instead of two. CPython 3.9 calls one of another kind.
fn what_is_looked_at(fixtures: &Fixtures, interpreter: &Interpreter) {
    const COLLECTS: &[u8] = b"\0_PyGC_CollectNoFail\0";
    let folder = fixtures.folder("visits");
    let package = folder.join("held");
    std::fs::create_dir_all(&package).unwrap();
    std::fs::write(package.join("__init__.py"), "").unwrap();
    let mut compiler = plain_command("cc");
    compiler.args(["-O2", "-shared", "-fPIC", "-I"]).arg(headers(interpreter));
    compiler.arg(fixtures.spec("collector/visits.c")).arg("-o").arg(package.join("visits.so"));
    execute(&mut compiler).succeeded("cc");
    let program = folder.join("program.py");
    std::fs::write(&program, "import gc, held.visits\ngc.disable()\ngc.collect()\ngc.enable()\n").unwrap();
    let frozen = fixtures.freeze([program.clone()], interpreter);
    let looks = |command: &mut Command| -> u32 {
        let out = execute(command).succeeded("the program").out();
        out.trim().strip_prefix("looks: ").and_then(|number| number.parse().ok()).unwrap()
    };
    let python = looks(python_command(&interpreter.python).arg(&program));
    let base = std::fs::read(carrier(interpreter)).unwrap();
    let is_told = base.windows(COLLECTS.len()).any(|name| name == COLLECTS);
    let is_prepared = fixtures.fuses() && interpreter.minor != "3.9" && is_told;
    println!("python looks {python} times, and the second collection is prepared: {is_prepared}");
    assert_eq!(looks(&mut plain_command(&frozen)), python - u32::from(is_prepared));
}

/// The numbers that a case prints, under `python` and frozen.
#[track_caller]
fn numbers(case: &str, fixtures: &Fixtures, interpreter: &Interpreter) -> [Vec<u64>; 2] {
    let frozen = fixtures.frozen(PROGRAM, interpreter);
    let commands = [fixtures.python(PROGRAM, interpreter), plain_command(frozen)];
    commands.map(|mut command| {
        let out = execute(command.arg(case)).succeeded(case).out();
        out.split_whitespace().map(|word| word.parse().unwrap()).collect()
    })
}

/// How often each generation is collected while a large package is imported: about as often as under `python`, where the
/// machinery of imports allocates as well; by default hardly ever.
fn not_put_off(fixtures: &Fixtures, interpreter: &Interpreter) {
    let program = fixtures.spec(PROGRAM);
    let run = |mut command: Command| -> u64 {
        execute(command.arg("collections_of_an_import"))
            .succeeded("the program")
            .out()
            .trim()
            .parse()
            .unwrap()
    };
    let python = run(fixtures.python(PROGRAM, interpreter));
    let by_default = run(plain_command(fixtures.frozen(PROGRAM, interpreter)));
    let with_option = fixtures.freeze(["--gc-during-imports".into(), program], interpreter);
    let with_option = run(plain_command(with_option));
    let told = format!("python {python}, by default {by_default}, with the option {with_option}");
    assert!(python >= 8 && by_default * 3 < python, "{told}");
    assert!(with_option * 2 > python, "{told}");
}

/// All but the number of collections is as under `python`.
fn when_a_program_begins(fixtures: &Fixtures, interpreter: &Interpreter) {
    let run = |mut command: Command| {
        let out = execute(command.arg("begins")).succeeded("the program").out();
        let (collections, rest) = out.split_once('\n').unwrap();
        (collections.parse::<u64>().unwrap(), rest.to_owned())
    };
    let python = run(fixtures.python(PROGRAM, interpreter));
    let frozen = run(plain_command(fixtures.frozen(PROGRAM, interpreter)));
    assert_eq!(frozen.1, python.1);
    // CPython 3.9 cannot be asked to wait, and with 3.12 a program could tell.
    let most = if matches!(interpreter.minor.as_str(), "3.9" | "3.12") { python.0 } else { 1 };
    assert!(frozen.0 <= most, "python: {}, frozen: {}", python.0, frozen.0);
}

fn garbage_of_an_import(fixtures: &Fixtures, interpreter: &Interpreter) {
    let [python, frozen] = numbers("garbage_of_an_import", fixtures, interpreter);
    assert_eq!((python[0], frozen[0]), (3_000_000, 3_000_000));
    assert!(frozen[1] < python[1] + MORE, "python: {} MB, frozen: {} MB", python[1], frozen[1]);
}

/// Where in its first round the collector is when a program begins differs, so the counts may by a few.
fn garbage_of_the_program(fixtures: &Fixtures, interpreter: &Interpreter) {
    let [python, frozen] = numbers("garbage_of_the_program", fixtures, interpreter);
    for (expected, found) in python.iter().zip(&frozen).take(2) {
        let most = expected / 50 + 3;
        assert!(expected.abs_diff(*found) <= most, "python: {python:?}, frozen: {frozen:?}");
    }
    assert!(python[0] > 100, "{python:?}");
    assert!(frozen[3] < python[3] + MORE, "python: {python:?}, frozen: {frozen:?}");
}
