//! A frozen program reads its packages' data in every way there is, and sees what `python` sees.
//!
//! `package_data/` holds one program, two packages with data of all kinds, and what is made of it first
//! (`prepare.py`): the program's sections print what they read; each is compared.

use std::collections::BTreeSet;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::Trial;
use snapfreeze_tests::execution::plain_command;
use snapfreeze_tests::jail::Jail;
use snapfreeze_tests::{Fixtures, Interpreter, Outcome, assert_same, execute};

use self::prepared::{Form, Prepared, compiler, headers, may_compile, named, prepared};
use crate::files::{strace, traced};
use crate::traces::cases;

mod prepared;

/// The modules of sections, and whether they need what a C compiler makes.
const SUBJECTS: &[(&str, bool)] = &[
    ("reading", false),
    ("walking", false),
    ("resources", false),
    ("libraries", false),
    ("applications", false),
    ("native", true),
    ("processes", true),
    ("importing", false),
    ("sources", false),
];

/// Sections that are no comparison: of the frozen program alone, or of one version.
const OWN: &[&str] = &["native.by_name_of_the_frozen", "native.cffi_modes"];

/// Sections that show whether sources are there; without `--include-source` they differ.
const OF_SOURCES: &[&str] = &[
    "importing.run_as_main",
    "importing.run_by_path",
    "importing.other_loaders",
    "importing.of_the_imp_era",
    "sources.inspected",
    "sources.read_as_text",
    "sources.tracebacks",
    "sources.uncaught",
    "sources.warned",
    "sources.traced",
];

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    let preferred = fixtures.preferred();
    let compiler = compiler();
    let (may_jail, may_trace) = (Jail::find().map(|_| ()), strace().map(|_| ()));
    let mut trials = Vec::new();
    for slot in fixtures.each() {
        let native = compiler.clone().and_then(|()| headers(slot));
        for (section, needs_native) in sections(fixtures) {
            let needed = if needs_native { native.clone() } else { Ok(()) };
            let trial = fixtures.trial(format!("package_data::{section}"), slot).needs(needed);
            trials.push(trial.runs(move |fixtures, interpreter| {
                same(fixtures, interpreter, Form::Sources, &section);
            }));
        }
        let mut one = |name: &str, needed: Result<(), String>, body: fn(&Fixtures, &Interpreter)| {
            trials.push(fixtures.trial(format!("package_data::{name}"), slot).needs(needed).runs(body));
        };
        one("the same without sources", Ok(()), without_sources);
        one("the same as a directory", Ok(()), as_a_directory);
        one("the same with a package on disk", Ok(()), materialized);
        one("libraries by their names", native, libraries_by_name);
        one("the root is a directory", Ok(()), the_root);
        one("writing is refused as by a read-only file system", may_jail.clone(), refusals);
        one("reading writes to no file", may_trace.clone(), writes_to_no_file);
    }
    let mut one = |name: &str, needed: Result<(), String>, body: fn(&Fixtures, &Interpreter)| {
        trials.push(fixtures.trial(format!("package_data::{name}"), &preferred).needs(needed).runs(body));
    };
    let native = compiler.and_then(|()| headers(&preferred));
    one("native.cffi_modes", native, |fixtures, interpreter| {
        same(fixtures, interpreter, Form::Sources, "native.cffi_modes");
    });
    one("the executable's places", Ok(()), places);
    one("the executable is moved while it runs", Ok(()), moved_while_running);
    trials
}

/// All sections that are compared, and whether each needs a C compiler.
fn sections(fixtures: &Fixtures) -> Vec<(String, bool)> {
    let of = |(subject, native): &(&str, bool)| {
        let file = format!("package_data/project/sections/{subject}.py");
        let native = *native;
        let names = cases(fixtures, &file).into_iter().map(|case| format!("{subject}.{case}"));
        names.map(|name| (name, native)).collect::<Vec<_>>()
    };
    let all = SUBJECTS.iter().flat_map(of);
    all.filter(|(section, _)| !OWN.contains(&section.as_str())).collect()
}

