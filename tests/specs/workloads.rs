//! Programs of growing size freeze without any option and print what `python` prints.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use snapfreeze_tests::execution::{Running, TIME_LIMIT, plain_command};
use snapfreeze_tests::{Fixtures, Interpreter, assert_same, execute};

/// The programs that use the standard library only.
pub const PLAIN: &[&str] = &["hello", "stdlib"];
/// The programs that need an environment.
pub const INSTALLED: &[&str] = &["cli", "np", "web"];
/// The one of these that writes a file.
pub const DRAWING: &str = "pd";

/// The Python that a workload runs with: the environment where it needs one.
pub fn python_for(workload: &str, fixtures: &Fixtures, interpreter: &Interpreter) -> Interpreter {
    if PLAIN.contains(&workload) {
        interpreter.clone()
    } else {
        fixtures.environment("workloads", interpreter)
    }
}

/// A workload's source.
pub fn source(workload: &str) -> String {
    format!("workloads/{workload}.py")
}

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    let trial = |workload: &'static str, slot| {
        fixtures
            .trial(format!("workloads::{workload} prints what python prints"), slot)
            .runs(move |fixtures, interpreter| prints_what_python_prints(workload, fixtures, interpreter))
    };
    let preferred = fixtures.preferred();
    let plain = PLAIN.iter().flat_map(|workload| fixtures.each().iter().map(|slot| trial(workload, slot)));
    let installed = INSTALLED.iter().map(|workload| trial(workload, &preferred));
    let serves = fixtures.trial("workloads::web serves a request", &preferred).runs(serves_a_request);
    let computes =
        fixtures.trial("workloads::numpy computes as soon as it is there", &preferred).runs(computes);
    plain.chain(installed).chain([serves, computes]).collect()
}

fn computes(fixtures: &Fixtures, interpreter: &Interpreter) {
    const PROGRAM: &str = "workloads/blas.py";
    let python = fixtures.environment("workloads", interpreter);
    let frozen = fixtures.frozen(PROGRAM, &python);
    for case in ["computes", "forks", "threads", "ends"] {
        let expected = execute(fixtures.python(PROGRAM, &python).arg(case)).succeeded("python");
        // How far decompression is then, is another time another one.
        for _ in 0..5 {
            assert_same(&execute(plain_command(&frozen).arg(case)), &expected);
        }
    }
}

/// The server is told a port that was free a moment ago, and asked until it listens there.
fn serves_a_request(fixtures: &Fixtures, interpreter: &Interpreter) {
    const BODY: &str = r#"{"value": 41}"#;
    let frozen = fixtures.frozen(&source("web"), &python_for("web", fixtures, interpreter));
    let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let server = Running::start(plain_command(frozen).arg(port.to_string()));
    let started = Instant::now();
    let mut connection = loop {
        match TcpStream::connect(("127.0.0.1", port)) {
            Ok(connection) => break connection,
            Err(error) => assert!(started.elapsed() < TIME_LIMIT, "nobody listens: {error}"),
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let head =
        "POST /next HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json";
    write!(connection, "{head}\r\nContent-Length: {}\r\n\r\n{BODY}", BODY.len()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with(r#"{"value":42}"#), "{answer}");
    server.signal(libc::SIGINT);
    let outcome = server.end(TIME_LIMIT).unwrap_or_else(|outcome| panic!("it does not end: {outcome:?}"));
    assert!(outcome.err().contains("Finished server process"), "{outcome:?}");
}

fn prints_what_python_prints(workload: &str, fixtures: &Fixtures, interpreter: &Interpreter) {
    let python = python_for(workload, fixtures, interpreter);
    let expected = execute(&mut fixtures.python(&source(workload), &python)).succeeded("python");
    assert!(!expected.stdout.is_empty(), "{workload} prints nothing");
    let frozen = fixtures.frozen(&source(workload), &python);
    assert_same(&execute(&mut plain_command(frozen)), &expected);
}
