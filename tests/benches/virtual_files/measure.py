"""Prints nanoseconds: stat of a real file, of a file of a package, and reading the latter. Arguments: library, file."""

import ctypes
import os
import sys

import package

library, real = sys.argv[1:3]
measure = ctypes.CDLL(library)
measure.measure_stat.restype = measure.measure_read.restype = ctypes.c_double
data = os.path.join(os.path.dirname(package.__file__), "data.txt")


def of(function, path, batches):
    return function(path.encode(), ctypes.c_long(batches))


print(
    of(measure.measure_stat, real, 600),
    of(measure.measure_stat, data, 600),
    of(measure.measure_read, data, 40),
)
