//! How far a start is from the least that CPython takes: `cargo bench -p snapfreeze-tests --bench floor`.
//!
//! The least is a C program, linked statically with the same libpython, that runs the same line. Beside it: what
//! 20,000 modules in the archive add, the peak of memory, and the memory of ten processes of one program. All that is
//! compared is run in turns. It prints text; what cannot be measured here is named.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a benchmark that cannot measure ends")]

use std::fs::{read_dir, read_to_string};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use snapfreeze_tests::execution::{Running, plain_command, python_command};
use snapfreeze_tests::{Fixtures, Interpreter, execute, many_modules};

/// Rounds, in each of which every program runs once; after some that warm up.
const ROUNDS: usize = 60;
const WARMING: usize = 5;

/// Processes that run at the same time.
const PROCESSES: usize = 10;

/// The line that everything runs.
const LINE: &str = "print(\"hello\")\n";

/// What makes a program stay, so that its memory can be looked at.
const STAY: &str = "\nimport sys\nprint('here', flush=True)\nsys.stdin.read()\n";

fn main() -> ExitCode {
    let command = Path::new(env!("CARGO_BIN_EXE_snapfreeze-under-test"));
    let fixtures = Fixtures::find(command, Path::new(env!("CARGO_TARGET_TMPDIR")));
    let Ok(interpreter) = fixtures.preferred().found else {
        println!("nothing measured: no interpreter");
        return ExitCode::SUCCESS;
    };
    let folder = fixtures.folder("floor");
    println!("CPython {}, {ROUNDS} rounds in turns", interpreter.version);
    starts(&fixtures, &interpreter, &folder);
    peaks(&fixtures, &interpreter, &folder);
    ten_processes(&fixtures, &interpreter, &folder);
    ExitCode::SUCCESS
}

fn script(folder: &Path, name: &str, text: &str) -> PathBuf {
    let script = folder.join(name);
    std::fs::write(&script, text).unwrap();
    script
}

/// How long starts of hello take.
fn starts(fixtures: &Fixtures, interpreter: &Interpreter, folder: &Path) {
    let hello = script(folder, "hello.py", LINE);
    let frozen = fixtures.freeze([&hello], interpreter);
    let not_fused = fixtures.freeze([hello.as_os_str(), "--no-fuse".as_ref()], interpreter);
    let home = prefix_without_packages(interpreter, folder);
    many_modules::write(folder);
    let options = ["--paths".as_ref(), folder.as_os_str(), many_modules::OPTION.as_ref(), hello.as_os_str()];
    let with_many = fixtures.freeze(options, interpreter);
    let mut programs = vec![("frozen", plain_command(&frozen))];
    let mut reference = None;
    for (name, site) in [("C program, with site", 1), ("C program, without site", 0)] {
        match c_program(site, interpreter, &home, folder) {
            Ok(program) => {
                reference = reference.or(Some(programs.len()));
                programs.push((name, plain_command(program)));
            }
            Err(reason) => println!("not measured: {name}: {reason}"),
        }
    }
    let many = programs.len();
    programs.push(("frozen, with 20,000 modules", plain_command(&with_many)));
    programs.push(("frozen, --no-fuse", plain_command(&not_fused)));
    let venv = folder.join("venv");
    let mut make = python_command(&interpreter.python);
    execute(make.args(["-m", "venv", "--without-pip"]).arg(&venv)).succeeded("venv");
    for (name, options) in [("python, in an empty venv", &[][..]), ("python -I -S", &["-I", "-S"])] {
        let mut python = python_command(&venv.join("bin/python"));
        python.args(options).arg(&hello);
        programs.push((name, python));
    }
    let times = in_turns(&mut programs);
    println!("\n{:30} {:>9} {:>9}   frozen to it: median of the rounds' ratios", "hello", "median", "min");
    for ((name, _), own) in programs.iter().zip(&times) {
        let ratios: Vec<f64> = times[0].iter().zip(own).map(|(frozen, own)| frozen / own).collect();
        let least = own.iter().copied().fold(f64::INFINITY, f64::min);
        println!("{name:30} {:6.2} ms {least:6.2} ms   {:.3}", median(own), median(&ratios));
    }
    let growth: Vec<f64> = times[many].iter().zip(&times[0]).map(|(many, few)| many - few).collect();
    println!("20,000 modules add {:+.2} ms (median of the rounds' differences)", median(&growth));
}

/// A prefix with the interpreter's standard library and no other packages: what `site` finds among those, and does, is
/// no part of a start.
fn prefix_without_packages(interpreter: &Interpreter, folder: &Path) -> PathBuf {
    let home = folder.join("home");
    let library = home.join(format!("lib/python{}", interpreter.minor));
    std::fs::create_dir_all(&library).unwrap();
    for entry in read_dir(&interpreter.stdlib).unwrap().map(|entry| entry.unwrap()) {
        if entry.file_name() != "site-packages" && entry.file_name() != "dist-packages" {
            symlink(entry.path(), library.join(entry.file_name())).unwrap();
        }
    }
    home
}

