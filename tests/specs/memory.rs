//! What a program does not use of its executable takes no memory.

use std::path::Path;

use libtest_mimic::Trial;
use snapfreeze_tests::execution::{plain_command, python_command};
use snapfreeze_tests::fixtures::copy_folder;
use snapfreeze_tests::{Fixtures, Interpreter, assert_same, execute};

/// Size of a file that the program has and does not read.
const LARGE: usize = 60_000_000;

/// Megabytes by which the peak may be above python's: with pages of the executable that the kernel maps around those
/// that are used, and without fusion a copy of libpython.
const MORE: u64 = 16;

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    let peaks = fixtures.each().iter().map(|slot| {
        let name = "memory::what is not used is not in memory";
        fixtures.trial(name, slot).runs(peak)
    });
    let objects = fixtures.each().iter().map(|slot| {
        let name = "memory::small objects take what they take in python, and give it back";
        fixtures.trial(name, slot).runs(small_objects)
    });
    let deep = fixtures.each().iter().map(|slot| {
        let name = "memory::calls go deep while modules are imported";
        fixtures.trial(name, slot).runs(|fixtures, interpreter| {
            let program = "memory/deep.py";
            let expected = execute(&mut fixtures.python(program, interpreter)).succeeded("python");
            assert_same(&execute(&mut plain_command(fixtures.frozen(program, interpreter))), &expected);
        })
    });
    peaks.chain(objects).chain(deep).collect()
}

/// Megabytes by which small objects may take more than in python: two arenas, and a chunk of code objects.
const OBJECTS_MORE: i64 = 3;

fn small_objects(fixtures: &Fixtures, interpreter: &Interpreter) {
    let program = "memory/given_back.py";
    let numbers = |mut command: std::process::Command| -> [i64; 4] {
        let out = execute(&mut command).succeeded("the program").out();
        let numbers: Vec<i64> = out.split_whitespace().map(|number| number.parse().unwrap()).collect();
        numbers.try_into().unwrap()
    };
    let python = numbers(fixtures.python(program, interpreter));
    let frozen = numbers(plain_command(fixtures.frozen(program, interpreter)));
    let [full, after, status, count] = frozen;
    assert!(full <= python[0] + OBJECTS_MORE, "python: {python:?}, frozen: {frozen:?}");
    assert!(after <= python[1] + OBJECTS_MORE, "python: {python:?}, frozen: {frozen:?}");
    assert!(after < full / 2, "nothing is given back: {frozen:?}");
    assert_eq!(status, 0);
    // A thousand of these objects take a tenth of a megabyte.
    assert!(count >= python[3] - 10 * OBJECTS_MORE, "python: {python:?}, frozen: {frozen:?}");
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
