//! What the program's project declares that it requires.
//!
//! In: the program. Out: requirements. A script that declares its own (PEP 723) is its own project, as it is for those
//! who run such scripts. Otherwise all of these count that are in the project's directory, the nearest at or above the
//! program's that has one of them: [`pyproject`], [`setup_cfg`], [`requirements_txt`], [`locks`]. What serves development
//! only (groups, extras that nobody asks for) does not count. What cannot be read declares nothing.

mod inline;
mod locks;
mod pyproject;
mod requirements_txt;
mod setup_cfg;

use std::path::{Path, PathBuf};

use crate::entry::Entry;
use crate::graph::requirements::Requirement;

/// The files that make a directory a project's, and what reads them.
const FILES: [(&str, Reader); 9] = [
    ("pyproject.toml", pyproject::of_file),
    ("setup.cfg", setup_cfg::of_file),
    ("requirements.txt", requirements_txt::of_file),
    ("uv.lock", locks::uv),
    ("poetry.lock", locks::poetry),
    ("pdm.lock", locks::poetry),
    ("pylock.toml", locks::pylock),
    ("Pipfile.lock", locks::pipfile_lock),
    ("Pipfile", locks::pipfile),
];

/// Reads a file's requirements.
type Reader = fn(&Path) -> Option<Vec<Requirement>>;

/// What else marks a project's topmost directory: nothing above it is looked at.
const TOP: [&str; 3] = [".git", ".hg", "setup.py"];

/// The requirements that the project of a program declares.
pub fn declared(entry: &Entry) -> Vec<Requirement> {
    if let Entry::Script(path) = entry
        && let Some(own) = std::fs::read(path).ok().and_then(|text| inline::of_script(&text))
    {
        return own;
    }
    let start = match entry {
        Entry::Script(path) => path.parent().map(Path::to_owned).unwrap_or_default(),
        Entry::Directory(path) | Entry::Package(path) => path.clone(),
        Entry::Module { .. } | Entry::Function { .. } => entry.search_directory(),
    };
    let home = std::env::var_os("HOME").map(PathBuf::from);
    project_directory(&start, home.as_deref()).map(|directory| declared_in(&directory)).unwrap_or_default()
}

/// The project's directory, for a program in `start`.
fn project_directory(start: &Path, home: Option<&Path>) -> Option<PathBuf> {
    for directory in start.ancestors() {
        let is_shared = directory.parent().is_none() || Some(directory) == home;
        if is_shared && directory != start {
            return None;
        }
        if FILES.iter().any(|(name, _)| directory.join(name).is_file()) {
            return Some(directory.to_owned());
        }
        if TOP.iter().any(|name| directory.join(name).exists()) {
            return None;
        }
    }
    None
}

fn declared_in(directory: &Path) -> Vec<Requirement> {
    FILES.iter().filter_map(|(name, read)| read(&directory.join(name))).flatten().collect()
}

/// A TOML file as a table; nothing if it is none.
fn table(path: &Path) -> Option<toml::Table> {
    toml::from_str(&std::fs::read_to_string(path).ok()?).ok()
}

/// The requirements in an array of strings.
fn in_array(value: Option<&toml::Value>) -> Vec<Requirement> {
    let texts = value.and_then(toml::Value::as_array).into_iter().flatten().filter_map(toml::Value::as_str);
    texts.filter_map(Requirement::parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::build::tests::tree;

    pub fn names(requirements: &[Requirement]) -> Vec<String> {
        let mut names: Vec<String> = requirements
            .iter()
            .map(|requirement| match requirement.extras.as_slice() {
                [] => requirement.name.clone(),
                extras => format!("{}[{}]", requirement.name, extras.join(",")),
            })
            .collect();
        names.sort();
        names
    }

    fn script(folder: &tempfile::TempDir, file: &str) -> Vec<String> {
        names(&declared(&Entry::Script(folder.path().join(file))))
    }

    #[test]
    fn the_nearest_directory_with_declarations_is_the_projects() {
        let folder = tree(&[
            ("requirements.txt", "far\n"),
            ("project/.git/HEAD", ""),
            ("project/requirements.txt", "near\n"),
            ("project/src/app/main.py", ""),
            ("project/service/Pipfile", "[packages]\nnearer = \"*\"\n[dev-packages]\ndev = \"*\"\n"),
            ("project/service/main.py", ""),
            ("bare/.git/HEAD", ""),
            ("bare/main.py", ""),
        ]);
        assert_eq!(script(&folder, "project/src/app/main.py"), ["near"]);
        assert_eq!(script(&folder, "project/service/main.py"), ["nearer"]);
        assert!(script(&folder, "bare/main.py").is_empty());
        let at_home = project_directory(&folder.path().join("bare/x"), Some(folder.path()));
        assert_eq!(at_home, None);
        let entry = Entry::Directory(folder.path().join("project/src/app"));
        assert_eq!(names(&declared(&entry)), ["near"]);
    }

    #[test]
    fn all_declarations_of_a_directory_count_and_a_script_may_have_its_own() {
        let folder = tree(&[
            ("pyproject.toml", "[project]\nname = 'x'\ndependencies = ['one', 'two[a]>1']\n"),
            ("requirements.txt", "three==1\n"),
            (
                "setup.cfg",
                "[options]\ninstall_requires =\n    four\n    five; python_version > '3'\n[other]\n    six\n",
            ),
            ("main.py", "import one\n"),
            ("own.py", "# /// script\n# requires-python = '>=3.9'\n# dependencies = ['seven']\n# ///\n"),
        ]);
        assert_eq!(script(&folder, "main.py"), ["five", "four", "one", "three", "two[a]"]);
        assert_eq!(script(&folder, "own.py"), ["seven"]);
    }

    #[test]
    fn what_cannot_be_read_declares_nothing() {
        let folder = tree(&[("pyproject.toml", "[project\n"), ("Pipfile.lock", "{"), ("main.py", "")]);
        std::fs::create_dir(folder.path().join("requirements.txt")).unwrap();
        std::fs::write(folder.path().join("uv.lock"), b"\xff").unwrap();
        assert!(script(&folder, "main.py").is_empty());
    }
}
