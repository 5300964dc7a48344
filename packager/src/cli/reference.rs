//! The reference: pages of docs/guide that are written from the definition of the command line, so that they are never
//! wrong. A test compares them with what is written now; `SNAPFREEZE_RENEW_REFERENCE=1` makes it write them.

use std::fmt::Write;
use std::path::Path;

use clap::{Arg, ArgAction, Command, CommandFactory};

use super::{AFTER_HELP, Cli};
use crate::config::options;

/// The first line of both pages.
const NOTICE: &str = "<!-- Written from the source: SNAPFREEZE_RENEW_REFERENCE=1 cargo test --release -p snapfreeze reference -->\n\n";

/// Variables that the command reads, and what they are for.
const VARIABLES: [(&str, &str); 12] = [
    ("`SNAPFREEZE_CACHE_DIR`", "the build cache; empty: no cache"),
    ("`XDG_CACHE_HOME`", "otherwise the cache is `snapfreeze` in it, else `~/.cache/snapfreeze`"),
    ("`VIRTUAL_ENV`", "the virtual environment whose interpreter is tried first"),
    ("`PATH`", "where `python3` and its like are looked for"),
    ("`PYENV_ROOT`", "where pyenv has interpreters; otherwise `~/.pyenv`"),
    (
        "`UV_PYTHON_INSTALL_DIR`, `XDG_DATA_HOME`",
        "where uv has interpreters; otherwise `~/.local/share/uv/python`",
    ),
    ("`PYTHONPATH`", "where modules are looked for, as `python` would"),
    ("`LD_LIBRARY_PATH`", "where libraries are looked for, as the dynamic linker would"),
    (
        "`SOURCE_DATE_EPOCH`",
        "the latest time that a data file of the project has in an executable, in seconds since 1970",
    ),
    ("`TMPDIR`", "where temporary files are made; otherwise `/tmp`"),
    ("`NO_COLOR`, `CLICOLOR`, `CLICOLOR_FORCE`, `TERM`", "whether there are colours, with `--color auto`"),
    ("`COLUMNS`", "how wide helps are"),
];

/// Keys with an example of their value, in TOML, where the one of their type says little.
const EXAMPLES: [(&str, &str); 22] = [
    ("add-binary", "[\"vendor/libfoo.so:.\"]"),
    ("add-data", "[\"assets:assets\", \"config/*.toml:config\"]"),
    ("additional-hooks-dir", "[\"hooks\"]"),
    ("collect-all", "[\"pygments\"]"),
    ("collect-binaries", "[\"llvmlite\"]"),
    ("collect-data", "[\"certifi\"]"),
    ("collect-submodules", "[\"myapp.plugins\"]"),
    ("compress", "\"small\""),
    ("copy-metadata", "[\"requests\"]"),
    ("exclude-module", "[\"tkinter\"]"),
    ("follow-optional", "[\"pillow\"]"),
    ("hidden-import", "[\"myapp.plugins.csv\"]"),
    ("interpreter", "\"env\""),
    ("materialize", "[\"python_discovery\"]"),
    ("optimize", "1"),
    ("output", "\"bin/myapp\""),
    ("output-dir", "\"bin\""),
    ("paths", "[\"src\", \"vendor\"]"),
    ("python", "\"3.12\""),
    ("recursive-copy-metadata", "[\"requests\"]"),
    ("runtime-hook", "[\"hooks/early.py\"]"),
    ("trace", "[\"-- --help\"]"),
];

/// All commands with their arguments and options, exit codes and variables.
fn command_line() -> String {
    let mut command = Cli::command();
    command.build();
    let mut page = format!("{NOTICE}# Commands and options\n");
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let _ = write!(page, "\n{about}\n\n## All commands\n");
    page.push_str(&options_table(command.get_arguments().filter(|argument| argument.is_global_set())));
    for below in subcommands(&command) {
        describe(&mut page, below);
    }
    let codes = AFTER_HELP.split("Exit codes:\n").nth(1).and_then(|rest| rest.split("\n\n").next());
    let _ = write!(page, "\n## Exit codes\n\n```\n{}\n```\n", codes.unwrap_or_default());
    page.push_str("\n## Environment variables\n\n| variable | |\n|---|---|\n");
    for (name, meaning) in VARIABLES {
        let _ = writeln!(page, "| {name} | {} |", in_cell(meaning));
    }
    page
}

