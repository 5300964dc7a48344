//! What distributions say of themselves: the core metadata and RECORDs in the tree of files.
//!
//! In: texts by their paths in the tree. Out: [`Metadata`] of each distribution, and which files are whose.

use std::collections::{BTreeMap, HashMap};

use super::model::Licence;

/// The texts that are wanted of a directory of metadata.
const TEXTS: [&str; 4] = ["METADATA", "PKG-INFO", "RECORD", "top_level.txt"];

/// What a distribution says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    /// `Name`, else the part of the directory's name before the version.
    pub name: String,
    /// `Version`.
    pub version: String,
    /// `Summary`.
    pub summary: Option<String>,
    /// Its licence, without the files.
    pub licence: Licence,
    /// `License-File`s.
    pub licence_files: Vec<String>,
    /// `Project-URL`s and `Home-page`.
    pub urls: Vec<(String, String)>,
    /// `Requires-Dist`.
    pub requires: Vec<String>,
}

/// Whether a file of the tree is one of those that are read.
pub fn is_wanted(path: &str) -> bool {
    match path.split_once('/') {
        Some((directory, file)) => is_metadata(directory) && TEXTS.contains(&file),
        // An `.egg-info` may be a file itself.
        None => path.ends_with(".egg-info"),
    }
}

/// Whether a directory in the root has the metadata of a distribution.
pub fn is_metadata(directory: &str) -> bool {
    directory.ends_with(".dist-info") || directory.ends_with(".egg-info")
}

/// Whether a file is likely to hold a licence.
pub fn is_licence(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path).to_lowercase();
    ["licen", "copying", "notice", "authors"].iter().any(|start| name.starts_with(start))
}

impl Metadata {
    /// Reads core metadata: the format of mail headers, of which each field may go on in indented lines.
    pub fn parse(directory: &str, text: &str) -> Self {
        let stem = directory.rsplit_once('.').map_or(directory, |(stem, _)| stem);
        let (name, version) = stem.split_once('-').unwrap_or((stem, ""));
        let version = version.split('-').next().unwrap_or_default();
        let mut metadata = Self { name: name.into(), version: version.into(), ..Self::default() };
        for (key, value) in fields(text) {
            let known = Some(value.trim()).filter(|value| !value.is_empty() && *value != "UNKNOWN");
            let Some(value) = known else { continue };
            let line = || value.lines().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned);
            match key.to_ascii_lowercase().as_str() {
                "name" => metadata.name = value.to_owned(),
                "version" => metadata.version = value.to_owned(),
                "summary" => metadata.summary = line(),
                "license-expression" => metadata.licence.expression = line(),
                "license" => metadata.licence.text = line(),
                "license-file" => metadata.licence_files.push(value.to_owned()),
                "classifier" => {
                    if let Some(licence) = value.strip_prefix("License :: ") {
                        metadata.licence.classifiers.push(licence.to_owned());
                    }
                }
                "home-page" => metadata.urls.push(("Homepage".into(), value.to_owned())),
                "project-url" => {
                    if let Some((label, address)) = value.split_once(',') {
                        metadata.urls.push((label.trim().to_owned(), address.trim().to_owned()));
                    }
                }
                "requires-dist" => metadata.requires.extend(line()),
                _ => {}
            }
        }
        metadata
    }
}

/// The fields before the first empty line.
fn fields(text: &str) -> Vec<(&str, String)> {
    let mut fields: Vec<(&str, String)> = Vec::new();
    for line in text.lines().take_while(|line| !line.is_empty()) {
        match (line.starts_with([' ', '\t']), line.split_once(':')) {
            (true, _) => {
                if let Some((_, value)) = fields.last_mut() {
                    value.push('\n');
                    value.push_str(line);
                }
            }
            (false, Some((key, value))) => fields.push((key.trim(), value.to_owned())),
            (false, None) => {}
        }
    }
    fields
}

/// All distributions of a tree, by their directories, and which of them each file is of.
#[derive(Debug, Default)]
pub struct Owners {
    /// By directory.
    pub all: BTreeMap<String, Metadata>,
    /// By file.
    files: HashMap<String, String>,
    /// By first part of modules' names, of files that no RECORD lists.
    tops: HashMap<String, String>,
}

