//! Where the start of a program went: `SNAPFREEZE_PROFILE=1` in the environment.
//!
//! Written to stderr, past Python's streams, when the program has ended in an orderly way: after `sys.exit`, not after a
//! signal or `os._exit`. Children inherit the variable, so those that are frozen programs write as well; a forked child
//! writes nothing. Without the variable, and in set-user-ID programs, nothing is measured: each place in the program that would is
//! one comparison.

use core::sync::atomic::{AtomicBool, Ordering};
use std::fmt::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use crate::os::{ahead, is_privileged, on_demand};

/// The variable: how many modules are told, or [`ALL`]; `1` stands for [`SHOWN`].
const VARIABLE: &str = "SNAPFREEZE_PROFILE";

/// Value with which all modules are told.
const ALL: &str = "all";

/// Modules that are told without a wish.
const SHOWN: usize = 25;

static IS_ON: AtomicBool = AtomicBool::new(false);

static PROFILE: Mutex<Option<Profile>> = Mutex::new(None);

/// What was measured so far.
struct Profile {
    process: u32,
    /// End of the phase before.
    last: Instant,
    phases: Vec<(&'static str, Duration)>,
    /// Imports that are going on, those within others after them.
    running: Vec<Running>,
    modules: Vec<Imported>,
    code: Decompressed,
    native: Decompressed,
    shown: usize,
}

/// What was decompressed, or waited for, when it was needed.
#[derive(Default)]
struct Decompressed {
    count: usize,
    /// Bytes after decompression.
    length: usize,
    time: Duration,
}

struct Running {
    name: &'static str,
    thread: ThreadId,
    since: Instant,
    /// Time of the imports within.
    within: Duration,
}

struct Imported {
    name: &'static str,
    own: Duration,
    all: Duration,
}

/// Begins to measure, if the environment says so.
pub fn begin() {
    let value = std::env::var(VARIABLE).ok().filter(|_| !is_privileged());
    let shown = match value.as_deref() {
        None | Some("" | "0") => return,
        Some(ALL) => usize::MAX,
        Some("1") => SHOWN,
        Some(number) => number.parse().unwrap_or(SHOWN),
    };
    *profile() = Some(Profile {
        process: std::process::id(),
        last: Instant::now(),
        phases: Vec::new(),
        running: Vec::new(),
        modules: Vec::new(),
        code: Decompressed::default(),
        native: Decompressed::default(),
        shown,
    });
    IS_ON.store(true, Ordering::Relaxed);
}

fn profile() -> MutexGuard<'static, Option<Profile>> {
    PROFILE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Calls a function with the profile, if there is one.
fn with(note: impl FnOnce(&mut Profile)) {
    if IS_ON.load(Ordering::Relaxed)
        && let Some(profile) = profile().as_mut()
    {
        note(profile);
    }
}

/// A phase of the start has ended; the next one begins.
pub fn phase(name: &'static str) {
    with(|profile| {
        let now = Instant::now();
        profile.phases.push((name, now - profile.last));
        profile.last = now;
    });
}

/// The import of a module begins; it ends when what is returned is dropped.
pub fn import(name: &'static str) -> Import {
    with(|profile| {
        let thread = std::thread::current().id();
        profile.running.push(Running { name, thread, since: Instant::now(), within: Duration::ZERO });
    });
    Import(name)
}

/// An import that is measured.
pub struct Import(&'static str);

impl Drop for Import {
    fn drop(&mut self) {
        with(|profile| {
            let thread = std::thread::current().id();
            let is_it = |running: &Running| running.thread == thread && running.name == self.0;
            let Some(at) = profile.running.iter().rposition(is_it) else { return };
            let done = profile.running.remove(at);
            let all = done.since.elapsed();
            let before = profile.running[..at].iter_mut().rfind(|running| running.thread == thread);
            if let Some(before) = before {
                before.within += all;
            }
            profile.modules.push(Imported { name: done.name, own: all.saturating_sub(done.within), all });
        });
    }
}

/// Gets a block of modules' code: decompresses it, or waits for who does.
pub fn code<T>(get: impl FnOnce() -> T, length: impl FnOnce(&T) -> usize) -> T {
    decompressed(get, length, |profile| &mut profile.code)
}

/// Gets a native file in the same way; no length stands for files that are told of one by one as well.
pub fn native<T>(get: impl FnOnce() -> T, length: usize) -> T {
    decompressed(get, |_| length, |profile| &mut profile.native)
}

fn decompressed<T>(
    get: impl FnOnce() -> T,
    length: impl FnOnce(&T) -> usize,
    kind: impl FnOnce(&mut Profile) -> &mut Decompressed,
) -> T {
    if !IS_ON.load(Ordering::Relaxed) {
        return get();
    }
    let since = Instant::now();
    let got = get();
    with(|profile| {
        let kind = kind(profile);
        let length = length(&got);
        kind.count += usize::from(length > 0);
        kind.length += length;
        kind.time += since.elapsed();
    });
    got
}

/// Writes what was measured to stderr.
pub fn end() {
    let Some(profile) = IS_ON.load(Ordering::Relaxed).then(|| profile().take()).flatten() else { return };
    if profile.process == std::process::id() {
        crate::os::complain(profile.text(ahead::bytes_ahead(), on_demand::bytes_waited_for()).trim_end());
    }
}

impl Profile {
    fn text(mut self, ahead: u64, on_demand: u64) -> String {
        let mut text = format!("where the start went, in ms (process {})\n", self.process);
        // Writing into a string cannot fail.
        for (name, time) in &self.phases {
            let _ = writeln!(text, "{:9.2}  {name}", milliseconds(*time));
        }
        let imports: Duration = self.modules.iter().map(|module| module.own).sum();
        let _ = writeln!(
            text,
            "{:9.2}  of these, importing {} modules",
            milliseconds(imports),
            self.modules.len()
        );
        for (kind, name) in [(&self.code, "blocks of code"), (&self.native, "native files")] {
            let (time, length) = (milliseconds(kind.time), megabytes(kind.length as u64));
            let _ = writeln!(
                text,
                "{time:9.2}  of these, decompressing {} {name} or waiting for that, {length:.1} MB",
                kind.count
            );
        }
        let _ = write!(
            text,
            "           ahead of that, other threads had decompressed {:.1} MB",
            megabytes(ahead)
        );
        if on_demand > 0 {
            let _ = write!(text, ", and {:.1} MB of code when it was executed", megabytes(on_demand));
        }
        text.push('\n');
        self.modules.sort_by(|one, other| other.own.cmp(&one.own).then(one.name.cmp(other.name)));
        let _ = writeln!(text, "      own  with all  module");
        for Imported { name, own, all } in self.modules.iter().take(self.shown) {
            let _ = writeln!(text, "{:9.2} {:9.2}  {name}", milliseconds(*own), milliseconds(*all));
        }
        let rest = self.modules.get(self.shown..).unwrap_or_default();
        if !rest.is_empty() {
            let own: Duration = rest.iter().map(|module| module.own).sum();
            let _ = writeln!(text, "{:9.2}            {} others", milliseconds(own), rest.len());
        }
        text
    }
}

fn megabytes(length: u64) -> f64 {
    length as f64 / 1e6
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(shown: usize) -> Profile {
        let time = Duration::from_micros;
        let module = |name, own, all| Imported { name, own: time(own), all: time(all) };
        Profile {
            process: 7,
            last: Instant::now(),
            phases: vec![("archive mapped", time(120)), ("program run and ended", time(12_345))],
            running: Vec::new(),
            modules: vec![module("a", 1000, 5000), module("b.c", 4000, 4000), module("d", 20, 20)],
            code: Decompressed { count: 2, length: 1_550_000, time: time(700) },
            native: Decompressed { count: 3, length: 12_000_000, time: time(1_800) },
            shown,
        }
    }

    #[test]
    fn modules_are_told_by_their_own_time() {
        let expected = "\
where the start went, in ms (process 7)
     0.12  archive mapped
    12.35  program run and ended
     5.02  of these, importing 3 modules
     0.70  of these, decompressing 2 blocks of code or waiting for that, 1.6 MB
     1.80  of these, decompressing 3 native files or waiting for that, 12.0 MB
           ahead of that, other threads had decompressed 13.0 MB
      own  with all  module
     4.00      4.00  b.c
     1.00      5.00  a
     0.02            1 others
";
        let ahead = 13_000_000;
        assert_eq!(profile(2).text(ahead, 0), expected);
        assert!(
            profile(2).text(ahead, 2_340_000).contains("13.0 MB, and 2.3 MB of code when it was executed\n")
        );
        assert!(profile(3).text(ahead, 0).ends_with("     0.02      0.02  d\n"));
    }
}
