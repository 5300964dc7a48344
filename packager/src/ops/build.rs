//! `build`: from a program to an executable, phase by phase; [`prepare`] holds those up to the plan.

use std::time::Instant;

use crate::attach::directory::{attach_directory, executable_in};
use crate::attach::{attach, refuse_input};
use crate::compile::compile;
use crate::error::Error;
use crate::graph::build::GraphError;
use crate::inspect::portability::of_plan;
use crate::ops::prepare::{Prepared, prepare};
use crate::progress::Stage;
use crate::report::{Report, left_out};
use crate::request::BuildRequest;

/// The stack of each thread, in bytes: what a process's first thread usually has.
const STACK_BYTES: usize = 8 << 20;

/// Builds the executable, on as many threads as the request allows.
///
/// # Errors
/// When any phase fails; then no output is written or changed.
pub fn build(request: &BuildRequest) -> Result<Report, Error> {
    let report = on_threads(request, || phases(request))?;
    request.cache.look_after();
    Ok(report)
}

/// Runs something on as many threads as the request allows.
///
/// # Errors
/// When there are no threads to be had, and what it returns.
pub(super) fn on_threads<T: Send>(
    request: &BuildRequest,
    run: impl FnOnce() -> Result<T, Error> + Send,
) -> Result<T, Error> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(request.jobs).stack_size(STACK_BYTES).build();
    pool.map_err(GraphError::Threads)?.install(run)
}

fn phases(request: &BuildRequest) -> Result<Report, Error> {
    let started = Instant::now();
    let Prepared { chosen, program, plan, took, graph } = prepare(request)?;
    let (mut plan, mut took) = (plan, took);
    let BuildRequest { cache, jobs, progress, .. } = request;

    let output = request.output.as_path();
    let executable = if request.onedir { executable_in(output) } else { output.to_owned() };
    refuse_input(&executable, &plan)?;
    let bytecode = took.time(Stage::Compile, || compile(&plan, &chosen.facts, cache, *jobs, progress))?;
    plan.show_sources(|name| bytecode.modules.contains_key(name));
    let write_archive = |file| crate::archive::write(&plan, &bytecode, cache, progress, file);
    let size = took.time(Stage::Compress, || {
        if request.onedir {
            attach_directory(output, &program.bytes, &plan, &bytecode, write_archive)
        } else {
            attach(output, &program.bytes, write_archive)
        }
    })?;

    let portability = of_plan(&plan, &program.bytes);
    let warnings = plan.warnings.iter().chain(&bytecode.warnings).cloned().collect();
    let mut notes = notes(&chosen);
    notes.extend(program.note);
    let left_out = left_out(&graph);
    let (output, phases) = (executable, took);
    Ok(Report { output, size, took: started.elapsed(), phases, plan, portability, warnings, notes, left_out })
}

fn notes(chosen: &crate::probe::interpreters::Chosen) -> Vec<String> {
    let mut notes: Vec<String> =
        chosen.passed_over.iter().map(|reason| format!("passed over: {reason}")).collect();
    if !notes.is_empty() {
        notes.push(format!("using {} (CPython {})", chosen.facts.executable.display(), chosen.facts.version));
    }
    notes
}
