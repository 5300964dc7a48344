//! Statements and calls that import: what they ask for, how they are reached, and that none is overlooked.

use super::{MAIN, MODULE, ModuleName, PACKAGE, edges, linux, read, read_as, shown, try_read};
use crate::graph::imports::{EdgeKind, ReadError};

fn kinds(source: &str) -> Vec<EdgeKind> {
    read(source).edges.iter().map(|edge| edge.kind).collect()
}

const PLAIN: EdgeKind = EdgeKind {
    deferred: false,
    optional: false,
    fallback: false,
    as_script: false,
    as_script_only: false,
    dynamic: false,
    stub: false,
};

#[test]
fn reads_each_form_of_the_statement() {
    assert_eq!(edges("import x, y.z as w"), "x y.z");
    assert_eq!(edges("from m import x, y as z"), "m:x,y");
    assert_eq!(edges("from m import *"), "m:*");
    assert_eq!(edges("from __future__ import annotations"), "__future__:annotations");
}

#[test]
fn resolves_relative_imports_against_the_package() {
    assert_eq!(edges("from . import x"), "a:x");
    assert_eq!(edges("from .c import x"), "a.c:x");
    let deep = ModuleName { name: "a.b.c", package: "a.b", is_main: false };
    assert_eq!(shown(&read_as(&deep, "from .. import x\nfrom ..d.e import *")), ["a:x", "a.d.e:*"]);
    assert_eq!(shown(&read_as(&PACKAGE, "from .c import x")), ["a.c:x"]);
}

#[test]
fn drops_imports_beyond_the_top_level_package() {
    assert_eq!(edges("from .. import x\nfrom ...c import x\nimport y"), "y");
    assert_eq!(shown(&read_as(&MAIN, "from . import x\nfrom .c import x")), [""; 0]);
}

#[test]
fn gives_the_line_of_each_import() {
    let found = read("'''\n\n'''\r\nimport x\rimport y; import z\n\nif q:\n    import w\n");
    assert_eq!(found.edges.iter().map(|edge| edge.line).collect::<Vec<_>>(), [4, 5, 5, 8]);
}

#[test]
fn marks_imports_in_functions_and_lambdas_as_deferred() {
    let deferred = EdgeKind { deferred: true, ..PLAIN };
    assert_eq!(kinds("def f():\n    import x"), [deferred]);
    assert_eq!(kinds("async def f():\n    async with y:\n        import x"), [deferred]);
    assert_eq!(kinds("f = lambda: __import__('x')"), [EdgeKind { dynamic: true, ..deferred }]);
    assert_eq!(kinds("class C:\n    import x"), [PLAIN]);
    assert_eq!(kinds("def f(a=__import__('x')): pass"), [EdgeKind { dynamic: true, ..PLAIN }]);
}

#[test]
fn marks_imports_that_a_try_protects_as_optional_and_its_handlers_as_fallback() {
    let optional = EdgeKind { optional: true, ..PLAIN };
    let fallback = EdgeKind { fallback: true, ..PLAIN };
    for caught in ["", " ImportError", " ModuleNotFoundError as e", " (OSError, ImportError)", " Exception"] {
        let source = format!(
            "try:\n    import x\nexcept{caught}:\n    import y\nelse:\n    import z\nfinally:\n    import w\n"
        );
        let found = read(&source);
        let names = shown(&found);
        let kind = |module: &str| {
            names.iter().zip(&found.edges).find(|(name, _)| *name == module).map(|(_, edge)| edge.kind)
        };
        assert_eq!(kind("x"), Some(optional), "{source}");
        assert_eq!(kind("y"), Some(fallback), "{source}");
        assert_eq!(kind("z"), Some(optional), "{source}");
        assert_eq!(kind("w"), Some(PLAIN), "{source}");
    }
    assert_eq!(kinds("try:\n    import x\nexcept OSError:\n    import y"), [PLAIN, PLAIN]);
    assert_eq!(kinds("try:\n    import x\nfinally:\n    pass"), [PLAIN]);
}

#[test]
fn suppress_makes_imports_optional() {
    let optional = EdgeKind { optional: true, ..PLAIN };
    assert_eq!(kinds("with contextlib.suppress(ImportError):\n    import x\nimport y"), [optional, PLAIN]);
    assert_eq!(kinds("with suppress(KeyError):\n    import x"), [PLAIN]);
}

#[test]
fn a_function_defined_in_a_try_is_not_protected_by_it() {
    let source = "try:\n    def f():\n        import x\nexcept ImportError:\n    pass";
    assert_eq!(kinds(source), [EdgeKind { deferred: true, ..PLAIN }]);
}

