//! Compiles sources with the target interpreter itself, in a pool of long-lived processes.
//!
//! Purpose: only the target's own compiler makes the target's bytecode. Starting it once for each of thousands of
//! files would take minutes, so a few processes stay and take one source after the other.
//!
//! Input: the interpreter, a number of processes, sources as bytes (PEP 263 cookies are the compiler's business).
//! Output: for each source marshalled code, a syntax error with its place, or the reason why the compiler gave up.
//!
//! Invariants:
//! - Results come in the order of the jobs and depend on nothing but source, optimisation level and interpreter:
//!   the worker (`python/compile_worker.py`) runs isolated and never learns a path.
//! - Nothing a worker prints reaches the terminal: standard error goes to an unnamed file, read only when the
//!   worker dies.
//! - A process ends when its standard input does: no worker outlives the packager, however that ends. Dropping
//!   [`Workers`] ends and reaps all of them.
//! - A worker that dies ends the whole batch with an error naming the file; the next batch starts a new one.
//!
//! A frame is a little-endian u64 length and that many bytes; the first byte is the kind.
//!
//! | direction | kind | then |
//! |---|---|---|
//! | request | `c` compile | optimisation level (one byte), source |
//! | request | `h` source hash | source |
//! | reply | `R` ready | nothing; sent once, at the start |
//! | reply | `C` code | marshalled code object |
//! | reply | `S` syntax error | line, column, message length (u32 each, 0 = unknown), message, then `T` and the text if known |
//! | reply | `F` failed | message |
//! | reply | `H` source hash | eight bytes |

use std::cmp::Reverse;
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::Duration;

const WORKER: &str = include_str!("../../python/compile_worker.py");
/// Bytes of a dead worker's standard error that are looked at, from the end.
const STDERR_TAIL: i64 = 4096;

/// One source to compile.
#[derive(Debug, Clone)]
pub struct CompileJob {
    /// The file's bytes as they are on disk.
    pub source: Vec<u8>,
    /// The path for messages; the compiler does not see it.
    pub display: String,
}

/// What became of a [`CompileJob`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CompileOutcome {
    /// The marshalled code object, with a placeholder for `co_filename`.
    Code(Vec<u8>),
    /// The source is not valid Python for this interpreter.
    Syntax(SyntaxProblem),
    /// The compiler gave up for another reason: `RecursionError`, `MemoryError`, in older versions
    /// null bytes.
    Failed(String),
}

/// A `SyntaxError`, or one of its subclasses, as the target interpreter describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxProblem {
    /// Without the name of the exception.
    pub message: String,
    /// Counted from 1.
    pub line: Option<u32>,
    /// Counted from 1, in characters of `text`.
    pub column: Option<u32>,
    /// The line in question, without its end.
    pub text: Option<String>,
}

/// Why a batch could not be finished. Nothing here is about the sources' content.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The interpreter could not be executed.
    #[error("cannot run the Python interpreter {}", python.display())]
    Start {
        /// The interpreter.
        python: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The interpreter ended before it was ready for the first source.
    #[error("the Python interpreter {} does not start: {reason}", python.display())]
    NotReady {
        /// The interpreter.
        python: PathBuf,
        /// How it ended, and its last words.
        reason: String,
    },
    /// The interpreter crashed, or was killed, over a source.
    #[error("the Python interpreter died while compiling {file}: {reason}")]
    Died {
        /// The job's `display`.
        file: String,
        /// How it ended, and its last words.
        reason: String,
    },
    /// A reply that no worker sends.
    #[error("the Python interpreter gave an unreadable answer for {file}")]
    Garbled {
        /// The job's `display`.
        file: String,
    },
}

/// A pool of compiling interpreters, started when first needed. May be used from several threads at once.
#[derive(Debug)]
pub struct Workers {
    python: PathBuf,
    slots: Vec<Mutex<Option<Worker>>>,
}

impl Workers {
    /// A pool of at most `processes` (at least one) processes of `python`. Starts none yet.
    pub fn new(python: &Path, processes: usize) -> Self {
        let slots = (0..processes.max(1)).map(|_| Mutex::new(None)).collect();
        Workers { python: python.to_path_buf(), slots }
    }

    /// Compiles all `jobs` at one optimisation level (0, 1 or 2); the n-th outcome belongs to the n-th job.
    ///
    /// Sources go largest first to whichever process is free, so that no long one is left for the end.
    ///
    /// # Errors
    /// When an interpreter does not start or dies; of several, the error of the first file in the order of work.
    pub fn compile_all(
        &self,
        jobs: Vec<CompileJob>,
        optimize: u8,
    ) -> Result<Vec<CompileOutcome>, WorkerError> {
        self.compile_each(jobs, optimize, &|| {})
    }

