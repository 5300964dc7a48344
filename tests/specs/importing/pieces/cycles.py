"""Leaves garbage in a cycle behind."""

import weakref


class Thing:
    pass


def make():
    thing = Thing()
    thing.itself = thing
    return thing


alive = weakref.ref(make())
many = [[] for _ in range(5000)]
