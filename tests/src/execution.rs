//! Running programs: always with a time limit, always with an environment that the test has chosen.

use std::ffi::OsStr;
use std::fmt;
use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// How long a program may run, unless a test says otherwise. Generous: the machine may be busy.
pub const TIME_LIMIT: Duration = Duration::from_secs(120);

/// What a program did.
#[derive(Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Its exit code, if it exited.
    pub code: Option<i32>,
    /// The signal that ended it, if one did.
    pub signal: Option<i32>,
    /// What it printed.
    pub stdout: Vec<u8>,
    /// What it complained.
    pub stderr: Vec<u8>,
}

impl Outcome {
    /// Its output as text.
    pub fn out(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Its error output as text.
    pub fn err(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// Itself, when the program exited with 0.
    ///
    /// # Panics
    /// When it did not.
    #[track_caller]
    pub fn succeeded(self, what: &str) -> Self {
        assert!(self.code == Some(0), "{what} failed: {self:?}");
        self
    }
}

impl fmt::Debug for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code, self.signal) {
            (Some(code), _) => write!(formatter, "exit code {code}")?,
            (None, signal) => write!(formatter, "signal {signal:?}")?,
        }
        write!(formatter, "\n--- stdout\n{}--- stderr\n{}---", self.out(), self.err())
    }
}

/// Compares what the frozen program did with what the interpreter did.
///
/// # Panics
/// When they differ.
#[track_caller]
pub fn assert_same(frozen: &Outcome, python: &Outcome) {
    assert!(frozen == python, "they differ.\n=== frozen: {frozen:?}\n=== python: {python:?}");
}

/// A command with nothing in its environment but PATH, HOME and a UTF-8 locale.
pub fn plain_command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("LC_ALL", "C.UTF-8");
    for name in ["PATH", "HOME"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}

/// Python with a script and arguments, as [`plain_command`]; it leaves no bytecode beside the sources.
pub fn python_command(python: &Path) -> Command {
    let mut command = plain_command(python);
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// Runs a command to its end, with nothing on its stdin.
///
/// # Panics
/// When it cannot be started, or runs longer than [`TIME_LIMIT`].
#[track_caller]
pub fn execute(command: &mut Command) -> Outcome {
    execute_within(command, TIME_LIMIT, b"")
}

/// Runs a command to its end with `input` on its stdin.
///
/// # Panics
/// When it cannot be started, or runs longer than `limit`; it is killed then, with its children.
#[track_caller]
pub fn execute_within(command: &mut Command, limit: Duration, input: &[u8]) -> Outcome {
    let name = format!("{command:?}");
    let mut running = Running::start(command);
    if let Some(mut stdin) = running.child.stdin.take() {
        // A program need not read its input; a broken pipe is no failure. Inputs are smaller than a pipe holds.
        let _ = stdin.write_all(input);
    }
    running.end(limit).unwrap_or_else(|outcome| panic!("{name} ran longer than {limit:?}: {outcome:?}"))
}

/// A program in the course of running, in a process group of its own. Dropped, it is killed with its children.
#[derive(Debug)]
pub struct Running {
    /// The process.
    pub child: Child,
    stdout: Heard,
    stderr: Heard,
}

impl Running {
    /// Starts a program. Where the command says nothing of them, its standard streams are pipes.
    ///
    /// # Panics
    /// When it cannot be started.
    #[track_caller]
    pub fn start(command: &mut Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let started = Instant::now();
        let mut child = loop {
            match command.spawn() {
                Ok(child) => break child,
                // Another thread has forked while this one had the new executable open for writing; that child keeps
                // the descriptor until its exec.
                Err(error)
                    if error.raw_os_error() == Some(libc::ETXTBSY)
                        && started.elapsed() < Duration::from_secs(5) =>
                {
                    std::thread::sleep(Duration::from_millis(5));
                }
                Err(error) => panic!("cannot start {command:?}: {error}"),
            }
        };
        let stdout = Heard::from(child.stdout.take());
        let stderr = Heard::from(child.stderr.take());
        Self { child, stdout, stderr }
    }

    /// Waits until the program has written to stdout.
    ///
    /// # Panics
    /// When it ends without, or takes longer than [`TIME_LIMIT`].
    #[track_caller]
    pub fn wait_for_output(&mut self) {
        assert!(self.stdout.more(TIME_LIMIT), "no output: {:?}", self.child);
    }

    /// Waits until what the program has written to stdout ends with `text`.
    ///
    /// # Panics
    /// When it ends without, or writes nothing for longer than [`TIME_LIMIT`].
    #[track_caller]
    pub fn wait_for_text(&mut self, text: &str) {
        while !self.stdout.all.ends_with(text.as_bytes()) {
            self.wait_for_output();
        }
    }

    /// Sends a signal to the program, not to its children.
    pub fn signal(&self, signal: i32) {
        send(self.process(), signal);
    }

    /// Waits for the program's end.
    ///
    /// # Errors
    /// When it runs longer; it is killed then.
    pub fn end(mut self, limit: Duration) -> Result<Outcome, Outcome> {
        drop(self.child.stdin.take());
        let started = Instant::now();
        let mut pause = Duration::from_micros(200);
        let in_time = loop {
            match self.child.try_wait() {
                Ok(Some(_)) => break true,
                _ if started.elapsed() > limit => break false,
                _ => std::thread::sleep(pause),
            }
            pause = (pause * 2).min(Duration::from_millis(5));
        };
        if !in_time {
            send(-self.process(), libc::SIGKILL);
        }
        let status = self.child.wait().ok();
        let outcome = Outcome {
            code: status.and_then(|status| status.code()),
            signal: status.and_then(|status| status.signal()),
            stdout: self.stdout.all(),
            stderr: self.stderr.all(),
        };
        if in_time { Ok(outcome) } else { Err(outcome) }
    }

    fn process(&self) -> i32 {
        self.child.id().cast_signed()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            send(-self.process(), libc::SIGKILL);
            let _ = self.child.wait();
        }
    }
}

