//! The executable as an ELF file: other tools read it, cut it down and look into it while it runs.

use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::Trial;
use snapfreeze_tests::execution::plain_command;
use snapfreeze_tests::interpreter::is_position_independent;
use snapfreeze_tests::jail::{GLIBC, program};
use snapfreeze_tests::{Fixtures, Interpreter, Outcome, Slot, assert_same, execute};

const PROGRAM: &str = "images/program.py";

/// Tools that remove what a program does not need in order to run.
const CUTTERS: &[&[&str]] = &[
    &["strip"],
    &["strip", "--strip-debug"],
    &["strip", "--strip-unneeded"],
    &["objcopy", "--strip-all"],
    &["llvm-strip"],
];

/// Sections of an executable that were never there, or are not needed, may be missing afterwards; readelf says so in
/// other words than these.
const COMPLAINTS: &[&str] = &["Warning", "Error", "warning", "error:", "corrupt", "<unknown>"];

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    fixtures.each().iter().flat_map(|slot| of_slot(fixtures, slot)).collect()
}

/// The trials with one interpreter.
pub fn of_slot(fixtures: &Fixtures, slot: &Slot) -> Vec<Trial> {
    let trial = |name: &str| fixtures.trial(format!("images::{name}"), slot);
    let fused = || fixtures.needs_fusion();
    let mut trials = vec![
        trial("readelf finds nothing wrong").needs(has("readelf")).runs(well_formed),
        trial("no memory is writable and executable, and the rest is as hardened as CPython")
            .needs(has("readelf"))
            .runs(hardened),
        trial("what is constant after relocation is read-only when it runs")
            .needs(has("readelf"))
            .runs(constants_are_protected),
        trial("the kernel and glibc are all that it needs").needs(has("readelf")).runs(needs_glibc_alone),
        trial("gdb shows CPython's functions").needs(fused()).needs(gdb_may_trace()).runs(gdb_shows_names),
    ];
    trials.push(
        trial("gdb shows the whole stack of an import")
            .needs(fused())
            .needs(gdb_may_trace())
            .runs(gdb_shows_imports),
    );
    trials.push(
        trial("gdb shows a stack on one processor")
            .needs(has("taskset"))
            .needs(gdb_may_trace())
            .runs(gdb_with_one_processor),
    );
    trials.extend(CUTTERS.iter().map(|cutter| {
        let name = format!("it runs after {}", cutter.join(" "));
        trial(&name)
            .needs(fused())
            .needs(has(cutter[0]))
            .runs(move |fixtures, interpreter| runs_after(cutter, fixtures, interpreter))
    }));
    trials
}

pub fn has(name: &str) -> Result<(), String> {
    program(name).map(drop).ok_or_else(|| format!("no {name}"))
}

fn gdb_may_trace() -> Result<(), String> {
    has("gdb")?;
    let outcome = Command::new("gdb").args(["-nx", "-batch", "-ex", "run", "/bin/true"]).output();
    let ran =
        |output: std::process::Output| String::from_utf8_lossy(&output.stdout).contains("exited normally");
    if outcome.is_ok_and(ran) { Ok(()) } else { Err("gdb may not trace here".to_owned()) }
}

fn readelf(arguments: &[&str], executable: &Path) -> Outcome {
    execute(plain_command("readelf").args(arguments).arg(executable)).succeeded("readelf")
}

fn well_formed(fixtures: &Fixtures, interpreter: &Interpreter) {
    let frozen = fixtures.frozen(PROGRAM, interpreter);
    for arguments in [&["-lSW"][..], &["-dW"], &["-rW"], &["-VW", "--dyn-syms"], &["-nW"]] {
        let outcome = readelf(arguments, &frozen);
        assert_eq!(outcome.err(), "", "readelf {arguments:?}");
        let complaint = outcome.out().lines().find_map(|line| {
            COMPLAINTS
                .iter()
                .any(|word| line.starts_with(word) || line.contains("<corrupt"))
                .then(|| line.to_owned())
        });
        assert_eq!(complaint, None, "readelf {arguments:?}");
    }
}

/// What carries CPython: the program itself, or the shared library that it is linked to.
pub fn carrier(interpreter: &Interpreter) -> PathBuf {
    let ask = "print(next((line.split()[-1] for line in open('/proc/self/maps') if 'libpython3.' in line), ''), end='')";
    let outcome = execute(plain_command(&interpreter.python).args(["-I", "-c", ask])).succeeded("python");
    match outcome.out() {
        path if path.is_empty() => interpreter.python.canonicalize().unwrap(),
        path => PathBuf::from(path),
    }
}

