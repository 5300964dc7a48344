"""A module to be run with -m, a function to be run by its name, and one below another name."""

import sys

from . import names


class Commands:
    @staticmethod
    def inner():
        print("inner", sys.argv[1:])
        return 4


def main():
    print("main", __name__, names.GREETING, sys.argv[1:])
    return 3


def text():
    return "the last word"


def nothing():
    print("nothing")


if __name__ == "__main__":
    print("as __main__", __package__, __spec__.name)
    sys.exit(main())
