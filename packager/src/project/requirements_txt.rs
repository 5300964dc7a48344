//! Requirements in pip's `requirements.txt`.
//!
//! Source: pip's documentation of the requirements file format. Files that are included (`-r`) count; constraints (`-c`)
//! and other options do not. A path to a project is that project's declaration; a wheel or a URL counts by the
//! distribution's name in it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::pyproject;
use crate::graph::requirements::Requirement;

/// The requirements of a file and of those that it includes.
pub fn of_file(path: &Path) -> Option<Vec<Requirement>> {
    let mut all = Vec::new();
    let mut seen = BTreeSet::new();
    let mut queue = vec![path.to_owned()];
    while let Some(path) = queue.pop() {
        let Ok(path) = path.canonicalize() else { continue };
        if seen.insert(path.clone()) {
            read(&path, &mut all, &mut queue);
        }
    }
    (!all.is_empty()).then_some(all)
}

fn read(path: &Path, all: &mut Vec<Requirement>, queue: &mut Vec<PathBuf>) {
    let Ok(bytes) = std::fs::read(path) else { return };
    let text = String::from_utf8_lossy(&bytes);
    let text = text.trim_start_matches('\u{feff}').replace("\\\r\n", " ").replace("\\\n", " ");
    let directory = path.parent().unwrap_or(path);
    for line in text.lines() {
        let line = without_comment(line);
        if let Some(file) = option(line, "-r", "--requirement") {
            queue.push(directory.join(file));
        } else if let Some(project) = option(line, "-e", "--editable") {
            all.extend(located(project, directory));
        } else if !line.starts_with('-') {
            // Options of one requirement: `--hash=…`.
            let line = line.split(" --").next().unwrap_or(line);
            match located(line, directory) {
                found if !found.is_empty() => all.extend(found),
                _ => all.extend(Requirement::parse(line)),
            }
        }
    }
}

/// A comment starts the line or follows a blank.
fn without_comment(line: &str) -> &str {
    let starts = line.match_indices('#').map(|(at, _)| at);
    let mut comments = starts.filter(|at| *at == 0 || line[..*at].ends_with(char::is_whitespace));
    line[..comments.next().unwrap_or(line.len())].trim()
}

/// The value of an option: `-r x`, `-rx`, `--requirement=x`.
fn option<'l>(line: &'l str, short: &str, long: &str) -> Option<&'l str> {
    let value = match line.strip_prefix(long) {
        Some(rest) => rest.strip_prefix(['=', ' '])?,
        None => line.strip_prefix(short).filter(|_| !line.starts_with("--"))?,
    };
    Some(value.trim())
}

/// What a path or a URL stands for.
fn located(text: &str, directory: &Path) -> Vec<Requirement> {
    let is_url =
        text.contains("://") && !text.contains('@') || text.starts_with("git+") || text.starts_with("http");
    if is_url {
        // `git+https://…#egg=name[extra]`.
        let egg = text.split_once("#egg=").map(|(_, egg)| egg.split('&').next().unwrap_or(egg));
        let file = text.split(['#', '?']).next().unwrap_or(text);
        return egg.or_else(|| of_archive(file)).and_then(Requirement::parse).into_iter().collect();
    }
    let path = text.split([';', '[']).next().unwrap_or(text).trim();
    let is_path = path.starts_with(['.', '/']) || path.contains('/') && !path.contains('@');
    if !is_path && !path.ends_with(".whl") {
        return Vec::new();
    }
    let extras = text.split_once('[').and_then(|(_, rest)| rest.split_once(']')).map(|(extras, _)| extras);
    let named = of_archive(path).and_then(Requirement::parse);
    named
        .into_iter()
        .chain(pyproject::of_project(&directory.join(path), extras.unwrap_or_default()))
        .collect()
}

/// The distribution's name in the name of a wheel or a source archive.
fn of_archive(path: &str) -> Option<&str> {
    let name = path.rsplit('/').next()?;
    let is_archive = [".whl", ".tar.gz", ".zip"].iter().any(|suffix| name.ends_with(suffix));
    let ends = name.match_indices('-').map(|(at, _)| at);
    let mut before_version = ends.filter(|at| name[at + 1..].starts_with(|c: char| c.is_ascii_digit()));
    before_version.next().filter(|_| is_archive).map(|at| &name[..at])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::build::tests::tree;
    use crate::project::tests::names;

    #[test]
    fn reads_what_pip_would_install() {
        let text = "\u{feff}# comment\none==1.0 --hash=sha256:ab \\\n    --hash=sha256:cd\n\ntwo[x]>=1 ; python_version > '3' # why\n\
            -r more.txt\n--requirement=deep/other.txt\n-c constraints.txt\n--index-url https://x/y\n-e ./project[fast]\n\
            git+https://host/repo.git@main#egg=egged\n./wheels/My_Wheel-1.0-py3-none-any.whl\nthree @ https://x/three.zip\n\
            https://host/remote-2.1.tar.gz#sha256=ab\nfour;sys_platform=='linux'\n";
        let folder = tree(&[
            ("requirements.txt", text),
            ("more.txt", "included\n-r requirements.txt\n-r not-there.txt\n"),
            ("deep/other.txt", "-r ../more.txt\ndeeper\n"),
            ("constraints.txt", "constrained\n"),
            (
                "project/pyproject.toml",
                "[project]\nname = 'project'\ndependencies = ['inner']\n[project.optional-dependencies]\nfast = ['quick']\nslow = ['lazy']\n",
            ),
        ]);
        let read = of_file(&folder.path().join("requirements.txt")).unwrap();
        let expected = [
            "deeper", "egged", "four", "included", "inner", "my-wheel", "one", "quick", "remote", "three",
            "two[x]",
        ];
        assert_eq!(names(&read), expected);
    }
}
