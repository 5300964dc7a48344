//! The `snapfreeze` command, under a name by which cargo gives it to these tests. Where [`NO_FUSE`] is set, every
//! build gets `--no-fuse`.

use std::ffi::OsString;
use std::process::ExitCode;

use snapfreeze_tests::fixtures::NO_FUSE;

fn main() -> ExitCode {
    let mut arguments: Vec<OsString> = std::env::args_os().collect();
    let builds = arguments.get(1).is_some_and(|command| command == "build" || command == "run");
    let is_told = arguments.iter().any(|argument| argument == "--no-fuse");
    if builds && !is_told && std::env::var_os(NO_FUSE).is_some_and(|value| !value.is_empty()) {
        arguments.insert(2, "--no-fuse".into());
    }
    snapfreeze::cli::run_line(&arguments)
}
