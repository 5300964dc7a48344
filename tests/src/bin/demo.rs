//! Draws `docs/demo.svg`, the README's picture of a terminal, from a real run of the tour's project:
//! `cargo run --release -p snapfreeze-tests --bin demo`. The first argument is the command, if it is another one.

#![expect(clippy::unwrap_used, reason = "who renews the picture sees what failed")]

use std::path::{Path, PathBuf};
use std::process::Command;

use snapfreeze_tests::fixtures::copy_folder;
use snapfreeze_tests::terminal::picture;
use snapfreeze_tests::{Fixtures, execute};

const COMMANDS: &[&str] = &["snapfreeze build", "dist/shelf", "snapfreeze why dist/shelf rich"];

fn main() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let beside = std::env::current_exe().unwrap().with_file_name("snapfreeze-under-test");
    let command = std::env::args_os().nth(1).map_or(beside, PathBuf::from);
    let work = tempfile::tempdir().unwrap();
    let fixtures = Fixtures::find(&command, &work.path().join("fixtures"));
    let interpreter = fixtures.preferred().found.unwrap();
    let environment = fixtures.environment("tour", &interpreter);
    let project = work.path().join("shelf");
    copy_folder(&tests.join("cli/tour.in"), &project);
    let mut screen = String::new();
    for line in COMMANDS {
        let mut words = line.split(' ');
        let program = words.next().unwrap();
        let is_own = program == "snapfreeze";
        let mut run = Command::new(if is_own { command.clone() } else { project.join(program) });
        run.args(words).args(is_own.then_some("--color=always")).current_dir(&project);
        run.env("VIRTUAL_ENV", environment.python.ancestors().nth(2).unwrap());
        run.env("FORCE_COLOR", "1").env("TERM", "xterm").env("COLUMNS", "80").env_remove("NO_COLOR");
        let outcome = execute(&mut run).succeeded(line);
        screen.push_str(&format!("$ {line}\n{}{}\n", outcome.err(), outcome.out()));
    }
    let place = tests.parent().unwrap().join("docs/demo.svg");
    std::fs::write(&place, picture(screen.trim_end())).unwrap();
    println!("{}", place.display());
}
