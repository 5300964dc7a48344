//! What is put after the source of a few modules before it is compiled.
//!
//! These take for granted what no frozen program has: that all libraries are where the system's are, that no file
//! is above a directory, and that the interpreter is to look around for packages when `site` is imported. The files of the
//! modules, which `--include-source` fills, stay as they are. An amendment imports nothing of the program that its module
//! does not import, because the graph does not see it.

use std::borrow::Cow;

/// A module and what is put after its source.
const AMENDMENTS: &[(&str, &str)] = &[
    ("ctypes.util", include_str!("../../python/amendments/ctypes_util.py")),
    ("importlib.resources.readers", RESOURCE_READERS),
    ("importlib_resources.readers", RESOURCE_READERS),
    (SITE, include_str!("../../python/amendments/site.py")),
];

const RESOURCE_READERS: &str = include_str!("../../python/amendments/resource_readers.py");

const SITE: &str = "site";

/// The line of `site` under which importing it changes `sys.path` and runs `.pth` files (`Lib/site.py`, the same from 3.9
/// to 3.13), and what stands for it: a process that is the program does not want that.
const SITE_RUNS: (&str, &str) = (
    "\nif not sys.flags.no_site:\n",
    "\nif not sys.flags.no_site and __import__(\"_snapfreeze\").runs_site:\n",
);

/// Whether a module is one of these: then it is taken from its file, and not from libpython, where some are frozen.
pub fn is_amended(module: &str) -> bool {
    AMENDMENTS.iter().any(|(name, _)| *name == module)
}

/// A module's source as it is compiled: amended, if it is one of these.
pub fn amended<'a>(module: &str, source: &'a [u8]) -> Cow<'a, [u8]> {
    let Some((_, amendment)) = AMENDMENTS.iter().find(|(name, _)| *name == module) else {
        return Cow::Borrowed(source);
    };
    let own = if module == SITE { without_site(source) } else { Cow::Borrowed(source) };
    Cow::Owned([&own, amendment.as_bytes()].concat())
}

/// The source of `site` with the line that runs it only where it is to run.
fn without_site(source: &[u8]) -> Cow<'_, [u8]> {
    let (line, instead) = SITE_RUNS;
    match memchr::memmem::find(source, line.as_bytes()) {
        Some(at) => {
            let (before, after) = (&source[..at], &source[at + line.len()..]);
            Cow::Owned([before, instead.as_bytes(), after].concat())
        }
        None => Cow::Borrowed(source),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn site_does_not_look_around_and_keeps_its_lines() {
        let source = b"def main(): ...\n\nif not sys.flags.no_site:\n    main()\nlast\n";
        let amended = amended(SITE, source).into_owned();
        let text = String::from_utf8(amended).unwrap();
        assert_eq!(text.lines().nth(2), Some(SITE_RUNS.1.trim()));
        assert_eq!(text.lines().nth(4), Some("last"));
        assert!(text.lines().count() > 5);
    }

    #[test]
    fn other_modules_stay_as_they_are() {
        assert!(matches!(amended("sites", SITE_RUNS.0.as_bytes()), Cow::Borrowed(_)));
    }
}
