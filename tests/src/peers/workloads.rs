//! The programs that are compared: the sources in `peers/workloads/`, from one line to pandas with matplotlib.

use std::path::PathBuf;

/// A program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Workload {
    /// Its name, that of its source too.
    pub name: &'static str,
    /// What it is, for the page.
    pub about: &'static str,
    /// Its source.
    pub source: &'static str,
    /// What it imports by itself: what a tool that installs packages is told.
    pub requirements: &'static [&'static str],
    /// Modules that cx_Freeze does not find by itself, and without which the program does not run.
    pub cx_freeze_includes: &'static [&'static str],
    /// The file that it writes in its working directory.
    pub writes: Option<&'static str>,
    /// How often it is started by each tool, warm. More where starts are short, and noise is a larger part of them.
    pub rounds: usize,
}

/// All programs, smallest first.
pub const ALL: &[Workload] = &[
    Workload {
        name: "hello",
        about: "one line",
        source: include_str!("../../peers/workloads/hello.py"),
        requirements: &[],
        cx_freeze_includes: &[],
        writes: None,
        rounds: 60,
    },
    Workload {
        name: "stdlib",
        about: "argparse, asyncio, http.server, ssl, sqlite3, multiprocessing and more of the standard library",
        source: include_str!("../../peers/workloads/stdlib.py"),
        requirements: &[],
        cx_freeze_includes: &[],
        writes: None,
        rounds: 25,
    },
    Workload {
        name: "cli",
        about: "click, rich, httpx: a command that prints a table",
        source: include_str!("../../peers/workloads/cli.py"),
        requirements: &["click", "rich", "httpx"],
        cx_freeze_includes: &[],
        writes: None,
        rounds: 25,
    },
    Workload {
        name: "np",
        about: "numpy: inverts a matrix",
        source: include_str!("../../peers/workloads/np.py"),
        requirements: &["numpy"],
        cx_freeze_includes: &[],
        writes: None,
        rounds: 25,
    },
    Workload {
        name: "web",
        about: "FastAPI, pydantic, uvicorn: makes an application",
        source: include_str!("../../peers/workloads/web.py"),
        requirements: &["fastapi", "pydantic", "uvicorn"],
        cx_freeze_includes: &[],
        writes: None,
        rounds: 15,
    },
    Workload {
        name: "pd",
        about: "pandas and matplotlib: draws a table",
        source: include_str!("../../peers/workloads/pd.py"),
        requirements: &["pandas", "matplotlib"],
        cx_freeze_includes: &["pandas.plotting._matplotlib"],
        writes: Some("plot.png"),
        rounds: 10,
    },
];

/// The program of that name.
pub fn named(name: &str) -> Option<&'static Workload> {
    ALL.iter().find(|workload| workload.name == name)
}

/// A program's place among all.
pub fn place(name: &str) -> usize {
    ALL.iter().position(|workload| workload.name == name).unwrap_or(ALL.len())
}

/// The pinned packages that all programs' environments have, the same as those of the specs.
pub fn packages() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("requirements/workloads.txt")
}

#[cfg(test)]
mod tests {
    use super::{ALL, packages};

    #[test]
    fn every_requirement_is_pinned() {
        let text = std::fs::read_to_string(packages()).unwrap();
        for workload in ALL {
            for requirement in workload.requirements {
                let pin = format!("{requirement}==");
                assert!(text.lines().any(|line| line.starts_with(&pin)), "{}: {requirement}", workload.name);
            }
        }
    }
}
