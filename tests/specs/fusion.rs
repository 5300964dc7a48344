//! What becomes of a Python that cannot be part of the executable, and of one that is not to be.

use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::Trial;
use snapfreeze_tests::execution::plain_command;
use snapfreeze_tests::{Fixtures, Interpreter, Slot, assert_same, execute};

use crate::images::carrier;
use crate::workloads::source;

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    let mut trials = Vec::new();
    for slot in fixtures.each() {
        let name = "fusion::a libpython that cannot be fused is loaded from memory, with a note";
        trials.push(fixtures.trial(name, slot).needs(fixtures.needs_fusion()).runs(falls_back));
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
