//! `init`: the table `[tool.snapfreeze]` for a project, from what is found there.
//!
//! In: a directory. Out: the text of its pyproject.toml with the table after all that was there, to the byte. Nothing is
//! guessed that could be wrong: what is not known for sure is a comment.

use std::io;
use std::path::{Path, PathBuf};

use crate::config::{ConfigError, Configuration, find, line_of_table};
use crate::draft;
use crate::shown::plain;

/// Names of scripts that are a project's program more often than not, the likeliest first.
const USUAL_SCRIPTS: [&str; 6] = ["main.py", "app.py", "cli.py", "run.py", "manage.py", "server.py"];

/// Names of directories that programs read files from.
const USUAL_DATA: [&str; 6] = ["assets", "data", "resources", "static", "templates", "themes"];

/// Most files of a directory that are looked at.
const MOST_ENTRIES: usize = 10_000;

/// Why there is no table.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// Not a directory.
    #[error("there is no directory {}", .0.display())]
    NoDirectory(PathBuf),
    /// The table is there.
    #[error("{path}:{line}: there is a table [tool.snapfreeze] already", path = path.display())]
    IsThere {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// A table cannot follow, for `tool` is an inline table.
    #[error("{path}: no table [tool.snapfreeze] can follow: {source}", path = path.display())]
    NoRoom {
        /// The file.
        path: PathBuf,
        /// What TOML says of it.
        source: Box<ConfigError>,
    },
    /// The file cannot be read, or is no TOML.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The file cannot be written.
    #[error("cannot write {path}: {source}", path = path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl InitError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::IsThere { .. } => {
                "change it by hand, or take it out and call this again; `snapfreeze build --dry-run` says what it makes"
            }
            Self::NoRoom { .. } => "write `tool` as tables, [tool.NAME], and call this again",
            Self::Config(error) => return error.hint(),
            Self::NoDirectory(_) | Self::Write { .. } => return None,
        };
        Some(text.to_owned())
    }
}

/// A table that can be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The file.
    pub path: PathBuf,
    /// Whether it is there already.
    pub is_there: bool,
    /// The table with its comments.
    pub table: String,
    /// What the build of the project will make, as far as it is known: names of programs.
    pub programs: Vec<String>,
    /// All of the file.
    text: String,
}

/// What a project has.
#[derive(Debug, Default)]
struct Found {
    /// The scripts of its metadata.
    scripts: Vec<String>,
    /// What may be its program, the likeliest first.
    entries: Vec<String>,
    /// Directories that may be read by the program.
    data: Vec<String>,
    /// The version of the interpreter in `.venv`.
    environment: Option<String>,
}

/// The table for the project of a directory: in its pyproject.toml, in that of a directory above in the same repository, or
/// in a new one. `command` has all options.
///
/// # Errors
/// When the file has such a table, cannot be read or is no TOML.
pub fn propose(directory: &Path, command: &clap::Command) -> Result<Proposal, InitError> {
    let absolute = std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned());
    if !absolute.is_dir() {
        return Err(InitError::NoDirectory(directory.to_owned()));
    }
    let existing = find(&absolute);
    let (path, old, scripts) = match existing {
        None => (absolute.join("pyproject.toml"), None, Vec::new()),
        Some(path) => {
            let read = std::fs::read_to_string(&path);
            let text = read.map_err(|source| ConfigError::Read { path: path.clone(), source })?;
            if let Some(line) = line_of_table(&path, &text)? {
                return Err(InitError::IsThere { path, line });
            }
            let configuration = Configuration::read(&path, command)?;
            let programs = configuration.all_programs()?;
            let scripts = programs.iter().map(|program| program.name.clone()).collect();
            (path, Some(text), scripts)
        }
    };
    let found = Found { scripts, ..look(path.parent().unwrap_or(&absolute)) };
    let table = found.table();
    let (is_there, text) = (old.is_some(), with_table(old.as_deref().unwrap_or_default(), &table));
    match line_of_table(&path, &text) {
        Ok(Some(_)) => {}
        Ok(None) => return Err(InitError::NoDirectory(path)),
        Err(source) => return Err(InitError::NoRoom { path, source: Box::new(source) }),
    }
    Ok(Proposal { programs: found.programs(), path, is_there, table, text })
}

