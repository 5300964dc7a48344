"""A module that pretends to be a package, as os does with os.path."""

import sys

from . import real as inside

sys.modules["pkg.alias.inside"] = inside
