//! The options that `python` takes before `-c`, `-m`, a script or `-`.
//!
//! Source: `SHORT_OPTS` and `longopts` in CPython's Python/getopt.c. CPython parses them itself where its command line
//! is served; here is only what has to be known before.

use core::ffi::CStr;

use super::Arguments;

/// Short options without a value.
const FLAGS: &[u8] = b"BEIOPRSVbdhiqstuvx?";

/// Short options with a value, in the same argument or the next.
const VALUED: &[u8] = b"WX";

/// Short options whose value ends the options.
const COMMANDS: &[u8] = b"cm";

/// Long options.
const LONG: [&[u8]; 6] =
    [b"--help", b"--version", b"--help-all", b"--help-env", b"--help-xoptions", b"--check-hash-based-pycs"];

/// The long option that takes a value.
const LONG_VALUED: &[u8] = b"--check-hash-based-pycs";

/// The options at the start of a command line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// `-E` or `-I`: `PYTHON*` variables are ignored.
    pub ignores_environment: bool,
    /// Values of `-W`, in order.
    pub warnings: Vec<&'static CStr>,
    /// Values of `-X`, in order.
    pub extra: Vec<&'static CStr>,
    /// Number of the argument that holds the value of `-c`, when that ends the options.
    pub command: Option<usize>,
}

impl Options {
    /// Whether an argument is an option of python's, as the first of a command line.
    pub fn is_option(argument: &CStr) -> bool {
        let argument = argument.to_bytes();
        match argument.strip_prefix(b"-") {
            None => false,
            Some([] | [b'-']) => argument == b"-",
            Some([b'-', ..]) => LONG.contains(&argument),
            Some([letter, ..]) => [FLAGS, VALUED, COMMANDS].iter().any(|set| set.contains(letter)),
        }
    }

    /// Reads the options of a command line, whose first string is the program's name. What python would refuse ends
    /// them.
    pub fn of(arguments: &Arguments) -> Self {
        let mut options = Self::default();
        let mut at = 1;
        while let Some(argument) = arguments.get(at).copied().filter(|argument| Self::is_option(argument)) {
            at += 1;
            let bytes = argument.to_bytes_with_nul();
            if bytes == b"-\0" {
                break;
            }
            if bytes.starts_with(b"--") {
                at += usize::from(argument.to_bytes() == LONG_VALUED);
                continue;
            }
            let mut letters = 1;
            while let Some(letter) = argument.to_bytes().get(letters).copied() {
                letters += 1;
                let rest = CStr::from_bytes_with_nul(&bytes[letters..]).unwrap_or_default();
                if COMMANDS.contains(&letter) {
                    // A value in the same argument is not at the number of any.
                    options.command =
                        (letter == b'c' && rest.is_empty() && at < arguments.len()).then_some(at);
                    return options;
                }
                if VALUED.contains(&letter) {
                    let value = if rest.is_empty() { arguments.get(at).copied() } else { Some(rest) };
                    at += usize::from(rest.is_empty());
                    let list = if letter == b'W' { &mut options.warnings } else { &mut options.extra };
                    list.extend(value);
                    break;
                }
                options.ignores_environment |= matches!(letter, b'E' | b'I');
            }
        }
        options
    }

    /// Whether `-X name` is among them.
    pub fn has_extra(&self, name: &CStr) -> bool {
        self.extra.contains(&name)
    }
}
