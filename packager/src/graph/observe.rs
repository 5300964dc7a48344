//! Finds out what extension modules import, by importing them and watching.
//!
//! Purpose: no source shows what C code imports, and Cython since 3.2 compresses the strings that would. So each
//! extension is imported once by the target interpreter, in a process of its own kind
//! (`python/observe_extensions.py` says how it is watched).
//!
//! Input: an interpreter, the `sys.path` of the program, the extensions of one distribution.
//! Output: for every extension asked about, the modules it imported and, if its import failed, why.
//! For those that failed, [`strings_that_look_like_modules`] reads names out of the file.
//!
//! Invariants:
//! - Extensions run foreign code. It gets an empty temporary folder, no input, no terminal, no display, and a process
//!   group of its own, which is killed as a whole when time is up; it also ends itself if the packager is gone.
//! - One bad extension costs its own record only: after a crash or a hang a new process takes the rest. As long as
//!   others wait, one may take half of the remaining time at most.
//! - The whole call takes no longer than the time limit, and a moment for killing.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::interrupt::{self, Registered};

pub(super) const HELPER: &str = include_str!("../../python/observe_extensions.py");
/// Below this no new process is started: an interpreter takes tens of milliseconds to begin with.
const SHORTEST_RUN: Duration = Duration::from_millis(100);
/// Longest pause between two looks at the records.
const LONGEST_PAUSE: Duration = Duration::from_millis(16);
const TIME_UP: &str = "timed out";

/// What is known of one extension.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Observation {
    /// Modules imported while this extension's create and exec ran and present afterwards; sorted, without itself
    /// and its own parents. After a failed import: those seen until then.
    pub imports: Vec<String>,
    /// Why the import failed or never happened, in one line.
    pub failed: Option<String>,
}

/// Extensions to observe together in one process.
#[derive(Debug, Clone, Copy)]
pub struct ObserveRequest<'a> {
    /// The target interpreter.
    pub python: &'a Path,
    /// `sys.path` as the program would see it.
    pub sys_path: &'a [String],
    /// Finders other than the standard ones exist: let `site` install them.
    pub needs_site: bool,
    /// Dotted names of the extensions, usually those of one distribution.
    pub modules: &'a [String],
    /// Import each extension in a process of its own, so that no record depends on the others. Quick for the standard
    /// library; the extensions of a package bring each other along, mostly.
    pub isolate: bool,
    /// For all extensions together, restarts included.
    pub time_limit: Duration,
    /// Where the interpreter may cache bytecode (`-X pycache_prefix`); it writes none without.
    pub pycache_prefix: Option<&'a Path>,
}

