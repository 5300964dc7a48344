//! Options that say what goes into an executable, on the command line and in `[tool.snapfreeze]`: each seen at work in
//! a frozen program, and each way to get one wrong.

use std::path::{Path, PathBuf};

use libtest_mimic::Trial;
use snapfreeze_tests::execution::{plain_command, python_command};
use snapfreeze_tests::{Fixtures, Interpreter, Outcome, execute};

mod errors;
mod hooks;
mod programs;
mod project;

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    let preferred = fixtures.preferred();
    let one = |name: &str, body: fn(&Fixtures, &Interpreter)| {
        fixtures.trial(format!("options::{name}"), &preferred).runs(body)
    };
    let mut trials = vec![
        one("an excluded module and what is below it are not there, whatever names them", excluded),
        one("an excluded module of the standard library is not there", excluded_stdlib),
        one("what is part of the interpreter is not excluded, with a warning", excluded_builtin),
        one("modules are looked for in the directories of --paths as in those of PYTHONPATH", paths),
        one("a traced run sees the directories of --paths", traced_paths),
        one("metadata of a distribution are copied, with what it requires if that is asked for", metadata),
        one("each level of compression gives the same program, the later the smaller", compressed),
        one("native files keep their symbol tables with --no-strip", unstripped),
        one("shared libraries of a package are collected, those beside it too", binaries),
    ];
    trials.extend(hooks::trials(fixtures));
    trials.extend(project::trials(fixtures));
    trials.extend(programs::trials(fixtures));
    trials.extend(errors::trials(fixtures));
    trials
}

