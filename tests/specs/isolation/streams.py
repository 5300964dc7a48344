"""Which standard streams there are, told to a file, and what writing to them does."""

import json
import os
import sys

with open(sys.argv[1], "w", encoding="utf-8") as report:
    print([stream is None for stream in (sys.stdin, sys.stdout, sys.stderr)], file=report)
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
            print(descriptor, "is open", file=report)
        except OSError as error:
            print(descriptor, error.strerror, file=report)
    print(json.dumps("printed"))
    print("complained", file=sys.stderr)
    print("end", file=report)
