//! The command lines by which `multiprocessing` (CPython 3.9 to 3.14) and loky (3.x, as joblib vendors it) start
//! their helper processes.

use core::ffi::CStr;

use super::literals::is_call;
use super::{Arguments, Options};

/// A helper process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Helper {
    /// `--multiprocessing-fork NAME=VALUE…`: a child of the start method spawn, as a frozen program starts it.
    Spawned(Arguments),
    /// `[options] -c TEXT …`, where the text imports `main` from a known module and calls it with literals.
    Call {
        /// The text.
        text: &'static CStr,
        /// The options before it.
        options: Options,
        /// `-c` and what comes after the text: `sys.argv`.
        arguments: Arguments,
    },
    /// `-m MODULE --process-name NAME --pipe N`: a worker of loky's.
    Worker {
        /// The module.
        module: &'static str,
        /// What comes after it.
        arguments: Arguments,
    },
}

/// Modules of loky's that run as workers.
const WORKERS: [&str; 2] =
    ["joblib.externals.loky.backend.popen_loky_posix", "loky.backend.popen_loky_posix"];

/// loky's modules with a `main` to be called.
const TRACKERS: [&[u8]; 2] =
    [b"joblib.externals.loky.backend.resource_tracker", b"loky.backend.resource_tracker"];

/// Number of the argument that holds the value of `-c` when nothing comes before.
const FIRST_COMMAND: usize = 2;

impl Helper {
    /// The helper that a command line, the program's name first, starts; none if it is something else.
    pub fn of(arguments: &Arguments) -> Option<Self> {
        let rest = arguments.get(1..)?;
        let first = rest.first()?.to_bytes();
        if first == b"--multiprocessing-fork" {
            let is_whole = rest.len() > 1 && rest[1..].iter().all(|argument| is_number(argument.to_bytes()));
            return is_whole.then(|| Self::Spawned(arguments.clone()));
        }
        if first == b"-m" {
            return worker(rest);
        }
        let options = Options::of(arguments);
        let at = options.command?;
        let text = *arguments.get(at)?;
        let after = arguments.get(at + 1..).unwrap_or_default();
        is_main_call(text.to_bytes()).then(|| Self::Call {
            text,
            options,
            arguments: core::iter::once(c"-c").chain(after.iter().copied()).collect(),
        })
    }

    /// Whether code of the program runs in it: everywhere but in resource trackers.
    pub fn runs_program(&self) -> bool {
        let is_tracker = |text: &CStr| text.to_bytes().windows(16).any(|part| part == b"resource_tracker");
        !matches!(self, Self::Call { text, .. } if is_tracker(text))
    }

    /// Whether options of python's come before the text.
    pub fn has_options(&self) -> bool {
        matches!(self, Self::Call { options, .. } if options.command != Some(FIRST_COMMAND))
    }
}

/// `NAME=VALUE`, where the value is a number or None: what `multiprocessing.spawn.freeze_support` reads.
fn is_number(argument: &[u8]) -> bool {
    let mut parts = argument.splitn(2, |byte| *byte == b'=');
    let (name, value) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    is_identifier(name) && (value == b"None" || !value.is_empty() && value.iter().all(u8::is_ascii_digit))
}

fn worker(rest: &[&'static CStr]) -> Option<Helper> {
    let module = WORKERS
        .into_iter()
        .find(|worker| worker.as_bytes() == rest.get(1).map_or(&[][..], |m| m.to_bytes()))?;
    let [name_option, _, pipe_option, pipe] = rest.get(2..)? else { return None };
    let is_whole = name_option.to_bytes() == b"--process-name"
        && pipe_option.to_bytes() == b"--pipe"
        && !pipe.is_empty()
        && pipe.to_bytes().iter().all(u8::is_ascii_digit);
    is_whole.then(|| Helper::Worker { module, arguments: rest[2..].to_vec() })
}

/// Whether a text is `(import sys; )?from MODULE import main; ?main(ARGS)`, the module `multiprocessing.X` or one of
/// loky's, the arguments literals.
fn is_main_call(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"import sys; ").unwrap_or(text);
    let Some(text) = text.strip_prefix(b"from ") else { return false };
    let end = text.iter().position(|byte| *byte == b' ').unwrap_or(text.len());
    let (module, text) = text.split_at(end);
    let is_known = TRACKERS.contains(&module)
        || module.strip_prefix(b"multiprocessing.".as_slice()).is_some_and(is_identifier);
    let Some(text) = text.strip_prefix(b" import main;") else { return false };
    let text = text.strip_prefix(b" ").unwrap_or(text);
    is_known && text.strip_prefix(b"main").is_some_and(is_call)
}

/// An identifier of ASCII.
fn is_identifier(text: &[u8]) -> bool {
    text.first().is_some_and(|first| first.is_ascii_alphabetic() || *first == b'_')
        && text.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}
