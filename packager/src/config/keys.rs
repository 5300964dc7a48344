//! The keys of `[tool.snapfreeze]`, for documentation: what the command line knows of each, and an example.

use clap::{Arg, ArgAction, Command};

use super::environment::variable;
use super::options::options;

/// A key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its name.
    pub name: String,
    /// What its value is.
    pub kind: Kind,
    /// What holds without it, in words or as TOML.
    pub default: String,
    /// A value, as TOML.
    pub example: &'static str,
    /// What it is for: one sentence or more, without the full stop.
    pub help: String,
    /// The environment variable of the same meaning, if there is one.
    pub variable: Option<String>,
}

/// What the value of a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A string.
    Text,
    /// A switch.
    Switch,
    /// A number.
    Number,
    /// An array of strings.
    List,
    /// An array of tables.
    Tables,
}

impl Kind {
    /// The kind of an option's key.
    pub(super) fn of(name: &str, option: &Arg) -> Self {
        match option.get_action() {
            ArgAction::SetTrue => Self::Switch,
            ArgAction::Append => Self::List,
            _ if name == "optimize" => Self::Number,
            _ => Self::Text,
        }
    }

    /// As messages and the documentation say it.
    pub fn expected(self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::Switch => "true or false",
            Self::Number => "0, 1 or 2",
            Self::List => "an array of strings",
            Self::Tables => "an array of tables, [[tool.snapfreeze.bin]]",
        }
    }
}

/// Keys that are no options: name, kind, default, example, help.
const OF_A_PROGRAM: [(&str, Kind, &str, &str, &str); 4] = [
    (
        "bin",
        Kind::Tables,
        "the scripts of [project.scripts]",
        "[{ entry = \"tools/admin.py\" }]",
        "The programs of the project, a table for each, with `entry` or `module`, `name`, and any other key for this one",
    ),
    (
        "entry",
        Kind::Text,
        "the scripts of [project.scripts]",
        "\"src/app.py\"",
        "The program: a script, a directory with __main__.py, or module:function",
    ),
    ("module", Kind::Text, "none", "\"package.cli\"", "The program is a module, as for `python -m`"),
    (
        "name",
        Kind::Text,
        "the name of what it runs",
        "\"app\"",
        "The name of the program and of its executable; alone, that of one of [project.scripts]",
    ),
];

/// Defaults that the command line does not tell, and examples.
const OPTIONS: [(&str, &str, &str); 28] = [
    ("add-binary", "", "[\"lib/libfast.so:lib\"]"),
    ("add-data", "", "[\"assets/*.svg:assets\"]"),
    ("additional-hooks-dir", "", "[\"hooks\"]"),
    ("collect-all", "", "[\"plugins\"]"),
    ("collect-binaries", "", "[\"fast\"]"),
    ("collect-data", "", "[\"themes\"]"),
    ("collect-submodules", "", "[\"plugins\"]"),
    ("compress", "", "\"small\""),
    ("copy-metadata", "", "[\"flask\"]"),
    ("exclude-module", "", "[\"tkinter\"]"),
    ("follow-optional", "", "[\"orjson\"]"),
    ("gc-during-imports", "", "true"),
    ("hidden-import", "", "[\"plugins.csv\"]"),
    ("include-source", "", "true"),
    ("interpreter", "never", "\"argv\""),
    ("materialize", "", "[\"models\"]"),
    ("no-fuse", "", "true"),
    ("no-strip", "", "true"),
    ("onedir", "", "true"),
    ("optimize", "", "1"),
    ("output", "NAME in output-dir", "\"bin/tool\""),
    ("output-dir", "\"dist\"", "\"build/bin\""),
    ("paths", "", "[\"vendor\"]"),
    ("pyinstaller-hooks", "", "true"),
    (
        "python",
        "$VIRTUAL_ENV, snapfreeze's own environment, .venv beside the program or above it in the project, python3",
        "\"3.12\"",
    ),
    ("recursive-copy-metadata", "", "[\"flask\"]"),
    ("runtime-hook", "", "[\"hooks/first.py\"]"),
    ("trace", "", "[\"-- --help\"]"),
];

/// All keys, in the order of their names. `command` has the options.
pub fn keys(command: &Command) -> impl Iterator<Item = Key> + use<> {
    let of_a_program = OF_A_PROGRAM.map(|(name, kind, default, example, help)| Key {
        name: name.to_owned(),
        kind,
        default: default.to_owned(),
        example,
        help: help.to_owned(),
        variable: None,
    });
    let mut keys: Vec<Key> = of_a_program.into_iter().chain(options(command).map(key)).collect();
    keys.sort_by(|one, other| one.name.cmp(&other.name));
    keys.into_iter()
}

fn key((name, option): (&str, &Arg)) -> Key {
    let kind = Kind::of(name, option);
    let (_, told, example) =
        OPTIONS.iter().find(|(known, ..)| *known == name).copied().unwrap_or((name, "", ""));
    let of_option = option.get_default_values().first().map(|value| value.to_string_lossy());
    let default = match (told, of_option, kind) {
        ("", Some(value), Kind::Text) => format!("\"{value}\""),
        ("", Some(value), Kind::Number) => value.into_owned(),
        ("", _, Kind::Switch) => "false".to_owned(),
        ("", _, Kind::List) => "[]".to_owned(),
        (told, ..) => told.to_owned(),
    };
    let help = option.get_help().map(ToString::to_string).unwrap_or_default();
    // The default is told apart.
    let help = help.split(" [default:").next().unwrap_or(&help).to_owned();
    Key { name: name.to_owned(), kind, default, example, help, variable: variable(name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_told_is_told_of_an_option() {
        let building = crate::cli::configured::building();
        for (name, ..) in OPTIONS {
            assert!(options(&building).any(|(known, _)| known == name), "there is no key {name}");
        }
    }
}
