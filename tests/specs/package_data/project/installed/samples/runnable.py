"""Prints how it runs."""

import sys

value = 7
print("runs as", __name__, __package__, __spec__ and __spec__.name, len(sys.argv))

if __name__ == "__main__":
    print("as the main module", value)
