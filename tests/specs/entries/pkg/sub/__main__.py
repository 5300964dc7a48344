"""`python -m pkg.sub`."""

from .. import names

print("sub", __name__, __package__, __spec__.name, names.GREETING)
