//! Builds the stub that the packager carries.
//!
//! The stub is a crate of the same workspace with a profile of its own, so it takes a second run of cargo, in a
//! target directory beside this one's (cargo locks a target directory while it builds). The directory is shared by
//! all profiles of the packager: the stub is the same in each.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() -> Result<(), Box<dyn Error>> {
    let variable = |name: &str| std::env::var_os(name).ok_or_else(|| format!("cargo sets no {name}"));
    let out = PathBuf::from(variable("OUT_DIR")?);
    let workspace = PathBuf::from(variable("CARGO_MANIFEST_DIR")?).join("..");
    for watched in
        ["stub/src", "stub/build.rs", "stub/Cargo.toml", "runtime/src", "runtime/Cargo.toml", "Cargo.toml"]
    {
        println!("cargo:rerun-if-changed={}", workspace.join(watched).display());
    }

    let target_directory = shared_directory(&out).join("stub-build");
    let mut cargo = Command::new(variable("CARGO")?);
    cargo
        .args(["build", "--quiet", "--profile", "stub", "--package", "snapfreeze-stub", "--manifest-path"])
        .arg(workspace.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&target_directory);
    // What this build was started with is not for the stub: coverage or sanitizer flags, clippy's wrapper.
    for name in ["RUSTFLAGS", "RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER", "CARGO_BUILD_TARGET"] {
        cargo.env_remove(name);
    }
    cargo.env("CARGO_ENCODED_RUSTFLAGS", path_remapping(&workspace).join("\x1f"));
    let status = cargo.status()?;
    if !status.success() {
        return Err(format!("building the stub failed: {status}").into());
    }
    std::fs::copy(target_directory.join("stub/libsnapfreeze_stub.so"), out.join("stub"))?;
    Ok(())
}

/// Keeps the paths of this machine out of the stub's panic messages.
fn path_remapping(workspace: &Path) -> Vec<String> {
    let home = std::env::var_os("HOME").map(|home| Path::new(&home).join(".cargo"));
    let cargo_home = std::env::var_os("CARGO_HOME").map(PathBuf::from).or(home);
    let mut flags = Vec::new();
    for (path, name) in [(cargo_home, "/cargo"), (workspace.canonicalize().ok(), "/snapfreeze")] {
        flags.extend(path.map(|path| format!("--remap-path-prefix={}={name}", path.display())));
    }
    flags
}

/// The target directory above `OUT_DIR` (`…/target/PROFILE/build/PACKAGE/out`), else `OUT_DIR` itself.
fn shared_directory(out: &Path) -> &Path {
    out.ancestors()
        .find(|directory| directory.file_name().is_some_and(|name| name == "build"))
        .and_then(|build| build.parent()?.parent())
        .unwrap_or(out)
}
