//! Where an interpreter's libpython is: the file is looked for, sysconfig is only believed about directories.
//!
//! Where the interpreter needs none, CPython is inside it.
//!
//! Debian's `python3` says that it is shared and is not; a virtual environment's interpreter is a link into
//! another place; relocated builds name the directory in which they were built.

use std::path::{Path, PathBuf};

use super::PythonFacts;
use crate::collect::native::ElfFacts;

/// The libpython of an interpreter, if there is one.
pub fn find(facts: &PythonFacts) -> Option<PathBuf> {
    let name = facts.libpython_name();
    directories(facts).into_iter().map(|directory| directory.join(&name)).find(|file| is_elf(file))
}

/// The interpreter's own file, where CPython is in that: it asks for no libpython.
pub fn carrier(facts: &PythonFacts) -> Option<PathBuf> {
    let file = facts.base_executable.canonicalize().ok()?;
    let needed = ElfFacts::read(&file).ok()?.needed;
    let is_libpython =
        |name: &String| name.rsplit('/').next().is_some_and(|name| name.starts_with("libpython"));
    (!needed.iter().any(is_libpython)).then_some(file)
}

fn directories(facts: &PythonFacts) -> Vec<PathBuf> {
    let variable = |name: &str| facts.sysconfig.get(name).filter(|value| !value.is_empty());
    let mut all = Vec::new();
    let base = facts.base_executable.canonicalize().unwrap_or_else(|_| facts.base_executable.clone());
    let prefixes = facts.prefixes.iter().map(PathBuf::as_path);
    for prefix in base.parent().and_then(Path::parent).into_iter().chain(prefixes) {
        for lib in ["lib", "lib64"] {
            all.push(prefix.join(lib));
            all.extend(variable("MULTIARCH").map(|architecture| prefix.join(lib).join(architecture)));
        }
    }
    if let Some(directory) = variable("LIBDIR") {
        all.push(directory.into());
        all.extend(variable("MULTIARCH").map(|architecture| Path::new(directory).join(architecture)));
    }
    all.extend(variable("LIBPL").map(PathBuf::from));
    all
}

/// Whether a file starts as ELF does; Debian's development package has a linker script under a similar name.
fn is_elf(file: &Path) -> bool {
    use std::io::Read;
    let mut start = [0; 4];
    std::fs::File::open(file).and_then(|mut file| file.read_exact(&mut start)).is_ok() && start == *b"\x7fELF"
}
