//! The report in a browser: what it shows is what is in the program, what is clicked does what it says, names are never
//! markup, and nothing is loaded from elsewhere.
//!
//! `UPDATE_SNAPSHOTS=1` with the filter `report::picture` makes the picture of the documentation anew.

use std::path::{Path, PathBuf};

use libtest_mimic::Trial;
use serde_json::{Value, json};
use snapfreeze_tests::browser::{self, Browser};
use snapfreeze_tests::execution::plain_command;
use snapfreeze_tests::{Fixtures, Interpreter, Outcome, execute};

/// Directories and files whose names would be markup. A slash ends an element's name in markup, and a directory's.
const HOSTILE: &[(&str, &str)] = &[
    ("<", "script><img src=x onerror=document.title='markup'>.txt"),
    ("\"><svg onload=document.title='markup'>", "<b>bold<b>.txt"),
];

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    let preferred = fixtures.preferred();
    let one = |name: &str, body: fn(&Fixtures, &Interpreter)| {
        fixtures.trial(format!("report::{name}"), &preferred).runs(body)
    };
    let browser = browser::find().map(drop);
    let in_browser = |name: &str, body: fn(&Fixtures, &Interpreter)| {
        fixtures.trial(format!("report::{name}"), &preferred).needs(browser.clone()).runs(body)
    };
    vec![
        one("writes_one_page_the_same_for_the_same_program", writes),
        one("refuses_what_cannot_be_an_output", refuses),
        one("does_not_take_the_place_of_a_projects_executable", of_a_project),
        in_browser("can_be_clicked_through", clicked_through),
        in_browser("picture", picture),
    ]
}

/// `snapfreeze report ARGUMENTS`, in a folder.
fn report(fixtures: &Fixtures, folder: &Path, arguments: &[&Path]) -> Outcome {
    execute(fixtures.snapfreeze().current_dir(folder).arg("report").args(arguments))
}

fn writes(fixtures: &Fixtures, interpreter: &Interpreter) {
    let executable = fixtures.frozen("why/options/main.py", interpreter);
    let folder = fixtures.folder("report");
    let outcome = report(fixtures, &folder, &[&executable]).succeeded("report");
    let page = std::fs::read(folder.join("program-report.html")).unwrap();
    assert!(outcome.out().starts_with("program-report.html: "), "{outcome:?}");
    let copy = Path::new("with space/päge.html");
    report(fixtures, &folder, &[&executable, Path::new("-o"), copy]).succeeded("again");
    assert_eq!(std::fs::read(folder.join(copy)).unwrap(), page);
    let outcome =
        report(fixtures, &folder, &[&executable, Path::new("-o"), Path::new("-")]).succeeded("on stdout");
    assert!(outcome.stdout == page && outcome.stderr.is_empty());

    // Of the program itself, without an executable; the same once more.
    let program = fixtures.spec("why/options/main.py");
    let of_program = || {
        let mut command = fixtures.snapfreeze();
        command.arg("report").arg(&program).arg("--python").arg(&interpreter.python).args(["-o", "-"]);
        execute(command.current_dir(&folder)).succeeded("of the program").out()
    };
    let page = of_program();
    assert!(page.starts_with("<!doctype html>") && page.contains("\"has_stored\":false"));
    assert_eq!(page, of_program());
    let here: Vec<String> = entries(&folder);
    assert_eq!(here, ["program-report.html", "with space"], "nothing else is written");

    // A reader that has seen enough.
    let mut command = plain_command("sh");
    command.env("SNAPFREEZE_CACHE_DIR", folder.join("cache"));
    command
        .args(["-c", "\"$0\" report \"$1\" -o - | head -c 5"])
        .arg(fixtures.command_path())
        .arg(&executable);
    let outcome = execute(&mut command).succeeded("a closed pipe");
    assert_eq!((outcome.out(), outcome.err()), ("<!doc".into(), String::new()));
}

fn refuses(fixtures: &Fixtures, interpreter: &Interpreter) {
    let executable = fixtures.frozen("why/options/main.py", interpreter);
    let folder = fixtures.folder("refused");
    let bytes = std::fs::read(&executable).unwrap();
    let output = Path::new("-o");
    let (file, foreign) = (folder.join("file"), PathBuf::from("/bin/sh"));
    std::fs::write(&file, "").unwrap();
    for (arguments, message) in [
        ([&executable, output, &folder], "is a directory: the report cannot take its place"),
        ([&executable, output, &executable], "is the program: the report would replace it"),
        ([&executable, output, &file.join("page.html")], "cannot write "),
        ([&folder.join("nothing"), output, &folder.join("page.html")], "nothing"),
        ([&foreign, output, &folder.join("page.html")], "/bin/sh"),
    ] {
        let outcome = report(fixtures, &folder, &arguments.map(|path| path as &Path));
        assert_eq!((outcome.code, outcome.out()), (Some(1), String::new()), "{outcome:?}");
        assert!(outcome.err().starts_with("error: ") && outcome.err().contains(message), "{outcome:?}");
    }
    assert_eq!(std::fs::read(&executable).unwrap(), bytes);
    assert_eq!(entries(&folder), ["file"]);
}

