"""What numpy's BLAS computes is there as soon as numpy is: its threads may not have begun by then."""

import os
import sys
import threading

import numpy

SIZE = 700
CASE = sys.argv[1]


def product():
    matrix = numpy.arange(SIZE * SIZE, dtype=float).reshape(SIZE, SIZE) % 7
    return (matrix @ matrix).sum()


if CASE == "forks":
    # The library joins its threads before a fork.
    child = os.fork()
    if child == 0:
        os._exit(0 if product() == product() else 1)
    print(os.waitpid(child, 0)[1])
elif CASE == "threads":
    results = []
    started = [threading.Thread(target=lambda: results.append(product())) for _ in range(3)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    print(results)
if CASE != "ends":
    print(product())
