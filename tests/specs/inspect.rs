//! `inspect` shows what is in an executable, to the byte, and what files are that are none.

use std::path::Path;

use libtest_mimic::Trial;
use serde_json::Value;
use snapfreeze_tests::execution::plain_command;
use snapfreeze_tests::{Fixtures, Interpreter, Outcome, execute};

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
        one("the oldest glibc is the newest that readelf sees", oldest_glibc),
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
    refused(&fixtures.spec("inspect.rs"), "it seems to be a text file");
    refused(&folder.join("absent"), "cannot read");
    refused(Path::new("/dev/null"), "not a regular file");
    let place = folder.join("ö damaged");
    let whole = std::fs::read(fixtures.frozen(SMALL, interpreter)).unwrap();
    let write = |bytes: &[u8]| std::fs::write(&place, bytes).unwrap();
    for length in [0, 1, 100, 5_000, 600_000, whole.len() / 2, whole.len() - 1] {
        write(&whole[..length]);
        refused(&place, "damaged: ");
    }
    let mut bytes = whole.clone();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    write(&bytes);
    refused(&place, "the index does not match its checksum");
    // The archive alone is enough.
    let at = snapfreeze::fuse::archive::find(&whole).unwrap().1.offset as usize;
    write(&whole[at..]);
    let document = document(fixtures, &place);
    assert_eq!(checked(&document), (whole.len() - at) as u64);
    assert!(document["warnings"][0].as_str().unwrap().contains("found by its first bytes"), "{document}");
}
