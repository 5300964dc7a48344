//! C and C++ code in a frozen program: exceptions, variables of threads, libraries that are closed again. All is built
//! here by the machine's compiler, and does what it does under `python`.

use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::Trial;
use snapfreeze_tests::execution::{plain_command, python_command};
use snapfreeze_tests::fixtures::copy_folder;
use snapfreeze_tests::{Fixtures, Interpreter, Outcome, Slot, assert_same, execute, jail};

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    fixtures.each().iter().flat_map(|slot| of_slot(fixtures, slot)).collect()
}

/// The trials with one interpreter.
pub fn of_slot(fixtures: &Fixtures, slot: &Slot) -> Vec<Trial> {
    let trial = |name: &str, compiler: &str| {
        let name = format!("native::{name}");
        fixtures.trial(name, slot).needs(has_compiler(compiler)).needs(has_headers(slot))
    };
    vec![
        trial("C++ exceptions are thrown and caught, also between libraries", "c++").runs(exceptions),
        trial("each of fifty threads has its own variables", "cc").runs(thread_local),
        trial("a library is closed and loaded again", "cc").runs(closing),
    ]
}

pub fn has_compiler(name: &str) -> Result<(), String> {
    jail::program(name).map(drop).ok_or_else(|| format!("no {name}"))
}

/// Where a slot's interpreter has `Python.h`.
pub fn has_headers(slot: &Slot) -> Result<(), String> {
    match &slot.found {
        Ok(interpreter) if !headers(interpreter).join("Python.h").is_file() => Err("no Python.h".to_owned()),
        _ => Ok(()),
    }
}

pub fn headers(interpreter: &Interpreter) -> PathBuf {
    let ask = "import sysconfig; print(sysconfig.get_paths()['include'], end='')";
    let outcome = execute(python_command(&interpreter.python).args(["-c", ask]));
    PathBuf::from(outcome.succeeded("python -c").out())
}

/// A copy of a folder of `native/`, in which libraries are built.
struct Project {
    folder: PathBuf,
    headers: PathBuf,
}

impl Project {
    fn of(name: &str, fixtures: &Fixtures, interpreter: &Interpreter) -> Self {
        let folder = fixtures.folder(name);
        copy_folder(&fixtures.spec("native").join(name), &folder);
        Self { folder, headers: headers(interpreter) }
    }

    /// Builds a shared object.
    #[track_caller]
    fn build(&self, compiler: &str, arguments: &[&str]) {
        let mut command = Command::new(compiler);
        command.args(["-O2", "-shared", "-fPIC", "-pthread"]).arg("-I").arg(&self.headers);
        execute(command.args(arguments).current_dir(&self.folder)).succeeded("the compiler");
    }

    fn program(&self) -> PathBuf {
        self.folder.join("program.py")
    }
}

/// What the program does under `python`, and the frozen program, from another place than its sources.
#[track_caller]
fn both_ways(
    project: &Project,
    frozen: &Path,
    interpreter: &Interpreter,
    arguments: &[&str],
) -> (Outcome, Outcome) {
    let expected = execute(python_command(&interpreter.python).arg(project.program()).args(arguments));
    let outcome = execute(plain_command(frozen).args(arguments).current_dir("/"));
    (expected, outcome)
}

fn exceptions(fixtures: &Fixtures, interpreter: &Interpreter) {
    let project = Project::of("exceptions", fixtures, interpreter);
    project.build("c++", &["failing.cpp", "-Wl,-soname,libfailing.so", "-o", "libfailing.so"]);
    let with_other = ["-L.", "-lfailing", "-Wl,-rpath,$ORIGIN"];
    project.build("c++", &[&["catching.cpp", "-o", "catching.so"], with_other.as_slice()].concat());
    let frozen = fixtures.freeze([project.program()], interpreter);
    // The other library is the archive's: nothing beside the sources serves the frozen program.
    std::fs::remove_file(project.folder.join("libfailing.so")).unwrap();
    let outcome = execute(plain_command(&frozen).current_dir("/"));
    project.build("c++", &["failing.cpp", "-Wl,-soname,libfailing.so", "-o", "libfailing.so"]);
    let expected = execute(python_command(&interpreter.python).arg(project.program())).succeeded("python");
    assert!(expected.out().contains("failure 7 7 0 failure 8 1 1\n"), "{expected:?}");
    assert_same(&outcome, &expected);
    let (expected, outcome) = both_ways(&project, &frozen, interpreter, &["not caught"]);
    assert_eq!(expected.signal, Some(libc::SIGABRT), "{expected:?}");
    assert!(expected.err().contains("terminate called after throwing an instance of 'Failure'"));
    assert_same(&outcome, &expected);
}

fn thread_local(fixtures: &Fixtures, interpreter: &Interpreter) {
    let project = Project::of("thread_local", fixtures, interpreter);
    // Code of the first model needs a place in the block that each thread has from its beginning, where glibc keeps
    // little room; the second is for libraries that come later (ELF Handling For Thread-Local Storage, 4.1 and 4.3).
    for (name, size, model) in
        [("initial_local", "200", "initial-exec"), ("dynamic_local", "70000", "global-dynamic")]
    {
        let output = format!("{name}.so");
        let (name, size) = (format!("-DNAME={name}"), format!("-DSIZE={size}"));
        project.build("cc", &["local.c", &name, &size, &format!("-ftls-model={model}"), "-o", &output]);
    }
    let frozen = fixtures.freeze([project.program()], interpreter);
    let (expected, outcome) = both_ways(&project, &frozen, interpreter, &[]);
    assert_eq!(expected.out().matches("foreign 1 1 1\n").count(), 2, "{expected:?}");
    assert!(expected.out().contains("\n2 50\n"), "{expected:?}");
    assert_same(&outcome, &expected);
}

fn closing(fixtures: &Fixtures, interpreter: &Interpreter) {
    let project = Project::of("closing", fixtures, interpreter);
    project.build("cc", &["closing.c", "-o", "closing/libclosing.so"]);
    let frozen = fixtures.freeze([project.program()], interpreter);
    let (expected, outcome) = both_ways(&project, &frozen, interpreter, &[]);
    assert_eq!(expected.out().matches("closed\n").count(), 70, "{expected:?}");
    assert!(expected.out().ends_with("mappings left 0\ndescriptors left 0\n"), "{expected:?}");
    assert_same(&outcome, &expected);
}
