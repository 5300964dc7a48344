//! `inspect` shows what is in an executable, to the byte, and what files are that are none.

use std::path::Path;

use libtest_mimic::Trial;
use serde_json::Value;
use snapfreeze_tests::execution::{plain_command, python_command};
use snapfreeze_tests::fixtures::copy_folder;
use snapfreeze_tests::{Fixtures, Interpreter, Outcome, execute};

use crate::damage::has;

/// A program with distributions, native libraries and data.
const CORPUS: &str = "why/corpus.py";
/// A small one.
const SMALL: &str = "why/options/main.py";

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    let preferred = fixtures.preferred();
    let one = |name: &str, body: fn(&Fixtures, &Interpreter)| {
        fixtures.trial(format!("inspect::{name}"), &preferred).runs(body)
    };
    vec![
        one("the parts of an executable add up to its file", adds_up),
        one("the parts of a directory add up to its files", adds_up_beside),
        one("distributions, libraries and imports are told", tells),
        fixtures
            .trial("inspect::the oldest glibc is the newest that readelf sees", &preferred)
            .needs(has("readelf"))
            .runs(oldest_glibc),
        one("what is extracted is what the program sees", extracted),
        one("a difference names what came, went and changed", difference),
        one("files of others are named, damaged ones refused", foreign),
    ]
}

fn inspect(fixtures: &Fixtures, arguments: &[&dyn AsRef<std::ffi::OsStr>]) -> Outcome {
    execute(fixtures.snapfreeze().arg("inspect").args(arguments.iter().map(AsRef::as_ref)))
}

fn document(fixtures: &Fixtures, executable: &Path) -> Value {
    let outcome = inspect(fixtures, &[&executable, &"--json"]).succeeded("inspect --json");
    serde_json::from_str(&outcome.out()).unwrap()
}

/// The sum of a field of all entries of a list.
fn sum(document: &Value, list: &str, field: &str) -> u64 {
    document[list].as_array().unwrap().iter().map(|entry| entry[field].as_u64().unwrap()).sum()
}

/// Checks that the document's sizes add up, and returns the total.
fn checked(document: &Value) -> u64 {
    let sizes = &document["sizes"];
    let parts = ["base", "alignment", "modules", "libraries", "files", "index", "reasons", "other"];
    let all: u64 = parts.iter().map(|part| sizes[part].as_u64().unwrap()).sum();
    let total = sizes["total"].as_u64().unwrap();
    assert_eq!(all, total, "{sizes}");
    for list in ["modules", "libraries", "files"] {
        assert_eq!(sum(document, list, "stored"), sizes[list].as_u64().unwrap(), "{list}: {sizes}");
    }
    total
}

fn adds_up(fixtures: &Fixtures, interpreter: &Interpreter) {
    let environment = fixtures.environment("ecosystem", interpreter);
    for executable in [fixtures.frozen(CORPUS, &environment), fixtures.frozen(SMALL, interpreter)] {
        let document = document(fixtures, &executable);
        assert_eq!(checked(&document), executable.metadata().unwrap().len());
        assert_eq!(document["sizes"]["other"], 0, "everything is somebody's");
    }
}

fn adds_up_beside(fixtures: &Fixtures, interpreter: &Interpreter) {
    let program = fixtures.spec(SMALL);
    let directory = fixtures.freeze([program.as_os_str(), "--onedir".as_ref()], interpreter);
    let document = document(fixtures, &directory);
    let mut total = 0;
    let mut open = vec![directory];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let metadata = entry.metadata().unwrap();
            if metadata.is_dir() {
                open.push(entry.path());
            } else {
                total += metadata.len();
            }
        }
    }
    assert_eq!(checked(&document), total);
    assert_eq!(document["program"]["is_directory"], true);
}

fn find<'a>(document: &'a Value, list: &str, name: &str) -> &'a Value {
    let mut entries = document[list].as_array().unwrap().iter();
    entries
        .find(|entry| entry["name"] == name || entry["path"] == name)
        .unwrap_or_else(|| panic!("no {name}"))
}

