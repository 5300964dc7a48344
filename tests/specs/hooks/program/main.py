"""Uses a package in ways that nothing but a hook can know of, and prints what it finds."""

import importlib
import importlib.metadata
import inspect
import json
import os
import sys

import displaced
import other
import quiet
import shown
import shown.hidden_part
import silent

SPREADS = True
ROOT = os.path.dirname(os.path.abspath(__file__))


def attempt(action):
    try:
        return action()
    except Exception as error:
        return type(error).__name__


def named(backwards):
    """Imports what no reader of the source sees."""
    return attempt(lambda: importlib.import_module(backwards[::-1]).NAME)


def text(*parts):
    def read():
        with open(os.path.join(ROOT, *parts)) as file:
            return file.read().strip()

    return attempt(read)


def source(module):
    return attempt(lambda: len(inspect.getsource(module)) > 0)


def appended():
    try:
        import spread.appended

        return spread.appended.NAME
    except ImportError as error:
        return str(error)


found = {
    "absolute": named("etulosba_neddih"),
    "from its package": named("evitaler.teiuq"),
    "by call": named("llac_yb.teiuq"),
    "deleted by call": named("deteled.teiuq"),
    "data": [text("share", "one.txt"), text("share", "two.txt"), text("top.text")],
    "directory": text("tree", "deep", "three.txt"),
    "binary": attempt(lambda: sorted(os.listdir(os.path.join(ROOT, "natives"))) != []),
    "metadata": attempt(lambda: importlib.metadata.version("deton"[::-1])),
    "sources": [source(shown), source(shown.hidden_part), source(quiet)],
    "excluded": quiet.optional(),
    "used by another": other.optional(),
    "removed": other.removed(),
    "appended": appended(),
    "displaced": displaced.NAME,
    "failing": named("gniliaf_fo_neddih"),
    "runtime": silent.NAME,
    "installed": named("dellatsni_neddih"),
}
json.dump(found, sys.stdout, indent=1)
