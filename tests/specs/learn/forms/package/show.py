"""What a program sees of how it was started; imports what its argument names."""

import importlib
import sys
from types import ModuleType


def show(main: ModuleType) -> None:
    importlib.import_module(sys.argv[1])
    spec = getattr(main, "__spec__", None)
    print(sys.argv[1:], main.__name__, spec and spec.name, sys.path[0], sys.flags.optimize, flush=True)


def main() -> None:
    show(sys.modules["__main__"])
