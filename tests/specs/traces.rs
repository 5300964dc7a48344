//! What differs between a frozen program and `python` though both do the same: paths, and source lines in tracebacks.

use std::path::Path;

use snapfreeze_tests::{Fixtures, Interpreter, Outcome};

/// The names of the functions without arguments that a program of `specs/` defines: its cases.
pub fn cases(fixtures: &Fixtures, program: &str) -> Vec<String> {
    let source = std::fs::read_to_string(fixtures.spec(program)).unwrap();
    let name = |line: &str| Some(line.strip_prefix("def ")?.strip_suffix("():")?.to_owned());
    source.lines().filter_map(name).filter(|name| name != "main" && !name.ends_with("_by_name")).collect()
}

/// An outcome of `python` with a program of `specs/`, made comparable.
pub fn of_python(outcome: Outcome, fixtures: &Fixtures, program: &str, python: &Interpreter) -> Outcome {
    let folder = fixtures.spec(program);
    let folder = folder.parent().unwrap_or(Path::new("/"));
    comparable(outcome, &[(&python.stdlib, "ROOT"), (folder, "ROOT"), (&python.python, "PROGRAM")])
}

/// An outcome of the frozen program, made comparable.
pub fn of_frozen(outcome: Outcome, executable: &Path) -> Outcome {
    comparable(outcome, &[(&executable.join("_internal"), "ROOT"), (executable, "PROGRAM")])
}

fn comparable(outcome: Outcome, names: &[(&Path, &str)]) -> Outcome {
    let text = |bytes: &[u8]| {
        let mut text = String::from_utf8_lossy(bytes).into_owned();
        for (path, name) in names {
            text = text.replace(&*path.to_string_lossy(), name);
        }
        without_addresses(&without_source_lines(&text.replace("ROOT/lib-dynload", "ROOT"))).into_bytes()
    };
    Outcome { stdout: text(&outcome.stdout), stderr: text(&outcome.stderr), ..outcome }
}

/// A traceback without the source lines and carets of files. What an error says itself, as of code from a string,
/// stays.
fn without_source_lines(text: &str) -> String {
    let mut indentation = None; // of source lines that may come now
    let mut lines = Vec::new();
    for line in text.split('\n') {
        let plain = without_colours(line);
        // Tracebacks of an exception group have a bar before them (PEP 654).
        let in_group = plain.trim_start_matches([' ', '|']);
        let bare =
            plain.strip_suffix(in_group).map_or("", |start| start.rsplit('|').next().unwrap_or_default());
        if indentation.is_some_and(|indentation: usize| bare.len() >= indentation)
            && !in_group.starts_with("File ")
        {
            continue;
        }
        let file = in_group.trim_start_matches(['+', '-', ' ']);
        indentation = if file.starts_with("File \"ROOT/") && file.contains(", line ") {
            Some(4)
        } else if line.starts_with("ROOT/") && line.contains("Warning: ") {
            Some(2)
        } else {
            None
        };
        // The frame below `__main__` is a C function's, one more than under `python`; up to 3.11 it counts.
        let repeated = "  [Previous line repeated ";
        lines.push(if line.starts_with(repeated) { repeated } else { line });
    }
    lines.join("\n")
}

/// From 3.13 on a traceback on a terminal is coloured (ECMA-48, SGR).
fn without_colours(line: &str) -> String {
    let mut parts = line.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |line, part| line + part.split_once('m').map_or(part, |(_, rest)| rest))
}

fn without_addresses(text: &str) -> String {
    let mut parts = text.split("0x");
    let mut all = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        all.push_str("0x…");
        all.push_str(part.trim_start_matches(|digit: char| digit.is_ascii_hexdigit()));
    }
    all
}
