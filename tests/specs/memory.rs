//! What a program does not use of its executable takes no memory.

use std::path::Path;

use libtest_mimic::Trial;
use snapfreeze_tests::execution::{plain_command, python_command};
use snapfreeze_tests::fixtures::copy_folder;
use snapfreeze_tests::{Fixtures, Interpreter, execute};

/// Size of a file that the program has and does not read.
const LARGE: usize = 60_000_000;

/// Megabytes by which the peak may be above python's: with pages of the executable that the kernel maps around those
/// that are used, and without fusion a copy of libpython.
const MORE: u64 = 16;

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    let slots = fixtures.each().iter();
    let name = "memory::what is not used is not in memory";
    slots.map(|slot| fixtures.trial(name, slot).runs(peak)).collect()
}

fn peak(fixtures: &Fixtures, interpreter: &Interpreter) {
    let folder = fixtures.folder("memory");
    copy_folder(&fixtures.spec("memory"), &folder);
    let data = folder.join("heavy/data.bin");
    let small = executable(&folder, fixtures, interpreter);
    std::fs::write(&data, noise()).unwrap();
    let large = executable(&folder, fixtures, interpreter);
    let size = |path: &Path| std::fs::metadata(path).unwrap().len();
    assert!(size(&large) > size(&small) + LARGE as u64 * 9 / 10, "the file is not in the executable");
    let kilobytes = |mut command: std::process::Command| -> u64 {
        execute(&mut command).succeeded("the program").out().trim().parse().unwrap()
    };
    let mut python = python_command(&interpreter.python);
    python.arg(folder.join("program.py"));
    let (python, small, large) =
        (kilobytes(python), kilobytes(plain_command(small)), kilobytes(plain_command(large)));
    assert!(large < small + 2048, "{small} kB became {large} kB");
    assert!(large < python + MORE * 1024, "python: {python} kB, frozen: {large} kB");
}

fn executable(folder: &Path, fixtures: &Fixtures, interpreter: &Interpreter) -> std::path::PathBuf {
    fixtures.freeze([folder.join("program.py")], interpreter)
}

/// Bytes that do not compress: a generator of pseudorandom numbers (Marsaglia, "Xorshift RNGs", 2003).
fn noise() -> Vec<u8> {
    let mut state = 88_172_645_463_325_252_u64;
    let mut numbers = std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    (0..LARGE / 8).filter_map(|_| numbers.next()).flatten().collect()
}
