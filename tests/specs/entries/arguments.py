"""Arguments, standard input and the exit code."""

import sys

print(sys.argv[1:], sys.stdin.read())
sys.exit(42)
