//! The page for people: a record comes in, Markdown goes out.

use std::fmt::Write;

use super::limits::LIMITS;
use super::record::{Figures, Record, Row, Section, least, median};
use super::tools::Tool;
use super::workloads;

/// Where the picture is, from the page.
pub const PICTURE: &str = "benchmarks.svg";

/// What is said before all numbers.
const HEAD: &str = "\
# Benchmarks

Six programs, frozen by snapfreeze and by others, each compared with `python app.py` in its virtual environment. This page
is written by

```console
$ cargo run --release -p snapfreeze-tests --bin peers
```

";

/// What the numbers mean.
const NOTES: &str = "\
## How it is measured

- **Start**: the whole process, from before it is started until the kernel says that it has ended. In each round every tool's
  program runs once, in another order each time. What does not print what python prints is marked. *Ratios* are the medians of the ratios of each round, so that they need not be those of the medians.
- **Cold**: the same after `sync` and dropping the kernel's caches (`/proc/sys/vm/drop_caches`) before each start.
- **Build**: from nothing, with empty caches of the tool, and again after a line was added to the program, with all that the
  tool keeps. What it reads (interpreter, environment) is in the kernel's cache. Kept builds have their date.
- **Size**: the bytes of all files that one passes on, in MB (10⁶). pex and shiv need an installed Python besides.
- **Peak memory**: the largest resident set of one process (`ru_maxrss`), in MB, the median of the warm starts. Extractors are two
  processes; the larger one counts. What is extracted to a file system in memory is not in it.
- **Files written**: new and changed files below the program's own HOME, TMPDIR and working directory, which are listed every
  2 ms while it runs, so that those count that are removed at its end. First at the first start of all, then at the second.
- All have the same packages in their environment; those of a tool itself are added to that of its own. pex runs with
  `--venv --sh-boot` and shiv with `--compile-pyc`, for their fastest starts; cx_Freeze is told of
  `pandas.plotting._matplotlib`, which it does not find; nobody else is told anything. Nuitka's directory
  is the one that its onefile build makes and then packs, so that both have the time of that build.
";

/// The page.
pub fn page(record: &Record) -> String {
    let mut text = HEAD.to_owned();
    machine(&mut text, record);
    let _ = write!(text, "![Start times]({PICTURE})\n\n");
    limits(&mut text, record);
    for section in &record.sections {
        self::section(&mut text, section);
    }
    text.push_str("## The floor\n\n");
    match &record.floor {
        Ok(said) => {
            let _ = write!(
                text,
                "`cargo bench -p snapfreeze-tests --bench floor` prints:\n\n```\n{}\n```\n\n",
                said.trim_end()
            );
        }
        Err(why) => {
            let _ = write!(text, "Not measured: {why}.\n\n");
        }
    }
    text.push_str(NOTES);
    let _ = writeln!(
        text,
        "- `true` has a peak of {:.1} MB here, as measured.",
        record.peak_floor_kib as f64 * 1024.0 / 1e6
    );
    text
}

fn machine(text: &mut String, record: &Record) {
    let machine = &record.machine;
    let _ = write!(
        text,
        "Measured on: {} with {} cores, {} MiB of memory; {}, {}; {}; programs extract to {}.\n\n",
        machine.processor,
        machine.cores,
        machine.memory_mib,
        machine.system,
        machine.kernel,
        machine.python,
        machine.file_system
    );
    let mut versions = vec![];
    for tool in Tool::ALL {
        if let Some(setting) = tool.setting() {
            let pin = setting
                .requirements
                .lines()
                .find_map(|line| line.strip_prefix(setting.name)?.strip_prefix("=="));
            let version = format!("{} {}", setting.name, pin.unwrap_or("?"));
            if !versions.contains(&version) {
                versions.push(version);
            }
        }
    }
    let _ = write!(text, "With {}.\n\n", versions.join(", "));
    let mut ours: Vec<&str> = record.sections.iter().map(|section| section.snapfreeze.as_str()).collect();
    ours.dedup();
    let days: Vec<&str> = record.sections.iter().map(|section| section.date.as_str()).collect();
    match (ours.as_slice(), days.first(), days.last()) {
        ([one], Some(first), Some(last)) => {
            let _ = write!(text, "{one}; {first} to {last} UTC.\n\n");
        }
        _ => text.push_str(
            "The programs were not all measured with one version of snapfreeze; each has its own below.\n\n",
        ),
    }
    let missing: Vec<&str> = workloads::ALL
        .iter()
        .map(|workload| workload.name)
        .filter(|name| !record.sections.iter().any(|section| section.workload == *name))
        .collect();
    if !missing.is_empty() {
        let _ = write!(text, "Not measured: {}.\n\n", missing.join(", "));
    }
}

