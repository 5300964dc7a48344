//! The text of a pyproject.toml to a [`Configuration`]. Errors are at a byte of it.

use std::ops::Range;
use std::path::Path;

use clap::Command;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::Kind;
use super::options::{absolute, check, nearest, option_named};
use super::scripts::scripts;
use super::{Configuration, Problem, Program, Runs, SetTo, Setting};
use crate::entry::Entry;

/// A problem and the byte where it is.
type Misplaced = (usize, Problem);

/// How the tables are called in messages.
const TABLE: &str = "[tool.snapfreeze]";
const BIN: &str = "[[tool.snapfreeze.bin]]";

/// Keys of the table that are tables themselves.
const TABLES: [&str; 2] = ["bin", "target"];

fn document(text: &str) -> Result<Spanned<DeTable<'_>>, Misplaced> {
    DeTable::parse(text).map_err(|error| {
        (error.span().map_or(0, |span: Range<usize>| span.start), Problem::Syntax(error.message().into()))
    })
}

/// Where `tool.snapfreeze` is first said.
pub(super) fn place_of_table(text: &str) -> Result<Option<usize>, Misplaced> {
    let document = document(text)?;
    let tables = document.get_ref().get("tool").and_then(|tool| tool.get_ref().as_table());
    let table = tables.and_then(|tables| tables.get_key_value("snapfreeze"));
    Ok(table.map(|(key, _)| key.span().start))
}

/// Reads the text of a file in this directory. The path of the result is empty.
pub(super) fn parse(text: &str, directory: &Path, command: &Command) -> Result<Configuration, Misplaced> {
    let document = document(text)?;
    let document = document.get_ref();
    let table = document.get("tool").and_then(|tool| tool.get_ref().get("snapfreeze"));
    let mut configuration = Configuration { has_table: table.is_some(), ..Configuration::default() };
    let reader = Reader { directory, command };
    let mut bins = None;
    let mut own = Described::default();
    if let Some(table) = table {
        let Some(entries) = table.get_ref().as_table() else {
            return Err(wrong_type("tool.snapfreeze", "a table", table));
        };
        if let Some((key, _)) = entries.iter().find(|(key, _)| key.get_ref().as_ref() == "target") {
            return Err((key.span().start, Problem::Reserved));
        }
        bins = entries.get("bin");
        own = reader.described(entries, table.span().start, TABLE, &TABLES)?;
    }
    let at = table.map_or(0, |table| table.span().start);
    configuration.programs = match (bins, own.names_program()) {
        (Some(bins), None) => reader.bins(bins, document)?,
        (Some(_), Some(key)) => return Err((at, Problem::ProgramBesideBins { key })),
        (None, Some(_)) => vec![own.program(at, document)?],
        (None, None) => match scripts(document) {
            Ok(scripts) => scripts.into_values().collect(),
            Err(broken) => {
                configuration.broken_scripts = Some(broken);
                Vec::new()
            }
        },
    };
    configuration.settings = own.settings;
    if let Some(output_at) = own.output_at {
        // The file of one program says nothing of others.
        let is_output = |setting: &Setting| setting.name == "output";
        match configuration.programs.as_mut_slice() {
            [program] => {
                let output = configuration.settings.iter().filter(|setting| is_output(setting)).cloned();
                program.settings.splice(0..0, output);
                configuration.settings.retain(|setting| !is_output(setting));
            }
            programs => return Err((output_at, Problem::OutputOfMany(programs.len()))),
        }
    }
    Ok(configuration)
}

/// What reads tables.
struct Reader<'a> {
    directory: &'a Path,
    command: &'a Command,
}

/// What a table says.
#[derive(Default)]
struct Described {
    name: Option<String>,
    runs: Option<Runs>,
    settings: Vec<Setting>,
    /// Where it names its output.
    output_at: Option<usize>,
}

impl Described {
    /// The key by which it names a program.
    fn names_program(&self) -> Option<&'static str> {
        match (&self.runs, &self.name) {
            (Some(Runs::Entry(_)), _) => Some("entry"),
            (Some(Runs::Module(_)), _) => Some("module"),
            (None, Some(_)) => Some("name"),
            (None, None) => None,
        }
    }

    /// The program that it names, without its settings. One that says only its name is the script of this name.
    fn program(&mut self, at: usize, document: &DeTable<'_>) -> Result<Program, Misplaced> {
        let runs = match (self.runs.take(), &self.name) {
            (Some(runs), _) => runs,
            (None, Some(name)) => {
                let script = scripts(document)?.remove(name);
                script.ok_or_else(|| (at, Problem::RunsNothing(name.clone())))?.runs
            }
            (None, None) => return Err((at, Problem::Nameless)),
        };
        let name = self.name.take().unwrap_or_else(|| runs.name());
        if !is_file_name(&name) {
            return Err((at, Problem::NotAFileName(name)));
        }
        Ok(Program { name, runs, settings: Vec::new() })
    }
}