/// A program header as readelf prints it in one line: its type, and its flags without the blanks between them.
fn segments(executable: &Path) -> Vec<(String, String)> {
    let out = readelf(&["-lW"], executable).out();
    let headers = out.lines().filter(|line| line.starts_with("  ") && line.contains(" 0x"));
    let segment = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        // TYPE OFFSET VIRTUAL PHYSICAL FILE-SIZE MEMORY-SIZE FLAGS… ALIGNMENT
        (words.len() >= 7).then(|| (words[0].to_owned(), words[6..words.len() - 1].concat()))
    };
    headers.filter_map(segment).collect()
}

fn hardened(fixtures: &Fixtures, interpreter: &Interpreter) {
    let frozen = fixtures.frozen(PROGRAM, interpreter);
    let found = segments(&frozen);
    let flags = |kind: &str| -> Vec<&str> {
        found.iter().filter(|(other, _)| other == kind).map(|(_, flags)| flags.as_str()).collect()
    };
    assert!(flags("LOAD").len() >= 4, "{found:?}");
    assert!(flags("LOAD").iter().all(|flags| !(flags.contains('W') && flags.contains('E'))), "{found:?}");
    assert_eq!(flags("GNU_STACK"), ["RW"], "{found:?}");
    // RELRO of what CPython's own file has is kept.
    let is_protected = |segments: &[(String, String)]| segments.iter().any(|(kind, _)| kind == "GNU_RELRO");
    let base = carrier(interpreter);
    assert!(is_protected(&found) || !is_protected(&segments(&base)), "{found:?}");
    let dynamic = readelf(&["-dW"], &frozen).out();
    assert!(!dynamic.contains("TEXTREL"), "{dynamic}");
    // Addresses are random where the base's are.
    if fixtures.fuses() {
        assert_eq!(is_position_independent(&frozen), is_position_independent(&base));
    }
    let bytes = |path: &Path| execute(plain_command(path).env("LC_ALL", "C.UTF-8"));
    bytes(&frozen).succeeded("the program");
}

fn constants_are_protected(fixtures: &Fixtures, interpreter: &Interpreter) {
    let frozen = fixtures.frozen(PROGRAM, interpreter);
    let hexadecimal = |text: &str| u64::from_str_radix(text.trim_start_matches("0x"), 16).unwrap();
    // TYPE OFFSET VIRTUAL PHYSICAL FILE-SIZE MEMORY-SIZE …
    let headers = readelf(&["-lW"], &frozen).out();
    let ranges = |kind: &str| -> Vec<(u64, u64)> {
        let words = headers.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let own = words.filter(|words| words.first() == Some(&kind));
        own.map(|words| (hexadecimal(words[2]), hexadecimal(words[2]) + hexadecimal(words[5]))).collect()
    };
    let maps = execute(plain_command(&frozen).arg("maps")).succeeded("the program").out();
    let mapped = |line: &str| {
        let (range, rest) = line.split_once(' ')?;
        let (start, end) = range.split_once('-')?;
        Some((hexadecimal(start), hexadecimal(end), rest.split(' ').next()?.to_owned(), line.to_owned()))
    };
    let maps: Vec<_> = maps.lines().filter_map(mapped).collect();
    let path = frozen.canonicalize().unwrap();
    let first = maps.iter().find(|(.., line)| line.ends_with(path.to_str().unwrap())).unwrap();
    let bias = first.0 - ranges("LOAD")[0].0;
    let parts = ranges("GNU_RELRO");
    // Of the new data, of the stub, and of what carries CPython, where that has one.
    let base = readelf(&["-lW"], &carrier(interpreter)).out();
    let expected = if fixtures.fuses() && base.contains("GNU_RELRO") { 3 } else { 2 };
    assert!(parts.len() >= expected, "{headers}");
    let page = 0x1000;
    let mut pages = 0;
    for (start, end) in parts {
        for address in (bias + start / page * page..bias + end / page * page).step_by(0x1000) {
            let map = maps.iter().find(|(start, end, ..)| (*start..*end).contains(&address)).unwrap();
            assert_eq!(map.2, "r--p", "{:x}: {}", address - bias, map.3);
            pages += 1;
        }
    }
    assert!(pages >= expected, "{headers}");
}