fn tells(fixtures: &Fixtures, interpreter: &Interpreter) {
    let environment = fixtures.environment("ecosystem", interpreter);
    let document = document(fixtures, &fixtures.frozen(CORPUS, &environment));
    assert_eq!((&document["schema"], &document["program"]["is_built"]), (&1.into(), &true.into()));
    let requests = find(&document, "modules", "requests");
    assert_eq!((&requests["distribution"], &requests["origin"]), (&"requests".into(), &"installed".into()));
    let imports = requests["imports"].as_array().unwrap();
    assert!(imports.iter().any(|import| import["module"] == "urllib3" && import["line"] != 0), "{imports:?}");
    let pillow = find(&document, "distributions", "pillow");
    assert!(pillow["stored"].as_u64().unwrap() > 500_000, "{pillow}");
    assert!(!pillow["licence"]["files"].as_array().unwrap().is_empty(), "{pillow}");
    let openjpeg = find(&document, "libraries", "libopenjp2-e530e1bf.so.2.5.4");
    assert_eq!(openjpeg["distribution"], "pillow");
    assert!(openjpeg["users"].as_array().unwrap().contains(&"PIL._imaging".into()), "{openjpeg}");
    assert!(openjpeg["native"]["needed"].as_array().unwrap().contains(&"libc.so.6".into()), "{openjpeg}");
    let main = find(&document, "modules", "__main__");
    assert_eq!((&main["origin"], &main["distribution"]), (&"own".into(), &Value::Null));
    assert_eq!(find(&document, "modules", "_io")["kind"], "builtin");
    let metadata = find(&document, "files", "phonenumbers-9.0.43.dist-info/METADATA");
    assert_eq!(
        (&metadata["distribution"], &metadata["reason"]),
        (&"phonenumbers".into(), &"distribution".into())
    );

    let shown = inspect(fixtures, &[&fixtures.frozen(CORPUS, &environment)]).succeeded("inspect").out();
    for part in ["Pygments 2.21.0\n", "standard library\n", "PIL\n", "… ", "glibc       2."] {
        assert!(shown.contains(part), "{part:?} is not in {shown}");
    }
}

fn oldest_glibc(fixtures: &Fixtures, interpreter: &Interpreter) {
    let executable = fixtures.frozen(SMALL, interpreter);
    let outcome =
        execute(plain_command(Path::new("readelf")).arg("-VW").arg(&executable)).succeeded("readelf");
    let said = outcome.out();
    let versions = said.split_whitespace().filter_map(|word| word.split("GLIBC_").nth(1));
    let numbers = |text: &str| text.split('.').map(|part| part.parse().ok()).collect::<Option<Vec<u32>>>();
    let newest = versions.filter_map(|text| numbers(text.trim_end_matches(')'))).max().unwrap();
    let document = document(fixtures, &executable);
    let portability = &document["portability"];
    let start = portability["glibc_to_start"].as_str().unwrap();
    assert_eq!(numbers(start).unwrap(), newest, "{portability}");
    assert!(numbers(portability["glibc"]["version"].as_str().unwrap()).unwrap() >= newest, "{portability}");
}

fn foreign(fixtures: &Fixtures, interpreter: &Interpreter) {
    let refused = |path: &Path, expected: &str| {
        let outcome = inspect(fixtures, &[&path]);
        assert_eq!((outcome.code, outcome.out()), (Some(1), String::new()), "{outcome:?}");
        let said = outcome.err();
        assert!(
            said.starts_with("error: ") && said.contains(expected) && said.contains("\nhint: "),
            "{said}"
        );
    };
    let folder = fixtures.folder("foreign files");
    refused(Path::new("/bin/sh"), "it seems to be an ELF file for x86_64, without an archive");
    refused(&interpreter.python, "an ELF file");
    refused(fixtures.command_path(), "it seems to be an ELF file for x86_64, without an archive");
    refused(&fixtures.spec("inspect.rs"), "it seems to be a text file");
    refused(&folder.join("absent"), "cannot read");
    refused(Path::new("/dev/null"), "not a regular file");
    let place = folder.join("ö damaged");
    let whole = std::fs::read(fixtures.frozen(SMALL, interpreter)).unwrap();
    let write = |bytes: &[u8]| std::fs::write(&place, bytes).unwrap();
    for (length, expected) in [
        (0, "it seems to be an empty file"),
        (100, "it seems to be an ELF file that is truncated"),
        (5_000, "it seems to be an ELF file that is truncated"),
        (whole.len() / 2, "damaged: the file is cut short"),
        (whole.len() - 1, "damaged: the file is cut short"),
    ] {
        write(&whole[..length]);
        refused(&place, expected);
    }
    let mut bytes = whole.clone();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    write(&bytes);
    refused(&place, "the index does not match its checksum");
    // What is no ELF file may have an archive all the same.
    let mut bytes = whole.clone();
    bytes[..4].copy_from_slice(b"MZ\0\0");
    write(&bytes);
    assert_eq!(document(fixtures, &place)["sizes"]["total"], whole.len() as u64);
    let at = snapfreeze::fuse::archive::find(&whole).unwrap().1.offset as usize;
    write(&whole[at..]);
    let document = document(fixtures, &place);
    assert_eq!(checked(&document), (whole.len() - at) as u64);
    assert!(document["warnings"][0].as_str().unwrap().contains("found by its first bytes"), "{document}");
}

