//! The `snapfreeze` command, under a name by which cargo gives it to these tests.

fn main() -> std::process::ExitCode {
    snapfreeze::cli::main()
}
