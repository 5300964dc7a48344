"""Garbage whose end imports a module, and the collector is asked for all the time."""

import gc


class Ends:
    def __init__(self, name):
        self.name, self.me = name, self

    def __del__(self):
        try:
            __import__(self.name)
        except ImportError:
            pass


for name in ["colorsys", "chunk", "sched", "this_is_none", "cmd", "quopri"]:
    Ends(name)