impl Proposal {
    /// Writes the file: whole or not at all. A symbolic link stays one.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self) -> Result<(), InitError> {
        let write = || -> io::Result<()> {
            let place = if self.is_there { self.path.canonicalize()? } else { self.path.clone() };
            let permissions = if self.is_there { Some(place.metadata()?.permissions()) } else { None };
            let draft = draft::beside(&place, self.text.as_bytes(), permissions)?;
            if self.is_there {
                draft.persist(&place)?;
            } else {
                // Somebody may have made one meanwhile.
                draft.persist_noclobber(&place)?;
            }
            Ok(())
        };
        write().map_err(|source| InitError::Write { path: self.path.clone(), source: plain(source) })
    }
}

/// A text with a table after it, an empty line between, its lines ended as those before.
fn with_table(text: &str, table: &str) -> String {
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut all = text.to_owned();
    if !all.is_empty() {
        if !all.ends_with('\n') {
            all.push_str(end);
        }
        if !all.ends_with(&format!("{end}{end}")) {
            all.push_str(end);
        }
    }
    all.push_str(&table.replace('\n', end));
    all
}

/// Looks at a project's directory, and at `src` in it.
fn look(root: &Path) -> Found {
    let mut found = Found { environment: environment(root), ..Found::default() };
    for place in ["", "src/"] {
        let directory = root.join(place);
        let named = USUAL_SCRIPTS.iter().filter(|name| directory.join(name).is_file());
        found.entries.extend(named.map(|name| format!("{place}{name}")));
        let entries = names(&directory);
        let packages = entries.iter().filter(|name| directory.join(name).join("__main__.py").is_file());
        found
            .entries
            .extend(packages.filter(|name| !name.starts_with('.')).map(|name| format!("{place}{name}")));
        let data = entries.iter().filter(|name| USUAL_DATA.contains(&name.as_str()));
        let data = data.filter(|name| directory.join(name).is_dir());
        found.data.extend(data.map(|name| format!("{place}{name}:{name}")));
    }
    if root.join("__main__.py").is_file() {
        found.entries.insert(0, ".".to_owned());
    }
    if found.entries.is_empty() {
        let is_tool = |name: &str| {
            matches!(name, "setup.py" | "conftest.py" | "noxfile.py" | "tasks.py" | "__init__.py")
                || name.starts_with("test_")
        };
        let scripts = names(root).into_iter().filter(|name| name.ends_with(".py") && !is_tool(name));
        found.entries = scripts.filter(|name| root.join(name).is_file()).collect();
    }
    found
}

/// Names in a directory, sorted. Those that are no UTF-8 cannot be written in TOML.
fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten().take(MOST_ENTRIES);
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

/// The version in `.venv/pyvenv.cfg`, which `venv` calls `version`, and virtualenv and uv `version_info`.
fn environment(root: &Path) -> Option<String> {
    let text = std::fs::read_to_string(root.join(".venv/pyvenv.cfg")).ok()?;
    let mut settings = text.lines().filter_map(|line| line.split_once('='));
    let (_, version) = settings.find(|(key, _)| matches!(key.trim(), "version" | "version_info"))?;
    let is_version = |text: &&str| {
        !text.is_empty() && text.len() < 40 && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '.')
    };
    Some(version.trim()).filter(is_version).map(str::to_owned)
}

impl Found {
    /// The program, where there is no doubt which one it is.
    fn entry(&self) -> Option<&str> {
        match self.entries.as_slice() {
            [only] if self.scripts.is_empty() => Some(only),
            _ => None,
        }
    }

