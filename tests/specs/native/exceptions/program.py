"""Calls C++ code that throws and catches; with an argument, what nobody catches ends the program."""

import sys
import threading

import catching


def raises():
    raise ValueError("of Python")


def all_kinds():
    print(catching.own())
    print(catching.of_the_standard_library())
    print(catching.of_the_other())
    print(catching.of_a_thread())
    print(catching.around_python(lambda: catching.of_the_other()))
    print(catching.around_python(raises))
    print(catching.many_times(), flush=True)


if len(sys.argv) > 1:
    catching.not_caught()
all_kinds()
thread = threading.Thread(target=all_kinds)
thread.start()
thread.join()
