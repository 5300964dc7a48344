//! `why` tells for what reason something is in a program, or is not; a program that fails for what was left out says
//! which option brings it in.
//!
//! The answers are in `why/*.txt`, one transcript a program, compared to the byte. `UPDATE_SNAPSHOTS=1` writes them anew.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use libtest_mimic::Trial;
use snapfreeze::ops::why::read_reasons;
use snapfreeze::why::answer::unexplained;
use snapfreeze_tests::execution::plain_command;
use snapfreeze_tests::fixtures::copy_folder;
use snapfreeze_tests::{Fixtures, Interpreter, Outcome, execute};

/// What is asked of the program that uses projects of the corpus: a module for each rule, data, metadata, libraries, what
/// was left out and what was not found.
const OF_CORPUS: &[&str] = &[
    "requests",
    "urllib3.connectionpool",
    "click",
    "charset_normalizer",
    "PIL.ImageFilter",
    "_strptime",
    "pygments.lexers.rust",
    "docutils.languages.de",
    "django.contrib.humanize.templatetags",
    "jinja2.ext",
    "babel",
    "babel.numbers",
    "babel/locale-data/de.dat",
    "phonenumbers-9.0.43.dist-info/METADATA",
    "libopenjp2-e530e1bf.so.2.5.4",
    "numpy",
    "OpenSSL",
];

/// What is asked of the program that was built with options.
const OF_OPTIONS: &[&str] = &[
    "__main__",
    "shop",
    "numbers",
    "shop.prices",
    "shop.taxes",
    "shop.colours",
    "cmd",
    "zipapp",
    "codeop",
    "_snapfreeze_children",
    "encodings.idna",
    "tabnanny",
    "tty",
    "more/main.py",
];

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    let preferred = fixtures.preferred();
    let one = |name: &str, body: fn(&Fixtures, &Interpreter)| {
        fixtures.trial(format!("why::{name}"), &preferred).runs(body)
    };
    let mut trials = vec![
        one("modules of the corpus are there by one rule each", of_corpus),
        one("options, hooks and traced runs are named", of_options),
        one("a program, its executable and its directory give one answer", one_answer),
        one("what nobody asks for is an error with similar names", unknown),
        one("an executable that is damaged or bare is named", damaged),
        one("the option that an uncaught error names is the one that helps", optional),
    ];
    trials.extend(fixtures.each().iter().map(|slot| {
        fixtures.trial("why::an uncaught error for what was left out names the option", slot).runs(uncaught)
    }));
    trials
}

/// `snapfreeze why PROGRAM NAME`.
fn why(fixtures: &Fixtures, program: &Path, name: &str, arguments: &[&str]) -> Outcome {
    execute(fixtures.snapfreeze().arg("why").arg(program).arg(name).args(arguments))
}

/// Asks an executable for each name and compares the answers with those that are written down.
fn compare(fixtures: &Fixtures, executable: &Path, names: &[&str], transcript: &str) {
    let mut said = String::new();
    for name in names {
        let outcome = why(fixtures, executable, name, &[]);
        let _ = write!(said, "$ snapfreeze why program {name}\n{}{}", outcome.out(), outcome.err());
    }
    let file = fixtures.spec(transcript);
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&file, &said).unwrap();
    }
    let expected = std::fs::read_to_string(&file).unwrap();
    assert!(said == expected, "{transcript} says otherwise:\n{said}");
}

fn of_corpus(fixtures: &Fixtures, interpreter: &Interpreter) {
    let environment = fixtures.environment("ecosystem", interpreter);
    let executable = fixtures.frozen("why/corpus.py", &environment);
    execute(&mut plain_command(&executable)).succeeded("the program");
    compare(fixtures, &executable, OF_CORPUS, "why/corpus.txt");
    let reasons = read_reasons(&executable).unwrap();
    assert_eq!(unexplained(&reasons), [""; 0], "nothing is there without a reason");
}

