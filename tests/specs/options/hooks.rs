//! Runtime hooks: files that run before the program, each on its own.

use libtest_mimic::Trial;
use snapfreeze_tests::execution::plain_command;
use snapfreeze_tests::{Fixtures, Interpreter, execute};

use super::{folder, frozen};

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    let mut trials = Vec::new();
    for slot in fixtures.each() {
        let mut one = |name: &str, body: fn(&Fixtures, &Interpreter)| {
            trials.push(fixtures.trial(format!("options::{name}"), slot).runs(body));
        };
        one("runtime hooks run in order before the program, each in a namespace of its own", in_order);
        one("what a runtime hook raises ends the program", raising);
        one("runtime hooks run in the processes that multiprocessing starts", in_children);
    }
    trials
}

const FIRST: &str = "\
import os, sys, only_for_hooks
print('first', __name__, os.path.basename(__file__), __spec__, 'sys' in globals(), sys.argv[1:])
if __name__ == '__main__':
    import only_when_main
os.environ['FROM_HOOK'] = '1'
def later():
    return os.environ['FROM_HOOK'] + leak
leak = 'x'
sys.later = later
";

const SECOND: &str = "\
print('second', 'leak' in globals(), os if 'os' in globals() else None)
import sys
print(sys.modules['__main__'].__dict__.get('leak'))
";

const PROGRAM: &str = "\
import os, sys
print('program', os.environ['FROM_HOOK'], sys.later(), 'leak' in globals())
";

fn in_order(fixtures: &Fixtures, python: &Interpreter) {
    let files = [
        ("main.py", PROGRAM),
        ("only_for_hooks.py", ""),
        ("only_when_main.py", ""),
        ("one/hook.py", FIRST),
        ("two/hook.py", SECOND),
    ];
    let folder = folder(fixtures, &files);
    let arguments = ["main.py", "--runtime-hook", "one/hook.py", "--runtime-hook", "two/hook.py"];
    frozen(fixtures, python, &folder, &arguments);
    let outcome = execute(plain_command(folder.join("program")).args(["a", "b"])).succeeded("program");
    let expected = "\
first __main__ hook.py None True ['a', 'b']
second False None
None
program 1 1x False
";
    assert_eq!(outcome.out(), expected);
    assert_eq!(outcome.err(), "");
}

fn raising(fixtures: &Fixtures, python: &Interpreter) {
    let files = [
        ("main.py", "print('never')\n"),
        ("fails.py", "import sys\n\ndef fail():\n    1 / 0\n\nfail()\n"),
        ("leaves.py", "import atexit, sys\natexit.register(print, 'at exit')\nsys.exit(7)\n"),
    ];
    let folder = folder(fixtures, &files);
    let outcome =
        frozen(fixtures, python, &folder, &["main.py", "--runtime-hook", "fails.py", "--include-source"]);
    assert_eq!((outcome.code, outcome.out().as_str()), (Some(1), ""), "{outcome:?}");
    let message = outcome.err();
    let place = "program/_internal/_snapfreeze_runtime_hooks/fails.py\", line ";
    let lines: Vec<&str> =
        message.lines().filter(|line| !line.trim_start().starts_with(['^', '~'])).collect();
    assert!(lines.len() == 6 && lines[0] == "Traceback (most recent call last):", "{outcome:?}");
    assert!(lines[1].contains(&format!("{place}6, in <module>")) && lines[2] == "    fail()", "{outcome:?}");
    assert!(lines[3].contains(&format!("{place}4, in fail")) && lines[4] == "    1 / 0", "{outcome:?}");
    assert_eq!(lines[5], "ZeroDivisionError: division by zero", "{outcome:?}");

    let outcome = frozen(fixtures, python, &folder, &["main.py", "--runtime-hook", "leaves.py"]);
    assert_eq!((outcome.code, outcome.out().as_str(), outcome.err().as_str()), (Some(7), "at exit\n", ""));
}

/// As with PyInstaller, whose hooks run wherever the executable is started. The resource tracker runs none of the
/// program's code.
fn in_children(fixtures: &Fixtures, python: &Interpreter) {
    let program = "\
import multiprocessing, os, sys
def work(_):
    return builtins_patched()
def builtins_patched():
    import builtins
    return getattr(builtins, 'patched', None)
if __name__ == '__main__':
    for method in 'fork', 'spawn', 'forkserver':
        context = multiprocessing.get_context(method)
        lock = context.Lock()
        with context.Pool(1) as pool:
            print(method, pool.map(work, [1]), flush=True)
    with open(os.environ['RUNS']) as runs:
        print(sorted(runs.read().split()))
";
    let hook = "\
import builtins, os, sys
builtins.patched = 'yes'
with open(os.environ['RUNS'], 'a') as runs:
    words = ' '.join(sys.argv[1:])
    runs.write('tracker ' if 'resource_tracker' in words else 'hook ')
";
    let folder = folder(fixtures, &[("main.py", program), ("hook.py", hook)]);
    let runs = folder.join("runs");
    let arguments = ["main.py", "--runtime-hook", "hook.py", "--no-config"];
    let built = super::build(fixtures, python, &folder, &arguments).succeeded("build");
    assert_eq!(built.err(), "");
    let outcome = execute(plain_command(folder.join("program")).env("RUNS", &runs)).succeeded("program");
    let expected = "fork ['yes']\nspawn ['yes']\nforkserver ['yes']\n['hook', 'hook', 'hook']\n";
    assert_eq!(outcome.out(), expected, "the program, a spawned child, the fork server");
}
