//! `build`: from a program to an executable, phase by phase.

use std::time::Instant;

use crate::attach::directory::{attach_directory, executable_in};
use crate::attach::{attach, refuse_input};
use crate::collect::certificates::certificate_paths;
use crate::collect::collect;
use crate::collect::data::{DataRequest, collect as collect_data};
use crate::compile::compile;
use crate::error::Error;
use crate::graph::build::{GraphError, GraphRequest, build as build_graph};
use crate::graph::order::predicted;
use crate::plan::plan;
use crate::probe::interpreters::choose;
use crate::report::Report;
use crate::request::{BuildRequest, InterpreterOption, environment};

/// The stack of each thread, in bytes: what a process's first thread usually has.
const STACK_BYTES: usize = 8 << 20;

/// Builds the executable, on as many threads as the request allows.
///
/// # Errors
/// When any phase fails; then no output is written or changed.
pub fn build(request: &BuildRequest) -> Result<Report, Error> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(request.jobs).stack_size(STACK_BYTES).build();
    pool.map_err(GraphError::Threads)?.install(|| phases(request))
}

fn phases(request: &BuildRequest) -> Result<Report, Error> {
    let started = Instant::now();
    let BuildRequest { entry, cache, optimize, jobs, roots, .. } = request;

    let chosen = choose(request.python.as_deref(), entry, environment, cache)?;
    let facts = &chosen.facts;
    let (graph, main) = build_graph(&GraphRequest {
        entry,
        facts,
        optimize: *optimize,
        jobs: *jobs,
        cache,
        roots,
        is_interpreter: request.interpreter != InterpreterOption::None,
    })?;
    let order = predicted(&graph, &main);
    let (options, output) = (&request.data, request.output.as_path());
    let latest_time = environment("SOURCE_DATE_EPOCH").and_then(|text| text.to_str()?.parse().ok());
    let data = collect_data(&DataRequest { entry, graph: &graph, facts, options, output, latest_time })?;
    let library_path = environment("LD_LIBRARY_PATH");
    let objects = &data.shared_objects;
    let mut collection = collect(&graph, &order, objects, &chosen.libpython, facts, library_path.as_deref())?;
    collection.certificates = certificate_paths(&graph, &collection, facts, cache);
    let mut plan = plan(request, main, &chosen, graph, &order, collection, data);
    let executable = if request.onedir { executable_in(output) } else { output.to_owned() };
    refuse_input(&executable, &plan)?;
    let bytecode = compile(&plan, facts, cache, *jobs)?;
    plan.show_sources(|name| bytecode.modules.contains_key(name));
    let write_archive = |file| crate::archive::write(&plan, &bytecode, cache, file);
    let size = if request.onedir {
        attach_directory(output, &plan, &bytecode, write_archive)?
    } else {
        attach(output, write_archive)?
    };

    let warnings = plan.warnings.iter().chain(&bytecode.warnings).cloned().collect();
    let notes = notes(&chosen);
    Ok(Report { output: executable, size, took: started.elapsed(), plan, warnings, notes })
}

fn notes(chosen: &crate::probe::interpreters::Chosen) -> Vec<String> {
    let mut notes: Vec<String> =
        chosen.passed_over.iter().map(|reason| format!("passed over: {reason}")).collect();
    if !notes.is_empty() {
        notes.push(format!("using {} (CPython {})", chosen.facts.executable.display(), chosen.facts.version));
    }
    notes
}
