//! Imports that happen later, and libraries that are opened by name.

use super::super::{Form, LibraryName};
use super::{edges, read, shown};

/// The requests that are edges which may fail and happen later, joined by blanks.
fn later(source: &str) -> String {
    let mut found = read(source);
    found.edges.retain(|edge| edge.kind.optional && edge.kind.deferred && edge.kind.dynamic);
    shown(&found).join(" ")
}

/// The libraries that a source opens, as they are named; `-l` before a linker's name.
fn libraries(source: &str) -> String {
    let shown = read(source).libraries.into_iter().map(|library| match library.name {
        LibraryName::File(name) => name,
        LibraryName::Linker(name) => format!("-l{name}"),
    });
    shown.collect::<Vec<_>>().join(" ")
}

#[test]
fn modules_that_are_looked_for_may_be_imported() {
    assert_eq!(later("import importlib.util\nimportlib.util.find_spec('x.y')"), "x.y()");
    assert_eq!(later("from importlib.util import find_spec as f\nf('.y', __package__)"), "a.y()");
    assert_eq!(later("import pkgutil\npkgutil.find_loader('x')\npkgutil.get_loader('y')"), "x() y()");
    assert_eq!(later("import imp\nimp.find_module('x')"), "x()");
    assert_eq!(later("import lazy_loader as lazy\nlazy.load('x.y')"), "x.y()");
    assert_eq!(later("def find_spec(x): pass\nfind_spec('x')"), "");
}

#[test]
fn what_is_looked_for_and_loaded_is_imported_by_a_computed_name() {
    let looks = "from importlib import util\nspec = util.find_spec(name)\n";
    assert!(!read(looks).imports_dynamically);
    assert!(read(&format!("{looks}module = util.module_from_spec(spec)\n")).imports_dynamically);
    assert!(read(&format!("{looks}spec.loader.exec_module(m)\n")).imports_dynamically);
}

#[test]
fn functions_that_import_are_given_names() {
    assert_eq!(later("x = import_optional_dependency('x.y', extra='see the guide')"), "x.y()");
    assert_eq!(later("x = util.try_import('xx', name='yy')"), "xx() yy()");
    assert_eq!(later("x = LazyLoader('xx', globals(), 'a.x')"), "xx() a.x()");
    assert_eq!(later("gettext_lazy('xx')\nimportant('xx')\nimport_string('x y')\nimport_string(x)"), "");
    assert_eq!(
        edges("from importlib import import_module\nimport_module('x')"),
        "importlib:import_module x()"
    );
}

#[test]
fn lazy_imports_of_pep_810_happen_later() {
    let found = read("lazy import x.y\nlazy from x import z\nimport w\n");
    let deferred: Vec<bool> = found.edges.iter().map(|edge| edge.kind.deferred).collect();
    assert_eq!((shown(&found).join(" ").as_str(), deferred), ("x.y x:z w", vec![true, true, false]));
}

#[test]
fn modules_that_answer_for_names_are_known() {
    for source in [
        "def __getattr__(name): pass",
        "__getattr__, __dir__, __all__ = lazy.attach(__name__, ['x'])",
        "import sys\nsys.modules[__name__] = Lazy()",
    ] {
        assert!(read(source).resolves_lazily, "{source}");
    }
    for source in ["class C:\n    def __getattr__(self, name): pass", "import sys\nsys.modules['x'] = y"] {
        assert!(!read(source).resolves_lazily, "{source}");
    }
}

#[test]
fn libraries_are_opened_by_ctypes_and_cffi() {
    assert_eq!(libraries("import ctypes\nctypes.CDLL('libx.so.1')"), "libx.so.1");
    assert_eq!(
        libraries("from ctypes import CDLL, cdll\nCDLL(name='libx.so')\ncdll.LoadLibrary('liby.so')"),
        "libx.so liby.so"
    );
    assert_eq!(libraries("from ctypes.util import find_library\nCDLL(find_library('x'))"), "-lx");
    assert_eq!(libraries("ffi.dlopen('libx-2.so')"), "libx-2.so");
    assert_eq!(libraries("import ctypes\nctypes.CDLL(None)\nCDLL('libx.so')"), "");
}

#[test]
fn strings_name_libraries_where_computed_ones_are_opened() {
    let names =
        "NAMES = ['libx.so.1', 'libx.so', 'libx.dylib', 'my.so', 'lib.so', 'libx.so.conf', 'a libx.so']\n";
    assert_eq!(libraries(names), "");
    assert_eq!(
        libraries(&format!("import ctypes\nfor n in NAMES: ctypes.CDLL(n)\n{names}")),
        "libx.so.1 libx.so"
    );
}

#[test]
fn moved_names_are_asked_for_by_attributes_too() {
    assert_eq!(edges("import six\nsix.moves.urllib.parse.quote(x)\n"), "six six.moves:urllib");
    assert_eq!(edges("import six\nx.moves.urllib\n"), "six");
}

#[test]
fn files_are_modules_where_they_are_run_and_groups_where_they_are_asked_for() {
    let forms = |source: &str| read(source).names.into_iter().map(|named| named.form).collect::<Vec<_>>();
    assert_eq!(forms("x = 'config.py'"), []);
    assert_eq!(forms("exec(open('config.py').read())"), [Form::File("config".to_owned())]);
    assert_eq!(forms("x = join(dirname(__file__), 'config.py')"), [Form::File("config".to_owned())]);
    assert_eq!(forms("x = join(dirname(__file__), '__init__.py')"), []);
    assert_eq!(forms("x = 'my-group'"), []);
    assert_eq!(forms("GROUP = 'my-group'\nentry_points(group=GROUP)"), [Form::Group("my-group".to_owned())]);
}

#[test]
fn the_table_of_a_six_is_no_list_of_imports() {
    assert!(read("x = [MovedModule('tkinter', 'Tkinter')]").names.is_empty());
}
