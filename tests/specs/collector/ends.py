"""What the collector finds when a program ends: objects in cycles, with types of their own and of others'."""

import atexit
import collections
import ctypes
import gc
import os
import sys
import weakref


def tell(text, write=os.write):
    """Into the file itself: the stream's last flush may be over."""
    write(1, text.encode() + b"\n")



class Node:
    """An object in a cycle, which tells when it goes."""

    __slots__ = ("name", "other", "tell", "__weakref__")

    def __init__(self, name, other=None):
        self.name = name
        self.other = other or self
        self.tell = tell

    def __del__(self):
        self.tell("%s goes" % self.name)


class Derived(collections.OrderedDict):
    """A type with a type compiled into CPython below it, and an object that is in its attributes alone."""

    kept = Node("of a type")


def function(argument=Node("of a function")):
    """An argument's value lives as long as the function."""


def looks():
    known = {id(one) for one in gc.get_objects()}
    tell(str([id(one) in known for one in (int.__add__, str.join, Node.name, Derived.__dict__["kept"], known)]))
    tell(str(any(one is sys for one in gc.get_referrers(sys.__dict__))))


atexit.register(looks)
derived = Derived(one=Node("in a dictionary"))
derived["self"] = derived
sys.kept = [Node("in sys")]
sys.kept.append(sys.kept)
method = Node("of a method").__init__
watched = Node("watched")
reference = weakref.ref(watched, lambda one, tell=tell: tell("the reference is told"))
if "freeze" in sys.argv:
    gc.freeze()
Node("garbage")


class Revived(Node):
    """One that is garbage, and is none any more when it was told so."""

    __slots__ = ()

    def __del__(self, kept=sys.kept):
        self.tell("%s goes" % self.name)
        kept.append(self)


Revived("revived")


def suspended():
    me = generator
    try:
        yield me
    finally:
        me.gi_code
        tell("the generator ends")


generator = suspended()
next(generator)
del generator
if "held" in sys.argv:
    # As a static variable of C code holds an object, and by way of its type all there is.
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(Node("held")))
many = [[] for _ in range(1_100_000)] if "many" in sys.argv else []
deep = []
for _ in range(100_000):
    deep = [deep]
int_add = [int.__add__]
int_add.append(int_add)
tell(str(len(gc.get_referrers(int.__add__)) > 0))
