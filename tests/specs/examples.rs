//! Each example is built and run with the commands of its README, and does what it does under `python`.
//!
//! The environment of a README's first lines is made once and kept, and stands beside the example as `.venv`.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use snapfreeze_tests::execution::{Running, TIME_LIMIT, plain_command, python_command};
use snapfreeze_tests::fixtures::{NO_FUSE, copy_folder};
use snapfreeze_tests::{Fixtures, Interpreter, Outcome, assert_same, execute, readme};

/// An example that ends by itself.
struct Example {
    name: &'static str,
    /// Its executable, as the README names it.
    executable: &'static str,
    /// The words by which `python` runs the same.
    python: &'static [&'static str],
}

const EXAMPLES: &[Example] = &[
    Example { name: "hello", executable: "dist/hello", python: &["hello.py"] },
    Example {
        name: "inventory",
        executable: "dist/inventory",
        python: &[
            "-c",
            "import sys; sys.path.insert(0, 'src'); from inventory.cli import main; sys.exit(main())",
        ],
    },
    Example { name: "table", executable: "dist/table", python: &["table.py"] },
    Example { name: "matrix", executable: "dist/matrix", python: &["matrix.py"] },
];

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    let preferred = fixtures.preferred();
    let mut trials: Vec<Trial> = EXAMPLES
        .iter()
        .map(|example| {
            let name = format!("examples::{} does what its README says", example.name);
            fixtures.trial(name, &preferred).runs(|fixtures, interpreter| {
                does_what_its_readme_says(example, fixtures, interpreter);
            })
        })
        .collect();
    trials.push(fixtures.trial("examples::web serves and stops", &preferred).runs(web_serves_and_stops));
    trials
        .push(fixtures.trial("examples::every one has its trial", &preferred).runs(every_one_has_its_trial));
    trials
}

fn folder_of_examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples")
}

/// An example, copied, with what its README's commands need.
struct Prepared {
    folder: PathBuf,
    python: Interpreter,
    /// A directory with `snapfreeze` and `python3`, to be first on PATH.
    programs: PathBuf,
    commands: Vec<String>,
}

impl Prepared {
    fn new(name: &str, fixtures: &Fixtures, interpreter: &Interpreter) -> Self {
        let folder = fixtures.folder("example").join(name);
        copy_folder(&folder_of_examples().join(name), &folder);
        let requirements = folder.join("requirements.txt");
        let python = if requirements.is_file() {
            let environment = fixtures.environment_of(name, &requirements, interpreter);
            symlink(environment.python.parent().and_then(Path::parent).unwrap(), folder.join(".venv"))
                .unwrap();
            environment
        } else {
            interpreter.clone()
        };
        let programs = fixtures.folder("programs");
        symlink(fixtures.command_path(), programs.join("snapfreeze")).unwrap();
        symlink(&interpreter.python, programs.join("python3")).unwrap();
        let text = std::fs::read_to_string(folder.join("README.md")).unwrap();
        Self { folder, python, programs, commands: readme::commands(&text) }
    }

    /// A line of the README, as a shell runs it.
    fn shell(&self, directory: &Path, line: &str, fixtures: &Fixtures) -> Command {
        let mut command = plain_command("/bin/sh");
        let rest = std::env::var_os("PATH").unwrap_or_default();
        let path = std::iter::once(self.programs.clone()).chain(std::env::split_paths(&rest));
        command.env("PATH", std::env::join_paths(path).unwrap()).current_dir(directory).args(["-c", line]);
        for (name, value) in fixtures.snapfreeze().get_envs() {
            if let (Some(value), "SNAPFREEZE_CACHE_DIR" | NO_FUSE) = (value, name.to_string_lossy().as_ref())
            {
                command.env(name, value);
            }
        }
        command
    }

    /// Runs the README's commands that make the environment and the executable, and returns where it ended, with
    /// the commands that run the executable.
    fn build(&self, executable: &str, fixtures: &Fixtures) -> (PathBuf, Vec<String>) {
        let mut directory = self.folder.clone();
        let mut runs = Vec::new();
        for line in &self.commands {
            if let Some(subfolder) = line.strip_prefix("cd ") {
                directory.push(subfolder);
            } else if line.split_whitespace().next() == Some("snapfreeze") {
                execute(&mut self.shell(&directory, line, fixtures)).succeeded(line);
            } else if line.starts_with(executable) {
                runs.push(line.clone());
            } else {
                let is_environment = line.starts_with("python3 -m venv .venv")
                    || line.starts_with(".venv/bin/python -m pip install -r requirements.txt");
                assert!(
                    is_environment && self.folder.join(".venv").exists(),
                    "what is this line for? {line}"
                );
            }
        }
        assert!(!runs.is_empty(), "the README runs nothing");
        (directory, runs)
    }
}

