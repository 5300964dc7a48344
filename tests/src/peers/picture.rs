//! The picture of the start times: a record comes in, SVG goes out.
//!
//! One panel for each program, one bar for each tool, the length in proportion to the median of the warm starts. The
//! colours are given twice, for light and for dark surroundings; nothing lies behind the bars.

use std::fmt::Write;

use super::page::{TOO_LONG, milliseconds};
use super::record::{Record, Section, median};
use super::tools::Tool;

/// Pixels: a panel, and the room in it for names and for numbers.
const PANEL_WIDTH: f64 = 440.0;
const NAMES: f64 = 130.0;
const NUMBERS: f64 = 70.0;
/// Pixels: a panel's title, a bar with the space under it, the space under a panel.
const TITLE: f64 = 28.0;
const LINE: f64 = 19.0;
const BAR: f64 = 13.0;
const GAP: f64 = 22.0;

/// How many panels are side by side.
const COLUMNS: usize = 2;

const STYLE: &str = "\
  text { font: 12px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600; font-size: 14px }
  .failed { font-style: italic; fill: #59636e }
  .bar { fill: #afb8c1 }
  .python { fill: #6e7781 }
  .snapfreeze { fill: #0969da }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .failed { fill: #9198a1 }
    .bar { fill: #3d444d }
    .python { fill: #656c76 }
    .snapfreeze { fill: #4493f8 }
  }
";

/// The picture.
pub fn picture(record: &Record) -> String {
    let height = TITLE + LINE * Tool::ALL.len() as f64 + GAP;
    let rows = record.sections.len().div_ceil(COLUMNS);
    let (width, total) = (PANEL_WIDTH * COLUMNS as f64, height * rows as f64);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {total}\" width=\"{width}\" \
         height=\"{total}\" role=\"img\">\n<title>Start times, warm: medians</title>\n<style>\n{STYLE}</style>\n"
    );
    for (number, section) in record.sections.iter().enumerate() {
        let (x, y) = (PANEL_WIDTH * (number % COLUMNS) as f64, height * (number / COLUMNS) as f64);
        let _ = writeln!(svg, "<g transform=\"translate({x} {y})\">");
        panel(&mut svg, section);
        svg.push_str("</g>\n");
    }
    svg.push_str("</svg>\n");
    svg
}

fn panel(svg: &mut String, section: &Section) {
    let start = |tool| section.figures(tool).and_then(|figures| median(&figures.warm));
    let longest = Tool::ALL.into_iter().filter_map(start).fold(f64::MIN_POSITIVE, f64::max);
    let _ = writeln!(svg, "<text class=\"title\" x=\"{NAMES}\" y=\"16\">{}</text>", section.workload);
    for (number, tool) in Tool::ALL.into_iter().enumerate() {
        let top = TITLE + LINE * number as f64;
        let base = top + BAR - 2.0;
        let _ = writeln!(
            svg,
            "<text x=\"{:.0}\" y=\"{base:.0}\" text-anchor=\"end\">{}</text>",
            NAMES - 8.0,
            tool.title()
        );
        let Some(time) = start(tool) else {
            let failure = section.row(tool).map(|row| row.outcome.as_ref().err().map_or("", String::as_str));
            let why = match failure {
                Some(failure) if failure.starts_with(TOO_LONG) => "not built in the time given",
                Some(_) => "failed",
                None => "not measured",
            };
            let _ = writeln!(svg, "<text class=\"failed\" x=\"{NAMES}\" y=\"{base:.0}\">{why}</text>");
            continue;
        };
        let width = (PANEL_WIDTH - NAMES - NUMBERS) * time / longest;
        let class = match tool {
            Tool::Snapfreeze => "snapfreeze",
            Tool::Python => "python",
            _ => "bar",
        };
        let _ = writeln!(
            svg,
            "<rect class=\"{class}\" x=\"{NAMES}\" y=\"{top:.0}\" width=\"{:.1}\" height=\"{BAR}\" rx=\"2\"/>\n\
             <text x=\"{:.1}\" y=\"{base:.0}\">{}</text>",
            width.max(1.0),
            NAMES + width.max(1.0) + 5.0,
            milliseconds(time)
        );
    }
}