/// `output` in pyproject.toml is the executable's place, not the page's.
fn of_a_project(fixtures: &Fixtures, interpreter: &Interpreter) {
    let folder = fixtures.folder("project");
    std::fs::write(folder.join("main.py"), "print()\n").unwrap();
    let options = "[tool.snapfreeze]\nentry = 'main.py'\noutput = 'out/app'\n";
    std::fs::write(folder.join("pyproject.toml"), options).unwrap();
    report(fixtures, &folder, &["--python".as_ref(), interpreter.python.as_ref()]).succeeded("report");
    let page: Vec<String> =
        entries(&folder).into_iter().filter(|name| name.ends_with("-report.html")).collect();
    assert_eq!(page.len(), 1, "{:?}", entries(&folder));
    assert!(!folder.join("out").exists());
}

fn entries(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn clicked_through(fixtures: &Fixtures, interpreter: &Interpreter) {
    let environment = fixtures.environment("ecosystem", interpreter);
    let folder = fixtures.folder("hostile");
    for (directory, file) in HOSTILE {
        std::fs::create_dir_all(folder.join("data").join(directory)).unwrap();
        std::fs::write(folder.join("data").join(directory).join(file), vec![b'x'; 300_000]).unwrap();
    }
    let program = fixtures.spec("report/program.py");
    let mut data = folder.join("data").into_os_string();
    data.push(":hostile");
    let arguments = [program.as_os_str(), "--add-data".as_ref(), data.as_os_str()];
    let executable = fixtures.freeze(arguments, &environment);
    let page = folder.join("re port.html");
    report(fixtures, &folder, &[&executable, Path::new("-o"), &page]).succeeded("report");

    let mut browser = Browser::start(&browser::find().unwrap());
    browser.prefer("light");
    browser.open(&page, 1440, 1000);
    browser.wait_until("document.documentElement.dataset.ready === 'yes'");
    head(&mut browser, &executable);
    map(&mut browser);
    table(&mut browser);
    for name in
        ["urllib3.connectionpool", "click", "PIL.ImageFilter", "_socket", "encodings.utf_8", "__main__"]
    {
        search(&mut browser, name);
        way(fixtures, &mut browser, &executable, name);
    }
    neighbourhood(&mut browser);
    left_out(&mut browser);
    lists(&mut browser);
    hostile(&mut browser);
    for (width, scheme) in [(390, "dark"), (800, "light")] {
        browser.prefer(scheme);
        browser.resize(width, 900);
        let wide = "document.documentElement.scrollWidth";
        let is_narrow = browser.evaluate(&format!("{wide} <= {width} || `${{{wide}}} px`"));
        assert_eq!(is_narrow, json!(true), "the page is no wider than the window of {width}");
    }
    assert!(browser.complaints.is_empty(), "{:#?}", browser.complaints);
    assert_eq!(browser.requests.len(), 1, "only the page itself: {:#?}", browser.requests);
    assert!(browser.requests[0].starts_with("file://"), "{:?}", browser.requests);
}

fn head(browser: &mut Browser, executable: &Path) {
    assert_eq!(browser.texts("h1"), ["program"]);
    let size = std::fs::metadata(executable).unwrap().len();
    let data: Value = serde_json::from_str(&browser.hidden_text("#data")).unwrap();
    assert_eq!(data["size"], json!(size));
    let stored = data["parts"]["stored"].as_array().unwrap();
    let sum: u64 = stored.iter().filter_map(Value::as_u64).sum();
    assert_eq!(sum, size, "the parts add up to the file");
    assert_eq!(browser.texts("#total"), [format!("{:.1} MB", size as f64 / 1e6)]);
}

/// In with the mouse and with keys, out by the crumbs and with keys.
fn map(browser: &mut Browser) {
    let here = |browser: &mut Browser| browser.texts("#crumbs .here").concat();
    let cell = |name: &str| format!("#map > button[aria-label^=\"{name},\"]");
    assert_eq!(here(browser), "program");
    browser.click(&cell("pillow"));
    assert_eq!(here(browser), "pillow");
    let names = browser.texts("#map > button > .name");
    assert!(names.iter().any(|name| name == "pillow.libs"), "{names:?}");
    browser.click(&cell("pillow.libs"));
    assert_eq!(browser.texts("#crumbs li"), ["program", "pillow", "pillow.libs"]);
    browser.click("#crumbs li:nth-child(2) button");
    assert_eq!(here(browser), "pillow");
    // The focus is in the map: Escape goes out, Enter in, the arrows to another one.
    browser.press("Escape");
    assert_eq!(here(browser), "program");
    let focused = "document.activeElement.getAttribute('aria-label').split(',')[0]";
    let first = browser.evaluate(focused);
    browser.press("ArrowRight");
    let second = browser.evaluate(focused);
    assert_ne!(first, second);
    browser.press("Enter");
    assert_eq!(json!(here(browser)), second);
    browser.press("Backspace");
    assert_eq!(here(browser), "program");
    // What lies under the mouse is told.
    browser.click("#crumbs .here");
    browser.evaluate(
        "document.querySelector('#map > button').dispatchEvent(new PointerEvent('pointermove', \
        { bubbles: true, clientX: 300, clientY: 400 }))",
    );
    let told = browser.texts("#tip").concat();
    assert!(told.contains("of the program") && told.contains("unpacked"), "{told}");
    browser.click("#measure button:nth-child(2)");
    let unpacked = browser.texts("#crumbs .crumb-size");
    browser.click("#measure button:nth-child(1)");
    assert_ne!(browser.texts("#crumbs .crumb-size"), unpacked);
    browser.click("#colouring button:nth-child(2)");
    assert!(browser.texts("#legend span").iter().any(|kind| kind == "native library"));
    browser.click("#colouring button:nth-child(1)");
}

fn table(browser: &mut Browser) {
    let column = |browser: &mut Browser, number: usize| {
        browser.texts(&format!("#distributions tbody tr > :nth-child({number})"))
    };
    let by_size = column(browser, 1);
    assert!(by_size.len() > 8, "{by_size:?}");
    let sizes: Vec<f64> = column(browser, 4).iter().map(|size| bytes_of(size)).collect();
    assert!(sizes.is_sorted_by(|one, other| one >= other), "{sizes:?}");
    browser.click("#distributions thead th:nth-child(1) button");
    let by_name = column(browser, 1);
    let mut sorted = by_size.clone();
    sorted.sort_by_key(|name| name.to_lowercase());
    assert_ne!(by_size, by_name);
    assert_eq!(by_name, sorted);
    assert_eq!(browser.texts("#distributions [aria-sort='ascending']"), ["Distribution"]);
    browser.click("#distributions thead th:nth-child(1) button");
    sorted.reverse();
    assert_eq!(column(browser, 1), sorted);
    browser.click("#distributions thead th:nth-child(4) button");
    assert_eq!(column(browser, 1), by_size);
    assert_eq!(browser.texts("#distributions [aria-sort='descending']"), ["Size"]);
}

/// `1.2 MB`, in bytes.
fn bytes_of(size: &str) -> f64 {
    let (number, unit) = size.split_once(' ').unwrap();
    let unit = match unit {
        "B" => 1.0,
        "KB" => 1e3,
        "MB" => 1e6,
        other => panic!("{other}"),
    };
    number.parse::<f64>().unwrap() * unit
}

/// Types a name, and goes to the module with Enter.
fn search(browser: &mut Browser, name: &str) {
    browser.evaluate("document.activeElement.blur()");
    browser.press("/");
    browser.write(name);
    assert_eq!(browser.texts("#found [aria-selected='true'] span"), [name]);
    browser.press("Enter");
    browser.wait_until(&format!("document.querySelector('#module-name')?.textContent === {}", json!(name)));
}

/// The way that is shown is the one that `why` tells.
fn way(fixtures: &Fixtures, browser: &mut Browser, executable: &Path, name: &str) {
    let outcome = execute(fixtures.snapfreeze().arg("why").arg(executable).arg(name)).succeeded("why");
    let told: Vec<Vec<String>> = outcome
        .out()
        .lines()
        .skip(1)
        .map(|line| {
            line.trim()
                .split("  ")
                .map(str::trim)
                .filter(|part| !part.is_empty())
                .map(str::to_owned)
                .collect()
        })
        .collect();
    let (who, does) = (browser.texts("#way .who"), browser.texts("#way .does"));
    let shown: Vec<Vec<String>> = who.into_iter().zip(does).map(|(who, does)| vec![who, does]).collect();
    assert!(!told.is_empty());
    assert_eq!(shown, told, "{name}");
}

fn neighbourhood(browser: &mut Browser) {
    search(browser, "requests.sessions");
    let importers = browser.texts("#importers .edges a");
    assert!(importers.iter().any(|name| name == "requests.api"), "{importers:?}");
    let imported = browser.texts("#imported .edges a");
    assert!(imported.iter().any(|name| name == "requests.adapters"), "{imported:?}");
    // A click in the drawing goes on, and the browser's "back" comes back.
    let target =
        browser.evaluate("document.querySelector('#neighbourhood a.node title').textContent.split(' ')[0]");
    browser.click("#neighbourhood a.node");
    browser.wait_until(&format!("document.querySelector('#module-name').textContent === {target}"));
    browser.evaluate("history.back()");
    browser.wait_until("document.querySelector('#module-name').textContent === 'requests.sessions'");
}

fn left_out(browser: &mut Browser) {
    browser.evaluate("document.activeElement.blur()");
    browser.press("/");
    browser.write("numpy");
    browser.press("Enter");
    browser.wait_until("document.querySelector('#left-out-list details[open]') !== null");
    let text = browser.texts("#left-out-list details[open]").concat();
    assert!(text.contains("--follow-optional numpy") && text.contains("PIL/ImageFilter.py:"), "{text}");
}

fn lists(browser: &mut Browser) {
    let native = browser.texts("#libraries-list tbody th");
    assert!(native.iter().any(|name| name.starts_with("pillow.libs/libjpeg")), "{native:?}");
    let glibc = browser.texts("#glibc").concat();
    assert!(glibc.starts_with("Runs with glibc 2."), "{glibc}");

    let closed = browser.texts("#licences-list pre");
    assert!(closed.is_empty(), "texts are not there before they are asked for");
    let number = browser.evaluate(
        "[...document.querySelectorAll('#licences-list summary')].findIndex((each) => each.textContent.startsWith('requests')) + 1",
    );
    browser.click(&format!("#licences-list details:nth-child({number}) summary"));
    browser.wait_until("document.querySelectorAll('#licences-list pre').length > 0");
    let text = browser.texts("#licences-list pre").concat();
    assert!(text.contains("Apache License") && text.contains("TERMS AND CONDITIONS"), "{text}");
    browser.click(&format!("#licences-list details:nth-child({number}) summary"));
    browser.wait_until("document.querySelector('#licences-list details[open]') === null");
    browser.click("#unfold");
    browser.wait_until("document.querySelectorAll('#licences-list details:not([open])').length === 0");
    browser.click("#unfold");
}

/// Names with markup in them are shown as they are.
fn hostile(browser: &mut Browser) {
    let row = "[...document.querySelectorAll('#distributions tbody th button')]\
        .find((each) => each.textContent === 'the program')";
    browser.evaluate(&format!("{row}.click()"));
    browser.click("#map > button[aria-label^=\"hostile,\"]");
    let map = browser.texts("#map .name").join("\n");
    for (directory, _) in HOSTILE {
        assert!(map.contains(directory), "{directory}: {map}");
    }
    assert_eq!(browser.evaluate("document.querySelectorAll('img, b, svg[onload]').length"), json!(0));
    assert_eq!(browser.evaluate("document.scripts.length"), json!(2));
    assert_eq!(browser.evaluate("document.title"), json!("program – snapfreeze report"));
}

/// The picture of the documentation.
fn picture(fixtures: &Fixtures, interpreter: &Interpreter) {
    if std::env::var_os("UPDATE_SNAPSHOTS").is_none() {
        let place = place_of_picture();
        let bytes = std::fs::read(&place).unwrap_or_else(|error| panic!("{}: {error}", place.display()));
        assert!(bytes.starts_with(b"\x89PNG") && bytes.len() < 300_000, "{} bytes", bytes.len());
        return;
    }
    let environment = fixtures.environment("optional", interpreter);
    let executable = fixtures.freeze([fixtures.spec("report/sales.py")], &environment);
    let folder = fixtures.folder("picture");
    let page = folder.join("report.html");
    let program = folder.join("sales");
    std::fs::rename(&executable, &program).unwrap();
    report(fixtures, &folder, &[&program, Path::new("-o"), &page]).succeeded("report");
    let mut browser = Browser::start(&browser::find().unwrap());
    browser.prefer("light");
    browser.open(&page, 1360, 1440);
    search(&mut browser, "pandas.io.formats.style");
    browser.evaluate("scrollTo({ top: 0, behavior: 'instant' })");
    browser.evaluate("document.activeElement.blur()");
    let picture = browser.picture();
    assert!(picture.len() < 300_000, "{} bytes", picture.len());
    std::fs::write(place_of_picture(), picture).unwrap();
}

fn place_of_picture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/report.png")
}
