"""The program of an executable that is the interpreter, too."""

import json.tool
import sys

print("program", sys.argv[1:], sys.frozen, sys.flags.ignore_environment)
