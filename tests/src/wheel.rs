//! The wheel, made by maturin from this tree.
//!
//! It is built with the profile and in the target directory of this run, so that cargo has most of it already.

use std::io::{Cursor, Read, Seek};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use snapfreeze::attach::STUB;
use snapfreeze::inspect::native::{NativeNeeds, Version};

use crate::environment::pip_command;
use crate::execution::execute_within;
use crate::{Fixtures, Interpreter};

/// How long cargo may take for what it has not built yet.
const BUILD_LIMIT: Duration = Duration::from_secs(1200);

/// An environment with maturin.
///
/// # Errors
/// Why it cannot be made.
pub fn maturin(fixtures: &Fixtures, interpreter: &Interpreter) -> Result<Interpreter, String> {
    let requirements = Path::new(env!("CARGO_MANIFEST_DIR")).join("requirements/maturin.txt");
    let folder = fixtures.try_environment("maturin", &requirements, interpreter)?;
    Ok(interpreter.in_environment(&folder))
}

/// Builds the wheel into a new folder. `target` is cargo's target directory.
///
/// # Panics
/// When that fails.
pub fn wheel(maturin: &Interpreter, target: &Path, folder: &Path) -> PathBuf {
    let mut build = maturin_command(maturin, target);
    build.args(["build", "--locked", "--profile", profile(), "--out"]).arg(folder);
    // Where the C library is newer than that for which wheels are meant, the test's wheel is for this one.
    if glibc(&mut Cursor::new(STUB)) > usual_glibc() {
        build.args(["--compatibility", "linux"]);
    }
    execute_within(&mut build, BUILD_LIMIT, b"").succeeded("maturin build");
    let mut wheels: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(wheels.len(), 1, "{wheels:?}");
    wheels.remove(0)
}

/// The glibc that `pyproject.toml` says wheels are for.
///
/// # Panics
/// When it says none.
pub fn usual_glibc() -> Version {
    let text = std::fs::read_to_string(root().join("pyproject.toml")).unwrap();
    let table: toml::Table = toml::from_str(&text).unwrap();
    let tag = table["tool"]["maturin"]["compatibility"].as_str().unwrap().to_owned();
    Version::parse(&tag.strip_prefix("manylinux_").unwrap().replace('_', ".")).unwrap()
}

/// The newest version of glibc's symbols that a file asks for.
///
/// # Panics
/// When the file cannot be read.
pub fn glibc<R: Read + Seek>(file: &mut R) -> Version {
    NativeNeeds::read(file).unwrap().glibc.unwrap()
}

/// The top of this tree.
///
/// # Panics
/// Never: this crate is in a folder of it.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn profile() -> &'static str {
    if cfg!(debug_assertions) { "dev" } else { "release" }
}

/// maturin, at the top of this tree. `target` is cargo's target directory.
pub fn maturin_command(maturin: &Interpreter, target: &Path) -> Command {
    let mut command = cargo_command(&maturin.python);
    // maturin's own entry in `bin` names the place where the environment was made.
    command.args(["-m", "maturin"]).current_dir(root());
    command.env("CARGO_TARGET_DIR", target);
    command
}

/// What runs cargo: as the user would, without what cargo tells the tests that it runs.
pub fn cargo_command(program: &Path) -> Command {
    let mut command = pip_command(program);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") || text == "LD_LIBRARY_PATH"
        {
            command.env_remove(&name);
        }
    }
    command
}
