//! Compares with other tools: `cargo run --release -p snapfreeze-tests --bin peers -- [OPTION…]`.
//!
//! Each program of `peers/workloads/` is built by each tool, all are started in turns, and a complete run writes
//! `docs/benchmarks.md` with its picture. A run of some programs or tools writes its page beside its builds, or with
//! `--merge` renews the sections of its programs in the page of the last run. Environments, builds and the record are kept in
//! `target/tmp/peers`.
//!
//! The command under test is this program itself, under the name `snapfreeze`.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use snapfreeze_tests::peers::builds::Builder;
use snapfreeze_tests::peers::machine::{Machine, said_by};
use snapfreeze_tests::peers::page::{PICTURE, page};
use snapfreeze_tests::peers::picture::picture;
use snapfreeze_tests::peers::record::Record;
use snapfreeze_tests::peers::starts::{Plan, measure};
use snapfreeze_tests::peers::tools::Tool;
use snapfreeze_tests::peers::workloads::{self, Workload};
use snapfreeze_tests::peers::{PeersError, process};
use snapfreeze_tests::{Fixtures, Interpreter};

/// The name under which this program is the command under test.
const COMMAND: &str = "snapfreeze";

/// How long the benchmark of the floor may take.
const FLOOR_LIMIT: Duration = Duration::from_secs(600);

const USAGE: &str = "\
Options, lists separated by commas:
  --workload LIST     some of hello, stdlib, cli, np, web, pd
  --tool LIST         some of snapfreeze, python, pyinstaller-onefile, pyinstaller-onedir, nuitka-standalone,
                      nuitka-onefile, cx-freeze, pex, shiv
  --python VERSION    a minor version, 3.11 if it is there
  --rounds N          warm starts of each; otherwise each program has its number
  --cold-rounds N     cold starts of each, 3
  --limit MINUTES     for each build, 20
  --reuse LIST        takes kept builds of these tools; snapfreeze and PyInstaller onefile are always built
  --build-only        builds, and starts nothing
  --merge             a run of some programs, by all tools, renews their sections in the page
  --no-floor          without the benchmark of the floor";

fn main() -> ExitCode {
    let name = std::env::args_os().next().unwrap_or_default();
    if Path::new(&name).file_name() == Some(OsStr::new(COMMAND)) {
        return snapfreeze::cli::main();
    }
    let options = match Options::read(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(message) => {
            eprintln!("error: {message}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

struct Options {
    workloads: Vec<&'static Workload>,
    tools: Vec<Tool>,
    python: String,
    rounds: Option<usize>,
    cold_rounds: usize,
    limit: Duration,
    reused: Vec<Tool>,
    starts: bool,
    merges: bool,
    has_floor: bool,
}

impl Options {
    fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            workloads: workloads::ALL.iter().collect(),
            tools: Tool::ALL.to_vec(),
            python: "3.11".into(),
            rounds: None,
            cold_rounds: 3,
            limit: Duration::from_secs(20 * 60),
            reused: Vec::new(),
            starts: true,
            merges: false,
            has_floor: true,
        };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} takes a value"));
            match argument.as_str() {
                "--workload" => options.workloads = list(&value()?, workloads::named)?,
                "--tool" => options.tools = list(&value()?, Tool::named)?,
                "--python" => options.python = value()?,
                "--rounds" => options.rounds = Some(number(&value()?)?),
                "--cold-rounds" => options.cold_rounds = number(&value()?)?,
                "--limit" => options.limit = Duration::from_secs(60 * number(&value()?)? as u64),
                "--reuse" => options.reused = list(&value()?, Tool::named)?,
                "--build-only" => options.starts = false,
                "--merge" => options.merges = true,
                "--no-floor" => options.has_floor = false,
                other => return Err(format!("there is no option {other}")),
            }
        }
        options.workloads.sort_by_key(|workload| workloads::place(workload.name));
        if options.merges && !options.has_all_tools() {
            return Err("--merge is for all tools: a section is of one run".into());
        }
        Ok(options)
    }

    fn has_all_tools(&self) -> bool {
        Tool::ALL.iter().all(|tool| self.tools.contains(tool))
    }

    fn is_complete(&self) -> bool {
        self.has_all_tools() && self.workloads.len() == workloads::ALL.len() && self.has_floor
    }
}

