//! What a module says besides its imports: `__all__`, `sys.modules`, `__path__`, `help`.

use super::{MAIN, read, read_as};

fn exports(source: &str) -> Option<Vec<String>> {
    read(source).exports
}

fn names(names: &[&str]) -> Option<Vec<String>> {
    Some(names.iter().map(|&name| name.to_owned()).collect())
}

#[test]
fn reads_literal_exports() {
    assert_eq!(exports("x = 1"), None);
    assert_eq!(exports("__all__ = []"), names(&[]));
    assert_eq!(exports("__all__ = ['x', 'y']"), names(&["x", "y"]));
    assert_eq!(exports("__all__: list[str] = ('x', 'y')"), names(&["x", "y"]));
    assert_eq!(exports("__all__ = ['x'] + ['y']\n__all__ += ('z',)"), names(&["x", "y", "z"]));
    assert_eq!(
        exports("__all__ = ['x']\n__all__.extend(['y'])\n__all__.append('z')"),
        names(&["x", "y", "z"])
    );
    assert_eq!(exports("A = ['x']\n__all__ = A + [*A, 'y']"), names(&["x", "y"]));
    assert_eq!(exports("__all__ = ['x']\n__all__ = __all__ + ['y']"), names(&["x", "y"]));
    assert!(!read("__all__ = ['x']").exports_are_partial);
}

#[test]
fn notes_exports_that_are_not_literal() {
    let found = read("__all__ = ['x'] + m.__all__\n__all__.append(y)");
    assert_eq!(found.exports, names(&["x"]));
    assert!(found.exports_are_partial);
    let found = read("__all__ = [n for n in dir()]");
    assert_eq!(found.exports, None);
    assert!(found.exports_are_partial);
}

#[test]
fn exports_of_dead_branches_and_of_classes_do_not_count() {
    assert_eq!(exports("if 0:\n    __all__ = ['x']\nclass C:\n    __all__ = ['y']"), None);
}

#[test]
fn reads_names_put_into_sys_modules() {
    let source = "import sys\nsys.modules['x'] = y\nsys.modules[__name__ + '.z'] = y\nsys.modules.setdefault('w', y)\n\
                  sys.modules[__name__] = y\nsys.modules[n] = y\nmodules['v'] = y\ndef f():\n    sys.modules['u'] = y\n";
    assert_eq!(read(source).aliases, ["x", "a.b.z", "w", "u"]);
    assert_eq!(read("from sys import modules as m\nm['x'] = y").aliases, ["x"]);
    assert!(read_as(&MAIN, "import sys\nsys.modules[__name__] = y").aliases.is_empty());
}

#[test]
fn extending_the_path_by_pkgutil_is_no_change_of_it() {
    for source in [
        "from pkgutil import extend_path\n__path__ = extend_path(__path__, __name__)",
        "import pkgutil\n__path__ = pkgutil.extend_path(__path__, __name__)",
        "__path__ = __import__('pkgutil').extend_path(__path__, __name__)",
        "__import__('pkg_resources').declare_namespace(__name__)",
        "import pkg_resources\npkg_resources.declare_namespace(__name__)",
        "from pkg_resources import declare_namespace as d\nd(__name__)",
    ] {
        assert!(!read(source).changes_path, "{source}");
    }
}

#[test]
fn recognises_changes_of_the_path() {
    for source in [
        "__path__ = [x]",
        "__path__.append(x)",
        "__path__.insert(0, x)",
        "__path__ += [x]",
        "__path__[:] = [x]",
        "def f():\n    __path__.extend(x)",
        "x = __path__ = []",
    ] {
        assert!(read(source).changes_path, "{source}");
    }
    assert!(!read("x = __path__[0]").changes_path);
}

#[test]
fn recognises_the_builtin_breakpoint() {
    assert!(read("if True:\n    breakpoint()").calls_breakpoint);
    assert!(!read("def breakpoint(): pass\nbreakpoint()").calls_breakpoint);
}

#[test]
fn recognises_the_builtin_help() {
    assert!(read("help(x)").calls_help);
    assert!(read("def f():\n    return help").calls_help);
    for source in [
        "def help(): pass\nhelp()",
        "from x import help\nhelp()",
        "x.help()",
        "f(help=1)",
        "def f(help):\n    help()",
    ] {
        assert!(!read(source).calls_help, "{source}");
    }
}