/// The aims, with what was measured.
fn limits(text: &mut String, record: &Record) {
    text.push_str("## Aims\n\nRatios of snapfreeze to the other, with what is aimed at.\n\n|");
    for workload in workloads::ALL {
        let _ = write!(text, " | {}", workload.name);
    }
    text.push_str(" |\n|---");
    text.push_str(&"|---".repeat(workloads::ALL.len()));
    text.push_str("|\n");
    for limit in LIMITS {
        let _ = write!(text, "| {}", limit.about);
        for workload in workloads::ALL {
            let section = record.sections.iter().find(|section| section.workload == workload.name);
            let most = limit.most(workload.name).unwrap_or_default();
            let _ = match section.and_then(limit.measured) {
                Some(measured) if measured <= most => write!(text, " | {measured:.3} ≤ {most:.2}"),
                Some(measured) => write!(text, " | **{measured:.3}** > {most:.2}, missed"),
                None => write!(text, " | not measured (≤ {most:.2})"),
            };
        }
        text.push_str(" |\n");
    }
    text.push('\n');
}

fn section(text: &mut String, section: &Section) {
    let about = workloads::named(&section.workload).map_or("", |workload| workload.about);
    let cold = match &section.cold {
        Ok(rounds) => format!("{rounds} cold ones"),
        Err(why) => format!("no cold ones: {why}"),
    };
    let _ = write!(
        text,
        "## {}\n\n{about}. {} warm starts of each, {cold}; {} UTC, {}, load before {:.1}.\n\n",
        section.workload, section.rounds, section.date, section.snapfreeze, section.load
    );
    text.push_str(
        "| | start | least | to python | to PyInstaller onefile | cold | build | again | size | peak memory | files written |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for tool in Tool::ALL {
        match section.row(tool) {
            Some(row) => self::row(text, section, row),
            None => {
                let _ = writeln!(text, "| {} | not measured | | | | | | | | | |", tool.title());
            }
        }
    }
    for row in &section.rows {
        if let Some(printed) = row.outcome.as_ref().ok().and_then(|figures| figures.differs.as_ref()) {
            let _ =
                write!(text, "\n(!) {} prints something else than python: `{printed}`\n", row.tool.title());
        }
    }
    let kept = section.rows.iter().filter_map(|row| row.build.as_ref().map(|build| (row.tool, build)));
    let kept: Vec<String> = kept
        .filter(|(_, build)| build.date < section.began || build.load > BUSY)
        .map(|(tool, build)| {
            let processor = build.outcome.as_ref().map(|times| seconds(times.processor));
            let processor =
                processor.map_or_else(|_| String::new(), |time| format!(", {time} of processor time"));
            format!("{} {} (load {:.1}{processor})", tool.title(), build.date, build.load)
        })
        .collect();
    if !kept.is_empty() {
        let _ = write!(
            text,
            "\nBuilt earlier, or with other work beside it (the times are too long then): {}.\n",
            kept.join(", ")
        );
    }
    text.push('\n');
}

/// The system's load before a build from which on there is other work: the builds before it are a load of up to two.
const BUSY: f64 = 2.0;

/// How it is said that a build was given up.
pub(super) const TOO_LONG: &str = "the build: it ran longer than ";

