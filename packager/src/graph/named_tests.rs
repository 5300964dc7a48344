//! Which strings bring modules, and which do not.

use crate::compile::workers::tests::interpreters;
use crate::graph::build::tests::{graph_of, tree};

/// The modules of a program's graph whose names begin with `app`, `lib` or `plugin`, joined by blanks.
fn found(files: &[(&str, &str)], more: &[&str]) -> Option<String> {
    let folder = tree(files);
    let interpreter = interpreters().into_iter().next()?;
    let graph = graph_of(&interpreter, folder.path(), more)?;
    let is_ours = |name: &&String| ["app", "lib", "plugin"].iter().any(|start| name.starts_with(start));
    Some(graph.modules.keys().filter(is_ours).cloned().collect::<Vec<_>>().join(" "))
}

const LIB: [(&str, &str); 7] = [
    ("site-packages/lib-1.dist-info/METADATA", "Name: lib\n"),
    ("site-packages/lib/__init__.py", ""),
    ("site-packages/lib/one.py", ""),
    ("site-packages/lib/two/__init__.py", ""),
    ("site-packages/lib/two/models.py", ""),
    ("site-packages/lib/two/tests/__init__.py", ""),
    ("site-packages/lib/two/deep/__init__.py", ""),
];

/// What a program brings of [`LIB`].
fn of_lib(program: &str) -> Option<String> {
    found(&[&LIB[..], &[("main.py", program)]].concat(), &["site-packages"])
}

#[test]
fn dotted_names_of_the_program_bring_modules_and_what_is_below_packages() {
    let Some(one) = of_lib("x = 'lib.one'\n") else { return };
    assert_eq!(one, "lib lib.one");
    for program in ["X = ['lib.two']\n", "def f(x={'a': 'lib.two'}): pass\n"] {
        assert_eq!(of_lib(program).unwrap(), "lib lib.two lib.two.deep lib.two.models", "{program}");
    }
    assert_eq!(of_lib("x = 'lib.one.Class'\n").unwrap(), "lib lib.one");
    assert_eq!(of_lib("x = 'lib.two.models:f'\n").unwrap(), "lib lib.two lib.two.models");
}

#[test]
fn text_that_only_looks_like_a_name_brings_nothing() {
    for program in [
        "'lib.one'\n",
        "def f():\n    'lib.one'\n",
        "def f(x: 'lib.one') -> 'lib.two': pass\n",
        "import logging\nlogging.getLogger('lib.one')\n",
        "x = 'lib'\n",
        "x = 'see lib.one'\n",
        "x = 'lib.one.'\nx = 'lib/one'\n",
        "if False:\n    x = 'lib.one'\n",
        "if name == 'lib.one' or name in ('lib.two', 'lib.one'): pass\n",
        "x = name.startswith('lib.one') or getattr(y, 'lib.one')\n",
        "if x: raise ValueError('lib.one')\n",
    ] {
        assert_eq!(of_lib(program).unwrap_or_default(), "", "{program}");
    }
}

#[test]
fn single_words_count_where_names_are_computed_and_beside_names() {
    let Some(all) = of_lib("import importlib\nfor n in ['lib']: importlib.import_module(n)\n") else {
        return;
    };
    assert_eq!(all, "lib lib.one lib.two lib.two.deep lib.two.models");
    assert_eq!(
        of_lib("X = ['lib.one', 'lib']\n").unwrap(),
        "lib lib.one lib.two lib.two.deep lib.two.models"
    );
    assert_eq!(of_lib("X = ['lib']\nY = ['lib.one']\n").unwrap(), "lib lib.one");
}

#[test]
fn packages_of_the_program_are_named_by_single_words() {
    let files =
        [("main.py", "X = ['app']\n"), ("app/__init__.py", ""), ("app/models.py", ""), ("appendix.py", "")];
    let Some(apps) = found(&files, &[]) else { return };
    assert_eq!(apps, "app app.models");
}

#[test]
fn names_put_together_bring_all_that_match() {
    let files = |call: &'static str| {
        vec![
            ("main.py", "import app.loader\n"),
            ("app/__init__.py", ""),
            ("app/loader.py", call),
            ("app/region_x.py", ""),
            ("app/region_y.py", ""),
            ("app/other.py", ""),
            ("app/sub/__init__.py", ""),
            ("app/sub/region_z.py", ""),
            ("plugin_a.py", ""),
        ]
    };
    let regions = "app app.loader app.region_x app.region_y";
    for call in [
        "__import__('region_%s' % c, globals(), locals(), ['X'], 1)",
        "__import__('region_%-3.2x' % c, globals(), locals(), ['X'], 1)",
        "from importlib import import_module as load\nload(f'app.region_{c}')",
        "from importlib import import_module as load\nload('.region_' + c, __package__)",
        "from importlib import import_module as load\nload('app.region_{}'.format(c))",
        "from importlib import import_module as load\nload('%s.region_%s' % (__package__, c))",
        "from importlib import import_module as load\nload('.'.join([__package__, 'region_' + c]))",
    ] {
        let Some(found) = found(&files(call), &[]) else { return };
        assert_eq!(found, regions, "{call}");
    }
    let top = found(&files("__import__('plugin_' + c)"), &[]);
    assert_eq!(top.unwrap(), "app app.loader plugin_a");
    let nested = found(&files("import importlib as i\ni.import_module(f'app.{p}.region_{c}')"), &[]);
    assert_eq!(
        nested.unwrap(),
        format!("{regions} app.other app.sub app.sub.region_z").replace(
            "app app.loader app.region_x app.region_y app.other",
            "app app.loader app.other app.region_x app.region_y"
        )
    );
}

