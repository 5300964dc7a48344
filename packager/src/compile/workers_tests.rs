//! The compiling processes, with every CPython at hand; and where all tests beside the code find these.

use super::*;
use std::process::Output;

/// The interpreters under `~/.pyenv/versions`, one per minor version, and the `python3` of the search path.
/// What is missing is named on standard output.
pub(crate) fn interpreters() -> Vec<PathBuf> {
    let versions = std::env::home_dir().unwrap_or_default().join(".pyenv/versions");
    let installed: Vec<PathBuf> =
        std::fs::read_dir(versions).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    let mut found = Vec::new();
    for minor in 9..=13 {
        let prefix = format!("3.{minor}.");
        let folder = installed.iter().find(|path| {
            path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(&prefix))
        });
        match folder.map(|folder| folder.join("bin/python")).filter(|python| python.exists()) {
            Some(python) => found.push(python),
            None => println!("skipped: CPython 3.{minor}"),
        }
    }
    match Command::new("python3").arg("-V").output() {
        Ok(_) => found.push(PathBuf::from("python3")),
        Err(_) => println!("skipped: python3"),
    }
    found
}

/// Runs a Python program and gives its standard output; whatever goes wrong there is this test's failure.
pub(crate) fn python(interpreter: &Path, program: &str, arguments: &[&Path]) -> Vec<u8> {
    let Output { status, stdout, stderr } =
        Command::new(interpreter).args(["-I", "-c", program]).args(arguments).output().unwrap();
    assert!(status.success(), "{}: {}", interpreter.display(), String::from_utf8_lossy(&stderr));
    stdout
}

/// The minor version of a CPython 3.
pub(crate) fn minor_version(interpreter: &Path) -> u32 {
    let text = python(interpreter, "import sys; print(sys.version_info[1])", &[]);
    String::from_utf8(text).unwrap().trim().parse().unwrap()
}

fn job(source: impl Into<Vec<u8>>) -> CompileJob {
    CompileJob { source: source.into(), display: "package/module.py".to_owned() }
}

fn compile_one(interpreter: &Path, source: impl Into<Vec<u8>>) -> CompileOutcome {
    let mut outcomes = Workers::new(interpreter, 1).compile_all(vec![job(source)], 0).unwrap();
    outcomes.pop().unwrap()
}

fn syntax_problem(interpreter: &Path, source: impl Into<Vec<u8>>) -> SyntaxProblem {
    match compile_one(interpreter, source) {
        CompileOutcome::Syntax(problem) => problem,
        other => panic!("{}: {other:?}", interpreter.display()),
    }
}

#[test]
fn compiles_files_of_the_standard_library_as_python_does_and_in_order() {
    for interpreter in interpreters() {
        let folder = tempfile::tempdir().unwrap();
        let list = python(
            &interpreter,
            "import os, sys; d = os.path.dirname(os.__file__)\n\
             for n in sorted(os.listdir(d))[:200]:\n  if n.endswith('.py'): print(os.path.join(d, n))\n\
             d = os.path.join(d, 'encodings')\n\
             for n in sorted(os.listdir(d)):\n  if n.endswith('.py'): print(os.path.join(d, n))",
            &[],
        );
        let paths: Vec<String> =
            String::from_utf8(list).unwrap().lines().take(200).map(str::to_owned).collect();
        assert_eq!(paths.len(), 200);
        let workers = Workers::new(&interpreter, 2);
        for optimize in [0, 2] {
            let jobs = paths
                .iter()
                .map(|path| CompileJob { source: std::fs::read(path).unwrap(), display: path.clone() })
                .collect();
            let outcomes = workers.compile_all(jobs, optimize).unwrap();
            let mut frames = Vec::new();
            for (path, outcome) in paths.iter().zip(outcomes) {
                let CompileOutcome::Code(code) = outcome else { panic!("{path}: {outcome:?}") };
                frames.extend(format!("{path}\n{}\n", code.len()).into_bytes());
                frames.extend(code);
            }
            std::fs::write(folder.path().join("frames"), frames).unwrap();
            python(
                &interpreter,
                "import marshal, sys\n\
                 n = 0\n\
                 with open(sys.argv[1], 'rb') as f:\n  \
                   while path := f.readline()[:-1]:\n    \
                     code = marshal.loads(f.read(int(f.readline())))\n    \
                     with open(path, 'rb') as g: direct = compile(g.read(), 'x', 'exec', optimize=int(sys.argv[2]))\n    \
                     assert code == direct, path\n    \
                     assert code.co_filename == '<source>'\n    \
                     n += 1\n\
                 assert n == 200, n",
                &[&folder.path().join("frames"), Path::new(&optimize.to_string())],
            );
        }
    }
}

