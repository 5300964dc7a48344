"""A module's docstring."""


def check():
    """A function's docstring."""
    assert __name__ == "leveled"
    return __debug__
