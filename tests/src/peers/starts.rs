//! Starting what was built: all tools' programs in turns, warm and cold, each in folders of its own.
//!
//! Every start is checked: a program that fails, does not write the file that it is to write, or prints now this and now
//! that becomes a row that says so, and is started no more; one that always prints something else than python does is measured
//! and marked. The order changes from round to round, so that nobody is always behind the same neighbour.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::builds::{Build, Builder, fresh, size};
use super::machine::{load, now};
use super::process::{Ended, RunError, run};
use super::record::{Figures, Row, Section};
use super::tools::Tool;
use super::workloads::Workload;
use super::written::watch;
use super::{PeersError, file_error};
use crate::execution::plain_command;

/// How long a program may run.
const LIMIT: Duration = Duration::from_secs(120);

/// What to measure.
#[derive(Debug, Clone, Copy)]
pub struct Plan<'a> {
    /// The tools, python among them.
    pub tools: &'a [Tool],
    /// Warm starts of each; none means the number that the program asks for.
    pub rounds: Option<usize>,
    /// Cold starts of each.
    pub cold_rounds: usize,
    /// The version of the command under test.
    pub snapfreeze: &'a str,
}

/// A program that can be started.
struct Program<'a> {
    tool: Tool,
    workload: &'a Workload,
    path: PathBuf,
    /// For python: the interpreter.
    python: Option<PathBuf>,
    /// The folders that it may write to: `home`, `tmp`, `work` are in it.
    room: PathBuf,
    outcome: Result<Figures, String>,
    /// What its first start printed.
    said: Option<Vec<u8>>,
    peaks: Vec<f64>,
}

/// Builds a program by all tools and measures it.
///
/// # Errors
/// When the machine fails, or python itself.
pub fn measure(builder: &Builder, workload: &Workload, plan: &Plan) -> Result<Section, PeersError> {
    let began = now();
    let mut built = Vec::new();
    for &tool in plan.tools {
        println!("{:8} {:20} …", workload.name, tool.title());
        let shared = built.iter().find(|(other, _): &&(Tool, Option<Build>)| other.maker() == tool.maker());
        let build = match shared {
            Some((_, build)) => build.clone(),
            None => builder.build(tool, workload)?,
        };
        if let Some(build) = &build {
            println!("{:8} {:20} built: {:?}", workload.name, tool.title(), build.outcome);
        }
        built.push((tool, build));
    }
    let (date, load) = (now(), load());
    let mut programs = Vec::new();
    for (tool, build) in &built {
        let failure = build.as_ref().and_then(|build| build.outcome.as_ref().err());
        programs.push(Program::new(*tool, workload, builder, failure)?);
    }
    let python = programs.iter_mut().find(|program| program.tool == Tool::Python);
    let expected = match python {
        Some(python) => python.expected()?,
        None => Program::new(Tool::Python, workload, builder, None)?.expected()?,
    };
    for program in &mut programs {
        program.first_starts(&expected);
    }
    let rounds = plan.rounds.unwrap_or(workload.rounds);
    for round in 0..rounds {
        for number in order(round, programs.len()) {
            programs[number].start_warm();
        }
    }
    println!("{:8} {rounds} warm starts of each", workload.name);
    let cold = cold_rounds(&mut programs, plan.cold_rounds);
    let rows = programs.into_iter().zip(built).map(|(program, (tool, build))| {
        let peak = super::record::median(&program.peaks).unwrap_or_default();
        let outcome = program.outcome.map(|figures| Figures { peak_kib: peak as u64, ..figures });
        Row { tool, build, outcome }
    });
    let (workload, snapfreeze) = (workload.name.into(), plan.snapfreeze.into());
    Ok(Section { workload, snapfreeze, began, date, load, rounds, cold, rows: rows.collect() })
}

/// An order for a round: shuffled (Fisher and Yates), by numbers that follow from the round's (Knuth's MMIX generator).
fn order(round: usize, count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    let mut state = round as u64;
    for last in (1..count).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // The upper bits are the better ones; the remainder fits, for it is below `count`.
        let other = (state >> 33) % (last as u64 + 1);
        order.swap(last, other as usize);
    }
    order
}

fn cold_rounds(programs: &mut [Program], rounds: usize) -> Result<usize, String> {
    if rounds == 0 {
        return Err("not asked for".into());
    }
    for round in 0..rounds {
        for number in order(round, programs.len()) {
            drop_caches().map_err(|error| format!("the kernel's caches cannot be dropped: {error}"))?;
            programs[number].start_cold();
        }
    }
    Ok(rounds)
}

/// Has the kernel forget all files that it read (proc_sys_vm(5), `drop_caches`); root may do that.
fn drop_caches() -> std::io::Result<()> {
    // SAFETY: sync takes nothing and returns nothing.
    unsafe { libc::sync() };
    OpenOptions::new().write(true).open("/proc/sys/vm/drop_caches")?.write_all(b"3\n")
}

impl<'a> Program<'a> {
    fn new(
        tool: Tool,
        workload: &'a Workload,
        builder: &Builder,
        failure: Option<&String>,
    ) -> Result<Self, PeersError> {
        let folder = builder.place(tool, workload);
        let room = folder.join("room").join(tool.name());
        for name in ["home", "tmp", "work"] {
            fresh(&room.join(name))?;
        }
        let outcome = match failure {
            Some(failure) => Err(failure.clone()),
            None => {
                let delivery = tool.delivery(&folder, workload);
                let size = delivery.map(|path| size(&path)).transpose()?;
                let (first, later) = Default::default();
                let (warm, cold) = Default::default();
                Ok(Figures { differs: None, size, warm, cold, peak_kib: 0, first, later })
            }
        };
        let python = (tool == Tool::Python).then(|| builder.programs()).transpose()?;
        let path = tool.program(&folder, workload);
        Ok(Self { tool, workload, path, python, room, outcome, said: None, peaks: Vec::new() })
    }

