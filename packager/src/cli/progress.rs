//! The progress of a build on stderr: on a terminal one line that is written anew, with `--verbose` a line for each stage.
//!
//! A thread of its own looks at the counts a few times a second, so that phases never wait for a terminal. Nothing is
//! drawn in the first moments, and the line is gone when the build ends: a short build leaves no trace. While a program is
//! traced the terminal is that program's. A crate that draws bars has ten times this file in dependencies, and no use here
//! for its bars.

use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use rustix::termios::tcgetwinsize;

use super::voice::{DIM, GOOD, Voice, say};
use crate::progress::{Count, Ended, Event, Progress, Stage, Unit};

/// Builds that end sooner show nothing.
const PATIENCE: Duration = Duration::from_millis(150);

/// How often the line is written.
const INTERVAL: Duration = Duration::from_millis(80);

/// Goes to the beginning of the line and empties it (ECMA-48: EL).
const EMPTY_LINE: &str = "\r\x1b[K";

/// Columns of a terminal that does not tell.
const USUAL_COLUMNS: usize = 80;

/// Runs a build and shows how far it is, as the options and stderr allow.
pub fn watched<T>(voice: Voice, run: impl FnOnce(Progress) -> T) -> T {
    let line = Line::on_stderr().filter(|_| !voice.quiet);
    if line.is_none() && !voice.verbose {
        return run(Progress::default());
    }
    let (progress, heard) = Progress::observed();
    let observed = progress.clone();
    let watch = move || watch(&observed, &heard, line, voice);
    let watcher = std::thread::Builder::new().name("progress".into()).spawn(watch);
    let result = run(progress.clone());
    progress.close();
    if let Ok(watcher) = watcher {
        let _ = watcher.join();
    }
    result
}

fn watch(progress: &Progress, heard: &Receiver<Event>, mut line: Option<Line>, voice: Voice) {
    let started = Instant::now();
    let mut current: Option<(Stage, Instant)> = None;
    loop {
        match heard.recv_timeout(INTERVAL) {
            Ok(Event::Began(stage)) => current = Some((stage, Instant::now())),
            Ok(Event::Ended(ended)) => {
                current = None;
                if voice.verbose {
                    line.iter_mut().for_each(Line::clear);
                    say(format_args!("{}", summary(&ended)));
                }
            }
            Ok(Event::Closed) | Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {}
        }
        let Some(line) = &mut line else { continue };
        match current {
            Some((Stage::Trace, _)) => line.clear(),
            Some((stage, since)) if started.elapsed() >= PATIENCE => {
                line.show(stage, &counted(stage, progress.counted()), since.elapsed());
            }
            _ => {}
        }
    }
    line.iter_mut().for_each(Line::clear);
}

/// The line of a stage that has ended: name, count and time under each other.
fn summary(ended: &Ended) -> String {
    let Ended { stage, count, took } = ended;
    // What was expected is no news any more.
    let done = Count { total: 0, ..*count };
    let name = stage.name();
    format!("{GOOD}{name:<9}{GOOD:#} {:>7.3} s  {}", took.as_secs_f64(), counted(*stage, done))
        .trim_end()
        .to_owned()
}

/// A count for people: `412 modules`, `412/980 modules`, `12/57 MB`; empty where a stage counts nothing.
fn counted(stage: Stage, count: Count) -> String {
    let Count { done, total } = count;
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    match (stage.unit(), total) {
        (None, _) => String::new(),
        (Some(Unit::Modules), 0) => format!("{done} modules"),
        (Some(Unit::Modules), _) => format!("{done}/{total} modules"),
        (Some(Unit::Bytes), 0) => format!("{:.1} MB", megabytes(done)),
        (Some(Unit::Bytes), _) => format!("{:.0}/{:.0} MB", megabytes(done), megabytes(total)),
    }
}

/// A line on a terminal that is written again and again.
struct Line {
    columns: usize,
    has_colours: bool,
    is_shown: bool,
}

impl Line {
    /// None where stderr is no terminal, or one that cannot go back in a line.
    fn on_stderr() -> Option<Self> {
        let stderr = io::stderr();
        let is_dumb = std::env::var_os("TERM").is_none_or(|kind| kind.is_empty() || kind == "dumb");
        if !stderr.is_terminal() || is_dumb {
            return None;
        }
        let columns = tcgetwinsize(&stderr).map_or(0, |size| usize::from(size.ws_col));
        let columns = if columns == 0 { USUAL_COLUMNS } else { columns };
        let has_colours = anstream::AutoStream::choice(&stderr) != anstream::ColorChoice::Never;
        Some(Self { columns, has_colours, is_shown: false })
    }

    /// A line that would be longer than the terminal is wide could not be emptied again: it is cut.
    fn show(&mut self, stage: Stage, count: &str, took: Duration) {
        let (name, room) = (stage.name(), self.columns.saturating_sub(1));
        let name = name.get(..room).unwrap_or(name);
        let rest: String = [count, &format!("{:.1} s", took.as_secs_f64())]
            .iter()
            .filter(|part| !part.is_empty())
            .flat_map(|part| ["  ", part])
            .flat_map(str::chars)
            .take(room.saturating_sub(name.len()))
            .collect();
        let text = if self.has_colours {
            format!("{GOOD}{name}{GOOD:#}{DIM}{rest}{DIM:#}")
        } else {
            format!("{name}{rest}")
        };
        self.write(&format!("{EMPTY_LINE}{text}"));
        self.is_shown = true;
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.is_shown) {
            self.write(EMPTY_LINE);
        }
    }

    /// Past anstream, which takes the terminal's commands for colours. One write, so that it is not torn.
    fn write(&self, text: &str) {
        let _ = io::stderr().write_all(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_in_the_units_of_their_stage() {
        let count = |done, total| Count { done, total };
        assert_eq!(counted(Stage::Graph, count(412, 0)), "412 modules");
        assert_eq!(counted(Stage::Compile, count(412, 980)), "412/980 modules");
        assert_eq!(counted(Stage::Compress, count(12_300_000, 57_000_000)), "12/57 MB");
        assert_eq!(counted(Stage::Compress, count(12_340_000, 0)), "12.3 MB");
        assert_eq!(counted(Stage::Probe, count(0, 0)), "");
    }

    #[test]
    fn stages_stand_under_each_other() {
        let line = |stage, done, total| {
            let took = Duration::from_millis(1234);
            let summary = summary(&Ended { stage, count: Count { done, total }, took });
            anstream::adapter::strip_str(&summary).to_string()
        };
        assert_eq!(line(Stage::Compile, 980, 980), "compile     1.234 s  980 modules");
        assert_eq!(line(Stage::Libraries, 0, 0), "libraries   1.234 s");
    }
}
