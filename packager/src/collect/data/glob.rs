//! Wildcards in paths, as Python's `glob` has them: `*`, `?`, `[…]` within a part, `**` for any number of directories.
//!
//! In: a pattern. Out: the paths that match, sorted. A wildcard matches no name that starts with a dot.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

/// The paths that a pattern matches, sorted; for one without wildcards the path itself, if it is there.
pub fn expand(pattern: &Path) -> Vec<PathBuf> {
    if pattern.symlink_metadata().is_ok() {
        return vec![pattern.to_owned()];
    }
    let mut matches = vec![PathBuf::new()];
    for part in pattern.components() {
        matches = match part {
            Component::Normal(part) if part.as_bytes() == b"**" => {
                matches.iter().flat_map(|directory| with_directories_below(directory)).collect()
            }
            Component::Normal(part) if is_wild(part) => {
                matches.iter().flat_map(|directory| entries(directory, part)).collect()
            }
            part => matches.into_iter().map(|path| path.join(part)).collect(),
        };
    }
    matches.retain(|path| path.symlink_metadata().is_ok());
    matches.sort();
    matches.dedup();
    matches
}

fn is_wild(part: &OsStr) -> bool {
    part.as_bytes().iter().any(|byte| b"*?[".contains(byte))
}

fn names(directory: &Path) -> Vec<std::fs::DirEntry> {
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    std::fs::read_dir(directory).into_iter().flatten().flatten().collect()
}

fn entries(directory: &Path, pattern: &OsStr) -> Vec<PathBuf> {
    let hidden_too = pattern.as_bytes().starts_with(b".");
    let names = names(directory).into_iter().map(|entry| entry.file_name());
    let fits = |name: &std::ffi::OsString| {
        (hidden_too || !name.as_bytes().starts_with(b".")) && is_match(pattern.as_bytes(), name.as_bytes())
    };
    names.filter(fits).map(|name| directory.join(name)).collect()
}

fn with_directories_below(directory: &Path) -> Vec<PathBuf> {
    let mut all = vec![directory.to_owned()];
    let mut at = 0;
    while let Some(directory) = all.get(at).cloned() {
        at += 1;
        for entry in names(&directory) {
            // Links are not followed: they may lead round and round.
            let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_directory && !entry.file_name().as_bytes().starts_with(b".") {
                all.push(directory.join(entry.file_name()));
            }
        }
    }
    all
}

/// Whether a name matches a pattern, as `fnmatch.fnmatchcase` says.
fn is_match(pattern: &[u8], name: &[u8]) -> bool {
    let Some((first, rest)) = pattern.split_first() else { return name.is_empty() };
    match first {
        b'*' => (0..=name.len()).any(|skipped| is_match(rest, &name[skipped..])),
        b'?' => !name.is_empty() && is_match(rest, &name[character_length(name)..]),
        b'[' => match (set(rest), name.first()) {
            (Some((members, negated, rest)), Some(byte)) => {
                holds(members, *byte) != negated && is_match(rest, &name[character_length(name)..])
            }
            (None, Some(b'[')) => is_match(rest, &name[1..]),
            _ => false,
        },
        byte => name.first() == Some(byte) && is_match(rest, &name[1..]),
    }
}

/// The length of the first character in bytes.
fn character_length(name: &[u8]) -> usize {
    let following = name.iter().skip(1).take_while(|byte| **byte & 0xc0 == 0x80).count();
    if name.first().is_some_and(|byte| *byte >= 0xc0) { 1 + following } else { 1 }
}

/// The members of a set, whether they are excluded, and what follows it; none where no `]` closes it.
fn set(rest: &[u8]) -> Option<(&[u8], bool, &[u8])> {
    let negated = rest.first() == Some(&b'!');
    let rest = if negated { &rest[1..] } else { rest };
    let end = 1 + rest.iter().skip(1).position(|byte| *byte == b']')?;
    Some((&rest[..end], negated, &rest[end + 1..]))
}

fn holds(mut members: &[u8], byte: u8) -> bool {
    while let Some((first, rest)) = members.split_first() {
        if let [b'-', last, rest @ ..] = rest {
            if (*first..=*last).contains(&byte) {
                return true;
            }
            members = rest;
        } else {
            if *first == byte {
                return true;
            }
            members = rest;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_as_in_fnmatch() {
        let cases: [(&str, &str, bool); 14] = [
            ("*.txt", "a.txt", true),
            ("*.txt", "a.txt2", false),
            ("a?c", "abc", true),
            ("a?c", "aäc", true),
            ("a?c", "ac", false),
            ("[ab]", "b", true),
            ("[!ab]", "b", false),
            ("[a-c]x", "bx", true),
            ("[a-c]x", "dx", false),
            ("[]]", "]", true),
            ("[", "[", true),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b*", "xxbxxaxx", false),
            ("", "", true),
        ];
        for (pattern, name, expected) in cases {
            assert_eq!(is_match(pattern.as_bytes(), name.as_bytes()), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn patterns_expand_to_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(at("one/two")).unwrap();
        for name in ["one/a.txt", "one/two/b.txt", "one/.hidden.txt", "c.txt", "[d].txt"] {
            std::fs::write(at(name), "").unwrap();
        }
        assert_eq!(expand(&at("one/*.txt")), [at("one/a.txt")]);
        assert_eq!(expand(&at("one/.*.txt")), [at("one/.hidden.txt")]);
        assert_eq!(expand(&at("*/*/b.txt")), [at("one/two/b.txt")]);
        let all = ["[d].txt", "c.txt", "one/a.txt", "one/two/b.txt"].map(at);
        assert_eq!(expand(&at("**/*.txt")), all);
        assert_eq!(expand(&at("[d].txt")), [at("[d].txt")], "what is there is no pattern");
        assert!(expand(&at("*.csv")).is_empty());
        assert!(expand(&at("missing")).is_empty());
    }
}
