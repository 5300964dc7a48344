//! Bytecode for the plan's modules, canonical and free of build paths.
//!
//! A valid `.pyc` is used as it is; otherwise the cache; otherwise the target interpreter compiles, on all cores.
//! Whatever the way, [`marshal::canonical`] makes the same bytes of it.

pub mod amendments;
pub mod marshal;
pub mod pyc;
pub mod workers;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use amendments::amended;
use marshal::MarshalError;
use workers::{CompileJob, CompileOutcome, SyntaxProblem, WorkerError, Workers};

use crate::cache::{Cache, Key, Shelf};
use crate::graph::distributions::is_in_site;
use crate::plan::{Plan, PlannedContent, PlannedModule, PlannedOrigin};
use crate::probe::PythonFacts;
use crate::progress::Progress;
use crate::shown::shown;

/// What the frozen module `encodings` does: CPython imports it before anything else, and it installs the importer.
const BOOTSTRAP: &str = "\
import _snapfreeze
_snapfreeze.install(globals(), globals().pop('site_builtins'))
";

/// Part of the cache's keys: changes when the canonical form does.
const FORM_VERSION: &[u8] = b"1";

/// Bytes of a `.pyc` file before its marshal data (PEP 552).
pub const PYC_HEADER: usize = 16;

/// Why there is no bytecode.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// The program's own code is not valid Python.
    #[error("{}", syntax_message(file, problem))]
    Syntax {
        /// The file.
        file: PathBuf,
        /// What CPython says.
        problem: SyntaxProblem,
    },
    /// CPython cannot compile the program's own code.
    #[error("{} cannot be compiled: {reason}", file.display())]
    Failed {
        /// The file.
        file: PathBuf,
        /// What CPython says.
        reason: String,
    },
    /// The workers failed.
    #[error(transparent)]
    Workers(#[from] WorkerError),
    /// The interpreter gave marshal data that cannot be read.
    #[error("the bytecode of {module} cannot be read: {source}")]
    Marshal {
        /// The module.
        module: String,
        /// Why.
        source: MarshalError,
    },
}

/// Bytecode, by module.
#[derive(Debug)]
pub struct Bytecode {
    /// Canonical marshal data by module name. A module whose code is broken is not in it.
    pub modules: BTreeMap<String, Vec<u8>>,
    /// The code of the first `encodings`.
    pub bootstrap: Vec<u8>,
    /// Installed modules that CPython refuses to compile.
    pub warnings: Vec<String>,
}

/// Gives bytecode for all modules of the plan that have code.
///
/// # Errors
/// When the program's own code is not valid Python, or the interpreter fails.
pub fn compile(
    plan: &Plan,
    facts: &PythonFacts,
    cache: &Cache,
    jobs: usize,
    progress: &Progress,
) -> Result<Bytecode, CompileError> {
    let compiler = Compiler {
        facts,
        cache,
        optimize: plan.target.optimize,
        workers: Workers::new(&facts.executable, jobs),
        prefix: cache.folder("pycache"),
    };
    let with_code: Vec<&PlannedModule> = plan
        .modules
        .iter()
        .filter(|module| {
            matches!(module.content, PlannedContent::Source { .. } | PlannedContent::Bytecode { .. })
        })
        .collect();
    progress.expect(with_code.len() as u64);
    let ready = |module: &&PlannedModule| {
        let code = compiler.without_compiling(module);
        progress.add(u64::from(code.is_some()));
        code
    };
    let ready: Vec<Option<Vec<u8>>> = with_code.par_iter().map(ready).collect();

    let mut bytecode =
        Bytecode { modules: BTreeMap::new(), bootstrap: compiler.bootstrap()?, warnings: Vec::new() };
    let mut left = Vec::new();
    for (module, code) in with_code.into_iter().zip(ready) {
        match (code, &module.content) {
            (Some(code), _) => drop(bytecode.modules.insert(module.name.clone(), code)),
            (None, PlannedContent::Source { path, text }) => {
                left.push((module, path.as_deref(), amended(&module.name, text)));
            }
            (None, _) => {
                bytecode.warnings.push(format!(
                    "the module {} is left out: its file is no bytecode of this Python",
                    module.name
                ));
            }
        }
    }
    let to_compile = left
        .iter()
        .map(|(module, _, text)| CompileJob { source: text.to_vec(), display: module.name.clone() });
    let outcomes =
        compiler.workers.compile_each(to_compile.collect(), compiler.optimize, &|| progress.add(1))?;
    let results: Vec<(&PlannedModule, Result<Vec<u8>, CompileError>)> = left
        .par_iter()
        .zip(outcomes)
        .map(|((module, path, text), outcome)| (*module, compiler.finish(module, *path, text, outcome)))
        .collect();
    for (module, result) in results {
        match result {
            Ok(code) => drop(bytecode.modules.insert(module.name.clone(), code)),
            Err(error) if is_of_program(module) => return Err(error),
            Err(error) => bytecode.warnings.push(format!("the module {} is left out: {error}", module.name)),
        }
    }
    Ok(bytecode)
}

