//! From a request to the plan: everything that is decided before anything is compiled or written.

use std::fmt;
use std::time::{Duration, Instant};

use crate::collect::certificates::certificate_paths;
use crate::collect::data::{DataRequest, collect as collect_data};
use crate::collect::{collect, library_search};
use crate::error::Error;
use crate::fuse::program::{Program, program};
use crate::graph::ModuleGraph;
use crate::graph::build::{GraphRequest, build as build_graph};
use crate::graph::order::predicted;
use crate::plan::{Plan, plan};
use crate::probe::interpreters::{Chosen, choose};
use crate::request::{BuildRequest, InterpreterOption, environment};
use crate::trace::{TraceRequest, run as trace};

/// What is known before anything is compiled.
#[derive(Debug)]
pub struct Prepared {
    /// The interpreter.
    pub chosen: Chosen,
    /// The executable without its archive.
    pub program: Program,
    /// Every module that the program may import, and why.
    pub graph: ModuleGraph,
    /// What will be in the executable.
    pub plan: Plan,
    /// How long each phase took.
    pub took: Phases,
}

/// How long phases took, in their order.
#[derive(Debug, Clone, Default)]
pub struct Phases(Vec<(&'static str, Duration)>);

impl Phases {
    /// Runs a phase and notes how long it takes.
    pub fn time<T>(&mut self, name: &'static str, phase: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let result = phase();
        self.0.push((name, started.elapsed()));
        result
    }
}

impl fmt::Display for Phases {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (name, took)) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(formatter, "{comma}{name} {:.3} s", took.as_secs_f64())?;
        }
        Ok(())
    }
}

/// Decides what will be in the executable. Nothing is written but the cache.
///
/// # Errors
/// When any phase fails.
pub fn prepare(request: &BuildRequest) -> Result<Prepared, Error> {
    let BuildRequest { entry, cache, optimize, jobs, roots, .. } = request;
    let mut took = Phases::default();

    let chosen = took.time("probe", || choose(request.python.as_deref(), entry, environment, cache))?;
    let facts = &chosen.facts;
    let library_path = environment("LD_LIBRARY_PATH");
    let search = library_search(&chosen.base, facts, library_path.as_deref())?;
    let program = took.time("fuse", || program(&chosen, &search, request.fuse, cache))?;
    let is_interpreter = request.interpreter != InterpreterOption::None;
    let (optimize, jobs) = (*optimize, *jobs);
    let trace_request = TraceRequest { entry, facts, paths: &request.paths, optimize, is_interpreter };
    let traced = took.time("trace", || trace(&trace_request, &request.traces))?;
    let modules = &traced.modules;
    let graph_options = request.graph_options();
    let graph_request = GraphRequest {
        entry,
        facts,
        optimize,
        jobs,
        cache,
        roots,
        is_interpreter,
        options: graph_options,
        traced: modules,
    };
    let (graph, main) = took.time("graph", || build_graph(&graph_request))?;
    let order = predicted(&graph, &main, modules.iter().map(|module| module.name.as_str()));
    let (options, output) = (&request.data, request.output.as_path());
    let latest_time = environment("SOURCE_DATE_EPOCH").and_then(|text| text.to_str()?.parse().ok());
    let data_request = DataRequest {
        entry,
        graph: &graph,
        facts,
        options,
        graph_options,
        output,
        opened: &traced.files,
        latest_time,
    };
    let data = took.time("data", || collect_data(&data_request))?;
    let objects = &data.shared_objects;
    let collection = took.time("libraries", || {
        let libpython = Some(program.carrier.as_path()).filter(|_| !program.is_fused);
        let mut collection = collect(&graph, &order, objects, libpython, &search)?;
        collection.certificates = certificate_paths(&graph, &collection, facts, cache);
        Ok::<_, Error>(collection)
    })?;
    let mut plan =
        took.time("plan", || plan(request, main, (&chosen, &program), &graph, &order, collection, data));
    plan.warnings.splice(0..0, traced.warnings);
    Ok(Prepared { chosen, program, graph, plan, took })
}
