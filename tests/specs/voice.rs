//! How commands speak: progress on a terminal, a summary, details, colours; and what is silent.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use snapfreeze_tests::execution::{Running, TIME_LIMIT, plain_command, python_command};
use snapfreeze_tests::{Fixtures, Interpreter, Outcome, execute};

/// Goes to the beginning of the line and empties it.
const EMPTY_LINE: &str = "\r\x1b[K";

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    let slot = fixtures.preferred();
    let trial = |name: &str| fixtures.trial(format!("voice::{name}"), &slot);
    vec![
        trial("a terminal shows the stages of a build, and then its summary").runs(on_a_terminal),
        trial("a terminal that cannot go back in a line shows the summary alone").runs(on_a_dumb_terminal),
        trial("without a terminal there is the summary alone").runs(without_a_terminal),
        trial("verbose tells each stage, with counts and times").runs(verbose),
        trial("quiet says nothing, wherever it stands").runs(quiet),
        trial("colours are for whom they are wanted by").runs(colours),
        trial("bash completes commands and options").needs(has("bash")).runs(bash),
        trial("doctor finds an interpreter that builds").runs(doctor),
        trial("an interrupted build leaves nothing behind").runs(interrupted),
        trial("an interrupt that was to be ignored is ignored").runs(ignored_interrupt),
        trial("the cache is pruned while a build uses it").runs(pruned_meanwhile),
        trial("what cannot be printed is an error").runs(full_output),
    ]
}

/// A build of a program that prints, in a cache of its own: it takes longer than nothing.
fn build(fixtures: &Fixtures, python: &Interpreter) -> Command {
    let folder = fixtures.folder("voice");
    let mut command = fixtures.snapfreeze();
    command.env("SNAPFREEZE_CACHE_DIR", folder.join("cache")).current_dir(&folder);
    command.arg("build").arg(fixtures.spec("workloads/hello.py")).arg("--python").arg(&python.python);
    command
}

/// The same on a terminal of this kind: all that it shows.
fn shown(fixtures: &Fixtures, python: &Interpreter, kind: &str) -> String {
    let inner = build(fixtures, python);
    let mut command = python_command(&python.python);
    command.arg(fixtures.spec("exits/terminal.py")).arg("").arg(inner.get_program()).args(inner.get_args());
    if let Some(folder) = inner.get_current_dir() {
        command.current_dir(folder);
    }
    for (name, value) in inner.get_envs() {
        value.map(|value| command.env(name, value));
    }
    execute(command.env("TERM", kind)).succeeded("a build on a terminal").out()
}

fn on_a_terminal(fixtures: &Fixtures, python: &Interpreter) {
    let shown = shown(fixtures, python, "xterm");
    let (progress, summary) = shown.rsplit_once(EMPTY_LINE).unwrap();
    // Which stages are shown depends on how long each takes: nothing is shown of the first instant.
    let counts = [("graph", " modules"), ("compile", " modules"), ("compress", " MB")];
    let is_shown = |(stage, unit): &(&str, &str)| progress.contains(stage) && progress.contains(unit);
    assert!(counts.iter().any(is_shown), "{shown:?}");
    assert!(!progress.contains('\n'), "it is one line: {shown:?}");
    assert!(summary.contains("\x1b[32mbuilt"), "in colours: {shown:?}");
}

fn on_a_dumb_terminal(fixtures: &Fixtures, python: &Interpreter) {
    let shown = shown(fixtures, python, "dumb");
    assert!(shown.starts_with("built     dist/hello (") && !shown.contains('\x1b'), "{shown:?}");
}

/// The names of a summary's rows.
fn rows(outcome: &Outcome) -> Vec<String> {
    outcome.out().lines().map(|line| line.get(..10).unwrap_or_default().trim().to_owned()).collect()
}

fn without_a_terminal(fixtures: &Fixtures, python: &Interpreter) {
    let outcome = execute(&mut build(fixtures, python)).succeeded("a build");
    assert_eq!(outcome.err(), "");
    assert_eq!(rows(&outcome)[..3], ["built", "contents", "python"], "{outcome:?}");
    let out = outcome.out();
    let contents = out.lines().nth(1).unwrap_or_default();
    assert!(contents.contains(" modules, ") && contents.ends_with(" 0 data files"), "{outcome:?}");
}

fn verbose(fixtures: &Fixtures, python: &Interpreter) {
    let outcome = execute(build(fixtures, python).arg("-v")).succeeded("a build");
    let told = outcome.err();
    let line = |stage: &str| told.lines().find(|line| line.starts_with(stage)).unwrap_or_default().to_owned();
    for (stage, unit) in [("probe", ""), ("graph", " modules"), ("compile", " modules"), ("compress", " MB")]
    {
        let line = line(stage);
        assert!(line.contains(" s") && line.ends_with(unit), "{stage}: {outcome:?}");
    }
    assert_eq!(line("trace"), "", "nothing was traced");
    assert!(!told.contains('\r') && outcome.out().starts_with("built"), "{outcome:?}");
}