#[test]
fn honours_the_encoding_cookie() {
    for interpreter in interpreters() {
        let CompileOutcome::Code(code) =
            compile_one(&interpreter, &b"# -*- coding: latin-1 -*-\nx = '\xe9'\n"[..])
        else {
            panic!("latin-1 source does not compile");
        };
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("code"), code).unwrap();
        let program =
            "import marshal, sys; exec(marshal.load(open(sys.argv[1], 'rb'))); assert x == chr(233)";
        python(&interpreter, program, &[&folder.path().join("code")]);
        let problem = syntax_problem(&interpreter, &b"x = 1\ny = '\xe9'\n"[..]);
        println!("{}: {problem:?}", interpreter.display());
        assert!(problem.message.contains("utf-8") || problem.message.contains("Non-UTF-8"), "{problem:?}");
    }
}

#[test]
fn a_syntax_error_has_message_line_column_and_text() {
    for interpreter in interpreters() {
        let problem = syntax_problem(&interpreter, "a = 1\n    \nif a:\n    b = = 2\n");
        assert_eq!(problem.line, Some(4));
        assert_eq!(problem.column, Some(9));
        assert_eq!(problem.text.as_deref(), Some("    b = = 2"));
        assert!(problem.message.starts_with("invalid syntax"), "{problem:?}");

        // Found after parsing, when Python looks for the line in a file.
        let problem = syntax_problem(&interpreter, "def f():\n    x = 'ä'; nonlocal x\n");
        assert_eq!(problem.line, Some(2));
        assert_eq!(problem.text.as_deref(), Some("    x = 'ä'; nonlocal x"), "{}", interpreter.display());

        let problem = syntax_problem(&interpreter, "if 1:\nx = 1\n");
        assert!(problem.message.starts_with("expected an indented block"), "{problem:?}");
        assert_eq!(problem.line, Some(2));
    }
}

#[test]
fn the_compiler_s_other_complaints_are_outcomes_too() {
    for interpreter in interpreters() {
        let null = compile_one(&interpreter, "x = 1\0\n");
        let parentheses = compile_one(&interpreter, "(".repeat(500));
        let nested = compile_one(&interpreter, format!("x = {}1\n", "-".repeat(20_000)));
        let chain = compile_one(&interpreter, format!("x = a{}\n", ".b".repeat(20_000)));
        println!("{}: {null:?} {parentheses:?} {nested:?} {chain:?}", interpreter.display());
        assert!(format!("{null:?}").contains("null bytes"));
        assert!(matches!(parentheses, CompileOutcome::Syntax(_)));
        for outcome in [nested, chain] {
            assert!(matches!(outcome, CompileOutcome::Failed(_) | CompileOutcome::Syntax(_)), "{outcome:?}");
        }
    }
}

#[test]
fn warnings_are_silent_and_no_errors() {
    for interpreter in interpreters() {
        let outcome = compile_one(&interpreter, "x = '\\d'\nassert (1, 'always')\ny = 1 is 1\n");
        assert!(matches!(outcome, CompileOutcome::Code(_)), "{outcome:?}");
    }
}

#[test]
fn assertions_and_docstrings_go_with_the_optimisation_level() {
    let Some(interpreter) = interpreters().pop() else { return };
    let workers = Workers::new(&interpreter, 1);
    let sizes: Vec<usize> = (0..3)
        .map(|level| {
            match &workers.compile_all(vec![job("'docstring'\nassert x, 'message'\n")], level).unwrap()[..] {
                [CompileOutcome::Code(code)] => code.len(),
                other => panic!("{other:?}"),
            }
        })
        .collect();
    assert!(sizes[0] > sizes[1] && sizes[1] > sizes[2], "{sizes:?}");
}

#[test]
fn nothing_to_do_starts_nothing() {
    let workers = Workers::new(Path::new("/nonexistent/python"), 2);
    assert_eq!(workers.compile_all(Vec::new(), 0).unwrap(), Vec::new());
    assert!(matches!(workers.compile_all(vec![job("")], 0), Err(WorkerError::Start { .. })));
}