    fn command(&self) -> Command {
        let mut command = plain_command(self.python.as_ref().unwrap_or(&self.path));
        if self.python.is_some() {
            command.arg(&self.path);
        }
        command.env("HOME", self.room.join("home")).env("TMPDIR", self.room.join("tmp"));
        command.current_dir(self.room.join("work"));
        command
    }

    /// What python prints.
    fn expected(&mut self) -> Result<Vec<u8>, PeersError> {
        let ended = run(&mut self.command(), LIMIT).and_then(Ended::succeeded);
        let ended = ended.map_err(|error| {
            let what = format!("python with {}", self.path.display());
            PeersError::Run { what, error }
        })?;
        // The first start of all is still to come.
        for name in ["home", "tmp", "work"] {
            fresh(&self.room.join(name))?;
        }
        Ok(ended.stdout)
    }

    /// One start, checked.
    fn start(&self) -> Result<Ended, String> {
        let file = self.workload.writes.map(|name| self.room.join("work").join(name));
        if let Some(file) = &file {
            match std::fs::remove_file(file) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(file_error(file)(error).to_string());
                }
                _ => {}
            }
        }
        let ended = run(&mut self.command(), LIMIT).and_then(Ended::succeeded);
        let ended = ended.map_err(|error: RunError| format!("it does not run: {error}"))?;
        if self.said.as_ref().is_some_and(|said| *said != ended.stdout) {
            return Err("it does not always print the same".into());
        }
        if let Some(file) = file.filter(|file| !is_filled(file)) {
            return Err(format!("it did not write {}", file.file_name().unwrap_or_default().display()));
        }
        Ok(ended)
    }

    /// The first two starts: what they print and write.
    fn first_starts(&mut self, expected: &[u8]) {
        let folders = ["home", "tmp", "work"].map(|name| self.room.join(name));
        let folders: Vec<&Path> = folders.iter().map(PathBuf::as_path).collect();
        for is_first in [true, false] {
            if self.outcome.is_err() {
                break;
            }
            let (ended, written) = watch(&folders, || self.start());
            match (ended, &mut self.outcome) {
                (Ok(ended), Ok(figures)) if is_first => {
                    figures.first = written;
                    figures.differs = difference(&ended.stdout, expected);
                    self.said = Some(ended.stdout);
                }
                (Ok(_), Ok(figures)) => figures.later = written,
                (Err(failure), outcome) => *outcome = Err(failure),
                (_, Err(_)) => {}
            }
        }
        if let Err(failure) = &self.outcome {
            println!("{:8} {:20} {failure}", self.workload.name, self.tool.title());
        }
    }

    fn start_warm(&mut self) {
        if let Some(ended) = self.started()
            && let Ok(figures) = &mut self.outcome
        {
            figures.warm.push(ended.took.as_secs_f64() * 1e3);
            self.peaks.push(ended.peak_kib as f64);
        }
    }

    fn start_cold(&mut self) {
        if let Some(ended) = self.started()
            && let Ok(figures) = &mut self.outcome
        {
            figures.cold.push(ended.took.as_secs_f64() * 1e3);
        }
    }

    /// One start of a program that did not fail yet.
    fn started(&mut self) -> Option<Ended> {
        self.outcome.as_ref().ok()?;
        match self.start() {
            Ok(ended) => Some(ended),
            Err(failure) => {
                println!("{:8} {:20} {failure}", self.workload.name, self.tool.title());
                self.outcome = Err(failure);
                None
            }
        }
    }
}

fn is_filled(file: &Path) -> bool {
    std::fs::metadata(file).is_ok_and(|data| data.len() > 0)
}

/// The first line that is printed and not expected, or expected and not printed.
fn difference(printed: &[u8], expected: &[u8]) -> Option<String> {
    if printed == expected {
        return None;
    }
    let (printed, expected) = (String::from_utf8_lossy(printed), String::from_utf8_lossy(expected));
    let (mut printed, mut expected) = (printed.lines(), expected.lines());
    loop {
        match (printed.next(), expected.next()) {
            (Some(one), Some(other)) if one == other => {}
            (Some(one), _) => return Some(one.to_owned()),
            (None, Some(other)) => return Some(format!("nothing for {other}")),
            (None, None) => return Some("other ends of lines".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{difference, order};

    #[test]
    fn every_round_has_all_in_an_order_of_its_own() {
        let orders: BTreeSet<Vec<usize>> = (0..50).map(|round| order(round, 9)).collect();
        assert!(orders.len() > 45, "{}", orders.len());
        let firsts: BTreeSet<usize> = orders.iter().map(|order| order[0]).collect();
        assert_eq!(firsts.len(), 9);
        for mut order in orders {
            order.sort_unstable();
            assert!(order.into_iter().eq(0..9));
        }
        assert_eq!((order(3, 0), order(3, 1)), (vec![], vec![0]));
    }

    #[test]
    fn the_first_difference_is_told() {
        assert_eq!(difference(b"a\nb\n", b"a\nb\n"), None);
        assert_eq!(difference(b"a\nc\n", b"a\nb\n").as_deref(), Some("c"));
        assert_eq!(difference(b"a\n", b"a\nb\n").as_deref(), Some("nothing for b"));
        assert_eq!(difference(b"a\nb\nc\n", b"a\nb\n").as_deref(), Some("c"));
        assert_eq!(difference(b"a", b"a\n").as_deref(), Some("other ends of lines"));
    }
}
