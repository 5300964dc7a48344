//! What sources say of data, found by looking at their text.
//!
//! In: a module's source. Out: [`Mentions`]. Nothing is parsed: a name too many costs a few kilobytes of metadata, and
//! only names of what is installed have any effect.

use std::collections::BTreeSet;

use super::walk::DEVELOPMENT_SUFFIXES;

/// What a source mentions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mentions {
    /// Names of distributions: `importlib.metadata.version("name")` and its relatives.
    pub distributions: BTreeSet<String>,
    /// Groups of entry points: `entry_points(group="name")`.
    pub groups: BTreeSet<String>,
    /// Whether it reads its own type stub (`lazy_loader.attach_stub`).
    pub attaches_stub: bool,
    /// Names of Python files, as literals.
    pub python_files: BTreeSet<String>,
    /// Names of other files for development, as literals: sources that are compiled when the program runs.
    pub development_files: BTreeSet<String>,
    /// Functions at top level of a module that asks for the source of objects (`inspect.getsource`).
    pub askers_for_sources: BTreeSet<String>,
    /// Its decorators: the first part of the module that each comes from, and its last name there.
    pub decorators: BTreeSet<(String, String)>,
    /// Whether it asks where it lies itself.
    pub asks_for_its_place: bool,
    /// Whether it opens or runs files.
    pub opens_files: bool,
    /// Functions at top level of a module that lists directories and opens the Python files in them.
    pub readers_of_sources: BTreeSet<String>,
}

/// Functions of `importlib.metadata` and `pkg_resources` whose first argument names a distribution.
const OF_DISTRIBUTIONS: [&str; 7] =
    ["version(", "distribution(", "metadata(", "requires(", "files(", "get_distribution(", "require("];

/// What comes before the name of a group.
const OF_GROUPS: [&str; 5] =
    ["entry_points(", "iter_entry_points(", "group=", "entry_points()[", "entry_points().get("];

/// What opens or runs a file.
const OPENERS: [&str; 6] =
    ["exec(", "open(", "run_path(", "read_text(", "SourceFileLoader(", "spec_from_file_location("];

/// What lists a directory.
const LISTERS: [&str; 5] = ["listdir(", "scandir(", "iterdir(", "glob(", "os.walk("];

/// How Python files are told from others.
const TESTS_FOR_PYTHON: [&str; 6] =
    ["endswith(\".py\"", "endswith('.py'", "suffix == \".py\"", "suffix == '.py'", "*.py\"", "*.py'"];

/// How a module asks where it lies.
const PLACES: [&str; 3] = ["__file__", "__path__", "resources"];

impl Mentions {
    /// Looks at a source. One that is not UTF-8 mentions nothing.
    pub fn of(text: &[u8]) -> Self {
        let Ok(text) = std::str::from_utf8(text) else { return Self::default() };
        let mut mentions = Self { attaches_stub: text.contains("attach_stub("), ..Self::default() };
        if text.contains("metadata") || text.contains("pkg_resources") {
            for function in OF_DISTRIBUTIONS {
                mentions.distributions.extend(literals_behind(text, function).filter_map(distribution_name));
            }
        }
        if text.contains("entry_points") {
            for function in OF_GROUPS {
                mentions.groups.extend(literals_behind(text, function).map(str::to_owned));
            }
        }
        mentions.python_files = files_with_suffix(text, "py");
        let has = |pieces: &[&str]| pieces.iter().any(|piece| text.contains(piece));
        if text.contains("__file__") && has(&OPENERS) {
            let suffixes = DEVELOPMENT_SUFFIXES.iter();
            mentions.development_files =
                suffixes.flat_map(|suffix| files_with_suffix(text, suffix)).collect();
        }
        let functions = || text.lines().filter_map(|line| line.strip_prefix("def ")?.split('(').next());
        if has(&["inspect.getsource", "import getsource"]) {
            mentions.askers_for_sources = functions().map(str::to_owned).collect();
        }
        mentions.decorators = decorators(text);
        mentions.asks_for_its_place = has(&PLACES);
        mentions.opens_files = has(&OPENERS);
        if mentions.opens_files && has(&TESTS_FOR_PYTHON) && has(&LISTERS) {
            mentions.readers_of_sources = functions().map(str::to_owned).collect();
        }
        mentions
    }
}

