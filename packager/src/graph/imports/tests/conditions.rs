//! Tests that the target decides, and what is dead because of them.

use super::{MAIN, MODULE, edges, linux, read_as, shown, try_read};

/// What `test` evaluates to: reads `import yes` under it and `import no` in the `else`.
fn known(prelude: &str, test: &str) -> Option<bool> {
    let source = format!("{prelude}\nif {test}:\n    import yes\nelse:\n    import no\n");
    match edges(&source) {
        all if all.ends_with("yes no") => None,
        all if all.ends_with("yes") => Some(true),
        all if all.ends_with("no") => Some(false),
        all => unreachable!("{all}"),
    }
}

const IMPORTS: &str = "import sys, os, platform, typing";

#[test]
fn evaluates_tests_of_platform_and_version() {
    let cases = [
        (true, "sys.platform == 'linux'"),
        (false, "sys.platform == 'win32'"),
        (true, "sys.platform != 'win32'"),
        (false, "sys.platform in ('win32', 'cygwin')"),
        (true, "sys.platform not in ['win32', 'cygwin']"),
        (true, "'linux' in sys.platform"),
        (false, "sys.platform.startswith('win')"),
        (true, "sys.platform.startswith(('win', 'linux'))"),
        (false, "sys.platform[:3] == 'win'"),
        (false, "os.name == 'nt'"),
        (true, "sys.version_info >= (3, 8)"),
        (true, "sys.version_info >= (3, 11)"),
        (false, "sys.version_info < (3, 11)"),
        (false, "sys.version_info >= (3, 12)"),
        (true, "sys.version_info > (3,)"),
        (false, "sys.version_info == (3, 11)"),
        (true, "(3, 8) <= sys.version_info < (3, 13)"),
        (true, "sys.version_info[0] == 3"),
        (false, "sys.version_info[0] < 3"),
        (true, "sys.version_info[:2] == (3, 11)"),
        (true, "sys.version_info[0:2] >= (3, 9)"),
        (true, "sys.version_info[1] >= 11"),
        (true, "sys.version_info.major == 3"),
        (false, "sys.version_info.minor < 11"),
        (true, "sys.implementation.name == 'cpython'"),
        (true, "platform.system() == 'Linux'"),
        (false, "platform.system().lower() == 'windows'"),
        (false, "platform.python_implementation() == 'PyPy'"),
        (true, "sys.maxsize > 2**32"),
        (true, "sys.maxsize == (1 << 63) - 1"),
        (false, "not True"),
        (true, "1"),
        (false, "0"),
        (false, "None"),
        (true, "__debug__"),
        (false, "sys.platform == 'win32' and x"),
        (true, "x or os.name == 'posix'"),
        (true, "not (x and False)"),
        (true, "(sys.platform if True else x) == 'linux'"),
        (false, "typing.TYPE_CHECKING"),
        (false, "TYPE_CHECKING"),
        (true, "not t.TYPE_CHECKING"),
    ];
    for (expected, test) in cases {
        assert_eq!(known(IMPORTS, test), Some(expected), "{test}");
    }
}

#[test]
fn leaves_unknown_what_the_target_does_not_decide() {
    for test in [
        "x",
        "sys.version_info >= (3, 11, 4)",
        "sys.version_info[2] > 3",
        "sys.version_info[9]",
        "sys.platform == x",
        "sys.platform and x",
        "x or sys.platform == 'win32'",
        "sys.platform in (x, 'win32')",
        "sys.flags.verbose",
        "platform.system(x) == 'Linux'",
        "sys.platform < 3",
        "1 << 10**30",
        "2 ** 100000",
        "self.platform == 'win32'",
    ] {
        assert_eq!(known(IMPORTS, test), None, "{test}");
    }
}

#[test]
fn understands_aliases_and_module_constants() {
    let cases = [
        (false, "import sys as _sys", "_sys.platform == 'win32'"),
        (
            true,
            "from sys import platform, version_info as v",
            "platform == 'linux' and v >= (3,) and v.major == 3",
        ),
        (false, "import sys\nWINDOWS = sys.platform == 'win32'", "WINDOWS"),
        (true, "import sys\nPY3 = sys.version_info[0] == 3", "PY3"),
        (false, "import sys\n_MS = (sys.platform == 'win32')", "_MS"),
        (true, "import sys\nW: bool = sys.platform == 'win32'\nX = not W", "X"),
        (true, "import os\nimport os.path", "os.name == 'posix'"),
        (false, "import sys\n_s = sys\nP = _s.platform", "P == 'win32'"),
        (false, "from typing import TYPE_CHECKING as TC", "TC"),
        (
            false,
            "try:\n    from typing import TYPE_CHECKING\nexcept ImportError:\n    TYPE_CHECKING = False",
            "TYPE_CHECKING",
        ),
    ];
    for (expected, prelude, test) in cases {
        assert_eq!(known(prelude, test), Some(expected), "{prelude}: {test}");
    }
}

#[test]
fn a_name_that_is_bound_twice_is_unknown() {
    for prelude in [
        "import sys\nW = sys.platform == 'win32'\nW = True",
        "W = False\ndef f():\n    global W\n    W = True",
        "W = False\nif (W := g()): pass",
        "W = False\nfor W in y: pass",
        "W = False\nwith y as (W, z): pass",
        "W = False\nW |= True",
        "W = False\ntry: pass\nexcept E as W: pass",
        "W = False\nmatch y:\n    case [W, *z]: pass",
        "W = False\ndef W(): pass",
        "from x import *",
        "from x import W",
        "from .x import W",
        "W = V\nV = W",
    ] {
        assert_eq!(known(prelude, "W"), None, "{prelude}");
    }
}

