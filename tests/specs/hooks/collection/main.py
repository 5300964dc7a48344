"""Imports a module that only the collection's hook for the package brings."""

import importlib

import uvicorn

name = "__niam__.nrocivu"[::-1]
try:
    print(uvicorn.Server.__name__, importlib.import_module(name).__name__)
except ModuleNotFoundError as error:
    print(error)