/// Whether a module is the program's own and not among installed files, where there are files for other versions of Python.
fn is_of_program(module: &PlannedModule) -> bool {
    let is_installed = match &module.content {
        PlannedContent::Source { path: Some(path), .. } => is_in_site(path),
        _ => false,
    };
    module.origin == PlannedOrigin::Own && !is_installed
}

struct Compiler<'a> {
    facts: &'a PythonFacts,
    cache: &'a Cache,
    optimize: u8,
    workers: Workers,
    /// Where observed imports left their `.pyc` files.
    prefix: Option<PathBuf>,
}

impl Compiler<'_> {
    /// From a `.pyc` file or the cache.
    fn without_compiling(&self, module: &PlannedModule) -> Option<Vec<u8>> {
        match &module.content {
            PlannedContent::Source { path, text } => {
                let source = amended(&module.name, text);
                let installed_code = match &source {
                    Cow::Borrowed(text) => {
                        path.as_deref().and_then(|path| self.installed_code(path, text, &module.file))
                    }
                    Cow::Owned(_) => None,
                };
                installed_code.or_else(|| self.cache.get(Shelf::Code, &self.key(&source, &module.file)))
            }
            PlannedContent::Bytecode { path } => {
                let bytes = std::fs::read(path).ok()?;
                let code = bytes.strip_prefix(&self.facts.magic)?.get(PYC_HEADER - 4..)?;
                self.canonical(code, &module.file).ok()
            }
            _ => None,
        }
    }

    fn installed_code(&self, source: &Path, text: &[u8], file: &str) -> Option<Vec<u8>> {
        let hash = || self.workers.source_hash(text, file).ok();
        let candidates = pyc::candidates(source, &self.facts.cache_tag, self.optimize, None);
        let in_prefix = self
            .prefix
            .as_deref()
            .map(|prefix| pyc::candidates(source, &self.facts.cache_tag, self.optimize, Some(prefix)));
        candidates
            .into_iter()
            .chain(in_prefix.into_iter().flatten())
            .find_map(|pyc| pyc::load_valid_pyc(&pyc, source, self.facts.magic, hash))
            .and_then(|code| self.canonical(&code, file).ok())
    }

    fn finish(
        &self,
        module: &PlannedModule,
        path: Option<&Path>,
        text: &[u8],
        outcome: CompileOutcome,
    ) -> Result<Vec<u8>, CompileError> {
        let file = || path.map_or_else(|| PathBuf::from(&module.file), Path::to_owned);
        let code = match outcome {
            CompileOutcome::Code(code) => code,
            CompileOutcome::Syntax(problem) => return Err(CompileError::Syntax { file: file(), problem }),
            CompileOutcome::Failed(reason) => return Err(CompileError::Failed { file: file(), reason }),
        };
        let code = self
            .canonical(&code, &module.file)
            .map_err(|source| CompileError::Marshal { module: module.name.clone(), source })?;
        self.cache.put(Shelf::Code, &self.key(text, &module.file), &code);
        Ok(code)
    }

    fn bootstrap(&self) -> Result<Vec<u8>, CompileError> {
        let (text, file) = (self.facts.site_builtins.clone() + BOOTSTRAP, "encodings/__init__.py");
        let key = self.key(text.as_bytes(), file);
        if let Some(code) = self.cache.get(Shelf::Code, &key) {
            return Ok(code);
        }
        let job = CompileJob { source: text.into_bytes(), display: "the bootstrap".into() };
        let code = match self.workers.compile_all(vec![job], self.optimize)?.pop() {
            Some(CompileOutcome::Code(code)) => code,
            other => {
                return Err(CompileError::Failed { file: file.into(), reason: format!("{other:?}") });
            }
        };
        let code = self
            .canonical(&code, file)
            .map_err(|source| CompileError::Marshal { module: "encodings".into(), source })?;
        self.cache.put(Shelf::Code, &key, &code);
        Ok(code)
    }

    fn canonical(&self, code: &[u8], file: &str) -> Result<Vec<u8>, MarshalError> {
        marshal::canonical(code, self.facts.version_info.1, file)
    }

    fn key(&self, text: &[u8], file: &str) -> Key {
        let version = self.facts.hexversion.to_le_bytes();
        let parts = [FORM_VERSION, &version, &self.facts.magic, &[self.optimize], file.as_bytes(), text];
        Key::of(parts)
    }
}

/// As CPython prints it: file, line, the line itself, a caret under the place.
fn syntax_message(file: &Path, problem: &SyntaxProblem) -> String {
    let mut message = shown(file);
    if let Some(line) = problem.line {
        message.push_str(&format!(":{line}"));
    }
    message.push_str(&format!(": syntax error: {}", problem.message));
    if let Some(text) = &problem.text {
        let indent = text.len() - text.trim_start().len();
        let caret = problem.column.map_or(0, |column| (column as usize).saturating_sub(1 + indent));
        message.push_str(&format!("\n    {}\n    {}^", text.trim(), " ".repeat(caret)));
    }
    message
}