fn row(text: &mut String, section: &Section, row: &Row) {
    let title = row.tool.title();
    let times = row.build.as_ref().and_then(|build| build.outcome.as_ref().ok());
    let clean = times.map_or_else(String::new, |times| seconds(times.clean));
    let rebuild = times.and_then(|times| times.rebuild).map_or_else(String::new, seconds);
    let figures = match &row.outcome {
        Ok(figures) => figures,
        Err(failure) => {
            let failure = match failure.strip_prefix(TOO_LONG) {
                Some(limit) => format!("not built within {limit}"),
                None => format!("**failed**: {}", without_paths(failure)),
            };
            let _ = writeln!(text, "| {title} | {failure} | | | | | {clean} | {rebuild} | | | |");
            return;
        }
    };
    let Figures { differs, size, warm, cold, peak_kib, first, later } = figures;
    let mark = if differs.is_some() { " **(!) wrong output**" } else { "" };
    let time = |value: Option<f64>| value.map_or_else(String::new, milliseconds);
    let ratio = |to| section.ratio(row.tool, to).map_or_else(String::new, |ratio| format!("{ratio:.2}"));
    let _ = writeln!(
        text,
        "| {title}{mark} | {} | {} | {} | {} | {} | {clean} | {rebuild} | {} | {:.1} MB | {} ({}), {} ({}) |",
        time(median(warm)),
        time(least(warm)),
        ratio(Tool::Python),
        ratio(Tool::PyinstallerOnefile),
        time(median(cold)),
        size.map_or_else(String::new, megabytes),
        *peak_kib as f64 * 1024.0 / 1e6,
        first.files,
        megabytes(first.bytes),
        later.files,
        megabytes(later.bytes),
    );
}

