//! What `build --json` prints: one document for all programs that were built, or, with `--dry-run`, that would be.
//!
//! Sizes are in bytes, times in seconds. A field that is added does not change the document's version. Everything that is in
//! an executable is told by `inspect --json`.

use std::path::Path;

use serde::Serialize;

use super::{NotFollowed, Report, left_out};
use crate::inspect::model::Contents;
use crate::ops::build::notes;
use crate::ops::prepare::{Phases, Prepared};
use crate::plan::Plan;

/// Version of the document.
const SCHEMA: u32 = 1;

/// A build.
#[derive(Debug, Serialize)]
pub struct Document {
    /// Version of the document: 1.
    pub schema: u32,
    /// Whether nothing was built.
    pub dry_run: bool,
    /// The programs, in the order in which the project has them.
    pub programs: Vec<Built>,
}

/// A program.
#[derive(Debug, Serialize)]
pub struct Built {
    /// The name of its executable.
    pub name: String,
    /// The executable, absolute; bytes that are no UTF-8 are replaced.
    pub output: String,
    /// Its size, with `--onedir` that of all files; none where it was not built.
    pub size: Option<u64>,
    /// What its contents take when they are unpacked.
    pub unpacked: u64,
    /// How long it took, without what was found for a program before it; none where it was not built.
    pub seconds: Option<f64>,
    /// The stages, in their order.
    pub stages: Vec<Stage>,
    /// For which Python.
    pub python: Python,
    /// `linux-x86_64-gnu`.
    pub platform: String,
    /// The oldest glibc that will do; none where nothing asks for one.
    pub glibc: Option<String>,
    /// How many modules are in it, without extension modules and those inside of CPython.
    pub modules: usize,
    /// How many extension modules.
    pub extensions: usize,
    /// How many native libraries, CPython's own with them.
    pub libraries: usize,
    /// How many other files.
    pub files: usize,
    /// The distributions that parts are of, by name.
    pub distributions: Vec<Distribution>,
    /// Distributions that are installed and were left out as optional, by name.
    pub left_out: Vec<LeftOut>,
    /// Names that imports ask for and that were not found, by name.
    pub missing: Vec<Missing>,
    /// What the user should know.
    pub warnings: Vec<String>,
    /// What was done differently than might be expected.
    pub notes: Vec<String>,
}

/// A stage of a build.
#[derive(Debug, Serialize)]
pub struct Stage {
    /// Its name.
    pub name: &'static str,
    /// How long it took.
    pub seconds: f64,
}

/// An interpreter.
#[derive(Debug, Serialize)]
pub struct Python {
    /// `3.11.7`.
    pub version: String,
    /// Its file.
    pub executable: String,
}

/// A distribution that parts are of.
#[derive(Debug, Serialize)]
pub struct Distribution {
    /// Its name.
    pub name: String,
    /// Its version; empty where its metadata have none.
    pub version: String,
    /// How many modules of it are in the program.
    pub modules: usize,
    /// How many libraries.
    pub libraries: usize,
    /// How many other files.
    pub files: usize,
    /// What they take when they are unpacked.
    pub size: u64,
    /// The share of the executable that they take; none where it was not built.
    pub stored: Option<u64>,
}

/// A distribution that was left out.
#[derive(Debug, Serialize)]
pub struct LeftOut {
    /// Its name, for `--follow-optional`.
    pub distribution: String,
    /// The imports that were not followed.
    pub imports: Vec<Missing>,
}

/// An import that leads to nothing.
#[derive(Debug, Serialize)]
pub struct Missing {
    /// The module that is asked for.
    pub name: String,
    /// The module that asks.
    pub from: String,
    /// The line of its source; 0 where there is none.
    pub line: u32,
}

impl Document {
    /// The document of some programs.
    pub fn new(dry_run: bool, programs: Vec<Built>) -> Self {
        Self { schema: SCHEMA, dry_run, programs }
    }
}

impl Built {
    /// Of a program that was built, and the inventory of its executable.
    pub fn of_report(report: &Report, contents: &Contents) -> Self {
        let Report { output, python, size, took, phases, plan, warnings, notes, .. } = report;
        Self {
            size: Some(*size),
            seconds: Some(took.as_secs_f64()),
            left_out: not_followed(&report.left_out),
            warnings: warnings.clone(),
            notes: notes.clone(),
            ..Self::of_plan(plan, contents, python, output, phases)
        }
    }

    /// Of a program that would be built there, and its inventory.
    pub fn of_prepared(prepared: &Prepared, contents: &Contents, output: &Path) -> Self {
        let Prepared { chosen, program, graph, plan, took } = prepared;
        Self {
            left_out: not_followed(&left_out(graph)),
            warnings: plan.warnings.clone(),
            notes: notes(chosen).into_iter().chain(program.note.clone()).collect(),
            ..Self::of_plan(plan, contents, &chosen.facts.executable, output, took)
        }
    }

    fn of_plan(plan: &Plan, contents: &Contents, python: &Path, output: &Path, took: &Phases) -> Self {
        let place = std::path::absolute(output).unwrap_or_else(|_| output.to_owned());
        let extensions = plan.extensions();
        let missing = plan.missing.iter().map(|missing| Missing {
            name: missing.name.clone(),
            from: missing.from.clone(),
            line: missing.line,
        });
        let distributions = contents.distributions.iter().map(|known| Distribution {
            name: known.name.clone(),
            version: known.version.clone(),
            modules: known.modules,
            libraries: known.libraries,
            files: known.files,
            size: known.size,
            stored: known.stored,
        });
        let stages = took
            .ended()
            .iter()
            .map(|ended| Stage { name: ended.stage.name(), seconds: ended.took.as_secs_f64() });
        Self {
            name: place.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            output: place.to_string_lossy().into_owned(),
            size: None,
            unpacked: contents.sizes.unpacked,
            seconds: None,
            stages: stages.collect(),
            python: Python {
                version: plan.target.version.clone(),
                executable: python.to_string_lossy().into_owned(),
            },
            platform: plan.target.platform.clone(),
            glibc: contents.portability.glibc.as_ref().map(|need| need.version.to_string()),
            modules: plan.modules.len() - extensions,
            extensions,
            libraries: plan.libraries.len(),
            files: plan.data_files(),
            distributions: distributions.collect(),
            left_out: Vec::new(),
            missing: missing.collect(),
            warnings: Vec::new(),
            notes: Vec::new(),
        }
    }
}

fn not_followed(by_distribution: &std::collections::BTreeMap<String, Vec<NotFollowed>>) -> Vec<LeftOut> {
    let one = |(distribution, imports): (&String, &Vec<NotFollowed>)| LeftOut {
        distribution: distribution.clone(),
        imports: imports
            .iter()
            .map(|NotFollowed { name, edge }| Missing {
                name: name.clone(),
                from: edge.from.clone(),
                line: edge.line,
            })
            .collect(),
    };
    by_distribution.iter().map(one).collect()
}
