"""A package with a library that is loaded and closed."""

import os

LIBRARY = os.path.join(os.path.dirname(__file__), "libclosing.so")