/// Runs a section both ways and compares.
#[track_caller]
fn same(fixtures: &Fixtures, interpreter: &Interpreter, form: Form, section: &str) {
    all_same(fixtures, interpreter, form, &[section]);
}

/// Compares several sections and says all that differ.
#[track_caller]
fn all_same(fixtures: &Fixtures, interpreter: &Interpreter, form: Form, sections: &[&str]) {
    let prepared = prepared(fixtures, interpreter);
    let executable = prepared.frozen(fixtures, form);
    let root = root_of(&executable, form);
    let mut differing = Vec::new();
    for section in sections {
        let frozen = execute(&mut prepared.by_frozen(&executable, &[section]));
        let python = execute(&mut prepared.by_python(&[section]));
        let succeeds = *section != "sources.uncaught";
        assert_eq!(python.code, Some(i32::from(!succeeds)), "{section}: {python:?}");
        assert_eq!(!python.stdout.is_empty(), succeeds, "{section} prints nothing: {python:?}");
        let (frozen, python) = (prepared.of_frozen(frozen, &root), prepared.of_python(python));
        if frozen != python {
            differing.push(format!("{section}\n=== frozen: {frozen:?}\n=== python: {python:?}"));
        }
    }
    assert!(differing.is_empty(), "they differ: {}", differing.join("\n"));
}

/// The directory of a frozen program's files.
fn root_of(executable: &Path, form: Form) -> PathBuf {
    match form {
        Form::Directory => executable.with_file_name("_internal"),
        _ => executable.join("_internal"),
    }
}

/// All sections that need no sources, and no C compiler where there is none. Not all with each interpreter: what other
/// forms have of their own is files and modules.
fn everyday(fixtures: &Fixtures, interpreter: &Interpreter) -> Vec<String> {
    let native = may_compile(interpreter);
    let all = sections(fixtures).into_iter().filter(|(_, needs_native)| native || !needs_native);
    let everything = fixtures.preferred().minor == interpreter.minor;
    all.map(|(section, _)| section)
        .filter(|section| !OF_SOURCES.contains(&section.as_str()))
        .filter(|section| {
            everything || ["resources.", "importing."].iter().any(|own| section.starts_with(own))
        })
        .collect()
}

fn without_sources(fixtures: &Fixtures, interpreter: &Interpreter) {
    let sections = everyday(fixtures, interpreter);
    let sections: Vec<&str> = sections.iter().map(String::as_str).collect();
    all_same(fixtures, interpreter, Form::Plain, &sections);
    let prepared = prepared(fixtures, interpreter);
    let executable = prepared.frozen(fixtures, Form::Plain);
    let ran = |section| execute(&mut prepared.by_frozen(&executable, &[section]));
    let traceback = ran("sources.uncaught");
    assert!(
        traceback.code == Some(1) && traceback.err().contains("unit.py\", line 22, in fail\n"),
        "{traceback:?}"
    );
    assert!(!traceback.err().contains("return Box(3).fail()"), "{traceback:?}");
    let text = ran("sources.read_as_text").succeeded("reading a module's file");
    // To linecache an empty file has one empty line, from 3.13 on.
    let has_line = ["3.9", "3.10", "3.11", "3.12"].iter().all(|minor| *minor != interpreter.minor);
    assert_eq!(text.out(), if has_line { "\nNone ['\\n'] \n\n" } else { "\nNone [] \n" });
}

fn as_a_directory(fixtures: &Fixtures, interpreter: &Interpreter) {
    let sections = everyday(fixtures, interpreter);
    let sections: Vec<&str> = sections.iter().map(String::as_str).chain(OF_SOURCES.iter().copied()).collect();
    all_same(fixtures, interpreter, Form::Directory, &sections);
}

fn libraries_by_name(fixtures: &Fixtures, interpreter: &Interpreter) {
    let prepared = prepared(fixtures, interpreter);
    for form in [Form::Sources, Form::Directory] {
        let executable = prepared.frozen(fixtures, form);
        let outcome = execute(&mut prepared.by_frozen(&executable, &["native.by_name_of_the_frozen"]));
        let outcome = prepared.of_frozen(outcome, &root_of(&executable, form)).succeeded("libraries by name");
        assert_eq!(outcome.out(), "6 8\n16\nROOT/samples/lib/libsamplelib.so\n", "{form:?}");
    }
}