fn needs_glibc_alone(fixtures: &Fixtures, interpreter: &Interpreter) {
    let frozen = fixtures.frozen(PROGRAM, interpreter);
    let dynamic = readelf(&["-dW"], &frozen).out();
    let needed = dynamic.lines().filter(|line| line.contains("(NEEDED)"));
    let names: Vec<&str> = needed.filter_map(|line| line.split(['[', ']']).nth(1)).collect();
    assert!(names.contains(&"libc.so.6"), "{dynamic}");
    let loader = "ld-linux-x86-64.so.2";
    let others: Vec<_> = names.iter().filter(|name| !GLIBC.contains(name) && **name != loader).collect();
    assert!(others.is_empty(), "{others:?}");
    assert!(!dynamic.contains("RPATH") && !dynamic.contains("RUNPATH"), "{dynamic}");
}

/// The stack of a program that ends itself, from the kernel's call up to CPython's own main function.
fn gdb_shows_names(fixtures: &Fixtures, interpreter: &Interpreter) {
    let frozen = fixtures.frozen(PROGRAM, interpreter);
    let outcome = backtrace(&frozen, "abort");
    let out = outcome.out();
    assert!(out.contains("SIGABRT"), "{outcome:?}");
    // The thread that aborts has been started by Python.
    for name in ["_PyEval_EvalFrameDefault", "abort"] {
        assert!(out.lines().any(|line| line.starts_with('#') && line.contains(name)), "{name}: {outcome:?}");
    }
}

/// gdb's arguments for the stack at a program's end.
const BACKTRACE: [&str; 8] =
    ["-nx", "-batch", "-ex", "set debuginfod enabled off", "-ex", "run", "-ex", "bt -100"];

fn backtrace(frozen: &Path, argument: &str) -> Outcome {
    execute(plain_command("gdb").args(BACKTRACE).arg("--args").arg(frozen).arg(argument))
}

/// Nothing is read ahead there: native files are loaded from memory files that are made when they are asked for. gdb
/// opens the names of loaded files in its own process.
fn gdb_with_one_processor(fixtures: &Fixtures, interpreter: &Interpreter) {
    let frozen = fixtures.frozen(PROGRAM, interpreter);
    let mut command = plain_command("taskset");
    command.args(["-c", &first_processor(), "gdb"]).args(BACKTRACE);
    let outcome = execute(command.arg("--args").arg(frozen).arg("abort_importing"));
    assert!(outcome.out().contains("SIGABRT") && outcome.out().contains("\n#1 "), "{outcome:?}");
}

/// The number of a processor that this process may run on.
fn first_processor() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap().trim();
    list.chars().take_while(char::is_ascii_digit).collect()
}

/// Functions of ours are between those of CPython; they have no names, but what called them has.
fn gdb_shows_imports(fixtures: &Fixtures, interpreter: &Interpreter) {
    let frozen = fixtures.frozen(PROGRAM, interpreter);
    let outcome = backtrace(&frozen, "abort_importing");
    let out = outcome.out();
    assert!(out.contains("SIGABRT"), "{outcome:?}");
    let frames: Vec<&str> = out.lines().filter(|line| line.starts_with('#')).collect();
    let at = |name: &str| frames.iter().position(|line| line.contains(name));
    let [abort, eval, run, main] =
        ["abort", "_PyEval_EvalFrameDefault", "Py_RunMain", "__libc_start_main"].map(at);
    assert!(abort < eval && eval < run && run < main && abort.is_some(), "{outcome:?}");
    // Below it is the entry alone.
    assert_eq!(main.map(|main| main + 2), Some(frames.len()), "{outcome:?}");
}

fn runs_after(cutter: &[&str], fixtures: &Fixtures, interpreter: &Interpreter) {
    let frozen = fixtures.frozen(PROGRAM, interpreter);
    let expected = execute(&mut plain_command(&frozen)).succeeded("the program");
    let copy = fixtures.folder("cut").join("program");
    std::fs::copy(&frozen, &copy).unwrap();
    let cut = execute(plain_command(cutter[0]).args(&cutter[1..]).arg(&copy)).succeeded(cutter[0]);
    assert_eq!(cut.err(), "");
    let size = |path: &Path| std::fs::metadata(path).unwrap().len();
    assert!(size(&copy) <= size(&frozen) + 4096, "{} became {}", size(&frozen), size(&copy));
    assert_same(&execute(&mut plain_command(&copy)), &expected);
    // And again: what is cut already is cut no further.
    execute(plain_command(cutter[0]).args(&cutter[1..]).arg(&copy)).succeeded(cutter[0]);
    assert_same(&execute(&mut plain_command(&copy)), &expected);
    if program("readelf").is_some() {
        assert_eq!(readelf(&["-lSdW"], &copy).err(), "");
    }
}
