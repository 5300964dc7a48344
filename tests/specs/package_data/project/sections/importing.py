"""Imports after the start: reloads, plugins, archives, namespaces, other interpreters."""

import importlib
import importlib.util
import os
import runpy
import shutil
import sys
import tempfile
import warnings
import zipimport

import own
import samples
import samples.counter
import samples.late
import samples.runnable
import samples.sub
import samples.unit

from . import flush, inside, outcome

REAL = os.environ["REAL"]


def reloads():
    print(samples.counter.count)
    print(importlib.reload(samples.counter) is samples.counter, samples.counter.count, importlib.reload(samples.counter).count)
    samples.unit.answer = None
    print(importlib.reload(samples.unit).answer(), importlib.reload(samples).HERE, importlib.reload(samples.sub).__path__)
    import json

    json.loads = None
    print(importlib.reload(json).loads("[1]"))


def specs():
    for name in ("samples", "samples.unit", "samples.native", "json", "sample_space", "sys", "none", "samples.none"):
        spec = outcome(importlib.util.find_spec, name)
        if spec is None or isinstance(spec, tuple):
            print(name, spec)
            continue
        places = spec.submodule_search_locations
        print(name, spec.name, spec.origin, spec.has_location, spec.parent, spec.cached, places if places is None else list(places))
    again = importlib.util.module_from_spec(importlib.util.find_spec("samples.counter"))
    again.__spec__.loader.exec_module(again)
    print(again.count, again is not samples.counter, again.__file__)
    print(__import__("__main__").__spec__, importlib.util.cache_from_source(samples.__file__), importlib.util.source_from_cache(samples.__cached__))


def run_as_main():
    value = runpy.run_module("samples.runnable", run_name="__main__", alter_sys=True)["value"]
    print(value, runpy.run_module("samples.runnable")["__name__"], outcome(runpy.run_module, "samples.none"))
    print(runpy.run_path(os.path.join(REAL, "script.py"), run_name="__main__")["value"])
    print(outcome(runpy.run_module, "samples.sub"))
    print("samples.runnable" in sys.modules)
    # Programs that start anew remove all that is not builtin; the executable's own module is not listed as such.
    own = sys.modules.pop("_snapfreeze", None)
    print(runpy.run_path(os.path.join(REAL, "script.py"), run_name="again")["value"])
    if own is not None:
        sys.modules["_snapfreeze"] = own


def run_by_path():
    """The path of a bundled module: its source is there, or what stands for it."""
    print(runpy.run_path(samples.runnable.__file__, run_name="__main__")["value"])


def archives_on_the_disk():
    path = os.path.join(REAL, "modules.zip")
    sys.path.insert(0, path)
    import zipped_module
    import zipped_package

    print(zipped_module.value, zipped_package.text, type(zipped_module.__loader__).__name__, os.path.relpath(zipped_package.__file__, REAL))
    importer = zipimport.zipimporter(path)
    print(importer.is_package("zipped_package"), importer.get_data("zipped_package/in.txt"), importer.get_source("zipped_module")[:20])
    import importlib.resources

    print(importlib.resources.files("zipped_package").joinpath("in.txt").read_text())


def plugins():
    sys.path.append(os.path.join(REAL, "plugins"))
    import plugin_one

    print(plugin_one.run(), os.path.relpath(plugin_one.__file__, REAL), type(plugin_one.__loader__).__name__)
    spec = importlib.util.spec_from_file_location("by_location", os.path.join(REAL, "plugins", "plugin_one.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    print(module.name, module.run(), module.__name__)
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "made_now.py"), "w") as file:
            file.write("import samples.unit\nvalue = samples.unit.answer(5)\n")
        sys.path.insert(0, folder)
        print(importlib.import_module("made_now").value)
    print(outcome(importlib.import_module, "made_later"))