#[test]
fn locals_hide_what_the_module_binds() {
    for function in
        ["def f(sys):\n", "def f():\n    sys = g()\n", "def f(*sys):\n", "def f():\n    for sys in y: pass\n"]
    {
        let source = format!("import sys\n{function}    if sys.platform == 'win32':\n        import x\n");
        assert_eq!(edges(&source), "sys x", "{source}");
    }
    assert_eq!(edges("import sys\nf = lambda sys: sys.platform == 'win32' and __import__('x')"), "sys x()");
    assert_eq!(edges("import sys\n[__import__('x') for sys in y if sys.platform == 'win32']"), "sys x()");
    assert_eq!(edges("def f():\n    import sys\n    if sys.platform == 'win32':\n        import x"), "sys");
    assert_eq!(
        edges(
            "class C:\n    import sys\n    def f(self):\n        if sys.platform == 'win32':\n            import x"
        ),
        "sys x"
    );
}

#[test]
fn plain_flags_are_unknown_since_they_are_set_from_outside_or_meant_for_freezers() {
    assert_eq!(edges("DEBUG = False\ndef f():\n    if DEBUG:\n        import x"), "x");
    assert_eq!(edges("_false = 0\nif _false:\n    import xml.sax.expatreader"), "xml.sax.expatreader");
    assert_eq!(
        edges("import sys\nW = sys.platform == 'win32'\ndef f():\n    if W:\n        import x"),
        "sys"
    );
}

#[test]
fn the_main_block_is_read_only_in_the_entry() {
    let source = "if __name__ == '__main__':\n    import x\nelse:\n    import y";
    assert_eq!(edges(source), "y");
    assert_eq!(shown(&read_as(&MAIN, source)), ["x"]);
}

#[test]
fn only_the_branch_taken_is_read() {
    let source = "import sys\nif sys.platform == 'win32':\n    import x\nelif sys.platform == 'linux':\n    import y\nelse:\n    import z";
    assert_eq!(edges(source), "sys y");
    assert_eq!(edges("while 0:\n    import x\nelse:\n    import y"), "y");
    assert_eq!(edges("__import__('x') if 0 else __import__('y')"), "y()");
    assert_eq!(edges("0 and __import__('x')\n1 or __import__('y')\n1 and __import__('z')"), "z()");
    assert_eq!(edges("[__import__('x') for y in z if 0]"), "");
    assert_eq!(edges("assert 1, __import__('x')"), "");
}

#[test]
fn optimisation_removes_assertions_and_debug_blocks() {
    let mut target = linux(11);
    target.optimize = 1;
    let found = try_read(b"assert __import__('x')\nif __debug__:\n    import y\nimport z", &MODULE, &target);
    assert_eq!(shown(&found.expect("the source is read")), ["z"]);
}

#[test]
fn what_follows_a_certain_raise_or_return_is_dead() {
    assert_eq!(
        edges("import sys\nif sys.platform != 'win32':\n    raise ImportError('win32 only')\nimport x"),
        "sys"
    );
    assert_eq!(edges("import sys\nif sys.platform == 'win32':\n    raise ImportError\nimport x"), "sys x");
    assert_eq!(
        edges(
            "import sys\ndef f():\n    if sys.version_info >= (3,):\n        return 1\n    import x\nimport y"
        ),
        "sys y"
    );
    assert_eq!(edges("def f():\n    if y:\n        return\n    else:\n        raise E\n    import x"), "");
    assert_eq!(edges("def f():\n    if y:\n        return\n    import x"), "x");
    assert_eq!(edges("for y in z:\n    continue\n    import x\nimport w"), "w");
    assert_eq!(edges("assert False\nimport x"), "");
}

#[test]
fn a_raise_that_is_caught_or_swallowed_kills_nothing() {
    assert_eq!(edges("try:\n    raise ImportError\nexcept ImportError:\n    import x\nimport y"), "x y");
    assert_eq!(edges("try:\n    raise E\nfinally:\n    import x\nimport y"), "x");
    assert_eq!(edges("try:\n    raise E\nexcept E:\n    raise F\nimport y"), "");
    assert_eq!(edges("with suppress(ImportError):\n    raise ImportError\nimport y"), "y");
    assert_eq!(edges("while True:\n    break\nimport y"), "y");
}

#[test]
fn decides_simple_match_statements() {
    let source = "import sys\nmatch sys.platform:\n    case 'win32' | 'cygwin':\n        import x\n    case 'linux' if w:\n        import y\n    case _:\n        import z\n";
    assert_eq!(edges(source), "sys y z");
    let source = "import sys\nmatch sys.platform:\n    case 'linux':\n        import x\n    case _:\n        import y\n";
    assert_eq!(edges(source), "sys x");
    assert_eq!(
        edges(
            "match v:\n    case 1:\n        import x\n    case w:\n        import y\n    case _:\n        import z"
        ),
        "x y"
    );
}

#[test]
fn evaluation_ends_on_constants_that_double_or_run_in_a_circle() {
    let mut source = "X0 = 'ab'\n".to_owned();
    for step in 1..2000 {
        source += &format!("X{step} = X{} + X{}\n", step - 1, step - 1);
    }
    source += "Y = Y2\nY2 = Y\nif X1999 == 'a' or Y.x == 3:\n    import x\nimport X1999\n";
    assert_eq!(edges(&source), "x X1999");
}
