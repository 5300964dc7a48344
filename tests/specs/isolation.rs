//! A frozen program needs nothing of the machine but its kernel and glibc, and nothing of its surroundings disturbs it.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::Trial;
use snapfreeze_tests::execution::plain_command;
use snapfreeze_tests::jail::{Jail, fill_root};
use snapfreeze_tests::{Fixtures, Interpreter, Outcome, assert_same, execute};

use crate::workloads::{DRAWING, INSTALLED, PLAIN, python_for, source};

/// Prints where its streams are and writes where it can; it must not matter where the executable is.
const SURROUNDINGS: &str = "isolation/surroundings.py";

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    let preferred = fixtures.preferred();
    let jail = Jail::find();
    let may_jail = || jail.as_ref().map(|_| ()).map_err(Clone::clone);
    let mut trials = Vec::new();
    for workload in PLAIN.iter().chain(INSTALLED).copied() {
        let jail = jail.clone();
        let name = format!("isolation::{workload} runs in a root with glibc alone and no environment");
        trials.push(fixtures.trial(name, &preferred).needs(may_jail()).runs(move |fixtures, interpreter| {
            runs_in_a_root_with_glibc_alone(workload, &jail.unwrap(), fixtures, interpreter);
        }));
        let name = format!("isolation::{workload} runs in an environment of nonsense");
        trials.push(fixtures.trial(name, &preferred).runs(move |fixtures, interpreter| {
            runs_in_an_environment_of_nonsense(workload, fixtures, interpreter);
        }));
    }
    for slot in fixtures.each().iter().filter(|slot| slot.minor != preferred.minor) {
        let jail = jail.clone();
        let name = "isolation::stdlib runs in a root with glibc alone and no environment";
        trials.push(fixtures.trial(name, slot).needs(may_jail()).runs(move |fixtures, interpreter| {
            runs_in_a_root_with_glibc_alone("stdlib", &jail.unwrap(), fixtures, interpreter);
        }));
    }
    for slot in fixtures.each() {
        let name = "isolation::the next file that is opened gets the lowest free descriptor";
        trials.push(fixtures.trial(name, slot).runs(gives_the_lowest_free_descriptor));
        let name =
            "isolation::packages of the user and of an environment around the executable are not looked at";
        trials.push(fixtures.trial(name, slot).runs(looks_at_no_packages_around));
    }
    let name = "isolation::pd draws in a root with glibc alone";
    let other = jail.clone();
    trials.push(fixtures.trial(name, &preferred).needs(may_jail()).runs(move |fixtures, interpreter| {
        draws_in_a_root_with_glibc_alone(&other.unwrap(), fixtures, interpreter);
    }));
    let mut plain = |name: &str, body: fn(&Fixtures, &Interpreter)| {
        trials.push(fixtures.trial(format!("isolation::{name}"), &preferred).runs(body));
    };
    plain("runs from a directory that it leaves as it was", runs_from_a_directory_that_it_leaves_as_it_was);
    plain("runs from a path with spaces and other scripts", runs_from_a_path_with_spaces_and_other_scripts);
    plain("runs through a link", runs_through_a_link);
    plain("runs renamed and moved, its first place gone", runs_renamed_and_moved);
    plain("runs by its name on PATH", runs_by_its_name_on_path);
    plain("runs when its directory and file are not writable", runs_when_nothing_is_writable);
    plain("gives the user's paths to children as they were", gives_variables_to_children);
    for (closed, redirections) in [
        ("stdin", "<&-"),
        ("stdout", ">&-"),
        ("stdin and stdout", "<&- >&-"),
        ("all streams", "<&- >&- 2>&-"),
    ] {
        let name = format!("isolation::runs with {closed} closed");
        trials.push(fixtures.trial(name, &preferred).runs(move |fixtures, interpreter| {
            runs_with_streams_closed(redirections, fixtures, interpreter);
        }));
    }
    let name = "isolation::runs from a file system that is mounted read-only";
    trials.push(fixtures.trial(name, &preferred).needs(may_jail()).runs(move |fixtures, interpreter| {
        runs_from_a_read_only_file_system(&jail.unwrap(), fixtures, interpreter);
    }));
    trials
}

fn runs_in_a_root_with_glibc_alone(
    workload: &str,
    jail: &Jail,
    fixtures: &Fixtures,
    interpreter: &Interpreter,
) {
    let python = python_for(workload, fixtures, interpreter);
    let mut command = fixtures.python(&source(workload), &python);
    command.env_clear().env("PYTHONDONTWRITEBYTECODE", "1");
    let expected = execute(&mut command).succeeded("python");
    let root = fixtures.folder("root");
    fill_root(&root, &fixtures.frozen(&source(workload), &python));
    assert_same(&execute(&mut jail.command(&root, "/program")), &expected);
}

