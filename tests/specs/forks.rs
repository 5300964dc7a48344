//! A process that forks, at whatever moment of its start: nobody hangs, nobody is killed, nobody is warned.

use std::sync::atomic::{AtomicUsize, Ordering};

use libtest_mimic::Trial;
use snapfreeze_tests::execution::plain_command;
use snapfreeze_tests::{Fixtures, Interpreter, Slot, assert_same, execute, jail};

const PROGRAM: &str = "forks/program.py";
const EARLY: &str = "forks/early.py";
const WAITING: &str = "forks/waiting.py";

/// Moments of the imports, with the preferred version and with each other one.
const MOMENTS: usize = 1000;
const FEWER_MOMENTS: usize = 100;

/// Moments at which another thread forks, and the microseconds between them.
const MOMENTS_OF_THREAD: usize = 150;
const BETWEEN: usize = 400;

/// Programs that run at a time.
const AT_A_TIME: usize = 2;

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    let preferred = fixtures.preferred();
    let mut trials = Vec::new();
    for slot in fixtures.each() {
        let moments = if slot.minor == preferred.minor { MOMENTS } else { FEWER_MOMENTS };
        trials.extend(of_slot(fixtures, slot, moments));
    }
    trials
}

/// The trials with one interpreter.
pub fn of_slot(fixtures: &Fixtures, slot: &Slot, moments: usize) -> Vec<Trial> {
    let trial = |name: &str| fixtures.trial(format!("forks::{name}"), slot);
    let compiler = jail::program("cc").map(drop).ok_or_else(|| "no cc".to_owned());
    let mut trials = vec![
        trial(&format!("at {moments} moments of the imports both processes go on"))
            .runs(move |fixtures, interpreter| at_any_moment(moments, fixtures, interpreter)),
        trial("a thread of others forks at any moment of the start").needs(compiler).runs(by_a_thread),
    ];
    for case in ["unshares", "forks", "starts_others", "has_a_pool", "becomes_another", "leaves"] {
        trials.push(trial(&format!("{case} as its first deed")).runs(move |fixtures, interpreter| {
            as_first_deed(case, fixtures, interpreter);
        }));
    }
    trials
}

/// Does something for each number below a limit, a few at a time; fails when one does.
fn for_each(limit: usize, body: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                loop {
                    match next.fetch_add(1, Ordering::Relaxed) {
                        number if number < limit => body(number),
                        _ => return,
                    }
                }
            });
        }
    });
}

/// One start a moment: only a process's first fork finds what the start has left running.
fn at_any_moment(moments: usize, fixtures: &Fixtures, interpreter: &Interpreter) {
    let frozen = fixtures.frozen(PROGRAM, interpreter);
    let outcome = execute(&mut plain_command(&frozen)).succeeded("the program");
    let out = outcome.out();
    let (parent, events) = out.trim_end().rsplit_once('\n').unwrap();
    let events: usize = events.parse().unwrap();
    assert!(events > 10 * MOMENTS, "only {events} events");
    let child = parent.replacen("parent", "child", 1);
    let expected = format!("{child}\nchild ended with 7\n{parent}\n");
    for_each(moments, |number| {
        let moment = (number * events / moments + 1).to_string();
        let outcome = execute(plain_command(&frozen).arg(&moment));
        assert!(
            (outcome.code, outcome.out().as_str(), outcome.err().as_str())
                == (Some(0), expected.as_str(), ""),
            "at event {moment} of {events}: {outcome:?}"
        );
    });
}

/// The thread is there before the start of the program, and forks while that does whatever it is at.
fn by_a_thread(fixtures: &Fixtures, interpreter: &Interpreter) {
    let frozen = fixtures.frozen(WAITING, interpreter);
    let folder = fixtures.folder("forking");
    let library = folder.join("forking.so");
    let mut compiler = plain_command("cc");
    compiler.args(["-O2", "-shared", "-fPIC", "-pthread"]).arg(fixtures.spec("forks/forking.c"));
    execute(compiler.arg("-o").arg(&library)).succeeded("cc");
    // The low byte of a status is the signal, the next one the exit code (wait(2)): the length, or what the child ends
    // with when there is no such file. The archive's is there once the program's own code has begun.
    let (read, not_there) = (format!("{}\n", 17 << 8), format!("{}\n", 99 << 8));
    for (path, may_fail) in
        [(frozen.join("_internal/pieces/data.txt"), true), (fixtures.spec("forks/pieces/data.txt"), false)]
    {
        let reads = AtomicUsize::new(0);
        for_each(MOMENTS_OF_THREAD / 2, |number| {
            let after = (number * BETWEEN * 2).to_string();
            let mut command = plain_command(&frozen);
            command.env("LD_PRELOAD", &library).env("FORKING_AFTER", &after).env("FORKING_PATH", &path);
            let report = fixtures.folder("report").join("report");
            let outcome = execute(command.env("FORKING_REPORT", report)).succeeded("the program");
            let out = outcome.out();
            let status = out.strip_prefix("seventeen bytes.\n").unwrap_or_default();
            let is_well = status == read || may_fail && status == not_there;
            assert!(
                is_well && outcome.stderr.is_empty(),
                "after {after} microseconds, {}: {outcome:?}",
                path.display()
            );
            reads.fetch_add(usize::from(status == read), Ordering::Relaxed);
        });
        assert!(reads.into_inner() > MOMENTS_OF_THREAD / 4, "{} was not read", path.display());
    }
}

fn as_first_deed(case: &str, fixtures: &Fixtures, interpreter: &Interpreter) {
    let frozen = fixtures.frozen(EARLY, interpreter);
    let expected = execute(fixtures.python(EARLY, interpreter).arg(case));
    assert!(expected.code == Some(0) || case == "leaves", "{expected:?}");
    for _ in 0..10 {
        assert_same(&execute(plain_command(&frozen).arg(case)), &expected);
    }
}
