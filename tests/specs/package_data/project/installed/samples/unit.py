"""A module to look at."""


def answer(of=42):
    """The answer."""
    # A comment that only the source has.
    return of


class Box:
    """Holds a thing."""

    def __init__(self, thing):
        self.thing = thing

    def fail(self):
        return 1 / (self.thing -
                    self.thing)


def fail():
    return Box(3).fail()