/// The text in `_opcode` in whose place the name of a module is put.
const DOCUMENTATION: &[u8] = b"Opcode support module.";

/// An extension module that loads, and that has the name of a module in a string: the interpreter's own `_opcode` with
/// another documentation.
fn add_extension(folder: &Path, interpreter: &Interpreter) {
    let directory = interpreter.stdlib.join("lib-dynload");
    let entries = std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().file_name());
    let name = entries.into_iter().find(|name| name.to_string_lossy().starts_with("_opcode."));
    let name = name.unwrap_or_else(|| panic!("there is no _opcode in {}", directory.display()));
    let mut file = std::fs::read(directory.join(&name)).unwrap();
    let at = file.windows(DOCUMENTATION.len()).position(|window| window == DOCUMENTATION).unwrap();
    let mut text = b"shop.colours".to_vec();
    text.resize(DOCUMENTATION.len(), 0);
    file[at..at + text.len()].copy_from_slice(&text);
    std::fs::write(folder.join("shop").join(name), file).unwrap();
}

fn of_options(fixtures: &Fixtures, interpreter: &Interpreter) {
    let folder = fixtures.folder("options").join("program");
    copy_folder(&fixtures.spec("why/options"), &folder);
    add_extension(&folder, interpreter);
    let hooks = folder.join("hooks");
    let data = format!("{}:more", folder.join("main.py").display());
    let arguments = [
        folder.join("main.py"),
        "--additional-hooks-dir".into(),
        hooks,
        "--trace=-- cmd".into(),
        "--hidden-import=zipapp".into(),
        "--exclude-module=tabnanny".into(),
        "--interpreter=env".into(),
        "--add-data".into(),
        data.into(),
    ];
    let executable = fixtures.freeze(arguments, interpreter);
    compare(fixtures, &executable, OF_OPTIONS, "why/options.txt");
}

fn one_answer(fixtures: &Fixtures, interpreter: &Interpreter) {
    let program = fixtures.spec("why/options/main.py");
    let python = interpreter.python.to_str().unwrap();
    let executable = fixtures.freeze([&program], interpreter);
    let directory = fixtures.freeze([program.as_os_str(), "--onedir".as_ref()], interpreter);
    let empty = fixtures.folder("empty");
    // Where libpython is depends on how a program is built; asked of a program, `why` answers for a fused one.
    let libpython = fixtures.fuses().then_some("libpython3.11.so.1.0");
    for name in ["shop.prices", "numbers", "shop/__init__.py"].into_iter().chain(libpython) {
        let of_executable = why(fixtures, &executable, name, &[]).succeeded(name).out();
        assert_eq!(why(fixtures, &directory, name, &[]).succeeded(name).out(), of_executable);
        let mut command = fixtures.snapfreeze();
        command.current_dir(&empty).arg("why").arg(&program).args([name, "--python", python]);
        assert_eq!(execute(&mut command).succeeded(name).out(), of_executable);
    }
    assert_eq!(std::fs::read_dir(&empty).unwrap().count(), 0, "nothing is written");

    // The program by its module, with the one name that is left.
    let mut command = fixtures.snapfreeze();
    command.current_dir(fixtures.spec("why/options")).args(["why", "-m", "main", "shop", "--python", python]);
    let outcome = execute(&mut command).succeeded("why -m");
    assert!(outcome.out().contains("main.py:7  imports shop\n"), "{outcome:?}");
}

fn unknown(fixtures: &Fixtures, interpreter: &Interpreter) {
    let executable = fixtures.frozen("why/options/main.py", interpreter);
    let outcome = why(fixtures, &executable, "shop.price", &[]);
    assert_eq!((outcome.code, outcome.out()), (Some(1), String::new()));
    let said = outcome.err();
    assert!(said.starts_with("error: nothing in the program asks for shop.price,"), "{said}");
    assert!(said.contains("\nhint: there is shop.prices"), "{said}");
    let outcome = execute(fixtures.snapfreeze().current_dir("/").args(["why", "-m", "shop", "os"]));
    assert_eq!(outcome.code, Some(1), "a module that is not there: {outcome:?}");
    let outcome = execute(fixtures.snapfreeze().current_dir("/").arg("why"));
    assert_eq!(outcome.code, Some(2), "nothing is asked for: {outcome:?}");
}