/// matplotlib keeps a list of fonts under HOME, and does not go on without one.
fn draws_in_a_root_with_glibc_alone(jail: &Jail, fixtures: &Fixtures, interpreter: &Interpreter) {
    let python = python_for(DRAWING, fixtures, interpreter);
    let place = fixtures.folder("place");
    let mut command = fixtures.python(&source(DRAWING), &python);
    command.env_clear().env("PYTHONDONTWRITEBYTECODE", "1").env("HOME", &place).current_dir(&place);
    let expected = execute(&mut command).succeeded("python");
    let root = fixtures.folder("root");
    fill_root(&root, &fixtures.frozen(&source(DRAWING), &python));
    assert_same(&execute(jail.command(&root, "/program").env("HOME", "/")), &expected);
    let picture = |folder: &Path| std::fs::read(folder.join("plot.png")).unwrap();
    assert!(picture(&root) == picture(&place), "the pictures differ");
}

fn runs_in_an_environment_of_nonsense(workload: &str, fixtures: &Fixtures, interpreter: &Interpreter) {
    let python = python_for(workload, fixtures, interpreter);
    let expected = execute(&mut fixtures.python(&source(workload), &python)).succeeded("python");
    // Modules that must not be found: every one of them would end the program.
    let traps = fixtures.folder("traps");
    for name in ["json", "encodings", "click", "numpy", "sitecustomize", "usercustomize", "os", "site"] {
        std::fs::write(traps.join(format!("{name}.py")), "raise SystemExit('this module is a trap')")
            .unwrap();
    }
    let mut command = Command::new(fixtures.frozen(&source(workload), &python));
    command.env_clear().env("LC_ALL", "C.UTF-8").env("PYTHONPATH", &traps).current_dir(&traps);
    for name in ["PATH", "HOME", "PYTHONHOME", "LD_LIBRARY_PATH", "TMPDIR", "PYTHONUSERBASE", "VIRTUAL_ENV"] {
        command.env(name, "/nonsense/of no use");
    }
    for name in ["PYTHONSTARTUP", "PYTHONPLATLIBDIR", "PYTHONPYCACHEPREFIX", "PYTHONIOENCODING"] {
        command.env(name, "/nonsense/of no use");
    }
    for name in ["PYTHONVERBOSE", "PYTHONOPTIMIZE", "PYTHONDEBUG", "PYTHONINSPECT", "PYTHONDEVMODE"] {
        command.env(name, "1");
    }
    assert_same(&execute(&mut command), &expected);
}

/// The executable that the trials of places share, and what it has to print.
fn surroundings(fixtures: &Fixtures, interpreter: &Interpreter) -> (PathBuf, Outcome) {
    let expected = execute(&mut fixtures.python(SURROUNDINGS, interpreter)).succeeded("python");
    (fixtures.frozen(SURROUNDINGS, interpreter), expected)
}

/// A copy of the executable in another place. Its own place has to be no part of it.
fn copied(executable: &Path, place: PathBuf) -> PathBuf {
    std::fs::create_dir_all(place.parent().unwrap()).unwrap();
    std::fs::copy(executable, &place).unwrap();
    place
}

fn runs_from_a_directory_that_it_leaves_as_it_was(fixtures: &Fixtures, interpreter: &Interpreter) {
    let (executable, expected) = surroundings(fixtures, interpreter);
    let folder = fixtures.folder("place");
    let program = copied(&executable, folder.join("program"));
    let before = std::fs::read(&program).unwrap();
    assert_same(&execute(plain_command(&program).current_dir(&folder)), &expected);
    let names: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["program"]);
    assert!(std::fs::read(&program).unwrap() == before, "the executable has changed");
}

fn runs_from_a_path_with_spaces_and_other_scripts(fixtures: &Fixtures, interpreter: &Interpreter) {
    let (executable, expected) = surroundings(fixtures, interpreter);
    let program =
        copied(&executable, fixtures.folder("place").join("a  space/größe 大きさ 🐍/it's \"the\" $one\\"));
    assert_same(&execute(&mut plain_command(program)), &expected);
}

fn runs_through_a_link(fixtures: &Fixtures, interpreter: &Interpreter) {
    let (executable, expected) = surroundings(fixtures, interpreter);
    let folder = fixtures.folder("place");
    let program = copied(&executable, folder.join("lib/program"));
    std::fs::create_dir(folder.join("bin")).unwrap();
    symlink("../lib/program", folder.join("bin/relative")).unwrap();
    symlink(&program, folder.join("bin/absolute")).unwrap();
    symlink("absolute", folder.join("bin/twice")).unwrap();
    for link in ["relative", "absolute", "twice"] {
        assert_same(&execute(&mut plain_command(folder.join("bin").join(link))), &expected);
    }
}

fn runs_renamed_and_moved(fixtures: &Fixtures, interpreter: &Interpreter) {
    let expected = execute(&mut fixtures.python(SURROUNDINGS, interpreter)).succeeded("python");
    let executable = fixtures.freeze([fixtures.spec(SURROUNDINGS)], interpreter);
    let program = fixtures.folder("place").join("python3.so.txt");
    std::fs::rename(&executable, &program).unwrap();
    std::fs::remove_dir_all(executable.parent().unwrap()).unwrap();
    assert_same(&execute(&mut plain_command(&program)), &expected);
    let relative = Path::new(".").join(program.file_name().unwrap());
    assert_same(&execute(plain_command(relative).current_dir(program.parent().unwrap())), &expected);
}

