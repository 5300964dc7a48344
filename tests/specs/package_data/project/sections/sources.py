"""Sources: what inspect, linecache and tracebacks show of them."""

import inspect
import linecache
import sys
import traceback
import warnings

import own
import samples
import samples.unit

from . import outcome


def inspected():
    unit = samples.unit
    print(outcome(inspect.getsource, unit.answer), outcome(inspect.getsource, unit.Box.fail))
    print(inspect.getsourcefile(unit), inspect.getfile(unit.answer), inspect.getmodule(unit.answer).__name__, outcome(inspect.getsourcelines, unit.Box))
    print(outcome(inspect.getcomments, unit.answer), inspect.getdoc(unit.answer), inspect.signature(unit.answer))
    print(outcome(inspect.getsource, inspected)[:30], outcome(inspect.findsource, own)[:1])


def read_as_text():
    with open(samples.unit.__file__) as file:
        print(file.read())
    print(outcome(samples.unit.__loader__.get_source, "samples.unit"), linecache.getlines(samples.unit.__file__)[:3], linecache.getline(__file__, 1))


def tracebacks():
    try:
        samples.unit.fail()
    except ZeroDivisionError as error:
        print(traceback.format_exc())
        print([(frame.name, frame.lineno, frame.line) for frame in traceback.extract_tb(error.__traceback__)])
    print(traceback.format_stack()[-1])


def uncaught():
    try:
        samples.unit.fail()
    except ZeroDivisionError as error:
        raise ValueError("another") from error


def warned():
    warnings.warn("of a kind", UserWarning, stacklevel=1)
    warnings.showwarning("of another", RuntimeWarning, samples.unit.__file__, 6)
    print(warnings.formatwarning("text", UserWarning, samples.unit.__file__, 4))


def traced():
    lines = []

    def trace(frame, event, argument):
        if frame.f_code.co_filename == samples.unit.__file__:
            lines.append((event, frame.f_lineno, linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()))
        return trace

    sys.settrace(trace)
    samples.unit.answer()
    sys.settrace(None)
    print(lines)