fn the_root(fixtures: &Fixtures, interpreter: &Interpreter) {
    let prepared = prepared(fixtures, interpreter);
    let executable = prepared.frozen(fixtures, Form::Sources);
    let outcome = execute(&mut prepared.by_frozen(&executable, &["refusals.the_root"]));
    let expected = "\
        True True True True\n\
        True True True\n\
        False ['own', 'program.py', 'samples', 'sections']\n\
        EEXIST EROFS EXDEV ENOTDIR\n";
    assert_eq!(outcome.succeeded("the root").out(), expected);
}

fn refusals(fixtures: &Fixtures, interpreter: &Interpreter) {
    let prepared = prepared(fixtures, interpreter);
    let executable = prepared.frozen(fixtures, Form::Sources);
    let jail = Jail::find().unwrap();
    for section in ["refusals.writing", "refusals.relative_writing", "refusals.temporary_files_inside"] {
        let frozen = execute(&mut prepared.by_frozen(&executable, &[section]));
        let mut python = prepared.by_python(&[section]);
        // Everything else stays writable, as it is for the frozen program.
        let python = execute(&mut jail.read_only(&prepared.folder.join("project"), python.current_dir("/")));
        assert_same(&frozen, &python.succeeded(section));
    }
}

/// Sections that make no files on purpose.
fn writes_to_no_file(fixtures: &Fixtures, interpreter: &Interpreter) {
    let strace = strace().unwrap();
    let prepared = prepared(fixtures, interpreter);
    let executable = prepared.frozen(fixtures, Form::Sources);
    let native = may_compile(interpreter);
    let makes_files = [
        "reading.sent_and_copied",
        "applications.copied_by_the_kernel",
        "applications.packed_and_unpacked",
        "libraries.archives",
        "libraries.databases",
        "libraries.collected",
        "importing.plugins",
        "importing.copied_out",
        "sources.uncaught",
    ];
    let all = sections(fixtures).into_iter().filter(|(_, needs_native)| native || !needs_native);
    let all = all.map(|(section, _)| section).filter(|section| !makes_files.contains(&section.as_str()));
    for section in all {
        let by_python = traced(&strace, &prepared.by_python(&[&section]), fixtures);
        let by_frozen = traced(&strace, &prepared.by_frozen(&executable, &[&section]), fixtures);
        assert!(by_frozen.is_subset(&by_python), "{section}: frozen {by_frozen:?}, python {by_python:?}");
        assert_eq!(by_frozen, BTreeSet::new(), "{section}");
    }
}

fn materialized(fixtures: &Fixtures, interpreter: &Interpreter) {
    let prepared = prepared(fixtures, interpreter);
    let executable = prepared.frozen(fixtures, Form::Materialized);
    let cache = fixtures.folder("cache home");
    let native = may_compile(interpreter);
    let sections = [
        "reading.beside_file",
        "reading.a_large_file",
        "walking.walked",
        "resources.files",
        "resources.pkgutil_get_data",
        "resources.metadata_of_a_distribution",
        "libraries.databases",
        "importing.reloads",
        "importing.other_interpreters",
        "sources.inspected",
        "sources.tracebacks",
        "native.located",
        "native.ctypes_by_path",
        "processes.a_bundled_program",
        "processes.a_bundled_script",
    ];
    let needs_native = |section: &&str| section.starts_with("native.") || section.starts_with("processes.");
    for section in sections.iter().copied().filter(|section| native || !needs_native(section)) {
        let run = || {
            let mut command = prepared.by_frozen(&executable, &[section]);
            execute(command.env("XDG_CACHE_HOME", &cache)).succeeded(section)
        };
        let (first, second) = (run(), run());
        let python = execute(&mut prepared.by_python(&[section])).succeeded("python");
        assert_same(&first, &second);
        let places = relative(&first, &prepared, &executable, &cache);
        assert_same(&places, &prepared.of_python(python));
    }
    let shell = r#"cat "$1"/data/text.txt && echo && "$1"/bin/script.sh run; echo $?"#;
    let found = find(&cache, "samples");
    let outcome =
        execute(plain_command("sh").args(["-c", shell, "sh"]).arg(&found)).succeeded("another program");
    assert_eq!(outcome.out(), "first\nsecond ünï\nthird\nscript: 1 arguments, run, \n3\n");
    let top = std::fs::read_dir(&cache).unwrap().next().unwrap().unwrap().metadata().unwrap();
    assert_eq!(top.permissions().mode() & 0o777, 0o700);
}