    fn programs(&self) -> Vec<String> {
        let stem = |entry: &str| Path::new(entry).file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let entry = self.entry().and_then(stem);
        self.scripts.iter().cloned().chain(entry).collect()
    }

    fn table(&self) -> String {
        let mut text = String::from(
            "[tool.snapfreeze]\n\
             # Options of `snapfreeze build`, `run` and `why`: the names that `snapfreeze build --help` lists, without dashes.\n\
             # `snapfreeze build --dry-run` says what will be in the executables.\n",
        );
        let mut say = |lines: &[&str]| {
            text.push('\n');
            for line in lines {
                text.push_str(line);
                text.push('\n');
            }
        };
        match (self.scripts.as_slice(), self.entry(), self.entries.as_slice()) {
            ([_, ..], ..) => {
                let names = comment(&self.scripts.join(", "));
                let builds =
                    format!("# `snapfreeze build` builds the scripts of [project.scripts]: {names}.");
                let of_one =
                    "# Where one of them has options of its own, each has a table, at the end of these keys:";
                let tables = self.scripts.iter().flat_map(|script| {
                    ["# [[tool.snapfreeze.bin]]".to_owned(), format!("# name = {}", string(script))]
                });
                let lines: Vec<String> = [builds, of_one.to_owned()].into_iter().chain(tables).collect();
                say(&lines.iter().map(String::as_str).collect::<Vec<_>>());
            }
            ([], Some(entry), _) => {
                say(&[
                    "# The program: a script, a directory with __main__.py, or \"module:function\".",
                    &format!("entry = {}", string(entry)),
                ]);
            }
            ([], None, [first, ..]) => say(&[
                "# The program: a script, a directory with __main__.py, or \"module:function\". There are several here:",
                &format!("# {}.", comment(&self.entries.join(", "))),
                &format!("# entry = {}", string(first)),
            ]),
            ([], None, []) => say(&[
                "# The program: a script, a directory with __main__.py, or \"module:function\".",
                "# entry = \"app.py\"",
            ]),
        }
        let without = match &self.environment {
            Some(version) => format!("# The interpreter; without this line that of .venv, {version}."),
            None => "# The interpreter; without this line that of .venv, if there is one, or `python3`."
                .to_owned(),
        };
        say(&[&without, "# python = \"3.12\""]);
        let data: Vec<String> = self.data.iter().map(|data| string(data)).collect();
        let data = if data.is_empty() { "\"assets:assets\"".to_owned() } else { data.join(", ") };
        say(&[
            "# Files beside the program, SRC:DEST; what lies in packages comes along by itself.",
            &format!("# add-data = [{data}]"),
        ]);
        say(&[
            "# Modules that no import shows, and such that are not wanted.",
            "# hidden-import = [\"package.plugin\"]",
            "# exclude-module = [\"tkinter\"]",
        ]);
        text
    }
}

