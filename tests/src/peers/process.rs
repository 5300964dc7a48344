//! One run of a program, measured: a command comes in, its output, time and memory go out.
//!
//! Time runs from just before the start until the kernel says that the process has ended (a pidfd becomes readable), so
//! nothing polls. Output goes to unnamed files: a pipe would need a thread that reads it.

use std::fs::File;
use std::io::{Read, Seek};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    /// Exit code or signal.
    pub status: ExitStatus,
    /// What it printed.
    pub stdout: Vec<u8>,
    /// What it complained.
    pub stderr: Vec<u8>,
    /// From just before the start to the end.
    pub took: Duration,
    /// The time of all processors, for it and for the children that it waited for.
    pub processor: Duration,
    /// The largest resident set of the process or of one of its children that it waited for, in KiB: `ru_maxrss`
    /// (getrusage(2)). It is never below that of this process, whose memory the new one has until its exec.
    pub peak_kib: u64,
}

/// Why there is no measurement.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The system refused something.
    #[error("it cannot be run: {0}")]
    System(#[from] std::io::Error),
    /// It was killed, with its children.
    #[error("it ran longer than {} s", .0.as_secs())]
    TooLong(Duration),
    /// It ended, but not with 0.
    #[error("{status}: {message}")]
    Failed {
        /// Exit code or signal.
        status: ExitStatus,
        /// The last line of its error output that says something, or of its output.
        message: String,
    },
}

impl Ended {
    /// Itself if it exited with 0.
    ///
    /// # Errors
    /// When it did not.
    pub fn succeeded(self) -> Result<Self, RunError> {
        if self.status.success() {
            return Ok(self);
        }
        let last = |text: &[u8]| {
            let text = String::from_utf8_lossy(text);
            text.lines().map(str::trim).rfind(|line| !line.is_empty()).map(str::to_owned)
        };
        let message = last(&self.stderr).or_else(|| last(&self.stdout)).unwrap_or_default();
        Err(RunError::Failed { status: self.status, message })
    }
}

/// Runs a command to its end, with nothing on its stdin, in a process group of its own.
///
/// # Errors
/// When it cannot be started, or runs longer than `limit`; it is killed then, with its children.
pub fn run(command: &mut Command, limit: Duration) -> Result<Ended, RunError> {
    let (mut stdout, mut stderr) = (tempfile::tempfile()?, tempfile::tempfile()?);
    command.stdin(Stdio::null()).stdout(stdout.try_clone()?).stderr(stderr.try_clone()?).process_group(0);
    let started = Instant::now();
    let child = command.spawn()?;
    let process = child.id().cast_signed();
    let in_time = has_ended(process, limit);
    let took = started.elapsed();
    if !matches!(in_time, Ok(true)) {
        // SAFETY: kill takes two numbers. The child has not been waited for, so that its number, which is that of its
        // group too, is its own.
        unsafe { libc::kill(-process, libc::SIGKILL) };
    }
    let (status, usage) = reap(process)?;
    if !in_time? {
        return Err(RunError::TooLong(limit));
    }
    let processor = duration(usage.ru_utime) + duration(usage.ru_stime);
    let peak_kib = u64::try_from(usage.ru_maxrss).unwrap_or_default();
    Ok(Ended { status, stdout: all(&mut stdout)?, stderr: all(&mut stderr)?, took, processor, peak_kib })
}

/// Waits until a child has ended; false when it takes longer. It still has to be waited for.
fn has_ended(process: i32, limit: Duration) -> std::io::Result<bool> {
    // SAFETY: pidfd_open takes two numbers and makes a descriptor.
    let descriptor = unsafe { libc::syscall(libc::SYS_pidfd_open, process, 0) };
    let descriptor = i32::try_from(descriptor).unwrap_or(-1);
    if descriptor < 0 {
        return Err(std::io::Error::last_os_error());
    }
    // SAFETY: the descriptor is new, and nobody else's.
    let descriptor = unsafe { OwnedFd::from_raw_fd(descriptor) };
    let started = Instant::now();
    loop {
        let left = limit.saturating_sub(started.elapsed());
        let mut polled = libc::pollfd { fd: descriptor.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        let milliseconds = i32::try_from(left.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: one pollfd is given and counted.
        match unsafe { libc::poll(&raw mut polled, 1, milliseconds) } {
            0 if started.elapsed() >= limit => return Ok(false),
            0 => {}
            1 => return Ok(true),
            _ => {
                let error = std::io::Error::last_os_error();
                if error.kind() != std::io::ErrorKind::Interrupted {
                    return Err(error);
                }
            }
        }
    }
}

/// Takes a child's exit status and what it used.
fn reap(process: i32) -> std::io::Result<(ExitStatus, libc::rusage)> {
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    loop {
        // SAFETY: both places are ours and of the right types.
        let reaped = unsafe { libc::wait4(process, &raw mut status, 0, usage.as_mut_ptr()) };
        if reaped == process {
            break;
        }
        let error = std::io::Error::last_os_error();
        if error.kind() != std::io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    // SAFETY: zeroes are a valid rusage, and wait4 has filled it.
    let usage = unsafe { usage.assume_init() };
    Ok((ExitStatus::from_raw(status), usage))
}

fn duration(time: libc::timeval) -> Duration {
    let number = |value: i64| u64::try_from(value).unwrap_or_default();
    Duration::from_secs(number(time.tv_sec)) + Duration::from_micros(number(time.tv_usec))
}

fn all(file: &mut File) -> std::io::Result<Vec<u8>> {
    let mut content = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut content)?;
    Ok(content)
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use super::{RunError, run};

    const LIMIT: Duration = Duration::from_secs(60);

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_run_has_output_time_and_memory() {
        let ended = run(
            &mut shell(
                "echo out; echo err >&2; sleep 0.05; (i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done)",
            ),
            LIMIT,
        )
        .unwrap()
        .succeeded()
        .unwrap();
        assert_eq!((ended.stdout.as_slice(), ended.stderr.as_slice()), (&b"out\n"[..], &b"err\n"[..]));
        assert!(ended.took >= Duration::from_millis(50) && ended.took < LIMIT);
        assert!(ended.processor >= Duration::from_millis(1), "{:?}", ended.processor);
        assert!(ended.peak_kib > 100, "{}", ended.peak_kib);
    }

    #[test]
    fn a_failure_says_its_last_line() {
        let ended = run(&mut shell("echo why >&2; echo >&2; exit 3"), LIMIT).unwrap();
        assert_eq!(ended.succeeded().unwrap_err().to_string(), "exit status: 3: why");
    }

    #[test]
    fn a_run_that_is_too_long_is_killed_with_its_children() {
        let error = run(&mut shell("sleep 50 & wait"), Duration::from_millis(50)).unwrap_err();
        assert!(matches!(error, RunError::TooLong(_)), "{error}");
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error() {
        assert!(matches!(run(&mut Command::new("/nothing/here"), LIMIT), Err(RunError::System(_))));
    }
}
