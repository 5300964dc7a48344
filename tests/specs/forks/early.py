"""What needs a process that has just one thread, or forks, as a program's first deed. The argument chooses."""

import sys


def unshares():
    """unshare(2) with CLONE_NEWUSER is refused in a process with threads."""
    import os

    if hasattr(os, "unshare"):
        unshare = os.unshare
    else:
        import ctypes

        def unshare(flags):
            if ctypes.CDLL(None, use_errno=True).unshare(flags):
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    try:
        unshare(0x10000000)
        print("unshared", os.getuid())
    except OSError as error:
        print(error)


def forks():
    import os
    import warnings

    warnings.simplefilter("always")
    child = os.fork()
    if child == 0:
        import ssl

        os._exit(len(ssl.OPENSSL_VERSION) > 0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def starts_others():
    import subprocess
    import sys

    print(subprocess.run(["/bin/echo", "another program"], capture_output=True).stdout)
    print(subprocess.run(["/bin/sh", "-c", "exit 3"], preexec_fn=lambda: None, close_fds=True).returncode)


def has_a_pool():
    import multiprocessing
    import warnings

    warnings.simplefilter("always")
    with multiprocessing.get_context("fork").Pool(4) as pool:
        print(pool.map(abs, range(-10, 0)))


def becomes_another():
    import os

    os.execv("/bin/echo", ["echo", "in its place"])


def leaves():
    import os

    os._exit(5)


globals()[sys.argv[1]]()
