"""What happens around imports. The first argument chooses one of the functions."""

from __future__ import annotations

import sys


def raised(function, *args):
    try:
        return "returned", function(*args)
    except BaseException as error:
        return type(error).__name__, str(error), getattr(error, "name", None)


def shown(value):
    import os

    return str(value).replace(os.path.dirname(__file__), "ROOT").replace("_snapfreeze", "_frozen_importlib_external")


def attributes():
    import pieces
    import pieces.family.child
    import pieces.plain

    for module in (pieces, pieces.plain, pieces.family, pieces.family.child):
        print(list(vars(module)))
        spec = module.__spec__
        print(list(vars(spec)))
        for name in ("name", "origin", "cached", "parent", "has_location", "loader_state", "submodule_search_locations"):
            print(name, shown(getattr(spec, name)))
        print(module.__package__, module.__loader__ is spec.loader, module.__cached__ == spec.cached, spec._initializing)
        print(list(vars(module.__loader__)), shown(type(module.__loader__).__mro__[-3:]), shown(repr(spec.loader).split(" at ")[0]))
        print(shown(repr(module)), module.__file__ is spec.origin, module.__builtins__ is not None)


def order_of_modules():
    before = set(sys.modules)
    import pieces.family.child  # noqa

    print([name for name in sys.modules if name not in before])


def failures():
    import traceback

    for name in ("pieces.broken", "pieces.imports_broken", "pieces.missing", "missing", "pieces.plain.below"):
        before = set(sys.modules)
        try:
            if name == "pieces.broken":
                import pieces.broken
            elif name == "pieces.imports_broken":
                import pieces.imports_broken
            else:
                __import__(name)
        except Exception as error:
            print(error.args, [frame.name for frame in traceback.extract_tb(error.__traceback__)])
            print([shown(frame.filename) for frame in traceback.extract_tb(error.__traceback__)])
        print(sorted(set(sys.modules) - before))
    import pieces

    print("broken" in vars(pieces), pieces.__spec__._uninitialized_submodules if sys.version_info >= (3, 11) else [])


def failures_by_import_module():
    import importlib
    import traceback

    for name in ("pieces.broken", "pieces.imports_broken"):
        try:
            importlib.import_module(name)
        except Exception as error:
            print(error.args, [frame.name for frame in traceback.extract_tb(error.__traceback__)])
    import pieces.broken


def odd_modules():
    import pieces.replaces_itself

    print(pieces.replaces_itself, sys.modules["pieces.replaces_itself"])

    def removes_itself():
        import pieces.removes_itself

    print(raised(removes_itself))
    import pieces.exits_quietly  # noqa

    print("pieces.halted", raised(halted))


def halted():
    sys.modules["pieces.halted"] = None
    import pieces.halted  # noqa


def circles():
    def circle():
        from pieces.circle_a import value

        return value

    outcome = raised(circle)
    print(outcome[0], shown(outcome[1]))
    import pieces.circle_c

    print(pieces.circle_c.seen, pieces.circle_d.seen)


def side_effects():
    """Importing the package imports the module."""
    import pieces.eager.child as child

    print(child.count, sys.modules["pieces.eager.child"] is child)


def odd_parents():
    import types
    import warnings

    import pieces.family

    class Refusing(types.ModuleType):
        def __setattr__(self, name, value):
            raise AttributeError(name)

    class Other:
        __path__ = pieces.family.__path__
        __spec__ = pieces.family.__spec__

    import pieces.family.child

    for parent in (Refusing("pieces.family"), Other()):
        vars(parent).update(__path__=pieces.family.__path__, __spec__=pieces.family.__spec__)
        sys.modules["pieces.family"] = parent
        del sys.modules["pieces.family.child"]
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            import pieces.family.child  # noqa
        print([(one.category.__name__, str(one.message)) for one in caught], hasattr(parent, "child"))
    sys.modules["pieces.family"] = types.ModuleType("pieces.family")
    del sys.modules["pieces.family.child"]
    print(raised(__import__, "pieces.family.child"))


def other_finders():
    import importlib.machinery

    asked = []

    class Finder:
        def find_spec(self, name, path=None, target=None):
            asked.append(name)
            if name == "pieces.made":
                return importlib.machinery.ModuleSpec(name, self)
            return None

        def create_module(self, spec):
            return None

        def exec_module(self, module):
            module.made = True

    finder = Finder()
    sys.meta_path.insert(0, finder)
    import pieces.plain

    print(asked, pieces.plain.value, __import__("pieces.made").made.made)
    sys.meta_path.remove(finder)
    sys.meta_path.append(finder)
    asked.clear()
    import pieces.family.child  # noqa

    print(asked)
    print(raised(__import__, "pieces.missing"), asked)