def portions_of_a_namespace():
    import sample_space.inner

    print(sample_space.inner.value, len(sample_space.__path__), sample_space.__file__ if hasattr(sample_space, "__file__") else "no file")
    sys.path.append(REAL)
    importlib.invalidate_caches()
    import sample_space.outer

    print(sample_space.outer.value, len(sample_space.__path__), list(sample_space.__path__))
    samples.__path__.append(os.path.join(REAL, "plugins"))
    print(importlib.import_module("samples.plugin_one").name)


def other_interpreters():
    warnings.simplefilter("ignore")
    try:
        import _interpreters as interpreters
    except ImportError:
        import _xxsubinterpreters as interpreters
    code = "\n".join([
        "import samples, samples.late, os, json, importlib.resources",
        "with open(samples.HERE + '/data/text.txt') as file: print('inside', file.readline())",
        "print(samples.late.value, json.loads('[1]'), sorted(os.listdir(samples.HERE))[:3])",
        "print(importlib.resources.files('samples').joinpath('sub', 'data.txt').read_text())",
        "samples.late.value = 'changed inside'",
        "import sys; sys.stdout.flush()",
    ])
    flush()
    for _ in range(2):
        interpreter = interpreters.create()
        path = f"import sys; sys.path[:] = {sys.path!r}"
        print(interpreters.run_string(interpreter, path + "\n" + code))
        flush()
        interpreters.destroy(interpreter)
    print(samples.late.value)


def the_site_module():
    import site

    site.addsitedir(os.path.join(REAL, "site_directory"))
    import from_zip

    print(from_zip.value, callable(site.main), site.ENABLE_USER_SITE in (True, False, None))


def of_the_imp_era():
    if sys.version_info >= (3, 12):
        print(outcome(importlib.import_module, "imp"))
        return
    warnings.simplefilter("ignore")
    import imp

    file, path, description = imp.find_module("unit", samples.__path__)
    with file:
        print(path, description, imp.load_module("loaded_unit", file, path, description).answer(1))
    print(imp.find_module("sub", samples.__path__)[1:], outcome(imp.find_module, "none", samples.__path__))
    print(imp.load_source("loaded_source", samples.unit.__file__).answer(2), imp.reload(samples.counter).count)
    print(imp.load_source("loaded_real", os.path.join(REAL, "plugins", "plugin_one.py")).name, imp.is_builtin("sys"), imp.new_module("x").__name__)
    print(imp.cache_from_source(samples.unit.__file__), outcome(imp.find_module, "native", samples.__path__)[-1])


def other_loaders():
    from importlib.machinery import FileFinder, PathFinder, SourceFileLoader, SourcelessFileLoader

    loader = SourceFileLoader("by_loader", samples.unit.__file__)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("by_loader", loader))
    loader.exec_module(module)
    print(module.answer(8), loader.get_source("by_loader")[:20])
    spec = importlib.util.spec_from_file_location("by_path", samples.unit.__file__)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    print(module.answer(9), module.__file__)
    finder = FileFinder(samples.HERE, (SourceFileLoader, [".py"]), (SourcelessFileLoader, [".pyc"]))
    print(finder.find_spec("unit").origin, finder.find_spec("none"), PathFinder.find_spec("unit", [samples.HERE]).origin)


def cached_bytecode():
    import marshal

    with open(samples.unit.__cached__, "rb") as file:
        content = file.read()
    print(content[:4] == importlib.util.MAGIC_NUMBER, marshal.loads(content[16:]).co_names)
    from importlib.machinery import SourcelessFileLoader

    loader = SourcelessFileLoader("by_bytecode", samples.unit.__cached__)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("by_bytecode", loader))
    loader.exec_module(module)
    print(module.answer(10))


def copied_out():
    """A package copied out of the archive imports from where it is then."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(inside(samples, "sub"), os.path.join(folder, "copied_sub"), ignore=shutil.ignore_patterns("__pycache__"))
        sys.path.insert(0, folder)
        module = importlib.import_module("copied_sub")
        print(os.path.relpath(module.__file__, folder), sorted(os.listdir(module.__path__[0])), own.__doc__)
