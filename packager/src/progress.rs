//! What a build says of itself while it runs: which stage it is in, and how far.
//!
//! Phases get a [`Progress`] and count; they print nothing. Who wants to know makes one with [`Progress::observed`] and
//! reads [`Event`]s and [`Progress::counted`] at its own pace. Counting is one addition to an atomic number, so that it
//! may be done in the innermost loop. A progress that nobody observes does nothing.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// A stage of a build, in the order in which they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is named after the module that does it")]
pub enum Stage {
    Probe,
    Trace,
    Fuse,
    Graph,
    Data,
    Libraries,
    Plan,
    Compile,
    Compress,
}

impl Stage {
    /// As people read it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Probe => "probe",
            Self::Fuse => "fuse",
            Self::Trace => "trace",
            Self::Graph => "graph",
            Self::Data => "data",
            Self::Libraries => "libraries",
            Self::Plan => "plan",
            Self::Compile => "compile",
            Self::Compress => "compress",
        }
    }

    /// What it counts; none where there is nothing to count.
    pub fn unit(self) -> Option<Unit> {
        match self {
            Self::Graph | Self::Compile => Some(Unit::Modules),
            Self::Compress => Some(Unit::Bytes),
            _ => None,
        }
    }
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Modules.
    Modules,
    /// Bytes.
    Bytes,
}

/// How far a stage is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// What is done, in the stage's unit.
    pub done: u64,
    /// Of how many; 0 where nobody knows yet.
    pub total: u64,
}

/// A stage that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Which one.
    pub stage: Stage,
    /// How far it came.
    pub count: Count,
    /// How long it took.
    pub took: Duration,
}

/// What an observer hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A stage has begun.
    Began(Stage),
    /// It has ended, also when it failed.
    Ended(Ended),
    /// There will be no more.
    Closed,
}

/// Where phases report to. Clones report to the same observer.
#[derive(Clone, Default)]
pub struct Progress(Option<Arc<Shared>>);

struct Shared {
    events: Sender<Event>,
    done: AtomicU64,
    total: AtomicU64,
}

impl Progress {
    /// A progress that somebody observes. The events end with [`Event::Closed`], or when the last clone is gone.
    pub fn observed() -> (Self, Receiver<Event>) {
        let (events, heard) = channel();
        (Self(Some(Arc::new(Shared { events, done: AtomicU64::new(0), total: AtomicU64::new(0) }))), heard)
    }

    /// Runs a stage, from its first event to its last.
    pub fn stage<T>(&self, stage: Stage, run: impl FnOnce() -> T) -> (T, Ended) {
        let started = Instant::now();
        if let Some(shared) = &self.0 {
            shared.done.store(0, Ordering::Relaxed);
            shared.total.store(0, Ordering::Relaxed);
            // An observer that is gone wants to know nothing any more.
            let _ = shared.events.send(Event::Began(stage));
        }
        let result = run();
        let ended = Ended { stage, count: self.counted(), took: started.elapsed() };
        if let Some(shared) = &self.0 {
            let _ = shared.events.send(Event::Ended(ended));
        }
        (result, ended)
    }

    /// How many there will be in this stage, in its unit.
    pub fn expect(&self, total: u64) {
        if let Some(shared) = &self.0 {
            shared.total.store(total, Ordering::Relaxed);
        }
    }

    /// So many more are done.
    pub fn add(&self, done: u64) {
        if let Some(shared) = &self.0 {
            shared.done.fetch_add(done, Ordering::Relaxed);
        }
    }

    /// Tells the observer that nothing will follow, though clones may still be there.
    pub fn close(&self) {
        if let Some(shared) = &self.0 {
            let _ = shared.events.send(Event::Closed);
        }
    }

    /// How far the stage is now.
    pub fn counted(&self) -> Count {
        self.0.as_ref().map_or_else(Count::default, |shared| Count {
            done: shared.done.load(Ordering::Relaxed),
            total: shared.total.load(Ordering::Relaxed),
        })
    }
}

/// The same for all: who observes a build says nothing of what is built.
impl fmt::Debug for Progress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Progress")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_observer_hears_of_stages_and_sees_counts() {
        let (progress, heard) = Progress::observed();
        let (value, ended) = progress.stage(Stage::Compile, || {
            progress.expect(3);
            progress.clone().add(2);
            assert_eq!(progress.counted(), Count { done: 2, total: 3 });
            7
        });
        progress.stage(Stage::Compress, || ());
        assert_eq!((value, ended.count), (7, Count { done: 2, total: 3 }));
        drop(progress);
        let heard: Vec<Event> = heard.iter().collect();
        assert_eq!(heard[..2], [Event::Began(Stage::Compile), Event::Ended(ended)]);
        let Event::Ended(last) = heard[3] else { panic!("{heard:?}") };
        assert_eq!((last.stage, last.count), (Stage::Compress, Count::default()));
    }

    #[test]
    fn nobody_need_observe_nor_listen_to_the_end() {
        let silent = Progress::default();
        assert_eq!(silent.stage(Stage::Graph, || silent.add(1)).1.count, Count::default());
        let (progress, heard) = Progress::observed();
        drop(heard);
        progress.stage(Stage::Graph, || progress.add(1));
        assert_eq!(format!("{progress:?}"), format!("{silent:?}"));
    }
}
