//! A specification as the table `[tool.snapfreeze]`, or, of several executables, as `[[tool.snapfreeze.bin]]`.
//!
//! In: the [`Specification`] and the directory of pyproject.toml, to which paths become relative. Out: the table's text, in
//! which comments say what is not carried over and why, and the same as notes.

use std::fmt::Write;
use std::path::{Component, Path, PathBuf};

use super::options::reason;
use super::spec::{Specification, SpecifiedProgram};

/// The table, and what is not in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// TOML.
    pub text: String,
    /// What is not carried over, and why.
    pub notes: Vec<String>,
    /// The names of the programs.
    pub names: Vec<String>,
}

/// Settings of an executable, and the options that do what they say.
const SETTINGS: [(&str, &str); 20] = [
    ("argv_emulation", "argv-emulation"),
    ("bootloader_ignore_signals", "bootloader-ignore-signals"),
    ("cipher", "key"),
    ("codesign_identity", "codesign-identity"),
    ("console", "windowed"),
    ("contents_directory", "contents-directory"),
    ("debug", "debug"),
    ("disable_windowed_traceback", "disable-windowed-traceback"),
    ("embed_manifest", "no-embed-manifest"),
    ("entitlements_file", "osx-entitlements-file"),
    ("hide_console", "hide-console"),
    ("icon", "icon"),
    ("manifest", "manifest"),
    ("resources", "resource"),
    ("runtime_tmpdir", "runtime-tmpdir"),
    ("splash", "splash"),
    ("target_arch", "target-architecture"),
    ("uac_admin", "uac-admin"),
    ("uac_uiaccess", "uac-uiaccess"),
    ("version", "version-file"),
];

/// Writes the table. `origin` is the name of the specification's file.
pub fn table(specification: &Specification, origin: &str, directory: &Path) -> Table {
    let heading = match specification.programs.len() {
        1 => "[tool.snapfreeze]",
        _ => "[[tool.snapfreeze.bin]]",
    };
    let (mut text, mut notes) = (String::new(), specification.notes.clone());
    for program in &specification.programs {
        let own = left_behind(program);
        let separator = if text.is_empty() { "" } else { "\n" };
        let _ = writeln!(text, "{separator}{heading}  # from {}", on_one_line(origin));
        for note in own.iter().chain(specification.notes.iter().filter(|_| separator.is_empty())) {
            let _ = writeln!(text, "# not carried over: {}", on_one_line(note));
        }
        for (key, value) in keys(program, directory) {
            let _ = writeln!(text, "{key} = {value}");
        }
        notes.extend(own.into_iter().filter(|note| !notes.contains(note)).collect::<Vec<_>>());
    }
    let names = specification.programs.iter().map(|program| program.name.clone()).collect();
    Table { text, notes, names }
}

/// What of a program is not carried over, and why.
fn left_behind(program: &SpecifiedProgram) -> Vec<String> {
    let mut notes = Vec::new();
    for (name, value) in &program.settings {
        let why = match SETTINGS.iter().find(|(setting, _)| setting == name) {
            Some((_, option)) => reason(option, value),
            None if name == "noarchive" => reason("debug", "noarchive"),
            None => Some("it has no counterpart".to_owned()),
        };
        notes.extend(why.map(|why| format!("{name} = {value}: {why}")));
    }
    for option in &program.options {
        notes.extend(reason("python-option", option).map(|why| format!("the option {option}: {why}")));
    }
    let outside = program.datas.iter().chain(&program.binaries).filter(|(_, to)| !is_inside(to));
    notes.extend(outside.map(|(from, to)| {
        format!("{} in {to}: the directory is not below the program's root", from.display())
    }));
    if program.script.is_none() {
        notes.push("the program has no script: entry is to be written by hand".to_owned());
    }
    notes.extend(program.notes.iter().cloned());
    notes
}

fn is_inside(destination: &str) -> bool {
    let path = Path::new(destination);
    !destination.contains(':')
        && path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}

