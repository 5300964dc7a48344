//! What people install: the wheel, and the sdist that it can be made from. The guide's tour is taken with the wheel, too.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::{Completion, Trial};
use snapfreeze::attach::STUB;
use snapfreeze::inspect::native::Version;
use snapfreeze_tests::environment::pip_command;
use snapfreeze_tests::execution::plain_command;
use snapfreeze_tests::wheel::{cargo_command, glibc, maturin, maturin_command, root, usual_glibc, wheel};
use snapfreeze_tests::{Fixtures, Interpreter, Outcome, execute};

/// A program that says which environment it was frozen in.
const PROGRAM: &str = "import where\nprint('hello from', where.ENVIRONMENT)\n";

/// A trial with maturin's interpreter and that of the fixtures.
type Body = fn(&Fixtures, &Interpreter, &Interpreter);

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    let trial = |name: &str, body: Body| with_maturin(&format!("wheel::{name}"), fixtures, body);
    vec![
        trial("pip installs the command, which freezes for its environment", installs_the_command),
        trial("the sdist holds what a build from it takes", holds_the_sources),
    ]
}

/// A trial that needs maturin: where nothing can be downloaded it is skipped.
fn with_maturin(name: &str, fixtures: &Fixtures, body: Body) -> Trial {
    let slot = fixtures.preferred();
    let lacks = slot.found.as_ref().err().cloned().or(fixtures.needs_fusion().err());
    let title = lacks.as_ref().map_or_else(|| name.to_owned(), |reason| format!("{name} [{reason}]"));
    let (fixtures, is_ignored) = (fixtures.clone(), lacks.is_some());
    let trial = Trial::ignorable_test(title, move || {
        if let Some(reason) = lacks {
            return Ok(Completion::ignored_with(reason));
        }
        let interpreter = slot.found.as_ref().map_err(String::as_str)?;
        match maturin(&fixtures, interpreter) {
            Ok(maturin) => body(&fixtures, &maturin, interpreter),
            Err(reason) if reason.contains("NewConnectionError") || reason.contains("ConnectTimeout") => {
                return Ok(Completion::ignored_with("no maturin, and no network to get it from"));
            }
            Err(reason) => return Err(reason.into()),
        }
        Ok(Completion::Completed)
    });
    trial.with_ignored_flag(is_ignored)
}

fn installs_the_command(fixtures: &Fixtures, maturin: &Interpreter, interpreter: &Interpreter) {
    let folder = fixtures.folder("wheel");
    let wheel = wheel(maturin, target(), &folder.join("dist"));
    let installed = folder.join("an environment");
    environment(&installed, interpreter);
    let mut pip = pip_command(&installed.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--no-index"]).arg(&wheel);
    execute(&mut pip).succeeded("pip");
    let command = installed.join("bin/snapfreeze");
    asks_for_no_newer_glibc(&wheel, &command);

    let project = folder.join("project");
    std::fs::create_dir_all(&project).unwrap();
    std::fs::write(project.join("hello.py"), PROGRAM).unwrap();
    let run = |path: &Path| {
        let mut path = path.as_os_str().to_owned();
        path.push(":/usr/bin:/bin");
        let mut build = Command::new(&command);
        build.args(["build", "-q", "hello.py"]).current_dir(&project).env_clear();
        build.env("PATH", path).env("SNAPFREEZE_CACHE_DIR", folder.join("cache"));
        execute(&mut build).succeeded("build");
        execute(&mut plain_command(project.join("dist/hello"))).out()
    };
    let nothing = folder.join("nothing");
    assert_eq!(run(&nothing), "hello from an environment\n");

    // The environment that it is in was made by hand, so it is meant.
    environment(&project.join(".venv"), interpreter);
    assert_eq!(run(&nothing), "hello from an environment\n");
    // One that was made for the tool has nothing to freeze, even if it is on PATH.
    std::fs::write(installed.join("uv-receipt.toml"), "").unwrap();
    assert_eq!(run(&installed.join("bin")), "hello from .venv\n");
}

/// Makes an environment with a module that has its name.
fn environment(folder: &Path, interpreter: &Interpreter) {
    let mut make = pip_command(&interpreter.python);
    if folder.ends_with(".venv") {
        execute(make.args(["-m", "venv", "--without-pip"]).arg(folder)).succeeded("venv");
    } else {
        execute(make.args(["-m", "venv"]).arg(folder)).succeeded("venv");
    }
    let packages = folder.join(format!("lib/python{}/site-packages", interpreter.minor));
    let name = folder.file_name().unwrap().to_string_lossy();
    std::fs::write(packages.join("where.py"), format!("ENVIRONMENT = {name:?}\n")).unwrap();
}

/// Its tag promises that it runs, and that what it makes starts, with that glibc.
fn asks_for_no_newer_glibc(wheel: &Path, command: &Path) {
    let name = wheel.file_name().unwrap().to_string_lossy();
    let expected = format!("snapfreeze-{}-py3-none-", env!("CARGO_PKG_VERSION"));
    let tag = name.strip_prefix(&expected).and_then(|rest| rest.strip_suffix("_x86_64.whl"));
    let tag = tag.unwrap_or_else(|| panic!("{name} is no {expected}…"));
    let Some(promised) = tag.strip_prefix("manylinux_") else {
        assert_eq!(tag, "linux");
        return;
    };
    let promised = Version::parse(&promised.replace('_', ".")).unwrap();
    assert_eq!(promised, usual_glibc());
    assert!(glibc(&mut File::open(command).unwrap()) <= promised, "the command");
    assert!(glibc(&mut Cursor::new(STUB)) <= promised, "the stub");
}

fn holds_the_sources(fixtures: &Fixtures, maturin: &Interpreter, _: &Interpreter) {
    let folder = fixtures.folder("sdist");
    execute(maturin_command(maturin, target()).args(["sdist", "--out"]).arg(&folder))
        .succeeded("maturin sdist");
    let name = format!("snapfreeze-{}", env!("CARGO_PKG_VERSION"));
    let archive = folder.join(format!("{name}.tar.gz"));
    execute(plain_command("tar").arg("-xzf").arg(archive).arg("-C").arg(&folder)).succeeded("tar");
    let unpacked = folder.join(name);
    for part in ["packager", "runtime", "stub"] {
        let files = files(&root().join(part));
        assert!(files.len() > 5, "{part}: {files:?}");
        let missing: Vec<_> = files.iter().filter(|file| !unpacked.join(part).join(file).exists()).collect();
        assert!(missing.is_empty(), "{part}: {missing:?}");
    }
    // The second run of cargo, for the stub, finds its workspace.
    let mut cargo = cargo_command("cargo".as_ref());
    cargo.args(["tree", "--offline", "--package", "snapfreeze-stub", "--depth", "0"]).current_dir(unpacked);
    let tree: Outcome = execute(&mut cargo).succeeded("cargo tree");
    assert!(tree.out().starts_with("snapfreeze-stub v"), "{tree:?}");
}

/// The files below a folder, by their paths from there.
fn files(folder: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                folders.extend((entry.file_name() != "__pycache__").then_some(path));
            } else {
                found.insert(path.strip_prefix(folder).unwrap().to_owned());
            }
        }
    }
    found
}

/// cargo's target directory of this run.
fn target() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap()
}
