"""What a module sees of the collector while it is imported."""

import gc
import weakref


class Thing:
    pass


def make():
    thing = Thing()
    thing.itself = thing
    return weakref.ref(thing)


threshold = gc.get_threshold()
facts = [gc.isenabled()]
reference = make()
gc.collect()
facts.append(reference() is None)
gc.disable()
facts.append(gc.isenabled())
gc.enable()
gc.set_threshold(5, 5, 5)
facts.append(gc.get_threshold())
gc.set_threshold(*threshold)
references = [make() for _ in range(100000)]
facts.append(any(reference() is None for reference in references))
