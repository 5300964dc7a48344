//! Command lines by which `multiprocessing` starts its helper processes.
//!
//! It runs `sys.executable` again: with `--multiprocessing-fork …` for the start method spawn, with
//! `-c "from multiprocessing.resource_tracker import main;main(N)"` for its helpers. The executable does not serve
//! these yet; taking them for the program's own arguments would start the program anew, and that would start its
//! children anew, without end. So they are refused.

use core::ffi::{CStr, c_char, c_int};

use crate::error::StartError;

/// The start of every text that multiprocessing passes after `-c` (CPython's `Lib/multiprocessing`, 3.9 to 3.14).
const TEXTS: [&[u8]; 2] = [b"from multiprocessing.", b"import sys; from multiprocessing."];

/// Refuses the command line of a helper process.
///
/// # Safety
/// `argv` holds `argc` strings.
pub unsafe fn refuse(argc: c_int, argv: *const *const c_char) -> Result<(), StartError> {
    let count = usize::try_from(argc).unwrap_or_default();
    // SAFETY: from the contract.
    let argument = |index: usize| unsafe { CStr::from_ptr(*argv.add(index)) }.to_bytes();
    let is_helper = is_helper((1..count).map(argument));
    if is_helper { Err(StartError::MultiprocessingHelper) } else { Ok(()) }
}

/// Whether arguments, less the program's name, are those of a helper: interpreter flags, then `-c` and the text.
fn is_helper<'a>(arguments: impl Iterator<Item = &'a [u8]>) -> bool {
    let mut arguments = arguments.peekable();
    if arguments.peek() == Some(&b"--multiprocessing-fork".as_slice()) {
        return true;
    }
    let mut rest = arguments.skip_while(|argument| argument.starts_with(b"-") && *argument != b"-c");
    rest.next() == Some(b"-c")
        && rest.next().is_some_and(|text| TEXTS.iter().any(|start| text.starts_with(start)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn helper(arguments: &[&str]) -> bool {
        is_helper(arguments.iter().map(|argument| argument.as_bytes()))
    }

    #[test]
    fn tells_helpers_from_the_programs_own_arguments() {
        let tracker = "from multiprocessing.resource_tracker import main;main(5)";
        assert!(helper(&["--multiprocessing-fork", "tracker_fd=4", "pipe_handle=6"]));
        assert!(helper(&["-c", tracker]));
        assert!(helper(&["-I", "-S", "-Wignore", "-c", tracker]));
        assert!(helper(&["-c", "import sys; from multiprocessing.forkserver import main; main(3)"]));
        for own in [&[][..], &["-c"], &["-c", "3"], &["x", "-c", tracker], &["--", "--multiprocessing-fork"]]
        {
            assert!(!helper(own), "{own:?}");
        }
    }
}