/// String literals that follow a piece of text at once.
fn literals_behind<'a>(text: &'a str, function: &'a str) -> impl Iterator<Item = &'a str> {
    text.match_indices(function).filter_map(|(at, _)| {
        let rest = text[at + function.len()..].trim_start();
        let quote = rest.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        let literal = rest[1..].split(quote).next()?;
        (!literal.is_empty() && literal.len() < 200 && !literal.contains('\n')).then_some(literal)
    })
}

/// Where functions that read the sources of a directory are called with a place beside `__file__`: the string
/// literals in these lines, any of which may be a directory there. None if there is no such call.
pub fn calls_beside_itself<'a>(text: &'a str, functions: &BTreeSet<String>) -> Option<BTreeSet<&'a str>> {
    if !text.contains("__file__") {
        return None;
    }
    let calls = text.lines().filter(|line| {
        functions.iter().any(|name| {
            let before = line.split_once(name.as_str()).filter(|(_, rest)| rest.starts_with('('));
            before.is_some_and(|(before, _)| {
                let ends_in_word = before.ends_with(|last: char| last.is_alphanumeric() || last == '_');
                !ends_in_word && !before.ends_with("def ")
            })
        })
    });
    let literals = |line: &'a str| {
        let quoted = |quote: char| line.split(quote).skip(1).step_by(2);
        quoted('"').chain(quoted('\''))
    };
    let mut calls = calls.peekable();
    calls.peek()?;
    Some(calls.flat_map(literals).filter(|name| !name.is_empty() && !name.contains(['/', '.'])).collect())
}

/// The name in a requirement: `name`, `name>=1`, `name[extra]`.
fn distribution_name(requirement: &str) -> Option<String> {
    let is_part = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    let name = requirement.trim().split(|character| !is_part(character)).next()?;
    (!name.is_empty()).then(|| normalized(name))
}

/// A distribution's name as it is compared (PyPA, "Names and normalization"), with underscores.
pub fn normalized(name: &str) -> String {
    let mut normalized = String::with_capacity(name.len());
    for character in name.chars() {
        if "-_.".contains(character) {
            if !normalized.ends_with('_') {
                normalized.push('_');
            }
        } else {
            normalized.extend(character.to_lowercase());
        }
    }
    normalized
}

/// The decorators that a source imports: the first part of the module, and the last name.
fn decorators(text: &str) -> BTreeSet<(String, String)> {
    let is_part = |character: char| character.is_alphanumeric() || matches!(character, '_' | '.');
    let dotted =
        |text: &str| -> String { text.chars().take_while(|character| is_part(*character)).collect() };
    let first = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
    let used = text.lines().filter_map(|line| line.trim_start().strip_prefix('@')).map(dotted);
    let used: BTreeSet<String> = used.filter(|name| !name.is_empty()).collect();
    let mut decorators = BTreeSet::new();
    if used.is_empty() {
        return decorators;
    }
    for line in text.lines().map(str::trim_start) {
        let from = line.strip_prefix("from ").and_then(|rest| rest.split_once(" import "));
        let (module, names) = match (from, line.strip_prefix("import ")) {
            (Some((module, names)), _) => (Some(module), names),
            (None, Some(names)) => (None, names),
            (None, None) => continue,
        };
        for imported in names.split(',') {
            let imported = imported.trim().trim_start_matches('(').trim_end_matches(')');
            let (name, bound) = imported.split_once(" as ").unwrap_or((imported, imported));
            let (name, bound) = (dotted(name), first(&dotted(bound.trim())));
            for decorator in used.iter().filter(|decorator| first(decorator) == bound) {
                let last = match decorator.rsplit_once('.') {
                    Some((_, last)) => last.to_owned(),
                    None => name.clone(),
                };
                decorators.insert((first(module.unwrap_or(&name)), last));
            }
        }
    }
    decorators
}