/// The keys of a program, in the order in which people look for them.
fn keys(program: &SpecifiedProgram, directory: &Path) -> Vec<(String, String)> {
    let mut keys = vec![("name".to_owned(), quoted(&program.name))];
    let mut add = |key: &str, value: String| keys.push((key.to_owned(), value));
    let path = |path: &PathBuf| relative(path, directory);
    if let Some(script) = &program.script {
        add("entry", quoted(&path(script)));
    }
    if program.onedir {
        add("onedir", "true".into());
    }
    if program.optimize > 0 {
        add("optimize", program.optimize.to_string());
    }
    if program.with_source {
        add("include-source", "true".into());
    }
    let placed = |files: &[(PathBuf, String)]| -> Vec<String> {
        let files = files.iter().filter(|(_, to)| is_inside(to));
        files.map(|(from, to)| format!("{}:{to}", path(from))).collect()
    };
    let wished = |option: &str| -> Vec<String> {
        let wishes = program.wishes.iter().filter(|(wished, _)| wished == option);
        wishes.map(|(_, package)| package.clone()).collect()
    };
    let lists = [
        ("paths", program.paths.iter().map(path).collect()),
        ("hidden-import", program.hidden_imports.clone()),
        ("exclude-module", program.excluded.clone()),
        ("collect-all", wished("collect-all")),
        ("collect-submodules", wished("collect-submodules")),
        ("collect-data", wished("collect-data")),
        ("collect-binaries", wished("collect-binaries")),
        ("copy-metadata", wished("copy-metadata")),
        ("recursive-copy-metadata", wished("recursive-copy-metadata")),
        ("add-data", placed(&program.datas)),
        ("add-binary", placed(&program.binaries)),
        ("runtime-hook", program.runtime_hooks.iter().map(path).collect()),
        ("additional-hooks-dir", program.hook_directories.iter().map(path).collect()),
    ];
    for (key, values) in lists {
        match values.as_slice() {
            [] => {}
            [one] => add(key, format!("[{}]", quoted(one))),
            several => {
                let lines: String = several.iter().map(|value| format!("    {},\n", quoted(value))).collect();
                add(key, format!("[\n{lines}]"));
            }
        }
    }
    keys
}

/// A path relative to a directory; both are absolute.
fn relative(path: &Path, directory: &Path) -> String {
    let common =
        path.components().zip(directory.components()).take_while(|(one, other)| one == other).count();
    // Only the root in common: another part of the file system, which is better named as it is.
    if common <= 1 {
        return path.to_string_lossy().into_owned();
    }
    let up = directory.components().skip(common).map(|_| Component::ParentDir);
    let result: PathBuf = up.chain(path.components().skip(common)).collect();
    if result.as_os_str().is_empty() { ".".into() } else { result.to_string_lossy().into_owned() }
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            _ if character.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(character));
            }
            _ => quoted.push(character),
        }
    }
    quoted + "\""
}

/// Text of which nothing leaves a comment.
fn on_one_line(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program() -> SpecifiedProgram {
        SpecifiedProgram {
            name: "tool".into(),
            script: Some("/project/src/app.py".into()),
            onedir: true,
            hidden_imports: vec!["a".into(), "b".into()],
            datas: vec![("/project/assets".into(), "assets".into()), ("/x".into(), "../y".into())],
            wishes: vec![("collect-data".into(), "certifi".into())],
            settings: vec![("icon".into(), "x.ico".into()), ("console".into(), "False".into())],
            options: vec!["u".into()],
            ..SpecifiedProgram::default()
        }
    }

    #[test]
    fn one_program_is_the_table_itself() {
        let specification = Specification { programs: vec![program()], notes: vec!["MERGE: x\ny".into()] };
        let table = table(&specification, "app.spec", Path::new("/project"));
        let lines: Vec<&str> = table.text.lines().filter(|line| !line.starts_with('#')).collect();
        let expected = [
            "[tool.snapfreeze]  # from app.spec",
            "name = \"tool\"",
            "entry = \"src/app.py\"",
            "onedir = true",
            "hidden-import = [",
            "    \"a\",",
            "    \"b\",",
            "]",
            "collect-data = [\"certifi\"]",
            "add-data = [\"assets:assets\"]",
        ];
        assert_eq!(lines, expected);
        let notes = table.notes.join("\n");
        for word in ["icon = x.ico: ", "console = False: ", "the option u: ", "/x in ../y: ", "MERGE: x"] {
            assert!(notes.contains(word), "{word}: {notes}");
        }
        toml::de::DeTable::parse(&table.text).unwrap();
    }

    #[test]
    fn several_programs_are_an_array() {
        let other = SpecifiedProgram { name: "é \"x\"\u{7f}".into(), ..SpecifiedProgram::default() };
        let specification = Specification { programs: vec![program(), other], notes: Vec::new() };
        let table = table(&specification, "a\nb.spec", Path::new("/elsewhere"));
        assert_eq!(table.text.matches("[[tool.snapfreeze.bin]]").count(), 2);
        assert!(table.text.contains("name = \"é \\\"x\\\"\\u007F\""), "{}", table.text);
        assert!(table.text.contains("entry = \"/project/src/app.py\""), "{}", table.text);
        toml::de::DeTable::parse(&table.text).unwrap();
    }

    #[test]
    fn paths_are_relative_where_they_have_anything_in_common() {
        assert_eq!(relative(Path::new("/a/b/c"), Path::new("/a/b")), "c");
        assert_eq!(relative(Path::new("/a/x"), Path::new("/a/b")), "../x");
        assert_eq!(relative(Path::new("/a/b"), Path::new("/a/b")), ".");
        assert_eq!(relative(Path::new("/x"), Path::new("/a/b")), "/x");
    }

    #[test]
    fn every_setting_has_an_option() {
        for (setting, option) in SETTINGS {
            assert!(
                super::super::options::OPTIONS.iter().any(|known| known.names.contains(&option)),
                "{setting}"
            );
        }
    }
}