impl Owners {
    /// Reads the texts. `leaders` has, by directory of metadata, a module of the distribution.
    pub fn read(texts: &BTreeMap<String, String>, leaders: &BTreeMap<String, String>) -> Self {
        let mut owners = Self::default();
        for (path, text) in texts {
            let (directory, file) = path.split_once('/').unwrap_or((path, "PKG-INFO"));
            match file {
                "METADATA" | "PKG-INFO" => {
                    owners.all.insert(directory.to_owned(), Metadata::parse(directory, text));
                }
                "RECORD" => {
                    for file in text.lines().map(first_field) {
                        owners.files.entry(file).or_insert_with(|| directory.to_owned());
                    }
                }
                _ => {
                    for top in text.split_whitespace() {
                        owners.tops.entry(top.to_owned()).or_insert_with(|| directory.to_owned());
                    }
                }
            }
        }
        for (directory, module) in leaders {
            let top = module.split('.').next().unwrap_or(module);
            owners.tops.entry(top.to_owned()).or_insert_with(|| directory.clone());
        }
        owners
    }

    /// The directory of the distribution that a file is of: its RECORD lists it, or it lies in that directory, or below
    /// the top of one that lists no files.
    pub fn of_file(&self, path: &str) -> Option<&str> {
        let top = path.split('/').next().unwrap_or(path);
        let stem = if path.contains('/') { top } else { top.split('.').next().unwrap_or(top) };
        let in_metadata = || self.all.get_key_value(top).map(|(directory, _)| directory);
        self.files.get(path).or_else(in_metadata).or_else(|| self.tops.get(stem)).map(String::as_str)
    }

    /// The name of the distribution that a file is of.
    pub fn name_of(&self, path: &str) -> Option<&str> {
        self.all.get(self.of_file(path)?).map(|metadata| metadata.name.as_str())
    }
}

/// The first field of a line of RECORD: CSV, quoted where the path has a comma or a quote in it.
fn first_field(line: &str) -> String {
    let Some(quoted) = line.strip_prefix('"') else {
        return line.split(',').next().unwrap_or(line).to_owned();
    };
    let mut field = String::new();
    let mut characters = quoted.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' => break,
            character => field.push(character),
        }
    }
    field
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_a_distribution_says_of_itself() {
        let text = "Metadata-Version: 2.4\nName: Some.Thing\nVersion: 1.2\nLicense: MIT License\n  with more\n\
            License-Expression: MIT OR Apache-2.0\nClassifier: License :: OSI Approved :: MIT License\n\
            Classifier: Topic :: X\nLicense-File: LICENSE\nProject-URL: Source, https://example.org/x\n\
            Requires-Dist: other>=1 ; python_version < \"3\"\nSummary: UNKNOWN\n\nName: of the body\n";
        let metadata = Metadata::parse("some_thing-1.2.dist-info", text);
        assert_eq!((metadata.name.as_str(), metadata.version.as_str()), ("Some.Thing", "1.2"));
        assert_eq!(metadata.licence.text.as_deref(), Some("MIT License"));
        assert_eq!(metadata.licence.expression.as_deref(), Some("MIT OR Apache-2.0"));
        assert_eq!(metadata.licence.classifiers, ["OSI Approved :: MIT License"]);
        assert_eq!(metadata.urls, [("Source".to_owned(), "https://example.org/x".to_owned())]);
        assert_eq!(metadata.requires, ["other>=1 ; python_version < \"3\""]);
        assert_eq!(metadata.summary, None);
        let nameless = Metadata::parse("old-0.3-py3.11.egg-info", "");
        assert_eq!((nameless.name.as_str(), nameless.version.as_str()), ("old", "0.3"));
    }

    #[test]
    fn files_are_found_by_record_then_by_directory_then_by_top() {
        let texts = [
            ("a-1.dist-info/METADATA", "Name: A\nVersion: 1\n"),
            ("a-1.dist-info/RECORD", "shared/a.py,sha256=x,3\n\"odd, \"\"name\"\".txt\",,\n"),
            ("b-2.egg-info/PKG-INFO", "Name: B\n"),
            ("b-2.egg-info/top_level.txt", "shared\nlone\n"),
        ];
        let texts = texts.map(|(path, text)| (path.to_owned(), text.to_owned())).into();
        let leaders = [("a-1.dist-info".to_owned(), "editable.part".to_owned())].into();
        let owners = Owners::read(&texts, &leaders);
        let names = [
            "shared/a.py",
            "odd, \"name\".txt",
            "shared/b.py",
            "lone.py",
            "editable/x.py",
            "a-1.dist-info/x",
        ];
        let found: Vec<Option<&str>> = names.iter().map(|path| owners.name_of(path)).collect();
        assert_eq!(found, [Some("A"), Some("A"), Some("B"), Some("B"), Some("A"), Some("A")]);
        assert_eq!(owners.name_of("os.py"), None);
    }
}
