"""In which order a program's end calls finalizers: of objects in a graph without a plan, some of them held by C code.

`held` is a package with an extension module: with one, the second of the last collections is prepared.
"""

import ctypes
import gc
import os
import sys
import weakref

import held._lsprof  # noqa

COUNT, SEED = int(sys.argv[1]), int(sys.argv[2])

# The order is to be that of the last collections, which come all the same, and of no others.
gc.disable()
gc.collect()


class Numbers:
    """The same numbers everywhere."""

    def __init__(self, seed):
        self.state = seed

    def below(self, end):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) % end


class Node:
    """Tells when it goes, without names that may have gone before."""

    def __init__(self, name, write=os.write):
        self.name = name
        self.write = write

    def __del__(self):
        self.write(1, self.name.encode() + b"\n")


class Derived(Node):
    """One with a place for an attribute."""

    __slots__ = ("held",)


def closure(node):
    return lambda: node


def suspended(node):
    yield node


numbers = Numbers(SEED)
nodes = [(Node, Derived)[number % 2]("node %d" % number) for number in range(COUNT)]
references = []
for number, node in enumerate(nodes):
    node.self = node
    for turn in range(numbers.below(4)):
        other = nodes[numbers.below(COUNT)]
        way = numbers.below(7)
        if way == 0:
            value = [other, {}]
        elif way == 1:
            value = (other, (1, "text", (2.5,)))
        elif way == 2:
            value = {"other": other, "more": {"none": None}}
        elif way == 3:
            value = closure(other)
        elif way == 4:
            value = suspended(other)
            next(value)
        elif way == 5:
            value = type("Made", (), {"other": other})
        else:
            value = weakref.ref(other, lambda one, name=node.name, write=os.write: write(1, name.encode() + b" is told\n"))
        setattr(node, "way%d" % turn, value)
    fate = numbers.below(40)
    if fate == 0:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(node))
    elif fate == 1:
        setattr(sys, "kept%d" % number, node)
    elif fate == 2:
        globals()["kept%d" % number] = node
    elif fate == 3:
        references.append(weakref.ref(node, lambda one, number=number, write=os.write: write(1, b"told %d\n" % number)))
del nodes, node, other, value