fn subcommands(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|below| below.get_name() != "help" && !below.is_hide_set())
}

/// A command, and those below it.
fn describe(page: &mut String, command: &Command) {
    let name = command.get_bin_name().unwrap_or(command.get_name());
    let about = command.get_long_about().or(command.get_about()).map(ToString::to_string).unwrap_or_default();
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim();
    let _ = write!(page, "\n## `{name}`\n\n{about}\n\n```\n{usage}\n```\n");
    let own =
        || command.get_arguments().filter(|argument| !argument.is_global_set() && !argument.is_hide_set());
    let positional: Vec<&Arg> = own().filter(|argument| argument.is_positional()).collect();
    if !positional.is_empty() {
        page.push_str("\n| argument | |\n|---|---|\n");
        for argument in positional {
            let _ = writeln!(page, "| `{argument}` | {} |", meaning(argument));
        }
    }
    let mut headings: Vec<Option<&str>> = Vec::new();
    for heading in own().filter(|argument| !argument.is_positional()).map(Arg::get_help_heading) {
        if !headings.contains(&heading) {
            headings.push(heading);
        }
    }
    for heading in headings {
        if let Some(heading) = heading {
            let _ = write!(page, "\n**{heading}**\n");
        }
        let is_of_it = |argument: &&Arg| !argument.is_positional() && argument.get_help_heading() == heading;
        page.push_str(&options_table(own().filter(is_of_it)));
    }
    if let Some(more) = command.get_after_long_help().or(command.get_after_help()) {
        let _ = write!(page, "\n```\n{}\n```\n", more.to_string().trim());
    }
    for below in subcommands(command) {
        describe(page, below);
    }
}

fn options_table<'a>(arguments: impl Iterator<Item = &'a Arg>) -> String {
    let is_told = |argument: &&Arg| argument.get_id() != "help" && argument.get_id() != "version";
    let rows = arguments.filter(is_told).map(|argument| {
        let short = argument.get_short().map(|short| format!("-{short}, ")).unwrap_or_default();
        let long = argument.get_long().unwrap_or_default();
        let value = value_name(argument).map(|name| format!(" {name}")).unwrap_or_default();
        let again = if matches!(argument.get_action(), ArgAction::Append) { " May be repeated." } else { "" };
        let written = in_cell(&format!("{short}--{long}{value}"));
        format!("| `{written}` | {}{again} |\n", meaning(argument))
    });
    let rows: String = rows.collect();
    if rows.is_empty() { rows } else { format!("\n| option | |\n|---|---|\n{rows}") }
}

fn value_name(argument: &Arg) -> Option<String> {
    let takes = argument.get_action().takes_values();
    takes.then(|| argument.get_value_names().unwrap_or_default().join(" "))
}

/// The help of an argument as a sentence, with its default and its possible values.
fn meaning(argument: &Arg) -> String {
    let help = argument.get_long_help().or(argument.get_help()).map(ToString::to_string).unwrap_or_default();
    let mut text = help.split_whitespace().collect::<Vec<_>>().join(" ");
    if !text.is_empty() && !text.ends_with(['.', ']']) {
        text.push('.');
    }
    let values = possible_values(argument);
    if !values.is_empty() {
        let _ = write!(text, " One of {}.", values.join(", "));
    }
    if let Some(default) = default(argument) {
        let _ = write!(text, " Default: `{default}`.");
    }
    in_cell(text.trim())
}