/// The string literals that are plain names of files with a suffix.
fn files_with_suffix(text: &str, suffix: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for quote in ['"', '\''] {
        let ending = format!(".{suffix}{quote}");
        for (at, _) in text.match_indices(&ending) {
            let end = at + ending.len() - 1;
            let Some(start) = text[..end].rfind(quote) else { continue };
            let name = &text[start + 1..end];
            let is_name = |character: char| character.is_ascii_alphanumeric() || "_-.{}%".contains(character);
            if name.len() > ending.len() - 1 && name.chars().all(is_name) {
                names.insert(name.to_owned());
            }
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_distributions_and_groups_are_seen() {
        let source = r#"
from importlib.metadata import version, entry_points
__version__ = version("My-Package.core")
importlib.metadata.distribution( 'other' )
pkg_resources.require("third[extra]>=1.2")
entry_points(group="app.plugins"); pkg_resources.iter_entry_points('old.group')
version(__name__)
"#;
        let mentions = Mentions::of(source.as_bytes());
        assert_eq!(Vec::from_iter(&mentions.distributions), ["my_package_core", "other", "third"]);
        assert_eq!(Vec::from_iter(&mentions.groups), ["app.plugins", "old.group"]);
        assert!(!mentions.attaches_stub && !mentions.opens_files);
        assert_eq!(Mentions::of(b"version('x')"), Mentions::default(), "a function of something else");
    }

    #[test]
    fn files_and_stubs_are_seen() {
        let source =
            "exec(open('config.py').read())\nname = \"load_{}.py\"\nlazy.attach_stub(__name__, __file__)\n";
        let mentions = Mentions::of(source.as_bytes());
        assert_eq!(Vec::from_iter(&mentions.python_files), ["config.py", "load_{}.py"]);
        assert!(mentions.attaches_stub && mentions.opens_files && mentions.asks_for_its_place);
        assert!(!Mentions::of(b"open('config.py')").asks_for_its_place, "relative to wherever it runs");
        assert!(Mentions::of(b"__file__; x = '.py'; y = 'a b.py'; z = ends.py").python_files.is_empty());
    }

    #[test]
    fn readers_of_sources_and_their_calls_are_seen() {
        let source = "def structure(path):\n  for entry in os.scandir(path):\n    if entry.name.endswith(\".py\"):\n      open(entry)\n";
        let readers = Mentions::of(source.as_bytes()).readers_of_sources;
        assert_eq!(Vec::from_iter(&readers), ["structure"]);
        assert!(Mentions::of(source.replace("open", "print").as_bytes()).readers_of_sources.is_empty());

        let call = |text| calls_beside_itself(text, &readers).map(Vec::from_iter);
        assert_eq!(call("s = structure(Path(__file__).parent / \"models\")"), Some(vec!["models"]));
        assert_eq!(call("here = __file__\nstructure(here)"), Some(vec![]));
        assert_eq!(call("structure(\"models\")"), None, "relative to wherever it runs");
        assert_eq!(call("__file__\ndef structure(path): ...\ninfrastructure(1)\nstructure"), None);
    }

    #[test]
    fn files_for_development_and_decorators_are_seen() {
        let source = "import a.b\nfrom c.d import (e, f as g)\nimport h\n@a.b.run\n@g()\ndef x(): ...\n\
            with open(join(dirname(__file__), '_x.c')) as file: ...\n";
        let mentions = Mentions::of(source.as_bytes());
        assert_eq!(Vec::from_iter(&mentions.development_files), ["_x.c"]);
        let pair = |one: &str, other: &str| (one.to_owned(), other.to_owned());
        assert_eq!(mentions.decorators, BTreeSet::from([pair("a", "run"), pair("c", "f")]));
        assert!(mentions.askers_for_sources.is_empty());
        let asking = Mentions::of(b"def decorator(f):\n    inspect.getsource(f)\n");
        assert_eq!(Vec::from_iter(&asking.askers_for_sources), ["decorator"]);
        assert!(Mentions::of(b"x = 'a.c'").development_files.is_empty(), "it opens nothing beside itself");
    }

    #[test]
    fn names_are_normalized() {
        assert_eq!(normalized("Foo.-_bar"), "foo_bar");
    }
}
