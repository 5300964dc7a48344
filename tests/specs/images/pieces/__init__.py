"""A package with a data file."""

import os
import sys

if "abort_importing" in sys.argv:
    os.abort()
