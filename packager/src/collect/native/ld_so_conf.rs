//! The directories that `/etc/ld.so.conf` names.
//!
//! In comes the path of the configuration file; out go directories in the order in which `ldconfig`
//! reads them. The loader itself consults the cache that `ldconfig` made from them; the cache's format
//! is private to glibc, its source is not. The grammar is that of ldconfig(8) and of `parse_conf` in
//! glibc's `elf/ldconfig.c`: one directory a line, `#` starts a comment anywhere, `dir=TYPE` means
//! `dir`, `hwcap` lines are obsolete, `include` takes glob(7) patterns relative to the file.
//!
//! What must hold: reading terminates on files that include each other, a file that is missing or
//! unreadable counts as empty (so it is for `ldconfig`), and the order does not depend on that in
//! which the file system lists a directory.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The directories named by `file` and by what it includes; duplicates are kept.
pub(super) fn directories(file: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    read(file, &mut HashSet::new(), &mut found);
    found
}

/// Each file is read once: what it names a second time would change no order.
fn read(file: &Path, seen: &mut HashSet<PathBuf>, found: &mut Vec<PathBuf>) {
    if !file.canonicalize().is_ok_and(|real| seen.insert(real)) {
        return;
    }
    let Ok(bytes) = fs::read(file) else { return };
    let text = String::from_utf8_lossy(&bytes);
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        match word {
            "" | "hwcap" => {}
            "include" => {
                for pattern in rest.split_whitespace() {
                    for included in matching_files(file, pattern) {
                        read(&included, seen, found);
                    }
                }
            }
            _ => {
                let directory = Path::new(line.split('=').next().unwrap_or_default().trim_end());
                if directory.is_absolute() {
                    found.push(directory.to_path_buf());
                }
            }
        }
    }
}

/// Expands a glob pattern against the file system, sorted, relative to the directory of `file`.
fn matching_files(file: &Path, pattern: &str) -> Vec<PathBuf> {
    let base = if pattern.starts_with('/') {
        PathBuf::from("/")
    } else {
        file.parent().map(Path::to_path_buf).unwrap_or_default()
    };
    let mut paths = vec![base];
    for component in pattern.split('/').filter(|component| !component.is_empty()) {
        paths = paths.iter().flat_map(|path| children(path, component)).collect();
    }
    paths
}

fn children(directory: &Path, component: &str) -> Vec<PathBuf> {
    if !component.contains(['*', '?', '[']) {
        return vec![directory.join(component)];
    }
    let Ok(listing) = fs::read_dir(directory) else { return Vec::new() };
    let mut names: Vec<String> = listing
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        // As in glob(7): a leading period is matched by a period only.
        .filter(|name| !name.starts_with('.') || component.starts_with('.'))
        .filter(|name| matches(component.as_bytes(), name.as_bytes()))
        .collect();
    names.sort_unstable();
    names.iter().map(|name| directory.join(name)).collect()
}

/// Whether `name` matches a glob pattern without slashes. Linear in memory, and at worst
/// `pattern × name` in time: on a mismatch only the last `*` takes one byte more.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at_pattern, mut at_name) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while at_name < name.len() {
        if pattern.get(at_pattern) == Some(&b'*') {
            star = Some((at_pattern + 1, at_name));
            at_pattern += 1;
        } else if let Some(length) = matches_one(&pattern[at_pattern..], name[at_name]) {
            at_pattern += length;
            at_name += 1;
        } else if let Some((after_star, taken)) = star {
            at_pattern = after_star;
            at_name = taken + 1;
            star = Some((after_star, taken + 1));
        } else {
            return false;
        }
    }
    pattern[at_pattern..].iter().all(|byte| *byte == b'*')
}

/// If the first element of `pattern` matches `byte`, how many bytes of the pattern that element has.
fn matches_one(pattern: &[u8], byte: u8) -> Option<usize> {
    match pattern {
        [b'?', ..] => Some(1),
        [b'[', rest @ ..] => match bracket(rest) {
            Some((members, negated)) => {
                let length = members.len() + 2 + usize::from(negated);
                (in_set(members, byte) != negated).then_some(length)
            }
            // Without its end a bracket stands for itself.
            None => (byte == b'[').then_some(1),
        },
        [first, ..] => (*first == byte).then_some(1),
        [] => None,
    }
}

/// The members of a bracket expression and whether it is negated; `]` first is a member.
fn bracket(rest: &[u8]) -> Option<(&[u8], bool)> {
    let negated = matches!(rest, [b'!' | b'^', ..]);
    let members = if negated { &rest[1..] } else { rest };
    let end = members.iter().skip(1).position(|byte| *byte == b']')? + 1;
    Some((&members[..end], negated))
}

fn in_set(members: &[u8], byte: u8) -> bool {
    match members {
        [low, b'-', high, rest @ ..] => (low..=high).contains(&&byte) || in_set(rest, byte),
        [member, rest @ ..] => *member == byte || in_set(rest, byte),
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_as_in_glob_7() {
        let yes = [
            ("*.conf", "a.conf"),
            ("a*b*c", "aXbYbc"),
            ("[a-c]?", "bz"),
            ("[!a]", "b"),
            ("[]]", "]"),
            ("**", ""),
        ];
        let no = [("*.conf", "a.confx"), ("a*b", "ac"), ("[a-c]", "d"), ("[!a]", "a"), ("?", ""), ("[", "x")];
        for (pattern, name) in yes {
            assert!(matches(pattern.as_bytes(), name.as_bytes()), "{pattern} {name}");
        }
        for (pattern, name) in no {
            assert!(!matches(pattern.as_bytes(), name.as_bytes()), "{pattern} {name}");
        }
    }

    #[test]
    fn reads_directories_includes_and_comments_in_ldconfigs_order() {
        let temp = tempfile::tempdir().expect("a temporary directory");
        let conf = temp.path().join("ld.so.conf");
        let parts = temp.path().join("d");
        fs::create_dir(&parts).expect("mkdir");
        fs::write(&conf, "include d/*.conf\n/z=libc6 # old\nhwcap 1 x\nrelative\n").expect("write");
        fs::write(parts.join("b.conf"), "/b\n").expect("write");
        fs::write(parts.join("a.conf"), "#/no\n  /a  \ninclude ../ld.so.conf\n").expect("write");
        fs::write(parts.join("c.off"), "/c\n").expect("write");
        let found = directories(&conf);
        assert_eq!(found, ["/a", "/b", "/z"].map(PathBuf::from));
    }
}
