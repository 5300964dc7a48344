//! What the virtual file system costs: `cargo bench -p snapfreeze-tests --bench virtual_files`.
//!
//! One program measures in C, under `python` and frozen, in turns; printed are the medians. Real files are to cost at
//! most [`MOST_FOR_STAT`] more than without the virtual file system, a small virtual file at most [`MOST_FOR_READ`] more
//! than a real one. The exit code says whether they do.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a benchmark that cannot measure ends")]

use std::path::Path;
use std::process::{Command, ExitCode};

use snapfreeze_tests::execution::{plain_command, python_command};
use snapfreeze_tests::fixtures::copy_folder;
use snapfreeze_tests::{Fixtures, execute};

/// Runs of each.
const RUNS: usize = 10;

/// Nanoseconds that stat of a real file may take longer.
const MOST_FOR_STAT: f64 = 30.0;

/// Nanoseconds that opening and reading a file of 1 KB may take longer when it is virtual.
const MOST_FOR_READ: f64 = 10_000.0;

fn main() -> ExitCode {
    let command = Path::new(env!("CARGO_BIN_EXE_snapfreeze-under-test"));
    let fixtures = Fixtures::find(command, Path::new(env!("CARGO_TARGET_TMPDIR")));
    let Ok(interpreter) = fixtures.preferred().found else {
        println!("nothing measured: no interpreter");
        return ExitCode::SUCCESS;
    };
    let folder = fixtures.folder("benchmark");
    copy_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/virtual_files"), &folder);
    std::fs::write(folder.join("package/data.txt"), [b'x'; 1000]).unwrap();
    let library = folder.join("measure.so");
    let compiled = Command::new("cc")
        .args(["-O2", "-shared", "-fPIC", "measure.c", "-o", "measure.so"])
        .current_dir(&folder)
        .status();
    if !compiled.is_ok_and(|status| status.success()) {
        println!("nothing measured: no C compiler");
        return ExitCode::SUCCESS;
    }
    let program = folder.join("measure.py");
    let frozen = fixtures.freeze([&program], &interpreter);
    let real = folder.join("package/data.txt");
    let measure = |mut command: Command| {
        let outcome = execute(command.arg(&library).arg(&real)).succeeded("the measurement");
        let figures: Vec<f64> = outcome.out().split_whitespace().map(|word| word.parse().unwrap()).collect();
        let [real_stat, package_stat, read] = figures[..] else { panic!("{outcome:?}") };
        assert!(figures.iter().all(|figure| *figure > 0.0), "{outcome:?}");
        (real_stat, package_stat, read)
    };
    let (mut by_python, mut by_frozen) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let mut python = python_command(&interpreter.python);
        python.arg(&program);
        by_python.push(measure(python));
        by_frozen.push(measure(plain_command(&frozen)));
    }
    let median = |of: fn(&(f64, f64, f64)) -> f64, runs: &[(f64, f64, f64)]| {
        let mut figures: Vec<f64> = runs.iter().map(of).collect();
        figures.sort_by(f64::total_cmp);
        (figures[(RUNS - 1) / 2] + figures[RUNS / 2]) / 2.0
    };
    let mut is_well = true;
    let mut line = |what: &str, plain: f64, ours: f64, most: f64| {
        let verdict = if ours - plain <= most { "" } else { "  TOO MUCH" };
        is_well &= ours - plain <= most;
        println!("{what:38} {plain:8.0} ns {ours:8.0} ns  {:+8.0} ns{verdict}", ours - plain);
    };
    println!("median of {RUNS} runs{:21} plain python       frozen", "");
    let (stat, read) = (|run: &(f64, f64, f64)| run.0, |run: &(f64, f64, f64)| run.2);
    line("stat of a real file", median(stat, &by_python), median(stat, &by_frozen), MOST_FOR_STAT);
    let package: fn(&(f64, f64, f64)) -> f64 = |run| run.1;
    line("stat of a package's file", median(package, &by_python), median(package, &by_frozen), MOST_FOR_READ);
    line("reading 1 KB of a package", median(read, &by_python), median(read, &by_frozen), MOST_FOR_READ);
    if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
