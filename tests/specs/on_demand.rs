//! Machine code of a large extension, decompressed when it is executed: nobody sees a difference, whatever the program
//! does with its descriptors, its memory, its threads and its processes meanwhile.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use libtest_mimic::Trial;
use snapfreeze_tests::execution::{plain_command, python_command};
use snapfreeze_tests::fixtures::copy_folder;
use snapfreeze_tests::{Fixtures, Interpreter, assert_same, execute};

use crate::native::{has_compiler, has_headers, headers};

/// Bytes of noise before each of the extension's sixteen places.
const NOISE: usize = 2 << 20;

/// What the program is told to do.
const CASES: [&str; 6] = ["plain", "closed", "forked", "spawned", "threads", "locked"];

/// How often a start is repeated until something was decompressed when it was executed: ahead of that, other threads may have
/// decompressed just what is wanted.
const ATTEMPTS: usize = 20;

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    let slot = fixtures.preferred();
    let trial = |name: &str| {
        let trial = fixtures.trial(format!("on_demand::{name}"), &slot);
        trial.needs(has_compiler("cc")).needs(has_headers(&slot)).needs(is_for_this_machine())
    };
    vec![
        trial("code is there whenever it is executed").runs(is_there),
        trial("a program for which the system call is deadly does without").runs(filtered),
        trial("damaged code is told when it is executed").runs(damaged),
    ]
}

fn is_for_this_machine() -> Result<(), String> {
    if cfg!(target_arch = "x86_64") { Ok(()) } else { Err("the extension is written for x86-64".to_owned()) }
}

/// A folder with the program and its extension.
fn project(fixtures: &Fixtures, interpreter: &Interpreter) -> PathBuf {
    let folder = fixtures.folder("large");
    copy_folder(&fixtures.spec("on_demand"), &folder);
    // Xorshift (Marsaglia): it does not compress, and is the same each time.
    let mut state = 88_172_645_463_325_252_u64;
    let noise = (0..NOISE / size_of::<u64>()).flat_map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    std::fs::write(folder.join("noise.bin"), noise.collect::<Vec<u8>>()).unwrap();
    build(
        &folder,
        &["-shared", "-fPIC", "-fno-toplevel-reorder", "large.c", "-o", "large.so", "-I"],
        interpreter,
    );
    folder
}

#[track_caller]
fn build(folder: &Path, arguments: &[&str], interpreter: &Interpreter) {
    let mut compiler = plain_command("cc");
    compiler.arg("-O2").args(arguments).arg(headers(interpreter)).current_dir(folder);
    execute(&mut compiler).succeeded("cc");
}

fn is_there(fixtures: &Fixtures, interpreter: &Interpreter) {
    let project = project(fixtures, interpreter);
    let program = project.join("program.py");
    let frozen = fixtures.freeze([program.clone()], interpreter);
    for case in CASES {
        let expected =
            execute(python_command(&interpreter.python).arg(&program).arg(case)).succeeded("python");
        assert!(
            expected.out().contains("first second ['0x5eed0027'") && expected.out().ends_with("destroyed\n")
        );
        for _ in 0..5 {
            assert_same(&execute(plain_command(&frozen).arg(case)), &expected);
        }
    }
    let profile = || execute(plain_command(&frozen).arg("plain").env("SNAPFREEZE_PROFILE", "1")).err();
    let is_on_demand = |profile: String| profile.contains("MB of code when it was executed");
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    assert!(processors < 2 || (0..ATTEMPTS).any(|_| is_on_demand(profile())), "{}", profile());
}

fn filtered(fixtures: &Fixtures, interpreter: &Interpreter) {
    let project = project(fixtures, interpreter);
    let program = project.join("program.py");
    build(&project, &["filtered.c", "-o", "filtered", "-I"], interpreter);
    let frozen = fixtures.freeze([program.clone()], interpreter);
    let expected =
        execute(python_command(&interpreter.python).arg(&program).arg("plain")).succeeded("python");
    let mut command = plain_command(project.join("filtered"));
    let outcome = execute(command.arg(&frozen).arg("plain").env("SNAPFREEZE_PROFILE", "1"));
    assert_eq!((outcome.code, outcome.out()), (expected.code, expected.out()), "{outcome:?}");
    assert!(!outcome.err().contains("when it was executed"), "{outcome:?}");
}

fn damaged(fixtures: &Fixtures, interpreter: &Interpreter) {
    let program = project(fixtures, interpreter).join("program.py");
    let frozen = fixtures.freeze([program], interpreter);
    // `mov $0x5eed0025, %eax; ret`, which stands in the executable as it is: the noise around it did not compress.
    const CODE: [u8; 6] = [0xb8, 0x25, 0x00, 0xed, 0x5e, 0xc3];
    let bytes = std::fs::read(&frozen).unwrap();
    let places: Vec<usize> =
        bytes.windows(CODE.len()).enumerate().filter(|(_, code)| *code == CODE).map(|(at, _)| at).collect();
    let [place] = places[..] else { panic!("it is at {places:?}") };
    OpenOptions::new().write(true).open(&frozen).unwrap().write_all_at(&[0x24], place as u64 + 1).unwrap();
    let outcome = execute(plain_command(&frozen).arg("one"));
    assert_eq!((outcome.code, outcome.signal), (Some(125), None), "{outcome:?}");
    assert!(outcome.stdout.is_empty() && outcome.err().contains("damaged"), "{outcome:?}");
    assert_eq!(outcome.err().lines().count(), 1, "{outcome:?}");
}
