//! The virtual file system, as Python programs see it: reading, listing, refused changes, libraries, programs.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use libtest_mimic::Trial;
use snapfreeze_tests::execution::{plain_command, python_command};
use snapfreeze_tests::fixtures::copy_folder;
use snapfreeze_tests::jail::Jail;
use snapfreeze_tests::{Fixtures, Interpreter, execute, jail};

/// What each of the programs prints when nothing is wrong.
const ALL_WELL: &str = "all as it should be\n";

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    let mut trials = Vec::new();
    let compiler = || jail::program("cc").map(drop).ok_or_else(|| "no C compiler".to_owned());
    for slot in fixtures.each() {
        let name = "virtual_files::files are read, listed and not to be changed";
        trials.push(fixtures.trial(name, slot).runs(files));
        let name = "virtual_files::what is refused is what a read-only file system refuses";
        trials.push(fixtures.trial(name, slot).needs(Jail::find().map(drop)).runs(refusals));
        let name = "virtual_files::libraries are loaded by path and name";
        trials.push(fixtures.trial(name, slot).needs(compiler()).runs(libraries));
        let name = "virtual_files::libraries on the real disk are loaded with what they need";
        trials.push(fixtures.trial(name, slot).needs(compiler()).runs(libraries_on_disk));
        let name = "virtual_files::programs are executed";
        trials.push(fixtures.trial(name, slot).needs(compiler()).runs(programs));
    }
    trials
}

/// Freezes a program with these options and runs it with these arguments, through a symbolic link as well.
fn is_well(
    fixtures: &Fixtures,
    interpreter: &Interpreter,
    program: &Path,
    options: &[&str],
    arguments: &[&str],
) {
    let folder = fixtures.folder("virtual");
    let build = options.iter().map(AsRef::as_ref).chain([program.as_os_str()]);
    let executable = fixtures.freeze(build, interpreter);
    let executable = if executable.is_dir() { executable.join("program") } else { executable };
    let link = folder.join("link");
    symlink(&executable, &link).unwrap();
    for path in [&executable, &link] {
        let mut command = plain_command(path);
        command.args(arguments).current_dir(&folder).env("XDG_CACHE_HOME", folder.join("cache"));
        assert_eq!(execute(&mut command).succeeded("the program").out(), ALL_WELL);
    }
}

fn files(fixtures: &Fixtures, interpreter: &Interpreter) {
    let folder = fixtures.folder("virtual");
    copy_folder(&fixtures.spec("virtual_files/program"), &folder);
    let package = folder.join("package");
    let large: Vec<u8> = (0..=255u8).cycle().take(256 * 8000).collect();
    std::fs::create_dir(package.join("sub")).unwrap();
    let contents: [(&str, &[u8]); 4] = [
        ("text.txt", b"text of the package\n"),
        ("large.bin", &large),
        ("sub/deep.txt", b"deep\n"),
        ("run.sh", b"#!/bin/sh\n"),
    ];
    for (name, content) in contents {
        std::fs::write(package.join(name), content).unwrap();
    }
    make_executable(&package.join("run.sh"));
    symlink("text.txt", package.join("link.txt")).unwrap();
    is_well(fixtures, interpreter, &folder.join("files.py"), &[], &[]);
}

/// What is refused, and how, is as it is where `python` has the same files on a read-only file system.
fn refusals(fixtures: &Fixtures, interpreter: &Interpreter) {
    let folder = fixtures.folder("virtual");
    let project = folder.join("project");
    copy_folder(&fixtures.spec("virtual_files/refusals"), &project);
    let package = project.join("package");
    std::fs::create_dir(package.join("directory")).unwrap();
    for (name, content) in [("file", "text"), ("program", "#!/bin/sh\n"), ("directory/deep", "deep")] {
        std::fs::write(package.join(name), content).unwrap();
    }
    make_executable(&package.join("program"));
    for (name, target) in [("link", "file"), ("link_to_directory", "directory"), ("up", "../package")] {
        symlink(target, package.join(name)).unwrap();
    }
    let outside = fixtures.folder("outside");
    std::fs::write(outside.join("beside"), "").unwrap();
    let program = project.join("refusals.py");
    let frozen = fixtures.freeze([&program], interpreter);
    let mut python = python_command(&interpreter.python);
    python.arg(&program).arg(&outside).current_dir("/");
    let expected = execute(&mut Jail::find().unwrap().read_only(&project, &python)).succeeded("python").out();
    let mut frozen = plain_command(frozen);
    let found = execute(frozen.arg(&outside).current_dir("/")).succeeded("the program").out();
    let differing = |(expected, found): (&str, &str)| {
        (expected != found).then(|| format!("python: {expected}\nfrozen: {found}\n"))
    };
    let differences: String = expected.lines().zip(found.lines()).filter_map(differing).collect();
    assert_eq!(differences, "");
    assert_eq!(found.lines().count(), expected.lines().count());
    assert!(expected.lines().count() > 2000 && expected.contains("file unlink EROFS\n"), "{expected}");
}

fn make_executable(path: &Path) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn compile(folder: &Path, arguments: &[&str]) {
    let status = Command::new("cc").args(arguments).current_dir(folder).status().unwrap();
    assert!(status.success(), "cc {arguments:?}");
}

fn libraries(fixtures: &Fixtures, interpreter: &Interpreter) {
    libraries_with(fixtures, interpreter, &[]);
}

/// What is loaded from the disk comes with what it needs from the archive.
fn libraries_on_disk(fixtures: &Fixtures, interpreter: &Interpreter) {
    libraries_with(fixtures, interpreter, &["--materialize", "plugins"]);
    libraries_with(fixtures, interpreter, &["--onedir"]);
}

fn libraries_with(fixtures: &Fixtures, interpreter: &Interpreter, options: &[&str]) {
    let folder = fixtures.folder("virtual");
    copy_folder(&fixtures.spec("virtual_files/libraries"), &folder);
    // In a directory that only the plugin's RUNPATH names.
    let elsewhere = fixtures.folder("elsewhere");
    let name = "libelsewhere_of_run_path.so";
    let beside = elsewhere.join(name);
    let run_path = format!("-Wl,-rpath,$ORIGIN:{}", elsewhere.display());
    let shared = ["-shared", "-fPIC", "-Wl,--enable-new-dtags"];
    let build = |more: &[&str]| compile(&folder, &[shared.as_slice(), more].concat());
    build(&["needed.c", "-Wl,-soname,libneeded.so", "-o", "plugins/libneeded.so"]);
    build(&["plugin.c", "-Lplugins", "-lneeded", &run_path, "-o", "plugins/libplugin.so"]);
    build(&["undefined.c", "-o", "plugins/libundefined.so"]);
    build(&["needed.c", "-o", beside.to_str().unwrap()]);
    is_well(fixtures, interpreter, &folder.join("libraries.py"), options, &[name]);
}

fn programs(fixtures: &Fixtures, interpreter: &Interpreter) {
    let folder = fixtures.folder("virtual");
    copy_folder(&fixtures.spec("virtual_files/programs"), &folder);
    compile(&folder, &["-static", "tool.c", "-o", "tools/tool"]);
    compile(&folder, &["tool.c", "-o", "tools/linked"]);
    std::fs::write(folder.join("tools/script"), "#!/bin/sh\necho $0 $1\nexit 3\n").unwrap();
    make_executable(&folder.join("tools/script"));
    std::fs::write(folder.join("tools/plain"), "no program\n").unwrap();
    is_well(fixtures, interpreter, &folder.join("programs.py"), &[], &[]);
}
