//! What is put after the source of a few modules before it is compiled.
//!
//! These take for granted what no frozen program has: that all libraries are where the system's are, and that no file
//! is above a directory. The files of the modules, which `--include-source` fills, stay as they are. An amendment
//! imports nothing that its module does not import, because the graph does not see it.

use std::borrow::Cow;

/// A module and what is put after its source.
const AMENDMENTS: &[(&str, &str)] = &[
    ("ctypes.util", include_str!("../../python/amendments/ctypes_util.py")),
    ("importlib.resources.readers", RESOURCE_READERS),
    ("importlib_resources.readers", RESOURCE_READERS),
];

const RESOURCE_READERS: &str = include_str!("../../python/amendments/resource_readers.py");

/// A module's source as it is compiled: amended, if it is one of these.
pub fn amended<'a>(module: &str, source: &'a [u8]) -> Cow<'a, [u8]> {
    match AMENDMENTS.iter().find(|(name, _)| *name == module) {
        Some((_, amendment)) => Cow::Owned([source, amendment.as_bytes()].concat()),
        None => Cow::Borrowed(source),
    }
}