#[test]
fn reads_literal_dynamic_imports() {
    assert_eq!(edges("import importlib\nimportlib.import_module('x.y')"), "importlib x.y()");
    assert_eq!(edges("import importlib.util\nimportlib.import_module(name='x')"), "importlib.util x()");
    assert_eq!(
        edges("from importlib import import_module as load\nload('x')"),
        "importlib:import_module x()"
    );
    assert_eq!(edges("import importlib as i\nload = i.import_module\nload('x')"), "importlib x()");
    assert_eq!(edges("__import__('x')"), "x()");
    assert_eq!(edges("import importlib as i\ni.__import__('x')"), "importlib x()");
    assert_eq!(edges("import builtins\nbuiltins.__import__('x')"), "builtins x()");
    assert_eq!(edges("__import__('x', fromlist=['y', ''])"), "x() x:y");
    assert_eq!(edges("__import__('x', globals(), locals(), [], 1)"), "a.x()");
    assert_eq!(edges("import pkgutil\npkgutil.find_loader('x')"), "pkgutil x()");
    assert!(!read("__import__('x')").imports_dynamically);
}

#[test]
fn resolves_relative_dynamic_imports() {
    let import = "from importlib import import_module as f\n";
    let edge = |call: &str| edges(&format!("{import}{call}")).replace("importlib:import_module ", "");
    assert_eq!(edge("f('.x', __package__)"), "a.x()");
    assert_eq!(edge("f('.x', package=__name__)"), "a.b.x()");
    assert_eq!(edge("f('..x', 'p.q')"), "p.x()");
    assert_eq!(edge("f('.x', __spec__.parent)"), "a.x()");
    assert_eq!(edge("f(__name__ + '.x')"), "a.b.x()");
}

#[test]
fn notes_dynamic_imports_of_what_is_not_known() {
    for call in [
        "load(name)",
        "load(f'{x}.y')",
        "load('.x', p)",
        "load(*names)",
        "__import__(n)",
        "map(__import__, n)",
    ] {
        let found = read(&format!("from importlib import import_module as load\n{call}"));
        assert!(found.imports_dynamically, "{call}");
        assert_eq!(found.edges.len(), 1, "{call}");
    }
}

#[test]
fn leaves_functions_alone_that_only_share_the_name() {
    assert_eq!(edges("def import_module(n): pass\nimport_module('x')"), "");
    assert_eq!(edges("from .compat import import_module\nimport_module('x')"), "a.compat:import_module");
    assert_eq!(edges("import importlib\ndef f(importlib):\n    importlib.import_module('x')"), "importlib");
}

#[test]
fn walks_everything_that_can_hold_an_expression_or_statement() {
    for source in [
        "@__import__('x')\ndef f(): pass",
        "@__import__('x')\nclass C: pass",
        "class C(__import__('x').D, metaclass=y): pass",
        "[z for z in __import__('x')]",
        "{z: __import__('x') for z in y}",
        "(z async for z in y if __import__('x'))",
        "with __import__('x') as y: pass",
        "for z in __import__('x'): pass\nelse: pass",
        "for z in y: pass\nelse:\n    __import__('x')",
        "while y: pass\nelse:\n    __import__('x')",
        "match y:\n    case [z] if __import__('x'): pass",
        "match y:\n    case {'k': v}:\n        __import__('x')",
        "try: pass\nexcept* __import__('x').E: pass",
        "raise E from __import__('x')",
        "type T = __import__('x').T",
        "def f[T: __import__('x').T](): pass",
        "y: __import__('x') = 1",
        "def f(*a: __import__('x'), **k) -> y: pass",
        "f'{__import__(\"x\")!r:>{w}}'",
        "y[1:__import__('x')]",
        "(y := __import__('x'))",
        "assert y, __import__('x')",
        "del y[__import__('x')]",
        "y.z = __import__('x')",
        "y += __import__('x')",
        "async def f():\n    return await __import__('x')",
        "def f():\n    yield from __import__('x')",
        "y = z if w else __import__('x')",
        "__import__('x').y.z()",
        "print(*__import__('x'), **{})",
    ] {
        assert_eq!(edges(source), "x()", "{source}");
    }
}

#[test]
fn strings_in_annotations_are_not_code() {
    assert_eq!(edges("def f(a: \"__import__('x')\") -> 'y': pass"), "");
}

#[test]
fn reports_syntax_errors_with_line_and_column() {
    let error = try_read("x = 1\nx = )\n".as_bytes(), &MODULE, &linux(11));
    assert!(matches!(error, Err(ReadError::Syntax { line: 2, column: 5, .. })), "{error:?}");
    let error = try_read("print 'x'\n".as_bytes(), &MODULE, &linux(11));
    assert!(matches!(error, Err(ReadError::Syntax { line: 1, .. })), "{error:?}");
}

#[test]
fn imports_of_what_somebody_else_has_loaded_are_optional() {
    let optional = EdgeKind { optional: true, ..PLAIN };
    let source = "import sys\nif 'x' in sys.modules:\n    import x\nelse:\n    import y\n";
    assert_eq!(kinds(source), [PLAIN, optional, PLAIN]);
    assert_eq!(kinds("if 'x' in names:\n    import x\n"), [PLAIN]);
}

#[test]
fn private_functions_of_scripts_are_told_from_public_ones() {
    let flags = |source: &str| {
        kinds(source).iter().map(|kind| (kind.as_script, kind.as_script_only)).collect::<Vec<_>>()
    };
    assert_eq!(flags("def _test(): import x\ndef _main(): import y\n"), [(true, true), (true, true)]);
    assert_eq!(flags("def main(): import x\ndef _other(): import y\n"), [(true, false), (false, false)]);
}
