//! A command that is interrupted leaves nothing behind: no half-written output, no temporary directory, no child.
//!
//! What must not stay is registered for as long as it is there. [`watch`] makes a thread wait for SIGINT, SIGTERM and
//! SIGHUP, which removes all of that and then lets the signal do what it usually does: the process dies of it, so that a
//! shell sees 130 after Ctrl-C and ends its script, too. A signal that was ignored when the process began stays ignored.
//! Only the command watches; for who uses the library signals are as ever.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag::register_usize;
use signal_hook::low_level::{emulate_default_handler, pipe};

/// A directory that others write to while it is removed is not empty at first.
const MOST_ATTEMPTS: usize = 20;

/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(5);

/// What must not stay when the process is ended.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Leftover {
    /// A file, or a directory with all that is in it.
    Path(PathBuf),
    /// The processes of a group, by its number.
    Group(i32),
    /// A process.
    Process(i32),
}

static LEFTOVERS: Mutex<BTreeSet<Leftover>> = Mutex::new(BTreeSet::new());

/// The signal that came last; 0 for none.
static CAUGHT: LazyLock<Arc<AtomicUsize>> = LazyLock::new(Arc::default);

/// Whether a thread of ours takes care of signals.
static IS_WATCHED: AtomicBool = AtomicBool::new(false);

/// Whether SIGINT is for a program that this process runs on the user's terminal.
static IS_PROGRAMS: AtomicBool = AtomicBool::new(false);

/// Something that is registered; it no longer is when this is dropped.
#[derive(Debug)]
#[must_use = "what is registered stays so for as long as this is there"]
pub struct Registered(Leftover);

impl Drop for Registered {
    fn drop(&mut self) {
        leftovers().remove(&self.0);
    }
}

/// Registers a file or directory that goes when the process is ended.
pub fn path(path: &Path) -> Registered {
    register(Leftover::Path(path.to_owned()))
}

/// Registers a group of processes that is killed when this one is ended. Its leader must not have been waited for.
pub fn group(leader: u32) -> Option<Registered> {
    Some(register(Leftover::Group(i32::try_from(leader).ok()?)))
}

/// Registers a process that is killed when this one is ended. It must not have been waited for.
pub fn process(process: u32) -> Option<Registered> {
    Some(register(Leftover::Process(i32::try_from(process).ok()?)))
}

fn register(leftover: Leftover) -> Registered {
    leftovers().insert(leftover.clone());
    Registered(leftover)
}

/// A panic of another thread leaves a set, which is a valid state.
fn leftovers() -> std::sync::MutexGuard<'static, BTreeSet<Leftover>> {
    LEFTOVERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Watches for signals from now on. A second call does nothing.
///
/// # Errors
/// When there is no pipe or thread to be had: then signals end the process at once.
pub fn watch() -> io::Result<()> {
    if IS_WATCHED.swap(true, Ordering::SeqCst) {
        return Ok(());
    }
    let ignored = ignored();
    let (heard, told) = UnixStream::pair()?;
    std::thread::Builder::new().name("signals".into()).spawn(move || wait(heard))?;
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        if ignored & (1 << (signal - 1)) == 0 {
            // In this order: when the thread wakes it is known which one it was.
            register_usize(signal, Arc::clone(&CAUGHT), usize::try_from(signal).unwrap_or_default())?;
            pipe::register(signal, told.try_clone()?)?;
        }
    }
    Ok(())
}

/// Whether signals are watched.
pub fn is_watched() -> bool {
    IS_WATCHED.load(Ordering::SeqCst)
}

/// Says whether SIGINT is for a program that this process runs: it then ends that one alone. One that came while it was
/// still does when this returns.
pub fn leave_to_program(is_programs: bool) {
    while IS_PROGRAMS.load(Ordering::SeqCst) && is_watched() && is_interrupted() {
        std::thread::sleep(PAUSE);
    }
    IS_PROGRAMS.store(is_programs, Ordering::SeqCst);
}

fn is_interrupted() -> bool {
    usize::try_from(SIGINT).is_ok_and(|interrupt| CAUGHT.load(Ordering::SeqCst) == interrupt)
}

/// Waits for the end where a signal is about to end this process: what fails meanwhile is no news.
pub fn await_end() {
    while CAUGHT.load(Ordering::SeqCst) != 0 && is_watched() {
        std::thread::sleep(PAUSE);
    }
}

/// The signals that were ignored when the process began, a bit each: proc_pid_status(5).
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default()
}

fn wait(mut heard: UnixStream) {
    let mut byte = [0];
    while heard.read_exact(&mut byte).is_ok() {
        let signal = i32::try_from(CAUGHT.load(Ordering::SeqCst)).unwrap_or(SIGTERM);
        if signal == SIGINT && IS_PROGRAMS.load(Ordering::SeqCst) {
            CAUGHT.store(0, Ordering::SeqCst);
            continue;
        }
        clean();
        let _ = emulate_default_handler(signal);
    }
}

/// Removes all that is registered. Nobody registers anything more: the set stays locked until the end.
fn clean() {
    let leftovers = leftovers();
    for leftover in leftovers.iter() {
        let _ = match leftover {
            Leftover::Group(leader) => {
                Pid::from_raw(*leader).map(|leader| kill_process_group(leader, Signal::KILL))
            }
            Leftover::Process(process) => {
                Pid::from_raw(*process).map(|process| kill_process(process, Signal::KILL))
            }
            Leftover::Path(_) => None,
        };
    }
    for leftover in leftovers.iter() {
        if let Leftover::Path(path) = leftover {
            remove(path);
        }
    }
    std::mem::forget(leftovers);
}

fn remove(path: &Path) {
    for _ in 0..MOST_ATTEMPTS {
        let removed = match path.symlink_metadata() {
            Err(_) => return,
            Ok(metadata) if metadata.is_dir() => std::fs::remove_dir_all(path),
            Ok(_) => std::fs::remove_file(path),
        };
        if removed.is_ok() {
            return;
        }
        std::thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_registered_is_so_until_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let of = |registered: &Registered| leftovers().contains(&registered.0);
        let (one, other) = (path(folder.path()), group(7).unwrap());
        assert!(of(&one) && of(&other));
        let gone = one.0.clone();
        drop(one);
        assert!(!leftovers().contains(&gone) && of(&other));
        assert!(group(u32::MAX).is_none());
    }

    #[test]
    fn files_and_directories_are_removed_and_links_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(at("draft/below")).unwrap();
        std::fs::write(at("draft/below/file"), "x").unwrap();
        std::fs::create_dir(at("kept")).unwrap();
        std::os::unix::fs::symlink(at("kept"), at("draft/link")).unwrap();
        std::os::unix::fs::symlink(at("kept"), at("link")).unwrap();
        for name in ["draft", "link", "nothing"] {
            remove(&at(name));
        }
        assert!(!at("draft").exists() && at("link").symlink_metadata().is_err() && at("kept").is_dir());
    }
}
