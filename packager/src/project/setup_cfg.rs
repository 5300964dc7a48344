//! Requirements in `setup.cfg`: `install_requires` in the section `options`.

use std::path::Path;

use crate::graph::requirements::Requirement;

/// The requirements of a `setup.cfg`.
pub fn of_file(path: &Path) -> Option<Vec<Requirement>> {
    let text = std::fs::read_to_string(path).ok()?;
    let mut all = Vec::new();
    let (mut section, mut key) = ("", "");
    for line in text.lines().filter(|line| !line.trim_start().starts_with(['#', ';'])) {
        let value = if line.starts_with([' ', '\t']) {
            line
        } else if let Some(name) = line.trim_end().strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            (section, key) = (name, "");
            continue;
        } else {
            let (name, value) = line.split_once(['=', ':']).unwrap_or((line, ""));
            key = name.trim();
            value
        };
        if section == "options" && key == "install_requires" {
            all.extend(Requirement::parse(value));
        }
    }
    Some(all)
}
