//! What becomes of a Python that cannot be part of the executable, and of one that is not to be.

use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::Trial;
use snapfreeze_tests::execution::plain_command;
use snapfreeze_tests::{Fixtures, Interpreter, Slot, assert_same, execute};

use crate::images::{carrier, has};
use crate::workloads::source;

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    let mut trials = Vec::new();
    for slot in fixtures.each() {
        let name = "fusion::a libpython that cannot be fused is loaded from memory, with a note";
        trials.push(fixtures.trial(name, slot).needs(fixtures.needs_fusion()).runs(falls_back));
        let name = "fusion::what only frees memory at the end is left out";
        trials.push(
            fixtures
                .trial(name, slot)
                .needs(fixtures.needs_fusion())
                .needs(has("readelf"))
                .runs(last_functions_are_left_out),
        );
        let name = "fusion::CPython calls its functions directly";
        let trial = fixtures.trial(name, slot).needs(fixtures.needs_fusion());
        trials.push(trial.needs(has("objdump")).needs(has("readelf")).runs(calls_are_direct));
        let name = "fusion::code compiled into CPython waits until somebody asks for it";
        let trial = fixtures.trial(name, slot).needs(fixtures.needs_fusion()).needs(has("readelf"));
        trials.push(trial.runs(frozen_code_waits));
        let name = "fusion::code compiled into CPython is as in python";
        trials.push(fixtures.trial(name, slot).needs(has_frozen_code(slot)).runs(frozen_code_is_the_same));
        let name = "fusion::interpreters that end while the program runs are tidied up";
        trials.push(fixtures.trial(name, slot).runs(ended_interpreters_are_tidied_up));
    }
    for slot in fixtures.statics() {
        let name = "fusion::an interpreter without libpython can only be fused";
        trials.push(fixtures.trial(name, slot).needs(has_none(slot)).runs(only_fused));
    }
    trials
}

/// Debian has a libpython besides, in a package of its own.
fn has_none(slot: &Slot) -> Result<(), String> {
    let Ok(interpreter) = &slot.found else { return Ok(()) };
    let ask = "import os, sysconfig; value = sysconfig.get_config_var; name = 'libpython' + value('py_version_short') + '.so.1.0'
places = [value('LIBDIR'), os.path.join(value('LIBDIR'), value('MULTIARCH') or '')]
print(any(os.path.exists(os.path.join(place, name)) for place in places), end='')";
    let outcome = execute(plain_command(&interpreter.python).args(["-I", "-c", ask])).succeeded("python");
    if outcome.out() == "False" { Ok(()) } else { Err("it has a libpython as well".to_owned()) }
}

/// `snapfreeze build` of the smallest program.
fn build(fixtures: &Fixtures, python: &Interpreter, output: &Path) -> Command {
    let mut command = fixtures.snapfreeze();
    command.arg("build").arg(fixtures.spec(&source("hello")));
    command.arg("--python").arg(&python.python).arg("-o").arg(output);
    command
}

/// An installation whose libpython has an index of its unwind tables without the sorted part: that is allowed, and nobody
/// makes it.
fn falls_back(fixtures: &Fixtures, python: &Interpreter) {
    let prefix = fixtures.folder("unusual");
    for name in ["bin", "lib"] {
        std::fs::create_dir(prefix.join(name)).unwrap();
    }
    let libpython = carrier(python);
    assert!(libpython.to_string_lossy().contains("libpython"), "{libpython:?}");
    let mut bytes = std::fs::read(&libpython).unwrap();
    leave_index_unsorted(&mut bytes);
    std::fs::write(prefix.join("lib").join(libpython.file_name().unwrap()), bytes).unwrap();
    let ask = "import os, sys; print(sys._base_executable, os.path.dirname(os.__file__), sep='\\n', end='')";
    let told = execute(plain_command(&python.python).args(["-I", "-c", ask])).succeeded("python").out();
    let (binary, library) = told.split_once('\n').unwrap();
    let name = format!("python{}", python.minor);
    std::fs::copy(binary, prefix.join("bin").join(&name)).unwrap();
    std::os::unix::fs::symlink(library, prefix.join("lib").join(&name)).unwrap();
    let unusual = Interpreter { python: prefix.join("bin").join(&name), ..python.clone() };

    let output = prefix.join("program");
    let built = execute(&mut build(fixtures, &unusual, &output)).succeeded("build");
    let told = built.out() + &built.err();
    assert!(told.contains("CPython is loaded from memory: ") && told.contains("cannot be part of"), "{told}");
    let expected = execute(&mut fixtures.python(&source("hello"), python)).succeeded("python");
    assert_same(&execute(&mut plain_command(&output)), &expected);
}

/// Changes the encoding of the table in `PT_GNU_EH_FRAME` to "omitted" (`DW_EH_PE_omit` of the Linux Standard Base).
fn leave_index_unsorted(elf: &mut [u8]) {
    const PT_GNU_EH_FRAME: u32 = 0x6474_e550;
    let number = |elf: &[u8], at: usize, length: usize| {
        elf[at..at + length].iter().rev().fold(0usize, |number, byte| number << 8 | usize::from(*byte))
    };
    let (headers, size, count) = (number(elf, 32, 8), number(elf, 54, 2), number(elf, 56, 2));
    let mut starts = (0..count).map(|header| headers + header * size);
    let header = starts.find(|start| number(elf, *start, 4) == PT_GNU_EH_FRAME as usize).unwrap();
    let index = number(elf, header + 8, 8);
    elf[index + 3] = 0xff;
}

