//! A sample of the corpus: the rows that differ most freeze without any option and print what `python` prints.
//! All of it: `cargo run --release -p snapfreeze-tests --bin corpus`.

use libtest_mimic::Trial;
use snapfreeze_tests::corpus::{Row, rows};
use snapfreeze_tests::{Fixtures, Interpreter};

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    let rows = rows().unwrap_or_else(|error| panic!("the corpus: {error}"));
    let sample = rows.into_iter().filter(|row| row.sample);
    let trial = |row: Row| {
        let slot = fixtures.each().iter().find(|slot| slot.minor == row.python).unwrap_or_else(|| {
            panic!("{}: there is no CPython {}", row.name, row.python);
        });
        fixtures.trial(format!("corpus::{}", row.name), slot).runs(move |fixtures, interpreter| {
            passes(&row, fixtures, interpreter);
        })
    };
    sample.map(trial).collect()
}

fn passes(row: &Row, fixtures: &Fixtures, interpreter: &Interpreter) {
    row.check(fixtures, interpreter).unwrap_or_else(|failure| panic!("{failure}"));
}
