"""Executes code of a large extension in an order that nobody can expect, in several circumstances."""

import sys

CASE = sys.argv[1]
if CASE == "locked":
    import ctypes

    # MCL_FUTURE: the kernel provides all pages of what is mapped from now on.
    print("mlockall", ctypes.CDLL(None).mlockall(2))

import large

if CASE == "closed":
    import os

    os.closerange(3, 4096)


def places(numbers):
    return [hex(large.place(number)) for number in numbers]


if CASE == "forked":
    import os

    child = os.fork()
    if not child:
        print("child", places(range(15, -1, -1)), flush=True)
        os._exit(7)
    print("child ended with", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
elif CASE == "spawned":
    import subprocess

    print(subprocess.run(["sh", "-c", "ls /proc/self/fd | wc -l"], capture_output=True, close_fds=False).stdout)
elif CASE == "threads":
    import threading

    found = {}
    threads = [
        threading.Thread(target=lambda number=number: found.update({number: places([number, 15 - number, number])}))
        for number in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(sorted(found.items()))
elif CASE == "one":
    print(places([13]))

if CASE != "one":
    print(large.constructed(), places([15, 0, 8, 3, 12, 12, 1, 14]), places(range(16)))