/// Why nothing could be observed. What an extension does wrong is in its [`Observation`] instead.
#[derive(Debug, thiserror::Error)]
pub enum ObserveError {
    /// The temporary folder could not be made, filled or read, or the process not waited for.
    #[error("cannot observe extension modules in a temporary folder")]
    System(#[source] io::Error),
    /// The interpreter could not be executed.
    #[error("cannot run the Python interpreter {}", python.display())]
    Start {
        /// The interpreter.
        python: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The interpreter ended before it imported the first extension.
    #[error("the Python interpreter {} does not start: {reason}", python.display())]
    NotReady {
        /// The interpreter.
        python: PathBuf,
        /// How it ended, and its last words.
        reason: String,
    },
}

/// Imports `request.modules` in order and tells what each imported; the result has an entry for every one.
///
/// # Errors
/// When no process could be started at all.
pub fn observe(request: &ObserveRequest<'_>) -> Result<BTreeMap<String, Observation>, ObserveError> {
    let deadline = Instant::now() + request.time_limit;
    let folder = tempfile::tempdir().map_err(ObserveError::System)?;
    let _registered = interrupt::path(folder.path());
    fs::write(folder.path().join("observe_extensions.py"), HELPER).map_err(ObserveError::System)?;

    let mut observations = BTreeMap::new();
    let mut remaining: Vec<&str> = request.modules.iter().map(String::as_str).collect();
    while !remaining.is_empty() {
        if deadline.saturating_duration_since(Instant::now()) < SHORTEST_RUN {
            break;
        }
        let mut run = Run::start(request, &remaining, folder.path(), deadline)?;
        let end = run.watch(&remaining)?;
        let culprit = run.current.take();
        observations.append(&mut run.observations);
        match (end, culprit) {
            (RunEnd::Complete, _) | (RunEnd::TimeUp, None) => break,
            (RunEnd::Died(reason), None) => {
                return Err(ObserveError::NotReady { python: request.python.to_path_buf(), reason });
            }
            (RunEnd::TimeUp, Some(name)) => {
                observations.insert(name, Observation::failed(TIME_UP.to_owned()));
            }
            (RunEnd::Died(reason), Some(name)) => {
                observations.insert(name, Observation::failed(format!("the interpreter died: {reason}")));
            }
        }
        remaining.retain(|name| !observations.contains_key(*name));
    }
    for name in request.modules {
        observations
            .entry(name.clone())
            .or_insert_with(|| Observation::failed("not tried: time was up before its turn".to_owned()));
    }
    Ok(observations)
}

impl Observation {
    fn failed(reason: String) -> Self {
        Observation { imports: Vec::new(), failed: Some(reason) }
    }
}

/// How one process ended.
enum RunEnd {
    Complete,
    TimeUp,
    Died(String),
}

/// One process of the helper and what it has recorded so far.
struct Run {
    process: Child,
    /// Its group, killed when this process is ended.
    registered: Option<Registered>,
    reaped: bool,
    deadline: Instant,
    records: File,
    /// Bytes of the records after the last complete line.
    partial_line: Vec<u8>,
    stderr: PathBuf,
    observations: BTreeMap<String, Observation>,
    /// The extension being imported.
    current: Option<String>,
    complete: bool,
}

impl Run {
    fn start(
        request: &ObserveRequest<'_>,
        modules: &[&str],
        folder: &Path,
        deadline: Instant,
    ) -> Result<Run, ObserveError> {
        // A run of its own: leftovers of an earlier one cannot write into the records of this one.
        let folder = tempfile::tempdir_in(folder).map_err(ObserveError::System)?.keep();
        let (records, stderr, working) = (folder.join("records"), folder.join("stderr"), folder.join("cwd"));
        let prepare = || {
            fs::write(folder.join("request"), encode_request(request, modules, deadline))?;
            fs::create_dir(&working)?;
            Ok((File::create(&stderr)?, File::create_new(&records).and_then(|_| File::open(&records))?))
        };
        let (stderr_file, records_file) = prepare().map_err(ObserveError::System)?;

        let mut command = Command::new(request.python);
        command.arg("-I").args(["-X", "utf8"]);
        if !request.needs_site {
            command.arg("-S");
        }
        match request.pycache_prefix {
            Some(prefix) => {
                let mut option = std::ffi::OsString::from("pycache_prefix=");
                option.push(prefix);
                command.arg("-X").arg(option);
            }
            None => {
                command.arg("-B");
            }
        }
        command.arg(folder.with_file_name("observe_extensions.py")).arg(folder.join("request")).arg(&records);
        command
            .current_dir(&working)
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY")
            .env("MPLBACKEND", "Agg");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr_file);
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let process = command
            .spawn()
            .map_err(|source| ObserveError::Start { python: request.python.to_path_buf(), source })?;
        let registered = interrupt::group(process.id());
        Ok(Run {
            process,
            registered,
            reaped: false,
            deadline,
            records: records_file,
            partial_line: Vec::new(),
            stderr,
            observations: BTreeMap::new(),
            current: None,
            complete: false,
        })
    }

    /// Follows the records until the process ends or `modules` have had their time.
    fn watch(&mut self, modules: &[&str]) -> Result<RunEnd, ObserveError> {
        let mut last_progress = Instant::now();
        let mut pause = Duration::from_millis(1);
        loop {
            // In this order: what was written before the end is read after it.
            let ended = self.process.try_wait().map_err(ObserveError::System)?;
            self.reaped = ended.is_some();
            if self.reaped {
                self.registered = None;
            }
            let progress = self.read_records().map_err(ObserveError::System)?;
            if self.complete {
                return Ok(RunEnd::Complete);
            }
            if let Some(status) = ended {
                return Ok(RunEnd::Died(self.obituary(status)));
            }
            let now = Instant::now();
            if progress {
                last_progress = now;
                pause = Duration::from_millis(1);
            }
            let left = self.deadline.saturating_duration_since(last_progress);
            let others_wait = modules.len() > self.observations.len() + 1;
            let allowed = if others_wait { left / 2 } else { left };
            if now.duration_since(last_progress) >= allowed {
                return Ok(RunEnd::TimeUp);
            }
            thread::sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Takes in the complete lines written since the last call; whether there were any.
    fn read_records(&mut self) -> io::Result<bool> {
        self.records.read_to_end(&mut self.partial_line)?;
        let Some(end) = self.partial_line.iter().rposition(|&byte| byte == b'\n') else {
            return Ok(false);
        };
        let rest = self.partial_line.split_off(end + 1);
        let lines = std::mem::replace(&mut self.partial_line, rest);
        for line in String::from_utf8_lossy(&lines).lines() {
            self.take_record(line);
        }
        Ok(true)
    }

    fn take_record(&mut self, line: &str) {
        let mut fields = line.split('\t');
        match (fields.next(), fields.next(), fields.next(), fields.next()) {
            (Some("start"), Some(name), None, None) => self.current = Some(name.to_owned()),
            (Some("done"), Some(name), Some(reason), Some(modules)) => {
                let imports = modules.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
                let failed = (!reason.is_empty()).then(|| reason.to_owned());
                self.observations.insert(name.to_owned(), Observation { imports, failed });
                self.current = None;
            }
            (Some("end"), None, None, None) => self.complete = true,
            // Only an extension that writes into the records could be the author.
            _ => {}
        }
    }

    /// How the process ended, and the last line of its standard error.
    fn obituary(&self, status: ExitStatus) -> String {
        let stderr = fs::read(&self.stderr).unwrap_or_default();
        let tail = stderr.get(stderr.len().saturating_sub(4096)..).unwrap_or_default();
        let text = String::from_utf8_lossy(tail);
        match text.lines().map(str::trim).rfind(|line| !line.is_empty()) {
            // Whatever it is, it must not steer the terminal it will be shown on.
            Some(words) => format!("{status}: {}", words.replace(char::is_control, " ")),
            None => status.to_string(),
        }
    }
}

impl Drop for Run {
    /// Until it is reaped, the process's number cannot belong to anybody else: killing its group is safe.
    fn drop(&mut self) {
        if self.reaped {
            return;
        }
        #[cfg(unix)]
        {
            let group = self.process.id().to_string();
            let mut kill = Command::new("/bin/sh");
            kill.args(["-c", "kill -s KILL -- \"-$1\"", "sh", &group]);
            // Fails only when the group is gone, having killed itself at its end.
            let _ = kill.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The request file of the helper, which describes it.
fn encode_request(request: &ObserveRequest<'_>, modules: &[&str], deadline: Instant) -> Vec<u8> {
    let seconds = deadline.saturating_duration_since(Instant::now()).as_secs().saturating_add(2);
    let isolate = if request.isolate { "1" } else { "0" };
    let head =
        [isolate.to_owned(), seconds.min(i32::MAX as u64).to_string(), request.sys_path.len().to_string()];
    let fields = head.iter().chain(request.sys_path).map(String::as_str).chain(modules.iter().copied());
    fields.collect::<Vec<_>>().join("\0").into_bytes()
}

/// Strings of an extension file that have the form of a module name: identifiers joined by dots, ASCII only.
///
/// For extensions that cannot be observed. The strings are NUL-terminated ones of an ELF file's read-only data, or
/// of the whole file in other formats; most are no modules, so the caller keeps those that resolve. Not found are
/// names in compressed or unterminated strings (Cython since 3.2, Rust), and those that the linker stored as
/// the tail of a longer string.
pub fn strings_that_look_like_modules(file: &[u8]) -> Vec<String> {
    let sections = read_only_sections(file).unwrap_or_else(|| vec![file]);
    let mut names: Vec<String> = sections
        .into_iter()
        .flat_map(|section| section.split_inclusive(|&byte| byte == 0))
        .filter_map(|string| string.strip_suffix(&[0]))
        .filter_map(|string| string.rsplit(|byte| !(b' '..=b'~').contains(byte)).next())
        .filter(|string| (2..=255).contains(&string.len()))
        .filter_map(|string| std::str::from_utf8(string).ok())
        .filter(|string| string.split('.').all(is_identifier))
        .map(str::to_owned)
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn is_identifier(part: &str) -> bool {
    part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && part.bytes().next().is_some_and(|byte| !byte.is_ascii_digit())
}

/// Contents of the ELF sections that are loaded, and neither writable nor executable (gABI, "Sections"); `None` if
/// this is not an ELF file with a usable section table.
fn read_only_sections(file: &[u8]) -> Option<Vec<&[u8]>> {
    const SHT_PROGBITS: u64 = 1;
    const SHF_WRITE_ALLOC_EXECINSTR: u64 = 0b111;
    const SHF_ALLOC: u64 = 0b010;

    let ident = file.get(..16)?;
    let (wide, big_endian) = (ident[4] == 2, ident[5] == 2);
    if !ident.starts_with(b"\x7fELF") {
        return None;
    }
    let number = |offset: usize, size: usize| -> Option<u64> {
        let bytes = file.get(offset..offset.checked_add(size)?)?;
        let join = |number: u64, &byte: &u8| number << 8 | u64::from(byte);
        Some(if big_endian { bytes.iter().fold(0, join) } else { bytes.iter().rev().fold(0, join) })
    };
    let word = if wide { 8 } else { 4 };
    let table = usize::try_from(number(if wide { 0x28 } else { 0x20 }, word)?).ok()?;
    let entry_size = usize::try_from(number(if wide { 0x3a } else { 0x2e }, 2)?).ok()?;
    let count = usize::try_from(number(if wide { 0x3c } else { 0x30 }, 2)?).ok()?;
    let mut sections = Vec::new();
    for index in 0..count {
        let header = table.checked_add(index.checked_mul(entry_size)?)?;
        let field = |narrow: usize, at_wide: usize| {
            number(header.checked_add(if wide { at_wide } else { narrow })?, word)
        };
        let loaded = field(8, 8)? & SHF_WRITE_ALLOC_EXECINSTR == SHF_ALLOC;
        if loaded && number(header.checked_add(4)?, 4)? == SHT_PROGBITS {
            let offset = usize::try_from(field(0x10, 0x18)?).ok()?;
            let size = usize::try_from(field(0x14, 0x20)?).ok()?;
            sections.push(file.get(offset..offset.checked_add(size)?)?);
        }
    }
    (!sections.is_empty()).then_some(sections)
}

#[cfg(test)]
#[path = "observe_tests.rs"]
mod tests;
