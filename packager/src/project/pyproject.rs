//! Requirements in `pyproject.toml`: `dependencies` of `[project]` (PEP 621), and of Poetry and Flit before it.
//!
//! Optional dependencies of the project count only where it asks for them itself (`name[extra]`), and dependency groups
//! (PEP 735) not at all: they serve development.

use std::path::Path;

use toml::{Table, Value};

use super::{in_array, table};
use crate::graph::requirements::{Marker, Requirement, normalized};

/// The requirements of a `pyproject.toml`.
pub fn of_file(path: &Path) -> Option<Vec<Requirement>> {
    Some(requirements(&table(path)?, ""))
}

/// The requirements of the project in a directory, with these extras, parted by commas.
pub fn of_project(directory: &Path, extras: &str) -> Vec<Requirement> {
    let declared = table(&directory.join("pyproject.toml")).map(|table| requirements(&table, extras));
    declared.or_else(|| super::setup_cfg::of_file(&directory.join("setup.cfg"))).unwrap_or_default()
}

fn requirements(file: &Table, extras: &str) -> Vec<Requirement> {
    let project = file.get("project");
    let get = |key: &str| project.and_then(|project| project.get(key));
    let name = get("name").and_then(Value::as_str).map(normalized);
    let mut all = in_array(get("dependencies"));
    let mut wanted: Vec<String> = extras.split(',').map(normalized).collect();
    let mut at = 0;
    let mut added = 0;
    loop {
        // What the project requires of itself.
        let own = all[added..].iter().filter(|requirement| Some(&requirement.name) == name.as_ref());
        let more: Vec<String> = own.flat_map(|requirement| requirement.extras.clone()).collect();
        added = all.len();
        for extra in more {
            if !wanted.contains(&extra) {
                wanted.push(extra);
            }
        }
        let Some(extra) = wanted.get(at) else { break };
        at += 1;
        let optional = get("optional-dependencies").and_then(Value::as_table).into_iter().flatten();
        for (_, list) in optional.filter(|(key, _)| normalized(key) == *extra) {
            all.extend(in_array(Some(list)));
        }
    }
    let tool = |keys: &[&str]| keys.iter().try_fold(file.get("tool")?, |value, key| value.get(key));
    all.extend(in_array(tool(&["flit", "metadata", "requires"])));
    for keys in [&["poetry", "dependencies"][..], &["poetry", "group", "main", "dependencies"]] {
        all.extend(tool(keys).and_then(Value::as_table).map(of_table).unwrap_or_default());
    }
    all
}

/// Requirements by name, as Poetry and Pipenv write them: `name = "^1"`, `name = { extras = ["x"], markers = "…" }`, or a
/// list of such.
pub fn of_table(table: &Table) -> Vec<Requirement> {
    let of = |(name, value): (&String, &Value)| -> Option<Requirement> {
        let requirement = Requirement::parse(name)?;
        let value = value.as_array().and_then(|values| values.first()).unwrap_or(value);
        let is_optional = value.get("optional").and_then(Value::as_bool).unwrap_or_default();
        if is_optional || requirement.name == "python" {
            return None;
        }
        let extras = value.get("extras").and_then(Value::as_array).into_iter().flatten();
        let extras = extras.filter_map(Value::as_str).map(normalized).collect();
        let marker = value.get("markers").and_then(Value::as_str).and_then(Marker::parse);
        Some(Requirement { extras, marker, ..requirement })
    };
    table.iter().filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::tests::names;

    fn read(text: &str) -> Vec<String> {
        names(&requirements(&toml::from_str(text).unwrap(), ""))
    }

    #[test]
    fn optional_dependencies_count_where_the_project_asks_for_them() {
        let text = "[project]\nname = 'My.App'\ndependencies = ['a', 'my-app[web]']\n[project.optional-dependencies]\n\
            web = ['b', 'my_app[Fast_Web]']\nfast-web = ['c[x]']\ntests = ['pytest']\n\
            [dependency-groups]\ndev = ['ipython']\n";
        let found = read(text);
        assert_eq!(found, ["a", "b", "c[x]", "my-app[fast-web]", "my-app[web]"]);
    }

    #[test]
    fn poetry_and_flit_are_read() {
        let text = "[tool.poetry.dependencies]\npython = '^3.9'\na = '^1'\nb = { version = '1', extras = ['X'], markers = \"python_version < '3'\" }\n\
            c = { version = '*', optional = true }\nd = [{ version = '1' }, { version = '2' }]\n\
            [tool.poetry.group.dev.dependencies]\ndev = '*'\n[tool.poetry.group.main.dependencies]\ne = '*'\n\
            [tool.flit.metadata]\nrequires = ['f >1']\n";
        assert_eq!(read(text), ["a", "b[x]", "d", "e", "f"]);
    }

    #[test]
    fn values_of_other_types_declare_nothing() {
        for text in [
            "project = 1",
            "[project]\ndependencies = 'a'",
            "[project]\ndependencies = [1]",
            "tool = []",
            "[tool.poetry]\ndependencies = 1",
        ] {
            assert!(read(text).is_empty(), "{text}");
        }
    }
}
