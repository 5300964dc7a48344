//! Short questions to the target interpreter: a subprocess with input, output and a time limit.
//!
//! Input and output go through memory files, so that neither side ever waits for the other to read.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::process::{Child, Command, ExitStatus, Output};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::fs::{MemfdFlags, memfd_create};

use crate::interrupt;

/// Longest pause between two looks at a process.
const LONGEST_PAUSE: Duration = Duration::from_millis(8);

/// Runs a command with an input and returns its output.
///
/// # Errors
/// When it cannot be started, or does not end within `limit`: it is killed then, and the error is
/// [`io::ErrorKind::TimedOut`].
pub fn output_within(command: &mut Command, input: &[u8], limit: Duration) -> io::Result<Output> {
    let (mut stdin, mut stdout, mut stderr) = (memory_file()?, memory_file()?, memory_file()?);
    stdin.write_all(input)?;
    stdin.seek(SeekFrom::Start(0))?;
    command.stdin(stdin).stdout(stdout.try_clone()?).stderr(stderr.try_clone()?);
    let mut child = command.spawn()?;
    let _registered = interrupt::process(child.id());
    let status = wait_within(&mut child, limit)?;
    Ok(Output { status, stdout: content(&mut stdout)?, stderr: content(&mut stderr)? })
}

fn memory_file() -> io::Result<File> {
    Ok(File::from(memfd_create("snapfreeze", MemfdFlags::CLOEXEC)?))
}

fn content(file: &mut File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn wait_within(child: &mut Child, limit: Duration) -> io::Result<ExitStatus> {
    let deadline = Instant::now() + limit;
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if Instant::now() >= deadline {
            child.kill()?;
            child.wait()?;
            let message = format!("it does not answer within {} s", limit.as_secs());
            return Err(io::Error::new(io::ErrorKind::TimedOut, message));
        }
        sleep(pause);
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_input_and_takes_the_output() {
        let input = vec![b'x'; 1 << 20];
        let output = output_within(&mut Command::new("cat"), &input, Duration::from_secs(60)).unwrap();
        assert!(output.status.success());
        assert_eq!(output.stdout, input);
        assert_eq!(output.stderr, b"");
    }

    #[test]
    fn ends_what_takes_too_long() {
        let failed = output_within(Command::new("sleep").arg("1000"), b"", Duration::from_millis(50));
        assert_eq!(failed.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
