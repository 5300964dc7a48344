//! Building each program by each tool: the time of a build from nothing, and of a second one after the program changed.
//!
//! A build has a folder of its own under the kept ones, with the tool's caches in it; from nothing means that the folder
//! is new. All that a tool reads is in the kernel's cache already, whichever tool comes first. What was built, and how
//! long that took, is kept beside the result, so that a later run can start it without building it again.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use snapfreeze::cache::Key;

use super::machine::{load, now};
use super::process::{Ended, RunError, run};
use super::tools::{Job, Tool, source};
use super::workloads::{Workload, packages};
use super::{PeersError, file_error};
use crate::fixtures::Fixtures;
use crate::interpreter::Interpreter;

/// What is not built a second time: longer builds than this.
const MOST_FOR_REBUILD: Duration = Duration::from_secs(180);

/// What shiv starts, as it takes functions only.
const SHIV_ENTRY: &str = include_str!("../../peers/shiv_entry.py");

/// How a build went.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Build {
    /// A hash of what it was built from and by.
    pub key: String,
    /// When.
    pub date: String,
    /// The system's load before, in which that of the builds before it is.
    pub load: f64,
    /// How long it took, or why there is no result.
    pub outcome: Result<Times, String>,
}

/// Seconds.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Times {
    /// From nothing.
    pub clean: f64,
    /// The time of all processors for that: what does not grow much beside other work.
    pub processor: f64,
    /// After a change of the program, with what the tool keeps from one build to the next. Not measured of long builds.
    pub rebuild: Option<f64>,
}

/// Builds programs.
#[derive(Debug)]
pub struct Builder<'a> {
    /// The environments.
    pub fixtures: &'a Fixtures,
    /// The interpreter that all environments are of.
    pub interpreter: &'a Interpreter,
    /// Where builds are kept.
    pub folder: PathBuf,
    /// How long a build may take.
    pub limit: Duration,
    /// The tools of which builds that are there are taken, but for those that are always timed.
    pub reused: Vec<Tool>,
}