/// A frozen program's outcome, with the directory on disk that holds a package under the name of the root.
fn relative(outcome: &Outcome, prepared: &Prepared, executable: &Path, cache: &Path) -> Outcome {
    let root = find(cache, "samples").parent().unwrap().to_owned();
    let outcome = named(outcome.clone(), &[(root, "ROOT")]);
    prepared.of_frozen(outcome, &executable.join("_internal"))
}

/// The first directory of a name below another.
fn find(below: &Path, name: &str) -> PathBuf {
    let mut folders = vec![below.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            if entry.file_name() == name {
                return entry.path();
            }
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            }
        }
    }
    panic!("{} has no {name} in it", below.display())
}

/// Started through a link, by a relative path, from a path with spaces, from a directory that is read-only.
fn places(fixtures: &Fixtures, interpreter: &Interpreter) {
    let prepared = prepared(fixtures, interpreter);
    let executable = prepared.frozen(fixtures, Form::Sources);
    let sections =
        ["reading.pathlib_reads", "walking.working_directory", "walking.resolved", "resources.files"];
    let folder = fixtures.folder("places of an ünusual näme");
    let copy = folder.join("a \"program\" of mine");
    std::fs::copy(&executable, &copy).unwrap();
    let beside = folder.join("elsewhere");
    std::fs::create_dir(&beside).unwrap();
    let link = beside.join("link");
    symlink("../a \"program\" of mine", &link).unwrap();
    let in_jail = Jail::find().ok();
    for section in sections {
        let expected = prepared.of_python(execute(&mut prepared.by_python(&[section])).succeeded("python"));
        let check = |mut command: Command, way: &str| {
            let outcome = execute(&mut command).succeeded(way);
            assert_same(&prepared.of_frozen(outcome, &copy.join("_internal")), &expected);
        };
        check(prepared.by_frozen(&copy, &[section]), "a path with spaces");
        check(prepared.by_frozen(&link, &[section]), "a link");
        let mut command = prepared.by_frozen(Path::new("./a \"program\" of mine"), &[section]);
        command.current_dir(&folder);
        check(command, "a relative path");
        if let Some(jail) = &in_jail {
            let mut command = prepared.by_frozen(&copy, &[section]);
            check(jail.read_only(&folder, command.current_dir("/")), "a read-only directory");
        }
    }
    // Another name for a directory above: paths below it are the program's all the same.
    let other = fixtures.folder("another name").join("of it");
    symlink(&folder, &other).unwrap();
    let path = other.join("a \"program\" of mine/_internal/samples/data/text.txt");
    let code = "reading.through_another_name";
    let mut command = prepared.by_frozen(&copy, &[code]);
    let outcome = execute(command.env("OTHER", &path).current_dir(&beside)).succeeded(code);
    assert_eq!(outcome.out(), "first\n24 True\nfirst\n");
}

fn moved_while_running(fixtures: &Fixtures, interpreter: &Interpreter) {
    let prepared = prepared(fixtures, interpreter);
    let executable = prepared.frozen(fixtures, Form::Sources);
    let folder = fixtures.folder("moved");
    let (first, second) = (folder.join("first"), folder.join("second"));
    std::fs::copy(&executable, &first).unwrap();
    let mut command = prepared.by_frozen(&first, &["reading.while_moved"]);
    let outcome = execute(command.env("FIRST", &first).env("SECOND", &second)).succeeded("the moved program");
    assert_eq!(outcome.out(), "True True\nfirst\n['page.html', 'up.txt']\nlate\nTrue\nfirst\n");
}
