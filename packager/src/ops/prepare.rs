//! From a request to the plan: everything that is decided before anything is compiled or written.

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
use crate::progress::{Ended, Progress, Stage};
use crate::request::{BuildRequest, InterpreterOption, environment};
use crate::trace::{TraceRequest, Traced, run as trace};

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

/// How long stages took and how far they came, in their order.
#[derive(Debug, Clone, Default)]
pub struct Phases {
    progress: Progress,
    ended: Vec<Ended>,
}

impl Phases {
    /// No stage yet; each will be told.
    pub fn telling(progress: &Progress) -> Self {
        Self { progress: progress.clone(), ended: Vec::new() }
    }

    /// Runs a stage and notes how long it takes.
    pub fn time<T>(&mut self, stage: Stage, run: impl FnOnce() -> T) -> T {
        let (result, ended) = self.progress.stage(stage, run);
        self.ended.push(ended);
        result
    }

    /// Runs a stage with another beside it, on a thread of its own. Only the one in front is told as it goes on.
    pub fn beside<A: Send, B>(
        &mut self,
        behind: Stage,
        run_behind: impl FnOnce() -> A + Send,
        stage: Stage,
        run: impl FnOnce() -> B,
    ) -> (A, B) {
        let silently = || Progress::default().stage(behind, run_behind);
        let ((other, ended), result, in_front) = std::thread::scope(|scope| {
            let other = scope.spawn(silently);
            let (result, in_front) = self.progress.stage(stage, run);
            // A panic there is one here.
            let other = other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            (other, result, in_front)
        });
        self.ended.extend([ended, in_front]);
        (other, result)
    }

    /// The stages that have ended.
    pub fn ended(&self) -> &[Ended] {
        &self.ended
    }
}

/// Decides what will be in the executable. Nothing is written but the cache.
///
/// # Errors
/// When any phase fails.
pub fn prepare(request: &BuildRequest) -> Result<Prepared, Error> {
    let BuildRequest { entry, cache, optimize, jobs, roots, progress, .. } = request;
    let mut took = Phases::telling(progress);

    let command = std::env::current_exe().ok();
    let chosen = took.time(Stage::Probe, || {
        choose(request.python.as_deref(), entry, command.as_deref(), environment, cache)
    })?;
    let facts = &chosen.facts;
    let library_path = environment("LD_LIBRARY_PATH");
    let search = library_search(&chosen.base, facts, library_path.as_deref())?;
    let is_interpreter = request.interpreter != InterpreterOption::None;
    let (optimize, jobs) = (*optimize, *jobs);
    let trace_request = TraceRequest { entry, facts, paths: &request.paths, optimize, is_interpreter };
    let traced = if request.traces.is_empty() {
        Traced::default()
    } else {
        took.time(Stage::Trace, || trace(&trace_request, &request.traces))?
    };
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
        progress,
    };
    let fuse = || program(&chosen, &search, request.fuse, cache);
    let (program, built) = took.beside(Stage::Fuse, fuse, Stage::Graph, || build_graph(&graph_request));
    let (program, (graph, main)) = (program?, built?);
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
    let data = took.time(Stage::Data, || collect_data(&data_request))?;
    let objects = &data.shared_objects;
    let collection = took.time(Stage::Libraries, || {
        let libpython = Some(program.carrier.as_path()).filter(|_| !program.is_fused);
        let mut collection = collect(&graph, &order, objects, libpython, &search)?;
        collection.certificates = certificate_paths(&graph, &collection, facts, cache);
        Ok::<_, Error>(collection)
    })?;
    let mut plan =
        took.time(Stage::Plan, || plan(request, main, (&chosen, &program), &graph, &order, collection, data));
    plan.warnings.splice(0..0, traced.warnings);
    Ok(Prepared { chosen, program, graph, plan, took })
}
