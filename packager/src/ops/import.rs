//! `import`: from a specification of PyInstaller's to the project's configuration.

use std::path::PathBuf;

use crate::cache::Cache;
use crate::config::find;
use crate::entry::Entry;
use crate::error::Error;
use crate::probe::interpreters::choose;
use crate::pyinstaller::pyproject::{with_table, write};
use crate::pyinstaller::spec::{SpecError, read};
use crate::pyinstaller::table::{Table, table};
use crate::request::environment;

/// What is to be imported, and where to.
#[derive(Debug, Clone)]
pub struct ImportRequest {
    /// The specification.
    pub specification: PathBuf,
    /// What is in its `sys.argv`.
    pub arguments: Vec<String>,
    /// The interpreter that runs it, if the user names one.
    pub python: Option<PathBuf>,
    /// The file that gets the table; otherwise the project's.
    pub output: Option<PathBuf>,
    /// Whether nothing is written.
    pub is_dry: bool,
}

/// What was imported.
#[derive(Debug, Clone)]
pub struct Imported {
    /// The table.
    pub table: Table,
    /// The file that it is for.
    pub output: PathBuf,
}

/// Reads a specification, and writes what it says into pyproject.toml.
///
/// # Errors
/// When it fails, or the file has such a table or cannot be written. Then it is as it was.
pub fn import(request: &ImportRequest) -> Result<Imported, Error> {
    let path = &request.specification;
    let absolute =
        std::path::absolute(path).map_err(|source| SpecError::Read { path: path.clone(), source })?;
    let folder = absolute.parent().map(PathBuf::from).unwrap_or_default();
    let cache = Cache::of_user(environment);
    let entry = Entry::Script(absolute.clone());
    let command = std::env::current_exe().ok();
    let chosen = choose(request.python.as_deref(), &entry, command.as_deref(), environment, &cache)?;
    let specification = read(path, &request.arguments, &chosen.facts)?;
    let output =
        request.output.clone().or_else(|| find(&folder)).unwrap_or_else(|| folder.join("pyproject.toml"));
    let directory = std::path::absolute(&output).unwrap_or_else(|_| output.clone());
    let directory = directory.parent().map(PathBuf::from).unwrap_or_default();
    let origin = path.file_name().unwrap_or_default().to_string_lossy();
    let table = table(&specification, &origin, &directory);
    if !request.is_dry {
        let text = with_table(&output, &table.text).map_err(SpecError::from)?;
        write(&output, &text).map_err(SpecError::from)?;
    }
    Ok(Imported { table, output })
}
