"""What is here for reasons that are in no import statement."""

import _decimal
import multiprocessing
import sys

import shop

try:
    import tabnanny
except ImportError:
    tabnanny = None
try:
    import shop._opcode
except ImportError:
    pass

if __name__ == "__main__":
    print(_decimal.__name__, multiprocessing.__name__, shop.__name__, tabnanny)
    for argument in sys.argv[1:]:
        print(__import__(argument).__name__)
