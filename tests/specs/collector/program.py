"""The garbage collector while modules are imported, and after. The argument chooses."""

import gc
import sys


def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) // 1024


STARTED = [generation["collections"] for generation in gc.get_stats()]


def begins():
    """What the interpreter has made for itself is there for the collector, and nothing of it is frozen."""
    print(sum(STARTED))
    print(gc.isenabled(), gc.get_threshold(), gc.get_freeze_count(), gc.garbage, gc.callbacks)
    print(gc.get_count()[0] <= gc.get_threshold()[0])
    known = {id(one) for one in gc.get_objects()}
    print([id(one) in known for one in (int.__add__, str.join, sys.modules, sys.__dict__, OSError.__init__)])
    print(any(one is sys for one in gc.get_referrers(sys.__dict__)))
    gc.collect()
    garbage(10)
    print(gc.collect() >= 10, gc.get_stats()[2]["collections"] - STARTED[2])


def settings():
    print(gc.isenabled(), gc.get_threshold(), gc.get_freeze_count())
    import looks

    print(looks.SEEN)
    import asyncio
    import unittest.mock

    print(gc.isenabled(), gc.get_threshold(), gc.get_freeze_count())
    import changes

    print(gc.isenabled(), gc.get_threshold())
    import decimal

    print(gc.isenabled(), gc.get_threshold())
    gc.enable()
    print(gc.isenabled(), gc.get_threshold())


def collects():
    import collecting

    print(collecting.COLLECTED, collecting.GONE)


def fails():
    """An import that fails leaves the collector as it was."""
    try:
        import failing
    except ZeroDivisionError as error:
        print(error)
    print(gc.isenabled(), gc.get_threshold())
    counts = gc.get_stats()[0]["collections"]
    garbage(200_000)
    print(gc.get_stats()[0]["collections"] - counts > 50)


def garbage_of_an_import():
    import wasting

    print(wasting.MADE, peak())


def collections_of_an_import():
    before = gc.get_stats()[0]["collections"]
    import asyncio
    import unittest.mock

    print(gc.get_stats()[0]["collections"] - before)


def garbage(number):
    for _ in range(number):
        one = []
        one.append(one)


def garbage_of_the_program():
    import asyncio

    before = [generation["collections"] for generation in gc.get_stats()]
    for _ in range(1_000_000):
        one = []
        one.append(one)
    print(*(generation["collections"] - start for generation, start in zip(gc.get_stats(), before)), peak())


globals()[sys.argv[1]]()
