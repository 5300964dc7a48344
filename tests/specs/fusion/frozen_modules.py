"""Code objects that are compiled into CPython: asked for by threads at once, by children, by other interpreters.

Nothing is imported before that whose code is such an object.
"""

import _imp
import _thread
import binascii
import posix
import sys

# CPython has two strings for many a character: which of them is interned?
print([character for character in map(chr, range(128)) if sys.intern(character) is not character])

NAMES = [name for name in _imp._frozen_module_names() if "only" not in name]


def told(code):
    """What a code object has, without where it lies."""
    names = code.co_names + code.co_varnames + code.co_freevars + code.co_cellvars
    return [
        code.co_name,
        code.co_qualname,
        code.co_firstlineno,
        sum(code.co_code),
        len(code.co_code),
        names,
        [told(const) if hasattr(const, "co_code") else repr(const) for const in code.co_consts],
        code.co_exceptiontable,
        code.co_linetable,
        all(sys.intern(name) is name for name in names),
    ]


def all_of_them():
    return {name: told(_imp.get_frozen_object(name)) for name in NAMES}


def in_a_child():
    child = posix.fork()
    if child == 0:
        all_of_them()
        posix._exit(0)
    print("child", posix.waitpid(child, 0)[1])


def in_threads():
    results = []
    locks = [_thread.allocate_lock() for _ in range(4)]

    def ask(lock):
        results.append(all_of_them())
        lock.release()

    for lock in locks:
        lock.acquire()
        _thread.start_new_thread(ask, (lock,))
    for lock in locks:
        lock.acquire()
    return results


if "interpreter" in sys.argv:
    import _xxsubinterpreters as interpreters

    identity = interpreters.create()
    interpreters.run_string(identity, "import runpy, __hello__; print(runpy.__name__, __hello__.__name__)")
    interpreters.destroy(identity)
if "child" in sys.argv:
    in_a_child()
results = in_threads()
print([result == results[0] for result in results])
for name, result in results[0].items():
    # All of it would be a hundred kilobytes.
    print(name, result[5], binascii.crc32(repr(result).encode()))
in_a_child()

import __phello__.spam
