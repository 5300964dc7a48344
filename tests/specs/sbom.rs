//! `sbom` writes a document that the official schema of CycloneDX 1.6 accepts, the same one each time.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use libtest_mimic::Trial;
use serde_json::Value;
use snapfreeze_tests::execution::python_command;
use snapfreeze_tests::{Fixtures, Interpreter, execute};

/// A program with distributions, native libraries and data.
const CORPUS: &str = "why/corpus.py";

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    let preferred = fixtures.preferred();
    let one = |name: &str, body: fn(&Fixtures, &Interpreter)| {
        fixtures.trial(format!("sbom::{name}"), &preferred).runs(body)
    };
    vec![
        one("of an executable is valid, complete and the same each time", of_executable),
        // What is asked of a program is answered for a fused one.
        fixtures
            .trial("sbom::of a program is valid and names what its executable's does", &preferred)
            .needs(fixtures.needs_fusion())
            .runs(of_program),
    ]
}

/// What the official schema has against a document.
fn validated(validator: &Interpreter, script: &Path, text: &str) -> String {
    let mut command = python_command(&validator.python);
    command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn component<'a>(bom: &'a Value, reference: &str) -> &'a Value {
    let mut components = bom["components"].as_array().unwrap().iter();
    components.find(|component| component["bom-ref"] == reference).unwrap_or_else(|| panic!("no {reference}"))
}

fn depends<'a>(bom: &'a Value, reference: &str) -> Vec<&'a str> {
    let mut all = bom["dependencies"].as_array().unwrap().iter();
    let found = all.find(|dependency| dependency["ref"] == reference).unwrap();
    found["dependsOn"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect()
}

fn of_executable(fixtures: &Fixtures, interpreter: &Interpreter) {
    let environment = fixtures.environment("ecosystem", interpreter);
    let executable = fixtures.frozen(CORPUS, &environment);
    let sbom = |epoch: Option<&str>| {
        let mut command = fixtures.snapfreeze();
        command.arg("sbom").arg(&executable);
        epoch.map(|epoch| command.env("SOURCE_DATE_EPOCH", epoch));
        execute(&mut command).succeeded("sbom").out()
    };
    let text = sbom(None);
    assert_eq!(text, sbom(None), "the same executable, the same document");
    let validator = fixtures.environment("sbom", interpreter);
    let script = fixtures.spec("sbom/validate.py");
    assert_eq!(validated(&validator, &script, &sbom(Some("1700000000"))), "valid\n");
    let broken = text.replacen("\"purl\"", "\"parl\"", 1);
    assert_ne!(validated(&validator, &script, &broken), "valid\n", "the schema does not check anything");

    let bom: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(bom["metadata"].get("timestamp"), None);
    let dated: Value = serde_json::from_str(&sbom(Some("1700000000"))).unwrap();
    assert_eq!(dated["metadata"]["timestamp"], "2023-11-14T22:13:20Z");
    let requests = component(&bom, "distribution:requests");
    assert!(requests["purl"].as_str().unwrap().starts_with("pkg:pypi/requests@"), "{requests}");
    assert_eq!(requests["licenses"][0]["license"]["id"], "Apache-2.0", "{requests}");
    let openjpeg = component(&bom, "library:pillow.libs/libopenjp2-e530e1bf.so.2.5.4");
    assert_eq!(openjpeg["properties"][0]["value"], "pillow");
    assert_eq!(openjpeg["hashes"][0]["content"].as_str().unwrap().len(), 64);
    let python = component(&bom, "cpython");
    assert!(python["cpe"].as_str().unwrap().starts_with("cpe:2.3:a:python:python:3."), "{python}");
    assert!(depends(&bom, "distribution:requests").contains(&"distribution:urllib3"));
    assert!(
        depends(&bom, "distribution:pillow").contains(&"library:pillow.libs/libopenjp2-e530e1bf.so.2.5.4")
    );
    assert!(depends(&bom, "application").contains(&"distribution:requests"));
}

fn of_program(fixtures: &Fixtures, interpreter: &Interpreter) {
    let environment = fixtures.environment("ecosystem", interpreter);
    let python = environment.python.to_str().unwrap();
    let folder = fixtures.folder("a bill of materials");
    let output = folder.join("new/app.cdx.json");
    let program = fixtures.spec(CORPUS);
    let mut command = fixtures.snapfreeze();
    command.arg("sbom").arg(&program).args(["--python", python, "-o"]).arg(&output);
    assert_eq!(execute(&mut command).succeeded("sbom").out(), "");
    let text = std::fs::read_to_string(&output).unwrap();
    let validator = fixtures.environment("sbom", interpreter);
    assert_eq!(validated(&validator, &fixtures.spec("sbom/validate.py"), &text), "valid\n");
    let references = |bom: &Value| -> Vec<String> {
        let components = bom["components"].as_array().unwrap().iter();
        components.map(|component| component["bom-ref"].as_str().unwrap().to_owned()).collect()
    };
    let of_program: Value = serde_json::from_str(&text).unwrap();
    let executable = fixtures.frozen(CORPUS, &environment);
    let outcome = execute(fixtures.snapfreeze().arg("sbom").arg(&executable)).succeeded("sbom");
    let of_executable: Value = serde_json::from_str(&outcome.out()).unwrap();
    assert_eq!(references(&of_program), references(&of_executable));
    assert_eq!(of_program["dependencies"], of_executable["dependencies"]);

    // The program itself is not overwritten.
    let outcome = execute(fixtures.snapfreeze().arg("sbom").arg(&executable).arg("-o").arg(&executable));
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert!(outcome.err().contains("it is the program\nhint: "), "{outcome:?}");
}