#[test]
fn packages_that_list_their_modules_bring_them() {
    for listing in [
        "import pkgutil\nfor m in pkgutil.iter_modules(__path__): pass\n",
        "from pkgutil import walk_packages\nwalk_packages(path=__path__)\n",
    ] {
        let files = [
            ("main.py", "import app\n"),
            ("app/__init__.py", listing),
            ("app/one.py", ""),
            ("app/tests/__init__.py", ""),
        ];
        let Some(found) = found(&files, &[]) else { return };
        assert_eq!(found, "app app.one", "{listing}");
    }
}

#[test]
fn distributions_name_only_what_they_require() {
    let program = ("main.py", "import lib\n");
    let named = ("site-packages/lib/__init__.py", "X = ['lib.one', 'plugin.a', 'plugin_b']\n");
    let files = |metadata: &'static str| {
        vec![
            program,
            named,
            ("site-packages/lib/one.py", ""),
            ("site-packages/plugin/__init__.py", ""),
            ("site-packages/plugin/a.py", ""),
            ("site-packages/plugin_b.py", ""),
            ("site-packages/lib-1.dist-info/METADATA", metadata),
            ("site-packages/lib-1.dist-info/top_level.txt", "lib\n"),
            ("site-packages/plugin-1.dist-info/METADATA", "Name: plugin\n"),
            ("site-packages/plugin-1.dist-info/RECORD", "plugin/a.py,,\nplugin_b.py,,\n"),
        ]
    };
    let Some(alone) = found(&files("Name: lib\n"), &["site-packages"]) else { return };
    assert_eq!(alone, "lib lib.one");
    let with = found(&files("Name: lib\nRequires-Dist: plugin>=1\n"), &["site-packages"]);
    assert_eq!(with.unwrap(), "lib lib.one plugin plugin.a plugin_b");
}

#[test]
fn groups_of_entry_points_bring_what_they_lead_to() {
    let files = |program: &'static str| {
        vec![
            ("main.py", program),
            ("site-packages/plugin/__init__.py", ""),
            ("site-packages/plugin/theme.py", ""),
            ("site-packages/plugin/other.py", ""),
            (
                "site-packages/plugin-1.dist-info/entry_points.txt",
                "[x.themes]\na = plugin.theme:T\n[y]\nb = plugin.other\n",
            ),
        ]
    };
    let call = "from importlib import metadata\nfor p in metadata.entry_points(group='x.themes'): p.load()\n";
    let Some(themes) = found(&files(call), &["site-packages"]) else { return };
    assert_eq!(themes, "plugin plugin.theme");
    assert_eq!(found(&files("x = 'themes'\n"), &["site-packages"]).unwrap(), "");
}

#[test]
fn tables_of_packages_that_answer_for_names_list_modules_below_them() {
    let files = |table: &'static str| {
        vec![
            ("main.py", "import lib\n"),
            ("site-packages/lib/__init__.py", table),
            ("site-packages/lib/one.py", ""),
            ("site-packages/lib/two/__init__.py", ""),
            ("site-packages/lib/two/deep.py", ""),
            ("site-packages/lib/other.py", ""),
        ]
    };
    let lazy = "def __getattr__(name): return load(name, TABLE)\n";
    for (table, expected) in [
        ("TABLE = {'one': ['A', 'B'], 'two.deep': ['C']}\n", "lib lib.one lib.two lib.two.deep"),
        ("TABLE = {'A': '.one', 'C': ('.two', 'other x')}\n", "lib lib.one lib.two"),
        ("TABLE = None\nlog('other', '.other')\n", "lib lib.other"),
    ] {
        let with: &'static str = format!("{table}{lazy}").leak();
        let Some(found) = found(&files(with), &["site-packages"]) else { return };
        assert_eq!(found, expected, "{table}");
    }
    let attach = "import lazy_loader as lazy\n\
                  __getattr__, __dir__, _ = lazy.attach(__name__, submodules={'two'}, submod_attrs={'one': ['A']})\n";
    assert_eq!(found(&files(attach), &["site-packages"]).unwrap(), "lib lib.one lib.two");
    let plain = "TABLE = {'one': ['A'], 'two.deep': ['C']}\nlog('.other')\n";
    assert_eq!(found(&files(plain), &["site-packages"]).unwrap(), "lib");
    let for_others = "lazy_import(globals(), aliases={'A': '.two.deep'})\n";
    assert_eq!(found(&files(for_others), &["site-packages"]).unwrap(), "lib lib.two lib.two.deep");
}

#[test]
fn what_serves_tests_is_computed_by_nobody() {
    let files = [
        ("main.py", "import lib\n"),
        ("site-packages/lib/__init__.py", "__import__('lib.' + name)\n"),
        ("site-packages/lib/one.py", ""),
        ("site-packages/lib/testing/__init__.py", ""),
    ];
    let Some(found) = found(&files, &["site-packages"]) else { return };
    assert_eq!(found, "lib lib.one");
}

#[test]
fn files_that_are_run_are_modules() {
    let files = [
        ("main.py", "import lib\n"),
        ("site-packages/lib/__init__.py", "exec(open(join(dirname(__file__), 'config.py')).read())\n"),
        ("site-packages/lib/config.py", "import lib.one\n"),
        ("site-packages/lib/one.py", ""),
    ];
    let Some(found) = found(&files, &["site-packages"]) else { return };
    assert_eq!(found, "lib lib.config lib.one");
}
