//! The summary of a build: a few rows, each with a name before it, so that they are read at a glance.

use std::fmt;

use super::voice::GOOD;
use crate::report::Report;

/// How many distributions it names at most.
const MOST_NAMES: usize = 10;

/// A build, for people. Programs take `--json`.
#[derive(Debug, Clone, Copy)]
pub struct Summary<'a>(pub &'a Report);

impl fmt::Display for Summary<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { output, size, took, plan, portability, warnings, .. } = self.0;
        let mut row =
            |name: &str, value: fmt::Arguments<'_>| writeln!(formatter, "{GOOD}{name:<8}{GOOD:#}  {value}");
        let (size, took) = (Megabytes(*size), took.as_secs_f64());
        row("built", format_args!("{} ({size}) in {took:.2} s", output.display()))?;
        let (extensions, files) = (plan.extensions(), plan.data_files());
        row(
            "contents",
            format_args!(
                "{}, {}, {}, {}",
                Counted(plan.modules.len() - extensions, "module", "modules"),
                Counted(extensions, "extension module", "extension modules"),
                Counted(plan.libraries.len(), "library", "libraries"),
                Counted(files, "data file", "data files"),
            ),
        )?;
        row("python", format_args!("CPython {}", plan.target.version))?;
        if let Some(need) = &portability.glibc {
            row("runs on", format_args!("glibc {} or newer ({} asks for it)", need.version, need.asker()))?;
        }
        if let Some(left_out) = left_out(self.0) {
            row("left out", format_args!("{left_out}"))?;
        }
        let optional = plan.missing.iter().filter(|missing| missing.is_optional).count();
        if optional > 0 {
            row(
                "optional",
                format_args!(
                    "{} of what is not installed; -v names them",
                    Counted(optional, "import", "imports")
                ),
            )?;
        }
        if !warnings.is_empty() {
            row("warnings", format_args!("{}, on stderr", warnings.len()))?;
        }
        Ok(())
    }
}

/// What was left out as optional, the first few by name.
fn left_out(report: &Report) -> Option<String> {
    let count = report.left_out.len();
    let names: Vec<&str> = report.left_out.keys().take(MOST_NAMES).map(String::as_str).collect();
    let more = match count.saturating_sub(MOST_NAMES) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let way = "(optional; --follow-optional NAME brings one in)";
    (count > 0).then(|| format!("{}{more} {way}", names.join(", ")))
}

/// A number of things: `1 library`, `2 libraries`.
struct Counted(usize, &'static str, &'static str);

impl fmt::Display for Counted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(count, one, many) = self;
        write!(formatter, "{count} {}", if *count == 1 { one } else { many })
    }
}

/// A size in bytes, for people: decimal megabytes.
struct Megabytes(u64);

impl fmt::Display for Megabytes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:.1} MB", self.0 as f64 / 1e6)
    }
}
