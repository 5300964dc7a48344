"""A package."""

import inspect


def outer():
    def inner():
        return [lambda: (yield)]

    return inner


class Thing:
    def method(self):
        return inspect.currentframe().f_code.co_filename
