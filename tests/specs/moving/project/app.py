"""Needs what only options bring: a data file, a module that nothing imports, one of another directory, metadata."""

import importlib
import importlib.metadata
import os
import sys

here = getattr(sys, "_MEIPASS", os.path.dirname(os.path.abspath(__file__)))
with open(os.path.join(here, "assets", "words.txt")) as file:
    print(file.read().strip())
print(importlib.import_module("".join(["plu", "gin"])).NAME)
print(importlib.import_module("".join(["pack", "aging.", "licenses"])).__name__)
print(importlib.metadata.version("".join(["packag", "ing"])))
print(os.environ.get("FIRST"))
