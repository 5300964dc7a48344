//! The reference: pages of docs/guide that are written from the definition of the command line, so that they are never
//! wrong. A test compares them with what is written now; `SNAPFREEZE_RENEW_REFERENCE=1` makes it write them.

use std::fmt::Write;
use std::path::Path;

use clap::{Arg, ArgAction, Command, CommandFactory};

use super::{AFTER_HELP, Cli, keys};
use crate::config::{Key, options};

/// The first line of both pages.
const NOTICE: &str = "<!-- Written from the source: SNAPFREEZE_RENEW_REFERENCE=1 cargo test --release -p snapfreeze reference -->\n\n";

/// Variables that the command reads, and what they are for.
const VARIABLES: [(&str, &str); 14] = [
    (
        "`SNAPFREEZE_PYTHON`, `SNAPFREEZE_OPTIMIZE`, …",
        "options of a program, each as its [key](configuration.md) says",
    ),
    ("`SNAPFREEZE_JOBS`", "as `--jobs`"),
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
    in_prose(text).replace('|', "\\|")
}

/// Text whose signs mean nothing to Markdown.
fn in_prose(text: &str) -> String {
    text.replace('<', "&lt;").replace("__main__.py", "`__main__.py`")
}

/// All keys of `[tool.snapfreeze]`.
fn configuration() -> String {
    let keys: Vec<Key> = keys().collect();
    let names: Vec<String> = keys.iter().map(|key| format!("[`{0}`](#{0})", key.name)).collect();
    let mut page = format!(
        "{NOTICE}# Keys of `[tool.snapfreeze]`\n\n\
         You want to know what can be written into the table in pyproject.toml, or into a `[[tool.snapfreeze.bin]]`; how\n\
         the two belong together is in [Projects](projects.md). Keys have the names of the options of `snapfreeze build`.\n\
         One that is not here is an error that names the nearest.\n\n\
         Paths are relative to the file's directory. After the file comes the environment, and after that the command\n\
         line: lists add up, and of anything else the last counts. In a variable a list is written as words for a shell,\n\
         a switch as `true` or `false`, and paths are relative to the current directory; an empty one is as if it were not\n\
         set.\n\n\
         {}.\n",
        names.join(", ")
    );
    let building = super::configured::building();
    for key in keys {
        let argument = options(&building).find(|(name, _)| *name == key.name).map(|(_, argument)| argument);
        describe_key(&mut page, &key, &argument.map(possible_values).unwrap_or_default());
    }
    page
}

/// A key, with the values that it may have if these are few.
fn describe_key(page: &mut String, key: &Key, values: &[String]) {
    let mut help = in_prose(&key.help);
    help.push('.');
    if !values.is_empty() {
        let _ = write!(help, " One of {}.", values.join(", "));
    }
    // Some are TOML, and some are words.
    let is_value = toml::from_str::<toml::Table>(&format!("value = {}", key.default)).is_ok();
    let default = if is_value { format!("`{}`", key.default) } else { in_cell(&key.default) };
    let variable = key.variable.as_ref().map_or_else(|| "none".to_owned(), |name| format!("`{name}`"));
    let _ = write!(
        page,
        "\n## `{}`\n\n{help}\n\n| type | default | variable |\n|---|---|---|\n| {} | {default} | {variable} |\n\n\
         ```toml\n{} = {}\n```\n",
        key.name,
        key.kind.expected(),
        key.name,
        key.example
    );
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
