//! The ratios that are aimed at, for each program, and how they are taken from a section.

use super::record::Section;
use super::tools::Tool;

/// One line of the aims.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    /// What is compared.
    pub about: &'static str,
    /// The most that is aimed at, for each of the programs in their order.
    pub most: [(&'static str, f64); 6],
    /// What was measured.
    pub measured: fn(&Section) -> Option<f64>,
}

/// All aims.
pub const LIMITS: &[Limit] = &[
    Limit {
        about: "start, to `python app.py`",
        most: [("hello", 0.60), ("stdlib", 0.78), ("cli", 0.75), ("np", 1.0), ("web", 0.85), ("pd", 0.90)],
        measured: |section| section.ratio(Tool::Snapfreeze, Tool::Python),
    },
    Limit {
        about: "start, to PyInstaller onefile",
        most: [("hello", 0.04), ("stdlib", 0.25), ("cli", 0.16), ("np", 0.18), ("web", 0.40), ("pd", 0.36)],
        measured: |section| section.ratio(Tool::Snapfreeze, Tool::PyinstallerOnefile),
    },
    Limit {
        about: "size, to PyInstaller onefile",
        most: [("hello", 0.5), ("stdlib", 0.6), ("cli", 0.33), ("np", 0.8), ("web", 0.7), ("pd", 0.85)],
        measured: |section| section.size_ratio(Tool::Snapfreeze, Tool::PyinstallerOnefile),
    },
    Limit {
        about: "build from nothing, to PyInstaller onefile",
        most: [("hello", 0.05), ("stdlib", 0.1), ("cli", 0.1), ("np", 0.15), ("web", 0.15), ("pd", 0.2)],
        measured: |section| section.build_ratio(Tool::Snapfreeze, Tool::PyinstallerOnefile),
    },
];

impl Limit {
    /// The aim for a program.
    pub fn most(&self, workload: &str) -> Option<f64> {
        self.most.iter().find(|(name, _)| *name == workload).map(|(_, most)| *most)
    }
}

#[cfg(test)]
mod tests {
    use super::LIMITS;
    use crate::peers::workloads;

    #[test]
    fn every_program_has_every_limit() {
        for limit in LIMITS {
            let names = limit.most.map(|(name, _)| name);
            assert!(workloads::ALL.iter().map(|workload| workload.name).eq(names), "{}", limit.about);
        }
    }
}
