"""Collects while it is imported."""

import gc
import weakref


class Node:
    """An object with a reference to itself."""

    def __init__(self):
        self.own = self


gc.collect()
watched = [weakref.ref(Node()) for _ in range(100)]
COLLECTED = gc.collect() >= 100
GONE = sum(node() is None for node in watched)
