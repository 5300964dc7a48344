"""Signals: in the course of the start, of imports, and where a program has gone wrong. The first argument chooses."""

import sys


def waits():
    import asyncio
    import email.message
    import http.client
    import sqlite3
    import ssl
    import unittest.mock

    print("ready", flush=True)
    import time

    time.sleep(20)


def handled_while_importing():
    import signal

    count = 0

    def handler(number, frame):
        nonlocal count
        count += 1

    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.0002)
    import asyncio
    import ctypes
    import decimal
    import http.client
    import lzma
    import sqlite3
    import ssl
    import unittest.mock
    import xml.etree.ElementTree

    signal.setitimer(signal.ITIMER_REAL, 0)
    print(count > 10, decimal.Decimal(2).sqrt(), sqlite3.connect(":memory:").execute("select 1").fetchall())


def segmentation_fault():
    import faulthandler

    faulthandler.enable()
    faulthandler._sigsegv()


def segmentation_fault_in_c():
    import ctypes
    import faulthandler

    faulthandler.enable()
    print("before", flush=True)
    ctypes.string_at(0)


def mask():
    """The threads of the start leave the signals of the program's own threads as they were."""
    import signal
    import threading

    def show():
        print(sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])))

    show()
    thread = threading.Thread(target=show)
    thread.start()
    thread.join()
    print([signal.getsignal(number) for number in sorted(signal.valid_signals()) if number < 32])


globals()[sys.argv[1]]()
