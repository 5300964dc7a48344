//! The command line together with the project's own options.
//!
//! In: the arguments of this process. Out: the command, read twice: once as the user wrote it, to know for which project,
//! and once with the project's options before the user's. So those that may be repeated add up, and of the others the
//! user's count.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};

use super::program::ProgramArguments;
use super::why::WhyArguments;
use super::{Cli, Command};
use crate::config::{ConfigError, Configuration, find};
use crate::entry::Entry;

/// The command of a command line. A wrong one ends the process, as do `--help` and `--version`.
///
/// # Errors
/// When the project's options cannot be used.
pub fn parse(arguments: &[OsString]) -> Result<Cli, ConfigError> {
    let written = Cli::parse_from(arguments).settled();
    let Some(configuration) = configuration(&written)? else { return Ok(complete(written)) };
    let (command, name) = (Cli::command(), written.command.name());
    let known = command.find_subcommand(name).map(|command| configuration.arguments(command));
    // Global options may come before the command; none of them has a value that is a command's name.
    let place = arguments.iter().skip(1).position(|argument| argument == name).map_or(1, |place| place + 2);
    let (before, after) = arguments.split_at(arguments.len().min(place));
    let all = before.iter().cloned().chain(known.unwrap_or_default()).chain(after.iter().cloned());
    let matches =
        command.mut_subcommand(name, |command| command.args_override_self(true)).get_matches_from(all);
    let merged = <Cli as clap::FromArgMatches>::from_arg_matches(&matches);
    let mut merged = merged.unwrap_or_else(|error| error.exit()).settled();
    if let Some(program) = merged.command.program_mut() {
        program.configuration = Some(configuration.path);
        if program.entry.is_none() && program.module.is_none() {
            program.entry = configuration.entry;
            program.module = configuration.module;
        }
    }
    Ok(complete(merged))
}

/// A command with all that it needs. One without ends the process: it is a wrong command line.
fn complete(cli: Cli) -> Cli {
    if let Command::Why(WhyArguments { name: None, .. }) = &cli.command {
        refuse("why", "nothing is asked for: NAME is required");
    }
    let Some(program) = cli.command.program() else { return cli };
    if program.entry.is_none() && program.module.is_none() {
        let name = cli.command.name();
        let asked = match &cli.command {
            Command::Why(arguments) => arguments.name.as_ref(),
            _ => None,
        };
        // `why dist/app`: that is no name of anything, it is the program.
        if let Some(file) = asked.filter(|asked| Path::new(asked).exists()) {
            refuse(name, &format!("what is asked for in {}? NAME is required", Path::new(file).display()));
        }
        refuse(name, "no program is named: ENTRY or -m MODULE is required, or `entry` in [tool.snapfreeze]");
    }
    cli
}

/// Ends the process with the usage of a command.
fn refuse(name: &str, message: &str) -> ! {
    let mut command = Cli::command();
    command.build();
    let mut command = command.find_subcommand(name).cloned().unwrap_or(command);
    command.error(ErrorKind::MissingRequiredArgument, message).exit()
}

impl Command {
    /// As the command line has it.
    fn name(&self) -> &'static str {
        match self {
            Self::Build(_) => "build",
            Self::Run(_) => "run",
            Self::Why(_) => "why",
        }
    }
}

/// The options of the project that the program belongs to.
fn configuration(cli: &Cli) -> Result<Option<Configuration>, ConfigError> {
    let Some(program) = cli.command.program().filter(|program| !program.no_config) else { return Ok(None) };
    let command = Cli::command();
    let Some(building) = command.find_subcommand("build") else { return Ok(None) };
    match &program.config {
        Some(path) => {
            let read = Configuration::read(path, building)?;
            read.map(Some).ok_or_else(|| ConfigError::NoTable { path: path.clone() })
        }
        None => match find(&directory(program)) {
            Some(path) => Configuration::read(&path, building),
            None => Ok(None),
        },
    }
}

/// Where a program is: the script's own directory, the program's own one, or, for a module, the current one.
fn directory(program: &ProgramArguments) -> PathBuf {
    let here = || std::env::current_dir().unwrap_or_default();
    match program.entry.as_deref().map(Entry::from_argument) {
        Some(Ok(Entry::Directory(path) | Entry::Package(path))) => path,
        Some(Ok(entry)) => entry.search_directory(),
        Some(Err(_)) | None => here(),
    }
}