fn quiet(fixtures: &Fixtures, python: &Interpreter) {
    let inner = build(fixtures, python);
    let arguments: Vec<_> = inner.get_args().map(ToOwned::to_owned).collect();
    for is_first in [true, false] {
        let mut command = build(fixtures, python);
        if is_first {
            command = fixtures.snapfreeze();
            command.arg("--quiet").args(&arguments).args(["-o"]).arg(fixtures.folder("voice").join("hello"));
        } else {
            command.arg("-q");
        }
        let outcome = execute(&mut command).succeeded("a quiet build");
        assert!(outcome.stdout.is_empty() && outcome.stderr.is_empty(), "{outcome:?}");
    }
    let outcome = execute(fixtures.snapfreeze().args(["-q", "build", "/nonexistent.py"]));
    assert!(outcome.code == Some(1) && outcome.err().starts_with("error: "), "{outcome:?}");
}

fn colours(fixtures: &Fixtures, _python: &Interpreter) {
    let says = |options: &[&str], variables: &[(&str, &str)]| {
        let mut command = fixtures.snapfreeze();
        command.args(["build", "/nonexistent.py"]).args(options).envs(variables.iter().copied());
        execute(&mut command).err()
    };
    let plain = says(&[], &[]);
    assert!(plain.starts_with("error: there is no file"), "{plain:?}");
    assert!(says(&["--color", "always"], &[]).starts_with("\x1b[1m\x1b[31merror\x1b[0m: there is no file"));
    assert!(says(&[], &[("CLICOLOR_FORCE", "1")]).starts_with('\x1b'));
    assert_eq!(says(&["--color=never"], &[("CLICOLOR_FORCE", "1")]), plain);
    assert!(
        says(&["--color=always"], &[("NO_COLOR", "1")]).starts_with('\x1b'),
        "an option is asked for now"
    );
    // A wrong command line, too, which is found before any option is known.
    assert!(says(&["--nonsense", "--color=always"], &[]).starts_with('\x1b'));
    assert!(says(&["--nonsense"], &[]).starts_with("error: "));
}

/// Whether there is a program of this name.
fn has(program: &str) -> Result<(), String> {
    match Command::new(program).arg("--version").output() {
        Ok(_) => Ok(()),
        Err(_) => Err(format!("no {program}")),
    }
}