impl Builder<'_> {
    /// The folder of a build.
    pub fn place(&self, tool: Tool, workload: &Workload) -> PathBuf {
        self.folder.join(tool.maker().name()).join(workload.name)
    }

    /// The python of the environment with the packages.
    ///
    /// # Errors
    /// When the environment cannot be made.
    pub fn programs(&self) -> Result<PathBuf, PeersError> {
        let made = self.fixtures.try_environment("workloads", &packages(), self.interpreter);
        let environment = made.map_err(|error| PeersError::Environment { tool: "the programs", error })?;
        Ok(self.interpreter.in_environment(&environment).python)
    }

    /// Builds a program, or takes the build that is there; python gets the source only.
    ///
    /// # Errors
    /// When the machine fails. A build that fails is an outcome.
    pub fn build(&self, tool: Tool, workload: &Workload) -> Result<Option<Build>, PeersError> {
        let folder = self.place(tool, workload);
        if tool == Tool::Python {
            fresh(&folder)?;
            write_sources(tool, &folder, workload, "")?;
            return Ok(None);
        }
        let programs = self.programs()?;
        let (date, load) = (now(), load());
        let python = match tool.setting().map(|setting| self.python_of(setting)).transpose() {
            Ok(own) => own.unwrap_or_else(|| programs.clone()),
            Err(error @ PeersError::Environment { .. }) => {
                let failure = error.to_string().lines().next().unwrap_or_default().to_owned();
                return Ok(Some(Build { key: String::new(), date, load, outcome: Err(failure) }));
            }
            Err(error) => return Err(error),
        };
        let mut job = Job {
            workload,
            folder: &folder,
            python: &python,
            programs: &programs,
            interpreter: &self.interpreter.python,
            snapfreeze: self.fixtures.command_path(),
            is_clean: true,
        };
        let key = self.key(tool, &job)?;
        let kept = folder.join("build.json");
        if self.reused.contains(&tool.maker())
            && !tool.is_always_built()
            && let Ok(text) = std::fs::read(&kept)
            && let Ok(build) = serde_json::from_slice::<Build>(&text)
            && build.key == key
        {
            return Ok(Some(build));
        }
        let outcome = match self.build_anew(tool, &mut job) {
            Ok(times) => Ok(times),
            Err(PeersError::Run { what, error }) => Err(format!("{what}: {error}")),
            Err(error) => return Err(error),
        };
        let build = Build { key, date, load, outcome };
        let text = serde_json::to_vec_pretty(&build)
            .map_err(|error| PeersError::Record { path: kept.clone(), error })?;
        std::fs::write(&kept, text).map_err(file_error(kept))?;
        Ok(Some(build))
    }

    /// What a build follows from: the program, the packages, the tool and its options.
    fn key(&self, tool: Tool, job: &Job) -> Result<String, PeersError> {
        let text = std::fs::read_to_string(packages()).map_err(file_error(packages()))?;
        let requirements = tool.setting().map_or("", |setting| setting.requirements);
        let command = tool.build(job);
        let options = format!("{:?}", command.get_args());
        let parts =
            [job.workload.source, &text, requirements, &options, SHIV_ENTRY, &self.interpreter.version];
        Ok(Key::of(parts.map(str::as_bytes)).short())
    }

    fn build_anew(&self, tool: Tool, job: &mut Job) -> Result<Times, PeersError> {
        let (folder, workload) = (job.folder, job.workload);
        fresh(folder)?;
        write_sources(tool, folder, workload, "")?;
        for environment in [job.python, job.programs] {
            let root = environment.parent().and_then(Path::parent).unwrap_or(environment);
            read_all(&root.join("lib"));
        }
        read_all(&self.interpreter.stdlib);
        let ended = self.run(tool, job, "the build")?;
        let program = tool.program(folder, workload);
        std::fs::metadata(&program).map_err(|error| PeersError::Run {
            what: "the build left no program".into(),
            error: RunError::System(error),
        })?;
        let mut rebuild = None;
        if ended.took < MOST_FOR_REBUILD {
            write_sources(tool, folder, workload, "\n# One line more.\n")?;
            job.is_clean = false;
            rebuild = Some(self.run(tool, job, "the second build")?.took.as_secs_f64());
        }
        let (clean, processor) = (ended.took.as_secs_f64(), ended.processor.as_secs_f64());
        Ok(Times { clean, processor, rebuild })
    }

    fn run(&self, tool: Tool, job: &Job, what: &str) -> Result<Ended, PeersError> {
        let ended = run(&mut tool.build(job), self.limit);
        if let Ok(ended) = &ended {
            let path = job.folder.join("build.log");
            std::fs::write(&path, [ended.stdout.as_slice(), &ended.stderr].concat())
                .map_err(file_error(path))?;
        }
        ended.and_then(Ended::succeeded).map_err(|error| PeersError::Run { what: what.into(), error })
    }

    /// The python of a tool's environment.
    fn python_of(&self, setting: super::tools::Setting) -> Result<PathBuf, PeersError> {
        let text = if setting.has_packages {
            let packages = std::fs::read_to_string(packages()).map_err(file_error(packages()))?;
            format!("{packages}{}", setting.requirements)
        } else {
            setting.requirements.to_owned()
        };
        let file = self.folder.join(format!("{}.txt", setting.name));
        write_file(&file, &text)?;
        let name = format!("peers-{}", setting.name);
        let made = self.fixtures.try_environment(&name, &file, self.interpreter);
        let environment = made.map_err(|error| PeersError::Environment { tool: setting.name, error })?;
        Ok(self.interpreter.in_environment(&environment).python)
    }
}

/// A new empty folder.
pub(super) fn fresh(folder: &Path) -> Result<(), PeersError> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(file_error(folder)(error)),
        _ => std::fs::create_dir_all(folder).map_err(file_error(folder)),
    }
}

fn write_sources(tool: Tool, folder: &Path, workload: &Workload, more: &str) -> Result<(), PeersError> {
    let text = format!("{}{more}", workload.source);
    if tool == Tool::Shiv {
        write_file(&folder.join("stage/program.py"), &text)?;
        write_file(&folder.join("stage/entry.py"), SHIV_ENTRY)?;
    }
    write_file(&source(folder, workload), &text)
}

fn write_file(path: &Path, text: &str) -> Result<(), PeersError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(file_error(folder))?;
    }
    let mut file = File::create(path).map_err(file_error(path))?;
    file.write_all(text.as_bytes()).map_err(file_error(path))
}

/// Has the kernel read all files of a folder, so that no build is the one that waits for the disk.
fn read_all(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            read_all(&entry.path());
        } else if kind.is_file()
            && let Ok(mut file) = File::open(entry.path())
        {
            // What cannot be read, the build will say.
            let _ = std::io::copy(&mut file, &mut std::io::sink());
        }
    }
}

/// Bytes of a file, or of all files of a folder; a link counts as the length of its path.
///
/// # Errors
/// When something cannot be read.
pub fn size(path: &Path) -> Result<u64, PeersError> {
    let data = std::fs::symlink_metadata(path).map_err(file_error(path))?;
    if !data.is_dir() {
        return Ok(data.len());
    }
    let mut sum = 0;
    for entry in std::fs::read_dir(path).map_err(file_error(path))? {
        sum += size(&entry.map_err(file_error(path))?.path())?;
    }
    Ok(sum)
}