impl Cli {
    /// The command with each positional argument where it belongs.
    fn settled(mut self) -> Self {
        if let Command::Why(arguments) = &mut self.command {
            arguments.settle();
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{PATHS, PERHAPS_PATHS, options};

    fn building() -> clap::Command {
        Cli::command().find_subcommand("build").unwrap().clone()
    }

    fn read(text: &str) -> Result<Option<Configuration>, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pyproject.toml");
        std::fs::write(&path, text).unwrap();
        Configuration::read(&path, &building())
    }

    /// The arguments that a table stands for. `/project` is the file's directory.
    fn arguments(text: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pyproject.toml");
        std::fs::write(&path, text).unwrap();
        let found = Configuration::read(&path, &building()).unwrap().unwrap().arguments(&building());
        let place = folder.path().to_str().unwrap();
        found.iter().map(|argument| argument.to_str().unwrap().replace(place, "/project")).collect()
    }

    /// The message of an error, less the path of the file.
    fn message(text: &str) -> String {
        let error = read(text).unwrap_err().to_string();
        error.split_once("pyproject.toml:").unwrap().1.to_owned()
    }

    #[test]
    fn a_table_is_arguments() {
        let text = "[tool.snapfreeze]\nhidden-import = ['a.b', 'c']\nonedir = true\ninclude-source = false\noptimize = 2\n\
            add-data = ['x/*.txt:data', '/abs:y']\npaths = ['src:lib', '/abs']\noutput = 'out/app'\ninterpreter = 'env'\n";
        let expected = [
            "--add-data=/project/x/*.txt:data",
            "--add-data=/abs:y",
            "--hidden-import=a.b",
            "--hidden-import=c",
            "--interpreter=env",
            "--onedir",
            "--optimize=2",
            "--output=/project/out/app",
            "--paths=/project/src:/project/lib",
            "--paths=/abs",
        ];
        assert_eq!(arguments(text), expected);
    }

    #[test]
    fn a_file_without_a_table_says_nothing() {
        assert_eq!(read("[project]\nname = 'x'\n").unwrap(), None);
        assert_eq!(read("[tool.other]\nx = 1\n").unwrap(), None);
        let empty = read("[tool.snapfreeze]\n").unwrap().unwrap();
        assert!(empty.entry.is_none() && empty.module.is_none() && empty.arguments(&building()).is_empty());
    }

    #[test]
    fn errors_name_the_line_and_what_is_expected() {
        let cases = [
            ("x = \n", "1: "),
            ("[tool.snapfreeze]\nhidden_import = ['a']\n", "2: [tool.snapfreeze] has no key hidden_import"),
            (
                "[tool.snapfreeze]\nhidden-import = 'a'\n",
                "2: hidden-import is an array of strings, not a string",
            ),
            (
                "[tool.snapfreeze]\n\npaths = [\n 'a',\n 3]\n",
                "5: paths is an array of strings: a number is none",
            ),
            ("[tool.snapfreeze]\npaths = [['a']]\n", "2: paths is an array of strings: an array is none"),
            ("[tool.snapfreeze]\nonedir = 'yes'\n", "2: onedir is true or false, not a string"),
            ("[tool.snapfreeze]\noptimize = '1'\n", "2: optimize is 0, 1 or 2, not a string"),
            ("[tool.snapfreeze]\noptimize = 1.5\n", "2: optimize is 0, 1 or 2, not a fraction"),
            ("[tool.snapfreeze]\noptimize = 3\n", "2: optimize cannot be \"3\": 3 is not in 0..=2"),
            ("[tool.snapfreeze]\noutput = ['x']\n", "2: output is a string, not an array"),
            ("[tool.snapfreeze]\nadd-data = ['x']\n", "2: add-data cannot be \"x\": SRC:DEST is expected"),
            (
                "[tool.snapfreeze]\nmaterialize = ['a-b']\n",
                "2: materialize cannot be \"a-b\": the name of a module",
            ),
            ("[tool.snapfreeze]\ninterpreter = 'x'\n", "2: interpreter cannot be \"x\": "),
            ("[tool.snapfreeze]\njobs = 2\n", "2: [tool.snapfreeze] has no key jobs"),
            ("[tool]\nsnapfreeze = 1\n", "2: tool.snapfreeze is a table, not a number"),
            ("[tool.snapfreeze]\nentry = 'a'\nmodule = 'b'\n", "1: [tool.snapfreeze] has both"),
        ];
        for (text, start) in cases {
            let message = message(text);
            assert!(message.starts_with(start), "{text:?}: {message}");
        }
    }

    #[test]
    fn the_nearest_key_is_named() {
        let hint = |key: &str| read(&format!("[tool.snapfreeze]\n{key} = 1\n")).unwrap_err().hint().unwrap();
        assert_eq!(hint("hidden_imports"), "the nearest one is hidden-import");
        assert_eq!(hint("exclude-modules"), "the nearest one is exclude-module");
        assert_eq!(hint("entri"), "the nearest one is entry");
        assert!(hint("zzzzzzzzzzzz").contains("--help"));
        assert_eq!(hint("jobs"), "--jobs is for the command line: it says nothing of the project");
    }

    /// Any option with a value that is a path must be known as one, or the table's would be relative to the wrong directory.
    #[test]
    fn options_with_paths_are_known() {
        let building = building();
        let is_path =
            |option: &clap::Arg| option.get_value_parser().type_id() == std::any::TypeId::of::<PathBuf>();
        for (name, _) in options(&building).filter(|(_, option)| is_path(option)) {
            let is_known = PATHS.iter().any(|(known, _)| *known == name) || PERHAPS_PATHS.contains(&name);
            assert!(is_known, "{name}");
        }
        for (name, _) in PATHS {
            assert!(options(&building).any(|(known, _)| known == name), "{name}");
        }
    }

    #[test]
    fn the_nearest_file_counts_and_none_outside_of_the_repository() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        std::fs::create_dir_all(at("repository/.git")).unwrap();
        std::fs::create_dir_all(at("repository/project/src/pkg")).unwrap();
        std::fs::write(at("pyproject.toml"), "").unwrap();
        assert_eq!(find(&at("repository/project/src")), None);
        std::fs::write(at("repository/pyproject.toml"), "").unwrap();
        assert_eq!(find(&at("repository/project/src")), Some(at("repository/pyproject.toml")));
        std::fs::write(at("repository/project/pyproject.toml"), "").unwrap();
        assert_eq!(find(&at("repository/project/src/pkg")), Some(at("repository/project/pyproject.toml")));
        assert_eq!(find(Path::new("/nonexistent/x")), None);
    }
}