/// The program of `floor/hello.c`, linked with the interpreter's own static library.
fn c_program(site: u8, interpreter: &Interpreter, home: &Path, folder: &Path) -> Result<PathBuf, String> {
    let ask = "import sysconfig as s\n\
        v = s.get_config_var\n\
        print(s.get_paths()['include'], v('LIBPL') + '/' + v('LIBRARY'), sep='\\n')\n\
        print(v('LIBS'), v('SYSLIBS'), v('LINKFORSHARED'))";
    let answer =
        execute(python_command(&interpreter.python).args(["-I", "-c", ask])).succeeded("sysconfig").out();
    let mut lines = answer.lines();
    let mut next = || lines.next().unwrap_or_default();
    let (include, library, libraries) = (next(), next(), next());
    if !Path::new(library).is_file() {
        return Err(format!("no {library}"));
    }
    let program = folder.join(format!("hello{site}"));
    let mut compiler = Command::new("cc");
    compiler.arg("-O2").arg(format!("-I{include}")).arg(format!("-DSITE={site}"));
    compiler.arg(format!("-DHOME=\"{}\"", home.display())).arg("-o").arg(&program);
    compiler.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/floor/hello.c"));
    compiler.arg(library).args(libraries.split_whitespace()).arg("-lm");
    match compiler.output() {
        Ok(output) if output.status.success() => Ok(program),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or("cc").to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// Milliseconds that each program takes in each round.
fn in_turns(programs: &mut [(&str, Command)]) -> Vec<Vec<f64>> {
    let mut times = vec![Vec::with_capacity(ROUNDS); programs.len()];
    for (_, command) in programs.iter_mut() {
        let outcome = execute(command).succeeded("the program");
        assert_eq!((outcome.out().as_str(), outcome.err().as_str()), ("hello\n", ""), "{command:?}");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    }
    for round in 0..WARMING + ROUNDS {
        // Each round begins with another one: no program always follows the same.
        for turn in 0..programs.len() {
            let which = (round + turn) % programs.len();
            let started = Instant::now();
            let status = programs[which].1.status().unwrap();
            let took: Duration = started.elapsed();
            assert!(status.success(), "{:?}", programs[which].1);
            if round >= WARMING {
                times[which].push(took.as_secs_f64() * 1e3);
            }
        }
    }
    times
}

fn median(of: &[f64]) -> f64 {
    let mut sorted = of.to_vec();
    sorted.sort_by(f64::total_cmp);
    (sorted[(sorted.len() - 1) / 2] + sorted[sorted.len() / 2]) / 2.0
}

/// A number of kilobytes in a file of /proc (proc(5)), in megabytes.
fn megabytes(process: u32, file: &str, field: &str) -> f64 {
    let text = read_to_string(format!("/proc/{process}/{file}")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    number.unwrap_or_else(|| panic!("no {field} in /proc/{process}/{file}")) / 1024.0
}

/// Peak memory when hello has said so.
fn peaks(fixtures: &Fixtures, interpreter: &Interpreter, folder: &Path) {
    let staying = script(folder, "staying.py", &(LINE.to_owned() + STAY));
    let mut python = python_command(&interpreter.python);
    python.arg(&staying);
    let frozen = plain_command(fixtures.freeze([&staying], interpreter));
    println!("\n{:30} {:>9} {:>9}", "memory of hello", "peak", "PSS");
    for (name, mut command) in [("frozen", frozen), ("python", python)] {
        let running = held(&mut command);
        let process = running.child.id();
        let (peak, pss) = (megabytes(process, "status", "VmHWM"), megabytes(process, "smaps_rollup", "Pss"));
        println!("{name:30} {peak:6.1} MB {pss:6.1} MB");
    }
}

/// A program that has reached the point where it stays.
fn held(command: &mut Command) -> Running {
    let mut running = Running::start(command);
    running.wait_for_text("here\n");
    running
}

/// The memory of ten processes of the numpy program, shared pages counted once: the sum of what each is charged with.
fn ten_processes(fixtures: &Fixtures, interpreter: &Interpreter, folder: &Path) {
    let numpy = fixtures.spec("workloads/np.py");
    let staying = script(folder, "np.py", &(read_to_string(numpy).unwrap() + STAY));
    let requirements = Path::new(env!("CARGO_MANIFEST_DIR")).join("requirements/workloads.txt");
    let python = match fixtures.try_environment("workloads", &requirements, interpreter) {
        Ok(environment) => interpreter.in_environment(&environment),
        Err(reason) => {
            println!("not measured: {PROCESSES} processes of the numpy program: {reason}");
            return;
        }
    };
    let frozen = fixtures.freeze([&staying], &python);
    println!("\n{:30} {:>9}   of one", format!("PSS of {PROCESSES} numpy programs"), "together");
    for (name, program) in [("frozen", Some(&frozen)), ("python", None)] {
        let running: Vec<Running> = (0..PROCESSES)
            .map(|_| {
                let mut command = program.map_or_else(
                    || {
                        let mut command = python_command(&python.python);
                        command.arg(&staying);
                        command
                    },
                    plain_command,
                );
                Running::start(&mut command)
            })
            .collect();
        let running: Vec<Running> = running
            .into_iter()
            .map(|mut running| {
                running.wait_for_text("here\n");
                running
            })
            .collect();
        let each: Vec<f64> =
            running.iter().map(|running| megabytes(running.child.id(), "smaps_rollup", "Pss")).collect();
        println!("{name:30} {:6.1} MB   {:.1} MB", each.iter().sum::<f64>(), median(&each));
    }
}