fn list<T>(value: &str, named: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, String> {
    value.split(',').map(|name| named(name).ok_or(format!("there is no {name}"))).collect()
}

fn number(value: &str) -> Result<usize, String> {
    value.parse().map_err(|_| format!("{value} is no number"))
}

fn run(options: &Options) -> Result<(), Box<dyn std::error::Error>> {
    let target = target_folder()?.join("tmp");
    let folder = target.join("peers");
    std::fs::create_dir_all(&folder)?;
    let commands = tempfile::Builder::new().prefix("command-").tempdir_in(&folder)?;
    let command = commands.path().join(COMMAND);
    let itself = std::env::current_exe()?;
    // A link to the file rather than its name: cargo may replace that one meanwhile.
    std::fs::hard_link(&itself, &command).or_else(|_| std::fs::copy(&itself, &command).map(|_| ()))?;
    let fixtures = Fixtures::find(&command, &target);
    let interpreter = interpreter(&fixtures, &options.python)?;
    let machine = Machine::look(&interpreter, &folder);
    println!("{machine:?}");
    let builder = Builder {
        fixtures: &fixtures,
        interpreter: &interpreter,
        folder: folder.join("builds"),
        limit: options.limit,
        reused: options.reused.iter().map(|tool| tool.maker()).collect(),
    };
    if !options.starts {
        return build_all(&builder, options);
    }

    let version = version(&command);
    let plan = Plan {
        tools: &options.tools,
        rounds: options.rounds,
        cold_rounds: options.cold_rounds,
        snapfreeze: &version,
    };
    let mut sections = Vec::new();
    for workload in &options.workloads {
        sections.push(measure(&builder, workload, &plan)?);
    }
    let floor = if options.has_floor { floor() } else { Err("it was not asked for".into()) };
    let peak_floor_kib = process::run(&mut Command::new("true"), FLOOR_LIMIT)?.peak_kib;
    let mut record = Record { machine, peak_floor_kib, sections, floor };

    let kept = folder.join("record.json");
    let mut place = folder.clone();
    if options.merges {
        let mut older = Record::read(&kept)?;
        if older.machine != record.machine {
            return Err(PeersError::OtherMachine(kept, older.machine.processor).into());
        }
        older.renew(record);
        record = older;
    }
    if options.merges || options.is_complete() {
        place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
        record.write(&kept)?;
    }
    std::fs::write(place.join("benchmarks.md"), page(&record))?;
    std::fs::write(place.join(PICTURE), picture(&record))?;
    println!("{}", place.join("benchmarks.md").display());
    Ok(())
}

fn build_all(builder: &Builder, options: &Options) -> Result<(), Box<dyn std::error::Error>> {
    let makers: BTreeSet<Tool> = options.tools.iter().map(|tool| tool.maker()).collect();
    for workload in &options.workloads {
        for tool in &makers {
            let outcome = builder.build(*tool, workload)?.map(|build| build.outcome);
            println!("{:8} {:20} {outcome:?}", workload.name, tool.title());
        }
    }
    Ok(())
}

fn interpreter(fixtures: &Fixtures, minor: &str) -> Result<Interpreter, String> {
    let slot = fixtures.each().iter().find(|slot| slot.minor == minor);
    let slot = slot.ok_or(format!("CPython {minor} is none that can be frozen"))?;
    slot.found.clone().map_err(|why| format!("CPython {minor}: {why}"))
}

/// The version of the command under test, with the commit where there is one.
fn version(command: &Path) -> String {
    let version = said_by(Command::new(command).arg("--version"));
    let mut git = Command::new("git");
    git.args(["describe", "--always", "--dirty"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    format!("{version} ({})", said_by(&mut git))
}

/// What the benchmark of the floor prints.
fn floor() -> Result<String, String> {
    if !Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/floor.rs").is_file() {
        return Err("there is no such benchmark".into());
    }
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["bench", "--quiet", "-p", "snapfreeze-tests", "--bench", "floor"]);
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    let ended = process::run(&mut cargo, FLOOR_LIMIT).map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&ended.stdout).trim().to_owned();
    if said.is_empty() {
        ended.succeeded().map(|_| said).map_err(|error| error.to_string())
    } else {
        Ok(said)
    }
}

/// Cargo's target directory: this program is in `target/PROFILE`.
fn target_folder() -> Result<PathBuf, String> {
    let itself = std::env::current_exe().map_err(|error| error.to_string())?;
    let folder = itself.parent().and_then(Path::parent);
    folder.map(Path::to_owned).ok_or_else(|| format!("{} is not in cargo's target folder", itself.display()))
}