/// A failure with the names of files, not where they are: that is of the machine.
fn without_paths(failure: &str) -> String {
    let words = failure.split(' ').map(|word| match word.find('/') {
        Some(start) => {
            let (before, path) = word.split_at(start);
            format!("{before}{}", path.rsplit('/').next().unwrap_or_default())
        }
        None => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ").replace('|', "\\|").replace('\n', " ")
}

/// A time in milliseconds, with three digits.
pub fn milliseconds(value: f64) -> String {
    match value {
        value if value < 10.0 => format!("{value:.2} ms"),
        value if value < 100.0 => format!("{value:.1} ms"),
        value if value < 1000.0 => format!("{value:.0} ms"),
        value => format!("{:.2} s", value / 1e3),
    }
}

fn seconds(value: f64) -> String {
    if value < 10.0 { format!("{value:.2} s") } else { format!("{value:.0} s") }
}

fn megabytes(bytes: u64) -> String {
    match bytes {
        0 => "0".into(),
        1..100_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::{megabytes, milliseconds, page, without_paths};
    use crate::peers::builds::{Build, Times};
    use crate::peers::machine::Machine;
    use crate::peers::picture::picture;
    use crate::peers::record::{Figures, Record, Row, Section};
    use crate::peers::tools::Tool;

    fn figures(warm: &[f64], size: u64) -> Figures {
        let (first, later) = Default::default();
        let (differs, cold) = (None, vec![]);
        Figures { differs, size: Some(size), warm: warm.to_vec(), cold, peak_kib: 1000, first, later }
    }

    fn row(tool: Tool, clean: f64, outcome: Result<Figures, String>) -> Row {
        let date = "2026-01-01 12:30".into();
        let times = Times { clean, processor: clean, rebuild: None };
        Row { tool, build: Some(Build { key: String::new(), date, load: 0.0, outcome: Ok(times) }), outcome }
    }

    fn record() -> Record {
        let text = |text: &str| text.to_owned();
        let machine = Machine {
            processor: text("a processor"),
            cores: 2,
            memory_mib: 1,
            kernel: text("a kernel"),
            system: text("a system"),
            file_system: text("ext4"),
            python: text("CPython 3.11.7"),
        };
        let mut other = figures(&[100.0, 200.0, 400.0], 1000);
        other.differs = Some(text("something"));
        let section = Section {
            workload: text("hello"),
            snapfreeze: text("snapfreeze 0"),
            began: text("2026-01-01 12:30"),
            date: text("2026-01-01 12:40"),
            load: 0.0,
            rounds: 3,
            cold: Err(text("not asked for")),
            rows: vec![
                row(Tool::Snapfreeze, 1.0, Ok(figures(&[3.0, 4.0, 20.0], 600))),
                row(Tool::PyinstallerOnefile, 100.0, Ok(other)),
                row(Tool::Shiv, 1.0, Err(text("it does not run: no /a/file"))),
            ],
        };
        Record { machine, peak_floor_kib: 500, sections: vec![section], floor: Err(text("no time")) }
    }

    #[test]
    fn a_page_says_what_is_met_missed_failed_and_not_measured() {
        let page = page(&record());
        for said in [
            "| start, to PyInstaller onefile | 0.030 ≤ 0.04 | not measured (≤ 0.25) |",
            "| size, to PyInstaller onefile | **0.600** > 0.50, missed |",
            "| build from nothing, to PyInstaller onefile | 0.010 ≤ 0.05 |",
            "| start, to `python app.py` | not measured (≤ 0.60) |",
            "| snapfreeze | 4.00 ms | 3.00 ms |  | 0.03 |",
            "| PyInstaller onefile **(!) wrong output** | 200 ms |",
            "| shiv | **failed**: it does not run: no file |",
            "| pex | not measured |",
            "no cold ones: not asked for",
            "Not measured: stdlib, cli, np, web, pd.",
            "Not measured: no time.",
        ] {
            assert!(page.contains(said), "{said}\n{page}");
        }
        assert!(!page.contains("Built earlier"), "{page}");
    }

    #[test]
    fn a_newer_run_renews_whole_sections_in_the_order_of_the_programs() {
        let mut older = record();
        older.floor = Ok("the floor".into());
        older.sections[0].workload = "np".into();
        let mut newer = record();
        newer.sections[0].rows.pop();
        older.renew(newer.clone());
        newer.sections[0].rows.pop();
        older.renew(newer);
        let names: Vec<&str> = older.sections.iter().map(|section| section.workload.as_str()).collect();
        let rows: Vec<usize> = older.sections.iter().map(|section| section.rows.len()).collect();
        assert_eq!((names, rows), (vec!["hello", "np"], vec![1, 3]));
        assert_eq!(older.floor.as_deref(), Ok("the floor"));
    }

    #[test]
    fn kept_builds_and_those_beside_other_work_are_named() {
        let mut record = record();
        for row in &mut record.sections[0].rows {
            let build = row.build.as_mut().unwrap();
            match row.tool {
                Tool::Snapfreeze => build.load = 3.0,
                Tool::PyinstallerOnefile => build.date = "2026-01-01 12:29".into(),
                _ => {}
            }
        }
        let page = page(&record);
        let line = page.lines().find(|line| line.starts_with("Built earlier")).unwrap();
        assert!(line.contains("snapfreeze 2026") && line.contains("PyInstaller onefile 2026"), "{line}");
        assert!(!line.contains("shiv"), "{line}");
    }

    #[test]
    fn a_picture_has_bars_for_what_was_measured() {
        let picture = picture(&record());
        assert_eq!(picture.matches("<rect").count(), 2);
        assert_eq!(picture.matches(">not measured<").count(), 6);
        assert_eq!(picture.matches(">failed<").count(), 1);
        for tag in ["svg", "g", "text", "style", "title"] {
            let closed = picture.matches(&format!("</{tag}>")).count();
            assert_eq!(picture.matches(&format!("<{tag}")).count(), closed, "{tag}");
        }
    }

    #[test]
    fn numbers_have_three_digits_and_a_unit() {
        assert_eq!(milliseconds(7.256), "7.26 ms");
        assert_eq!(milliseconds(72.56), "72.6 ms");
        assert_eq!(milliseconds(725.6), "726 ms");
        assert_eq!(milliseconds(7256.0), "7.26 s");
        assert_eq!([megabytes(0), megabytes(1500), megabytes(1_500_000)], ["0", "1.5 kB", "1.5 MB"]);
    }

    #[test]
    fn failures_tell_nothing_of_the_machine() {
        assert_eq!(without_paths("no file '/a/b/c.so' in it"), "no file 'c.so' in it");
        assert_eq!(without_paths("a|b\nc"), "a\\|b c");
    }

    #[test]
    fn a_build_that_was_given_up_is_no_failure() {
        let mut record = record();
        let given_up = crate::peers::process::RunError::TooLong(std::time::Duration::from_secs(60));
        record.sections[0].rows[0].outcome = Err(format!("the build: {given_up}"));
        let page = page(&record);
        assert!(page.contains("| not built within 60 s |"), "{page}");
    }
}
