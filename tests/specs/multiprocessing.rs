//! multiprocessing works where it forks; where it would start the executable again, that one refuses to be taken for
//! the program: no start of it leads to another without end.

use libtest_mimic::Trial;
use snapfreeze_tests::execution::plain_command;
use snapfreeze_tests::{Fixtures, Interpreter, assert_same, execute};

use crate::workloads;

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    let each = fixtures.each().iter();
    each.flat_map(|slot| {
        [
            fixtures.trial("multiprocessing::forked processes do their work", slot).runs(forks),
            fixtures.trial("multiprocessing::a helper's command line is refused", slot).runs(refuses_helpers),
        ]
    })
    .collect()
}

fn forks(fixtures: &Fixtures, interpreter: &Interpreter) {
    let program = "multiprocessing/pool.py";
    let expected = execute(&mut fixtures.python(program, interpreter)).succeeded("python");
    assert_same(&execute(&mut plain_command(fixtures.frozen(program, interpreter))), &expected);
}

fn refuses_helpers(fixtures: &Fixtures, interpreter: &Interpreter) {
    let frozen = fixtures.frozen(&workloads::source("hello"), interpreter);
    let tracker = "from multiprocessing.resource_tracker import main;main(5)";
    for arguments in
        [&["-S", "-c", tracker][..], &["--multiprocessing-fork", "tracker_fd=4", "pipe_handle=6"]]
    {
        let outcome = execute(plain_command(&frozen).args(arguments));
        assert_eq!(outcome.code, Some(126), "{outcome:?}");
        assert!(outcome.out().is_empty() && outcome.err().contains("multiprocessing"), "{outcome:?}");
    }
}
