"""Fails for modules that were left out, in the way that the command line names."""

import sys
import threading


def fail() -> None:
    """Imports what is not there."""
    import tabnanny

    print(tabnanny.__name__)


def caught() -> None:
    """Does without."""
    try:
        fail()
    except ImportError as error:
        print("without", error.name)


def instead() -> None:
    """Says so in its own words."""
    try:
        fail()
    except ImportError:
        raise RuntimeError("tabnanny is needed") from None


def below() -> None:
    """Takes it for an attribute of its package."""
    from xml import sax

    print(sax.__name__)


def other() -> None:
    """Fails for another reason, and for a module of which nobody knew."""
    caught()
    raise LookupError(__import__("not_" + "there", {}, {}, [], 0))


def in_thread() -> None:
    """Ends a thread only."""
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()


WAYS = {
    "uncaught": fail,
    "caught": caught,
    "instead": instead,
    "below": below,
    "other": other,
    "thread": in_thread,
}

WAYS[sys.argv[1]]()