fn does_what_its_readme_says(example: &Example, fixtures: &Fixtures, interpreter: &Interpreter) {
    let prepared = Prepared::new(example.name, fixtures, interpreter);
    let (directory, runs) = prepared.build(example.executable, fixtures);
    for line in runs {
        let frozen = execute(&mut prepared.shell(&directory, &line, fixtures));
        // The same words after the program's name, split by the same shell.
        let arguments = line.strip_prefix(example.executable).unwrap();
        let mut python = prepared.shell(&directory, &format!("exec \"$@\" {arguments}"), fixtures);
        python
            .arg("sh")
            .arg(&prepared.python.python)
            .args(example.python)
            .env("PYTHONDONTWRITEBYTECODE", "1");
        let mut expected = execute(&mut python);
        assert!(!expected.stdout.is_empty() && !expected.err().contains("Traceback"), "{line}: {expected:?}");
        // The program's name in its own help is the executable's.
        let name = example.executable.trim_start_matches("dist/");
        expected.stdout =
            expected.out().replace(&format!("Usage: {name}.py"), &format!("Usage: {name}")).into();
        assert_same(&frozen, &expected);
    }
}

fn web_serves_and_stops(fixtures: &Fixtures, interpreter: &Interpreter) {
    let prepared = Prepared::new("web", fixtures, interpreter);
    let (directory, runs) = prepared.build("dist/web", fixtures);
    assert_eq!(runs, ["dist/web 8000"]);
    let mut frozen = plain_command(directory.join("dist/web"));
    let mut python = python_command(&prepared.python.python);
    python.arg(directory.join("web.py"));
    let (answer, end) = serve(&mut frozen);
    let (expected, expected_end) = serve(&mut python);
    assert!(expected.ends_with(r#"{"text":"hello you","length":9}"#), "{expected}");
    assert_eq!(answer, expected, "{end:?}");
    assert_eq!((end.code, end.signal), (expected_end.code, expected_end.signal), "{end:?}\n{expected_end:?}");
    assert!(end.err().contains("Finished server process"), "{end:?}");
}

/// Starts a server on a free port, makes one request and stops it. Returns the answer without its date, and the end.
fn serve(command: &mut Command) -> (String, Outcome) {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|free| free.local_addr()).unwrap().port();
    let mut running = Running::start(command.arg(port.to_string()));
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let started = Instant::now();
    let mut connection = loop {
        if let Ok(connection) = TcpStream::connect_timeout(&address, Duration::from_secs(5)) {
            break connection;
        }
        let has_ended = running.child.try_wait().unwrap().is_some();
        if has_ended || started.elapsed() > TIME_LIMIT {
            let (Ok(outcome) | Err(outcome)) = running.end(Duration::ZERO);
            panic!("the server does not answer: {outcome:?}");
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    connection.set_read_timeout(Some(TIME_LIMIT)).unwrap();
    connection.write_all(b"GET /greet/you HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    running.signal(libc::SIGTERM);
    let end = running.end(TIME_LIMIT).unwrap_or_else(|outcome| panic!("it does not stop: {outcome:?}"));
    let is_date = |line: &&str| line.starts_with("date:");
    (answer.split("\r\n").filter(|line| !is_date(line)).collect::<Vec<_>>().join("\n"), end)
}

fn every_one_has_its_trial(_: &Fixtures, _: &Interpreter) {
    let entries = std::fs::read_dir(folder_of_examples()).unwrap().map(|entry| entry.unwrap().path());
    let folders = entries.filter(|path| path.is_dir());
    let mut names: Vec<String> =
        folders.map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect();
    names.sort();
    let mut tested: Vec<&str> = EXAMPLES.iter().map(|example| example.name).chain(["web"]).collect();
    tested.sort_unstable();
    assert_eq!(names, tested);
}
