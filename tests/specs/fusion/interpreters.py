"""How many blocks of memory each interpreter leaves behind that has been created and ended."""

import sys

try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters


def end_some(count):
    for _ in range(count):
        number = interpreters.create()
        interpreters.run_string(number, "class Own(dict): pass")
        interpreters.destroy(number)
    return sys.getallocatedblocks()


before = end_some(5)
print((end_some(5) - before) // 5)