def other_paths():
    import pieces

    real, pieces.__path__ = pieces.__path__, []
    print(raised(__import__, "pieces.plain"))
    pieces.__path__ = tuple(real)
    import pieces.plain

    print(pieces.plain.value)
    pieces.__path__ = ["/nowhere"] + real
    import pieces.family

    print(shown(pieces.family.__file__))


def replaced_sys_modules():
    modules = sys.modules
    sys.modules = dict(modules)
    try:
        import pieces.plain
    finally:
        sys.modules = modules
    print(pieces.plain.value)


def threads_wait():
    """A second thread waits for the module that a first one imports."""
    import threading

    import pieces

    pieces.entered, pieces.go_on = threading.Event(), threading.Event()
    results = []

    def first():
        import pieces.slow

        results.append(("first", pieces.slow.done))

    def second():
        from pieces.slow import done

        results.append(("second", done))

    threads = [threading.Thread(target=first)]
    threads[0].start()
    print(pieces.entered.wait(60))
    threads += [threading.Thread(target=second) for _ in range(3)]
    for thread in threads[1:]:
        thread.start()
    threads[1].join(0.2)
    print(threads[1].is_alive(), results)
    pieces.go_on.set()
    for thread in threads:
        thread.join(60)
    print(sorted(results), locks())


def threads_and_circles():
    """Two threads import two modules that import each other: neither waits for ever."""
    import threading

    import pieces

    for _ in range(20):
        pieces.barrier = threading.Barrier(2, timeout=60)
        results = []

        def one():
            import pieces.knot_a

            results.append(pieces.knot_a.done)

        def other():
            import pieces.knot_b

            results.append(pieces.knot_b.done)

        threads = [threading.Thread(target=one), threading.Thread(target=other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        if results != [True, True] or locks():
            print(results, locks())
        del sys.modules["pieces.knot_a"], sys.modules["pieces.knot_b"]
    print("done")


def threads_at_once():
    """Many threads import the same modules: each is executed once."""
    import threading

    import pieces.counted

    counts = pieces.counted.counts
    names = ["pieces.once_a", "pieces.once_b", "pieces.once_c"]

    def work():
        import pieces.once_a, pieces.once_b, pieces.once_c  # noqa

    for _ in range(50):
        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for name in names:
            sys.modules.pop(name)
    print(counts, locks())


def locks():
    """Locks of modules that are still there."""
    import importlib._bootstrap

    return [name for name in importlib._bootstrap._module_locks if name.startswith("pieces")]


def lock_of_a_running_import():
    import pieces.looks_at_locks

    print(pieces.looks_at_locks.seen, locks())


def reloads():
    import importlib

    import pieces.plain

    module = importlib.reload(pieces.plain)
    print(module is pieces.plain, module.value, list(vars(module)))


def lazily():
    import importlib.util

    import pieces  # noqa

    spec = importlib.util.find_spec("pieces.plain")
    loader = importlib.util.LazyLoader(spec.loader)
    spec.loader = loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["pieces.plain"] = module
    loader.exec_module(module)
    print(type(module).__name__, module.value, type(module).__name__, type(module.__loader__).__name__)
    by_hand = importlib.util.module_from_spec(importlib.util.find_spec("pieces.family"))
    print(list(vars(by_hand)))
    by_hand.__loader__.exec_module(by_hand)
    print(by_hand.value)


def audited():
    """Audit hooks see each import and each run of its code."""
    seen = []
    watching = [True]

    def hook(event, args):
        if watching and event in ("import", "exec"):
            seen.append((event, args[0] if event == "import" else args[0].co_name))

    sys.addaudithook(hook)
    import pieces.family.child  # noqa

    watching.clear()
    print(seen)


def collector():
    import gc

    import pieces.collects as inside

    print(inside.facts)
    print(gc.isenabled(), gc.get_threshold() == inside.threshold, min(gc.get_count()) >= 0)


def collector_is_bounded():
    """A module that makes garbage without end does not keep it."""
    import pieces.makes_garbage

    print(pieces.makes_garbage.most < 50000, pieces.makes_garbage.made)


def collector_sees_all():
    """What imports have made can be found, and is collected."""
    import gc
    import weakref

    import pieces.cycles

    gc.collect()
    print(pieces.cycles.alive() is None)
    thing = pieces.cycles.make()
    print(any(one is thing for one in gc.get_objects()))
    reference = weakref.ref(thing)
    del thing
    gc.collect()
    print(reference() is None, gc.get_freeze_count())


def collector_after_imports():
    """At the top of a program the collector runs as ever."""
    import gc
    import weakref

    import pieces.cycles

    gone = []
    for _ in range(200000):
        thing = pieces.cycles.make()
        weakref.finalize(thing, gone.append, 1)
        del thing
        if gone:
            break
    print(bool(gone))


if __name__ == "__main__":
    globals()[sys.argv[1]]()
