//! `build`: from a program to an executable, phase by phase; [`prepare`] holds those up to the plan.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::attach::directory::{attach_directory, executable_in};
use crate::attach::{attach, refuse_input};
use crate::compile::{Bytecode, compile};
use crate::error::Error;
use crate::graph::build::GraphError;
use crate::graph::shared::Shared;
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
    let report = on_threads(request, || write(request, compiled(request)?))?;
    request.cache.look_after();
    Ok(report)
}

/// Builds several executables of one project, each as it would be alone. What they have in common is read, observed, compiled
/// and compressed once. `told` gets each when it is there.
///
/// # Errors
/// When any phase of any of them fails, with the program's name. Before all are compiled no output is written or changed.
pub fn build_all(requests: &[BuildRequest], mut told: impl FnMut(Report) + Send) -> Result<(), Error> {
    let Some(first) = requests.first() else { return Ok(()) };
    let requests = together(requests);
    on_threads(first, || {
        refuse_one_place(&requests)?;
        let ready = requests.iter().map(|request| compiled(request).map_err(named(request, &requests)));
        let ready: Vec<Ready> = ready.collect::<Result<_, Error>>()?;
        for (request, ready) in requests.iter().zip(ready) {
            told(write(request, ready).map_err(named(request, &requests))?);
        }
        Ok(())
    })?;
    first.cache.look_after();
    Ok(())
}

/// Decides what will be in the executables, as [`build_all`] would. Nothing is written but the cache.
///
/// # Errors
/// When any phase up to the plan of any of them fails, with the program's name where there are several.
pub fn plan_all(requests: &[BuildRequest]) -> Result<Vec<Prepared>, Error> {
    let Some(first) = requests.first() else { return Ok(Vec::new()) };
    let requests = together(requests);
    on_threads(first, || {
        refuse_one_place(&requests)?;
        let each = requests.iter().map(|request| {
            let prepared = prepare(request)?;
            refuse_input(&executable(request), &prepared.plan)?;
            Ok(prepared)
        });
        each.zip(&requests).map(|(prepared, request)| prepared.map_err(named(request, &requests))).collect()
    })
}

/// The same requests, with all in common that can be.
fn together(requests: &[BuildRequest]) -> Vec<BuildRequest> {
    let shared = Some(Shared::default()).filter(|_| requests.len() > 1);
    let cache = requests.first().map(|first| first.cache.remembering());
    let together = |request: &BuildRequest| {
        let cache = cache.clone().filter(|_| shared.is_some()).unwrap_or_else(|| request.cache.clone());
        BuildRequest { cache, shared: shared.clone(), ..request.clone() }
    };
    requests.iter().map(together).collect()
}

/// An error of a program, with its name where there are several.
fn named(request: &BuildRequest, all: &[BuildRequest]) -> impl FnOnce(Error) -> Error {
    let name = request.output.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let is_one = all.len() == 1;
    move |source| if is_one { source } else { Error::Program { name, source: Box::new(source) } }
}

/// Two programs cannot be one file.
fn refuse_one_place(requests: &[BuildRequest]) -> Result<(), Error> {
    let place = |request: &BuildRequest| {
        std::path::absolute(&request.output).unwrap_or_else(|_| request.output.clone())
    };
    let mut places: Vec<PathBuf> = requests.iter().map(place).collect();
    places.sort();
    match places.windows(2).find(|pair| pair[0] == pair[1]) {
        Some([place, _]) => Err(Error::SamePlace(place.clone())),
        _ => Ok(()),
    }
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

/// All that an executable is made of.
struct Ready {
    prepared: Prepared,
    bytecode: Bytecode,
    took: Duration,
}

/// Where the executable will be.
pub fn executable(request: &BuildRequest) -> PathBuf {
    if request.onedir { executable_in(&request.output) } else { request.output.clone() }
}

/// The phases up to the bytecode. Nothing is written but the cache.
fn compiled(request: &BuildRequest) -> Result<Ready, Error> {
    let started = Instant::now();
    let mut prepared = prepare(request)?;
    let BuildRequest { cache, jobs, progress, .. } = request;
    let Prepared { plan, chosen, took, .. } = &mut prepared;
    refuse_input(&executable(request), plan)?;
    let bytecode = took.time(Stage::Compile, || compile(plan, &chosen.facts, cache, *jobs, progress))?;
    plan.show_sources(|name| bytecode.modules.contains_key(name));
    Ok(Ready { prepared, bytecode, took: started.elapsed() })
}

/// Writes the executable.
fn write(request: &BuildRequest, ready: Ready) -> Result<Report, Error> {
    let started = Instant::now();
    let Ready { prepared, bytecode, took: before } = ready;
    let Prepared { chosen, program, plan, mut took, graph } = prepared;
    let BuildRequest { cache, progress, .. } = request;
    let output = request.output.as_path();
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
    let (output, phases) = (executable(request), took);
    let python = chosen.facts.executable.clone();
    Ok(Report {
        output,
        python,
        size,
        took: before + started.elapsed(),
        phases,
        plan,
        portability,
        warnings,
        notes,
        left_out,
    })
}

/// What was done differently than might be expected when the interpreter was chosen.
pub fn notes(chosen: &crate::probe::interpreters::Chosen) -> Vec<String> {
    let mut notes: Vec<String> =
        chosen.passed_over.iter().map(|reason| format!("passed over: {reason}")).collect();
    if !notes.is_empty() {
        notes.push(format!("using {} (CPython {})", chosen.facts.executable.display(), chosen.facts.version));
    }
    notes
}
