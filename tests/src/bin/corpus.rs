//! Runs the corpus: `cargo run --release -p snapfreeze-tests --bin corpus -- [FILTER…] [--jobs N] [--remove]`.
//!
//! A line for each row as it ends, at the end the failures again, and the sums. The exit code is 1 unless every row passes but those that
//! say why they cannot, and if one of these passes. `--remove` removes each environment after its row.
//!
//! The command under test is this program itself, under the name `snapfreeze`.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use snapfreeze_tests::corpus::{Failure, Figures, Row, rows};
use snapfreeze_tests::{Fixtures, Slot};

/// The name under which this program is the command under test.
const COMMAND: &str = "snapfreeze";

/// How many lines of a failure are shown.
const LINES: usize = 40;

fn main() -> ExitCode {
    let name = std::env::args_os().next().unwrap_or_default();
    if Path::new(&name).file_name() == Some(OsStr::new(COMMAND)) {
        return snapfreeze::cli::main();
    }
    match Options::read(std::env::args().skip(1)).and_then(|options| run(&options)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::from(2)
        }
    }
}

struct Options {
    filters: Vec<String>,
    jobs: usize,
    remove: bool,
}

impl Options {
    fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self { filters: Vec::new(), jobs: 2, remove: false };
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--jobs" | "-j" => {
                    let number = arguments.next().and_then(|number| number.parse().ok());
                    options.jobs = number.ok_or("--jobs takes a number")?;
                }
                "--keep" => options.remove = false,
                "--remove" => options.remove = true,
                option if option.starts_with('-') => return Err(format!("there is no option {option}")),
                filter => options.filters.push(filter.to_owned()),
            }
        }
        Ok(options)
    }

    fn takes(&self, row: &Row) -> bool {
        self.filters.is_empty() || self.filters.iter().any(|filter| row.name.contains(filter.as_str()))
    }
}

/// A row's end.
struct End {
    line: String,
    details: Option<String>,
    figures: Option<Figures>,
}

/// Whether all went as the rows say.
fn run(options: &Options) -> Result<bool, String> {
    let rows: Vec<Row> = rows()?.into_iter().filter(|row| options.takes(row)).collect();
    if rows.is_empty() {
        return Err("no row has such a name".into());
    }
    let folder = target_folder()?.join("tmp");
    let commands = tempfile_folder(&folder)?;
    let command = commands.path().join(COMMAND);
    let itself = std::env::current_exe().map_err(|error| error.to_string())?;
    // A link to the file rather than its name: cargo may replace that one meanwhile.
    std::fs::hard_link(&itself, &command)
        .or_else(|_| std::fs::copy(&itself, &command).map(|_| ()))
        .map_err(|error| format!("{}: {error}", command.display()))?;
    let fixtures = Fixtures::find_with_cache(&command, &folder, Some(&folder.join("corpus-cache")));

    let next = AtomicUsize::new(0);
    let ends = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..options.jobs.clamp(1, rows.len()) {
            scope.spawn(|| {
                while let Some(row) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let end = end(row, &fixtures, options.remove);
                    println!("{}", end.line);
                    if let Some(details) = &end.details {
                        println!("{details}");
                    }
                    ends.lock().unwrap_or_else(PoisonError::into_inner).push(end);
                }
            });
        }
    });
    let ends = ends.into_inner().unwrap_or_else(PoisonError::into_inner);
    println!();
    for end in ends.iter().filter(|end| end.details.is_some()) {
        println!("{}", end.line);
    }
    let figures = || ends.iter().filter_map(|end| end.figures.as_ref());
    let bytes: u64 = figures().map(|figures| figures.size).sum();
    let seconds: f64 = figures().map(|figures| figures.build.as_secs_f64()).sum();
    let failed = ends.iter().filter(|end| end.details.is_some()).count();
    println!(
        "{} rows: {} pass, {failed} do not; {:.0} MB of executables, built in {seconds:.0} s",
        ends.len(),
        figures().count(),
        bytes as f64 / 1e6
    );
    Ok(failed == 0)
}

fn end(row: &Row, fixtures: &Fixtures, remove: bool) -> End {
    let name = format!("{:24}", row.name);
    let slot = fixtures.each().iter().find(|slot| slot.minor == row.python);
    let Some(Slot { found: Ok(interpreter), .. }) = slot else {
        let line = format!("FAILED  {name} there is no CPython {} to freeze", row.python);
        return End { line, details: Some(String::new()), figures: None };
    };
    let result = row.check(fixtures, interpreter);
    if remove {
        row.remove(fixtures, interpreter);
    }
    match (result, &row.fails) {
        (Ok(figures), None) => {
            let megabytes = figures.size as f64 / 1e6;
            let seconds = figures.build.as_secs_f64();
            let line = format!("ok      {name} {megabytes:6.1} MB {seconds:6.1} s  {}", figures.summary);
            End { line, details: None, figures: Some(figures) }
        }
        (Ok(_), Some(cause)) => {
            let line = format!("FAILED  {name} passes, although: {cause}");
            End { line, details: Some(String::new()), figures: None }
        }
        // A row whose environment or whose own words are wrong is no known failure.
        (Err(Failure::Build(_) | Failure::Frozen(_)), Some(cause)) => {
            End { line: format!("known   {name} {cause}"), details: None, figures: None }
        }
        (Err(failure), _) => {
            let failure = failure.to_string();
            let first = failure.lines().next().unwrap_or_default();
            let lines: Vec<&str> = failure.lines().skip(1).collect();
            let shown = &lines[lines.len().saturating_sub(LINES)..];
            let details = shown.iter().map(|line| format!("        | {line}")).collect::<Vec<_>>();
            End { line: format!("FAILED  {name} {first}"), details: Some(details.join("\n")), figures: None }
        }
    }
}

/// Cargo's target directory: this program is in `target/PROFILE`.
fn target_folder() -> Result<PathBuf, String> {
    let itself = std::env::current_exe().map_err(|error| error.to_string())?;
    let folder = itself.parent().and_then(Path::parent);
    folder.map(Path::to_owned).ok_or_else(|| format!("{} is not in cargo's target folder", itself.display()))
}

fn tempfile_folder(folder: &Path) -> Result<tempfile::TempDir, String> {
    let io = |error: std::io::Error| format!("{}: {error}", folder.display());
    std::fs::create_dir_all(folder).map_err(io)?;
    tempfile::Builder::new().prefix("command-").tempdir_in(folder).map_err(io)
}
