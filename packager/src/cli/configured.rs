//! The command line together with the project's own options and programs.
//!
//! In: the arguments of this process. Out: the command, read twice: once as the user wrote it, to know for which project
//! and which of its programs, and once for each of these with the project's options before the user's. So those that may
//! be repeated add up, and of the others the user's count.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};

use super::program::{OfProject, ProgramArguments};
use super::why::WhyArguments;
use super::{Cli, Command};
use crate::config::{
    ConfigError, Configuration, Program, Setting, arguments as option_arguments, environment_settings, find,
};
use crate::entry::Entry;
use crate::error::Error;
use crate::request::environment;

/// Options that say where `build` writes.
const OF_OUTPUT: [&str; 3] = ["onedir", "output", "output-dir"];

/// The command of a command line. A wrong one ends the process, as do `--help` and `--version`.
///
/// # Errors
/// When the project's options cannot be used, or it has not the program that is asked for.
pub(super) fn parse(arguments: &[OsString]) -> Result<Cli, Error> {
    let written = Cli::parse_from(arguments).settled();
    if written.command.program().is_none() {
        return Ok(written);
    }
    let configuration = configuration(&written)?.unwrap_or_default();
    let environment = environment_settings(&building(), environment)?;
    let programs = programs(&written, &configuration)?;
    let merged = |program| {
        let settings = (configuration.settings(program), environment.as_slice());
        merged(arguments, &written, &configuration, settings, program)
    };
    let Some((first, others)) = programs.split_first() else { return Ok(complete(merged(None)?)) };
    let names = || programs.iter().map(|program| program.name.clone()).collect();
    if programs.len() > 1 {
        match &written.command {
            Command::Build(build) if build.output.is_some() || build.name.is_some() => {
                let option = if build.output.is_some() { "--output" } else { "--name" };
                return Err(ConfigError::OneOutput { option, names: names() }.into());
            }
            Command::Build(_) => {}
            command => {
                let (path, command) = (configuration.path.clone(), command.name());
                return Err(ConfigError::Several { path, names: names(), command }.into());
            }
        }
    }
    let mut first = merged(Some(first))?;
    if let Command::Build(build) = &mut first.command {
        for other in others {
            if let Command::Build(other) = merged(Some(other))?.command {
                build.others.push(other);
            }
        }
    }
    Ok(complete(first))
}

/// The command with the options of the project and of the environment, for one of the project's programs or for one that
/// it does not name.
fn merged(
    arguments: &[OsString],
    written: &Cli,
    configuration: &Configuration,
    (mut settings, environment): (Vec<Setting>, &[Setting]),
    program: Option<&Program>,
) -> Result<Cli, Error> {
    let (mut command, name) = (Cli::command(), written.command.name());
    if matches!(&written.command, Command::Build(build) if build.output_dir.is_some() || build.name.is_some())
        || environment.iter().any(|setting| setting.name == "output-dir")
    {
        // What the user says of the place counts, and what the file says of it does not.
        settings.retain(|setting| setting.name != "output");
    }
    settings.extend_from_slice(environment);
    if !matches!(&written.command, Command::Build(_)) {
        // Where an executable goes says nothing of where another command's document does.
        settings.retain(|setting| !OF_OUTPUT.contains(&setting.name.as_str()));
    }
    let known = command.find_subcommand(name).map(|command| option_arguments(command, &settings));
    let known = known.unwrap_or_default();
    command = command.mut_subcommand(name, |command| command.args_override_self(true));
    // Global options may come before the command; none of them has a value that is a command's name.
    let place = arguments.iter().skip(1).position(|argument| argument == name).map_or(1, |place| place + 2);
    let (before, after) = arguments.split_at(arguments.len().min(place));
    let all = before.iter().cloned().chain(known).chain(after.iter().cloned());
    let merged = <Cli as clap::FromArgMatches>::from_arg_matches(&command.get_matches_from(all));
    let mut merged = merged.unwrap_or_else(|error| error.exit()).settled();
    if let Some(arguments) = merged.command.program_mut() {
        arguments.configuration = Some(configuration.path.clone()).filter(|_| configuration.has_table);
        if let Some(program) = program {
            let (entry, name) = (configuration.entry(program)?, program.name.clone());
            (arguments.entry, arguments.module) = (None, None);
            arguments.project = Some(OfProject { entry, name, directory: configuration.directory() });
        }
    }
    Ok(merged)
}