fn runs_by_its_name_on_path(fixtures: &Fixtures, interpreter: &Interpreter) {
    let (executable, expected) = surroundings(fixtures, interpreter);
    let folder = fixtures.folder("place");
    copied(&executable, folder.join("a-name-of-its-own"));
    let mut command = Command::new("/bin/sh");
    command.env_clear().env("LC_ALL", "C.UTF-8").env("PATH", &folder).current_dir("/");
    command.args(["-c", "exec a-name-of-its-own"]);
    assert_same(&execute(&mut command), &expected);
}

fn runs_when_nothing_is_writable(fixtures: &Fixtures, interpreter: &Interpreter) {
    let (executable, expected) = surroundings(fixtures, interpreter);
    let folder = fixtures.folder("place");
    let program = copied(&executable, folder.join("program"));
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o555)).unwrap();
    std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o555)).unwrap();
    let outcome = execute(plain_command(&program).current_dir(&folder));
    std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o755)).unwrap();
    assert_same(&outcome, &expected);
}

fn runs_from_a_read_only_file_system(jail: &Jail, fixtures: &Fixtures, interpreter: &Interpreter) {
    let (executable, expected) = surroundings(fixtures, interpreter);
    let folder = fixtures.folder("place");
    let program = copied(&executable, folder.join("program"));
    assert_same(&execute(&mut jail.read_only(&folder, &plain_command(program))), &expected);
}

fn gives_variables_to_children(fixtures: &Fixtures, interpreter: &Interpreter) {
    let run = |mut command: Command| {
        command.env_clear().env("LC_ALL", "C.UTF-8").env("PATH", "/usr/bin:/bin");
        command.env("LD_LIBRARY_PATH", "/of/the/user").env("A", "b");
        execute(&mut command).succeeded("the program")
    };
    let program = "isolation/children.py";
    let expected = run(fixtures.python(program, interpreter));
    assert_same(&run(plain_command(fixtures.frozen(program, interpreter))), &expected);
    assert!(expected.out().contains("LD_LIBRARY_PATH=/of/the/user"), "{expected:?}");
}

/// What `site` would do for `python` there: change `sys.prefix` and `sys.path`, and run what is in `.pth` files.
fn looks_at_no_packages_around(fixtures: &Fixtures, interpreter: &Interpreter) {
    let executable = fixtures.frozen("isolation/looked_at.py", interpreter);
    let (environment, home) = (fixtures.folder("environment"), fixtures.folder("home"));
    let below = format!("lib/python{}/site-packages", interpreter.minor);
    for (packages, name) in
        [(environment.join(&below), "of_environment"), (home.join(".local").join(&below), "of_user")]
    {
        std::fs::create_dir_all(&packages).unwrap();
        let trap = "import sys; sys.stderr.write('a .pth file has run\\n')\n";
        std::fs::write(packages.join("trap.pth"), trap).unwrap();
        for module in [name, "sitecustomize", "usercustomize"] {
            let text = format!("import sys\nsys.stderr.write('{module} has run\\n')\n");
            std::fs::write(packages.join(format!("{module}.py")), text).unwrap();
        }
    }
    std::fs::write(environment.join("pyvenv.cfg"), "home = /usr/bin\n").unwrap();
    let program = copied(&executable, environment.join("bin/program"));
    let outcome = execute(plain_command(&program).env("HOME", &home)).succeeded("the program");
    assert_eq!(outcome.out(), "['ROOT'] True False\nTrue True\nFalse str 0\n");
    assert_eq!(outcome.err(), "");
}

/// While threads of the executable decompress libraries into files of their own.
fn gives_the_lowest_free_descriptor(fixtures: &Fixtures, interpreter: &Interpreter) {
    let executable = fixtures.frozen("isolation/lowest.py", interpreter);
    for _ in 0..5 {
        let outcome = execute(&mut plain_command(&executable)).succeeded("the program");
        assert_eq!(outcome.out(), "0 failures\n");
    }
}

fn runs_with_streams_closed(redirections: &str, fixtures: &Fixtures, interpreter: &Interpreter) {
    let program = "isolation/streams.py";
    let run = |command: &Command| {
        let report = fixtures.folder("report").join("report.txt");
        let mut shell = plain_command("/bin/sh");
        shell.arg("-c").arg(format!("exec \"$@\" {redirections}")).arg("sh");
        shell.arg(command.get_program()).args(command.get_args()).arg(&report);
        let outcome = execute(&mut shell);
        (outcome, std::fs::read_to_string(report).unwrap_or_default())
    };
    let (expected, expected_report) = run(&fixtures.python(program, interpreter));
    let (outcome, report) = run(&plain_command(fixtures.frozen(program, interpreter)));
    assert_same(&outcome, &expected);
    assert_eq!(report, expected_report);
    assert!(report.contains("end"), "python did not reach its end: {expected:?}");
}