fn bash(fixtures: &Fixtures, _python: &Interpreter) {
    let completed = |words: &[&str]| {
        let script = "source <(\"$0\" completions bash) && COMP_WORDS=(\"$@\") COMP_CWORD=$(($# - 1)) && \
            _snapfreeze snapfreeze \"${@: -1}\" \"${@: -2:1}\" && printf '%s\\n' \"${COMPREPLY[@]}\"";
        let mut command = plain_command("bash");
        command.args(["--norc", "-c", script]).arg(fixtures.command_path()).args(words);
        let outcome = execute(&mut command).succeeded("bash");
        assert_eq!(outcome.err(), "");
        outcome.out().lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(completed(&["snapfreeze", "doc"]), ["doctor"]);
    assert_eq!(completed(&["snapfreeze", "cache", "pr"]), ["prune"]);
    assert!(completed(&["snapfreeze", "build", "--hidden"]).contains(&"--hidden-import".to_owned()));
}

fn doctor(fixtures: &Fixtures, python: &Interpreter) {
    let folder = fixtures.folder("voice");
    let examine = |python: &str| {
        let mut command = fixtures.snapfreeze();
        command.current_dir(&folder).args(["doctor", "--json", "--python", python]);
        let outcome = execute(&mut command);
        let found: serde_json::Value = serde_json::from_slice(&outcome.stdout).unwrap();
        (outcome, found)
    };
    let state = |found: &serde_json::Value, name: &str| {
        let checks = found["checks"].as_array().unwrap();
        let check = checks.iter().find(|check| check["name"] == name);
        check.map(|check| check["state"].as_str().unwrap().to_owned())
    };
    let (outcome, found) = examine(python.python.to_str().unwrap());
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    for name in ["stub", "proc", "memfd", "cache", "interpreter", "libpython", "fusion"] {
        assert_eq!(state(&found, name).as_deref(), Some("ok"), "{name}: {outcome:?}");
    }
    // What is no Python fails, and what depends on it is not there.
    let (outcome, found) = examine("/bin/true");
    assert_eq!((outcome.code, state(&found, "fusion")), (Some(1), None), "{outcome:?}");
    assert_eq!(state(&found, "interpreter").as_deref(), Some("fail"), "{outcome:?}");
}

fn pruned_meanwhile(fixtures: &Fixtures, python: &Interpreter) {
    let folder = fixtures.folder("voice");
    let cache = folder.join("cache");
    for _ in 0..3 {
        let running = Running::start(build(fixtures, python).env("SNAPFREEZE_CACHE_DIR", &cache));
        let mut prune = fixtures.snapfreeze();
        prune.env("SNAPFREEZE_CACHE_DIR", &cache).args(["cache", "prune", "--all"]);
        for _ in 0..20 {
            execute(&mut prune).succeeded("a pruning");
        }
        let built = running.end(TIME_LIMIT).unwrap_or_else(|outcome| panic!("too slow: {outcome:?}"));
        built.succeeded("a build while the cache is pruned");
    }
    let size = |cache: &Path| {
        let mut command = fixtures.snapfreeze();
        command.env("SNAPFREEZE_CACHE_DIR", cache).args(["cache", "size", "--json"]);
        let outcome = execute(&mut command).succeeded("the size");
        serde_json::from_slice::<serde_json::Value>(&outcome.stdout).unwrap()["total"]["bytes"].as_u64()
    };
    execute(build(fixtures, python).env("SNAPFREEZE_CACHE_DIR", &cache)).succeeded("a build");
    assert!(size(&cache) > Some(0));
    execute(
        fixtures.snapfreeze().env("SNAPFREEZE_CACHE_DIR", &cache).args(["cache", "prune", "--all", "-q"]),
    )
    .succeeded("a pruning");
    assert_eq!(size(&cache), Some(0));
}

/// Processes that have a text in their environment.
fn processes_with(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for process in std::fs::read_dir("/proc").unwrap().flatten() {
        let environment = std::fs::read(process.path().join("environ")).unwrap_or_default();
        if environment.windows(text.len()).any(|window| window == text.as_bytes()) {
            let command = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
            found.push(String::from_utf8_lossy(&command).replace('\0', " "));
        }
    }
    found
}

/// Names in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

fn interrupted(fixtures: &Fixtures, python: &Interpreter) {
    let mut ended = 0;
    for (number, delay) in [30, 120, 250, 400, 600, 900].into_iter().enumerate() {
        for signal in [libc::SIGINT, libc::SIGTERM] {
            let folder = fixtures.folder("voice");
            let temporary = folder.join("temporary");
            std::fs::create_dir(&temporary).unwrap();
            let mut command = build(fixtures, python);
            command.current_dir(&folder).env("SNAPFREEZE_CACHE_DIR", folder.join("cache"));
            command.env("TMPDIR", &temporary).args(["-o", "made/hello"]);
            if number % 2 == 1 {
                command.arg("--onedir");
            }
            let running = Running::start(&mut command);
            std::thread::sleep(Duration::from_millis(delay));
            running.signal(signal);
            let outcome = running.end(TIME_LIMIT).unwrap_or_else(|outcome| panic!("too slow: {outcome:?}"));
            let made = folder.join("made");
            let made = if made.exists() { names(&made) } else { Vec::new() };
            if outcome.code == Some(0) {
                assert_eq!(made, ["hello"], "{outcome:?}");
                continue;
            }
            ended += 1;
            assert_eq!((outcome.signal, outcome.err().as_str()), (Some(signal), ""), "{outcome:?}");
            assert!(made.is_empty() || made == ["hello"], "{delay} ms: {made:?}");
            assert_eq!(names(&temporary), [""; 0], "{delay} ms");
            let mark = format!("TMPDIR={}", temporary.display());
            let started = Instant::now();
            while !processes_with(&mark).is_empty() {
                assert!(started.elapsed() < Duration::from_secs(20), "{:?}", processes_with(&mark));
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
    assert!(ended >= 2, "builds were faster than all signals");
}

/// As in the background of a script: who starts it does not want it to be interrupted.
fn ignored_interrupt(fixtures: &Fixtures, python: &Interpreter) {
    let inner = build(fixtures, python);
    let mut command = plain_command("sh");
    command.args(["-c", "trap '' INT; exec \"$0\" \"$@\""]).arg(inner.get_program()).args(inner.get_args());
    command.current_dir(fixtures.folder("voice"));
    command.env("SNAPFREEZE_CACHE_DIR", fixtures.folder("voice").join("cache"));
    let running = Running::start(&mut command);
    for _ in 0..5 {
        std::thread::sleep(Duration::from_millis(60));
        running.signal(libc::SIGINT);
    }
    let outcome = running.end(TIME_LIMIT).unwrap_or_else(|outcome| panic!("too slow: {outcome:?}"));
    outcome.succeeded("a build that nobody can interrupt");
}

/// A full disk, not a reader that has seen enough.
fn full_output(fixtures: &Fixtures, _: &Interpreter) {
    let mut command = fixtures.snapfreeze();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = command.args(["completions", "bash"]).stdout(full).output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(message.starts_with("error: cannot write all of the output: "), "{message}");
    assert_eq!(output.status.code(), Some(1));
}