fn only_fused(fixtures: &Fixtures, python: &Interpreter) {
    let output: PathBuf = fixtures.folder("unfused").join("program");
    let outcome = execute(build(fixtures, python, &output).arg("--no-fuse"));
    assert_ne!(outcome.code, Some(0), "{outcome:?}");
    assert!(outcome.err().contains("can only be fused"), "{outcome:?}");
    assert!(!output.exists());
}

/// The section for code that leaves functions out.
const LEAVE_SECTION: &str = ".snapfreeze.leave.0";

/// The section for code that prepares what is compiled into CPython.
const FROZEN_SECTION: &str = ".snapfreeze.frozen.0";

/// Whether functions can be left out: CPython has some of them since 3.10, and they are found by their names.
fn last_functions_are_left_out(fixtures: &Fixtures, python: &Interpreter) {
    let is_used = is_used(LEAVE_SECTION, &fixtures.frozen(&source("hello"), python));
    assert_eq!(is_used, has_names(python) && python.minor != "3.9");
}

/// 3.11 has code objects in its data that each start would prepare, and 3.12 as well, which is left as it is.
fn frozen_code_waits(fixtures: &Fixtures, python: &Interpreter) {
    let is_used = is_used(FROZEN_SECTION, &fixtures.frozen(&source("hello"), python));
    let is_movable = has_names(python) && carrier(python).to_string_lossy().contains("libpython");
    assert_eq!(is_used, is_movable && python.minor == "3.11");
}

fn frozen_code_is_the_same(fixtures: &Fixtures, python: &Interpreter) {
    const PROGRAM: &str = "fusion/frozen_modules.py";
    for arguments in [&[][..], &["child"], &["interpreter"]] {
        let expected = execute(fixtures.python(PROGRAM, python).args(arguments)).succeeded("python");
        let frozen = execute(plain_command(fixtures.frozen(PROGRAM, python)).args(arguments));
        assert_same(&frozen, &expected);
    }
}

fn has_frozen_code(slot: &Slot) -> Result<(), String> {
    let minor = slot.found.as_ref().map_or("", |python| &python.minor);
    if matches!(minor, "3.11" | "3.12") {
        Ok(())
    } else {
        Err("CPython has it in 3.11 and 3.12 only".to_owned())
    }
}

/// In a libpython that is built as CPython builds it by default, nearly all calls lead to a table of jumps. What is left are
/// calls of libc.
fn calls_are_direct(fixtures: &Fixtures, python: &Interpreter) {
    let base = calls_of_a_table(&carrier(python));
    let frozen = calls_of_a_table(&fixtures.frozen(&source("hello"), python));
    println!("calls that lead to a table: {base} of the base, {frozen} of the executable");
    assert!(frozen > 0 && frozen < base.max(2) && (base < MANY || frozen * 5 < base));
}

/// Calls of a table that nobody who means to avoid them has.
const MANY: usize = 20_000;

/// How many instructions of `.text` call what is in a procedure linkage table.
fn calls_of_a_table(file: &Path) -> usize {
    let hexadecimal = |text: &str| u64::from_str_radix(text, 16).ok();
    let sections = readelf(&["-SW", "--"], file);
    let table = |line: &str| {
        let (_, line) = line.split_once("] .plt")?;
        let words: Vec<&str> = line.split_whitespace().skip_while(|word| *word != "PROGBITS").collect();
        let start = hexadecimal(words.get(1)?)?;
        Some(start..start + hexadecimal(words.get(3)?)?)
    };
    let tables: Vec<_> = sections.lines().filter_map(table).collect();
    let code = execute(plain_command("objdump").args(["-d", "--no-show-raw-insn", "-j", ".text"]).arg(file));
    let is_call_of_a_table = |line: &&str| {
        let target = line.split_once("call ").and_then(|(_, rest)| rest.split_whitespace().next());
        let target = target.and_then(hexadecimal);
        target.is_some_and(|target| tables.iter().any(|table| table.contains(&target)))
    };
    code.succeeded("objdump").out().lines().filter(is_call_of_a_table).count()
}

fn readelf(arguments: &[&str], file: &Path) -> String {
    execute(plain_command("readelf").args(arguments).arg(file)).succeeded("readelf").out()
}

fn has_names(python: &Interpreter) -> bool {
    readelf(&["-SW", "--"], &carrier(python)).contains(".symtab")
}

/// Whether a section of 256 bytes has other code than what fills it at first.
fn is_used(section: &str, file: &Path) -> bool {
    let dump = readelf(&["-x", section], file);
    let words: Vec<&str> = dump.lines().filter_map(|line| line.trim().strip_prefix("0x")).collect();
    // What comes after 256 bytes aligns the next section.
    assert!(words.len() >= 16, "{dump}");
    words.iter().take(16).any(|line| !line.contains(&["cccccccc"; 4].join(" ")))
}

/// CPython 3.12 and later leave thousands of blocks behind for each interpreter themselves; leaving out for it what is left out
/// for the main one would be thousands more.
fn ended_interpreters_are_tidied_up(fixtures: &Fixtures, python: &Interpreter) {
    const PROGRAM: &str = "fusion/interpreters.py";
    let blocks = |command: &mut Command| {
        let told = execute(command).succeeded("the program").out();
        told.trim().parse::<i64>().unwrap_or_else(|_| panic!("{told}"))
    };
    let of_python = blocks(&mut fixtures.python(PROGRAM, python));
    let of_frozen = blocks(&mut plain_command(fixtures.frozen(PROGRAM, python)));
    // The importer keeps its code objects: see the module `unmarshal` of the runtime.
    assert!(of_frozen <= of_python + 2000, "frozen: {of_frozen}, python: {of_python}");
}
