//! A fused file, started once: everything is in it but a program, so it ends with saying that, after the dynamic linker has
//! bound all of it, its constructors have run and the stub has found all of CPython's functions.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::process::Command;
use std::time::Duration;

use rustix::fs::{CWD, MemfdFlags, Mode, OFlags, memfd_create};
use rustix::io::Errno;

use super::FuseError;
use super::machine::Machine;
use crate::subprocess::output_within;

/// What a program without an archive ends with (`EXIT_DAMAGED` of the runtime).
const EMPTY: i32 = 125;

/// It takes milliseconds.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// Starts a fused file. Where this machine cannot, or must not, run it, nothing is learned.
///
/// # Errors
/// When it does not end as it should.
pub fn try_start(program: &[u8], machine: Machine) -> Result<(), FuseError> {
    if Machine::host() != Some(machine) {
        return Ok(());
    }
    let Ok(executable) = in_memory(program) else { return Ok(()) };
    let path = format!("/proc/self/fd/{}", executable.as_raw_fd());
    let mut attempts = 0;
    let output = loop {
        match output_within(Command::new(&path).env_clear(), b"", TIME_LIMIT) {
            // A process that another thread starts at this moment has the file open for writing until it is another program.
            Err(error) if error.raw_os_error() == Some(Errno::TXTBSY.raw_os_error()) && attempts < 100 => {
                attempts += 1;
                std::thread::sleep(Duration::from_millis(1));
            }
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                return Err(FuseError::Check("it hangs when it is started".into()));
            }
            Err(_) => return Ok(()),
            Ok(output) => break output,
        }
    };
    if output.status.code() == Some(EMPTY) {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    let words = words.lines().next().unwrap_or_default();
    Err(FuseError::Check(format!("it does not start: {} {words}", output.status)))
}

/// A file without a name, which nobody writes to.
fn in_memory(program: &[u8]) -> io::Result<File> {
    // Since Linux 6.3 files that are to be executed say so; kernels before that refuse the flag (memfd_create(2)).
    let flags = MemfdFlags::CLOEXEC;
    let file = memfd_create("snapfreeze", flags | MemfdFlags::EXEC)
        .or_else(|_| memfd_create("snapfreeze", flags))?;
    let mut file = File::from(file);
    file.write_all(program)?;
    let writable = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(rustix::fs::openat(CWD, &writable, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?.into())
}