fn damaged(fixtures: &Fixtures, interpreter: &Interpreter) {
    let executable = fixtures.frozen("why/options/main.py", interpreter);
    let mut bytes = std::fs::read(&executable).unwrap();
    let copy: PathBuf = fixtures.folder("damaged").join("program");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&copy, &bytes).unwrap();
    let outcome = why(fixtures, &copy, "shop", &[]);
    assert_eq!(outcome.code, Some(1));
    assert!(outcome.err().contains("program: the index does not match its checksum"), "{outcome:?}");
    std::fs::write(&copy, &bytes[..bytes.len() / 2]).unwrap();
    let outcome = why(fixtures, &copy, "shop", &[]);
    assert!(outcome.err().contains("program: the file is cut short"), "{outcome:?}");
}

fn optional(fixtures: &Fixtures, interpreter: &Interpreter) {
    let environment = fixtures.environment("ecosystem", interpreter);
    let executable = fixtures.frozen("why/optional.py", &environment);
    let outcome = execute(&mut plain_command(&executable));
    let expected = "ModuleNotFoundError: No module named 'PIL'\n\
                    snapfreeze: PIL was left out as optional; rebuild with --follow-optional pillow\n";
    assert!(outcome.code == Some(1) && outcome.err().ends_with(expected), "{outcome:?}");
    let answer = why(fixtures, &executable, "PIL", &[]).succeeded("why").out();
    assert!(answer.contains("django/forms/fields.py:"), "{answer}");
    assert!(answer.ends_with("--follow-optional pillow brings it in\n"), "{answer}");

    let rebuilt = [fixtures.spec("why/optional.py"), "--follow-optional=pillow".into()];
    let executable = fixtures.freeze(rebuilt, &environment);
    let outcome = execute(&mut plain_command(&executable)).succeeded("the program, rebuilt");
    assert_eq!(outcome.out(), "no picture\n");
}

fn uncaught(fixtures: &Fixtures, interpreter: &Interpreter) {
    let program = fixtures.spec("why/missing.py");
    let without = ["--exclude-module=tabnanny", "--exclude-module=xml.sax"];
    let arguments = [program.as_os_str()].into_iter().chain(without.iter().map(AsRef::as_ref));
    let executable = fixtures.freeze(arguments, interpreter);
    let run = |way: &str| execute(plain_command(&executable).arg(way));
    let line =
        |name: &str| format!("snapfreeze: {name} was left out; rebuild without --exclude-module {name}\n");

    for (way, error, name) in [
        ("uncaught", "ModuleNotFoundError: No module named 'tabnanny'\n", "tabnanny"),
        ("instead", "RuntimeError: tabnanny is needed\n", "tabnanny"),
        ("below", "ImportError: cannot import name 'sax' from 'xml' ", "xml.sax"),
    ] {
        let outcome = run(way);
        let said = outcome.err();
        assert_eq!(outcome.code, Some(1), "{way}: {said}");
        assert!(said.starts_with("Traceback (most recent call last):\n") && said.contains(error), "{said}");
        assert!(said.ends_with(&line(name)), "{way}: {said}");
    }
    let outcome = run("caught");
    assert_eq!(
        (outcome.code, outcome.out(), outcome.err()),
        (Some(0), "without tabnanny\n".into(), String::new())
    );
    for (way, code) in [("other", 1), ("thread", 0)] {
        let outcome = run(way);
        assert_eq!(outcome.code, Some(code), "{outcome:?}");
        assert!(
            outcome.err().contains("ModuleNotFoundError") && !outcome.err().contains("snapfreeze:"),
            "{outcome:?}"
        );
    }
}