/// A folder with these files.
fn folder(fixtures: &Fixtures, files: &[(&str, &str)]) -> PathBuf {
    let folder = fixtures.folder("options");
    for (name, text) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

/// What `snapfreeze build ARGUMENTS --python … -o program` in a folder says.
fn build(fixtures: &Fixtures, python: &Interpreter, folder: &Path, arguments: &[&str]) -> Outcome {
    let mut command = fixtures.snapfreeze();
    command.arg("build").args(arguments).arg("--python").arg(&python.python).args(["-o", "program"]);
    execute(command.current_dir(folder))
}

/// Builds, without a word on stderr, and runs what was built.
#[track_caller]
fn frozen(fixtures: &Fixtures, python: &Interpreter, folder: &Path, arguments: &[&str]) -> Outcome {
    let built = build(fixtures, python, folder, arguments).succeeded("build");
    assert_eq!(built.err(), "");
    execute(&mut plain_command(folder.join("program")))
}

fn excluded(fixtures: &Fixtures, python: &Interpreter) {
    let program = "\
import importlib, os, pkg, pkg.small
NAMES = ['pkg.big', 'pkg.big.part', 'pkg.bigger', 'single']
for name in NAMES:
    try:
        importlib.import_module(name)
        print('there:', name)
    except ModuleNotFoundError as error:
        print(error)
try:
    from pkg import big
except ImportError as error:
    print(type(error).__name__)
for name in ['big/data.txt', 'small.txt']:
    print(name, os.path.exists(os.path.join(os.path.dirname(pkg.__file__), name)))
";
    let folder = folder(
        fixtures,
        &[
            ("main.py", program),
            ("single.py", ""),
            ("pkg/__init__.py", ""),
            (
                "pkg/small.py",
                "import single\n\ndef later():\n    from . import big\n    from .big import part\n",
            ),
            ("pkg/small.txt", "x"),
            ("pkg/bigger.py", ""),
            ("pkg/big/__init__.py", ""),
            ("pkg/big/part.py", ""),
            ("pkg/big/data.txt", "x"),
        ],
    );
    let all = frozen(fixtures, python, &folder, &["main.py"]).succeeded("program");
    let expected = "there: pkg.big\nthere: pkg.big.part\nthere: pkg.bigger\nthere: single\n";
    assert_eq!(all.out(), format!("{expected}big/data.txt True\nsmall.txt True\n"));
    let excluding = ["main.py", "--exclude-module", "pkg.big"];
    let expected = "\
No module named 'pkg.big'
No module named 'pkg.big'
there: pkg.bigger
there: single
ImportError
big/data.txt False
small.txt True
";
    assert_eq!(frozen(fixtures, python, &folder, &excluding).succeeded("program").out(), expected);
    let excluding = ["main.py", "--collect-all", "pkg", "--exclude-module=pkg.big"];
    assert_eq!(frozen(fixtures, python, &folder, &excluding).succeeded("program").out(), expected);
}

fn compressed(fixtures: &Fixtures, python: &Interpreter) {
    let program =
        "import decimal, json, ssl\nprint(decimal.Decimal('1.50') * 2, json.dumps([ssl.HAS_SNI]))\n";
    let folder = folder(fixtures, &[("main.py", program)]);
    let sizes = ["fast", "balanced", "small"].map(|level| {
        let outcome = frozen(fixtures, python, &folder, &["main.py", "--compress", level]);
        assert_eq!(outcome.succeeded("program").out(), "3.00 [true]\n", "{level}");
        std::fs::metadata(folder.join("program")).unwrap().len()
    });
    assert!(sizes[0] > sizes[1] && sizes[1] > sizes[2], "{sizes:?}");
}

fn unstripped(fixtures: &Fixtures, python: &Interpreter) {
    // e_shoff tells whether the file that the program sees has sections.
    let program =
        "import _ctypes\nbytes = open(_ctypes.__file__, 'rb').read()\nprint(len(bytes), any(bytes[40:48]))\n";
    let folder = folder(fixtures, &[("main.py", program)]);
    let installed = execute(python_command(&python.python).arg(folder.join("main.py"))).succeeded("python");
    let kept = frozen(fixtures, python, &folder, &["main.py", "--no-strip"]);
    assert_eq!(kept.out(), installed.out());
    assert!(kept.out().ends_with("True\n"), "{kept:?}");
    let stripped = frozen(fixtures, python, &folder, &["main.py"]);
    assert!(stripped.out().ends_with("False\n"), "{stripped:?}");
}

fn excluded_stdlib(fixtures: &Fixtures, python: &Interpreter) {
    let program = "import decimal\nprint(decimal.__name__)\nimport sqlite3\n";
    let folder = folder(fixtures, &[("main.py", program)]);
    let arguments = ["main.py", "--exclude-module", "sqlite3", "--exclude-module", "_decimal"];
    let outcome = frozen(fixtures, python, &folder, &arguments);
    // Without its C module, decimal takes its own code in Python.
    assert_eq!(outcome.out(), "decimal\n");
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert!(outcome.err().contains("ModuleNotFoundError: No module named 'sqlite3'\n"), "{outcome:?}");
}

fn excluded_builtin(fixtures: &Fixtures, python: &Interpreter) {
    let folder = folder(fixtures, &[("main.py", "import itertools\nprint(next(itertools.count()))\n")]);
    let built =
        build(fixtures, python, &folder, &["main.py", "--exclude-module", "itertools"]).succeeded("build");
    assert_eq!(built.err(), "warning: itertools is part of the interpreter itself and cannot be excluded\n");
    assert_eq!(execute(&mut plain_command(folder.join("program"))).succeeded("program").out(), "0\n");
}

fn paths(fixtures: &Fixtures, python: &Interpreter) {
    let program = "import here, first, second, third, csv\nfor module in (here, first, second, third, csv):\n    print(module.WHERE)\n";
    let folder = folder(
        fixtures,
        &[
            ("main.py", program),
            ("here.py", "WHERE = 'own'\n"),
            ("a/here.py", "WHERE = 'a'\n"),
            ("a/first.py", "WHERE = 'a'\n"),
            ("b/first.py", "WHERE = 'b'\n"),
            ("b/second.py", "WHERE = 'b'\n"),
            ("c/third/__init__.py", "from .sub import WHERE\n"),
            ("c/third/sub.py", "WHERE = 'c'\n"),
            ("c/csv.py", "WHERE = 'c'\n"),
        ],
    );
    let mut command = python_command(&python.python);
    command.arg("main.py").env("PYTHONPATH", "a:b:c").current_dir(&folder);
    let expected = execute(&mut command).succeeded("python");
    let outcome = frozen(fixtures, python, &folder, &["main.py", "--paths", "a:b", "--paths", "c"]);
    assert_eq!(outcome.out(), expected.out());
    assert_eq!(outcome, expected);
}

/// A traced run sees the directories, too.
fn traced_paths(fixtures: &Fixtures, python: &Interpreter) {
    let program = "import importlib, sys\nprint(importlib.import_module(sys.argv[1]).WHERE)\n";
    let folder = folder(fixtures, &[("main.py", program), ("lib/named.py", "WHERE = 'lib'\n")]);
    let arguments = ["main.py", "--paths", "lib", "--trace", "-- named"];
    build(fixtures, python, &folder, &arguments).succeeded("build");
    let outcome = execute(plain_command(folder.join("program")).arg("named"));
    assert_eq!(outcome.succeeded("program").out(), "lib\n");
}

fn metadata(fixtures: &Fixtures, python: &Interpreter) {
    let program = "\
import importlib.metadata
for name in 'first-thing', 'second', 'third', 'fourth', 'fifth':
    name = name[:]
    try:
        print(importlib.metadata.version(name + ''))
    except importlib.metadata.PackageNotFoundError:
        print('none')
";
    let folder = folder(
        fixtures,
        &[
            ("main.py", program),
            (
                "lib/First_Thing-1.0.dist-info/METADATA",
                "Name: First-Thing\nVersion: 1.0\nRequires-Dist: second[more]>=1\n\
                Requires-Dist: fourth ; sys_platform == 'win32'\nRequires-Dist: absent\n",
            ),
            (
                "lib/second-2.0.dist-info/METADATA",
                "Name: second\nVersion: 2.0\nRequires-Dist: third ; extra == 'more'\n\
                Requires-Dist: fifth ; extra == 'other'\nRequires-Dist: first.thing\n",
            ),
            ("lib/third-3.0.dist-info/METADATA", "Name: third\nVersion: 3.0\n"),
            ("lib/fourth-4.0.dist-info/METADATA", "Name: fourth\nVersion: 4.0\n"),
            ("lib/fifth-5.0.dist-info/METADATA", "Name: fifth\nVersion: 5.0\n"),
        ],
    );
    let of = |options: &[&str]| {
        let arguments = [&["main.py", "--paths", "lib"], options].concat();
        frozen(fixtures, python, &folder, &arguments).succeeded("program").out()
    };
    assert_eq!(of(&[]), "none\nnone\nnone\nnone\nnone\n");
    assert_eq!(of(&["--copy-metadata", "first.Thing"]), "1.0\nnone\nnone\nnone\nnone\n");
    assert_eq!(of(&["--recursive-copy-metadata", "first_thing"]), "1.0\n2.0\n3.0\nnone\nnone\n");
    let both = ["--recursive-copy-metadata=second", "--copy-metadata=fourth"];
    // The second requires the first, and that the second with its extra.
    assert_eq!(of(&both), "1.0\n2.0\n3.0\n4.0\nnone\n");
}

fn binaries(fixtures: &Fixtures, python: &Interpreter) {
    let program = "\
import os, sys
for name in ['pkg/lib/liba.so.1', 'pkg/tests/libb.so', 'pkg/tests/data.txt', 'pkg.libs/libc-1.so', 'other.libs/libd.so']:
    print(name, os.path.exists(os.path.join(sys._MEIPASS, name)))
";
    let folder = folder(
        fixtures,
        &[
            ("main.py", program),
            ("lib/pkg/__init__.py", ""),
            ("lib/pkg/lib/liba.so.1", "no library, but a file with the name of one"),
            ("lib/pkg/tests/libb.so", "another"),
            ("lib/pkg/tests/data.txt", "text"),
            ("lib/pkg.libs/libc-1.so", "yet another"),
            ("lib/other.libs/libd.so", "not the package's"),
        ],
    );
    let of = |option: &str| {
        let outcome = frozen(fixtures, python, &folder, &["main.py", "--paths", "lib", option, "pkg"]);
        outcome.succeeded("program").out().lines().map(|line| line.ends_with("True")).collect::<Vec<_>>()
    };
    assert_eq!(of("--hidden-import"), [true, false, false, false, false]);
    assert_eq!(of("--collect-binaries"), [true, true, false, true, false]);
    assert_eq!(of("--collect-all"), [true, true, true, true, false]);
}