    /// As [`Workers::compile_all`]; `done` is called after each job, on the thread that has done it.
    ///
    /// # Errors
    /// As [`Workers::compile_all`].
    pub fn compile_each(
        &self,
        jobs: Vec<CompileJob>,
        optimize: u8,
        done: &(dyn Fn() + Sync),
    ) -> Result<Vec<CompileOutcome>, WorkerError> {
        let mut order: Vec<usize> = (0..jobs.len()).collect();
        order.sort_by_key(|&job| Reverse(jobs[job].source.len()));
        let queue =
            Queue { jobs: &jobs, order: &order, next: AtomicUsize::new(0), stop: AtomicBool::new(false) };

        let results = thread::scope(|scope| {
            let threads: Vec<_> = self
                .slots
                .iter()
                .take(jobs.len())
                .map(|slot| scope.spawn(|| self.work_through(slot, &queue, optimize, done)))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect::<Vec<_>>()
        });

        let mut done = Vec::with_capacity(jobs.len());
        let mut first_error: Option<(usize, WorkerError)> = None;
        for result in results {
            match result {
                Ok(outcomes) => done.extend(outcomes),
                Err(error) if first_error.as_ref().is_none_or(|first| error.0 < first.0) => {
                    first_error = Some(error);
                }
                Err(_) => {}
            }
        }
        if let Some((_, error)) = first_error {
            return Err(error);
        }
        done.sort_unstable_by_key(|&(job, _)| job);
        Ok(done.into_iter().map(|(_, outcome)| outcome).collect())
    }

    /// The target's `importlib.util.source_hash` of `source`, for hash-based cache files; `display` is for messages.
    ///
    /// # Errors
    /// As [`Workers::compile_all`].
    pub fn source_hash(&self, source: &[u8], display: &str) -> Result<[u8; 8], WorkerError> {
        self.with_worker(&mut self.any_slot(), |worker| {
            let reply = worker.ask(&[b"h"], source).map_err(|error| worker.died(display, &error))?;
            reply
                .strip_prefix(b"H")
                .and_then(|hash| hash.try_into().ok())
                .ok_or_else(|| WorkerError::Garbled { file: display.to_owned() })
        })
    }

    /// Takes jobs off the queue until it is empty or somebody failed. An error carries its place in the queue.
    fn work_through(
        &self,
        slot: &Mutex<Option<Worker>>,
        queue: &Queue<'_>,
        optimize: u8,
        done: &(dyn Fn() + Sync),
    ) -> Result<Vec<(usize, CompileOutcome)>, (usize, WorkerError)> {
        let mut slot = lock(slot);
        let mut outcomes = Vec::new();
        while let Some((place, index, job)) = queue.take() {
            let outcome = self
                .with_worker(&mut slot, |worker| compile(worker, job, optimize))
                .inspect_err(|_| queue.stop.store(true, Ordering::Relaxed))
                .map_err(|error| (place, error))?;
            outcomes.push((index, outcome));
            done();
        }
        Ok(outcomes)
    }

    /// Runs `action` with the slot's worker, started if there is none; after an error the slot is empty.
    fn with_worker<T>(
        &self,
        slot: &mut Option<Worker>,
        action: impl FnOnce(&mut Worker) -> Result<T, WorkerError>,
    ) -> Result<T, WorkerError> {
        let mut worker = match slot.take() {
            Some(worker) => worker,
            None => Worker::start(&self.python)?,
        };
        let value = action(&mut worker)?;
        *slot = Some(worker);
        Ok(value)
    }

    /// A slot nobody uses, or else the first.
    fn any_slot(&self) -> MutexGuard<'_, Option<Worker>> {
        let free = self.slots.iter().find_map(|slot| match slot.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        });
        free.unwrap_or_else(|| lock(&self.slots[0]))
    }
}

/// A panic of another thread leaves its slot empty, which is a valid state: poisoning says nothing here.
fn lock(slot: &Mutex<Option<Worker>>) -> MutexGuard<'_, Option<Worker>> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The jobs of one batch, shared by the threads that feed the workers.
struct Queue<'a> {
    jobs: &'a [CompileJob],
    order: &'a [usize],
    next: AtomicUsize,
    stop: AtomicBool,
}

impl<'a> Queue<'a> {
    /// The next job: its place in the queue, its index in the batch, itself.
    fn take(&self) -> Option<(usize, usize, &'a CompileJob)> {
        if self.stop.load(Ordering::Relaxed) {
            return None;
        }
        let place = self.next.fetch_add(1, Ordering::Relaxed);
        let index = *self.order.get(place)?;
        Some((place, index, self.jobs.get(index)?))
    }
}

/// One interpreter process that runs `compile_worker.py`.
#[derive(Debug)]
struct Worker {
    process: Child,
    requests: BufWriter<ChildStdin>,
    replies: ChildStdout,
    stderr: Option<File>,
}