/// The programs of the project that are asked for. None, where the command line names one that is none of them.
///
/// # Errors
/// When one that is asked for by its name is not there.
fn programs(written: &Cli, configuration: &Configuration) -> Result<Vec<Program>, ConfigError> {
    let Some(asked) = written.command.program() else { return Ok(Vec::new()) };
    if !asked.bin.is_empty() {
        let mut programs: Vec<Program> = Vec::new();
        for name in &asked.bin {
            let program = configuration.program(name)?;
            if !programs.contains(program) {
                programs.push(program.clone());
            }
        }
        return Ok(programs);
    }
    let entry = match (&asked.entry, &asked.module) {
        (None, None) => return Ok(configuration.all_programs()?.to_vec()),
        (Some(path), _) => Entry::from_argument(path).ok(),
        (None, Some(module)) => Entry::from_module(module).ok(),
    };
    let is_it = |program: &&Program| {
        let is_named = asked.entry.as_ref().is_some_and(|entry| entry.as_os_str() == program.name.as_str());
        let runs_it = || {
            let entry = entry.as_ref()?;
            Some(configuration.entry(program).ok()?.is_same(entry))
        };
        is_named || runs_it().unwrap_or_default()
    };
    Ok(configuration.programs.iter().find(is_it).cloned().into_iter().collect())
}

/// A command with all that it needs. One without ends the process: it is a wrong command line.
fn complete(cli: Cli) -> Cli {
    if let Command::Why(WhyArguments { name: None, .. }) = &cli.command {
        refuse("why", "nothing is asked for: NAME is required");
    }
    let Some(program) = cli.command.program() else { return cli };
    if program.entry.is_none() && program.module.is_none() && program.project.is_none() {
        let name = cli.command.name();
        let asked = match &cli.command {
            Command::Why(arguments) => arguments.name.as_ref(),
            _ => None,
        };
        // `why dist/app`: that is no name of anything, it is the program.
        if let Some(file) = asked.filter(|asked| Path::new(asked).exists()) {
            refuse(name, &format!("what is asked for in {}? NAME is required", Path::new(file).display()));
        }
        refuse(
            name,
            "no program is named: ENTRY or -m MODULE is required, or a program in pyproject.toml: [project.scripts], or \
             `entry` in [tool.snapfreeze]",
        );
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
            Self::Report(_) => "report",
            Self::Inspect(_) => "inspect",
            Self::Diff(_) => "diff",
            Self::Sbom(_) => "sbom",
            Self::Doctor(_) => "doctor",
            Self::Cache(_) => "cache",
            Self::Completions(_) => "completions",
            Self::Man(_) => "man",
            Self::Import(_) => "import",
            Self::Init(_) => "init",
        }
    }
}

/// `build`, which has all options.
pub(crate) fn building() -> clap::Command {
    let command = Cli::command();
    command.find_subcommand("build").cloned().unwrap_or(command)
}