fn possible_values(argument: &Arg) -> Vec<String> {
    if !argument.get_action().takes_values() {
        return Vec::new();
    }
    argument.get_possible_values().iter().map(|value| format!("`{}`", value.get_name())).collect()
}

fn default(argument: &Arg) -> Option<String> {
    let takes = argument.get_action().takes_values();
    let value = argument.get_default_values().first().filter(|_| takes)?;
    Some(value.to_string_lossy().into_owned())
}

/// Text in a cell of a table.
fn in_cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}

/// All keys of `[tool.snapfreeze]`.
fn configuration() -> String {
    let mut command = Cli::command();
    command.build();
    let mut page = format!(
        "{NOTICE}# Keys of `[tool.snapfreeze]`\n\n\
         Keys of the table in pyproject.toml, and of each `[[tool.snapfreeze.bin]]`, have the names of the options of\n\
         `snapfreeze build`. Paths are relative to the file's directory. What the command line says counts before the\n\
         file; lists add up. A key that is not here is an error that names the nearest.\n\n\
         | key | type | default | |\n|---|---|---|---|\n\
         | `entry` | string | | The program: a script, a directory with \\_\\_main\\_\\_.py, or module:function. |\n\
         | `module` | string | | The program is a module, as for `python -m`. |\n\
         | `name` | string | | The name of the executable. |\n"
    );
    let Some(building) = command.find_subcommand("build") else { return page };
    let mut keys: Vec<(&str, &Arg)> = options(building).collect();
    keys.sort_unstable_by_key(|(name, _)| *name);
    for (name, argument) in &keys {
        let (kind, nothing) = match argument.get_action() {
            ArgAction::SetTrue => ("true or false", "false"),
            ArgAction::Append => ("array of strings", "[]"),
            _ if *name == "optimize" => ("0, 1 or 2", "0"),
            _ => ("string", ""),
        };
        let value =
            default(argument).map(|value| if kind == "string" { format!("\"{value}\"") } else { value });
        let value = value.unwrap_or_else(|| nothing.to_owned());
        let value = if value.is_empty() { value } else { format!("`{value}`") };
        let _ = writeln!(page, "| `{name}` | {kind} | {value} | {} |", meaning(argument));
    }
    page.push_str(
        "\n## An example of each\n\n```toml\n[tool.snapfreeze]\nentry = \"src/myapp/__main__.py\"\n",
    );
    for (name, argument) in keys {
        let known = EXAMPLES.iter().find(|(key, _)| *key == name).map(|(_, example)| *example);
        let example = match argument.get_action() {
            ArgAction::SetTrue => "true",
            _ => known.unwrap_or("\"…\""),
        };
        let _ = writeln!(page, "{name} = {example}");
    }
    page.push_str("```\n");
    page
}

#[test]
fn the_reference_is_up_to_date() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guide");
    let renews = std::env::var_os("SNAPFREEZE_RENEW_REFERENCE").is_some();
    for (name, page) in [("command-line.md", command_line()), ("configuration.md", configuration())] {
        let path = folder.join(name);
        if renews {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, &page).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            written == page,
            "docs/guide/{name} is out of date: SNAPFREEZE_RENEW_REFERENCE=1 cargo test --release -p snapfreeze reference"
        );
    }
}

#[test]
fn each_key_has_an_example_that_is_taken() {
    let mut command = Cli::command();
    command.build();
    let building = command.find_subcommand("build").unwrap();
    for (name, argument) in options(building) {
        let is_known = EXAMPLES.iter().any(|(key, _)| *key == name);
        assert!(is_known != matches!(argument.get_action(), ArgAction::SetTrue), "an example of {name}");
    }
    for (name, _) in EXAMPLES {
        assert!(options(building).any(|(key, _)| key == name), "there is no key {name}");
    }
    let page = configuration();
    let example = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pyproject.toml");
    // A program is built into one place.
    std::fs::write(&file, example.replace("output-dir = \"bin\"\n", "")).unwrap();
    crate::config::Configuration::read(&file, building).unwrap();
}
