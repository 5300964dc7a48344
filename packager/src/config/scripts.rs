//! The scripts that an installer would make of a project, `[project.scripts]` and `[project.gui-scripts]` (PEP 621), and
//! the directory that their modules are in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::de::DeTable;
use toml::{Table, Value};

use super::parse::{is_file_name, wrong_type};
use super::{Problem, Program, Runs};
use crate::entry::is_dotted_name;

/// The scripts of a project, by name.
pub(super) fn scripts(document: &DeTable<'_>) -> Result<BTreeMap<String, Program>, (usize, Problem)> {
    let mut scripts = BTreeMap::new();
    let Some(project) = document.get("project") else { return Ok(scripts) };
    for key in ["scripts", "gui-scripts"] {
        let Some(table) = project.get_ref().get(key) else { continue };
        let Some(entries) = table.get_ref().as_table() else {
            return Err(wrong_type(key, "a table", table));
        };
        for (name, value) in entries {
            let (name, at) = (name.get_ref().as_ref(), value.span().start);
            let Some(text) = value.get_ref().as_str() else {
                return Err(wrong_type(name, "a string", value));
            };
            if !is_file_name(name) {
                return Err((at, Problem::NotAFileName(name.to_owned())));
            }
            // Extras are allowed after the reference, and say nothing of what runs ("Entry points specification").
            let reference = text.split('[').next().unwrap_or(text).trim();
            let parts = reference.split_once(':').map(|(module, function)| (module.trim(), function.trim()));
            let Some((module, function)) =
                parts.filter(|(module, function)| is_dotted_name(module) && is_dotted_name(function))
            else {
                return Err((at, Problem::Script { name: name.to_owned(), value: text.to_owned() }));
            };
            let runs = Runs::Entry(format!("{module}:{function}").into());
            let program = Program { name: name.to_owned(), runs, settings: Vec::new() };
            if scripts.insert(name.to_owned(), program).is_some() {
                return Err((at, Problem::SameName(name.to_owned())));
            }
        }
    }
    Ok(scripts)
}

/// The directory in which a module of a project is looked for first: where the project's sources are, installed or not.
///
/// Of the directories that the project names for its build backend, `src` and the project's own, the first that has the
/// module's topmost package or file; the project's own, where none has it.
pub(super) fn source_directory(file: &Path, module: &str) -> PathBuf {
    let root = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let root = root.parent().unwrap_or(Path::new("/")).to_owned();
    let document: Option<Table> =
        std::fs::read_to_string(file).ok().and_then(|text| toml::from_str(&text).ok());
    let named = document.as_ref().map(named_directories).unwrap_or_default();
    let top = module.split('.').next().unwrap_or(module);
    let has_module =
        |directory: &PathBuf| directory.join(top).is_dir() || directory.join(format!("{top}.py")).is_file();
    let places = named.iter().map(String::as_str).chain(["src", ""]);
    let mut places = places.map(|place| if place.is_empty() { root.clone() } else { root.join(place) });
    places.find(has_module).unwrap_or(root)
}

/// What build backends are told of where sources are: setuptools, uv, Poetry, Hatch.
fn named_directories(document: &Table) -> Vec<String> {
    let tool = |keys: &[&str]| keys.iter().try_fold(document.get("tool")?, |value, key| value.get(key));
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let texts = |value: Option<&Value>| -> Vec<String> {
        value.and_then(Value::as_array).into_iter().flatten().filter_map(text).collect()
    };
    let mut named = texts(tool(&["setuptools", "packages", "find", "where"]));
    named.extend(tool(&["setuptools", "package-dir", ""]).and_then(text));
    named.extend(tool(&["uv", "build-backend", "module-root"]).and_then(text));
    let poetry = tool(&["poetry", "packages"]).and_then(Value::as_array).into_iter().flatten();
    named.extend(poetry.filter_map(|package| text(package.get("from")?)));
    let hatch = texts(tool(&["hatch", "build", "targets", "wheel", "packages"]));
    let above = hatch.iter().filter_map(|package| Some(Path::new(package).parent()?.to_str()?.to_owned()));
    named.extend(above);
    named
}
