//! Links of Markdown files that lead to files, and to headings in them.

use std::collections::BTreeSet;
use std::path::Path;

/// The targets of all links of a text that lead to no other site.
pub fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in prose(text) {
        let targets = line.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        let targets = targets.map(|(target, _)| target).filter(|target| !target.contains("://"));
        found.extend(targets.map(str::to_owned));
    }
    found
}

/// The names by which a text's headings can be linked to, as GitHub makes them.
pub fn anchors(text: &str) -> BTreeSet<String> {
    let headings = prose(text).filter(|line| line.starts_with('#'));
    headings.map(|line| anchor(line.trim_start_matches('#').trim())).collect()
}

/// What is wrong with a file's links: those that lead nowhere.
///
/// # Panics
/// When the file cannot be read.
pub fn broken(file: &Path) -> Vec<String> {
    let read = |path: &Path| std::fs::read_to_string(path).unwrap();
    let text = read(file);
    let is_broken = |link: &String| {
        let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
        let target = if path.is_empty() { file.to_owned() } else { file.with_file_name(path) };
        !target.exists() || (!anchor.is_empty() && !anchors(&read(&target)).contains(anchor))
    };
    links(&text).into_iter().filter(is_broken).collect()
}

/// The lines that are no code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    })
}

fn anchor(heading: &str) -> String {
    let kept = |character: &char| character.is_alphanumeric() || matches!(character, ' ' | '-' | '_');
    heading
        .chars()
        .filter(kept)
        .map(|character| if character == ' ' { '-' } else { character })
        .collect::<String>()
        .to_lowercase()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn reads_links_and_headings_of_what_is_no_code() {
        let text = "# Why `so`?\n[a](x.md#y) and [b](https://example.org)\n```\n# no [c](z)\n```\n## A b-c\n";
        assert_eq!(links(text), ["x.md#y"]);
        assert_eq!(anchors(text), BTreeSet::from(["why-so".to_owned(), "a-b-c".to_owned()]));
    }

    #[test]
    fn finds_what_leads_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.md");
        std::fs::write(&file, "# One\n[1](#one) [2](#two) [3](a.md#one) [4](b.md)\n").unwrap();
        assert_eq!(broken(&file), ["#two", "b.md"]);
    }

    #[test]
    fn links_of_the_documentation_lead_somewhere() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let mut files = vec![root.join("README.md"), root.join("CONTRIBUTING.md")];
        let mut folders: Vec<PathBuf> = vec![root.join("docs")];
        while let Some(folder) = folders.pop() {
            for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "md") {
                    files.push(path);
                }
            }
        }
        assert!(files.len() > 5, "{files:?}");
        let wrong: Vec<_> =
            files.iter().map(|file| (file, broken(file))).filter(|(_, b)| !b.is_empty()).collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