/// The project that the program belongs to.
fn configuration(cli: &Cli) -> Result<Option<Configuration>, ConfigError> {
    let Some(program) = cli.command.program().filter(|program| !program.no_config) else { return Ok(None) };
    let building = &building();
    if let Some(path) = &program.config {
        let read = Configuration::read(path, building)?;
        return if read.has_table {
            Ok(Some(read))
        } else {
            Err(ConfigError::NoTable { path: path.clone() })
        };
    }
    let here = std::env::current_dir().unwrap_or_default();
    let read = |path: PathBuf| Configuration::read(&path, building);
    // A name without a directory may be that of a program of the project here, whatever files there are.
    if let Some(name) = program.entry.as_deref().filter(|entry| entry.components().count() == 1)
        && let Some(configuration) = find(&here).map(read).transpose()?
        && configuration.programs.iter().any(|program| name.as_os_str() == program.name.as_str())
    {
        return Ok(Some(configuration));
    }
    let found = find(&directory(program)).map(read).transpose()?;
    match (found, program.bin.first()) {
        (None, Some(name)) => Err(ConfigError::NoProject { name: name.clone() }),
        (found, _) => Ok(found),
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

    fn read(text: &str) -> Result<Configuration, ConfigError> {
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
        let found = Configuration::read(&path, &building()).unwrap();
        let found = option_arguments(&building(), &found.settings(found.programs.first()));
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
        let text = "[tool.snapfreeze]\nentry = 'a.py'\nhidden-import = ['a.b', 'c']\nonedir = true\ninclude-source = false\noptimize = 2\n\
            add-data = ['x/*.txt:data', '/abs:y']\npaths = ['src:lib', '/abs']\noutput = 'out/app'\ninterpreter = 'env'\n";
        let expected = [
            "--add-data=/project/x/*.txt:data",
            "--add-data=/abs:y",
            "--hidden-import=a.b",
            "--hidden-import=c",
            "--interpreter=env",
            "--onedir",
            "--optimize=2",
            "--paths=/project/src:/project/lib",
            "--paths=/abs",
            "--output=/project/out/app",
        ];
        assert_eq!(arguments(text), expected);
    }

    #[test]
    fn a_file_without_a_table_says_nothing() {
        for text in ["[project]\nname = 'x'\n", "[tool.other]\nx = 1\n", "", "tool = 1\nproject = 2\n"] {
            let found = read(text).unwrap();
            assert!(!found.has_table && found.programs.is_empty(), "{text}");
            assert!(found.settings(None).is_empty(), "{text}");
        }
        let empty = read("[tool.snapfreeze]\n").unwrap();
        assert!(empty.has_table && empty.programs.is_empty() && empty.settings(None).is_empty());
    }

    fn names(text: &str) -> Vec<String> {
        read(text).unwrap().programs.into_iter().map(|program| program.name).collect()
    }

    #[test]
    fn programs_are_those_of_the_table_or_else_the_scripts() {
        let scripts = "[project.scripts]\nb = 'pkg.b:main'\na = 'pkg:A.run [extra]'\n[project.gui-scripts]\nc = 'pkg:c'\n";
        assert_eq!(names(scripts), ["a", "b", "c"]);
        assert_eq!(names(&format!("[tool.snapfreeze]\noptimize = 1\n{scripts}")), ["a", "b", "c"]);
        assert_eq!(names(&format!("[tool.snapfreeze]\nentry = 'x/y.py'\n{scripts}")), ["y"]);
        assert_eq!(names(&format!("[tool.snapfreeze]\nname = 'b'\n{scripts}")), ["b"]);
        let bins = "[[tool.snapfreeze.bin]]\nname = 'b'\n[[tool.snapfreeze.bin]]\nmodule = 'http.server'\n";
        assert_eq!(names(&format!("{bins}{scripts}")), ["b", "server"]);
        let broken = read("[project.scripts]\na = 'pkg'\n").unwrap();
        let error = broken.all_programs().unwrap_err().to_string();
        assert!(
            error.ends_with("pyproject.toml:2: the script a is \"pkg\": module:function is expected"),
            "{error}"
        );
    }

    #[test]
    fn a_programs_own_options_come_after_those_of_all() {
        let text = "[tool.snapfreeze]\nhidden-import = ['a']\noptimize = 1\nonedir = true\n\
            [[tool.snapfreeze.bin]]\nentry = 'x.py'\nhidden-import = ['b']\noptimize = 2\nonedir = false\noutput = 'o'\n";
        let expected = ["--hidden-import=a", "--hidden-import=b", "--optimize=2", "--output=/project/o"];
        assert_eq!(arguments(text), expected);
        let found = read(text).unwrap();
        let for_others = option_arguments(&building(), &found.settings(None));
        assert_eq!(for_others, ["--hidden-import=a", "--onedir", "--optimize=1"]);
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
            (
                "[tool.snapfreeze]\noutput = 'x'\n",
                "2: output is the file of one program, and there is none here",
            ),
            (
                "[project.scripts]\na = 'p:a'\nb = 'p:b'\n[tool.snapfreeze]\noutput = 'x'\n",
                "5: output is the file of one program, and there are 2",
            ),
            ("[tool.snapfreeze]\n[tool.snapfreeze.target.x]\n", "2: [tool.snapfreeze.target] is reserved"),
            (
                "[tool.snapfreeze]\nbin = 1\n",
                "2: bin is an array of tables, [[tool.snapfreeze.bin]], not a number",
            ),
            ("[tool.snapfreeze]\nbin = [1]\n", "2: bin is an array of tables"),
            (
                "[[tool.snapfreeze.bin]]\nentry = 'a.py'\nonefile = true\n",
                "3: [[tool.snapfreeze.bin]] has no key onefile",
            ),
            (
                "[[tool.snapfreeze.bin]]\nentry = 'a.py'\npaths = 'x'\n",
                "3: paths is an array of strings, not",
            ),
            ("[[tool.snapfreeze.bin]]\nentry = 'a'\nmodule = 'b'\n", "1: [[tool.snapfreeze.bin]] has both"),
            ("[[tool.snapfreeze.bin]]\noptimize = 1\n", "1: this program has neither name, entry nor module"),
            ("[[tool.snapfreeze.bin]]\nname = 'x'\n", "1: the program x has neither entry nor module"),
            (
                "[[tool.snapfreeze.bin]]\nname = 'a/b'\nmodule = 'x'\n",
                "1: \"a/b\" cannot be the name of a program",
            ),
            ("[tool.snapfreeze]\nmodule = 'a-b'\n", "2: module cannot be \"a-b\": "),
            (
                "[[tool.snapfreeze.bin]]\nmodule = 'a.x'\n[[tool.snapfreeze.bin]]\nmodule = 'b.x'\n",
                "3: there are two programs named x",
            ),
            (
                "[tool.snapfreeze]\nentry = 'a.py'\n[[tool.snapfreeze.bin]]\nmodule = 'b.x'\n",
                "1: [tool.snapfreeze] has both entry and [[tool.snapfreeze.bin]]",
            ),
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

    fn from_environment(variables: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let environment = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
        };
        let settings = environment_settings(&building(), environment).map_err(|error| error.to_string())?;
        let arguments = option_arguments(&building(), &settings);
        Ok(arguments.iter().map(|argument| argument.to_str().unwrap().to_owned()).collect())
    }

    #[test]
    fn variables_are_options_and_lists_are_words() {
        let variables = [
            ("SNAPFREEZE_OPTIMIZE", "2"),
            ("SNAPFREEZE_ADD_DATA", "a:b 'c d:e'"),
            ("SNAPFREEZE_ONEDIR", "true"),
            ("SNAPFREEZE_NO_FUSE", "0"),
            ("SNAPFREEZE_PYTHON", ""),
            ("SNAPFREEZE_JOBS", "3"),
            // Not of a build.
            ("SNAPFREEZE_CACHE_DIR", "/x"),
            ("SNAPFREEZE_PROFILE", "/x"),
            ("SNAPFREEZE_INTERPRETER", "1"),
        ];
        let expected = ["--add-data=a:b", "--add-data=c d:e", "--jobs=3", "--onedir", "--optimize=2"];
        let mut found = from_environment(&variables).unwrap();
        found.sort();
        assert_eq!(found, expected);
        let wrong = |name, value| from_environment(&[(name, value)]).unwrap_err();
        assert_eq!(
            wrong("SNAPFREEZE_OPTIMIZE", "3"),
            "SNAPFREEZE_OPTIMIZE cannot be \"3\": 3 is not in 0..=2"
        );
        assert_eq!(
            wrong("SNAPFREEZE_ONEDIR", "x"),
            "SNAPFREEZE_ONEDIR cannot be \"x\": true or false is expected"
        );
        assert!(wrong("SNAPFREEZE_PATHS", "'a").ends_with("a quotation mark is not closed"));
        assert!(wrong("SNAPFREEZE_ADD_DATA", "a:b c").starts_with("SNAPFREEZE_ADD_DATA cannot be \"c\": "));
    }

    /// Each key is documented, and its example is one.
    #[test]
    fn keys_have_examples_that_can_be_written() {
        for key in crate::config::keys(&building()) {
            assert!(!key.help.is_empty() && !key.default.is_empty(), "{key:?}");
            let text = format!(
                "[tool.snapfreeze]\n{} = {}\n[project.scripts]\napp = 'a:b'\n",
                key.name, key.example
            );
            let found = read(&text).unwrap_or_else(|error| panic!("{key:?}: {error}"));
            assert!(!key.example.is_empty() && found.programs.len() == 1, "{key:?}");
        }
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
