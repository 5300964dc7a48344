//! Libraries that a module opens by name: `ctypes.CDLL("libfoo.so.1")`, `find_library("foo")`, cffi's `ffi.dlopen`.
//!
//! Where the name is computed, or goes through a loop, the module's strings in the form of a library's file name are
//! those that may be meant.

use ruff_python_ast::ExprCall;
use ruff_text_size::{Ranged, TextSize};

use super::visit::Reader;
use super::{LibraryName, OpenedLibrary};

/// The longest string that is looked at, in bytes.
const LONGEST_NAME: usize = 100;
/// How many names are kept of one module.
const MOST_NAMES: usize = 1000;

impl<'a> Reader<'a, '_> {
    /// A call of a function of ctypes or cffi that opens, or looks for, the library that it is given.
    pub(super) fn note_opening(&mut self, function: &str, call: &'a ExprCall) {
        // `CDLL(None)` is the program itself.
        let name = call.arguments.find_argument_value("name", 0).filter(|name| !name.is_none_literal_expr());
        let Some(name) = name else { return };
        let Some(name) = self.conditions().string(name) else {
            self.opens_libraries = true;
            return;
        };
        // Where one is looked for, others are tried by their files' names.
        self.opens_libraries |= function == "find_library";
        let name = match function {
            "find_library" => LibraryName::Linker(name),
            _ => LibraryName::File(name),
        };
        self.note_library(name, call.start());
    }

    /// A string that may be a library's file name.
    pub(super) fn note_library_string(&mut self, text: &str, at: TextSize) {
        if is_library(text) && self.library_strings.len() < MOST_NAMES {
            self.library_strings.push((text.to_owned(), at));
        }
    }

    /// At the end of the module: whether it opens libraries by names that are not known where it does, is known now.
    pub(super) fn finish_libraries(&mut self) {
        for (text, at) in std::mem::take(&mut self.library_strings) {
            if self.opens_libraries {
                self.note_library(LibraryName::File(text), at);
            }
        }
    }

    fn note_library(&mut self, name: LibraryName, at: TextSize) {
        let is_usable = |name: &str| (1..=LONGEST_NAME).contains(&name.len()) && !name.contains('\0');
        let (LibraryName::File(text) | LibraryName::Linker(text)) = &name;
        let libraries = &self.found.libraries;
        if is_usable(text)
            && libraries.len() < MOST_NAMES
            && !libraries.iter().any(|library| library.name == name)
        {
            let line = self.line(at);
            self.found.libraries.push(OpenedLibrary { name, line });
        }
    }
}

/// `libfoo.so`, `libfoo-2.0.so.1.2`.
pub(super) fn is_library(text: &str) -> bool {
    let is_version = |rest: &str| rest.is_empty() || rest.starts_with('.');
    let is_in_version = |c: char| c == '.' || c.is_ascii_digit();
    (7..=LONGEST_NAME).contains(&text.len())
        && text.starts_with("lib")
        && text.rsplit_once(".so").is_some_and(|(stem, rest)| {
            stem.len() > 3
                && stem.chars().all(|c| c.is_ascii_alphanumeric() || "_-+.".contains(c))
                && is_version(rest)
                && rest.chars().all(is_in_version)
        })
}