/// A TOML string. What JSON escapes TOML does, too; what is left over is found when the text is read again.
fn string(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

/// Text for a comment, which ends with its line.
fn comment(text: &str) -> String {
    text.replace(char::is_control, " ")
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::cli::configured::building;
    use crate::graph::build::tests::tree;

    fn proposed(files: &[(&str, &str)]) -> (tempfile::TempDir, Proposal) {
        let folder = tree(files);
        std::fs::create_dir_all(folder.path().join(".git")).unwrap();
        let proposal = propose(folder.path(), &building()).unwrap();
        (folder, proposal)
    }

    fn has(proposal: &Proposal, line: &str) -> bool {
        proposal.table.lines().any(|known| known == line)
    }

    #[test]
    fn the_table_follows_from_what_is_there() {
        let scripts = "[project]\nname = 'x'\n[project.scripts]\nserve = 'x:main'\nadmin = 'x:admin'\n";
        let (_folder, of_scripts) = proposed(&[("pyproject.toml", scripts), ("main.py", "")]);
        assert_eq!(of_scripts.programs, ["admin", "serve"]);
        assert!(
            !of_scripts.table.contains("\nentry") && has(&of_scripts, "# name = \"admin\""),
            "{of_scripts:?}"
        );

        let files = [
            ("src/main.py", ""),
            ("src/templates/a.html", ""),
            (".venv/pyvenv.cfg", "home = /x\nversion = 3.11.7\n"),
        ];
        let (folder, of_script) = proposed(&files);
        assert!(has(&of_script, "entry = \"src/main.py\""), "{of_script:?}");
        assert!(has(&of_script, "# add-data = [\"src/templates:templates\"]"), "{of_script:?}");
        assert!(of_script.table.contains("that of .venv, 3.11.7."), "{of_script:?}");
        of_script.write().unwrap();
        let read = Configuration::read(&folder.path().join("pyproject.toml"), &building()).unwrap();
        assert_eq!(read.programs[0].name, "main");

        let (_folder, several) = proposed(&[("main.py", ""), ("tool/__main__.py", "")]);
        assert!(has(&several, "# entry = \"main.py\"") && several.programs.is_empty(), "{several:?}");
        let (_folder, odd) = proposed(&[("a \"b\" ü.py", ""), ("test_x.py", "")]);
        assert!(has(&odd, "entry = \"a \\\"b\\\" ü.py\""), "{odd:?}");
        let (_folder, nothing) = proposed(&[("note.txt", "")]);
        assert!(has(&nothing, "# entry = \"app.py\"") && nothing.programs.is_empty());
    }

    #[test]
    fn what_was_there_stays_to_the_byte() {
        for old in [
            "# note\n[project]\nname = 'x' # odd\n",
            "[project]\r\nname='x'\r\n\r\n",
            "[tool.other]\nx=1",
            "\n",
        ] {
            let (folder, proposal) = proposed(&[("real/pyproject.toml", old)]);
            let (real, link) =
                (folder.path().join("real/pyproject.toml"), folder.path().join("pyproject.toml"));
            drop(proposal);
            std::fs::set_permissions(&real, Permissions::from_mode(0o640)).unwrap();
            let _ = std::fs::remove_file(&link);
            std::os::unix::fs::symlink("real/pyproject.toml", &link).unwrap();
            propose(folder.path(), &building()).unwrap().write().unwrap();
            let new = std::fs::read_to_string(&real).unwrap();
            assert!(new.starts_with(old), "{new:?}");
            assert_eq!(new.matches('\n').count() == new.matches("\r\n").count(), old.contains('\r'));
            assert!(link.is_symlink());
            assert_eq!(real.metadata().unwrap().permissions().mode() & 0o777, 0o640);
            let again = propose(folder.path(), &building()).unwrap_err();
            assert!(matches!(again, InitError::IsThere { .. }), "{again:?}");
        }
    }

    #[test]
    fn what_cannot_be_added_to_is_refused() {
        let refused = |text: &str| {
            let folder = tree(&[("pyproject.toml", text)]);
            propose(folder.path(), &building()).unwrap_err()
        };
        assert!(matches!(refused("[tool.snapfreeze]\n"), InitError::IsThere { line: 1, .. }));
        assert!(matches!(refused("\n[[tool.snapfreeze.bin]]\nname='x'\n"), InitError::IsThere { .. }));
        assert!(matches!(refused("tool = { x = 1 }\n"), InitError::NoRoom { .. }));
        assert!(matches!(refused("x = \n"), InitError::Config(_)));
        assert!(matches!(refused("[project]\nscripts = 1\n"), InitError::Config(_)));
        let folder = tree(&[]);
        let missing = propose(&folder.path().join("x"), &building()).unwrap_err();
        assert!(matches!(missing, InitError::NoDirectory(_)));
    }
}
