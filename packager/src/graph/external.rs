//! Questions about modules that only the interpreter can answer.
//!
//! Which file a name leads to when import hooks have a say, and what a module imports when there is no source that
//! can be parsed here. Both are one subprocess for all names, started only when there is something to ask.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::probe::{PythonFacts, last_line};
use crate::subprocess::output_within;

const FIND_SPECS: &str = include_str!("../../python/find_specs.py");
const READ_IMPORTS: &str = include_str!("../../python/read_imports.py");

/// How long all answers together may take: names are looked for one after the other, and finders may be slow.
const TIME_LIMIT: Duration = Duration::from_secs(300);

/// Why the interpreter gives no answer.
#[derive(Debug, thiserror::Error)]
#[error("the interpreter {python} does not answer about {subject}: {answer}")]
pub struct ExternalError {
    python: PathBuf,
    subject: &'static str,
    answer: String,
}

/// What the interpreter's finders say of a module.
#[derive(Debug, Clone, Deserialize)]
pub struct FoundSpec {
    /// Dotted name.
    pub name: String,
    /// Whether it is a package.
    pub is_package: bool,
    /// A package's directories.
    pub locations: Vec<PathBuf>,
    /// The file on disk.
    #[serde(default)]
    pub file: Option<PathBuf>,
    /// Whether the file is an extension module.
    #[serde(default)]
    pub is_extension: bool,
    /// The source, where the loader has it and there is no file.
    #[serde(default)]
    pub source: Option<String>,
}

/// Asks `find_spec` for names; those that are not found are not in the answer.
///
/// # Errors
/// When the interpreter fails to answer at all.
pub fn find_specs(
    facts: &PythonFacts,
    path: &[PathBuf],
    names: &[String],
) -> Result<Vec<FoundSpec>, ExternalError> {
    #[derive(Serialize)]
    struct Request<'a> {
        path: &'a [PathBuf],
        names: &'a [String],
    }
    ask(facts, &["-I", "-B"], FIND_SPECS, "modules", &Request { path, names })
}

/// A file whose imports are to be read from its bytecode.
#[derive(Debug, Serialize)]
pub struct BytecodeRequest<'a> {
    /// A `.pyc` or `.py` file.
    pub file: &'a Path,
    /// The module's `__package__`.
    pub package: &'a str,
}

/// One import: the module, the names after `from`, and whether it is inside of a function.
pub type BytecodeImport = (String, Vec<String>, bool);

/// Reads the imports of files from their bytecode; none for a file that has no valid bytecode.
///
/// # Errors
/// When the interpreter fails to answer at all.
pub fn read_imports(
    facts: &PythonFacts,
    files: &[BytecodeRequest],
) -> Result<Vec<Option<Vec<BytecodeImport>>>, ExternalError> {
    ask(facts, &["-I", "-S", "-B"], READ_IMPORTS, "imports", &files)
}

fn ask<T: DeserializeOwned>(
    facts: &PythonFacts,
    options: &[&str],
    program: &str,
    subject: &'static str,
    request: &impl Serialize,
) -> Result<T, ExternalError> {
    let failed = |answer: String| ExternalError {
        python: facts.executable.clone(),
        subject,
        answer: answer.trim().to_owned(),
    };
    let request = serde_json::to_vec(request).map_err(|error| failed(error.to_string()))?;
    let mut command = Command::new(&facts.executable);
    command.args(options).args(["-X", "utf8", "-c", program]);
    let output =
        output_within(&mut command, &request, TIME_LIMIT).map_err(|error| failed(error.to_string()))?;
    serde_json::from_slice(last_line(&output.stdout))
        .map_err(|_| failed(format!("it ended with {}", output.status)))
}
