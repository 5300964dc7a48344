//! Where it is measured: processor, memory, kernel, file system, interpreter, day.

use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::interpreter::Interpreter;

/// A machine, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// `AMD EPYC`.
    pub processor: String,
    /// How many threads run at once.
    pub cores: usize,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// `Linux 6.1.0`.
    pub kernel: String,
    /// `Debian GNU/Linux 12 (bookworm)`.
    pub system: String,
    /// The type of the file system that programs extract to.
    pub file_system: String,
    /// `CPython 3.11.7`.
    pub python: String,
}

impl Machine {
    /// Looks at this machine. `folder` is where programs may write.
    pub fn look(interpreter: &Interpreter, folder: &Path) -> Self {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let field = |text: &str, name: &str, separator: char| {
            let value = text.lines().find_map(|line| {
                let (key, value) = line.split_once(separator)?;
                (key.trim() == name).then(|| value.trim().trim_matches('"').to_owned())
            });
            value.unwrap_or_else(|| "unknown".into())
        };
        let memory = field(&read("/proc/meminfo"), "MemTotal", ':');
        let kilobytes: u64 =
            memory.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or_default();
        Self {
            processor: field(&read("/proc/cpuinfo"), "model name", ':'),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_mib: kilobytes / 1024,
            kernel: format!("Linux {}", read("/proc/sys/kernel/osrelease").trim()),
            system: field(&read("/etc/os-release"), "PRETTY_NAME", '='),
            file_system: said_by(Command::new("stat").args(["-f", "-c", "%T"]).arg(folder)),
            python: format!("CPython {}", interpreter.version),
        }
    }
}

/// The day and minute in UTC: `2026-03-01 12:00`.
pub fn now() -> String {
    said_by(Command::new("date").args(["-u", "+%F %H:%M"]))
}

/// The system's load average over a minute.
pub fn load() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or_default()
}

/// What a command prints, or `unknown`.
pub fn said_by(command: &mut Command) -> String {
    let output = command.output().ok().filter(|output| output.status.success());
    let said = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    said.filter(|text| !text.is_empty()).unwrap_or_else(|| "unknown".into())
}
