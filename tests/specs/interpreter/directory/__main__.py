import sys

print(__name__, __spec__.name, __package__, sys.argv, sys.path[0] == sys.argv[0])
