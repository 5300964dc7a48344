//! A package of very many modules, for a program that imports none of them.

use std::path::Path;

/// Modules in the package, those that make directories packages not counted.
pub const MANY: usize = 20_000;

/// The option by which they all go into an executable, besides `--paths FOLDER`.
pub const OPTION: &str = "--collect-submodules=many";

/// Writes the package `many` below a folder: a hundred packages, `many.part00` to `many.part99`, with modules
/// `module000`, … in each.
///
/// # Panics
/// When that cannot be done.
pub fn write(folder: &Path) {
    let write = |path: &Path, text: &str| {
        std::fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    };
    let many = folder.join("many");
    std::fs::create_dir_all(&many).unwrap();
    write(&many.join("__init__.py"), "");
    for part in 0..100 {
        let place = many.join(format!("part{part:02}"));
        std::fs::create_dir(&place).unwrap();
        write(&place.join("__init__.py"), "");
        for module in 0..MANY / 100 {
            let number = part * (MANY / 100) + module;
            write(&place.join(format!("module{module:03}.py")), &format!("NUMBER = {number}\n"));
        }
    }
}
