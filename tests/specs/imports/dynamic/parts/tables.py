import importlib


def import_from(package: str, table: dict, name: str) -> object:
    return getattr(importlib.import_module("." + table[name].lstrip("."), package), name)
