//! Wrong options: one message each, that says what is wrong and where, and no output.

use libtest_mimic::Trial;
use snapfreeze_tests::{Fixtures, Interpreter};

use super::{build, folder};

/// Arguments of `snapfreeze build`, and what the message has in it.
type Case = (&'static str, &'static [&'static str], &'static [&'static str]);

const CASES: &[Case] = &[
    (
        "what every start needs is excluded",
        &["main.py", "--exclude-module", "encodings"],
        &["--exclude-module encodings: no Python program starts without encodings", "hint: "],
    ),
    (
        "the main module is excluded",
        &["main.py", "--exclude-module", "__main__"],
        &["--exclude-module __main__: no Python program starts without __main__"],
    ),
    (
        "a codec that every start needs is excluded",
        &["main.py", "--exclude-module", "encodings.latin_1"],
        &["no Python program starts without encodings.latin_1"],
    ),
    (
        "the program is excluded",
        &["-m", "pkg.run", "--exclude-module", "pkg"],
        &["pkg.run is asked for, and excluded by --exclude-module pkg", "hint: "],
    ),
    (
        "a module is asked for and excluded",
        &["main.py", "--hidden-import", "pkg.run", "--exclude-module", "pkg.run"],
        &["pkg.run is asked for, and excluded by --exclude-module pkg.run"],
    ),
    (
        "no such directory of modules",
        &["main.py", "--paths", "none"],
        &["no directory none, which --paths names"],
    ),
    (
        "no such runtime hook",
        &["main.py", "--runtime-hook", "none.py"],
        &["cannot read none.py: No such file"],
    ),
    (
        "a runtime hook with a syntax error",
        &["main.py", "--runtime-hook", "wrong.py"],
        &["wrong.py:1: syntax error: "],
    ),
    (
        "no such distribution",
        &["main.py", "--copy-metadata", "no-such-thing"],
        &["--copy-metadata no-such-thing: there is no distribution", "hint: "],
    ),
    (
        "no such distribution, with all that it requires",
        &["main.py", "--recursive-copy-metadata", "no-such-thing"],
        &["--recursive-copy-metadata no-such-thing: there is no distribution"],
    ),
    ("no such package", &["main.py", "--collect-binaries", "no_such"], &["there is no module no_such"]),
    (
        "no such file of options",
        &["main.py", "--config", "none.toml"],
        &["cannot read none.toml: No such file"],
    ),
    (
        "no options in the file",
        &["main.py", "--config", "empty.toml"],
        &["empty.toml has no table [tool.snapfreeze]"],
    ),
    ("no TOML", &["main.py", "--config", "broken.toml"], &["broken.toml:2: "]),
    (
        "an unknown key",
        &["main.py", "--config", "key.toml"],
        &[
            "key.toml:2: [tool.snapfreeze] has no key hidden-imports",
            "hint: the nearest one is hidden-import",
        ],
    ),
    (
        "a value of another type",
        &["main.py", "--config", "type.toml"],
        &["type.toml:3: hidden-import is an array of strings, not a string"],
    ),
];

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    let preferred = fixtures.preferred();
    let mut trials: Vec<Trial> = CASES
        .iter()
        .map(|(name, arguments, words)| {
            let trial = fixtures.trial(format!("options::error: {name}"), &preferred);
            trial.runs(|fixtures, python| refused(fixtures, python, arguments, words))
        })
        .collect();
    trials.push(fixtures.trial("options::error: no program at all", &preferred).runs(no_program));
    trials
}

fn refused(fixtures: &Fixtures, python: &Interpreter, arguments: &[&str], words: &[&str]) {
    let folder = folder(
        fixtures,
        &[
            ("main.py", "print(1)\n"),
            ("pkg/__init__.py", ""),
            ("pkg/run.py", ""),
            ("wrong.py", "def f(:\n"),
            ("empty.toml", ""),
            ("broken.toml", "[tool.snapfreeze]\npaths = \n"),
            ("key.toml", "[tool.snapfreeze]\nhidden-imports = ['pkg']\n"),
            ("type.toml", "[tool.snapfreeze]\nonedir = false\nhidden-import = 'pkg'\n"),
        ],
    );
    let outcome = build(fixtures, python, &folder, arguments);
    let message = outcome.err();
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert!(message.starts_with("error: ") && outcome.stdout.is_empty(), "{outcome:?}");
    for word in words {
        assert!(message.contains(word), "no {word:?}: {outcome:?}");
    }
    assert!(!folder.join("program").exists());
}

fn no_program(fixtures: &Fixtures, python: &Interpreter) {
    let folder = folder(fixtures, &[("pyproject.toml", "[tool.snapfreeze]\nonedir = true\n")]);
    let outcome = build(fixtures, python, &folder, &[]);
    assert_eq!(outcome.code, Some(2), "{outcome:?}");
    assert!(outcome.err().starts_with("error: no program is named: ENTRY or -m MODULE"), "{outcome:?}");
}