fn extracted(fixtures: &Fixtures, interpreter: &Interpreter) {
    let program = fixtures.spec("inspect/tree.py");
    let data = format!("{}:data", fixtures.spec("inspect/data").display());
    for more in [&[][..], &["--include-source", "--optimize=1"], &["--onedir"]] {
        let arguments = [program.as_os_str(), "--add-data".as_ref(), data.as_ref()];
        let arguments = arguments.into_iter().chain(more.iter().map(AsRef::as_ref));
        let executable = fixtures.freeze(arguments, interpreter);
        let run = if executable.is_dir() { executable.join("program") } else { executable.clone() };
        let seen = execute(&mut plain_command(&run)).succeeded("the program").out();
        assert!(seen.contains("data/link -> plain.txt\n") && seen.contains("_sqlite3."), "{seen}");

        let to = fixtures.folder("extracted files").join("new/täg");
        inspect(fixtures, &[&executable, &"--extract", &to]).succeeded("--extract");
        let mut command = python_command(&interpreter.python);
        let found = execute(command.arg(&program).arg(&to)).succeeded("python").out();
        // The entry's bytecode is no file of the program.
        let own = |line: &&str| line.starts_with("__pycache__/tree.");
        let of_program: Vec<&str> = found.lines().filter(|line| !own(line)).collect();
        assert_eq!(of_program, seen.lines().collect::<Vec<_>>(), "{more:?}");
        assert_eq!(found.lines().filter(own).count(), 1, "{more:?}");
        // Python takes it from there.
        let mut command = python_command(&interpreter.python);
        let entry = std::fs::read_dir(to.join("__pycache__")).unwrap().flatten().map(|entry| entry.path());
        let entry = entry.into_iter().find(|path| path.to_string_lossy().contains("/tree.")).unwrap();
        execute(command.arg(entry).arg(&to)).succeeded("the entry's bytecode");

        let again = inspect(fixtures, &[&executable, &"--extract", &to]);
        assert!(again.code == Some(1) && again.err().contains("is not empty\nhint: "), "{again:?}");
        inspect(fixtures, &[&executable, &"--extract", &to, &"--force"]).succeeded("--force");
        let left = std::fs::read_dir(&to).unwrap().flatten().map(|entry| entry.file_name());
        assert_eq!(left.filter(|name| name.to_string_lossy().starts_with(".snapfreeze")).count(), 0);
    }
}

fn difference(fixtures: &Fixtures, interpreter: &Interpreter) {
    let folder = fixtures.folder("changing").join("program");
    copy_folder(&fixtures.spec("why/options"), &folder);
    let main = folder.join("main.py");
    let before = fixtures.freeze([&main], interpreter);
    let same = fixtures.freeze([&main], interpreter);
    std::fs::rename(folder.join("shop/colours.py"), folder.join("shop/pigments.py")).unwrap();
    let text = std::fs::read_to_string(folder.join("shop/prices.py")).unwrap();
    std::fs::write(folder.join("shop/prices.py"), format!("{text}\nADDED = 'text'\n")).unwrap();
    let more = ["--hidden-import=shop.pigments", "--hidden-import=sqlite3", "--optimize=1"];
    let arguments = [main.as_os_str()].into_iter().chain(more.iter().map(AsRef::as_ref));
    let after = fixtures.freeze(arguments, interpreter);
    let diff = |one: &Path, other: &Path, more: &[&str]| {
        execute(fixtures.snapfreeze().arg("diff").arg(one).arg(other).args(more))
    };

    let outcome = diff(&before, &same, &["--exit-code"]).succeeded("diff of equals");
    assert!(outcome.out().ends_with("\nno difference\n"), "{outcome:?}");
    assert_eq!(diff(&before, &after, &["--exit-code", "--quiet"]).code, Some(1));
    let outcome = diff(&before, &after, &[]).succeeded("diff");
    let said = outcome.out();
    for part in
        ["  optimize          0 -> 1\n", "  + ", "  sqlite3\n", "\nmodules: ", "\nlibraries: 1 new, +"]
    {
        assert!(said.contains(part), "{part:?} is not in {said}");
    }
    let document: Value =
        serde_json::from_str(&diff(&before, &after, &["--json"]).succeeded("diff --json").out()).unwrap();
    assert_eq!(document["is_same"], false);
    let change = |name: &str| find(&document, "modules", name);
    assert!(
        change("shop.prices")["after"]["size"].as_u64() > change("shop.prices")["before"]["size"].as_u64()
    );
    assert_eq!(
        (&change("shop.pigments")["before"], &change("sqlite3")["before"]),
        (&Value::Null, &Value::Null)
    );
    let modules = document["modules"].as_array().unwrap();
    assert!(modules.iter().all(|change| change["name"] != "numbers"), "what is the same is not listed");
    let outcome = diff(&before, Path::new("/bin/sh"), &["--exit-code"]);
    assert_eq!(outcome.code, Some(2), "{outcome:?}");
}
