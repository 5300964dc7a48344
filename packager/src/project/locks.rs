//! Requirements in lock files, without what serves development.

use std::path::Path;

use toml::{Table, Value};

use super::{pyproject, table};
use crate::graph::requirements::{Marker, Requirement, normalized};

/// `uv.lock`: what the project itself depends on. All else in it follows from that, or is for development.
pub fn uv(path: &Path) -> Option<Vec<Requirement>> {
    let file = table(path)?;
    let is_project = |package: &&Table| {
        let source = package.get("source");
        ["editable", "virtual", "directory"]
            .iter()
            .any(|kind| source.and_then(|source| source.get(kind)).and_then(Value::as_str) == Some("."))
    };
    let depended =
        packages(&file, "package").filter(is_project).flat_map(|package| tables(package.get("dependencies")));
    Some(depended.filter_map(|package| requirement(package, "extra", "marker")).collect())
}

/// `poetry.lock` and `pdm.lock`: the packages of the main group, where it says which these are.
pub fn poetry(path: &Path) -> Option<Vec<Requirement>> {
    let file = table(path)?;
    let is_main = |package: &&Table| {
        let groups = package.get("groups").and_then(Value::as_array).into_iter().flatten();
        let mut groups = groups.chain(package.get("category")).filter_map(Value::as_str);
        let is_optional = package.get("optional").and_then(Value::as_bool).unwrap_or_default();
        !is_optional && groups.any(|group| matches!(group, "main" | "default"))
    };
    let packages = packages(&file, "package").filter(is_main);
    Some(packages.filter_map(|package| requirement(package, "extras", "markers")).collect())
}

/// `pylock.toml` (PEP 751): packages that are installed without any extra or group.
pub fn pylock(path: &Path) -> Option<Vec<Requirement>> {
    let file = table(path)?;
    Some(packages(&file, "packages").filter_map(|package| requirement(package, "", "marker")).collect())
}

/// `Pipfile`: `[packages]`.
pub fn pipfile(path: &Path) -> Option<Vec<Requirement>> {
    Some(pyproject::of_table(table(path)?.get("packages")?.as_table()?))
}

/// `Pipfile.lock`: JSON with the packages of `default`.
pub fn pipfile_lock(path: &Path) -> Option<Vec<Requirement>> {
    let file: serde_json::Value = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
    let of = |(name, package): (&String, &serde_json::Value)| {
        let marker = package.get("markers").and_then(serde_json::Value::as_str).and_then(Marker::parse);
        let extras = package.get("extras").and_then(serde_json::Value::as_array).into_iter().flatten();
        let extras = extras.filter_map(serde_json::Value::as_str).map(normalized).collect();
        Some(Requirement { extras, marker, ..Requirement::parse(name)? })
    };
    Some(file.get("default")?.as_object()?.iter().filter_map(of).collect())
}

fn packages<'t>(file: &'t Table, key: &str) -> impl Iterator<Item = &'t Table> + use<'t> {
    tables(file.get(key))
}

fn tables(value: Option<&Value>) -> impl Iterator<Item = &Table> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_table)
}

fn requirement(package: &Table, extras: &str, marker: &str) -> Option<Requirement> {
    let name = package.get("name")?.as_str()?;
    let extras = package.get(extras).and_then(Value::as_array).into_iter().flatten();
    let extras = extras.filter_map(Value::as_str).map(normalized).collect();
    let marker = package.get(marker).and_then(Value::as_str).and_then(Marker::parse);
    Some(Requirement { extras, marker, ..Requirement::parse(name)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::build::tests::tree;
    use crate::graph::requirements::Environment;
    use crate::project::Reader;
    use crate::project::tests::names;

    fn read(reader: Reader, text: &str) -> Vec<String> {
        let folder = tree(&[("lock", text)]);
        let environment = Environment::for_tests();
        let mut read = reader(&folder.path().join("lock")).unwrap();
        read.retain(|requirement| requirement.holds(&environment, &[]));
        names(&read)
    }

    #[test]
    fn uv_names_what_the_project_depends_on() {
        let text = r#"
[[package]]
name = "app"
source = { virtual = "." }
dependencies = [{ name = "a" }, { name = "b", extra = ["x"] }, { name = "w", marker = "sys_platform == 'win32'" }]
[package.dev-dependencies]
dev = [{ name = "ipython" }]
[[package]]
name = "a"
source = { registry = "https://x" }
dependencies = [{ name = "c" }]
"#;
        assert_eq!(read(uv, text), ["a", "b[x]"]);
    }

    #[test]
    fn poetry_and_pdm_say_which_packages_are_of_the_main_group() {
        let text = r#"
[[package]]
name = "a"
optional = false
groups = ["main", "dev"]
[[package]]
name = "b"
groups = ["dev"]
[[package]]
name = "c"
category = "main"
optional = true
[[package]]
name = "d"
category = "main"
[[package]]
name = "e"
groups = ["default"]
[[package]]
name = "unknown"
"#;
        assert_eq!(read(poetry, text), ["a", "d", "e"]);
    }

    #[test]
    fn pylock_and_pipfile_leave_groups_out() {
        let text = r#"
lock-version = "1.0"
[[packages]]
name = "a"
[[packages]]
name = "b"
marker = "'dev' in dependency_groups"
[[packages]]
name = "c"
marker = "python_version >= '3.9'"
"#;
        assert_eq!(read(pylock, text), ["a", "c"]);
        let text = r#"{"default": {"a": {"version": "==1"}, "b": {"extras": ["x"], "markers": "python_version < '3'"}}, "develop": {"c": {}}}"#;
        assert_eq!(read(pipfile_lock, text), ["a"]);
        assert_eq!(
            read(pipfile, "[packages]\na = '*'\nb = { extras = ['x'] }\n[dev-packages]\nc = '*'\n"),
            ["a", "b[x]"]
        );
    }
}
