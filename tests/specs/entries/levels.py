"""What the levels of optimisation take away."""

import sys

import leveled

print(__debug__, sys.flags.optimize, bool(__doc__))
print(leveled.check(), leveled.check.__doc__, leveled.__doc__)
try:
    assert not sys, "an assertion"
    print("no assertion")
except AssertionError as error:
    print(error)