#[test]
fn a_broken_interpreter_is_not_blamed_on_the_source() {
    let folder = tempfile::tempdir().unwrap();
    let broken = script(folder.path(), "echo first >&2; echo no module named encodings >&2; exit 3");
    let error = Workers::new(&broken, 1).compile_all(vec![job("")], 0).unwrap_err();
    assert!(matches!(&error, WorkerError::NotReady { .. }), "{error}");
    assert!(error.to_string().ends_with("exit status: 3: no module named encodings"), "{error}");
}

/// An executable shell script in `folder`.
fn script(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("python");
    // Written by another process: a thread that forks meanwhile would keep our descriptor open for writing (ETXTBSY).
    let write = "printf '#!/bin/sh\\n%s\\n' \"$1\" > \"$2\" && chmod +x \"$2\"";
    let status = Command::new("/bin/sh").args(["-c", write, "sh", text]).arg(&path).status().unwrap();
    assert!(status.success());
    path
}

#[test]
fn a_worker_killed_over_a_file_names_it_and_the_next_batch_works() {
    for interpreter in interpreters() {
        let folder = tempfile::tempdir().unwrap();
        let wrapper =
            format!("echo $$ >> '{}/pids'; exec '{}' \"$@\"", folder.path().display(), interpreter.display());
        let workers = Workers::new(&script(folder.path(), &wrapper), 2);
        let slow =
            CompileJob { source: "x = [1, 2, f(3)]\n".repeat(200_000).into(), display: "slow.py".into() };
        let error = thread::scope(|scope| {
            let batch = scope.spawn(|| workers.compile_all(vec![job("a = 1"), slow, job("b = 1")], 0));
            thread::sleep(Duration::from_millis(500));
            // Both are ended; only one was at work.
            let pids = std::fs::read_to_string(folder.path().join("pids")).unwrap();
            let pids: Vec<&str> = pids.lines().collect();
            Command::new("kill").arg("-KILL").args(&pids).status().unwrap();
            batch.join().unwrap().unwrap_err()
        });
        assert_eq!(
            error.to_string(),
            "the Python interpreter died while compiling slow.py: signal: 9 (SIGKILL)",
            "{}",
            interpreter.display()
        );
        // The one killed when idle is noticed by the next job it gets; the slot of the first is empty already.
        let _ = workers.compile_all(vec![job("a"), job("b")], 0);
        let outcomes = workers.compile_all(vec![job("a"), job("b")], 0).unwrap();
        assert!(outcomes.iter().all(|outcome| matches!(outcome, CompileOutcome::Code(_))));
    }
}

#[test]
fn a_worker_ends_with_its_standard_input_and_ignores_interrupts() {
    for interpreter in interpreters() {
        let mut worker = Worker::start(&interpreter).unwrap();
        let pid = worker.process.id().to_string();
        Command::new("kill").args(["-INT", &pid]).status().unwrap();
        assert_eq!(worker.ask(&[b"c", &[0]], b"x = 1").unwrap()[0], b'C');
        let Worker { process, requests, .. } = &mut worker;
        let stdin = std::mem::replace(requests, BufWriter::new(other_pipe()));
        drop(stdin);
        assert!(process.wait().unwrap().success());
        assert_eq!(worker.last_words(), None);
    }
}

/// Something to put in the place of a closed pipe.
fn other_pipe() -> ChildStdin {
    let mut child = Command::new("true").stdin(Stdio::piped()).spawn().unwrap();
    let stdin = child.stdin.take().unwrap();
    child.wait().unwrap();
    stdin
}

#[test]
fn hashes_sources_as_the_interpreter_does() {
    for interpreter in interpreters() {
        let workers = Workers::new(&interpreter, 1);
        let program =
            "import importlib.util, sys; sys.stdout.buffer.write(importlib.util.source_hash(b'x = 1\\n'))";
        assert_eq!(
            workers.source_hash(b"x = 1\n", "x.py").unwrap().to_vec(),
            python(&interpreter, program, &[])
        );
    }
}

#[test]
fn replies_that_no_worker_sends_are_rejected() {
    for reply in [&b""[..], b"X", b"S", b"S\x01\0\0\0\x02\0\0\0\xff\xff\xff\xffshort"] {
        assert_eq!(decode_outcome(reply.to_vec()), None);
    }
    let problem = decode_outcome(b"S\0\0\0\0\x02\0\0\0\x03\0\0\0badTx".to_vec());
    assert_eq!(
        problem,
        Some(CompileOutcome::Syntax(SyntaxProblem {
            message: "bad".into(),
            line: None,
            column: Some(2),
            text: Some("x".into())
        }))
    );
}
