//! What was measured, as it is kept: a page is written from it, and a later run may renew some programs of it.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::builds::Build;
use super::machine::Machine;
use super::tools::Tool;
use super::workloads;
use super::written::Written;
use super::{PeersError, file_error};

/// A page's numbers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Record {
    /// Where.
    pub machine: Machine,
    /// The memory of a program that needs none, in KiB: what the measurement itself adds to the smallest ones.
    pub peak_floor_kib: u64,
    /// One for each program, measured together.
    pub sections: Vec<Section>,
    /// What the benchmark of the floor printed, or why there is nothing.
    pub floor: Result<String, String>,
}

/// One program, by all tools in one interleaved run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Section {
    /// The program's name.
    pub workload: String,
    /// The version of the command under test.
    pub snapfreeze: String,
    /// When its first build began; earlier ones were kept.
    pub began: String,
    /// When its starts began.
    pub date: String,
    /// The system's load before the starts.
    pub load: f64,
    /// How often each was started, warm.
    pub rounds: usize,
    /// How often each was started with nothing in the kernel's caches, or why not.
    pub cold: Result<usize, String>,
    /// One for each tool.
    pub rows: Vec<Row>,
}

/// A tool with a program.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Row {
    /// The tool.
    pub tool: Tool,
    /// Its build; none of python.
    pub build: Option<Build>,
    /// What the program does, or why that is not known.
    pub outcome: Result<Figures, String>,
}

/// A program that was built and that runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Figures {
    /// What it prints where python prints something else: the first line that differs.
    pub differs: Option<String>,
    /// Bytes to pass on.
    pub size: Option<u64>,
    /// Milliseconds of each round.
    pub warm: Vec<f64>,
    /// Milliseconds of each cold start.
    pub cold: Vec<f64>,
    /// The largest process in KiB, the median of all warm starts.
    pub peak_kib: u64,
    /// What the first start of all wrote.
    pub first: Written,
    /// What the second did.
    pub later: Written,
}

impl Section {
    /// The tool's row.
    pub fn row(&self, tool: Tool) -> Option<&Row> {
        self.rows.iter().find(|row| row.tool == tool)
    }

    /// What was measured of the tool, if it worked.
    pub fn figures(&self, tool: Tool) -> Option<&Figures> {
        self.row(tool)?.outcome.as_ref().ok()
    }

    /// The ratio of two tools' warm starts: the median of the ratios of each round.
    pub fn ratio(&self, tool: Tool, to: Tool) -> Option<f64> {
        let (tool, to) = (self.figures(tool)?, self.figures(to)?);
        let ratios: Vec<f64> = tool.warm.iter().zip(&to.warm).map(|(one, other)| one / other).collect();
        median(&ratios)
    }

    /// The ratio of two tools' sizes.
    pub fn size_ratio(&self, tool: Tool, to: Tool) -> Option<f64> {
        Some(self.figures(tool)?.size? as f64 / self.figures(to)?.size? as f64)
    }

    /// The ratio of the times that two tools build from nothing.
    pub fn build_ratio(&self, tool: Tool, to: Tool) -> Option<f64> {
        let clean = |tool| Some(self.row(tool)?.build.as_ref()?.outcome.as_ref().ok()?.clean);
        Some(clean(tool)? / clean(to)?)
    }
}

impl Record {
    /// Reads a record.
    ///
    /// # Errors
    /// When it is not there or not one.
    pub fn read(path: &Path) -> Result<Self, PeersError> {
        let text = std::fs::read(path).map_err(file_error(path))?;
        serde_json::from_slice(&text).map_err(|error| PeersError::Record { path: path.to_owned(), error })
    }

    /// Writes it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), PeersError> {
        let text = serde_json::to_vec_pretty(self)
            .map_err(|error| PeersError::Record { path: path.to_owned(), error })?;
        std::fs::write(path, text).map_err(file_error(path))
    }

    /// Puts sections of a newer run in the place of those of the same programs. A section is taken whole: no row of
    /// one run stands beside a row of another.
    pub fn renew(&mut self, newer: Self) {
        for section in newer.sections {
            match self.sections.iter_mut().find(|old| old.workload == section.workload) {
                Some(old) => *old = section,
                None => self.sections.push(section),
            }
        }
        self.sections.sort_by_key(|section| workloads::place(&section.workload));
        if newer.floor.is_ok() {
            self.floor = newer.floor;
        }
    }
}

/// The median, of an even number the mean of the two in the middle; none of nothing.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        length if length % 2 == 1 => Some(values[middle]),
        _ => Some((values[middle - 1] + values[middle]) / 2.0),
    }
}

/// The least; none of nothing.
pub fn least(values: &[f64]) -> Option<f64> {
    values.iter().copied().min_by(f64::total_cmp)
}

#[cfg(test)]
mod tests {
    use super::{least, median};

    #[test]
    fn medians_and_minima() {
        assert_eq!((median(&[]), least(&[])), (None, None));
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(least(&[3.0, 1.0, 2.0]), Some(1.0));
    }
}