impl Worker {
    /// Starts the process and waits until it is ready, so that a broken interpreter is not blamed on a source.
    fn start(python: &Path) -> Result<Self, WorkerError> {
        let cannot_run = |source| WorkerError::Start { python: python.to_path_buf(), source };
        let stderr = tempfile::tempfile().ok();
        let stderr_for_child = stderr.as_ref().and_then(|file| file.try_clone().ok());
        let mut process = Command::new(python)
            .args(["-I", "-S", "-E", "-B", "-X", "utf8", "-c", WORKER])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr_for_child.map_or_else(Stdio::null, Stdio::from))
            .spawn()
            .map_err(cannot_run)?;
        let (Some(stdin), Some(replies)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(cannot_run(io::Error::other("no pipes")));
        };
        let mut worker = Worker { process, requests: BufWriter::new(stdin), replies, stderr };
        match worker.read_reply() {
            Ok(reply) if reply == b"R" => Ok(worker),
            Ok(_) => Err(WorkerError::NotReady {
                python: python.to_path_buf(),
                reason: "it does not answer as CPython does".to_owned(),
            }),
            Err(error) => {
                Err(WorkerError::NotReady { python: python.to_path_buf(), reason: worker.obituary(&error) })
            }
        }
    }

    /// Sends one request, whose body is `head` and `source`, and waits for the reply.
    fn ask(&mut self, head: &[&[u8]], source: &[u8]) -> io::Result<Vec<u8>> {
        let length = head.iter().map(|part| part.len()).sum::<usize>() + source.len();
        self.requests.write_all(&(length as u64).to_le_bytes())?;
        for part in head {
            self.requests.write_all(part)?;
        }
        self.requests.write_all(source)?;
        self.requests.flush()?;
        self.read_reply()
    }

    fn read_reply(&mut self) -> io::Result<Vec<u8>> {
        let mut header = [0; 8];
        self.replies.read_exact(&mut header)?;
        let length = u64::from_le_bytes(header);
        // No allocation by the header's word alone.
        let mut reply = Vec::new();
        self.replies.by_ref().take(length).read_to_end(&mut reply)?;
        if reply.len() as u64 == length { Ok(reply) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    fn died(&mut self, file: &str, error: &io::Error) -> WorkerError {
        WorkerError::Died { file: file.to_owned(), reason: self.obituary(error) }
    }

    /// How the process ended, and the last line it left on standard error. `error` is what was noticed of it.
    fn obituary(&mut self, error: &io::Error) -> String {
        // It has closed a pipe, so it is ending, if only after its core dump; or it is out of order.
        let status = (0..100).find_map(|_| {
            let status = self.process.try_wait().ok().flatten();
            if status.is_none() {
                thread::sleep(Duration::from_millis(10));
            }
            status
        });
        let how = status.map_or_else(|| error.to_string(), |status| status.to_string());
        match self.last_words() {
            Some(words) => format!("{how}: {words}"),
            None => how,
        }
    }

    fn last_words(&mut self) -> Option<String> {
        let file = self.stderr.as_mut()?;
        let length = i64::try_from(file.metadata().ok()?.len()).ok()?;
        file.seek(SeekFrom::End(-length.min(STDERR_TAIL))).ok()?;
        let mut tail = Vec::new();
        file.read_to_end(&mut tail).ok()?;
        let text = String::from_utf8_lossy(&tail);
        text.lines()
            .map(str::trim)
            .rfind(|line| !line.is_empty())
            .map(|line| line.replace(char::is_control, " "))
    }
}

impl Drop for Worker {
    /// The process holds nothing of value: it is ended at once, and reaped. Both fail only if it is gone already.
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn compile(worker: &mut Worker, job: &CompileJob, optimize: u8) -> Result<CompileOutcome, WorkerError> {
    let reply =
        worker.ask(&[b"c", &[optimize]], &job.source).map_err(|error| worker.died(&job.display, &error))?;
    decode_outcome(reply).ok_or_else(|| WorkerError::Garbled { file: job.display.clone() })
}

fn decode_outcome(mut reply: Vec<u8>) -> Option<CompileOutcome> {
    let (&kind, body) = reply.split_first()?;
    match kind {
        b'C' => Some(CompileOutcome::Code(reply.split_off(1))),
        b'S' => decode_syntax_problem(body).map(CompileOutcome::Syntax),
        b'F' => Some(CompileOutcome::Failed(String::from_utf8_lossy(body).into_owned())),
        _ => None,
    }
}

fn decode_syntax_problem(body: &[u8]) -> Option<SyntaxProblem> {
    let (line, body) = split_u32(body)?;
    let (column, body) = split_u32(body)?;
    let (length, body) = split_u32(body)?;
    let (message, text) = body.split_at_checked(usize::try_from(length).ok()?)?;
    Some(SyntaxProblem {
        message: String::from_utf8_lossy(message).into_owned(),
        line: (line > 0).then_some(line),
        column: (column > 0).then_some(column),
        text: text.strip_prefix(b"T").map(|text| String::from_utf8_lossy(text).into_owned()),
    })
}

fn split_u32(bytes: &[u8]) -> Option<(u32, &[u8])> {
    bytes.split_first_chunk::<4>().map(|(number, rest)| (u32::from_le_bytes(*number), rest))
}

#[cfg(test)]
#[path = "workers_tests.rs"]
pub(crate) mod tests;