/// Kills a child that leads a process group, and the group. It must not have been waited for.
pub(crate) fn kill_group(child: &Child) {
    send(-child.id().cast_signed(), libc::SIGKILL);
}

fn send(process: i32, signal: i32) {
    // SAFETY: kill takes two numbers and touches no memory. The child has not been waited for, so that its number,
    // which is that of its group too, is its own.
    unsafe { libc::kill(process, signal) };
}

/// Takes back that signals are ignored: where tests run in the background of a shell, SIGINT is, and all programs would
/// inherit that.
pub fn hear_signals() {
    for signal in [libc::SIGINT, libc::SIGQUIT, libc::SIGHUP] {
        // SAFETY: no handler of ours is set, and the default needs none.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}

/// What a program writes to a stream, read on a thread of its own.
#[derive(Debug)]
struct Heard {
    pieces: mpsc::Receiver<Vec<u8>>,
    all: Vec<u8>,
}

impl Heard {
    fn from(stream: Option<impl Read + Send + 'static>) -> Self {
        let (sender, pieces) = mpsc::channel();
        std::thread::spawn(move || {
            let Some(mut stream) = stream else { return };
            let mut piece = vec![0; 1 << 16];
            loop {
                match stream.read(&mut piece) {
                    Ok(length @ 1..) if sender.send(piece[..length].to_vec()).is_ok() => {}
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                    _ => return,
                }
            }
        });
        Self { pieces, all: Vec::new() }
    }

    /// Waits for the next piece. False at the end, or when there is none within the limit.
    fn more(&mut self, limit: Duration) -> bool {
        match self.pieces.recv_timeout(limit) {
            Ok(piece) => self.all.extend(piece),
            Err(_) => return false,
        }
        true
    }

    /// Everything. A grandchild may hold the pipe open; what it says later is not waited for.
    fn all(&mut self) -> Vec<u8> {
        while self.more(Duration::from_secs(10)) {}
        std::mem::take(&mut self.all)
    }
}