/// Whether a file can have this name.
pub(super) fn is_file_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains(['/', '\0'])
}

impl Runs {
    /// The name of a program that is given none.
    fn name(&self) -> String {
        match self {
            Self::Module(module) => Entry::from_module(module).map(|entry| entry.name()),
            // What is not there is missed when it is built.
            Self::Entry(path) => Ok(Entry::from_argument(path).map_or_else(
                |_| path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
                |entry| entry.name(),
            )),
        }
        .unwrap_or_default()
    }
}

impl Reader<'_> {
    /// The tables of an array.
    fn bins(&self, bins: &Spanned<DeValue<'_>>, document: &DeTable<'_>) -> Result<Vec<Program>, Misplaced> {
        let Some(tables) = bins.get_ref().as_array() else {
            return Err(wrong_type("bin", Kind::Tables.expected(), bins));
        };
        let mut programs: Vec<Program> = Vec::new();
        for table in tables {
            let at = table.span().start;
            let Some(entries) = table.get_ref().as_table() else {
                return Err(wrong_type("bin", Kind::Tables.expected(), table));
            };
            let mut described = self.described(entries, at, BIN, &[])?;
            let mut program = described.program(at, document)?;
            if programs.iter().any(|other| other.name == program.name) {
                return Err((at, Problem::SameName(program.name)));
            }
            program.settings = described.settings;
            programs.push(program);
        }
        Ok(programs)
    }

    /// All keys of a table but those of tables in it.
    fn described(
        &self,
        entries: &DeTable<'_>,
        at: usize,
        table: &'static str,
        tables: &[&'static str],
    ) -> Result<Described, Misplaced> {
        let mut described = Described::default();
        for (key, value) in entries {
            let name = key.get_ref().as_ref();
            match name {
                _ if tables.contains(&name) => {}
                "entry" | "module" if described.runs.is_some() => {
                    return Err((at, Problem::TwoPrograms { table }));
                }
                "entry" => {
                    let text = string(name, value)?;
                    described.runs = Some(Runs::Entry(absolute(name, &text, self.directory).into()));
                }
                "module" => {
                    let text = string(name, value)?;
                    if let Err(error) = Entry::from_module(&text) {
                        let reason = error.to_string();
                        return Err((
                            value.span().start,
                            Problem::Value { key: name.into(), value: text, reason },
                        ));
                    }
                    described.runs = Some(Runs::Module(text));
                }
                "name" => described.name = Some(string(name, value)?),
                _ if option_named(self.command, name).is_none() => {
                    let (nearest, key_name) = (nearest(self.command, tables, name), name.to_owned());
                    return Err((key.span().start, Problem::Unknown { table, key: key_name, nearest }));
                }
                _ => {
                    if name == "output" {
                        described.output_at = Some(key.span().start);
                    }
                    self.settings(name, value, &mut described.settings)?;
                }
            }
        }
        Ok(described)
    }

    /// What an option is set to.
    fn settings(
        &self,
        name: &str,
        value: &Spanned<DeValue<'_>>,
        settings: &mut Vec<Setting>,
    ) -> Result<(), Misplaced> {
        let at = value.span().start;
        let kind = option_named(self.command, name).map_or(Kind::Text, |option| Kind::of(name, option));
        let mut values = Vec::new();
        match (kind, value.get_ref()) {
            (Kind::Switch, DeValue::Boolean(is_on)) => {
                settings.push(Setting { name: name.to_owned(), value: SetTo::Switch(*is_on) });
            }
            (Kind::List, DeValue::Array(elements)) => {
                for element in elements {
                    let DeValue::String(text) = element.get_ref() else {
                        let found = described(element.get_ref());
                        return Err((element.span().start, Problem::Element { key: name.into(), found }));
                    };
                    values.push((text.clone().into_owned(), element.span().start));
                }
            }
            (Kind::Number, DeValue::Integer(number)) => values.push((number.as_str().to_owned(), at)),
            (Kind::Text, DeValue::String(text)) => values.push((text.clone().into_owned(), at)),
            _ => return Err(wrong_type(name, kind.expected(), value)),
        }
        for (text, at) in values {
            let value = absolute(name, &text, self.directory);
            check(self.command, name, &value)
                .map_err(|reason| (at, Problem::Value { key: name.to_owned(), value: text, reason }))?;
            settings.push(Setting { name: name.to_owned(), value: SetTo::Value(value) });
        }
        Ok(())
    }
}

fn string(name: &str, value: &Spanned<DeValue<'_>>) -> Result<String, Misplaced> {
    match value.get_ref() {
        DeValue::String(text) => Ok(text.clone().into_owned()),
        _ => Err(wrong_type(name, "a string", value)),
    }
}

pub(super) fn wrong_type(key: &str, expected: &'static str, value: &Spanned<DeValue<'_>>) -> Misplaced {
    (value.span().start, Problem::Type { key: key.into(), expected, found: described(value.get_ref()) })
}

fn described(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}
