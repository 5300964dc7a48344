"""`python -m pkg`."""

import sys

from . import GREETING
from .sub import __name__ as sub_name

print(GREETING, sub_name, __name__, __package__, __spec__.name, sys.argv[1:])
sys.exit(5)
